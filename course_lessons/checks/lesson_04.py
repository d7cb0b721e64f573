"""Exercises and quiz of 04, a second output."""

import math

import torch
from torch.distributions import Normal

from course_utils.checks import Coded, Mistake, Number, OneOf, Option, Question, Value
from course_utils.data import WAVE

# The root of the mean σ²(x) of WAVE, by the midpoint rule.
EDGES = WAVE.grid(100_001)
SIGMA_BAR = WAVE.sigma((EDGES[1:] + EDGES[:-1]) / 2).square().mean().sqrt().item()


def push(z):
    """The derivative of the Gaussian NLL with respect to log σ² at a residual of z σ."""
    log_var = torch.zeros((), dtype=torch.float64, requires_grad=True)
    nll = -Normal(0.0, (log_var / 2).exp()).log_prob(torch.tensor(z, dtype=torch.float64))
    return torch.autograd.grad(nll, log_var)[0].item()


def a_region(low, high):
    """Draws x, y, mu and sigma, (400, 1), and gives them with the region.

    The intervals are a little too short. Some x lie on its edges; no y within 0.02 σ of its own.
    """

    def draw(rng):
        x, mu, z = torch.from_numpy(rng.standard_normal((3, 400, 1)))
        x = (10 * x).round() / 10
        z = (1.3 * z / 0.04).round() * 0.04 + 0.02  # 1.96 is a whole number of steps of 0.04
        z[x == low] = 1.98  # just outside
        sigma = 0.3 + x.abs()
        return x, mu + sigma * z, mu, sigma, low, high

    return draw


def fraction(inside, rows=lambda x, low, high: (x >= low) & (x < high)):
    """An answer to 04-3 from a rule for a point inside its interval and one for the region."""

    def answer(x, y, mu, sigma, low, high):
        chosen = rows(x, low, high)
        return (inside(y, mu, sigma) & chosen).sum().item() / chosen.sum().item()

    return answer


def right_rule(y, mu, sigma):
    return (y - mu).abs() <= 1.96 * sigma


def in_region(x, y, mu, sigma, low, high):
    """By probabilities: y lies inside if its rank in N(mu, σ²) is between 0.025 and 0.975."""
    ranks, x = Normal(mu, sigma).cdf(y).flatten().tolist(), x.flatten().tolist()
    kept = [0.025 <= r <= 0.975 for r, v in zip(ranks, x, strict=True) if low <= v < high]
    return sum(kept) / len(kept)


