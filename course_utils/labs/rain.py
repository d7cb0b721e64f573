"""Coverage, counted before one's eyes: new points fall on a band."""

import math

import numpy as np
from torch import Tensor

from course_utils.labs.panels import BAND, DASHED, POINTS, verticals
from course_utils.labs.picture import Panel
from course_utils.labs.turns import PageAtWork
from course_utils.losses import same_shape
from course_utils.plots import ALEATORIC, DATA, WRONG
from course_utils.validation import column, probability, validated

FIRST, LEAST = 50, 10  # points that lie there at the start; that a share is drawn for
PACE = 25  # a 25th of the points so far fall at a time: an even pace on the axis of points
SHOWN = 500  # of the points inside the last, of those outside as many


class Rain(PageAtWork):
    """New points fall on the band between ``lower`` and ``upper``, and those inside are counted.

    ``x``, ``y``, ``lower`` and ``upper`` are (n, 1), one row a point, in the order in which they
    fall; n is at least 20. The band promises to hold the share ``level`` of them. The error of the
    count is 1.96 binomial standard errors at that share.
    """

    @validated(x=column, y=column, lower=column, upper=column, level=probability)
    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        lower: Tensor,
        upper: Tensor,
        level: float = 0.95,
        xlabel: str = "x",
        ylabel: str = "y",
    ):
        same_shape(x=x, y=y, lower=lower, upper=upper)
        if len(y) < 2 * LEAST:
            raise ValueError(f"expected at least {2 * LEAST} points, got {len(y)}")
        if (upper < lower).any():
            raise ValueError("expected lower <= upper in every row: are the two swapped?")
        self.x, self.y, self.level = x.ravel().numpy(), y.ravel().numpy(), level
        order = x.ravel().argsort()
        self.band = tuple(values.ravel()[order].numpy() for values in (x, lower, upper))
        self.inside = ((lower <= y) & (y <= upper)).ravel().numpy()
        self.counts, self.n = self.inside.cumsum(), np.arange(1, len(y) + 1)
        self.xlabel, self.ylabel = xlabel, ylabel
        self.alt = (
            f"Lab: {len(y):,} new points fall one after the other on a band that promises to hold "
            f"{100 * level:g} %. Left, the band; points inside are grey, those outside have a "
            "cross. Right, the share inside over the number of points, in a grey funnel that "
            "holds the share of a right band in 95 of 100 cases. Buttons: play, step, reset."
        )
        super().__init__()

    def new_controls(self):
        return {}

    def buttons_shown(self):
        return "play", "step", "reset"

    def lay_out(self):
        super().lay_out()
        self.clock.interval = 80
        self.buttons["step"].tooltip = "One point more"
        self.buttons["reset"].tooltip = "Back to the first points"

    # The work

    def restart(self) -> None:
        self.fallen, self.falling = min(FIRST, len(self.y) // 2), 0

    refit = untrained = restart  # no slider asks for them

    def fall(self, share: float) -> None:
        """One point, and as many more as this share of those that lie there."""
        self.fallen %= len(self.y)  # after the last comes the first
        self.falling = min(1 + int(share * self.fallen), len(self.y) - self.fallen)
        self.fallen += self.falling

    def one_step(self) -> None:
        self.fall(0)

    def tick(self) -> None:
        self.fall(1 / PACE)
        if self.fallen == len(self.y):
            self.pause()

    def look(self) -> None:
        """What is shown depends on ``fallen`` alone."""

    # What is shown

    def error(self, n):
        """1.96 standard errors of the share of n points inside a right band."""
        return 1.96 * np.sqrt(self.level * (1 - self.level) / n)

    def panels(self):
        edges = np.concatenate([self.y, *self.band[1:]])
        low, high = edges.min(), edges.max()
        self.drop = 0.12 * (high - low)
        lowest = min((self.counts / self.n)[LEAST:].min(), self.level - self.error(LEAST))
        left = Panel(
            {
                "xlim": (self.x.min(), self.x.max()),
                "ylim": (low - self.drop, high + self.drop),
                "xlabel": self.xlabel,
                "ylabel": self.ylabel,
            },
            {
                "band": BAND | {"label": f"band that promises {100 * self.level:g} %"},
                "inside": POINTS | {"label": "inside", "alpha": 0.6},
                "falling": {"color": DATA, "linestyle": "-", "linewidth": 0.8},
                "outside": {
                    "color": WRONG,
                    "linestyle": "",
                    "marker": "X",
                    "markersize": 7,
                    "markeredgecolor": "white",
                    "markeredgewidth": 0.7,
                    "label": "outside",
                },
            },
            width=1.7,
        )
        right = Panel(
            {
                "xlim": (LEAST, len(self.y)),
                "ylim": (math.floor(10 * lowest) / 10, 1.01),
                "xscale": "log",
                "xlabel": "points so far",
                "ylabel": "share inside",
            },
            {
                "funnel": {
                    "facecolor": DATA,
                    "edgecolor": "none",
                    "alpha": 0.3,
                    "label": "right band, 95 of 100",
                    "at": (0.5, "above"),
                },
                "promise": DASHED | {"label": "promised", "at": (1, "above")},
                "share": {"color": ALEATORIC},
            },
        )
        return [left, right]

    def curves(self):
        rows, n = slice(self.fallen), np.geomspace(LEAST, len(self.y), 100)
        x, y, inside = self.x[rows], self.y[rows], self.inside[rows]
        last = slice(self.fallen - self.falling, self.fallen)
        kept = np.unique(np.geomspace(LEAST, max(self.fallen, LEAST), 400).astype(int))
        kept = kept[kept <= self.fallen] - 1
        return {
            "band": self.band,
            "inside": (x[inside][-SHOWN:], y[inside][-SHOWN:]),
            "falling": verticals(self.x[last], self.y[last], self.y[last] + self.drop),
            "outside": (x[~inside][-SHOWN:], y[~inside][-SHOWN:]),
            "funnel": (n, self.level - self.error(n), np.minimum(self.level + self.error(n), 1)),
            "promise": ((LEAST, len(self.y)), (self.level, self.level)),
            "share": (kept + 1, (self.counts / self.n)[kept]),
        }

    def numbers(self):
        n, inside = self.fallen, self.counts[self.fallen - 1]
        return {
            f"points, of {len(self.y):,}": f"{n:,}",
            "outside": f"{n - inside:,}",
            "share inside": f"{inside / n:.3f}; right: {self.level:.3f} ± {self.error(n):.3f}",
        }
