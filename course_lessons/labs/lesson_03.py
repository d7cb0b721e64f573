"""Lesson 03: one σ, learned as a parameter."""

import math

import torch

from course_utils.labs.kinds import LineLab
from course_utils.labs.likelihoods import ONE_SIGMA, gaussian_nll_of
from course_utils.labs.panels import DASHED, DOT, THIN
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import log_slider, slider
from course_utils.models import HomoscedasticRegressor
from course_utils.plots import ALEATORIC


class SingleSigma(LineLab):
    """Lesson 03: the same network, and σ as one parameter that training finds."""

    alt = (
        "Lab: a network for the mean and one learned σ. Left, the data with the learned mean and "
        "95 % interval; middle, the NLL over σ with the learned σ at its lowest point; right, the "
        "loss by step. Sliders: noise, learning rate, start of σ."
    )
    retrains = frozenset({"lr", "start"})
    outputs = ONE_SIGMA
    sigmas = torch.logspace(-1.5, 1.5, 121, dtype=torch.float64)

    def new_controls(self):
        return {
            "noise": slider("noise σ (units of y)", 1, 0, 6),
            "lr": log_slider("learning rate", 0.03, -4, 1),
            "start": log_slider("start of σ", 3, -0.5, 1),
        }

    def first_weights(self, at):
        model = HomoscedasticRegressor()
        with torch.no_grad():
            model.log_var.fill_(2 * math.log(at.start))
        return model

    def middle_panel(self):
        return Panel(
            {
                "xlim": (0.03, 30),
                "ylim": self.nll_limits,
                "xscale": "log",
                "xlabel": "σ (units of y)",
                "ylabel": "NLL (nats)",
            },
            {
                "valley": THIN | {"label": "for this mean", "at": (1, "below")},
                "true sigma": DASHED | {"label": "true σ", "at": (0.95, "above")},
                "learned": DOT | {"color": ALEATORIC, "label": "learned", "at": (0, "above")},
            },
        )

    def mean_square(self):
        """The mean squared residual of the data, in y's units²."""
        with torch.no_grad():
            mu, _ = self.model(self.cells.x)
        return self.cells.mean_square(mu).item()

    def middle_curves(self):
        noise = self.value.noise
        truth = {"true sigma": ((noise, noise), self.nll_limits)} if noise else {}
        return {
            "valley": (self.sigmas, gaussian_nll_of(self.mean_square(), self.sigmas)),
            **truth,
            "learned": ((self.sigma[0].item(),), (self.loss_now,)),
        }

    def numbers(self):
        return self.nats() | {
            "learned σ": f"{self.sigma[0].item():.3f}, true σ {self.value.noise:.2f}",
            "RMS residual": f"{math.sqrt(self.mean_square()):.3f}",
        }
