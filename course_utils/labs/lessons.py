"""The lab of each lesson: its sliders, its model, its picture."""

import math

import ipywidgets as widgets
import torch
from torch import nn

from course_utils.data import LINE, WAVE, Problem, constant
from course_utils.labs.lab import Lab
from course_utils.labs.panels import DASHED, fit_curves, fit_panel, loss_curves, loss_panel
from course_utils.labs.picture import Panel
from course_utils.models import HeteroscedasticRegressor, HomoscedasticRegressor, mlp
from course_utils.plots import ALEATORIC, MEAN, TRUTH, WRONG

LAYOUT = {"layout": {"width": "320px"}, "style": {"description_width": "140px"}}


def slider(description: str, value: float, low: float, high: float, step: float = 0.05):
    return widgets.FloatSlider(
        value, description=description, min=low, max=high, step=step, readout_format=".2f", **LAYOUT
    )


def log_slider(description: str, value: float, low: float, high: float):
    """From 10^low to 10^high, twenty stops to each power of ten."""
    return widgets.FloatLogSlider(
        value, description=description, min=low, max=high, step=0.05, readout_format=".2g", **LAYOUT
    )


def whole_slider(description: str, value: int, low: int, high: int):
    return widgets.IntSlider(value, description=description, min=low, max=high, **LAYOUT)


def choice_slider(description: str, value: int, options: tuple[int, ...]):
    return widgets.SelectionSlider(value=value, description=description, options=options, **LAYOUT)


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

    def new_controls(self):
        return {
            "noise": slider("noise (× σ(x))", 1, 0, 2),
            "lr": log_slider("learning rate", 0.01, -4, 1),
        }

    def new_problem(self):
        noise = self.value.noise
        return Problem(WAVE.mean, lambda x: noise * WAVE.sigma(x), WAVE.low, WAVE.high)

    def first_weights(self):
        return HeteroscedasticRegressor(hidden=(32, 32), activation=nn.Tanh)

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


class Likelihood(Lab):
    """Lesson 01: a line and a σ, moved by hand over the likelihood of 40 points; no training."""

    alt = (
        "Lab: a line and σ set by hand. Left, 40 points with the line and its 95 % interval; "
        "middle, the NLL over slopes, lowest at the same slope whatever σ is; right, the NLL over "
        "σ, lowest at the RMS residual. Sliders: slope, intercept, σ."
    )
    retrains = frozenset({"slope", "intercept", "sigma"})
    train_steps = 0
    n = 40
    y_limits = (-9, 13)

    slopes = torch.linspace(-1, 5, 121, dtype=torch.float64)
    sigmas = torch.linspace(0.3, 9, 121, dtype=torch.float64)

    def new_controls(self):
        return {
            "slope": slider("slope", 1.0, -1, 5),
            "intercept": slider("intercept", 0.0, -3, 5),
            "sigma": slider("σ (units of y)", 2.0, 0.35, 9),
        }

    def new_problem(self):
        return LINE

    def first_weights(self):
        model = HomoscedasticRegressor(hidden=())
        with torch.no_grad():
            model.mean[0].weight.fill_(self.value.slope)
            model.mean[0].bias.fill_(self.value.intercept)
            model.log_var.fill_(2 * math.log(self.value.sigma))
        return model

    def panels(self):
        line, dot = {"color": MEAN}, {"color": WRONG, "linestyle": "", "marker": "o"}
        nll = {"ylim": (0, 12), "ylabel": "NLL (nats per point)"}
        return [
            fit_panel(self, "your"),
            Panel(
                nll | {"xlim": (-1, 5), "xlabel": "slope"},
                {
                    "over slopes": line | {"label": "at this σ"},
                    "best slope": DASHED | {"label": "least squares"},
                    "slope": dot | {"label": "yours"},
                },
            ),
            Panel(
                nll | {"xlim": (0, 9), "xlabel": "σ (units of y)"},
                {
                    "over sigmas": line | {"label": "for this line"},
                    "rms": DASHED | {"label": "RMS residual"},
                    "sigma": dot | {"label": "yours"},
                },
            ),
        ]

    def squared_error(self, slope):
        """The mean squared error at this intercept for slopes of any shape (k,), in y's units²."""
        cells = self.cells
        error = cells.y - self.value.intercept - cells.x * slope
        return (cells.weight * (error**2 + cells.spread)).sum(dim=0)

    def curves(self):
        at = self.value
        over_slopes = gaussian_nll_of(self.squared_error(self.slopes), at.sigma)
        squares = self.squared_error(torch.tensor([at.slope], dtype=torch.float64))
        best, rms = self.slopes[over_slopes.argmin()], squares.sqrt().item()
        return fit_curves(self) | {
            "over slopes": (self.slopes, over_slopes),
            "best slope": ((best, best), (0, 12)),
            "slope": ((at.slope,), (self.loss_now,)),
            "over sigmas": (self.sigmas, gaussian_nll_of(squares, self.sigmas)),
            "rms": ((rms, rms), (0, 12)),
            "sigma": ((at.sigma,), (self.loss_now,)),
        }

    def numbers(self):
        squares = self.squared_error(torch.tensor([self.value.slope], dtype=torch.float64)).item()
        return [
            f"NLL {self.loss_now:.3f} nats per point",
            f"mean squared error {squares:.3f}",
            f"RMS residual {math.sqrt(squares):.3f}, your σ {self.value.sigma:.2f}",
        ]


