"""Lesson 13: an interval calibrated on a few rows at any level, and new rows whose noise grows."""

import math

import numpy as np
import torch
from torch.distributions import Beta

from course_utils.data import WAVE
from course_utils.labs.kinds import ScaledTruth
from course_utils.labs.lab import Lab
from course_utils.labs.panels import DASHED, fit_curves, fit_panel
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import choice_slider, slider
from course_utils.metrics import conformal_quantile, interval
from course_utils.plots import MEAN, REPAIRED, WRONG

NEW, SAID = 500, 0.6  # new rows; σ that the model says, over the true one
SIZES = (9, 19, 29, 49, 99, 199, 499, 999)
LEVELS = torch.linspace(0.5, 0.995, 199, dtype=torch.float64)


class Promise(Lab):
    """Lesson 13: the true mean, 0.6 times the true σ(x), a conformal repair; no training."""

    alt = (
        "Lab: a conformal interval judged on 500 new rows. Left, the rows, the model's own "
        "interval and the edges of the repaired one; middle, the density of the coverage that a "
        "calibration set of this size gives, the level promised, and the coverage of this set; "
        "right, the factor on σ over the level. Sliders: level, calibration rows, drift of the "
        "noise."
    )
    problem = WAVE
    train_steps = 0
    n = NEW
    y_limits = (-3.2, 3.2), (-6.5, 6.5)

    def new_controls(self):
        return {
            "level": slider("level", 0.9, 0.5, 0.99, 0.01),
            "rows": choice_slider("calibration rows", 99, SIZES),
            "drift": slider("new noise / calibration noise", 1.0, 0.5, 3),
        }

    def first_weights(self, at):
        return ScaledTruth(SAID)

    def new_data(self, at):
        super().new_data(at)
        x, y = WAVE.sample(NEW, seed=1)
        mean, _ = WAVE.truth(x)
        self.shown = x, mean + at.drift * (y - mean)
        noise = np.random.default_rng(2).standard_normal(SIZES[-1])[: at.rows]
        self.scores = torch.from_numpy(abs(noise) / SAID)
        self.q = conformal_quantile(self.scores, at.level)

    def gives(self):
        """The coverage of this interval on ever more new rows, by its closed form."""
        return math.erf(self.q * SAID / self.value.drift / math.sqrt(2))

    def law(self):
        """The coverage over calibration sets without drift, Beta(k, n + 1 − k); None if k > n."""
        n = self.value.rows
        k = math.ceil((n + 1) * self.value.level * (1 - 1e-12))
        return Beta(float(k), float(n + 1 - k)) if k <= n else None

    def panels(self):
        green = {"color": REPAIRED, "linewidth": 1.5}
        fit = fit_panel(self)
        fit.curves["data"] = fit.curves["data"] | {"label": "new rows"}
        fit.curves["band"] = fit.curves["band"] | {"label": "model's interval"}
        fit.curves["mean"] = fit.curves["mean"] | {"label": "its mean", "at": (0.83, "above")}
        fit.curves["true mean"] = fit.curves["true mean"] | {"label": "truth"}
        fit.curves |= {
            "lower": green,
            "upper": green | {"label": "conformal edges", "at": (0.5, "above")},
        }
        return [
            fit,
            Panel(
                {"ylim": (0, 1.1), "xlabel": "coverage", "ylabel": "density / its peak"},
                {
                    "density": {"color": MEAN, "label": "Beta law", "at": (0, "below")},
                    "promise": DASHED | {"label": "promised", "at": (1, "above")},
                    "gives": {"color": WRONG, "label": "this set, new rows", "at": (0.8, "above")},
                    "seen": {"color": WRONG, "linestyle": ""},  # what the axis is to hold
                },
                stages={"xlim": ("seen", ((0.8, 1), (0.4, 1)))},
            ),
            Panel(
                {
                    "xlim": (0.5, 1),
                    "ylim": (0, 6),
                    "xlabel": "level",
                    "ylabel": "factor on the σ that was said",
                },
                {
                    "right": DASHED | {"label": "right", "at": (0, "above")},
                    "factor": green | {"label": "these rows", "at": (0.4, "below")},
                    "chosen": {
                        "color": REPAIRED,
                        "linestyle": ":",
                        "label": "chosen",
                        "at": (0.95, "above"),
                    },
                },
            ),
        ]

    def curves(self):
        level, at = self.value.level, min(max(self.gives(), 0.4), 1.0)
        k = torch.ceil((self.value.rows + 1) * LEVELS * (1 - 1e-12)).long()
        finite = k <= self.value.rows
        found = fit_curves(self) | {
            "band": (self.x, *interval(self.mu, self.sigma, level)),
            "promise": ((level, level), (0, 1.1)),
            "gives": ((at, at), (0, 1.1)),
            "seen": ((level, at), (0, 0)),
            "factor": (LEVELS[finite], self.scores.sort().values[k[finite] - 1]),
            "right": (LEVELS, math.sqrt(2) * torch.erfinv(LEVELS) / SAID),
            "chosen": ((level, level), (0, 6)),
        }
        if self.law() is not None:
            p = torch.linspace(0.4, 0.9995, 600, dtype=torch.float64)
            half = self.q * self.sigma
            density = self.law().log_prob(p).exp()
            density /= density.max()
            found |= {
                "density": (p, density),
                "seen": ((*p[density > 0.01][[0, -1]], level, at), (0,) * 4),
                "lower": (self.x, self.mu - half),
                "upper": (self.x, self.mu + half),
            }
        return found

    def numbers(self):
        law = self.law()
        if law is None:
            return {f"{self.value.rows} rows are too few for this level": "an infinite interval"}
        return {
            f"score {law.concentration1.item():.0f} of {self.value.rows}": f"σ times {self.q:.2f}",
            f"promised {self.value.level:.2f}, over calibration sets": (
                f"{law.mean.item():.3f} ± {law.stddev.item():.3f}"
            ),
            "this set, on new rows": f"coverage {self.gives():.3f}",
        }
