"""Forecasts judged: the rivals of a report, and another tool's forecast beside them."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.losses import gaussian_nll
from course_utils.metrics import PairedComparison, crps, interval_score, pit
from course_utils.validation import DTYPE

__all__ = ["Judge", "Judgement", "judge_interval", "judge_sigma", "judged", "verdict"]

# The simpler rival is kept until the other is clearly better: nats a row, and standard errors.
WORTH, CLEAR = 0.01, 2
KOLMOGOROV = 1.358  # of √n times the largest distance: 95 % of honest forecasts stay below


# Rivals, by the rows that test


def judged(forecasts, x: Tensor, y: Tensor, tests: Tensor, level: float) -> dict[str, Tensor]:
    """Scores of each row that tests, (n_test, 1), in the units of y.

    "NLL of one σ" is that of the same mean with the one σ of the rows that calibrate.
    """
    found = []
    for forecast, test in zip(forecasts, tests):
        mu, log_var = forecast(x[test])
        sigma, (lower, upper) = (log_var / 2).exp(), forecast.interval(x[test], level)
        z, even = (y[test] - mu) / sigma, forecast.even + 2 * forecast.y_sd.log() + 0 * mu
        nll, flat = gaussian_nll(y[test], mu, log_var), gaussian_nll(y[test], mu, even)
        inside = ((lower <= y[test]) & (y[test] <= upper)).to(DTYPE)
        found.append([mu, sigma, z, nll, flat, crps(y[test], mu, sigma), inside, upper - lower])
    names = "mu", "sigma", "z", "NLL", "NLL of one σ", "CRPS", "covered", "width"
    return {name: torch.cat(values) for name, values in zip(names, zip(*found))}


@dataclass
class Judge:
    """Means over the rows that test, with standard errors that know which of them belong together.

    ``cluster`` (n_test,) numbers groups, or blocks of time; ``folds`` is how many trainings share
    their data, which makes an error longer by √(1 + folds · n_test/n_train) (Nadeau & Bengio 2003).
    """

    cluster: Tensor
    folds: int

    def error(self, values: Tensor, shared: bool = False) -> float:
        values = values[:, 0] - values.mean()
        sums = torch.zeros(int(self.cluster.max()) + 1, dtype=DTYPE)
        sums = sums.index_add(0, self.cluster, values)
        groups = max(2, len(self.cluster.unique()))
        error = sums.square().sum().sqrt().item() / len(values) * math.sqrt(groups / (groups - 1))
        return error * (math.sqrt(1 + self.folds / (self.folds - 1)) if shared else 1)

    def compare(self, a: Tensor, b: Tensor) -> PairedComparison:
        """The mean of a − b and its error."""
        return PairedComparison((a - b).mean().item(), self.error(a - b, self.folds > 1), len(a))

    def beats(self, a: Tensor, b: Tensor) -> bool:
        """Whether the NLL a is lower than b by WORTH over all rows, and by more than CLEAR errors.

        The latter over all rows, or without the hundredth where they differ most: two rows far out
        can make a large gain look unsure.
        """
        if (a - b).mean() > -WORTH:
            return False
        compared = self.compare(a, b), self.without_extremes(a, b)
        return any(c.difference < -CLEAR * c.error for c in compared)

    def without_extremes(self, a: Tensor, b: Tensor) -> PairedComparison:
        """``compare``, with the median for the hundredth of the rows where they differ most."""
        d = a - b
        size = (d - d.median()).abs()
        most = size.flatten().kthvalue(math.ceil(0.99 * len(d))).values
        rest = torch.where(size <= most, d, d.median())
        return self.compare(rest, torch.zeros_like(rest))

    def earns(self, scores: dict[str, Tensor]) -> bool:
        """Whether σ(x) beats one σ under the same mean: else the gain of a rival is its mean's."""
        return self.beats(scores["NLL"], scores["NLL of one σ"])


def lasting(z: Tensor) -> float:
    """How many rows in turn count as one: 1 + 2 Σ ρ(lag), up to the first ρ below 0.

    z (n,) are standardised residuals in the order of time, not centred: an offset that lasts as
    long as the rows do is what would make a claim on later rows too sure.
    """
    z, found = z.clamp(-4, 4), 1.0
    for lag in range(1, len(z)):
        rho = (z[:-lag] @ z[lag:] / z.square().sum()).item()
        if not rho > 0:
            break
        found += 2 * rho
    return found


def verdict(nlls: dict[str, Tensor], judge: Judge) -> str:
    """The simplest rival that no richer one beats."""
    names = list(nlls)
    for place, name in enumerate(names):
        if not any(judge.beats(nlls[richer], nlls[name]) for richer in names[place + 1 :]):
            return name


# Another tool's forecast


@dataclass(repr=False)
class Judgement:
    """What is to be said of a forecast, in ``sentences``.

    ``scores`` (n, 1) by name, in the units of y; ``covered`` the share inside the interval with its
    error, overall and by thirds of σ (or of the width); ``scale`` the factor that σ (or the half
    width) needs, with its error; ``difference`` is the forecast's score minus that of the report's
    own model on the same rows, each predicted without itself; ``own`` is that report.
    """

    scores: dict[str, Tensor]
    covered: dict[str, tuple[float, float]]
    scale: tuple[float, float]
    difference: PairedComparison
    own: object
    sentences: list[str]

    def __repr__(self) -> str:
        return "\n".join(self.sentences)


