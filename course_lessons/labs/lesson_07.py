"""Lesson 07: distributions over weights, and a gap in the data."""

import math
from statistics import median

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Normal
from torch.nn.utils import parameters_to_vector

from course_utils.data import WAVE
from course_utils.labs.cells import Cells
from course_utils.labs.fitting import Fit
from course_utils.labs.lab import Lab
from course_utils.labs.likelihoods import Gaussian
from course_utils.labs.panels import (
    BAND,
    DASHED,
    OF_THE_MEAN,
    POINTS,
    UNDER,
    loss_curves,
    loss_panel,
)
from course_utils.labs.perceptron import OneVectorAdam
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import choice_slider, slider
from course_utils.models import BayesianRegressor, Bump
from course_utils.plots import ALEATORIC, EPISTEMIC, MEAN


class Drawn:
    """``draws`` of all weights, (draws, weights), and the way back from the gradient by them.

    ``mu`` and ``log_var`` (weights,) are those of the Gaussians.
    """

    def __init__(self, mu: Tensor, log_var: Tensor, draws: int, generator: torch.Generator):
        self.mu, self.log_var, self.sd = mu, log_var, torch.exp(log_var / 2)
        eps = torch.randn(draws, len(mu), generator=generator)  # float32, in a fourth of the time
        self.error = self.sd * eps
        self.weights = mu + self.error

    def backward(self, g: Tensor, prior_sd: float, share: float, out: Tensor) -> float:
        """``share`` of the KL; its gradient, plus that of g by the weights, is put in ``out``.

        w = mu + σ ε, so w moves with mu one to one, and with log σ² by σ ε/2. The KL is that of
        ``gaussian_kl``. ``out`` has two rows: by mu, by log σ².
        """
        precision = prior_sd**-2
        var = self.sd.square().mul_(precision)  # over the prior's
        by_mu, by_log_var = out
        torch.sum(g, 0, out=by_mu).add_(self.mu, alpha=share * precision)
        torch.sum(g.mul_(self.error), 0, out=by_log_var).add_(var - 1, alpha=share).mul_(0.5)
        squares = torch.dot(self.mu, self.mu).item() * precision
        log_ratios = self.log_var.sum().item() + len(var) * math.log(precision)
        return 0.5 * share * (squares + var.sum().item() - log_ratios - len(var))


def gaussians(model: BayesianRegressor) -> list[nn.Parameter]:
    """The parameters: mu of both layers, then log σ² of both. End to end they are two rows."""
    first, _, last = model.net
    return [first.mu, last.mu, first.log_var, last.log_var]


def rows(model: BayesianRegressor) -> Tensor:
    """Mu and log σ² of all weights, (2, weights)."""
    return parameters_to_vector(gaussians(model)).view(2, -1)


def by_layer(weights: Tensor) -> tuple[Tensor, Tensor]:
    """The weights (draws, weights) as (draws, units, 2) and (draws, 2, units + 1), biases last."""
    units = (weights.shape[1] - 2) // 4
    first, last = weights[:, : 2 * units], weights[:, 2 * units :]
    return first.view(-1, units, 2), last.view(-1, 2, units + 1)


def run(x: Tensor, first: Tensor, last: Tensor):
    """z, the bumps and the outputs (…, 2, n) at x (2, n), for weights (…, units, n_in + 1).

    The second row of x, and the last of the bumps, are ones: they take the biases.
    """
    z = first @ x
    bumps = z.square().mul_(-0.5).exp_()
    h = torch.cat([bumps, x[1:].expand(*z.shape[:-2], 1, -1)], dim=-2)
    return z, h, last @ h


def with_ones(x: Tensor) -> Tensor:
    """x (n, 1) as a row, and a row of ones below it: (2, n)."""
    return torch.stack([x[:, 0], torch.ones_like(x[:, 0])])


def quantiles(values: Tensor, *levels: float) -> Tensor:
    """Of each row the values nearest to these, (levels, rows). numpy sorts faster than torch."""
    ranks = [round(level * (values.shape[1] - 1)) for level in levels]
    return torch.from_numpy(np.sort(values.numpy(), axis=1)[:, ranks].T)


class NegativeELBO:
    """Per point: the NLL on average over draws of the weights, and the KL's share."""

    def __init__(self, cells: Cells, points: float, draws: int):
        self.x = with_ones(cells.x)
        y, spread, weight = (
            each.T.expand(draws, -1) for each in (cells.y, cells.spread, cells.weight / draws)
        )
        self.nll = Gaussian(Cells(cells.x, y, spread, weight))  # a row for each draw
        self.points, self.draws = points, draws
        self.seed = 0

    def drawn(self, mu: Tensor, log_var: Tensor) -> Drawn:
        """The weights; the same for the same ``seed``."""
        return Drawn(mu, log_var, self.draws, torch.Generator().manual_seed(self.seed))

    def __call__(self, model: BayesianRegressor) -> Tensor:
        *_, outputs = run(self.x, *by_layer(self.drawn(*rows(model)).weights))
        return self.nll.value(*outputs.unbind(1)) + model.kl() / self.points

    def descent(self, at: Tensor, gradient: Tensor, prior_sd: float) -> float:
        """The loss at these ``rows``; its gradient, the chain rule written out, in its place."""
        drawn = self.drawn(*at)
        first, last = by_layer(drawn.weights)
        z, h, outputs = run(self.x, first, last)
        loss, *slopes = self.nll.slopes(*outputs.unbind(1))
        g = torch.stack(slopes, dim=1)
        by_z = (last[..., :-1].mT @ g).mul_(h[:, :-1]).mul_(z)  # with the other sign
        by_first, by_last = (by_z @ self.x.T).neg_(), g @ h.mT
        by_weights = torch.cat([by_first.flatten(1), by_last.flatten(1)], dim=1)
        return loss + drawn.backward(by_weights, prior_sd, 1 / self.points, gradient)


class FitOfDraws(Fit):
    """One draw in some thousand gives a tiny σ beside a point, and costs any number of nats.

    So no loss is hopeless, and the gradient is clipped to the norm ``clip``, or Adam would stand
    still for a while. Each step has its own draws.
    """

    hopeless, clip, written_out = math.inf, 5.0, True

    def new_optimizer(self):
        return OneVectorAdam(gaussians(self.model))

    def descent(self):
        self.loss.seed = 1 + len(self.losses)
        vector, gradient = self.optimizer.vector, self.optimizer.gradient
        prior_sd = self.model.net[0].prior_sd
        loss = self.loss.descent(vector.view(2, -1), gradient.view(2, -1), prior_sd)
        norm = gradient.norm().item()
        if norm > self.clip:
            gradient.mul_(self.clip / norm)
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
    # of twenty starts, the negative ELBO ends .12 nats above that after 4,000 steps at .05, and the
    # epistemic sd in the gap at 4.4 of 6.1; with one draw, 300 steps at .1 end .17 above, at 2.9.
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
        weights = Drawn(*rows(model), 50, generator).weights
        # By ten: larger buffers would be allocated anew by the system, twice the time.
        outputs = torch.cat([run(both, *by_layer(few))[-1] for few in weights.split(10)])
        mu, log_var = outputs.unbind(dim=1)
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
