"""Regression problems: y = mean(x) + sigma(x) ε with a known truth, and three real data sets.

The real ones are small CSVs in ``course_utils/datasets``, with source and licence in its README;
``course_utils.reading`` reads your own.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_utils.losses import same_shape
from course_utils.validation import DTYPE, integer, number, refuse_where, validated

__all__ = ["FUNNEL", "LINE", "WAVE", "Problem", "constant", "diabetes", "engel", "motorcycle"]


@dataclass(frozen=True)
class Problem:
    """A regression problem: x uniform on [low, high], y = mean(x) + sigma(x) ε, ε ~ N(0, 1).

    ``mean`` and ``sigma`` map an (n, 1) tensor to an (n, 1) tensor; ``sigma`` is the standard
    deviation of the noise (σ, not σ²) and must not be negative.
    """

    mean: Callable[[Tensor], Tensor]
    sigma: Callable[[Tensor], Tensor]
    low: float
    high: float

    def __post_init__(self):
        if not -math.inf < self.low < self.high < math.inf:
            raise ValueError(f"expected finite low < high, got {self.low} and {self.high}")
        x = self.grid()
        mean, sigma = self.truth(x)
        same_shape(x=x, mean=mean, sigma=sigma)
        refuse_where(sigma < 0, "sigma(x)", sigma, "must not be negative")

    @validated(n=integer(1), seed=integer(0))
    def sample(self, n: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Draw n points: x and y, each (n, 1). The same seed gives the same data everywhere."""
        rng = np.random.default_rng(seed)
        x = torch.from_numpy(rng.uniform(self.low, self.high, size=(n, 1)))
        noise = torch.from_numpy(rng.standard_normal((n, 1)))
        mean, sigma = self.truth(x)
        return x, mean + sigma * noise

    def truth(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The mean and the σ of y at x, each of x's shape: (n, 1), or a stack of such columns."""
        return self.mean(x), self.sigma(x)

    @validated(n=integer(1), margin=number())
    def grid(self, n: int = 200, *, margin: float = 0.0) -> Tensor:
        """n evenly spaced x, (n, 1), beyond the range by ``margin`` (a fraction) on each side."""
        extra = margin * (self.high - self.low)
        return torch.linspace(self.low - extra, self.high + extra, n, dtype=DTYPE)[:, None]

    def noise_floor(self) -> float:
        """The expected NLL of the truth itself, in nats per point: no model does better.

        ½ log 2πe + E[log σ(x)], the mean entropy of y given x (midpoint rule, 10,000 cells).
        """
        edges = self.grid(10_001)
        _, sigma = self.truth((edges[1:] + edges[:-1]) / 2)
        return 0.5 * math.log(2 * math.pi * math.e) + sigma.log().mean().item()


def constant(value: float) -> Callable[[Tensor], Tensor]:
    """The function x -> value, of x's shape: a mean or a σ that does not depend on x."""
    return lambda x: torch.full_like(x, value)


# The setting of Cross Validated question 564809.
LINE = Problem(mean=lambda x: 2.3 * x + 1.7, sigma=constant(1.0), low=-3, high=3)

# The data of the SGD notebook.
WAVE = Problem(
    mean=lambda x: torch.sin(1.3 * x), sigma=lambda x: 0.15 + 0.25 * x.abs(), low=-3, high=3
)

# The data of R. Vink, "Variational inference from scratch" (2019), before he standardises them.
FUNNEL = Problem(
    mean=lambda x: 0.125 * x * (1 + torch.sin(x)) + 5,
    sigma=lambda x: 3 * (0.25 + ((x + 20) / 80) ** 2),
    low=-20,
    high=60,
)

DATASETS = Path(__file__).parent / "datasets"


def load(name: str) -> tuple[Tensor, Tensor]:
    """The columns of a packaged CSV: all but the last are x (n, d), the last is y (n, 1)."""
    values = np.loadtxt(DATASETS / f"{name}.csv", delimiter=",", skiprows=1)
    values = torch.from_numpy(values).to(DTYPE)
    return values[:, :-1], values[:, -1:]


def motorcycle() -> tuple[Tensor, Tensor]:
    """x (133, 1): ms after the impact of a simulated accident; y (133, 1): the head's acceleration
    in g. Silverman (1985)."""
    return load("motorcycle")


def engel() -> tuple[Tensor, Tensor]:
    """x (235, 1): the income of a Belgian household; y (235, 1): what it spends on food; both in
    francs a year. Engel (1857), by way of Koenker & Bassett (1982)."""
    return load("engel")


def diabetes() -> tuple[Tensor, Tensor]:
    """x (442, 10): age, sex, bmi, bp, tc, ldl, hdl, tch, ltg, glu of a patient; y (442, 1): how far
    the disease has progressed one year later. Efron, Hastie, Johnstone & Tibshirani (2004)."""
    return load("diabetes")
