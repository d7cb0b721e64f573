"""Lesson 09: the weight of a point, the β-NLL's weight, a faithful loss, and a quiz."""

import math

import torch
from torch.distributions import Normal

from course_utils.checks import Coded, Mistake, OneOf, Option, Question, Value

LOG_2PI = math.log(2 * math.pi)


def points(rng):
    """y, mu and log σ², (7, 1), with residuals that are not 0."""
    return tuple(torch.from_numpy(rng.standard_normal((3, 7, 1))))


def faithful(*, half=0.5, shown=False, hidden=False, constant=True, power=1.0):
    """The solution with one of its parts changed."""

    def answer(y, mu, log_var):
        seen = mu if shown else mu.detach()
        squared = half * (y - (mu.detach() if hidden else mu)) ** 2
        value = -Normal(seen, (power * log_var / 2).exp()).log_prob(y)
        return squared + value - (0 if constant else 0.9189385332046727)

    return answer


def written(*, square=0.5, nll=1.0, log=0.5, power=-1.0):
    """The solution written out, with one of its factors changed."""

    def answer(y, mu, log_var):
        spread = 0.5 * (y - mu.detach()) ** 2 * torch.exp(power * log_var)
        return square * (y - mu) ** 2 + nll * (0.9189385332046727 + log * log_var + spread)

    return answer


EXERCISES = {
    "09-1": Value(
        oracle=0.5**2 / 0.1**2,
        parts={"σ₁": 0.1, "σ₂": 0.5},
        mistakes=[
            Mistake("This is the ratio of the σ. The gradient has another power of σ.", 5.0),
            Mistake("The other way round: the point with the smaller σ pulls harder.", 1 / 25),
            Mistake("The other way round, and with σ in the place of σ².", 0.2),
            Mistake("All points pull alike on μ with squared error, and not with the NLL.", 1.0),
            Mistake("One power too many: the gradient with respect to μ has σ², not σ³.", 125.0),
        ],
    ),
    "09-2": Value(
        oracle=5**0.5,
        parts={"σ₂/σ₁": 5.0, "β": 0.75, "(σ₂/σ₁)^β": 5**0.75},
        mistakes=[
            Mistake("This is the NLL's ratio, β = 0.", 25.0),
            Mistake("This is β = ½. Put ¾ into the exponent.", 5.0),
            Mistake("This is β = 1, where all points pull alike.", 1.0),
            Mistake("The factor is σ^(2β), not σ^β.", 5**1.25),
            Mistake("The factor multiplies the gradient; here it divides.", 5**3.5),
            Mistake("This is the NLL's ratio to the power ¾. What does β do to σ's?", 25**0.75),
            Mistake("The NLL's own weight is 1/σ², not 1/σ³, and β is left out.", 125.0),
        ],
    ),
    "09-3": Coded(
        oracle=lambda y, mu, log_var: (
            0.5 * (y - mu) ** 2 - Normal(mu.detach(), (log_var / 2).exp()).log_prob(y)
        ),
        inputs=points,
        trained=("mu", "log_var"),
        steps={
            "(y − μ)²": lambda y, mu, log_var: (y - mu) ** 2,
            "(y − μ)² of the NLL": lambda y, mu, log_var: (y - mu.detach()) ** 2,
            "σ²": lambda y, mu, log_var: log_var.exp(),
        },
        terms={
            "½ (y − μ)²": lambda squares, seen, var: 0.5 * squares,
            "½ log 2π": lambda squares, seen, var: 0.5 * LOG_2PI,
            "½ log σ²": lambda squares, seen, var: 0.5 * var.log(),
            "(y − μ)² / 2σ²": lambda squares, seen, var: seen / (2 * var),
        },
        mistakes=[
            Mistake(
                "The values are right, but μ also feels the NLL: one term must see it as a number.",
                faithful(shown=True),
            ),
            Mistake(
                "The cut is in the wrong term: μ is trained by the NLL here.",
                faithful(shown=True, hidden=True),
            ),
            Mistake(
                "This is the β-NLL with β = 1. The task is the sum of two terms.",
                lambda y, mu, log_var: (
                    -Normal(mu, (log_var / 2).exp()).log_prob(y) * log_var.exp().detach()
                ),
            ),
            Mistake(
                "This is the β-NLL with β = ½. The task is the sum of two terms.",
                lambda y, mu, log_var: (
                    -Normal(mu, (log_var / 2).exp()).log_prob(y) * (log_var / 2).exp().detach()
                ),
            ),
            Mistake(
                "The absolute error stands where the squared one is asked for.",
                lambda y, mu, log_var: faithful(half=0.0)(y, mu, log_var) + (y - mu).abs(),
            ),
            Mistake(
                "The NLL is averaged over the points, the squared error is not. Keep one value a "
                "point of both.",
                lambda y, mu, log_var: (
                    0.5 * (y - mu) ** 2 + written(square=0.0)(y, mu, log_var).mean()
                ),
            ),
        ],
    ),
}

GUESSES = {"09-a": OneOf("few", "half", "most"), "09-b": OneOf("none", "some", "all")}

QUIZ = [
    Question(
        "The mean of z² = (y − μ)²/σ² is 1 on new data. Is the mean right?",
        [
            Option(
                "Yes: z² tests the mean",
                "σ grows with the misfit, so z² can be 1 around a flat line.",
            ),
            Option(
                "It need not be",
                "σ measures noise plus misfit. Look at neighbouring residuals.",
                correct=True,
            ),
            Option("No: it should be 0", "Residuals of a right model have z² of 1 on average."),
        ],
    ),
    Question(
        "Model A reports a β-NLL of −1 at β = ½, model B of −2 at β = 1. Which is better?",
        [
            Option(
                "B: it is lower", "Two β give two different quantities, and neither is a score."
            ),
            Option(
                "Nobody can say from this",
                "Compute the NLL of both on held-out data.",
                correct=True,
            ),
            Option("A: its β is smaller", "β says how it was trained, not how well."),
        ],
    ),
    Question(
        "You stop at 700 steps, and the NLL's mean is worse than that of squared error. So?",
        [
            Option(
                "The NLL cannot fit this mean", "With twice the steps some of the ten had arrived."
            ),
            Option(
                "σ(x) must go",
                "Its *prediction* may be the better one all the same; there are five other ways.",
            ),
            Option(
                "It is on a slow path, or stuck: look at neighbours, train on",
                "Agreeing neighbours say that it has not arrived; a longer run says which.",
                correct=True,
            ),
        ],
    ),
]
