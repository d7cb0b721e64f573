"""Lesson 03: one σ for noise that varies, its bias, its likelihood in log σ, and a quiz."""

import math

import torch
from torch.distributions import Normal

from course_utils.checks import Coded, Mistake, Option, Question, Value
from course_utils.data import WAVE

LOG_2PI = math.log(2 * math.pi)
SIGMA = WAVE.truth(WAVE.grid(60_001))[1]  # σ(x) = 0.15 + 0.25 |x| on an even grid


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
        mistakes=[
            Mistake(
                "This is the average of σ(x). The NLL looks at squared residuals: which average "
                "do they have?",
                lambda: SIGMA.mean().item(),
            ),
            Mistake("This is σ², a variance. The question asks for σ.",
                    lambda: SIGMA.square().mean().item()),
            Mistake("This is the noise at the edge, where it is largest. Most points lie inside.",
                    lambda: SIGMA.max().item()),
            Mistake("This is the noise at x = 0, where it is smallest.",
                    lambda: SIGMA.min().item()),
            Mistake("The mixed term is missing: (a + b)² has three terms.",
                    lambda: math.sqrt(0.15**2 + 0.25**2 * 3)),
            Mistake("This averages log σ(x). The parameter is log σ², but the best one follows "
                    "from the squared residuals.", lambda: SIGMA.log().mean().exp().item()),
            Mistake("This is where the parameter starts. Training moves it.", 1.0),
        ],
    ),
    "03-2": Value(
        oracle=lambda: math.sqrt(1.2**2 * 30 / 24),
        tolerance=3e-3,
        mistakes=[
            Mistake("The correction belongs to the variance, and here it multiplies σ.",
                    1.2 * 30 / 24),
            Mistake("This is the corrected σ². The question asks for σ.", 1.2**2 * 30 / 24),
            Mistake("This makes σ smaller. Fitted residuals are smaller than the noise already.",
                    1.2 * math.sqrt(24 / 30)),
            Mistake("This corrects for one coefficient. The model has six.",
                    1.2 * math.sqrt(30 / 29)),
            Mistake("One too many is subtracted: the six coefficients include the intercept.",
                    1.2 * math.sqrt(30 / 23)),
            Mistake("This is the RMS error on new y at the same x, (n + p)/(n − p) times the "
                    "variance. The question asks for the noise.", 1.2 * math.sqrt(36 / 24)),
            Mistake("This is (n + p)/n times the learned variance; the bias was (n − p)/n.",
                    1.2 * math.sqrt(36 / 30)),
            Mistake("This is the learned σ as it stands, without a correction.", 1.2),
        ],
    ),
    "03-3": Coded(
        oracle=lambda y, mu, log_sigma: -Normal(mu, log_sigma.exp()).log_prob(y),
        inputs=points,
        gradient=True,
        mistakes=[
            Mistake("This treats log_sigma as log σ²: it is half of that.",
                    likelihood(log=0.5, power=-1)),
            Mistake("The exponential is right, the logarithm has a factor ½ too many.",
                    likelihood(log=0.5)),
            Mistake("The logarithm is right, but the squared residual is divided by σ and not by "
                    "σ².", likelihood(power=-1)),
            Mistake("The squared residual is multiplied by σ²: look at the sign of the exponent.",
                    likelihood(power=2)),
            Mistake("The squared residual lacks its factor.", likelihood(half=1.0)),
            Mistake("The constant is missing: the full NLL of a density is asked for.",
                    likelihood(constant=0.0)),
            Mistake("The constant lacks its ½.", likelihood(constant=LOG_2PI)),
            Mistake("The logarithm has the wrong sign: as it stands, it rewards a large σ.",
                    likelihood(log=-1.0)),
            Mistake("The logarithm is missing: nothing keeps σ from growing.",
                    likelihood(log=0.0)),
            Mistake("The residual is not squared.", likelihood(square=1)),
            Mistake("The values are right, but log_sigma is detached in the exponential: half of "
                    "its gradient is lost.", likelihood(seen=False)),
        ],
    ),
}  # fmt: skip

QUIZ = [
    Question(
        "Someone writes Adam(model.mean.parameters()). Which σ does the model report then?",
        [
            Option("The RMS residual", "It would be, if an optimiser had moved it. Is log_var on "
                   "its list?"),
            Option("The σ that it started with", "log_var gets a gradient and nobody takes the "
                   "step. Compare σ with the RMS residual, and it shows.", correct=True),
            Option("None: training raises an error", "Nothing is wrong with the code as code. The "
                   "parameter is just left out."),
        ],
    ),
    Question(
        "The mean is a straight line, the truth a curve, and the noise is nearly 0. What is σ?",
        [
            Option("Nearly 0, as the noise", "σ is fitted to the residuals, and the residuals of "
                   "a line on a curve are not small."),
            Option("The size of the misfit", "The RMS residual is noise plus misfit; here nearly "
                   "all of it is misfit.", correct=True),
            Option("It goes to infinity", "½ log σ² stops it: its minimum is at the RMS residual."),
        ],
    ),
    Question(
        "By mistake, σ goes into GaussianNLLLoss as var. The RMS residual is 3. What is learned?",
        [
            Option("σ = 3: the loss only needs a positive number", "It needs a *variance*. Its "
                   "minimum lies where the third argument is the mean squared residual."),
            Option("'σ' = 9, and no warning", "The third argument goes to S = 9, under the name of "
                   "σ. Only residuals of RMS 1 hide the mistake.", correct=True),
            Option("Nothing: it raises a ValueError", "It raises one for a negative variance, and "
                   "σ is positive."),
        ],
    ),
]  # fmt: skip
