"""Lesson 03: one σ for noise that varies, the price of a wrong σ, the NLL in log σ, a quiz."""

import math

import torch
from torch.distributions import Normal

from course_utils.checks import Coded, Mistake, Number, OneOf, Option, Question, Value
from course_utils.data import WAVE

LOG_2PI = math.log(2 * math.pi)
SIGMA = WAVE.truth(WAVE.grid(60_001))[1]  # σ(x) = 0.15 + 0.25 |x| on an even grid


def mean_nll_at(sigma, *, rms):
    """The mean NLL of residuals ±rms under N(0, sigma²), in nats, by torch's own density."""
    residuals = torch.tensor([-rms, rms], dtype=torch.float64)
    return -Normal(0.0, sigma).log_prob(residuals).mean()


def points(rng):
    """y, mu and log σ, (7, 1), with σ away from 1."""
    y, mu, log_sigma = torch.from_numpy(rng.standard_normal((3, 7, 1)))
    return y, mu, 0.5 + 0.3 * log_sigma


def likelihood(*, constant=0.5 * LOG_2PI, log=1.0, half=0.5, power=-2, square=2, seen=True):
    """The solution with one of its parts changed."""

    def answer(y, mu, log_sigma):
        inside = log_sigma if seen else log_sigma.detach()
        return constant + log * log_sigma + half * (y - mu) ** square * torch.exp(power * inside)

    return answer


EXERCISES = {
    "03-1": Value(
        oracle=lambda: SIGMA.square().mean().sqrt().item(),
        terms={
            "0.15²": 0.15**2,
            "2 · 0.15 · 0.25 · (mean |x|)": 2 * 0.15 * 0.25 * 1.5,
            "0.25² · (mean x²)": 0.25**2 * 3,
        },
        outer=torch.sqrt,
        parts={
            "σ(0)": 0.15,
            "σ(3)": 0.9,
            "0.25": 0.25,
            "mean σ(x)": 0.525,
            "0.25 · (RMS of x)": 0.25 * math.sqrt(3),
        },
        mistakes=[
            Mistake(
                "This is the average of σ(x). The NLL looks at squared residuals: which average "
                "do they have?",
                lambda: SIGMA.mean().item(),
            ),
            Mistake(
                "This averages log σ(x). The parameter is log σ², but the best one follows "
                "from the squared residuals.",
                lambda: SIGMA.log().mean().exp().item(),
            ),
            Mistake("The mixed term and the root are missing.", 0.15**2 + 0.25**2 * 3),
            Mistake(
                "x² is 9 at the edge alone: what is its mean?",
                math.sqrt(0.15**2 + 2 * 0.15 * 0.25 * 1.5 + 0.25**2 * 9),
            ),
            Mistake("This is how σ(x) varies. How large is it?", lambda: SIGMA.std().item()),
        ],
    ),
    "03-2": Value(
        oracle=lambda: (mean_nll_at(3.0, rms=2.0) - mean_nll_at(2.0, rms=2.0)).item(),
        steps={"σ": 3.0, "S": 4.0},
        terms={
            "log σ": lambda sigma, S: sigma.log(),
            "S / 2σ²": lambda sigma, S: S / (2 * sigma**2),
            "−½ log S": lambda sigma, S: -0.5 * S.log(),
            "−½": lambda sigma, S: -0.5,
        },
        parts={"3": 3.0, "2": 2.0, "log 3": math.log(3)},
        mistakes=[
            Mistake(
                "This is the loss at σ = 3 itself. The question asks how far it falls.",
                lambda: mean_nll_at(3.0, rms=2.0),
            ),
            Mistake(
                "This is the loss at the best σ. The question asks how far the other one lies "
                "above it.",
                lambda: mean_nll_at(2.0, rms=2.0),
            ),
            Mistake(
                "σ and the RMS residual have changed places: it is the σ that is 3.",
                lambda: mean_nll_at(2.0, rms=3.0) - mean_nll_at(3.0, rms=3.0),
            ),
            Mistake(
                "The fraction is upside down: S = 4 stands above 2σ² = 18.",
                math.log(3 / 2) + 9 / 8 - 0.5,
            ),
        ],
    ),
    "03-3": Coded(
        oracle=lambda y, mu, log_sigma: -Normal(mu, log_sigma.exp()).log_prob(y),
        inputs=points,
        trained=("mu", "log_sigma"),
        steps={
            "(y − μ)²": lambda y, mu, log_sigma: (y - mu) ** 2,
            "σ": lambda y, mu, log_sigma: log_sigma.exp(),
        },
        terms={
            "½ log 2π": lambda squares, sigma: 0.5 * LOG_2PI,
            "log σ": lambda squares, sigma: sigma.log(),
            "(y − μ)² / 2σ²": lambda squares, sigma: squares / (2 * sigma**2),
        },
        mistakes=[
            Mistake(
                "This treats log_sigma as log σ²: it is half of that.",
                likelihood(log=0.5, power=-1),
            ),
            Mistake(
                "The logarithm is right, but the squared residual is divided by σ and not by σ².",
                likelihood(power=-1),
            ),
            Mistake("The residual is not squared.", likelihood(square=1)),
            Mistake(
                "log_sigma is squared. The logarithm of σ² is twice it.",
                lambda y, mu, log_sigma: (
                    0.5 * (LOG_2PI + log_sigma**2 + (y - mu) ** 2 * torch.exp(-(log_sigma**2)))
                ),
            ),
        ],
    ),
}

GUESSES = {"03-a": Number("", 0, 10), "03-b": OneOf("up", "down", "stay")}

QUIZ = [
    Question(
        "Someone writes Adam(model.mean.parameters()). Which σ does the model report then?",
        [
            Option(
                "The RMS residual",
                "It would be, if an optimizer had moved it. Is log_var on its list?",
            ),
            Option(
                "The σ that it started with",
                "log_var gets a gradient and nobody takes the "
                "step. Compare σ with the RMS residual, and it shows.",
                correct=True,
            ),
            Option(
                "None: training raises an error",
                "Nothing is wrong with the code as code. The parameter is just left out.",
            ),
        ],
    ),
    Question(
        "The mean is a straight line, the truth a curve, and the noise is nearly 0. What is σ?",
        [
            Option(
                "Nearly 0, as the noise",
                "σ is fitted to the residuals, and the residuals of "
                "a line on a curve are not small.",
            ),
            Option(
                "The size of the misfit",
                "The RMS residual is noise plus misfit; here nearly all of it is misfit.",
                correct=True,
            ),
            Option("It goes to infinity", "½ log σ² stops it: its minimum is at the RMS residual."),
        ],
    ),
    Question(
        "Someone makes σ² itself the parameter, in place of log σ². What may go wrong?",
        [
            Option(
                "Another σ is best then",
                "The RMS residual is best, by whatever name a program knows it.",
            ),
            Option(
                "A step may end below 0",
                "A negative σ² means nothing. A negative log σ² is a σ below 1.",
                correct=True,
            ),
            Option(
                "Nothing: only the name has changed",
                "The minimum is the same. The steps on the way to it are not.",
            ),
        ],
    ),
]
