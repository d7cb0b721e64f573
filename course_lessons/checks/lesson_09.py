"""Lesson 09: the weight of a point, the β-NLL's weight, a faithful loss, and a quiz."""

import torch
from torch.distributions import Normal

from course_utils.checks import Coded, Mistake, OneOf, Option, Question, Value
from course_utils.checks.answers import not_the_ratio


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
        mistakes=[
            Mistake("This is the ratio of the σ. The gradient has another power of σ.", 5.0),
            Mistake("The other way round: the point with the smaller σ pulls harder.", 1 / 25),
            Mistake("The other way round, and with σ in the place of σ².", 0.2),
            *not_the_ratio(0.1**-2, 0.5**-2),
            Mistake("All points pull alike on μ with squared error, and not with the NLL.", 1.0),
            Mistake("This is the root of the ratio of the σ.", 5**0.5),
            Mistake("One is subtracted: how many times as hard is the ratio itself.", 24.0),
            Mistake("This is 1/σ at the first point. What is its pull over the other's?", 10.0),
            Mistake("One power too many: the gradient with respect to μ has σ², not σ³.", 125.0),
            Mistake("This is a difference of the σ². How many times as hard is a ratio.", 0.24),
            Mistake("This is σ² of the first point. The two pulls are compared.", 0.01),
            Mistake("This is σ² of the second point. The two pulls are compared.", 0.25),
            Mistake("This is a difference of the σ. How many times as hard is a ratio.", 0.4),
            Mistake("This is a difference of the 1/σ. How many times as hard is a ratio.", 8.0),
            Mistake("This is 1/σ at the second point. Which pull is divided by which?", 2.0),
            Mistake("The two 1/σ are multiplied. The pulls are divided, and have 1/σ².", 20.0),
            Mistake("The other way round, and with the root of σ in the place of σ².", 5**-0.5),
            Mistake("The two pulls are added. How many times as hard is their ratio.", 104.0),
            Mistake("One is added: how many times as hard is the ratio itself.", 26.0),
        ],
    ),
    "09-2": Value(
        oracle=5**0.5,
        mistakes=[
            Mistake("This is the NLL's ratio, β = 0.", 25.0),
            Mistake("This is β = ½. Put ¾ into the exponent.", 5.0),
            Mistake("This is β = 1, where all points pull alike.", 1.0),
            Mistake("The other way round: the point with the smaller σ pulls harder.", 5**-0.5),
            Mistake("The factor is σ^(2β), not σ^β.", 5**1.25),
            Mistake("β = ¾ is an exponent of σ², not a factor of the ratio.", 0.75 * 25),
            Mistake("1 − β = ¼ is an exponent of the ratio, not a factor.", 0.25 * 25),
            Mistake(
                "This is the ratio of the σ to the power ¾. Which power is left of σ?", 5**0.75
            ),
            Mistake("The factor multiplies the gradient; here it divides.", 5**3.5),
            Mistake("This is the NLL's ratio to the power ¾. What does β do to σ's?", 25**0.75),
            *not_the_ratio(0.1**-0.5, 0.5**-0.5),
            Mistake("β = ¾ is in an exponent; here it is a factor of the ratio of the σ.", 3.75),
            Mistake("This is the factor σ^(2β) alone. The NLL's own 1/σ² is missing.", 5**-1.5),
            Mistake("2 − 2β is an exponent of the ratio of the σ, not a factor.", 12.5),
            Mistake("The ratio of the σ is halved. 2 − 2β = ½ is its exponent.", 2.5),
            Mistake("2β is an exponent of σ; here it divides the NLL's ratio.", 25 / 1.5),
            Mistake("2β is an exponent of σ; here it multiplies the NLL's ratio.", 25 * 1.5),
            Mistake("Upside down, and the factor is σ^(2β), not σ^β.", 5**-1.25),
            Mistake("Upside down, and ¾ is not the power that is left of σ.", 5**-0.75),
            Mistake("β = ¾ is in an exponent; here it divides the ratio of the σ.", 5 / 0.75),
            Mistake("The NLL's own weight is 1/σ², not 1/σ³, and β is left out.", 125.0),
            Mistake("This is a difference of the σ. How many times as hard is a ratio.", 0.4),
        ],
    ),
    "09-3": Coded(
        oracle=lambda y, mu, log_var: (
            0.5 * (y - mu) ** 2 - Normal(mu.detach(), (log_var / 2).exp()).log_prob(y)
        ),
        inputs=points,
        trained=("mu", "log_var"),
        mistakes=[
            Mistake(
                "The values are right, but μ also feels the NLL: one term must see it as a number.",
                faithful(shown=True),
            ),
            Mistake(
                "The values are right, but μ is cut off from both terms: nothing trains it.",
                faithful(hidden=True),
            ),
            Mistake(
                "The cut is in the wrong term: μ is trained by the NLL here.",
                faithful(shown=True, hidden=True),
            ),
            Mistake("The squared error lacks its ½.", faithful(half=1.0)),
            Mistake("The NLL's constant is missing.", faithful(constant=False)),
            Mistake("log_var is log σ²; here it is used as log σ.", faithful(power=2.0)),
            Mistake(
                "This is the β-NLL with β = 1. The task is the sum of two terms.",
                lambda y, mu, log_var: (
                    -Normal(mu, (log_var / 2).exp()).log_prob(y) * log_var.exp().detach()
                ),
            ),
            Mistake(
                "The values are right, but log_var is detached: nothing trains it.",
                lambda y, mu, log_var: faithful()(y, mu, log_var.detach()),
            ),
            Mistake("The squared error is missing: nothing trains μ.", faithful(half=0.0)),
            Mistake("The NLL is missing: nothing trains log_var.", written(nll=0.0)),
            Mistake("The NLL is subtracted. Both terms are to be small.", written(nll=-1.0)),
            Mistake("The NLL is halved once more. Only its own terms have a ½.", written(nll=0.5)),
            Mistake(
                "exp(log_var) multiplies the squared residual of the NLL. It divides it.",
                written(power=1.0),
            ),
            Mistake("log σ is half of log_var, and here all of it.", written(log=1.0)),
            Mistake("The NLL's term ½ log σ² is missing.", written(log=0.0)),
            Mistake("The NLL gets σ where σ² belongs.", written(log=0.25, power=-0.5)),
            Mistake(
                "The two terms are multiplied. They are added.",
                lambda y, mu, log_var: 0.5 * (y - mu) ** 2 * written(square=0.0)(y, mu, log_var),
            ),
            Mistake(
                "The squared error is averaged over the points, and lacks its ½.",
                lambda y, mu, log_var: written(square=0.0)(y, mu, log_var) + ((y - mu) ** 2).mean(),
            ),
            Mistake(
                "This is the β-NLL with β = ½. The task is the sum of two terms.",
                lambda y, mu, log_var: (
                    -Normal(mu, (log_var / 2).exp()).log_prob(y) * (log_var / 2).exp().detach()
                ),
            ),
            Mistake("The squared error is subtracted.", written(square=-0.5)),
            Mistake(
                "log_var is a logarithm; the NLL divides by it as if it were σ².",
                lambda y, mu, log_var: (
                    0.5 * (y - mu) ** 2
                    + 0.9189385332046727
                    + 0.5 * (log_var + (y - mu.detach()) ** 2 / log_var)
                ),
            ),
            Mistake(
                "The squared error is divided by σ²: that is the NLL's weight, the one to be kept "
                "from μ.",
                lambda y, mu, log_var: (
                    faithful(half=0.0)(y, mu, log_var) + 0.5 * (y - mu) ** 2 * torch.exp(-log_var)
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
                "The NLL cannot fit this mean",
                "With three times the steps some of the ten had arrived.",
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