EXERCISES = {
    "04-1": Value(
        oracle=lambda: -push(3.0) / push(0.5),
        parts={"3": 3.0, "½": 0.5, "(3² − 1)": 8.0, "(1 − ½²)": 0.75},
        mistakes=[
            Mistake("This balances |z|, and the push depends on z².", (3 - 1) / (1 - 0.5)),
            Mistake("This is the ratio of the z². The derivative holds 1 − z², not z².", 36.0),
            Mistake("The 1 is taken off the ratio. It belongs in each derivative.", 35.0),
            Mistake("The 1 is missing from the derivative of the point at z = 3.", 9 / 0.75),
            Mistake("The 1 is missing from the derivative of the others.", 8 / 0.25),
            Mistake("This counts the point at z = 3 as well. How many others?", 1 + 8 / 0.75),
        ],
    ),
    "04-2": Value(
        oracle=(SIGMA_BAR - 0.15) / 0.25,
        tolerance=1e-2,  # the σ that was learned, 0.57, gives 1.68
        terms={"σ̄ / 0.25": SIGMA_BAR / 0.25, "−0.15 / 0.25": -0.15 / 0.25},
        parts={"σ̄": SIGMA_BAR, "0.15": 0.15, "0.25": 0.25},
        mistakes=[
            Mistake(
                "This is where σ(x) equals the mean of σ. The one-σ model learns the root of the "
                "mean of σ², which is larger.",
                1.5,
            ),
            Mistake(
                "This is where σ(x) equals the mean σ². Take its root first.",
                (SIGMA_BAR**2 - 0.15) / 0.25,
            ),
            Mistake(
                "This is the RMS of x. What the model learns is the RMS of σ(x).", math.sqrt(3)
            ),
            Mistake(
                "Both intervals are 1.96 of their σ: the factor cancels. This x lies outside the "
                "data.",
                (1.96 * SIGMA_BAR - 0.15) / 0.25,
            ),
            Mistake("That is the edge of the data. There σ(x) is larger than the learned σ.", 3.0),
        ],
    ),
    "04-3": Coded(
        oracle=in_region,
        inputs=[a_region(-0.4, 0.9), a_region(-0.5, 0.5), a_region(0.2, 1.3)],
        mistakes=[
            Mistake(
                "This counts the points of the region that are inside, and divides by all points. "
                "How many points has the region?",
                lambda x, y, mu, sigma, low, high: (
                    (right_rule(y, mu, sigma) & (x >= low) & (x < high)).double().mean()
                ),
            ),
            Mistake(
                "This is the coverage of all points; low and high have no effect.",
                fraction(right_rule, lambda x, low, high: x == x),
            ),
            Mistake(
                "A point at x = high belongs to the next region: low ≤ x < high.",
                fraction(right_rule, lambda x, low, high: (x >= low) & (x <= high)),
            ),
            Mistake(
                "A point at x = low belongs to the region: low ≤ x < high.",
                fraction(right_rule, lambda x, low, high: (x > low) & (x < high)),
            ),
            Mistake(
                "This counts within 2 σ. It is close, and the interval is 1.96 σ.",
                fraction(lambda y, mu, sigma: (y - mu).abs() <= 2 * sigma),
            ),
            Mistake(
                "`high` has no effect: all points from low on are counted.",
                fraction(right_rule, lambda x, low, high: x >= low),
            ),
            Mistake(
                "This is a count of points; a fraction is asked.",
                lambda x, y, mu, sigma, low, high: (
                    (right_rule(y, mu, sigma) & (x >= low) & (x < high)).double().sum()
                ),
            ),
            Mistake(
                "This is how many lie within one σ of the mean. A 95 % interval is wider.",
                fraction(lambda y, mu, sigma: (y - mu).abs() <= sigma),
            ),
            Mistake(
                "σ is squared here: an interval is made of standard deviations.",
                fraction(lambda y, mu, sigma: (y - mu).abs() <= 1.96 * sigma**2),
            ),
            Mistake(
                "Only the upper end of the interval is checked.",
                fraction(lambda y, mu, sigma: y <= mu + 1.96 * sigma),
            ),
            Mistake(
                "Only the lower end of the interval is checked.",
                fraction(lambda y, mu, sigma: y >= mu - 1.96 * sigma),
            ),
        ],
    ),
}

GUESSES = {"04-a": Number("", 0, 1), "04-b": Number("", 0, 1), "04-c": OneOf("larger", "smaller")}

QUIZ = [
    Question(
        "A model's 95 % intervals hold 94 % of 50,000 fresh y. What follows?",
        [
            Option(
                "Its σ is right at every x",
                "The one-σ model holds 94 % of all y, 100 % in the middle and 83 % at the edges.",
            ),
            Option(
                "Little yet: look region by region",
                "It may be 94 % everywhere, or too wide in one place and too narrow in another.",
                correct=True,
            ),
            Option(
                "One point in 17 is an outlier and should be removed",
                "An interval of 95 % is meant to miss some: these points are data like all others.",
            ),
        ],
    ),
    Question(
        "There is one y at this x. What keeps σ(x) from following it alone?",
        [
            Option(
                "The data hold a target for σ(x)",
                "No column does: the squared residual is all that there is.",
            ),
            Option(
                "Neighbours share the weights: the pushes of their squared residuals add",
                "So z² is 1 on average over a neighbourhood, as long as enough points are in it.",
                correct=True,
            ),
            Option(
                "Nothing: σ(x) equals the size of this residual",
                "With 10,000 points the learned σ(x) missed a smooth truth by 0.01 (RMS).",
            ),
        ],
    ),
    Question(
        "Far outside the data the network gives a tiny σ(x). What does it tell you?",
        [
            Option(
                "That the prediction there is reliable",
                "At x = 6 σ was 0.02 where the mean was wrong by 4.5.",
            ),
            Option(
                "How its last straight pieces happen to continue",
                "σ(x) speaks of noise near points it has seen. Here there are none.",
                correct=True,
            ),
            Option(
                "That it knows that it does not know",
                "Then σ would be large. With noise that fades toward the edges it was tiny.",
            ),
        ],
    ),
]
