"""How honest is a predicted N(mu, σ²)? All tensors are (n, d); σ is a standard deviation.

Arrays, lists and pandas are read as tensors, and a single column (n,) as (n, 1): set against (n, 1)
it has one reading, value by value. Anything else is a ValueError.
"""

import math

import torch
from torch import Tensor
from torch.distributions import Normal

from course_utils.doors import door, positive_sigmas, same_shape, share, sigmas, values


@door(mu=values, sigma=sigmas, level=share)
def interval(mu: Tensor, sigma: Tensor, level: float = 0.95) -> tuple[Tensor, Tensor]:
    """The central interval that N(mu, σ²) fills with probability ``level``: mu ± z σ."""
    same_shape(mu=mu, sigma=sigma)
    if not 0 < level < 1:
        raise ValueError(f"expected 0 < level < 1, got {level}")
    half = math.sqrt(2) * torch.erfinv(torch.tensor(level, dtype=mu.dtype)) * sigma
    return mu - half, mu + half


@door(y=values, mu=values, sigma=sigmas, level=share)
def coverage(y: Tensor, mu: Tensor, sigma: Tensor, level: float = 0.95) -> float:
    """The fraction of y inside their intervals; an honest model's is close to ``level``."""
    same_shape(y=y, mu=mu, sigma=sigma)
    lower, upper = interval(mu, sigma, level)
    return ((lower <= y) & (y <= upper)).to(y.dtype).mean().item()


@door(y=values, mu=values, sigma=positive_sigmas)
def pit(y: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
    """The probability integral transform Φ((y − mu)/σ), (n, d): uniform for an honest model.

    Source: Dawid (1984); Gneiting, Balabdaoui & Raftery (2007).
    """
    same_shape(y=y, mu=mu, sigma=sigma)
    return Normal(mu, sigma).cdf(y)


@door(y=values, mu=values, sigma=positive_sigmas)
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
