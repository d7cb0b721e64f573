"""Lesson 06: uncertain weights on fixed features, exact and independent."""

import torch
from torch import Tensor, nn

from course_utils.data import WAVE, Problem, constant
from course_utils.labs.lab import Lab
from course_utils.labs.panels import BAND, OF_THE_MEAN, POINTS, THIN, UNDER
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import choice_slider, slider
from course_utils.plots import ALEATORIC, EPISTEMIC, MEAN

CALM = Problem(WAVE.mean, constant(0.3), low=-3, high=3)
WIDE = torch.linspace(-6, 6, 241, dtype=torch.float64)[:, None]


def features(x: Tensor, count: int) -> Tensor:
    """Random bumps and a constant, (n, count + 1); no bumps stands for a line, (n, 2)."""
    if count == 0:
        return torch.cat([x, torch.ones_like(x)], dim=1)
    w, b = 2.5 * torch.randn(2, count, dtype=x.dtype, generator=torch.Generator().manual_seed(0))
    return torch.cat([torch.exp(-((x * w + b) ** 2) / 2), torch.ones_like(x)], dim=1)


class Weights(nn.Module):
    """Weights θ ~ N(m, Sigma) on the features and a noise variance v, at the largest ELBO.

    x (n, 1) -> the mean and log variance of y, both (n, 1). ``independent``: Sigma is diagonal.
    """

    def __init__(self, x: Tensor, y: Tensor, count: int, tau: float, independent: bool):
        super().__init__()
        self.count = count
        Phi, v = features(x, count), y.var()
        identity = torch.eye(Phi.shape[1], dtype=Phi.dtype)
        for _ in range(100):
            precision = Phi.T @ Phi / v + identity / tau**2
            self.Sigma = torch.linalg.inv(precision)
            self.m = self.Sigma @ Phi.T @ y / v
            if independent:
                self.Sigma = (1 / precision.diagonal()).diag()
            of_f = ((Phi @ self.Sigma) * Phi).sum(dim=1, keepdim=True)
            before, v = v, ((y - Phi @ self.m) ** 2 + of_f).mean()
            if abs(v / before - 1) < 1e-5:
                break
        self.log_v = nn.Parameter(v.log())

    def sd_of_f(self, x: Tensor) -> Tensor:
        Phi = features(x, self.count)
        return ((Phi @ self.Sigma) * Phi).sum(dim=1, keepdim=True).sqrt()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return features(x, self.count) @ self.m, (self.log_v.exp() + self.sd_of_f(x) ** 2).log()

    @property
    def noise(self) -> float:
        return (self.log_v / 2).exp().item()


class UncertainWeights(Lab):
    """Lesson 06: weights on fixed features, exact and as independent Gaussians; no training."""

    alt = (
        "Lab: a wave with an empty middle, fitted by random bumps whose heights are uncertain. "
        "Left, the points, the mean and the 95 % bands of the exact posterior and of independent "
        "Gaussians; right, the sd of f under both, over x. Sliders: number of points, prior sd, "
        "number of bumps."
    )
    problem = CALM
    train_steps = 0

    def new_controls(self):
        return {
            "points": choice_slider("points", 60, (10, 20, 40, 60, 100, 200, 400, 1000)),
            "prior": slider("prior sd of f(0)", 2.5, 0.5, 5, 0.1),
            "bumps": choice_slider("bumps (0: a line)", 50, (0, 5, 10, 20, 50, 100, 200)),
        }

    def new_data(self, at):
        self.n = at.points
        super().new_data(at)

    def first_weights(self, at):
        x, y = CALM.sample(at.points, seed=0)
        seen = (x.abs() > 1)[:, 0]
        self.seen = x[seen], y[seen]
        at_0 = features(torch.zeros_like(x[:1]), at.bumps).norm().item()
        given = *self.seen, at.bumps, at.prior / at_0
        self.independent = Weights(*given, independent=True)
        return Weights(*given, independent=False)

    def panels(self):
        wide = {"xlim": (-6, 6), "xlabel": "x"}
        edge, noise = THIN | {"linestyle": ":"}, {"color": ALEATORIC}
        return [
            Panel(
                wide | {"ylim": (-4.5, 4.5), "ylabel": "y"},
                {
                    "y": BAND | {"label": "95 % for a new y", "at": (0, "above")},
                    "f": OF_THE_MEAN | {"label": "95 % for f", "at": (0.55, "above")},
                    "lower": edge | {"label": "f, mean field", "at": (0.34, "below")},
                    "upper": edge,
                    "data": POINTS | {"label": "data", "markersize": 3.5},
                    "mean": {"color": MEAN, "label": "mean", "at": (0.7, "below")},
                    "true mean": UNDER | {"label": "true mean", "at": (1, "above")},
                },
                width=1.7,
            ),
            Panel(
                wide | {"ylim": (0.02, 10), "yscale": "log", "ylabel": "sd (units of y)"},
                {
                    "exact": {"color": EPISTEMIC, "label": "of f", "at": (0.395, "above")},
                    "independent": edge | {"label": "of f, mean field", "at": (0, "below")},
                    "noise": noise | {"label": "noise", "at": (0.53, "below")},
                    "other noise": noise
                    | {"linestyle": ":", "label": "noise, mean field", "at": (1, "above")},
                },
            ),
        ]

    def curves(self):
        with torch.no_grad():
            mean, log_var = self.model(WIDE)
            other, _ = self.independent(WIDE)
            half, total = 1.96 * self.model.sd_of_f(WIDE), 1.96 * (log_var / 2).exp()
            other_half = 1.96 * self.independent.sd_of_f(WIDE)
        ends, noises = (-6, 6), (self.model.noise, self.independent.noise)
        return {
            "data": self.seen,
            "y": (WIDE, mean - total, mean + total),
            "f": (WIDE, mean - half, mean + half),
            "lower": (WIDE, other - other_half),
            "upper": (WIDE, other + other_half),
            "mean": (WIDE, mean),
            "true mean": (WIDE, CALM.mean(WIDE)),
            "exact": (WIDE, half / 1.96),
            "independent": (WIDE, other_half / 1.96),
            "noise": (ends, (noises[0],) * 2),
            "other noise": (ends, (noises[1],) * 2),
        }

    def numbers(self):
        zero = torch.zeros(1, 1, dtype=torch.float64)
        exact, independent = self.model, self.independent
        return {
            "points outside the gap": f"{len(self.seen[0])}",
            "noise, true 0.30": f"exact {exact.noise:.2f}, mean field {independent.noise:.2f}",
            "sd of f(0)": f"exact {exact.sd_of_f(zero).item():.2f}, "
            f"mean field {independent.sd_of_f(zero).item():.2f}",
        }
