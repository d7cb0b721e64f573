"""Lesson 00: a network with two outputs."""

from torch import nn

from course_utils.data import WAVE, Problem
from course_utils.labs.lab import Lab
from course_utils.labs.quick import two_outputs
from course_utils.labs.sliders import log_slider, slider
from course_utils.models import HeteroscedasticRegressor


class TwoOutputs(Lab):
    """Lesson 00: a network with two outputs finds the mean and the noise of WAVE."""

    alt = (
        "Lab: a network learns the mean and the noise of a wave. Left, the data with the learned "
        "mean and 95 % interval; middle, learned and true σ over x; right, the loss by step. "
        "Sliders: noise, learning rate."
    )
    y_limits = (-5.5, 5.5)
    sigma_limits = (0, 2)
    nll_limits = (-1.5, 3.5)
    perceptron, train_steps, refit_steps = "net", 150, 20

    def new_controls(self):
        return {
            "noise": slider("noise (× σ(x))", 1, 0, 2),
            "lr": log_slider("learning rate", 0.01, -4, 1),
        }

    def new_problem(self):
        noise = self.value.noise
        return Problem(WAVE.mean, lambda x: noise * WAVE.sigma(x), WAVE.low, WAVE.high)

    def first_weights(self):
        return HeteroscedasticRegressor(hidden=(20, 20), activation=nn.Tanh)

    def slopes(self, outputs):
        return two_outputs(self.cells, outputs)

    def log_scale(self, model):
        return model.net[-1].bias[1:]

    def numbers(self):
        _, true_sigma = self.problem.truth(self.x)
        middle, end = len(self.x) // 2, -1
        return [
            *super().numbers(),
            f"σ(0) learned {self.sigma[middle].item():.2f}, true {true_sigma[middle].item():.2f}",
            f"σ(3) learned {self.sigma[end].item():.2f}, true {true_sigma[end].item():.2f}",
        ]
