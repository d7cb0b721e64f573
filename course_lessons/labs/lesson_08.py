"""Lesson 08: the walk of σ down its valley, under three heads and two optimizers."""

import math

import torch
from torch import nn
from torch.nn.functional import softplus
from torch.optim import SGD, Adam

from course_utils.data import Problem, constant
from course_utils.labs.fitting import Fit
from course_utils.labs.lab import Lab
from course_utils.labs.likelihoods import gaussian_nll_of
from course_utils.labs.panels import DASHED, DOT, LAST_STEP, STEPS, THIN
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import choice, log_slider
from course_utils.plots import ALEATORIC
from course_utils.training import Diverged

HEADS = {  # name: σ² of the raw parameter, the slope of log σ² by it, and the parameter of σ²
    "log σ²": (torch.exp, torch.ones_like, math.log),
    "softplus": (
        softplus,
        lambda raw: torch.sigmoid(raw) / softplus(raw),
        lambda var: var + math.log(-math.expm1(-var)),
    ),
    "raw σ²": (lambda raw: raw, torch.reciprocal, lambda var: var),
}


OPTIMIZERS = {"gradient descent": SGD, "Adam": Adam}


class BelowZero(Diverged):
    """σ² went below 0, where GaussianNLLLoss raises a ValueError."""

    def __str__(self):
        return (
            f"σ² went below 0 at step {self.step}, where GaussianNLLLoss raises a ValueError: "
            "try a smaller learning rate, or another head"
        )


class Spread(nn.Module):
    """Mean 0 and one σ² = head(raw), whatever x is; returns (mu, log_var)."""

    def __init__(self, head: str, sigma: float):
        super().__init__()
        self.var, self.log_slope, raw_of = HEADS[head]
        self.exact = head == "log σ²"
        self.raw = nn.Parameter(torch.full((1, 1), raw_of(sigma**2), dtype=torch.float64))

    def forward(self, x):
        log_var = self.raw if self.exact else self.var(self.raw).log()
        return torch.zeros_like(x), log_var.expand_as(x)


class FitOfWalk(Fit):
    """Steps at a constant learning rate; ``path`` keeps σ after each."""

    def __init__(self, model, loss, lr, optimizer):
        super().__init__(model, loss, lr)
        self.new_optimizer, self.path = lambda: optimizer(self.model.parameters(), lr=self.lr), []

    def train(self, steps):
        self.steps([1.0] * steps)

    def warmth(self):
        return 1.0

    @torch.no_grad()
    def descent(self):
        """The loss and its slope by the raw parameter, at half the price of autograd."""
        self.must_be_above_zero()
        mu, log_var = self.model(self.loss.cells.x)
        loss, _, by_log_var = self.loss.slopes(mu, log_var)
        self.model.raw.grad = by_log_var.sum() * self.model.log_slope(self.model.raw)
        self.note(log_var[0].item() / 2)
        return loss

    def value(self):
        self.must_be_above_zero()
        return super().value()

    def must_be_above_zero(self):
        if not (self.model.exact or self.model.var(self.model.raw) > 0):
            raise BelowZero(len(self.losses), math.nan, self.lr, "")

    def note(self, log_sigma):
        """Keep σ as it is after len(losses) steps; what overflows is kept as e^300."""
        self.path[len(self.losses) :] = [math.exp(min(log_sigma, 300))]


class Walk(Lab):
    """Lesson 08: σ walks from its start towards the RMS residual, at a constant learning rate."""

    alt = (
        "Lab: gradient descent on one σ. Left, the NLL over σ, a valley, and the walk in it, with "
        "dots at steps 1, 2, 5, 10 and so on; right, σ by step against the RMS residual. Sliders: "
        "noise, start of σ, head, optimizer, learning rate."
    )
    retrains = frozenset({"start", "head", "optimizer", "lr"})
    refits, train_steps = False, 250  # the noise moves the valley: walk again from the start
    nll_limits = (-2, 8)
    sigmas = torch.logspace(-3, 4, 281, dtype=torch.float64)

    def new_controls(self):
        return {
            "noise": log_slider("noise σ (units of y)", 1, -1, 1),
            "start": log_slider("start of σ", 10, -2, 2),
            "head": choice("head", "log σ²", tuple(HEADS)),
            "optimizer": choice("optimizer", "gradient descent", tuple(OPTIMIZERS)),
            "lr": log_slider("learning rate", 0.1, -4, 1),
        }

    def new_problem(self, at):
        return Problem(constant(0.0), constant(at.noise), low=-3, high=3)

    def first_weights(self, at):
        return Spread(at.head, at.start)

    def new_fit(self, model, at):
        return FitOfWalk(model, self.new_loss(at), at.lr, OPTIMIZERS[at.optimizer])

    def look(self):
        super().look()
        self.fit.note(self.sigma[0].log().item())

    @property
    def path(self):
        return self.fit.path

    def rms(self):
        """The RMS residual, where σ should end, in units of y."""
        return self.cells.mean_square(torch.zeros_like(self.cells.y)).sqrt().item()

    def arrived(self):
        """Whether the walk ends within 1 % of the RMS residual."""
        return abs(self.path[-1] / self.rms() - 1) < 0.01

    def panels(self):
        line = {"color": ALEATORIC, "linewidth": 1.2}
        dots = DOT | {"color": ALEATORIC, "markersize": 6}
        unseen = {"color": ALEATORIC, "linestyle": ""}  # what the axes are to hold
        sigmas = (0.3, 30), (1e-2, 1e2), (1e-3, 1e4)
        return [
            Panel(
                {"xscale": "log", "xlabel": "σ (units of y)", "ylabel": "NLL (nats)"},
                {
                    "valley": THIN | {"label": "the valley", "at": (1, "below")},
                    "steps": line,
                    "counted": dots | {"label": "the walk at steps 1, 2, 5, 10, 20, 50, …"},
                    "seen": unseen,
                },
                stages={"xlim": ("seen", sigmas), "ylim": ("seen", ((0, 5), self.nll_limits))},
            ),
            Panel(
                {"xscale": "log", "yscale": "log", "xlabel": "step", "ylabel": "σ (units of y)"},
                {
                    "walk": line,
                    "counted steps": dots,
                    "rms": DASHED | {"label": "RMS residual", "at": (1, "below")},
                    "seen steps": unseen,
                },
                stages={"xlim": ("walk", STEPS), "ylim": ("seen steps", sigmas)},
            ),
        ]

    def curves(self):
        rms = self.rms()

        def along(steps):
            path = torch.tensor([self.path[i - 1] for i in steps], dtype=torch.float64)
            return path, gaussian_nll_of(rms**2, path)

        last = len(self.path)
        kept = sorted({round(last ** (i / 200)) for i in range(201)})
        dots = [n * 10**k for k in range(5) for n in (1, 2, 5) if n * 10**k <= last]
        path, nll = along(kept)
        ends = torch.stack([path.min(), path.max(), torch.tensor(rms, dtype=path.dtype)])
        return {
            "valley": (self.sigmas, gaussian_nll_of(rms**2, self.sigmas)),
            "steps": (path, nll),
            "counted": along(dots),
            "seen": (ends, gaussian_nll_of(rms**2, ends)),
            "walk": (kept, path),
            "counted steps": (dots, along(dots)[0]),
            "seen steps": ((1, 1, 1), ends),
            "rms": ((1, LAST_STEP), (rms, rms)),
        }

    def numbers(self):
        verdict = "arrived (within 1 %)" if self.arrived() else "not arrived"
        return {"σ": f"{self.path[-1]:.3g}: {verdict}", "RMS residual": f"{self.rms():.3g}"}
