"""Lesson 08: the walk of σ down its valley, under three heads and two optimisers."""

import math

import ipywidgets as widgets
import torch
from torch import nn
from torch.nn.functional import softplus
from torch.optim import SGD, Adam

from course_utils.data import Problem, constant
from course_utils.labs.lab import Lab
from course_utils.labs.lesson_01 import gaussian_nll_of
from course_utils.labs.panels import DASHED, LAST_STEP
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import LAYOUT, log_slider
from course_utils.plots import ALEATORIC, TRUTH
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


class Walk(Lab):
    """Lesson 08: σ walks from its start towards the RMS residual, at a constant learning rate."""

    alt = (
        "Lab: gradient descent on one σ. Left, the NLL over σ, a valley, with the steps of the "
        "walk as dots; right, σ by step against the RMS residual. Sliders: noise, start of σ, "
        "head, optimiser, learning rate."
    )
    retrains = frozenset({"start", "head", "optimiser", "lr"})
    train_steps = 250
    nll_limits = (-2, 8)
    sigmas = torch.logspace(-3, 4, 281, dtype=torch.float64)

    def new_controls(self):
        def choice(description, options):
            return widgets.SelectionSlider(
                value=options[0], description=description, options=options, **LAYOUT
            )

        return {
            "noise": log_slider("noise σ (units of y)", 1, -1, 1),
            "start": log_slider("start of σ", 10, -2, 2),
            "head": choice("head", tuple(HEADS)),
            "optimiser": choice("optimiser", ("gradient descent", "Adam")),
            "lr": log_slider("learning rate", 0.1, -4, 1),
        }

    def new_problem(self):
        return Problem(constant(0.0), constant(self.value.noise), low=-3, high=3)

    def first_weights(self):
        return Spread(self.value.head, self.value.start)

    def loss(self, model, cells):
        self._above_zero(model)
        return super().loss(model, cells)

    def _above_zero(self, model):
        if not (model.exact or model.var(model.raw) > 0):
            raise BelowZero(len(self.losses), math.nan, self.value.lr)

    @torch.no_grad()
    def _descent(self, _):
        """``loss`` and its slope by the raw parameter, at half the price of autograd."""
        model = self.model
        self._above_zero(model)
        mu, log_var = model(self.cells.x)
        loss, _, by_log_var = self.cells.slopes(mu, log_var)
        model.raw.grad = by_log_var.sum() * model.log_slope(model.raw)
        self._note(log_var[0].item() / 2)
        return loss

    def _rewind(self):
        super()._rewind()
        self.path = []

    def _refit(self):
        """The noise moves the valley: walk again from the start."""
        self._pose()
        if not self.playing:
            self._restart()

    def _train(self, steps, *, decay=False, seconds=math.inf):
        """Steps at a constant learning rate, of the optimiser that is chosen."""
        if self._optimiser is None:
            plain = self.value.optimiser == "gradient descent"
            self._optimiser = (SGD if plain else Adam)(self.model.parameters(), lr=self.value.lr)
        self._since_fit = None  # the walk is the lesson: its steps are never made smaller
        super()._train(steps, seconds=seconds)

    def _look(self):
        super()._look()
        self._note(self.sigma[0].log().item())

    def _note(self, log_sigma):
        """Keep σ as it is after len(losses) steps; what overflows is kept as e^300."""
        self.path[len(self.losses) :] = [math.exp(min(log_sigma, 300))]

    def rms(self):
        """The RMS residual, where σ should end, in units of y."""
        cells = self.cells
        return (cells.weight * (cells.y**2 + cells.spread)).sum().sqrt().item()

    def arrived(self):
        """Whether the walk ends within 1 % of the RMS residual."""
        return abs(self.path[-1] / self.rms() - 1) < 0.01

    def panels(self):
        return [
            Panel(
                {
                    "xlim": (1e-3, 1e4),
                    "ylim": self.nll_limits,
                    "xscale": "log",
                    "xlabel": "σ (units of y)",
                    "ylabel": "NLL (nats)",
                },
                {
                    "valley": {"color": TRUTH, "linewidth": 1.2, "label": "the valley"},
                    "steps": {
                        "color": ALEATORIC,
                        "marker": "o",
                        "markersize": 4,
                        "linewidth": 0.7,
                        "label": "the walk of σ",
                    },
                },
            ),
            Panel(
                {
                    "xlim": (1, LAST_STEP),
                    "ylim": (1e-3, 1e4),
                    "xscale": "log",
                    "yscale": "log",
                    "xlabel": "step",
                    "ylabel": "σ (units of y)",
                },
                {
                    "walk": {"color": ALEATORIC, "marker": ".", "label": "σ"},
                    "rms": DASHED | {"label": "RMS residual"},
                },
            ),
        ]

    def curves(self):
        rms = self.rms()
        kept = sorted({round(len(self.path) ** (i / 200)) for i in range(201)})
        path = torch.tensor([self.path[i - 1] for i in kept], dtype=torch.float64)
        return {
            "valley": (self.sigmas, gaussian_nll_of(rms**2, self.sigmas)),
            "steps": (path, gaussian_nll_of(rms**2, path)),
            "walk": (kept, path),
            "rms": ((1, LAST_STEP), (rms, rms)),
        }

    def numbers(self):
        verdict = "arrived (within 1 %)" if self.arrived() else "not arrived"
        return [
            f"step {len(self.losses):,}",
            f"σ {self.path[-1]:.3g}, RMS residual {self.rms():.3g}: {verdict}",
        ]
