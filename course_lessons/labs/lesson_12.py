"""Lesson 12: a forecast with σ off by a factor and y that shift, judged on few points or many."""

import math

import torch

from course_utils.data import WAVE
from course_utils.labs.kinds import ScaledTruth
from course_utils.labs.lab import Lab
from course_utils.labs.panels import DASHED, fit_curves, fit_panel
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import choice_slider, slider
from course_utils.losses import gaussian_nll
from course_utils.metrics import calibration_curve, coverage, crps, interval, interval_score, pit
from course_utils.plots import ALEATORIC, DATA, WRONG

SIZES, BINS, SHOWN = (20, 50, 100, 200, 500, 2000), 10, 500
GREY = {"facecolor": DATA, "edgecolor": "none", "alpha": 0.4}


class Forecast(Lab):
    """Lesson 12: the true mean, and the true σ(x) times a factor; no training."""

    alt = (
        "Lab: a predicted 95 % interval judged on new points. Left, the points and the band; "
        "middle, the counts of the PIT in ten bins, over what is expected, and the range in which "
        "those of a right forecast lie; right, the share of points inside against the level. "
        "Sliders: σ factor, shift of the new points, how many they are."
    )
    problem = WAVE
    train_steps = 0
    n = SHOWN
    y_limits = (-3.2, 3.2), (-4.5, 4.5)

    def new_controls(self):
        return {
            "scale": slider("forecast σ / true σ", 0.6, 0.3, 3),
            "shift": slider("shift of new y, in σ", 0.0, -2, 2),
            "points": choice_slider("new points", 200, SIZES),
        }

    def first_weights(self, at):
        return ScaledTruth(at.scale)

    def new_data(self, at):
        super().new_data(at)
        x, y = WAVE.sample(at.points, seed=1)
        mean, sigma = WAVE.truth(x)
        self.y, self.right = y + at.shift * sigma, (mean + at.shift * sigma, sigma)
        self.said = mean, at.scale * sigma
        self.shown = x[:SHOWN], self.y[:SHOWN]

    def panels(self):
        fit = fit_panel(self, "predicted")
        fit.curves["data"] = fit.curves["data"] | {"label": "new points"}
        return [
            fit,
            Panel(
                {
                    "xlim": (0, 1),
                    "ylim": (0, 4),
                    "xlabel": "PIT",
                    "ylabel": "points in the bin / expected",
                },
                {
                    "right": GREY | {"label": "95 % of right ones", "at": (0, "below")},
                    "pit": {"color": ALEATORIC, "label": "PIT", "at": (1, "above")},
                },
            ),
            Panel(
                {
                    "xlim": (0, 1),
                    "ylim": (0, 1),
                    "xlabel": "level of the interval",
                    "ylabel": "share inside",
                },
                {
                    "honest": GREY,
                    "diagonal": DASHED | {"label": "calibrated", "at": (0, "above")},
                    "observed": {"color": WRONG, "label": "these points", "at": (1, "below")},
                },
            ),
        ]

    def curves(self):
        n = self.value.points
        counts = torch.histc(pit(self.y, *self.said), BINS, 0, 1) * BINS / n
        edges = torch.arange(BINS + 1).repeat_interleave(2) / BINS
        heights = torch.cat([torch.zeros(1), counts.repeat_interleave(2), torch.zeros(1)])
        half = 1.96 * math.sqrt((BINS - 1) / n)
        curve = calibration_curve(self.y, *self.said)
        return fit_curves(self) | {
            "right": ((0, 1), [max(0, 1 - half)] * 2, [1 + half] * 2),
            "pit": (edges, heights),
            "honest": (curve.levels, curve.lower, curve.upper),
            "diagonal": ((0, 1), (0, 1)),
            "observed": (curve.levels, curve.observed),
        }

    def numbers(self):
        n = self.value.points
        inside, error = coverage(self.y, *self.said), math.sqrt(0.95 * 0.05 / n)

        def scores(mu, sigma):
            nll = gaussian_nll(self.y, mu, 2 * sigma.log())
            width = interval_score(self.y, *interval(mu, sigma))
            return [score.mean().item() for score in (nll, crps(self.y, mu, sigma), width)]

        pairs = zip(scores(*self.said), scores(*self.right), strict=True)
        (nll, best), *others = pairs
        by_crps, by_width = (100 * (said / right - 1) for said, right in others)
        return {
            f"95 % band, {n:,} points": f"coverage {inside:.3f}; right: 0.950 ± {error:.3f}",
            "NLL above the truth's": f"{nll - best:+.3f} nats",
            "CRPS and interval score above the truth's": f"{by_crps:+.0f} %, {by_width:+.0f} %",
        }
