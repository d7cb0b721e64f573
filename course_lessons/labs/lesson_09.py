"""Lesson 09: how strongly the quiet points pull on the mean."""

import math

import torch
from torch import nn

from course_utils.data import Problem, constant
from course_utils.labs.lab import Lab
from course_utils.labs.likelihoods import TWO_OUTPUTS, BetaGaussian
from course_utils.labs.panels import DASHED
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import log_slider, slider
from course_utils.models import HeteroscedasticRegressor
from course_utils.plots import WRONG


class Pull(Lab):
    """Lesson 09: β-NLL from β = 0, the NLL, to β = 1, the mean's gradient of squared error."""

    alt = (
        "Lab: a network with two outputs on a wave with little noise, trained by the beta-NLL. "
        "Left, the data with the learned mean and 95 % interval; middle, how strongly each point "
        "pulls on the mean, relative to the average, over x; right, the NLL by step. "
        "Sliders: beta, learning rate, start of σ."
    )
    problem = Problem(lambda x: torch.sin(4 * x), constant(0.05), low=-3, high=3)
    retrains = frozenset({"lr", "start"})
    outputs = TWO_OUTPUTS
    refits = False  # β changes how one trains and not what is best
    n = 1000
    y_limits = ((-2.2, 2.2),)
    nll_limits = (-2.5, 3)

    def new_controls(self):
        return {
            "beta": slider("β", 0, 0, 1),
            "lr": log_slider("learning rate", 0.03, -4, 0),
            "start": log_slider("start of σ", 1, -2, 1),
        }

    def first_weights(self, at):
        model = HeteroscedasticRegressor(hidden=(32, 32), activation=nn.Tanh)
        with torch.no_grad():
            model.net[-1].bias[1].fill_(2 * math.log(at.start))
        return model

    def new_loss(self, at):
        return BetaGaussian(self.cells, at.beta)

    def pull(self):
        """The weight σ^(2β − 2) of a residual in the gradient of mu, over its average, (200, 1)."""
        weight = self.sigma ** (2 * self.value.beta - 2)
        return weight / weight.mean()

    def rmse(self):
        """The distance of the learned mean from the true one, in units of y."""
        mean, _ = self.problem.truth(self.x)
        return ((self.mu - mean) ** 2).mean().sqrt().item()

    def middle_panel(self):
        return Panel(
            {
                "xlim": (-3, 3),
                "ylim": (1e-3, 10),
                "yscale": "log",
                "xlabel": "x",
                "ylabel": "pull on the mean / average",
            },
            {
                "pull": {"color": WRONG, "label": "points there pull", "at": (0.3, "above")},
                "even": DASHED | {"label": "all alike", "at": (1, "below")},
            },
        )

    def middle_curves(self):
        return {"pull": (self.x, self.pull()), "even": ((-3, 3), (1, 1))}

    def numbers(self):
        noise = self.problem.truth(self.x)[1].max().item()
        return self.nats() | {
            "distance of the mean from the truth": f"{self.rmse():.3f} (RMSE), noise {noise:.2f}"
        }
