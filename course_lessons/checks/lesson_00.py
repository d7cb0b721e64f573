"""Exercises and quiz of 00, the tour."""

import math

import torch

from course_utils.checks import Coded, Mistake, Number, Option, Question, Value


def points(rng):
    """y, mu and sigma, (400, 1), a fifth of the y outside and none within 0.02 σ of an edge."""
    z, mu, log_sigma = torch.from_numpy(rng.standard_normal((3, 400, 1)))
    z = (1.6 * z / 0.04).round() * 0.04 + 0.02  # 1.96 is a whole number of steps of 0.04
    z[:20] = 1.98  # just outside
    sigma = torch.exp(0.5 * log_sigma)
    return mu + z * sigma, mu, sigma


def oracle(y, mu, sigma):
    """Counted one point at a time."""
    rows = zip(y.flatten().tolist(), mu.flatten().tolist(), sigma.flatten().tolist())
    return sum(m - 1.96 * s <= value <= m + 1.96 * s for value, m, s in rows) / len(y)


def fraction(inside):
    """A mistaken answer from its test of y, mu and sigma."""
    return lambda y, mu, sigma: inside(y, mu, sigma).double().mean()


def within(z):
    """The mass of a Gaussian within z of its standard deviations."""
    return math.erf(z / math.sqrt(2))


EXERCISES = {
    "00-1": Value(
        oracle=lambda: within(1.96 / 2),
        tolerance=1e-2,  # whoever draws 20,000 points has a standard error of 0.0033
        parts={"0.95": 0.95, "0.98": 0.98, "the share within σ": within(1.0)},
        mistakes=[
            Mistake("Half as wide does not hold half as many: points lie densest near μ.", 0.475),
            Mistake("Half as wide does not hold one half: count how far ±0.98 reaches.", 0.5),
            Mistake("This is the root of 0.95. It is the width that is halved.", math.sqrt(0.95)),
            Mistake("This is for a band twice too wide, not twice too narrow.", within(3.92)),
            Mistake("Half as wide misses far more than twice as many.", 0.9),
            Mistake(
                "Only one edge is counted here: points far below fall outside too.",
                0.5 + within(0.98) / 2,
            ),
            Mistake("The variance is halved here, and not σ.", within(1.96 / math.sqrt(2))),
        ],
    ),
    "00-2": Value(
        oracle=2 * 1.96 * 0.3,
        parts={"1.96": 1.96, "σ": 0.3, "σ²": 0.09},
        mistakes=[
            Mistake("The band is made of σ; here σ² stands in its place.", 2 * 1.96 * 0.09),
            Mistake("0.95 is the share inside; the band reaches 1.96 σ.", 2 * 0.95 * 0.3),
            Mistake("0.3 is σ already: the root is taken twice.", 3.92 * math.sqrt(0.3)),
            Mistake("1.645 σ to each side is the band of 90 %.", 2 * 1.645 * 0.3),
            Mistake("Is this 4 σ? The band reaches 1.96 σ to each side; give three digits.", 1.2),
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
                "Every point counts as inside. Inside is above one edge *and* below the other.",
                fraction(lambda y, mu, sigma: (y >= mu - 1.96 * sigma) | (y <= mu + 1.96 * sigma)),
            ),
            Mistake(
                "The factor 1.96 is missing: μ ± σ holds 68 % of a Gaussian.",
                fraction(lambda y, mu, sigma: (y - mu).abs() <= sigma),
            ),
            Mistake(
                "This counts within 2 σ. It is close, and the band is 1.96 σ.",
                fraction(lambda y, mu, sigma: (y - mu).abs() <= 2 * sigma),
            ),
            Mistake(
                "1.645 σ to each side is the band of 90 %.",
                fraction(lambda y, mu, sigma: (y - mu).abs() <= 1.645 * sigma),
            ),
            Mistake(
                "1.96 σ is the whole width here. The band reaches so far to *each* side.",
                fraction(lambda y, mu, sigma: (y - mu).abs() <= 1.96 / 2 * sigma),
            ),
            Mistake(
                "A squared residual is compared with a distance: square both, or neither.",
                fraction(lambda y, mu, sigma: (y - mu) ** 2 <= 1.96 * sigma),
            ),
            Mistake(
                "Each y is compared with every μ: y of (n,) met μ of (n, 1), and made (n, n).",
                fraction(lambda y, mu, sigma: (y.T - mu).abs() <= 1.96 * sigma),
            ),
        ],
    ),
}

GUESSES = {"00-a": Number("%", 0, 100)}

QUIZ = [
    Question(
        "A 95 % band covers 100 % of 10,000 new points. Is that good?",
        [
            Option(
                "Yes: all points are inside",
                "Then the band is wider than it claims. A band from −∞ to ∞ would do as well.",
            ),
            Option(
                "No: it claims 95 %",
                "An honest band misses about 500 of 10,000. This one is too wide.",
                correct=True,
            ),
            Option("It cannot happen", "It happens with every band that is wide enough."),
        ],
    ),
    Question(
        "The network's σ(x) is large at some x, amid the data. What does that say?",
        [
            Option(
                "The network was not trained enough there",
                "That is one way to a large σ, noise is another, and σ does not tell which.",
            ),
            Option(
                "The y it has seen there lie far from μ(x)",
                "That, and no more. In most cases it is the noise; a poor μ would look the same.",
                correct=True,
            ),
            Option(
                "μ(x) is large there",
                "The mean and the spread around it are different "
                "things: a band may be wide around 0.",
            ),
        ],
    ),
    Question(
        "A band covers 95 % of new points from −3 to 3. Does it cover 95 % of those near x = 5?",
        [
            Option(
                "Yes: 95 % is a property of the network",
                "It was counted on points like those seen. Near 5 there were none.",
            ),
            Option(
                "That is not known",
                "The count says nothing of x where no point lay. In this "
                "lesson the band held far fewer there.",
                correct=True,
            ),
            Option(
                "Yes, if σ(x) grows toward 5",
                "A larger σ need not be the right σ, and μ may be wrong as well.",
            ),
        ],
    ),
]
