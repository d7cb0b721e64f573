"""Exercises and quiz of 04, a second output."""

import math

import torch
from torch.distributions import LogNormal, Normal

from course_utils.checks import Coded, Mistake, Option, Question, Value
from course_utils.data import WAVE

# The root of the mean σ²(x) of WAVE, by the midpoint rule.
EDGES = WAVE.grid(100_001)
SIGMA_BAR = WAVE.sigma((EDGES[1:] + EDGES[:-1]) / 2).square().mean().sqrt().item()


def prices(rng):
    """y > 0, mu and log_var, (9, 1), none of them near the others."""
    y, mu, log_var = torch.from_numpy(rng.standard_normal((3, 9, 1)))
    return (0.5 + y).exp(), mu, log_var


def gaussian(y, mu, sigma):
    return -Normal(mu, sigma).log_prob(y)


def sd(log_var):
    return (log_var / 2).exp()


def a_region(rng):
    """x, y, mu and sigma, (300, 1), and a region of x; the intervals are a little too short."""
    x, mu, noise = torch.from_numpy(rng.standard_normal((3, 300, 1)))
    sigma = 0.3 + x.abs()
    return x, mu + 1.3 * sigma * noise, mu, sigma, -0.4, 0.9


def fraction(inside, rows=lambda x, low, high: (x >= low) & (x < high)):
    """An answer to 04-4 from a rule for a point inside its interval and one for the region."""

    def answer(x, y, mu, sigma, low, high):
        chosen = rows(x, low, high)
        return (inside(y, mu, sigma) & chosen).sum().item() / chosen.sum().item()

    return answer


def right_rule(y, mu, sigma):
    return (y - mu).abs() <= 1.959964 * sigma


def in_region(x, y, mu, sigma, low, high):
    """By probabilities: y lies inside if its rank in N(mu, σ²) is between 0.025 and 0.975."""
    ranks, x = Normal(mu, sigma).cdf(y).flatten().tolist(), x.flatten().tolist()
    kept = [0.025 <= r <= 0.975 for r, v in zip(ranks, x, strict=True) if low <= v < high]
    return sum(kept) / len(kept)


