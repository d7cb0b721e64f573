"""Lesson 12: the least calibration set, a band twice too wide, two conformal bands, a quiz."""

import math
from fractions import Fraction

import numpy as np
import torch
from torch.distributions import Normal

from course_utils.checks import Coded, Mistake, Number, OneOf, Option, Question, Value

LEVEL = 0.9
SIZES = (8, 9, 19, 39, 55)  # at 90 %: the first needs an infinite band


def share(reach):
    """P(|z| < reach) for z ~ N(0, 1)."""
    return (2 * Normal(0.0, 1.0).cdf(torch.tensor(reach, dtype=torch.float64)) - 1).item()


def score_sets(rng):
    """Scores of five calibration sets, each (n,)."""
    return tuple(abs(rng.standard_normal(n)) for n in SIZES)


def each_set(function, *sets):
    """What the answer says of each set at level 0.9, (5,)."""
    return np.array([float(function(scores, LEVEL)) for scores in sets])


def by_counting(*sets):
    """The smallest score that at least (n + 1) · 0.9 of the n scores and ∞ do not exceed, (5,)."""
    found = []
    for scores in sets:
        known = [*scores, math.inf]
        enough = Fraction(9, 10) * len(known)
        found.append(min(s for s in known if sum(other <= s for other in known) >= enough))
    return np.array(found)


def kth(count, beyond="inf", shift=0):
    """An answer that takes the (count(n, level) + shift)-th smallest."""

    def answer(scores, level):
        n = len(scores)
        k = math.ceil(round(count(n, level), 9)) + shift
        if k > n:
            if beyond == "inf":
                return math.inf
            k = n
        return np.sort(scores)[k - 1]

    return answer


def popular(scores, level):
    n = len(scores)
    rank = min(1.0, math.ceil(round((n + 1) * level, 9)) / n)
    return np.quantile(scores, rank, method="higher")


def pairs(rng):
    """y, lower and upper, (39, 1); a new pair, (5, 1); the level. The bands are far too wide."""
    y, middle = torch.from_numpy(rng.standard_normal((2, 39, 1)))
    new = torch.from_numpy(rng.standard_normal((5, 1)))
    width = torch.from_numpy(rng.uniform(2.5, 3.5, (39, 1)))
    return y, middle - width, middle + 1.1 * width, new - 0.7, new + 1.1, LEVEL


def moved(score, *, low=-1, high=1, quantile=None):
    """The solution with its score, its signs or its quantile changed."""

    def answer(y, lower, upper, new_lower, new_upper, level):
        scores = score(y, lower, upper).flatten()
        k = math.ceil(round((len(scores) + 1) * level, 9))
        q = quantile(scores, level) if quantile else scores.sort().values[k - 1]
        return new_lower + low * q, new_upper + high * q

    return answer


def outside(y, lower, upper):
    return torch.maximum(lower - y, y - upper)


def cqr_by_inversion(y, lower, upper, new_lower, new_upper, level):
    """The smallest move of both ends with which enough of the held-out y are inside."""
    moves = torch.cat([lower - y, y - upper]).flatten().sort().values
    enough = Fraction(9, 10) * (len(y) + 1)
    for move in moves.tolist():
        inside = (lower - move <= y + 1e-12) & (y <= upper + move + 1e-12)
        if int(inside.sum()) >= enough:
            return new_lower - move, new_upper + move
    raise AssertionError("39 points are enough at level 0.9")


