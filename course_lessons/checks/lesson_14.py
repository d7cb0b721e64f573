"""Lesson 14: the total of five members, what dropout reports, a mixture's interval, a quiz."""

import math

import torch
from torch.distributions import Categorical, MixtureSameFamily, Normal

from course_utils.checks import Coded, Mistake, Number, OneOf, Option, Question, Value


def members(rng):
    """lower, upper (6,), mus and sigmas (4, 6)."""
    mus = torch.from_numpy(2 * rng.standard_normal((4, 6)))
    sigmas = torch.from_numpy(rng.uniform(0.3, 1.5, (4, 6)))
    low = torch.from_numpy(rng.uniform(-2, 0, 6))
    return low, low + torch.from_numpy(rng.uniform(1, 3, 6)), mus, sigmas


def by_mixture(lower, upper, mus, sigmas):
    parts = Normal(mus.T, sigmas.T)
    mixture = MixtureSameFamily(Categorical(torch.ones(parts.batch_shape, dtype=mus.dtype)), parts)
    return mixture.cdf(upper) - mixture.cdf(lower)


def between(forecast, lower, upper):
    return forecast.cdf(upper) - forecast.cdf(lower)


def one(sd):
    """An answer of one Gaussian, with the members' mean and some sd of mus and sigmas."""
    return lambda lower, upper, mus, sigmas: between(
        Normal(mus.mean(0), sd(mus, sigmas)), lower, upper
    )


EXERCISES = {
    "14-1": Value(
        oracle=math.sqrt(19 / 5 + 10 / 4),
        terms={"mean of the σ²": 19 / 5, "variance of the μ": 10 / 4},
        outer=torch.sqrt,
        parts={"the mean of σ": 1.8, "the variance of the μ": 10 / 4},
        mistakes=[
            Mistake(
                "The variance of the means divides by 5 here, and is too small on average.",
                math.sqrt(19 / 5 + 2),
            ),
            Mistake(
                "The mean of σ is squared here. The law needs the mean of σ².",
                math.sqrt(1.8**2 + 10 / 4),
            ),
            Mistake(
                "Both parts divide by 4 here. The mean of the σ² is a plain mean.",
                math.sqrt(19 / 4 + 10 / 4),
            ),
            Mistake("M and M − 1 are exchanged.", math.sqrt(19 / 4 + 10 / 5)),
            Mistake("The sums are not divided: both parts are means.", math.sqrt(19 + 10)),
            Mistake(
                "The mean of σ and the sd of the μ are added. The variances add.",
                1.8 + math.sqrt(10 / 4),
            ),
        ],
    ),
    "14-2": Value(
        oracle=[1.6, 2.4],
        parts={"2": 2.0, "p": 0.2, "(1−p)": 0.8, "3": 3.0},
        mistakes=[
            Mistake(
                "This uses the true slope. Dropout's loss is smallest at a smaller one.", [2, 3]
            ),
            Mistake("The slope is right. The sd is that at x = 1, and not at 3.", [1.6, 0.8]),
            Mistake("The slope is right. u is 0 or 1/(1 − p), not 0 or 1.", [1.6, 1.6 * 3 * 0.4]),
            Mistake(
                "The slope is right. p and 1 − p are exchanged under the root.", [1.6, 1.6 * 3 * 2]
            ),
            Mistake("p is the share that is *dropped*; here it is what is kept.", [0.4, 2.4]),
            Mistake("The slope is right. MC dropout does not know how much data it has.", [1.6, 0]),
            Mistake("MC dropout does not know that the data leave nothing open.", [2, 0]),
        ],
    ),
    "14-3": Coded(
        oracle=by_mixture,
        inputs=members,
        terms={
            "P(y < upper)": lambda lower, upper, *parts: Normal(*parts).cdf(upper).mean(0),
            "−P(y < lower)": lambda lower, upper, *parts: -Normal(*parts).cdf(lower).mean(0),
        },
        mistakes=[
            Mistake(
                "This is one Gaussian with the mixture's mean and sd, and not its shape.",
                one(lambda mus, sigmas: (sigmas**2 + mus.var(0, correction=0)).mean(0).sqrt()),
            ),
            Mistake(
                "This is one Gaussian, and its variance divides by one less than the members.",
                one(lambda mus, sigmas: (sigmas**2 + mus.var(0)).mean(0).sqrt()),
            ),
            Mistake(
                "This averages μ and σ, and forgets that the members differ.",
                one(lambda mus, sigmas: sigmas.mean(0)),
            ),
            Mistake(
                "This is a Gaussian of the members' means alone: their noise is missing.",
                one(lambda mus, sigmas: mus.std(0)),
            ),
            Mistake(
                "The members' probabilities are multiplied: that all hit, each with its own y.",
                lambda lower, upper, *parts: between(Normal(*parts), lower, upper).prod(0),
            ),
            Mistake(
                "This takes the median of the members' probabilities. A mixture averages them.",
                lambda lower, upper, *parts: between(Normal(*parts), lower, upper).median(0).values,
            ),
            Mistake(
                "This counts the members whose mean lies inside. Each has a noise, too.",
                lambda lower, upper, mus, _: ((mus >= lower) & (mus <= upper)).double().mean(0),
            ),
        ],
    ),
}

GUESSES = {"14-a": Number("", 0, 2), "14-b": OneOf("most", "little")}

QUIZ = [
    Question(
        "Five members agree everywhere. What follows?",
        [
            Option("The mean is well known", "Five lines on ten points agree exactly, too."),
            Option(
                "Training ends in one place",
                "That is what the spread sees. How far that place is from the truth is another "
                "question.",
                correct=True,
            ),
            Option("The noise is small", "The members' σ say that, not their spread."),
        ],
    ),
    Question(
        "Your model cannot bend as the data do. Where does the misfit appear?",
        [
            Option("In the epistemic part", "All members miss in the same way: no spread."),
            Option(
                "Nowhere: the likelihood does not see it",
                "It does: the residuals are larger, and σ follows them.",
            ),
            Option(
                "In the aleatoric part",
                "σ fits the residuals, whatever they are made of.",
                correct=True,
            ),
        ],
    ),
    Question(
        "In a gap, two methods on one network say 0.2; a wider prior says 2. Who is right?",
        [
            Option(
                "The two that agree",
                "They share the network, and with it how it may run where no data are.",
            ),
            Option(
                "No data there can say: each has its prior",
                "Ask which functions you hold possible in the gap, or measure there.",
                correct=True,
            ),
            Option("The widest: it is the safest", "Wide enough, it says nothing at all."),
        ],
    ),
]
