"""Lesson 07: distributions over weights, and a gap in the data."""

import math
from statistics import median

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Normal

from course_utils.data import WAVE
from course_utils.labs.cells import Cells
from course_utils.labs.fitting import Fit
from course_utils.labs.lab import Lab
from course_utils.labs.likelihoods import Gaussian, of_both
from course_utils.labs.panels import (
    BAND,
    DASHED,
    OF_THE_MEAN,
    POINTS,
    UNDER,
    loss_curves,
    loss_panel,
)
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import choice_slider, slider
from course_utils.models import BayesianLinear, BayesianRegressor, Bump
from course_utils.plots import ALEATORIC, EPISTEMIC, MEAN


class Drawn:
    """``draws`` of a layer's weights at once, and the way back from the gradient by them."""

    def __init__(self, layer: BayesianLinear, draws: int, generator: torch.Generator):
        self.layer = layer
        size = (draws, *layer.mu.shape)
        eps = torch.randn(size, generator=generator, dtype=layer.mu.dtype)
        self.sd = torch.exp(layer.log_var / 2)
        self.error = self.sd * eps
        self.weights = layer.mu + self.error  # (draws, n_out, n_in + 1), the biases last

    def backward(self, g: Tensor, share: float) -> float:
        """``share`` of the layer's KL. Its gradient, plus g by the weights, is put in its place.

        w = mu + σ ε, so w moves with mu one to one, and with log σ² by σ ε/2. The KL is that of
        ``gaussian_kl``.
        """
        mu, log_var, precision = self.layer.mu, self.layer.log_var, self.layer.prior_sd**-2
        var = self.sd.square().mul_(precision)  # over the prior's
        torch.add(g.sum(0), mu, alpha=share * precision, out=mu.grad)
        by_log_var = torch.sum(g * self.error, 0, out=log_var.grad)
        by_log_var.add_(var - 1, alpha=share).mul_(0.5)
        squares = mu.square().mul_(precision)
        nats = (squares + var - log_var).sum().item() - mu.numel() * (1 + math.log(precision))
        return 0.5 * share * nats


def run(x: Tensor, first: Tensor, last: Tensor):
    """z, the bumps and the outputs (…, n, 2) at x (n, 2), for weights (…, units, n_in + 1).

    The second column of x, and the last of the bumps, are ones: they take the biases.
    """
    z = x @ first.mT
    h = torch.nn.functional.pad(z.square().mul_(-0.5).exp_(), (0, 1), value=1.0)
    return z, h, h @ last.mT


def with_ones(x: Tensor) -> Tensor:
    """x (n, 1) with a column of ones beside it."""
    return torch.cat([x, torch.ones_like(x)], dim=1)


def quantiles(values: Tensor, *levels: float) -> Tensor:
    """Those of each row, (levels, rows). numpy selects where torch sorts: a third of the time."""
    return torch.from_numpy(np.quantile(values.numpy(), levels, axis=1))


class NegativeELBO:
    """Per point: the NLL on average over draws of the weights, and the KL's share."""

    def __init__(self, cells: Cells, points: float, draws: int):
        self.x, self.nll = with_ones(cells.x), Gaussian(cells.repeated(draws))
        self.points, self.draws = points, draws
        self.seed = 0

    def drawn(self, model: BayesianRegressor) -> list[Drawn]:
        """The weights of both layers; the same for the same ``seed``."""
        chance = torch.Generator().manual_seed(self.seed)
        return [Drawn(layer, self.draws, chance) for layer in list(model.net)[::2]]

    def __call__(self, model: BayesianRegressor) -> Tensor:
        *_, outputs = run(self.x, *(layer.weights for layer in self.drawn(model)))
        nll = self.nll.value(*outputs.flatten(0, 1).chunk(2, dim=1))
        return nll + model.kl() / self.points

    @torch.no_grad()
    def descent(self, model: BayesianRegressor) -> float:
        """The loss; its gradients, by the chain rule written out, are put in their places."""
        layers = self.drawn(model)
        first, last = (layer.weights for layer in layers)
        z, h, outputs = run(self.x, first, last)
        loss, g = of_both(self.nll, model, outputs.flatten(0, 1))
        g = g.view_as(outputs)
        by_z = (g @ last[..., :-1]).mul_(h[..., :-1]).mul_(z).neg_()
        slopes = by_z.mT @ self.x, g.mT @ h
        share = 1 / self.points
        return loss + sum(layer.backward(g, share) for layer, g in zip(layers, slopes))


