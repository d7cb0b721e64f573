"""Exercises and quiz of 00, the tour."""

import torch

from course_utils.checks import Coded, Mistake, Option, Question, Value


def points(rng):
    """y, mu and sigma, (40, 1), with a third or so of the points outside."""
    y, mu, log_sigma = torch.from_numpy(rng.standard_normal((3, 40, 1)))
    return 2 * y + mu, mu, torch.exp(0.5 * log_sigma)


def oracle(y, mu, sigma):
    """Counted one point at a time."""
    rows = zip(y.flatten().tolist(), mu.flatten().tolist(), sigma.flatten().tolist())
    return sum(m - 1.96 * s <= value <= m + 1.96 * s for value, m, s in rows) / len(y)


def fraction(inside):
    """A mistaken answer from its test of y, mu and sigma."""
    return lambda y, mu, sigma: inside(y, mu, sigma).double().mean()


EXERCISES = {
    "00-1": Value(
        oracle=0.25,
        tolerance=1e-3,
        mistakes=[
            Mistake("This is σ itself, the standard deviation.", 0.5),
            Mistake("This is the square root. The variance goes the other way.", 0.5**0.5),
            Mistake("This is 2σ. A square is meant, not a double.", 1.0),
            Mistake("This is 1/σ², the precision.", 4.0),
            Mistake("This is ½σ². The variance has no factor.", 0.125),
        ],
    ),
    "00-2": Value(
        oracle=2 * 1.96 * 0.3,
        tolerance=2e-3,
        mistakes=[
            Mistake("This is half of the band, from μ to one edge.", 1.96 * 0.3),
            Mistake("The band is made of σ; here σ² stands in its place.", 2 * 1.96 * 0.09),
            Mistake("Half of a band, and made of σ² where σ is meant.", 1.96 * 0.09),
            Mistake("This is σ. How many of them does the band reach?", 0.3),
            Mistake("This is μ ± σ, which holds 68 % and not 95 %.", 0.6),
            Mistake("0.09 is a variance; to get σ it wants a root, not a square.", 3.92 * 0.0081),
        ],
    ),
    "00-3": Coded(
        oracle=oracle,
        inputs=points,
        mistakes=[
            Mistake(
                "Points far *below* the band count as inside here: the size of the residual "
                "matters, not its sign.",
                fraction(lambda y, mu, sigma: y - mu <= 1.96 * sigma),
            ),
            Mistake(
                "Points far *above* the band count as inside here: look at both edges.",
                fraction(lambda y, mu, sigma: y - mu >= -1.96 * sigma),
            ),
            Mistake(
                "σ is squared here: the band is μ ± 1.96 σ, not 1.96 σ².",
                fraction(lambda y, mu, sigma: (y - mu).abs() <= 1.96 * sigma**2),
            ),
            Mistake(
                "This is the fraction outside.",
                fraction(lambda y, mu, sigma: (y - mu).abs() > 1.96 * sigma),
            ),
            Mistake(
                "The band stands around 0 here: the distance is from μ.",
                fraction(lambda y, mu, sigma: y.abs() <= 1.96 * sigma),
            ),
            Mistake(
                "The factor 1.96 is missing: μ ± σ holds 68 % of a Gaussian.",
                fraction(lambda y, mu, sigma: (y - mu).abs() <= sigma),
            ),
            Mistake(
                "This is a count; the question asks for a fraction.",
                lambda y, mu, sigma: ((y - mu).abs() <= 1.96 * sigma).double().sum(),
            ),
            Mistake(
                "This is a percentage; the question asks for a number between 0 and 1.",
                lambda y, mu, sigma: 100 * ((y - mu).abs() <= 1.96 * sigma).double().mean(),
            ),
        ],
    ),
}

QUIZ = [
    Question(
        "A 95 % band covers 100 % of 10,000 new points. Is that good?",
        [
            Option("Yes: all points are inside", "Then the band is wider than it claims. A band "
                   "from −∞ to ∞ would do as well."),
            Option("No: it claims 95 %", "An honest band misses about 500 of 10,000. This one is "
                   "too wide.", correct=True),
            Option("It cannot happen", "It happens with every band that is wide enough."),
        ],
    ),
    Question(
        "The network's σ(x) is large at some x. What does that say?",
        [
            Option("The network was not trained enough there", "It may be trained to the end. "
                   "Noise does not go away with training."),
            Option("y varies much around its mean there", "σ(x) is the network's statement about "
                   "the noise at x.", correct=True),
            Option("μ(x) is large there", "The mean and the spread around it are different "
                   "things: a band may be wide around 0."),
        ],
    ),
    Question(
        "A cell with an assert runs and prints nothing. What happened?",
        [
            Option("The claim it tests holds", "An assert speaks only when it fails.",
                   correct=True),
            Option("The test was skipped", "Python evaluates an assert each time the cell runs."),
            Option("The kernel is dead", "Then the cell would show [*] and never a number."),
        ],
    ),
]  # fmt: skip
