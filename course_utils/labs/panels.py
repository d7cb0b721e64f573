"""The panels that most labs share: data and fit, σ learned and true, the loss."""

import math

import numpy as np

from course_utils.labs.picture import Panel
from course_utils.metrics import interval
from course_utils.plots import ALEATORIC, DATA, EPISTEMIC, MEAN, TRUTH

LAST_STEP = 30_000  # the right edge of the loss curve
STEPS = (1, 300), (1, 3000), (1, LAST_STEP)

POINTS = {"color": DATA, "linestyle": "", "marker": "o", "markersize": 3.2, "markeredgewidth": 0}
RINGS = POINTS | {"markersize": 4.5, "markerfacecolor": "none", "markeredgewidth": 1}
DOT = {"linestyle": "", "marker": "o"}
THIN = {"color": TRUTH, "linewidth": 1.2}
BAND = {"facecolor": ALEATORIC, "edgecolor": "none", "alpha": 0.35}
OF_THE_MEAN = BAND | {"facecolor": EPISTEMIC, "alpha": 0.85}
DASHED = {"color": TRUTH, "linestyle": "--", "linewidth": 1.3}
UNDER = {"color": TRUTH, "linewidth": 5, "alpha": 0.25}  # a truth that a fit will cover


def fit_panel(lab, model: str = "learned", holds: str = "data") -> Panel:
    """Data, true mean, and the model's mean and 95 % interval; y holds the curve named."""
    few = {"markersize": 5} if lab.n <= 100 else {}
    return Panel(
        {"xlim": (-3, 3), "xlabel": "x", "ylabel": "y"},
        {
            "band": BAND | {"label": "95 % interval", "at": (0, "above")},
            "data": POINTS | few | {"label": "data", "alpha": 0.6},
            "true mean": UNDER | {"label": "true mean", "at": (1, "below")},
            "mean": {"color": MEAN, "label": f"{model} mean", "at": (0.5, "above")},
        },
        width=1.7,
        stages={"ylim": (holds, lab.y_limits)},
    )


def fit_curves(lab) -> dict[str, tuple]:
    mean, _ = lab.problem.truth(lab.x)
    return {
        "data": lab.shown,
        "band": (lab.x, *interval(lab.mu, lab.sigma)),
        "true mean": (lab.x, mean),
        "mean": (lab.x, lab.mu),
    }


def sigma_panel(lab) -> Panel:
    """σ(x), learned and true."""
    return Panel(
        {"xlim": (-3, 3), "ylim": lab.sigma_limits, "xlabel": "x", "ylabel": "σ (units of y)"},
        {
            "true sigma": UNDER | {"label": "true σ", "at": (1, "below")},
            "sigma": {"color": ALEATORIC, "label": "learned σ", "at": (0, "below")},
        },
    )


def sigma_curves(lab) -> dict[str, tuple]:
    _, sigma = lab.problem.truth(lab.x)
    return {"true sigma": (lab.x, sigma), "sigma": (lab.x, lab.sigma)}


def loss_panel(lab) -> Panel:
    """The loss on the data at each step, and the noise floor."""
    return Panel(
        {"ylim": lab.nll_limits, "xscale": "log", "xlabel": "step", "ylabel": "loss (nats)"},
        {
            "loss": {"color": MEAN, "label": "loss", "at": (0.1, "above")},
            "floor": DASHED | {"label": "noise floor", "at": (1, "below")},
        },
        stages={"xlim": ("loss", STEPS)},
    )


def loss_curves(lab) -> dict[str, tuple]:
    curves = {}
    floor = lab.problem.noise_floor()
    if math.isfinite(floor):
        curves["floor"] = ((1, LAST_STEP), (floor, floor))
    if lab.losses:
        steps = np.unique(np.geomspace(1, len(lab.losses), 400).astype(int))
        curves["loss"] = (steps, np.asarray(lab.losses)[steps - 1])
    return curves


def verticals(x, lower, upper) -> tuple[np.ndarray, np.ndarray]:
    """A line from lower to upper at each x, as one broken curve."""
    x, lower, upper = (np.ravel(values) for values in (x, lower, upper))
    gap = np.full(len(x), np.nan)
    return np.stack([x, x, gap], axis=1), np.stack([lower, upper, gap], axis=1)