class FitOfDraws(Fit):
    """One draw in some thousand gives a tiny σ beside a point, and costs any number of nats.

    So no loss is hopeless, and the gradient is clipped to the norm ``clip``, or Adam would stand
    still for a while. Each step has its own draws.
    """

    hopeless, clip = math.inf, 5.0

    def descent(self):
        self.loss.seed = 1 + len(self.losses)
        loss = self.loss.descent(self.model)
        norm = self.optimizer.gradient.norm().item()
        if norm > self.clip:
            self.optimizer.gradient.mul_(self.clip / norm)
        return loss

    def value(self):
        self.loss.seed = 0
        return super().value()


class GapInData(Lab):
    """Lesson 07: Gaussians on the weights of 20 bumps, and a gap in the data."""

    alt = (
        "Lab: a network with distributions over its weights, on data with a gap in the middle. "
        "Left, the data with the mean, a pink band for the mean and an orange one for a new y; "
        "middle, the median and spread of the drawn σ, and the epistemic sd beside that of a "
        "Gaussian process; right, the loss by step. Sliders: number of points, prior sd, "
        "half-width of the gap."
    )
    problem = WAVE
    retrains = frozenset({"n", "prior", "gap"})  # refitted, it would keep its old width
    # The mean gradient of eight draws is quiet enough for this learning rate. At the defaults, mean
    # of five starts, the negative ELBO ends .08 nats above that after 4,000 steps at .05, and the
    # epistemic sd in the gap at 4.7 of 5.7; with one draw, 300 steps at .1 end .12 above, at 2.7.
    train_steps, lr, draws = 100, 0.25, 8
    nll_limits = (0, 8)
    ninths = Normal(0.0, 1.0).icdf((torch.arange(9, dtype=torch.float64) + 0.5) / 9)

    def new_controls(self):
        return {
            "n": choice_slider("points n", 300, (10, 30, 100, 300, 1000, 3000, 10_000)),
            "prior": slider("prior sd", 2.5, 0.5, 5, 0.1),
            "gap": slider("half of the gap", 1, 0, 1.5),
        }

    def first_weights(self, at):
        return BayesianRegressor(activation=Bump, prior_sd=at.prior, init_sd=0.1)

    def new_loss(self, at):
        return NegativeELBO(self.cells, self.kept, self.draws)

    def new_fit(self, model, at):
        return FitOfDraws(model, self.new_loss(at), self.lr)

    def new_data(self, at):
        super().new_data(at)
        self.wide = self.problem.grid(margin=0.5)
        kept = (self.cells.x.abs() > at.gap)[:, 0]
        self.kept = self.cells.weight[kept].sum().item() * at.n  # points left outside the gap
        self.cells = self.cells.only(kept)
        seen = (self.shown[0].abs() > at.gap)[:, 0]
        self.shown = tuple(values[seen] for values in self.shown)
        self.reference = self.gaussian_process(at.prior)

    def gaussian_process(self, s):
        """Exact epistemic sd at the wide grid under the bumps' prior and the true noise.

        The kernel is the prior covariance of 20 bumps with N(0, s²) on each weight (lesson 07);
        the posterior is Rasmussen & Williams (2006), equation 2.24.
        """
        x = self.cells.x
        _, sigma = self.problem.truth(x)

        def kernel(a, b):
            det = (1 + s**2 * (1 + a**2)) * (1 + s**2 * (1 + b.T**2)) - (s**2 * (1 + a @ b.T)) ** 2
            return s**2 + 20 * s**2 / det.sqrt()

        noise = (sigma**2 / (self.cells.weight * self.kept)).flatten().diag()
        L = torch.linalg.cholesky(kernel(x, x) + noise)
        half = torch.linalg.solve_triangular(L, kernel(x, self.wide), upper=False)
        prior = kernel(self.wide, self.wide).diagonal()
        return (prior - half.square().sum(0)).clamp(min=0).sqrt()[:, None]

    @torch.no_grad()
    def predict(self, model):
        both = with_ones(torch.cat([self.x, self.wide]))
        generator = torch.Generator().manual_seed(0)
        layers = [Drawn(layer, 50, generator).weights for layer in list(model.net)[::2]]
        *_, outputs = run(both, *layers)
        mu, log_var = outputs.unbind(dim=2)
        sigma = torch.exp(log_var / 2)
        there, wide = mu[:, : len(self.x)], slice(len(self.x), None)
        total = torch.sqrt(sigma.square().mean(0)[: len(self.x)] + there.var(0, correction=0))
        mean = there.mean(0)
        mu, sigma = mu[:, wide].T, sigma[:, wide].T.contiguous()  # a row for each x
        # Nine y from each draw, at the ninths of its Gaussian: quantiles of the mixture.
        ys = (mu[:, :, None] + sigma[:, :, None] * self.ninths).flatten(1)
        self.wide_mu, self.epistemic = mu.mean(1), mu.std(1, correction=0)
        self.total = quantiles(ys, 0.025, 0.975)
        low, self.median, high = quantiles(sigma, 0.05, 0.5, 0.95)
        self.sigma_range = low, high
        return mean[:, None], total[:, None]

    def panels(self):
        wide = {"xlim": (-6, 6), "xlabel": "x"}
        fit = Panel(
            wide | {"ylim": (-6, 6), "ylabel": "y"},
            {
                "total": BAND | {"label": "95 % for a new y", "at": (0, "above")},
                "epistemic band": OF_THE_MEAN | {"label": "for the mean", "at": (0.5, "above")},
                "mean": {"color": MEAN, "label": "mean", "at": (0.75, "below")},
                "data": POINTS | {"label": "data", "alpha": 0.5},
                "true mean": UNDER | {"label": "true mean", "at": (1, "below")},
            },
            width=1.7,
        )
        parts = Panel(
            wide | {"ylim": (0.02, 20), "yscale": "log", "ylabel": "sd (units of y)"},
            {
                "sigma draws": BAND | {"label": "σ, 5–95 %", "at": (0, "above")},
                "sigma": {"color": ALEATORIC},
                "epistemic": {"color": EPISTEMIC, "label": "epistemic", "at": (0.52, "above")},
                "exact": DASHED | {"label": "exact", "at": (1, "above")},
            },
        )
        loss = loss_panel(self)
        loss.curves["loss"]["label"] = "loss, median"
        return [fit, parts, loss]

    def curves(self):
        mean, _ = self.problem.truth(self.wide)
        half = 1.96 * self.epistemic
        return {
            "data": self.shown,
            "total": (self.wide, *self.total),
            "epistemic band": (self.wide, self.wide_mu - half, self.wide_mu + half),
            "mean": (self.wide, self.wide_mu),
            "true mean": (self.wide, mean),
            "sigma draws": (self.wide, *self.sigma_range),
            "sigma": (self.wide, self.median),
            "epistemic": (self.wide, self.epistemic),
            "exact": (self.wide, self.reference),
            **loss_curves(self),
            "loss": self.running_median(),
        }

    def running_median(self, width: int = 15):
        """The loss by step, without the few draws that cost any number of nats."""
        steps = np.unique(np.geomspace(1, max(len(self.losses), 1), 400).astype(int))
        windows = (self.losses[max(step - width, 0) : step] or [math.nan] for step in steps)
        return steps, [median(window) for window in windows]

    def numbers(self):
        def sds(x):
            row = (self.wide - x).abs().argmin()
            mine, its = self.epistemic[row].item(), self.reference[row].item()
            return f"{mine:.2f}, Gaussian process {its:.2f}"

        return {
            f"epistemic sd at 0 ({self.kept:,.0f} points)": sds(0),
            "epistemic sd at 2": sds(2),
            "epistemic sd outside, at 5": sds(5),
        }