def gaussian_nll_of(mean_square, sigma):
    """The mean NLL of residuals with this mean square under N(0, σ²), in nats."""
    sigma = torch.as_tensor(sigma, dtype=torch.float64)
    return 0.5 * (math.log(2 * math.pi) + 2 * sigma.log() + mean_square / sigma**2)


class LineLab(Lab):
    """Lessons 02 and 03: LINE, with the noise on a slider, and the network of the question."""

    y_limits = (-16, 19)
    nll_limits = (-1, 6)

    def new_problem(self):
        return Problem(LINE.mean, constant(self.value.noise), LINE.low, LINE.high)

    def slope(self):
        """The least-squares slope of the learned mean."""
        x = self.x - self.x.mean()
        return ((x * self.mu).sum() / (x**2).sum()).item()


class VarianceOfPredictions(LineLab):
    """Lesson 02: what becomes of a network that takes Var(mu(x)) for σ²."""

    alt = (
        "Lab: a network whose σ is the spread of its own predictions. Left, the data with a "
        "learned line that is too flat; middle, the σ it reports against the true σ, far from the "
        "diagonal; right, the loss by step. Sliders: noise, learning rate, seed."
    )
    refit_steps = 40  # as close to the closed form as 48

    def new_controls(self):
        return {
            "noise": slider("noise σ (units of y)", 1, 0, 6),
            "lr": log_slider("learning rate", 0.01, -4, 1),
            "seed": whole_slider("seed of weights", 6, 0, 19),
        }

    def first_weights(self):
        class WrongRegressor(nn.Module):
            """Only here: no lesson is meant to import it."""

            def __init__(self):
                super().__init__()
                self.mean = mlp(1, (50, 50), 1)

            def forward(self, x):
                mu = self.mean(x)
                return mu, mu.var(correction=0).log().expand_as(mu)

        return WrongRegressor()

    signal_variance = 2.3**2 * 3  # of 2.3 x + 1.7, with x uniform on [-3, 3]

    def shrunken(self, noise):
        """a = (−1 + √(5 + 4r)) / 2 with r = σ² / Var(signal): the slope tends to a times 2.3."""
        return (-1 + math.sqrt(5 + 4 * noise**2 / self.signal_variance)) / 2

    def panels(self):
        sigma = Panel(
            {"xlim": (0, 6), "ylim": (0, 7), "xlabel": "true σ", "ylabel": "learned σ"},
            {
                "right": DASHED | {"label": "right"},
                "predicted": {"color": WRONG, "label": "predicted"},
                "learned": {"color": ALEATORIC, "linestyle": "", "marker": "o", "label": "learned"},
            },
        )
        return [fit_panel(self), sigma, loss_panel(self)]

    def curves(self):
        noises = [0.1 * i for i in range(61)]
        spread = [self.shrunken(noise) * math.sqrt(self.signal_variance) for noise in noises]
        return {
            **fit_curves(self),
            "right": ((0, 6), (0, 6)),
            "predicted": (noises, spread),
            "learned": ((self.value.noise,), (self.sigma[0].item(),)),
            **loss_curves(self),
        }

    def numbers(self):
        predicted = 2.3 * self.shrunken(self.value.noise)
        return [
            *super().numbers(),
            f"variance of the predictions {self.sigma[0].item() ** 2:.2f}, "
            f"of the noise {self.value.noise**2:.2f}",
            f"slope {self.slope():.3f}, theory {predicted:.3f}, truth 2.300",
        ]


