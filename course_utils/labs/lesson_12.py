"""Lesson 12: a band with σ off by a factor, its conformal repair, and new data that shift."""

import math

import numpy as np
import torch
from torch import nn
from torch.distributions import Beta

from course_utils.data import WAVE
from course_utils.labs.lab import Lab
from course_utils.labs.panels import DASHED, fit_curves, fit_panel
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import choice_slider, slider
from course_utils.metrics import conformal_quantile, coverage, crps, interval, interval_score, pit
from course_utils.plots import ALEATORIC, DATA, MEAN, REPAIRED

NEW, BINS = 500, 10
SIZES = (9, 19, 29, 49, 99, 199, 499, 999)
HALF = 1.96 * math.sqrt(NEW * (1 / BINS) * (1 - 1 / BINS))  # of a right forecast's bins
LEVEL = 0.95


class Band(Lab):
    """Lesson 12: the true mean, the true σ(x) times a factor, and 500 new points; no training."""

    alt = (
        "Lab: a predicted 95 % interval judged on 500 new points. Left, the points, the band, and "
        "the edges of the band after conformal calibration; middle, the counts of the PIT in ten "
        "bins and the range in which those of a right forecast lie; right, the density of the "
        "coverage that a calibration set gives, and the coverage of this one. Sliders: σ factor, "
        "shift of the new points, calibration points."
    )
    retrains = frozenset({"scale", "shift", "points"})
    train_steps = 0
    n = NEW
    y_limits = (-4, 4)

    def new_controls(self):
        return {
            "scale": slider("forecast σ / true σ", 0.6, 0.3, 3),
            "shift": slider("shift of new y, in σ", 0.0, -2, 2),
            "points": choice_slider("calibration points", 99, SIZES),
        }

    def new_problem(self, at):
        return WAVE

    def first_weights(self, at):
        scale = at.scale

        class Known(nn.Module):
            def __init__(self):
                super().__init__()
                self.log_scale = nn.Parameter(torch.tensor(math.log(scale), dtype=torch.float64))

            def forward(self, x):
                mean, sigma = WAVE.truth(x)
                return mean, 2 * (sigma.log() + self.log_scale)

        return Known()

    def new_data(self, at):
        super().new_data(at)
        x, y = WAVE.sample(NEW, seed=1)
        mean, sigma = WAVE.truth(x)
        self.new_x, self.new_y = x, y + at.shift * sigma
        self.new_mean, self.new_sigma = mean, at.scale * sigma
        noise = np.random.default_rng(2).standard_normal(SIZES[-1])[: at.points]
        self.q = conformal_quantile(abs(noise) / at.scale, LEVEL)
        self.shown = self.new_x, self.new_y

    def gives(self):
        """The coverage of the conformal band on ever more new points, by its closed form."""
        reach, shift = self.q * self.value.scale, self.value.shift
        ends = torch.tensor([reach - shift, -reach - shift], dtype=torch.float64)
        return torch.special.ndtr(ends).diff().neg().item()

    def law(self):
        """The coverage over calibration sets, Beta(k, n + 1 − k); None where k > n."""
        n, k = self.value.points, math.ceil((self.value.points + 1) * LEVEL - 1e-9)
        return Beta(float(k), float(n + 1 - k)) if k <= n else None

    def panels(self):
        green = {"color": REPAIRED, "linewidth": 1.5}
        fit = fit_panel(self, "predicted")
        fit.curves["data"] = fit.curves["data"] | {"label": "new points"}
        fit.curves |= {"lower": green | {"label": "conformal edges"}, "upper": green}
        return [
            fit,
            Panel(
                {"xlim": (0, 1), "ylim": (0, 260), "xlabel": "PIT", "ylabel": "points in the bin"},
                {
                    "range": {
                        "facecolor": DATA,
                        "edgecolor": "none",
                        "alpha": 0.4,
                        "label": "right forecast",
                    },
                    "pit": {"color": ALEATORIC, "label": "PIT"},
                },
            ),
            Panel(
                {
                    "xlim": (0.4, 1),
                    "ylim": (0, 60),
                    "xlabel": "conformal coverage",
                    "ylabel": "density over calibration sets",
                },
                {
                    "density": {"color": MEAN, "label": "Beta law"},
                    "promise": DASHED | {"label": "0.95"},
                    "gives": green | {"label": "this set"},
                },
            ),
        ]

    def curves(self):
        counts = torch.histc(pit(self.new_y, self.new_mean, self.new_sigma), BINS, 0, 1)
        edges = torch.arange(BINS + 1).repeat_interleave(2) / BINS
        heights = torch.cat([torch.zeros(1), counts.repeat_interleave(2), torch.zeros(1)])
        at, expected = min(max(self.gives(), 0.4), 1.0), NEW / BINS
        found = fit_curves(self) | {
            "range": ((0, 1), [expected - HALF] * 2, [expected + HALF] * 2),
            "pit": (edges, heights),
            "promise": ((LEVEL, LEVEL), (0, 60)),
            "gives": ((at, at), (0, 60)),
        }
        if self.law() is not None:
            p = torch.linspace(0.4, 0.9995, 600, dtype=torch.float64)
            half = self.q * self.sigma
            found |= {
                "density": (p, self.law().log_prob(p).exp()),
                "lower": (self.x, self.mu - half),
                "upper": (self.x, self.mu + half),
            }
        return found

    def numbers(self):
        given = self.new_y, self.new_mean, self.new_sigma
        lower, upper = interval(self.new_mean, self.new_sigma, LEVEL)
        inside = coverage(*given, LEVEL)
        error = math.sqrt(LEVEL * (1 - LEVEL) / NEW)  # of a right band's
        width = interval_score(self.new_y, lower, upper, LEVEL)
        score = crps(*given).mean()
        conformal = f"coverage {self.gives():.3f}" if self.law() else "infinite: too few points"
        return {
            "95 % band, 500 new points": f"coverage {inside:.3f} ± {error:.3f}",
            "CRPS, interval score": f"{score:.3f}, {width.mean():.2f}",
            "conformal band": conformal,
        }