def shares(inside: Tensor, size: Tensor, level: float) -> dict[str, tuple[float, float]]:
    """Coverage and the error of an honest forecast's, overall and by thirds of ``size``."""
    rank = size[:, 0].argsort().argsort() * 3 // len(size)
    rows = {"all": rank >= 0, "small": rank == 0, "middle": rank == 1, "large": rank == 2}
    p = level * (1 - level)
    return {
        name: (inside[at].mean().item(), math.sqrt(p / int(at.sum()))) for name, at in rows.items()
    }


def said_of_shares(covered: dict, level: float, what: str) -> list[str]:
    parts = [f"{name} {100 * c:.1f} ± {100 * e:.1f}" for name, (c, e) in covered.items()]
    off = [name for name, (c, e) in covered.items() if abs(c - level) > 3 * e]
    end = f": not honest for {', '.join(off)}." if off else "."
    return [f"In the {100 * level:g} % interval, % by thirds of {what}: {', '.join(parts)}{end}"]


def said_of_scale(scale: tuple[float, float], what: str) -> str:
    c, error = scale
    alone = abs(c - 1) < 2 * error
    advice = "1 is inside: leave it alone" if alone else f"multiply {what} by it"
    return f"The one factor that {what} needs is {c:.2f} ± {error:.2f} ({advice})."


def said_of_difference(d: PairedComparison, score: str) -> str:
    better = "the forecast is better" if d.difference < 0 else "the report's model is better"
    clear = better if abs(d.difference) > 2 * d.error else "which is no clear difference"
    return (
        f"{score} minus that of the report's own model, row by row: {d.difference:.3g} ± "
        f"{d.error:.2g} ({clear})."
    )


def judge_sigma(y: Tensor, mu: Tensor, sigma: Tensor, own, level: float) -> Judgement:
    """Of a forecast N(mu, σ²): y, mu and sigma (n, 1)."""
    if not (sigma > 0).all():
        raise ValueError(f"sigma must be > 0, got {sigma.min().item():g}")
    z, n = (y - mu) / sigma, len(y)
    nll, score = gaussian_nll(y, mu, 2 * sigma.log()), crps(y, mu, sigma)
    half = math.sqrt(2) * torch.erfinv(torch.tensor(level, dtype=DTYPE))
    covered = shares((z.abs() <= half).to(DTYPE), sigma, level)
    c = z.square().mean().sqrt().item()
    scale = c, z.square().std().item() / math.sqrt(n) / (2 * c)
    difference = own.judge.compare(nll[own.tested], own.scores[own.choice]["NLL"])
    place = pit(y, mu, sigma)[:, 0].sort().values
    steps = torch.arange(n + 1, dtype=DTYPE) / n
    far = torch.maximum(place - steps[:-1], steps[1:] - place).max().item()
    band = KOLMOGOROV / math.sqrt(n)
    said = [
        f"NLL {nll.mean():.3g} nats, CRPS {score.mean():.3g}, over {n} rows.",
        *said_of_shares(covered, level, "σ"),
        f"The PIT {'leaves' if far > band else 'stays in'} its 95 % band (largest distance "
        f"{far:.3f}, band {band:.3f}).",
        said_of_scale(scale, "σ"),
        said_of_difference(difference, "Its NLL"),
    ]
    return Judgement({"NLL": nll, "CRPS": score}, covered, scale, difference, own, said)


def judge_interval(y: Tensor, lower: Tensor, upper: Tensor, own, level: float) -> Judgement:
    """Of intervals that promise ``level``: y, lower and upper (n, 1)."""
    if not (upper > lower).all():
        raise ValueError("upper must be above lower, got a row where it is not")
    score, half = interval_score(y, lower, upper, level), (upper - lower) / 2
    covered = shares(((lower <= y) & (y <= upper)).to(DTYPE), half, level)
    ratio = ((y - (lower + upper) / 2).abs() / half)[:, 0].sort().values
    n, error = len(y), math.sqrt(level * (1 - level) / len(y))
    low, mid, high = (
        ratio[min(n - 1, max(0, math.ceil(n * p) - 1))].item()
        for p in (level - error, level, level + error)
    )
    scale = mid, (high - low) / 2
    rows, choice = own.tested, own.scores[own.choice]
    reach = choice["width"] / 2
    theirs = interval_score(y[rows], choice["mu"] - reach, choice["mu"] + reach, level)
    difference = own.judge.compare(score[rows], theirs)
    said = [
        f"Interval score {score.mean():.3g}, mean width {2 * half.mean():.3g}, over {n} rows.",
        *said_of_shares(covered, level, "the width"),
        said_of_scale(scale, "the half width"),
        said_of_difference(difference, "Its interval score"),
    ]
    return Judgement({"interval score": score}, covered, scale, difference, own, said)
