"""Lesson 01: the likelihood of a line, by hand."""

import math

import torch

from course_utils.data import LINE
from course_utils.labs.lab import Lab
from course_utils.labs.likelihoods import gaussian_nll_of
from course_utils.labs.panels import DASHED, DOT, fit_curves, fit_panel
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import slider
from course_utils.models import HomoscedasticRegressor
from course_utils.plots import MEAN, WRONG

HIGHEST = 300  # nats per point, at the ends of the sliders


class Likelihood(Lab):
    """Lesson 01: a line and a σ, moved by hand over the likelihood of 40 points; no training."""

    alt = (
        "Lab: a line and σ set by hand. Left, 40 points with the line and its 95 % interval; "
        "middle, the NLL over slopes, lowest at the same slope whatever σ is; right, the NLL over "
        "σ, lowest at the RMS residual. Sliders: slope, intercept, σ."
    )
    problem = LINE
    train_steps = 0
    n = 40
    y_limits = (-9, 13), (-20, 22)

    grid = torch.linspace(-1, 5, 121, dtype=torch.float64)
    sigmas = torch.linspace(0.3, 9, 121, dtype=torch.float64)

    def new_controls(self):
        return {
            "slope": slider("slope", 1.0, -1, 5),
            "intercept": slider("intercept", 0.0, -3, 5),
            "sigma": slider("σ (units of y)", 2.0, 0.35, 9),
        }

    def first_weights(self, at):
        model = HomoscedasticRegressor(hidden=())
        with torch.no_grad():
            model.mean[0].weight.fill_(at.slope)
            model.mean[0].bias.fill_(at.intercept)
            model.log_var.fill_(2 * math.log(at.sigma))
        return model

    def panels(self):
        line, dot = {"color": MEAN}, DOT | {"color": WRONG}
        nll = {"ylabel": "NLL (nats per point)"}
        highest = (0, 12), (0, 60), (0, HIGHEST)
        return [
            fit_panel(self, "your", holds="mean"),
            Panel(
                nll | {"xlim": (-1, 5), "xlabel": "slope"},
                {
                    "over slopes": line | {"label": "at this σ", "at": (1, "above")},
                    "best slope": DASHED | {"label": "least squares", "at": (0.95, "above")},
                    "slope": dot | {"label": "yours", "at": (0, "below")},
                },
                stages={"ylim": ("slope", highest)},
            ),
            Panel(
                nll | {"xlim": (0, 9), "xlabel": "σ (units of y)"},
                {
                    "over sigmas": line | {"label": "for this line", "at": (1, "above")},
                    "rms": DASHED | {"label": "RMS residual", "at": (0.95, "above")},
                    "sigma": dot | {"label": "yours", "at": (0, "below")},
                },
                stages={"ylim": ("sigma", highest)},
            ),
        ]

    def squared_error(self, slopes):
        """The mean squared error at this intercept for slopes (k,), in y's units²."""
        return self.cells.mean_square(self.value.intercept + self.cells.x * slopes)

    def curves(self):
        at = self.value
        over_slopes = gaussian_nll_of(self.squared_error(self.grid), at.sigma)
        squares = self.squared_error(torch.tensor([at.slope], dtype=torch.float64))
        best, rms = self.grid[over_slopes.argmin()], squares.sqrt().item()
        return fit_curves(self) | {
            "over slopes": (self.grid, over_slopes),
            "best slope": ((best, best), (0, HIGHEST)),
            "slope": ((at.slope,), (self.loss_now,)),
            "over sigmas": (self.sigmas, gaussian_nll_of(squares, self.sigmas)),
            "rms": ((rms, rms), (0, HIGHEST)),
            "sigma": ((at.sigma,), (self.loss_now,)),
        }

    def numbers(self):
        squares = self.squared_error(torch.tensor([self.value.slope], dtype=torch.float64)).item()
        return {
            "NLL": f"{self.loss_now:.3f} nats per point",
            "mean squared error": f"{squares:.3f}",
            "RMS residual": f"{math.sqrt(squares):.3f}, your σ {self.value.sigma:.2f}",
        }
