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


def softplus_head(*, constant=0.5 * LOG_2PI, log=0.5, head=softplus, power=1):
    """A loss(y, mu, raw), right unless one of its parts is changed."""

    def loss(y, mu, raw):
        var = head(raw) ** power
        return constant + log * var.log() + 0.5 * (y - mu) ** 2 / var

    return loss


def implementations(rng):
    """A right loss first, then wrong ones: two of them found in public libraries."""
    wrong = [
        softplus_head(head=lambda raw: softplus(softplus(raw))),  # DeepTab #419
        softplus_head(power=2),  # σ for σ²: skpro #975
        softplus_head(head=torch.exp),
        softplus_head(constant=0.0),
        softplus_head(log=1.0),
    ]
    return ([softplus_head(), *wrong],)


def points():
    """y, mu and raw, (9, 1), always the same."""
    y, mu, raw = torch.linspace(-2, 2, 27, dtype=torch.float64).reshape(9, 3).split(1, dim=1)
    return y, mu, raw


def compared(*, shift=0.0, atol=1e-8, **changed):
    """An answer that compares a loss with an oracle, which may be changed, on points of its own."""

    def answer(loss):
        y, mu, raw = torch.randn(3, 9, 1, dtype=torch.float64)
        raw = raw + shift
        right = softplus_head(**changed)(y, mu, raw)
        return not torch.allclose(loss(y, mu, raw), right, atol=atol)

    return answer


EXERCISES = {
    "08-1": Value(
        oracle=lambda: share_within(1.96 * 0.2),
        tolerance=1e-2,  # it may be counted in a simulation
        parts={"σ": 0.2, "θ": 0.04, "1.96": 1.96, "0.95": 0.95},
        mistakes=[
            Mistake("That would need a θ of 0.2. What is best in the place of σ²?", 0.95),
            Mistake("Points below the band are counted, too.", 0.5 + share_within(1.96 * 0.2) / 2),
            Mistake(
                "erf takes z/√2: a standard Gaussian lies within ±z with erf(z/√2).",
                math.erf(1.96 * 0.2),
            ),
            Mistake("θ is squared once too often.", share_within(1.96 * 0.04**2 / 0.2)),
            Mistake(
                "This is for a true σ of 1. How many *true* σ is the half-width?",
                share_within(1.96 * 0.04),
            ),
        ],
    ),
    "08-2": Value(
        oracle=lambda: largest_rate(200),
        parts={"n": 200.0, "2": 2.0},
        mistakes=[
            Mistake("This is right for the mean. How curved is the sum of 200 losses?", 4.0),
            Mistake("The curvature grows with the sum, so the rate must fall.", 800.0),
            Mistake("At 1 / curvature one step lands on the minimum. It runs away later.", 0.01),
            Mistake("This is for the curvature in log σ. The parameter is log σ².", 0.005),
        ],
    ),
    "08-3": Coded(
        oracle=lambda losses: torch.tensor([float(k > 0) for k in range(len(losses))]),
        inputs=implementations,
        use=lambda is_wrong, losses: torch.tensor([float(bool(is_wrong(f))) for f in losses]),
        mistakes=[
            Mistake(
                "This says True for the right one, and False for the wrong ones.",
                lambda loss: not compared()(loss),
            ),
            Mistake(
                "The double softplus goes through. It differs where raw is small: try around 0.",
                compared(shift=12.0),
            ),
            Mistake("This says False to all of them.", lambda one: False),
            Mistake("This says True to all of them, the right one too.", lambda one: True),
            Mistake(
                "Your oracle has softplus(raw) as σ. The task says that it is σ².",
                compared(power=2),
            ),
            Mistake(
                "Your oracle has exp(raw) as σ². The task says that it is softplus(raw).",
                compared(head=torch.exp),
            ),
            Mistake(
                "This goes by the sign of the loss. An NLL may have either: compare values.",
                lambda loss: loss(*points()).mean().item() < 0,
            ),
            Mistake("The tolerance is so wide that a wrong loss goes through.", compared(atol=1.0)),
            Mistake("Your oracle lacks the constant ½ log 2π.", compared(constant=0.0)),
        ],
    ),
}

GUESSES = {"08-a": Number("", 0, 1), "08-b": Number("", 0, 5)}

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