EXERCISES = {
    "12-1": Value(
        oracle=lambda: next(n for n in range(1, 1000) if Fraction(n, n + 1) >= Fraction(99, 100)),
        tolerance=1e-3,
        mistakes=[
            Mistake("This is where 95 % becomes finite.", 19),
            Mistake("This is where 90 % becomes finite.", 9),
            Mistake("One less will do: the new point counts among the n + 1.", 100),
            Mistake("With one point less than is needed, k is still n + 1.", 98),
            Mistake("This is the level in per cent of a thousand points; far fewer will do.", 990),
            Mistake("A single point in the tail is enough, k = n.", 199),
        ],
    ),
    "12-2": Value(
        oracle=lambda: share(2 * Normal(0.0, 1.0).icdf(torch.tensor(0.75)).item()),
        mistakes=[
            Mistake(
                "This is what she promises. Her interval is twice as wide as the one that "
                "holds it.",
                0.5,
            ),
            Mistake("The width doubles; the probability does not.", 1.0),
            Mistake("This is a forecaster who says half of σ.", share(0.6745 / 2)),
            Mistake(
                "This counts the lower end only: points below the interval are outside too.",
                1 - (1 - share(2 * 0.6745)) / 2,
            ),
            Mistake("This is μ ± 2σ. Her interval is the one of 50 %.", share(2.0)),
            Mistake("This is the share inside μ ± σ.", share(1.0)),
            Mistake("σ² has doubled here, and not σ.", share(math.sqrt(2) * 0.6745)),
        ],
    ),
    "12-3": Coded(
        oracle=by_counting,
        inputs=score_sets,
        use=each_set,
        mistakes=[
            Mistake(
                "This is the popular line: where k is n + 1 it is finite, and elsewhere it "
                "takes one rank too many.",
                popular,
            ),
            Mistake(
                "The ranks are right, but where k > n the largest score is not enough.",
                kth(lambda n, level: (n + 1) * level, beyond="largest"),
            ),
            Mistake(
                "Index k is the (k + 1)-th smallest: Python counts from 0.",
                kth(lambda n, level: (n + 1) * level, shift=1),
            ),
            Mistake(
                "This is the (k − 1)-th smallest: one rank too few.",
                kth(lambda n, level: (n + 1) * level, shift=-1),
            ),
            Mistake(
                "This takes n in place of n + 1: the new point is missing.",
                kth(lambda n, level: n * level),
            ),
            Mistake(
                "This is the plain quantile, interpolated and without the new point.",
                lambda scores, level: np.quantile(scores, level),
            ),
            Mistake(
                "This counts from the largest score downwards.",
                kth(lambda n, level: (n + 1) * (1 - level)),
            ),
        ],
    ),
    "12-4": Coded(
        oracle=cqr_by_inversion,
        inputs=pairs,
        mistakes=[
            Mistake(
                "Both ends move the wrong way: a positive quantile must widen the band.",
                moved(outside, low=1, high=-1),
            ),
            Mistake(
                "The absolute value takes points inside for points outside.",
                moved(lambda y, lo, hi: outside(y, lo, hi).abs()),
            ),
            Mistake(
                "This is the smaller of the two distances. A point outside is below one end "
                "*or* above the other.",
                moved(lambda y, lo, hi: torch.minimum(lo - y, y - hi)),
            ),
            Mistake(
                "Cut at 0, the score cannot narrow a band that is too wide.",
                moved(lambda y, lo, hi: outside(y, lo, hi).clamp(min=0)),
            ),
            Mistake(
                "The score compares y with the middle of the band, not with its ends.",
                moved(lambda y, lo, hi: (y - (lo + hi) / 2).abs()),
            ),
            Mistake("Only the upper end counts in this score.", moved(lambda y, lo, hi: y - hi)),
            Mistake("Only the lower end counts in this score.", moved(lambda y, lo, hi: lo - y)),
            Mistake(
                "The plain quantile is taken, not the k-th smallest score.",
                moved(outside, quantile=torch.quantile),
            ),
            Mistake("Both ends move upwards.", moved(outside, low=1)),
            Mistake("Only the upper end has moved.", moved(outside, low=0)),
        ],
    ),
}

GUESSES = {
    "12-a": OneOf("half", "double"),
    "12-b": OneOf("half", "double"),
    "12-c": Number("of 1,000", 0, 1000),
}

QUIZ = [
    Question(
        "The 95 % band of a model covers 93 % of 100 held-out points. What follows?",
        [
            Option(
                "The band is too narrow",
                "A right band has 0.95 ± 0.022 at n = 100: 0.93 is "
                "less than one standard error off.",
            ),
            Option(
                "Nothing against the band",
                "The error bar is ± 0.022. More points would tell.",
                correct=True,
            ),
            Option(
                "The band is right",
                "0.93 also fits a band that holds 0.92. Not to be refuted is not to be right.",
            ),
        ],
    ),
    Question(
        "A model's PIT histogram is flat on 10,000 new points. Is its σ(x) right?",
        [
            Option(
                "Yes: flat means calibrated",
                "Calibrated on average. The random σ of this lesson was repaired to a flat PIT.",
            ),
            Option(
                "It may be wrong in every group",
                "A PIT averages over the cases. Look at groups, and at a proper score.",
                correct=True,
            ),
            Option(
                "No: a right σ gives a bell",
                "z has a bell shape; Φ(z) of a right forecast is uniform.",
            ),
        ],
    ),
    Question(
        "A 90 % conformal band covers 0.86 of very many new points, after 99 calibration points.",
        [
            Option(
                "The guarantee is broken",
                "It averages over calibration sets. One set of 99 "
                "has a standard deviation of 0.03.",
            ),
            Option(
                "Such a set is unlucky, but not rare",
                "The law is Beta(90, 10): about one set in ten gives less than 0.86.",
                correct=True,
            ),
            Option(
                "More new points will bring it to 0.90",
                "The coverage of this band is fixed by its calibration set.",
            ),
        ],
    ),
]
