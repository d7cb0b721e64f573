"""Lesson 09: how strongly the quiet points pull on the mean."""

import math
from dataclasses import replace

import torch
from torch import nn

from course_utils.data import Problem, constant
from course_utils.labs.lab import Lab
from course_utils.labs.panels import DASHED, fit_curves, fit_panel, loss_curves, loss_panel
from course_utils.labs.picture import Panel
from course_utils.labs.quick import two_outputs
from course_utils.labs.sliders import log_slider, slider
from course_utils.losses import same_shape
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
    retrains = frozenset({"lr", "start"})
    perceptron = "net"
    n = 1000
    y_limits = (-2.2, 2.2)
    nll_limits = (-2.5, 3)

    def new_controls(self):
        return {
            "beta": slider("β", 0, 0, 1),
            "lr": log_slider("learning rate", 0.03, -4, 0),
            "start": log_slider("start of σ", 1, -2, 1),
        }

    def new_problem(self):
        return Problem(lambda x: torch.sin(4 * x), constant(0.05), low=-3, high=3)

    def first_weights(self):
        model = HeteroscedasticRegressor(hidden=(32, 32), activation=nn.Tanh)
        with torch.no_grad():
            model.net[-1].bias[1].fill_(2 * math.log(self.value.start))
        return model

    def loss(self, model, cells):
        """The β-NLL of the cells: the NLL times σ^(2β), a weight without gradient."""
        mu, log_var = model(cells.x)
        same_shape(y=cells.y, mu=mu, log_var=log_var)
        squares = ((cells.y - mu) ** 2 + cells.spread) * torch.exp(-log_var)
        each = 0.5 * (math.log(2 * math.pi) + log_var + squares)
        return (cells.weight * torch.exp(self.value.beta * log_var.detach()) * each).sum()

    def slopes(self, outputs):
        pull = torch.exp(self.value.beta * outputs[:, 1:])
        weighted = replace(self.cells, weight=self.cells.weight * pull)
        loss, gradient = two_outputs(weighted, outputs)
        return loss + 0.5 * math.log(2 * math.pi) * (weighted.weight.sum().item() - 1), gradient

    def _refit(self):
        """β changes how one trains and not what is best: from the first weights again."""
        self._pose()
        if not self.playing:
            self._restart()

    def pull(self):
        """The weight σ^(2β − 2) of a residual in the gradient of mu, over its average, (200, 1)."""
        weight = self.sigma ** (2 * self.value.beta - 2)
        return weight / weight.mean()

    def rmse(self):
        """The distance of the learned mean from the true one, in units of y."""
        mean, _ = self.problem.truth(self.x)
        return ((self.mu - mean) ** 2).mean().sqrt().item()

    def panels(self):
        pull = Panel(
            {
                "xlim": (-3, 3),
                "ylim": (1e-3, 10),
                "yscale": "log",
                "xlabel": "x",
                "ylabel": "pull on the mean / average",
            },
            {
                "pull": {"color": WRONG, "label": "pull of a point"},
                "even": DASHED | {"label": "squared error"},
            },
        )
        return [fit_panel(self), pull, loss_panel(self)]

    def curves(self):
        return {
            **fit_curves(self),
            "pull": (self.x, self.pull()),
            "even": ((-3, 3), (1, 1)),
            **loss_curves(self),
        }

    def numbers(self):
        noise = self.problem.truth(self.x)[1].max().item()
        return [
            *super().numbers(),
            f"distance of the mean from the truth {self.rmse():.3f} (RMSE), noise {noise:.2f}",
        ]
