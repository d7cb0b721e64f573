"""The losses that labs train with: each stands once, and beside it its gradient, written out.

Autograd takes twice as long. A loss is given cells; called with a model it is differentiable.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_utils.labs.cells import Cells
from course_utils.losses import gaussian_kl, gaussian_nll

LOG_2PI = math.log(2 * math.pi)


def gaussian_nll_of(mean_square, sigma):
    """The mean NLL of residuals with this mean square under N(0, σ²), in nats."""
    sigma = torch.as_tensor(sigma, dtype=torch.float64)
    return 0.5 * (LOG_2PI + 2 * sigma.log() + mean_square / sigma**2)


@dataclass(frozen=True)
class Gaussian:
    """The mean Gaussian NLL of the cells' points, in nats."""

    cells: Cells

    def __call__(self, model: nn.Module) -> Tensor:
        return self.value(*model(self.cells.x))

    def weight(self, log_var: Tensor) -> Tensor:
        """What the NLL of each cell counts, (k, 1); no gradient flows through it."""
        return self.cells.weight

    def value(self, mu: Tensor, log_var: Tensor) -> Tensor:
        """The loss, from mu and log σ² (k, 1) at the cells' x."""
        spread = self.cells.spread / 2 * torch.exp(-log_var)
        each = gaussian_nll(self.cells.y, mu, log_var) + spread
        return (self.weight(log_var.detach()) * each).sum()

    def slopes(self, mu: Tensor, log_var: Tensor) -> tuple[float, Tensor, Tensor]:
        """``value``, and its derivatives by mu and by log σ², (k, 1), without autograd."""
        weight = self.weight(log_var)
        error, precision = self.cells.y - mu, torch.exp(-log_var)
        squares = torch.addcmul(self.cells.spread, error, error).mul_(precision)
        nll = 0.5 * (weight * (log_var + squares + LOG_2PI)).sum().item()
        half = 0.5 * weight
        by_log_var = half.addcmul(half, squares, value=-1)
        return nll, error.mul_(precision).mul_(weight).neg_(), by_log_var

    def best_shift(self, mu: Tensor, log_var: Tensor) -> Tensor:
        """The shift of all log σ² that makes the loss smallest: log of the mean squared z-score."""
        squares = self.cells.squares(mu) * torch.exp(-log_var)
        return (self.cells.weight * squares).sum().log()


@dataclass(frozen=True)
class BetaGaussian(Gaussian):
    """The β-NLL: each NLL counts σ^(2β), a weight without gradient (Seitzer et al. 2022)."""

    beta: float

    def weight(self, log_var):
        return self.cells.weight * torch.exp(self.beta * log_var)


@dataclass(frozen=True)
class GaussianWithKL(Gaussian):
    """The NLL plus ``share`` times the KL from N(mu, σ²) to N(0, 1)."""

    share: float

    def value(self, mu, log_var):
        kl = (self.cells.weight * gaussian_kl(mu, log_var)).sum()
        return super().value(mu, log_var) + self.share * kl

    def slopes(self, mu, log_var):
        nll, by_mu, by_log_var = super().slopes(mu, log_var)
        share = self.share * self.cells.weight
        kl = (share * gaussian_kl(mu, log_var)).sum().item()
        by_mu.addcmul_(share, mu)
        return nll + kl, by_mu, by_log_var.addcmul_(share, log_var.exp() - 1, value=0.5)

    def best_shift(self, mu, log_var):
        # With u = exp(shift): w B u² + (1 − w) u = A, for the mean squared z-score A and σ² B.
        w, a = self.share, super().best_shift(mu, log_var).exp()
        b = (self.cells.weight * log_var.exp()).sum()
        if w == 0:
            return a.log()
        return ((w - 1 + ((1 - w) ** 2 + 4 * w * a * b).sqrt()) / (2 * w * b)).log()


@dataclass(frozen=True)
class Outputs:
    """What the outputs of a model's perceptron are.

    ``network`` is its name in the model. ``slopes`` takes (loss, model, outputs (k, m)) to the
    loss and its gradient by the outputs; those of other parameters it puts in their places.
    ``log_scale``, where there is one, finds the parameter that shifts log σ² as a whole.
    """

    network: str
    slopes: Callable[[Gaussian, nn.Module, Tensor], tuple[float, Tensor]]
    log_scale: Callable[[nn.Module], Tensor] | None = None


def of_both(loss: Gaussian, model: nn.Module, outputs: Tensor) -> tuple[float, Tensor]:
    """Mu and log σ² are outputs (k, 2)."""
    value, *slopes = loss.slopes(*outputs.chunk(2, dim=1))
    return value, torch.cat(slopes, dim=1)


def of_mean(loss: Gaussian, model: nn.Module, outputs: Tensor) -> tuple[float, Tensor]:
    """Mu is the output (k, 1), log σ² a parameter."""
    value, by_mu, by_log_var = loss.slopes(outputs, model.log_var.detach())
    model.log_var.grad.fill_(by_log_var.sum())
    return value, by_mu


TWO_OUTPUTS = Outputs("net", of_both, lambda model: model.net[-1].bias[1:])
ONE_SIGMA = Outputs("mean", of_mean)
