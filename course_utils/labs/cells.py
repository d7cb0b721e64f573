"""Ten thousand points at the price of sixty-four: what a Gaussian likelihood needs of them.

At one x the squared errors of n points are n ((ȳ − mu)² + s), with ȳ their mean and s their mean
squared distance from it. So if x is rounded to a grid, the count, ȳ and s of each cell say all
that the likelihood of any mu(x), σ(x) can ask (they are **sufficient statistics**).
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from course_utils.data import Problem


@dataclass(frozen=True)
class Cells:
    """Points grouped by x: all (k, 1), float64; ``weight`` is a cell's share of the points."""

    x: Tensor
    y: Tensor
    spread: Tensor
    weight: Tensor

    def only(self, kept: Tensor) -> "Cells":
        """The cells where ``kept`` (k,) is true, each with its share of these."""
        weight = self.weight[kept]
        return Cells(self.x[kept], self.y[kept], self.spread[kept], weight / weight.sum())

    def squares(self, mu: Tensor) -> Tensor:
        """The mean squared distance of each cell's points from mu at its x, (k, 1)."""
        return (self.y - mu) ** 2 + self.spread

    def mean_square(self, mu: Tensor) -> Tensor:
        """The mean squared residual of all points, for mu (k, 1), or of each column of (k, m)."""
        return (self.weight * self.squares(mu)).sum(dim=0)


class Sample:
    """The x and ε of n points, drawn once: a slider moves mean(x) and σ(x), and the points glide.

    The draws are those of ``problem.sample(n, seed=seed)``; x is rounded to one of 64 cells.
    """

    def __init__(self, problem: Problem, n: int, *, seed: int = 0, cells: int = 64):
        rng = np.random.default_rng(seed)
        x, noise = rng.uniform(problem.low, problem.high, n), rng.standard_normal(n)
        width = (problem.high - problem.low) / cells
        cell = np.clip(((x - problem.low) / width).astype(int), 0, cells - 1)
        count = np.bincount(cell, minlength=cells)
        kept = count > 0
        mean = np.bincount(cell, noise, cells)[kept] / count[kept]
        square = np.bincount(cell, noise**2, cells)[kept] / count[kept]
        centres = problem.low + (np.arange(cells) + 0.5) * width
        self.x, self.weight, self.noise, self.spread = (
            torch.from_numpy(values)[:, None]
            for values in (centres[kept], count[kept] / n, mean, np.maximum(square - mean**2, 0))
        )
        self.n = n
        self.shown_x, self.shown_noise = (
            torch.from_numpy(values[:500, None]) for values in (x, noise)
        )

    def of(self, problem: Problem) -> Cells:
        """The points of ``problem`` with this sample's x and ε."""
        mean, sigma = problem.truth(self.x)
        return Cells(self.x, mean + sigma * self.noise, sigma**2 * self.spread, self.weight)

    def shown(self, problem: Problem) -> tuple[Tensor, Tensor]:
        """x and y of the first 500 points, each (500, 1): enough for a picture."""
        mean, sigma = problem.truth(self.shown_x)
        return self.shown_x, mean + sigma * self.shown_noise


def expected_nll(problem: Problem, x: Tensor, mu: Tensor, sigma: Tensor) -> float:
    """The NLL to expect on new y, in nats, of N(mu, sigma²) at an even grid x (n, 1)."""
    mean, true_sigma = problem.truth(x)
    squares = (true_sigma**2 + (mean - mu) ** 2) / sigma**2
    return (0.5 * math.log(2 * math.pi) + sigma.log() + 0.5 * squares).mean().item()