class SingleSigma(LineLab):
    """Lesson 03: the same network, and σ as one parameter that training finds."""

    alt = (
        "Lab: a network for the mean and one learned σ. Left, the data with the learned mean and "
        "95 % interval; middle, the NLL over σ with the learned σ at its lowest point; right, the "
        "loss by step. Sliders: noise, learning rate, start of σ."
    )
    retrains = frozenset({"lr", "start"})
    sigmas = torch.logspace(-1.5, 1.5, 121, dtype=torch.float64)

    def new_controls(self):
        return {
            "noise": slider("noise σ (units of y)", 1, 0, 6),
            "lr": log_slider("learning rate", 0.03, -4, 1),
            "start": log_slider("start of σ", 3, -0.5, 1),
        }

    def first_weights(self):
        model = HomoscedasticRegressor()
        with torch.no_grad():
            model.log_var.fill_(2 * math.log(self.value.start))
        return model

    def panels(self):
        valley = Panel(
            {
                "xlim": (0.03, 30), "ylim": self.nll_limits, "xscale": "log",
                "xlabel": "σ (units of y)", "ylabel": "NLL (nats)",
            },
            {
                "valley": {"color": TRUTH, "linewidth": 1.2, "label": "for this mean"},
                "true sigma": DASHED | {"label": "true σ"},
                "learned": {"color": ALEATORIC, "linestyle": "", "marker": "o", "label": "learned"},
            },
        )  # fmt: skip
        return [fit_panel(self), valley, loss_panel(self)]

    def mean_square(self):
        """The mean squared residual of the data, in y's units²."""
        with torch.no_grad():
            mu, _ = self.model(self.cells.x)
        squares = (self.cells.y - mu) ** 2 + self.cells.spread
        return (self.cells.weight * squares).sum().item()

    def curves(self):
        noise = self.value.noise
        truth = {"true sigma": ((noise, noise), self.nll_limits)} if noise else {}
        return {
            **fit_curves(self),
            "valley": (self.sigmas, gaussian_nll_of(self.mean_square(), self.sigmas)),
            **truth,
            "learned": ((self.sigma[0].item(),), (self.loss_now,)),
            **loss_curves(self),
        }

    def numbers(self):
        return [
            *super().numbers(),
            f"learned σ {self.sigma[0].item():.3f}, true σ {self.value.noise:.2f}, "
            f"RMS residual {math.sqrt(self.mean_square()):.3f}",
        ]


class NoiseShape(TwoOutputs):
    """Lesson 04: noise at the edges, everywhere or in the middle, and few points or many."""

    alt = (
        "Lab: a network with two outputs under noise of another shape. Left, the data with the "
        "learned mean and 95 % interval; middle, learned and true σ over x; right, the loss by "
        "step. Sliders: shape of the noise, learning rate, number of points."
    )
    y_limits = (-4, 4)
    sigma_limits = (0, 1.5)
    nll_limits = (-2, 3)

    def new_controls(self):
        return {
            "shape": slider("noise: mid – edge", 1, -1, 1),
            "lr": log_slider("learning rate", 0.01, -4, 1),
            "n": choice_slider("points n", 1000, (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)),
        }

    @property
    def n(self):
        return self.value.n

    def new_problem(self):
        # Shape 1 is WAVE, 0 the same noise everywhere, -1 WAVE's noise turned inside out.
        shape = self.value.shape
        return Problem(
            WAVE.mean, lambda x: 0.525 + shape * 0.25 * (x.abs() - 1.5), WAVE.low, WAVE.high
        )

    def numbers(self):
        return [*super().numbers(), f"NLL on the {self.value.n:,} points {self.loss_now:.3f}"]
