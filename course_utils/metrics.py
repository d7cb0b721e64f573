"""How honest is a predicted N(mu, σ²)? All tensors are (n, d); σ is a standard deviation.

Arrays, lists and pandas are read as tensors, and a single column (n,) as (n, 1): set against (n, 1)
it has one reading, value by value. Anything else is a ValueError. A ``level`` is the probability
inside the interval, 0.95, not the 0.05 outside.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Binomial, Normal

from course_utils.losses import same_shape
from course_utils.validation import (
    array,
    column,
    number,
    positive_sigmas,
    probability,
    refuse_where,
    sigmas,
    validated,
)


@validated(mu=array, sigma=sigmas, level=probability)
def interval(mu: Tensor, sigma: Tensor, level: float = 0.95) -> tuple[Tensor, Tensor]:
    """The central interval that N(mu, σ²) fills with probability ``level``: mu ± z σ."""
    same_shape(mu=mu, sigma=sigma)
    if not 0 < level < 1:
        raise ValueError(f"expected 0 < level < 1, got {level}")
    half = math.sqrt(2) * torch.erfinv(torch.tensor(level, dtype=mu.dtype)) * sigma
    return mu - half, mu + half


@validated(y=column, mu=column, sigma=sigmas, level=probability)
def coverage(y: Tensor, mu: Tensor, sigma: Tensor, level: float = 0.95) -> float:
    """The fraction of y inside their intervals; an honest model's is close to ``level``.

    One output at a time, all (n, 1): an average over outputs hides one that is too sure.
    """
    same_shape(y=y, mu=mu, sigma=sigma)
    lower, upper = interval(mu, sigma, level)
    return ((lower <= y) & (y <= upper)).to(y.dtype).mean().item()


@validated(y=array, mu=array, sigma=positive_sigmas)
def pit(y: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
    """The probability integral transform Φ((y − mu)/σ), (n, d): uniform for an honest model.

    Source: Dawid (1984); Gneiting, Balabdaoui & Raftery (2007).
    """
    same_shape(y=y, mu=mu, sigma=sigma)
    return Normal(mu, sigma).cdf(y)


@validated(y=array, mu=array, sigma=positive_sigmas)
def crps(y: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
    """The continuous ranked probability score of each value, (n, d), in the units of y.

    Lower is better; it tends to |y − mu| as σ → 0.
    Source: Gneiting & Raftery (2007), equation 21, with the sign of a loss.
    """
    same_shape(y=y, mu=mu, sigma=sigma)
    standard = Normal(torch.zeros_like(mu), torch.ones_like(mu))
    z = (y - mu) / sigma
    density = standard.log_prob(z).exp()
    return sigma * (z * (2 * standard.cdf(z) - 1) + 2 * density - 1 / math.sqrt(math.pi))


@validated(y=array, lower=array, upper=array, level=probability)
def interval_score(y: Tensor, lower: Tensor, upper: Tensor, level: float = 0.95) -> Tensor:
    """The interval score of each value, (n, d), in the units of y; lower is better.

    With α = 1 − level: the width, plus 2/α times the distance by which y lies outside. It is
    smallest on average where lower and upper are the α/2 and 1 − α/2 quantiles of y.
    Source: Gneiting & Raftery (2007), equation 43.
    """
    same_shape(y=y, lower=lower, upper=upper)
    if (upper < lower).any():
        raise ValueError("expected lower <= upper in every row: are the two swapped?")
    outside = (lower - y).clamp(min=0) + (y - upper).clamp(min=0)
    return upper - lower + 2 / (1 - level) * outside


@validated(y=array, q=array, level=probability)
def pinball(y: Tensor, q: Tensor, level: float) -> Tensor:
    """The pinball loss of each value, (n, d), in the units of y.

    level (y − q) where y is above q, (1 − level)(q − y) where it is below.
    Smallest on average where q is the ``level`` quantile of y. For the ends of a 1 − α interval the
    two losses sum to α/2 times the interval score.
    Source: Koenker & Bassett (1978).
    """
    same_shape(y=y, q=q)
    return torch.maximum(level * (y - q), (level - 1) * (y - q))


class CalibrationCurve(NamedTuple):
    """Each (L,): a level, the coverage observed at it, and the band of an honest model's."""

    levels: Tensor
    observed: Tensor
    lower: Tensor
    upper: Tensor


@validated(y=column, mu=column, sigma=sigmas, levels=column, confidence=probability)
def calibration_curve(
    y: Tensor, mu: Tensor, sigma: Tensor, levels=None, confidence: float = 0.95
) -> CalibrationCurve:
    """The coverage at each of ``levels`` (by default .05, .10, …, .95), with its error band.

    The band: at one level, the coverage of an honest model on as many independent values lies in
    it, ends included, with probability ``confidence`` or a little more. It is the interval between
    two quantiles of the binomial distribution, over n. All levels at once leave it more often.
    """
    if levels is None:
        levels = torch.arange(1, 20, dtype=torch.float64)[:, None] / 20
    refuse_where((levels <= 0) | (levels >= 1), "levels", levels, "must lie between 0 and 1")
    levels = levels.flatten()
    observed = levels.new_tensor([coverage(y, mu, sigma, p) for p in levels.tolist()])
    n = y.numel()
    k = torch.arange(n + 1, dtype=levels.dtype)
    cdf = Binomial(n, levels[:, None]).log_prob(k).exp().cumsum(1)
    tails = torch.stack([levels.new_tensor([1 - confidence, 1 + confidence]) / 2] * len(levels))
    lower, upper = torch.searchsorted(cdf, tails).clamp(max=n).T.to(levels.dtype) / n
    return CalibrationCurve(levels, observed, lower, upper)


@validated(scores=column, level=probability)
def conformal_quantile(scores: Tensor, level: float = 0.95) -> float:
    """The k-th smallest of n calibration scores (n, 1), k = ⌈(n + 1) level⌉; +∞ if k > n.

    A score is the larger the worse y fits: |y − mu|/σ for two ends; y − q, with its sign, limits y
    from above only.
    If the scores and that of a new case are exchangeable, the new one is at most this number with
    probability k/(n + 1) >= level (exactly, without ties), on average over calibration sets and
    new cases. Given the calibration set the probability follows a Beta(k, n + 1 − k) law.
    Source: Vovk, Gammerman & Shafer (2005); the Beta law: Vovk (2012).
    """
    n = len(scores)
    # The factor undoes rounding: 0.07 · 100 is 7.000000000000001 in floats, and k is 7.
    k = math.ceil((n + 1) * level * (1 - 1e-12))
    return math.inf if k > n else scores.flatten().kthvalue(k).values.item()


class PairedComparison(NamedTuple):
    """The mean of a − b, its standard error (both in the units of the scores), and n."""

    difference: float
    error: float
    n: int


@validated(a=column, b=column, test_to_train=number(at_least=0))
def paired_comparison(a: Tensor, b: Tensor, test_to_train: float = 0.0) -> PairedComparison:
    """Two models' scores on the same n cases, a and b (n, 1): the mean of a − b and its s.e.

    Negative: a is better, if the scores are losses. For n independent cases leave
    ``test_to_train`` at 0: the s.e. is s/√n. If a and b are the means of n folds that share their
    training data, pass n_test/n_train of a fold, 1/(n − 1) in n-fold cross-validation:
    s √(1/n + n_test/n_train). Source: Nadeau & Bengio (2003), a heuristic for what has no unbiased
    estimator.
    """
    same_shape(a=a, b=b)
    d = a - b
    error = d.std().item() * math.sqrt(1 / len(d) + test_to_train)
    return PairedComparison(d.mean().item(), error, len(d))
