"""Lesson 12: a band too wide, an error bar turned round, the CRPS of draws, a quiz."""

import math

import torch
from torch.distributions import Normal

from course_utils.checks import Coded, Mistake, OneOf, Option, Question, Value


def share(reach):
    """P(|z| < reach) for z ~ N(0, 1)."""
    return (2 * Normal(0.0, 1.0).cdf(torch.tensor(reach, dtype=torch.float64)) - 1).item()


def rows(rng):
    """y (6, 1), draws (6, 5)."""
    y, middle = torch.from_numpy(rng.standard_normal((2, 6, 1)))
    return y, middle + torch.from_numpy(rng.uniform(0.5, 2) * rng.standard_normal((6, 5)))


def by_integral(y, draws):
    """∫ (F(t) − [t ≥ y])² dt: F is a staircase, so the integral is a sum over its steps."""
    found = []
    for value, row in zip(y[:, 0].tolist(), draws.tolist(), strict=True):
        stops = sorted([*row, value])
        area = 0.0
        for low, high in zip(stops, stops[1:], strict=False):
            below = sum(s <= low for s in row) / len(row)
            area += (below - (low >= value)) ** 2 * (high - low)
        found.append([area])
    return torch.tensor(found, dtype=torch.float64)


def mean(draws):
    return draws.mean(1, keepdim=True)


def to_y(y, draws):
    return (draws - y).abs().mean(1, keepdim=True)


def pairs(draws):
    return (draws[:, :, None] - draws[:, None, :]).abs().mean((1, 2))[:, None]


def less(taken_off):
    """An answer that takes half of something else off the mean distance to y."""
    return lambda y, draws: to_y(y, draws) - 0.5 * taken_off(draws)


def gaussian(y, draws):
    """The CRPS of a Gaussian with the draws' mean and sd."""
    sigma = draws.std(1, keepdim=True)
    z = (y - mean(draws)) / sigma
    standard = Normal(0.0, 1.0)
    density = standard.log_prob(z).exp()
    return sigma * (z * (2 * standard.cdf(z) - 1) + 2 * density - 1 / math.sqrt(math.pi))


EXERCISES = {
    "12-1": Value(
        oracle=lambda: share(1.5 * Normal(0.0, 1.0).icdf(torch.tensor(0.75)).item()),
        parts={"1.5": 1.5, "0.6745": 0.6745, "50 %": 0.5},
        mistakes=[
            Mistake("This is for a σ that is too *small* by that factor.", share(0.6745 / 1.5)),
            Mistake("This is for half of σ. She says more than σ, not less.", share(0.6745 / 2)),
            Mistake("75 % is a probability; 0.6745 is its quantile.", share(1.5 * 0.75)),
            Mistake("Points above the interval are outside, too.", 0.5 + share(1.5 * 0.6745) / 2),
            Mistake("This is μ ± 1.5 σ. Her interval is the one of 50 %.", share(1.5)),
            Mistake("This is her 95 % interval; the 50 % one is asked for.", share(1.5 * 1.96)),
            Mistake("This is μ ± σ with the true σ.", share(1.0)),
            Mistake("Here σ² is 1.5 times too large, and not σ.", share(math.sqrt(1.5) * 0.6745)),
        ],
    ),
    "12-2": Value(
        oracle=475.0,
        parts={"0.95": 0.95, "0.05": 0.05, "0.01": 0.01, "the variance of one hit": 0.0475},
        mistakes=[
            Mistake("This makes ± 0.01 a 95 % interval, 1.96 standard errors.", 1824.76),
            Mistake("Only p is there; the variance of one hit is p(1 − p).", 9500.0),
            Mistake("This is for a share of one half, p(1 − p) = ¼.", 2500.0),
            Mistake(
                "The root of p(1 − p) stands over 0.01². Square both, or neither.",
                math.sqrt(0.0475) / 1e-4,
            ),
        ],
    ),
    "12-3": Coded(
        oracle=by_integral,
        inputs=rows,
        terms={"mean |y′ − y|": to_y, "−½ mean |y′ − y″|": lambda y, draws: -0.5 * pairs(draws)},
        mistakes=[
            Mistake(
                "The pairs leave out each draw with itself: m(m − 1) of them. That version is "
                "fair between numbers of draws, and not the one asked for.",
                less(lambda draws: 5 / 4 * pairs(draws)),
            ),
            Mistake("The pairs' distances are summed.", less(lambda draws: 25 * pairs(draws))),
            Mistake(
                "The sd of the draws is not their mean distance.",
                less(lambda draws: draws.std(1, keepdim=True)),
            ),
            Mistake(
                "Half of the draws' variance is taken off. It is their mean distance, in y's unit.",
                less(lambda draws: draws.var(1, keepdim=True)),
            ),
            Mistake(
                "The distance between draws is averaged over the rows, too. Each row has its own.",
                less(lambda draws: pairs(draws).mean()),
            ),
            Mistake(
                "This is how far the draws lie from their mean. All pairs of draws are asked for.",
                less(lambda draws: to_y(mean(draws), draws)),
            ),
            Mistake(
                "The absolute values are missing: distances have no sign.",
                lambda y, draws: mean(draws) - y,
            ),
            Mistake(
                "This is the distance from y to the mean of the draws.",
                lambda y, draws: (mean(draws) - y).abs(),
            ),
            Mistake(
                "Squares in place of absolute values: another score.",
                lambda y, draws: (mean(draws) - y) ** 2,
            ),
            Mistake("This is the CRPS of a Gaussian with the draws' mean and sd.", gaussian),
            Mistake(
                "Both distances are summed. They are means: over m draws, and over m² pairs.",
                lambda y, draws: 5 * to_y(y, draws) - 25 / 2 * pairs(draws),
            ),
        ],
    ),
}


GUESSES = {"12-a": OneOf("half", "double"), "12-b": OneOf("half", "double")}

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
                "Calibrated on average. The blunt forecast of this lesson has a flat PIT, too.",
            ),
            Option(
                "Not shown: too wide here and too narrow there can average out",
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
        "Two models have the same coverage, 95 %. Which is better?",
        [
            Option("Neither: both are calibrated", "One may be sharp and the other blunt."),
            Option(
                "The one with the better proper score on held-out points",
                "A proper score sees calibration and sharpness together.",
                correct=True,
            ),
            Option(
                "The one with the wider bands: it is safer",
                "With the same coverage, a wider band only says less.",
            ),
        ],
    ),
]
