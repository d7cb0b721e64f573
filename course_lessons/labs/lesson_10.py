"""Lesson 10: σ from the residuals of the training points, and from those held out."""

import math

import torch
from torch import nn

from course_utils.data import Problem, constant
from course_utils.labs.lab import Lab
from course_utils.labs.likelihoods import gaussian_nll_of
from course_utils.labs.panels import DASHED, DOT, RINGS, fit_curves, fit_panel
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import slider, whole_slider
from course_utils.plots import REPAIRED, WRONG

MOST = 12  # at the end of the slider: 13 coefficients, and at least 20 points to fit them


def features(x, width):
    """A constant and ``width`` cosines of growing frequency: (n, 1) -> (n, width + 1)."""
    return torch.cos(torch.arange(width + 1, dtype=torch.float64) * (x + 3) * math.pi / 6)


class FewData(Lab):
    """Lesson 10: a layer of fixed waves, its output weights by least squares, and one σ."""

    alt = (
        "Lab: a least-squares fit with one σ, judged on training points and on held-out points. "
        "Left, the points with the fit and its 95 % interval; middle, the RMS of the training "
        "residuals, which falls with the width, and of the held-out ones, which turns; right, the "
        "two NLLs over the width. Sliders: points, width, share held out."
    )
    problem = Problem(lambda x: torch.sin(1.3 * x), constant(0.5), low=-3, high=3)
    train_steps = 0
    y_limits = ((-3, 3),)
    widths = range(MOST + 1)

    def new_controls(self):
        return {
            "points": whole_slider("points n", 60, 40, 400),
            "width": whole_slider("width", 10, 0, MOST),
            "share": slider("share held out", 0.3, 0.1, 0.5),
        }

    def new_data(self, at):
        self.n = at.points
        super().new_data(at)
        x, y = self.problem.sample(self.n)  # the first are fitted, the last are held out
        self.train_n = self.n - round(at.share * self.n)
        self.fitted = (x[: self.train_n], y[: self.train_n])
        self.held_out = (x[self.train_n :], y[self.train_n :])

    def solve(self, width):
        """The least-squares weights (width + 1, 1), and σ², the mean squared training residual."""
        x, y = self.fitted
        weights = torch.linalg.lstsq(features(x, width), y).solution
        weights = weights.round(decimals=9)  # LAPACK's last digits depend on memory addresses
        return weights, ((y - features(x, width) @ weights) ** 2).mean().item()

    def judge(self, width):
        """The training σ and the RMS of the held-out residuals at this width, in units of y."""
        weights, variance = self.solve(width)
        x, y = self.held_out
        held = ((y - features(x, width) @ weights) ** 2).mean().item()
        return math.sqrt(variance), math.sqrt(held)

    def first_weights(self, at):
        width = at.width
        weights, variance = self.solve(width)

        class Waves(nn.Module):
            def __init__(self):
                super().__init__()
                self.weights = nn.Parameter(weights)
                self.log_var = nn.Parameter(
                    torch.full((1, 1), math.log(variance), dtype=torch.float64)
                )

            def forward(self, x):
                mu = features(x, width) @ self.weights
                return mu, self.log_var.expand_as(mu)

        return Waves()

    def panels(self):
        kinds = {"training": {"color": WRONG}, "held out": {"color": REPAIRED}}
        places = {"training": (0.54, "below"), "held out": (1, "above")}
        x = {"xlim": (0, MOST), "xlabel": "width"}

        def panel(name, limits, label, truth):
            lines = {
                f"{name} {kind}": colour | {"label": kind, "at": places[kind]}
                for kind, colour in kinds.items()
            }
            dots = {f"{name} {kind} dot": colour | DOT for kind, colour in kinds.items()}
            return Panel(
                x | {"ylim": limits, "ylabel": label},
                {f"{name} truth": DASHED | {"label": truth, "at": (0, "below")}} | lines | dots,
            )

        fit = fit_panel(self, "fitted")
        fit.curves["data"]["label"] = "fitted points"
        fit.curves["held out"] = RINGS | {"color": REPAIRED, "label": "held out"}
        return [
            fit,
            panel("σ", (0, 1.2), "σ (units of y)", "true σ"),
            panel("NLL", (0, 3), "NLL (nats per point)", "noise floor"),
        ]

    def curves(self):
        judged = [self.judge(width) for width in self.widths]
        sigmas = torch.tensor(judged, dtype=torch.float64)  # (widths, 2)
        nlls = gaussian_nll_of(sigmas**2, sigmas[:, :1])
        at, ends = self.value.width, (0, MOST)
        floor = self.problem.noise_floor()
        found = {"σ truth": (ends, (0.5, 0.5)), "NLL truth": (ends, (floor, floor))}
        for name, values in (("σ", sigmas), ("NLL", nlls)):
            for i, kind in enumerate(("training", "held out")):
                found[f"{name} {kind}"] = (self.widths, values[:, i])
                found[f"{name} {kind} dot"] = ((at,), (values[at, i],))
        return fit_curves(self) | {"data": self.fitted, "held out": self.held_out} | found

    def numbers(self):
        training, held = self.judge(self.value.width)
        nlls = gaussian_nll_of(torch.tensor([training**2, held**2]), training)
        return {
            f"{self.train_n} points fitted, {self.n - self.train_n} held out": (
                f"{self.value.width + 1} coefficients"
            ),
            "σ, true 0.50": f"training {training:.3f}, held out {held:.3f}",
            "NLL (nats)": f"training {nlls[0]:.3f}, held out {nlls[1]:.3f}",
        }
