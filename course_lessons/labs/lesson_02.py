"""Lesson 02: the variance of the predictions in the place of σ²."""

import math

import torch
from torch import nn

from course_utils.labs.kinds import LineLab
from course_utils.labs.likelihoods import Outputs
from course_utils.labs.panels import DASHED, DOT, POINTS
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import log_slider, slider, whole_slider
from course_utils.models import mlp
from course_utils.plots import ALEATORIC, WRONG


class VarianceOfPredictions(LineLab):
    """Lesson 02: what becomes of a network that takes Var(mu(x)) for σ²."""

    alt = (
        "Lab: a network whose σ is the spread of its own predictions. Left, the data with a "
        "learned line that is too flat; middle, the σ it reports against the true σ, far from the "
        "diagonal; right, the loss by step. Sliders: noise, learning rate, seed."
    )

    @staticmethod
    def of_predictions(loss, model, outputs):
        """Mu is the output (k, 1), and log σ² the log of its variance."""
        var, mean = torch.var_mean(outputs, correction=0)
        centred = outputs - mean
        value, by_mu, by_log_var = loss.slopes(outputs, var.log())
        return value, by_mu.addcmul_(centred, by_log_var.sum() * 2 / (len(outputs) * var))

    outputs = Outputs("mean", of_predictions)

    def new_controls(self):
        return {
            "noise": slider("noise σ (units of y)", 1, 0, 6),
            "lr": log_slider("learning rate", 0.01, -4, 1),
            "seed": whole_slider("seed of weights", 6, 0, 19),
        }

    def first_weights(self, at):
        class WrongRegressor(nn.Module):
            """Only here: no lesson is meant to import it."""

            def __init__(self):
                super().__init__()
                self.mean = mlp(1, (50, 50), 1)

            def forward(self, x):
                mu = self.mean(x)
                return mu, mu.var(correction=0).log().expand_as(mu)

        return WrongRegressor()

    def new_loss(self, at):
        self.trail = []  # of the σ reported since the weights or the problem were new
        return super().new_loss(at)

    def look(self):
        super().look()
        self.trail.append(self.sigma[0].item())

    signal_variance = 2.3**2 * 3  # of 2.3 x + 1.7, with x uniform on [-3, 3]

    def shrunken(self, noise):
        """a = (−1 + √(5 + 4r)) / 2 with r = σ² / Var(signal): the slope tends to a times 2.3."""
        return (-1 + math.sqrt(5 + 4 * noise**2 / self.signal_variance)) / 2

    def middle_panel(self):
        return Panel(
            {"xlim": (0, 6), "ylim": (0, 7), "xlabel": "true σ", "ylabel": "learned σ"},
            {
                "right": DASHED | {"label": "right", "at": (0.45, "below")},
                "predicted": {"color": WRONG, "label": "predicted", "at": (0, "above")},
                "trail": POINTS | {"color": ALEATORIC, "alpha": 0.5},
                "learned": DOT | {"color": ALEATORIC, "label": "learned", "at": (0, "below")},
            },
        )

    def panels(self):
        fit, *others = super().panels()
        fit.curves["true mean"]["at"] = (0.45, "below")  # away from the line, which is flatter
        fit.curves["mean"]["at"] = (1, "below")
        return [fit, *others]

    def middle_curves(self):
        noises = [0.1 * i for i in range(61)]
        spread = [self.shrunken(noise) * math.sqrt(self.signal_variance) for noise in noises]
        return {
            "right": ((0, 6), (0, 6)),
            "predicted": (noises, spread),
            "trail": ([self.value.noise] * len(self.trail), self.trail),
            "learned": ((self.value.noise,), (self.sigma[0].item(),)),
        }

    def numbers(self):
        predicted = 2.3 * self.shrunken(self.value.noise)
        variance, noise = self.sigma[0].item() ** 2, self.value.noise**2
        return self.nats() | {
            "variance of the predictions": f"{variance:.2f}, of the noise {noise:.2f}",
            "slope": f"{self.slope():.3f}, theory {predicted:.3f}, truth 2.300",
        }
