"""Kinds of labs that several lessons share: two outputs on WAVE, a line on LINE."""

import math

import torch
from torch import nn

from course_utils.data import LINE, WAVE, Problem, constant
from course_utils.labs.lab import Lab
from course_utils.labs.likelihoods import TWO_OUTPUTS
from course_utils.labs.sliders import log_slider, slider
from course_utils.models import HeteroscedasticRegressor


class TwoOutputs(Lab):
    """A network with two outputs finds the mean and the noise of WAVE, times a factor."""

    y_limits = (-2.2, 2.2), (-3.5, 3.5), (-5.5, 5.5)
    sigma_limits = (0, 2)
    nll_limits = (-1.5, 3.5)
    outputs, train_steps, refit_steps = TWO_OUTPUTS, 150, 20

    def new_controls(self):
        return {
            "noise": slider("noise (× σ(x))", 1, 0, 2),
            "lr": log_slider("learning rate", 0.01, -4, 1),
        }

    def new_problem(self, at):
        return Problem(WAVE.mean, lambda x: at.noise * WAVE.sigma(x), WAVE.low, WAVE.high)

    def first_weights(self, at):
        return HeteroscedasticRegressor(hidden=(20, 20), activation=nn.Tanh)

    def sigma_at(self, x: float) -> str:
        """σ learned and true at the point of the grid that is nearest."""
        row = (self.x - x).abs().argmin()
        true = self.problem.truth(self.x)[1][row].item()
        return f"{self.sigma[row].item():.2f}, true {true:.2f}"


class LineLab(Lab):
    """LINE, with the noise on a slider, and the network of the question."""

    y_limits = (-9, 13), (-12, 15), (-17, 20)
    nll_limits = (-1, 6)
    refit_steps = 20

    def new_problem(self, at):
        return Problem(LINE.mean, constant(at.noise), LINE.low, LINE.high)

    def slope(self) -> float:
        """The least-squares slope of the learned mean."""
        x = self.x - self.x.mean()
        return ((x * self.mu).sum() / (x**2).sum()).item()


class ScaledTruth(nn.Module):
    """WAVE's true mean, and its true σ(x) times a factor: a forecast that needs no training."""

    def __init__(self, factor: float):
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(factor), dtype=torch.float64))

    def forward(self, x):
        mean, sigma = WAVE.truth(x)
        return mean, 2 * (sigma.log() + self.log_scale)
