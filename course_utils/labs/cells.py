"""Ten thousand points at the price of a hundred: what a Gaussian likelihood needs of them.

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
from course_utils.losses import same_shape


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

    def repeated(self, times: int) -> "Cells":
        """The cells one after the other, ``times`` over: for as many outputs at each x."""
        x, y, spread, weight = (
            values.repeat(times, 1) for values in (self.x, self.y, self.spread, self.weight)
        )
        return Cells(x, y, spread, weight / times)

    def nll(self, mu: Tensor, log_var: Tensor) -> Tensor:
        """The mean Gaussian NLL of the points, in nats, from mu and log σ² at the cells' x."""
        same_shape(y=self.y, mu=mu, log_var=log_var)
        error = self.y - mu
        squares = torch.addcmul(self.spread, error, error)
        each = torch.addcmul(log_var, squares, torch.exp(-log_var))
        return 0.5 * (math.log(2 * math.pi) + torch.dot(self.weight[:, 0], each[:, 0]))

    def slopes(self, mu: Tensor, log_var: Tensor) -> tuple[float, Tensor, Tensor]:
        """``nll``, and its derivatives by mu and by log σ² at each cell, without autograd."""
        error, precision = self.y - mu, torch.exp(-log_var)
        squares = torch.addcmul(self.spread, error, error).mul_(precision)
        nll = 0.5 * (math.log(2 * math.pi) + (self.weight * (log_var + squares)).sum().item())
        half = 0.5 * self.weight
        by_log_var = half.addcmul(half, squares, value=-1)
        return nll, error.mul_(precision).mul_(self.weight).neg_(), by_log_var

    def log_misfit(self, mu: Tensor, log_var: Tensor) -> Tensor:
        """log of the mean squared standardised residual: 0 if σ is right on average."""
        squares = ((self.y - mu) ** 2 + self.spread) * torch.exp(-log_var)
        return (self.weight * squares).sum().log()


class Sample:
    """The x and ε of n points, drawn once: a slider moves mean(x) and σ(x), and the points glide.

    The draws are those of ``problem.sample(n, seed=seed)``; x is rounded to one of 100 cells.
    """

    def __init__(self, problem: Problem, n: int, *, seed: int = 0, cells: int = 100):
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
