"""Lesson 08: σ in the place of σ², the step that a sum allows, a softplus head, and a quiz."""

import math

import torch
from torch.distributions import Normal
from torch.nn.functional import softplus

from course_utils.checks import Coded, Mistake, Number, Option, Question, Value

LOG_2PI = math.log(2 * math.pi)


def share_within(z):
    """The share of a standard Gaussian between −z and z."""
    return (2 * Normal(0.0, 1.0).cdf(torch.tensor(z, dtype=torch.float64)) - 1).item()


def largest_rate(n):
    """2 / curvature of the summed NLL of n residuals at the best log σ², by autograd."""
    S = 0.7  # any value: the curvature does not depend on it
    s = torch.tensor(math.log(S), dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(n * 0.5 * (s + S * torch.exp(-s)), s, create_graph=True)
    return 2 / torch.autograd.grad(slope, s)[0].item()


def points(rng):
    """y, mu and the raw output, (7, 1), with softplus(raw) away from 1."""
    y, mu, raw = torch.from_numpy(rng.standard_normal((3, 7, 1)))
    return y, mu, 1.5 + raw


def softplus_head(*, constant=0.5 * LOG_2PI, log=0.5, half=0.5, head=softplus, power=1, seen=True):
    """The solution with one of its parts changed."""

    def answer(y, mu, raw):
        var = head(raw) ** power
        under = var if seen else var.detach()
        return constant + log * var.log() + half * (y - mu) ** 2 / under

    return answer


EXERCISES = {
    "08-1": Value(
        oracle=lambda: share_within(1.96 * 0.2),
        tolerance=5e-3,
        mistakes=[
            Mistake("That would need a p of 0.2. What is best in the place of σ²?", 0.95),
            Mistake("This is what p becomes. The question asks for a share of the points.", 0.04),
            Mistake(
                "This is the half-width of the band. Which share of N(0, 0.2²) lies within?",
                1.96 * 0.04,
            ),
            Mistake(
                "This is the half-width in units of the true σ, a number of standard "
                "deviations. Which share of the points is that?",
                1.96 * 0.2,
            ),
            Mistake(
                "This counts all points below the upper edge. The band has a lower edge, too.",
                lambda: (1 + share_within(1.96 * 0.2)) / 2,
            ),
            Mistake(
                "p has been squared once too often: the half-width is 1.96 p.",
                lambda: share_within(1.96 * 0.04**2 / 0.2),
            ),
            Mistake(
                "The half-width must be divided by the true σ before it is compared with a "
                "standard Gaussian.",
                lambda: share_within(1.96 * 0.04),
            ),
        ],
    ),
    "08-2": Value(
        oracle=lambda: largest_rate(200),
        mistakes=[
            Mistake(
                "This is right for the mean. How does the curvature change if 200 losses are "
                "added?",
                4.0,
            ),
            Mistake("The curvature grows with the sum, so the rate must fall.", 800.0),
            Mistake("This takes the curvature of one point's loss as 1.", 2 / 200),
            Mistake("This is the curvature of the sum. The rate is 2 divided by it.", 100.0),
            Mistake(
                "This is the curvature in log σ, which is 2. The parameter is log σ².", 1 / 200
            ),
            Mistake("This is the curvature of the mean.", 0.5),
        ],
    ),
    "08-3": Coded(
        oracle=lambda y, mu, raw: -Normal(mu, softplus(raw).sqrt()).log_prob(y),
        inputs=points,
        trained=("mu", "raw"),
        mistakes=[
            Mistake("Here the softplus is σ. The task says that it is σ².", softplus_head(power=2)),
            Mistake(
                "This is the exponential head: raw is not log σ² here.",
                softplus_head(head=torch.exp),
            ),
            Mistake(
                "The logarithm lacks its ½: the softplus is already σ².", softplus_head(log=1.0)
            ),
            Mistake("The squared residual lacks its ½.", softplus_head(half=1.0)),
            Mistake(
                "The constant is missing: GaussianNLLLoss leaves it out unless full=True.",
                softplus_head(constant=0.0),
            ),
            Mistake("The constant lacks its ½.", softplus_head(constant=LOG_2PI)),
            Mistake(
                "The logarithm is missing: nothing keeps σ² from growing.", softplus_head(log=0.0)
            ),
            Mistake("The logarithm has the wrong sign.", softplus_head(log=-0.5)),
            Mistake(
                "The values are right, but σ² is detached under the squared residual: half of "
                "its gradient is lost.",
                softplus_head(seen=False),
            ),
        ],
    ),
}

GUESSES = {"08-a": Number("", 0, 1), "08-b": Number("", 0, 1e6), "08-c": Number("", 0, 5)}

QUIZ = [
    Question(
        "A network's second output s is log σ². What goes into GaussianNLLLoss as var?",
        [
            Option("s", "It can be negative, and then the loss raises. It is a logarithm."),
            Option(
                "exp(s / 2)",
                "That is σ. Nothing complains, and the best value is then S and not its root.",
            ),
            Option("exp(s)", "var is σ², in the square of the unit of y.", correct=True),
        ],
    ),
    Question(
        "GaussianNLLLoss() gives 0.85, the mean NLL of a Laplace density 1.69. Which fits better?",
        [
            Option("The Gaussian: 0.85 is less", "full=False leaves out ½ log 2π = 0.92 nats."),
            Option(
                "The Laplace: 0.85 lacks 0.92 nats",
                "With full=True the Gaussian has 1.77.",
                correct=True,
            ),
            Option(
                "Losses of two densities cannot be compared",
                "They can, in nats on the same data, if both have all their constants.",
            ),
        ],
    ),
    Question(
        "The learned mean is level, σ² is Var(y), and no error was raised. What comes first?",
        [
            Option(
                "Print the shapes of input, target and var",
                "(n,) against (n, 1) does just this, in silence.",
                correct=True,
            ),
            Option(
                "Lower the learning rate",
                "Training arrived; it arrived at the minimum of another loss.",
            ),
            Option("Raise eps", "eps acts on variances below it. This one is large."),
        ],
    ),
]