EXERCISES = {
    "04-1": Value(
        oracle=lambda: (
            gaussian(*torch.tensor([3.0, 1, 20])) - gaussian(*torch.tensor([0.3, 0.1, 2]))
        ),
        tolerance=5e-3,
        mistakes=[
            Mistake(
                "The squared term is a ratio and stays, but the density of y does not: the same "
                "probability is spread over ten times as many millimetres.",
                0.0,
            ),
            Mistake("This is what log σ² gains. How much of it stands in the loss?", math.log(100)),
            Mistake("Half of it is missing: log σ, or ½ log σ², gains more.", math.log(10) / 2),
            Mistake(
                "The size is right. Does a density become larger or smaller when it is spread "
                "over more units?",
                -math.log(10),
            ),
            Mistake("Nats come from the natural logarithm, not from that to base 10.", 1.0),
            Mistake("A factor of 10 in σ is a logarithm in the loss.", 10.0),
            Mistake("A factor of 100 in σ² is a logarithm in the loss.", 100.0),
        ],
    ),
    "04-2": Value(
        oracle=(SIGMA_BAR - 0.15) / 0.25,
        tolerance=5e-3,
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
            Mistake("This is the learned σ. At which x does σ(x) have this value?", SIGMA_BAR),
            Mistake("The constant 0.15 of σ(x) is left out.", SIGMA_BAR / 0.25),
            Mistake("The constant 0.15 is on the wrong side.", (SIGMA_BAR + 0.15) / 0.25),
            Mistake(
                "Both intervals are 1.96 of their σ: the factor cancels. This x lies outside the "
                "data.",
                (1.959964 * SIGMA_BAR - 0.15) / 0.25,
            ),
            Mistake("The slope of σ(x) is left out.", SIGMA_BAR - 0.15),
        ],
    ),
    "04-3": Coded(
        oracle=lambda y, mu, log_var: -LogNormal(mu, (log_var / 2).exp()).log_prob(y),
        inputs=prices,
        gradient=True,
        mistakes=[
            Mistake(
                "This is the negative log-density of log y. That of y has one more factor, the "
                "derivative of log y.",
                lambda y, mu, log_var: gaussian(y.log(), mu, sd(log_var)),
            ),
            Mistake(
                "The term of the derivative is there with the wrong sign: it multiplies the "
                "density, and the loss is the *negative* logarithm.",
                lambda y, mu, log_var: gaussian(y.log(), mu, sd(log_var)) - y.log(),
            ),
            Mistake(
                "The derivative multiplies the density, not its logarithm.",
                lambda y, mu, log_var: gaussian(y.log(), mu, sd(log_var)) / y,
            ),
            Mistake(
                "The logarithm of the derivative is wanted; this adds the derivative itself.",
                lambda y, mu, log_var: gaussian(y.log(), mu, sd(log_var)) + 1 / y,
            ),
            Mistake(
                "The Gaussian is taken at y itself. It is log y that is Gaussian.",
                lambda y, mu, log_var: gaussian(y, mu, sd(log_var)) + y.log(),
            ),
            Mistake(
                "This is the Gaussian loss of y. It is log y that is Gaussian here.",
                lambda y, mu, log_var: gaussian(y, mu, sd(log_var)),
            ),
            Mistake(
                "exp(log_var) is the variance; it is used as the standard deviation.",
                lambda y, mu, log_var: gaussian(y.log(), mu, log_var.exp()) + y.log(),
            ),
            Mistake(
                "The constant ½ log 2π is missing; all constants are asked for.",
                lambda y, mu, log_var: (
                    gaussian(y.log(), mu, sd(log_var)) + y.log() - 0.5 * math.log(2 * math.pi)
                ),
            ),
        ],
    ),
    "04-4": Coded(
        oracle=in_region,
        inputs=a_region,
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
                "The region is one of x, not of |x|.",
                fraction(right_rule, lambda x, low, high: (x.abs() >= low) & (x.abs() < high)),
            ),
            Mistake(
                "This is how many lie within one σ of the mean. A 95 % interval is wider.",
                fraction(lambda y, mu, sigma: (y - mu).abs() <= sigma),
            ),
            Mistake(
                "σ is squared here: an interval is made of standard deviations.",
                fraction(lambda y, mu, sigma: (y - mu).abs() <= 1.959964 * sigma**2),
            ),
            Mistake(
                "Only the upper end of the interval is checked.",
                fraction(lambda y, mu, sigma: y <= mu + 1.959964 * sigma),
            ),
            Mistake(
                "Only the lower end of the interval is checked.",
                fraction(lambda y, mu, sigma: y >= mu - 1.959964 * sigma),
            ),
            Mistake(
                "This is the fraction outside the interval.",
                fraction(lambda y, mu, sigma: ~right_rule(y, mu, sigma)),
            ),
        ],
    ),
}

QUIZ = [
    Question(
        "A model's 95 % intervals hold 94 % of 50,000 fresh y. What follows?",
        [
            Option(
                "Its σ is right at every x",
                "The one-σ model holds 94 % of all y, 100 % in the middle and 82 % at the edges.",
            ),
            Option(
                "Its errors average out over these x; look region by region",
                "Too wide in one place makes up for too narrow in another.",
                correct=True,
            ),
            Option(
                "One point in 17 is an outlier and should be removed",
                "An interval of 95 % is meant to miss some: these points are data like all others.",
            ),
        ],
    ),
    Question(
        "On 256 points the training NLL falls below the truth's own. What has happened to σ(x)?",
        [
            Option(
                "It has inflated; weight decay will curb it",
                "On these points it is too small, and strong weight decay pulled it toward 1.",
            ),
            Option(
                "Nothing: σ has no target, so it cannot be overfitted",
                "Its targets are the squared residuals, and these are fitted by chance.",
            ),
            Option(
                "It has shrunk with residuals that are small by chance",
                "So its intervals hold too few fresh points, while the training points look fine.",
                correct=True,
            ),
        ],
    ),
    Question(
        "Far outside the data the network gives a tiny σ(x). What does it tell you?",
        [
            Option(
                "That the prediction there is reliable",
                "In our figure σ was 0.02 where the mean was wrong by 4.",
            ),
            Option(
                "How its last straight pieces happen to continue",
                "σ(x) speaks of noise near points it has seen. Here there are none.",
                correct=True,
            ),
            Option(
                "That it knows that it does not know",
                "Then σ would be large. It was large for growing noise and tiny for fading noise.",
            ),
        ],
    ),
]
