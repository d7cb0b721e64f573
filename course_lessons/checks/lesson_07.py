"""Exercises and quiz of 07, Bayes by Backprop."""

import torch
from torch.distributions import Categorical, MixtureSameFamily, Normal

from course_utils.checks import Coded, Mistake, Number, OneOf, Option, Question, Value


def some_draws(rng):
    mus, log_vars = torch.from_numpy(rng.standard_normal((2, 6, 5)))
    return mus, log_vars


def of_a_mixture(mus, log_vars):
    parts = Normal(mus.T, torch.exp(log_vars.T / 2))
    weights = Categorical(torch.ones(parts.batch_shape, dtype=mus.dtype))
    return MixtureSameFamily(weights, parts).stddev


EXERCISES = {
    "07-1": Value(
        oracle=1 / 10_000,
        parts={"n": 10_000.0, "M": 250.0, "n / M": 40.0},
        mistakes=[
            Mistake(
                "This is 1/M, the weight beside a sum over the minibatch. Here the likelihood is a "
                "mean.",
                250 / 10_000,
            ),
            Mistake(
                "This divides by the size of the minibatch. The KL would count 40 times in an "
                "epoch, once for each minibatch.",
                1 / 250,
            ),
            Mistake("The whole KL beside the NLL of one point: the data would hardly count.", 1.0),
            Mistake(
                "This divides by n and by the number of minibatches. A mean over a minibatch "
                "already estimates the mean over all data.",
                1 / 400_000,
            ),
        ],
    ),
    "07-2": Value(
        oracle=0.04,
        parts={"σ used": 0.1, "σ of the noise": 0.5},
        mistakes=[
            Mistake("This is the ratio of the σ. The loss has σ² in it.", 0.2),
            Mistake(
                "This is upside down: right / used. A σ that is too small makes the data loud. "
                "Does the KL then count for more or for less?",
                25,
            ),
            Mistake(
                "This is the weight that σ = 0.1 gives the KL. Compare it with the one of σ = 0.5.",
                0.01,
            ),
            Mistake("This is the right weight of the KL. How much of it does he use?", 0.25),
        ],
    ),
    "07-3": Coded(
        oracle=of_a_mixture,
        inputs=some_draws,
        steps={"μ": lambda mus, log_vars: mus, "σ²": lambda mus, log_vars: log_vars.exp()},
        terms={
            "mean of σ²": lambda mu, var: var.mean(0),
            "variance of μ": lambda mu, var: mu.var(0, correction=0),
        },
        outer=torch.sqrt,
        mistakes=[
            Mistake(
                "The mean of σ is squared here. The law needs the mean of σ².",
                lambda mus, log_vars: torch.sqrt(
                    torch.exp(log_vars / 2).mean(0) ** 2 + mus.var(0, correction=0)
                ),
            ),
            Mistake(
                "The variance of the means divides by one less than the number of draws; here the "
                "draws are the whole mixture.",
                lambda mus, log_vars: torch.sqrt(log_vars.exp().mean(0) + mus.var(0)),
            ),
            Mistake(
                "The squared means are averaged. A variance takes the square of the mean off.",
                lambda mus, log_vars: (log_vars.exp() + mus**2).mean(0).sqrt(),
            ),
            Mistake(
                "This is the mean of σ alone. The drawn means differ as well, and variances add.",
                lambda mus, log_vars: (log_vars / 2).exp().mean(0),
            ),
            Mistake(
                "The mean of the means is squared. The law has their variance.",
                lambda mus, log_vars: (log_vars.exp().mean(0) + mus.mean(0) ** 2).sqrt(),
            ),
            Mistake(
                "exp of the mean of log σ² is the geometric mean of the variances. The law needs "
                "the plain mean.",
                lambda mus, log_vars: torch.sqrt(log_vars.mean(0).exp() + mus.var(0, correction=0)),
            ),
        ],
    ),
}

GUESSES = {"07-a": Number("times", 0, 100), "07-b": OneOf("smaller", "the same", "larger")}

QUIZ = [
    Question(
        "You collect ten times as many points in the same places. What shrinks?",
        [
            Option("The noise of y", "It stays what it is; more data only measure it better."),
            Option(
                "The epistemic part, where the points are",
                "The weights are better known there. Far from the points little changes.",
                correct=True,
            ),
            Option(
                "The epistemic part, everywhere alike",
                "In a gap the data still say nothing: there the prior speaks.",
            ),
        ],
    ),
    Question(
        "The band of a Bayesian network covers 95 % of held-out y. Is its epistemic sd right?",
        [
            Option(
                "Yes: coverage tests the whole predictive distribution",
                "Only where the held-out points lie, and there the noise outweighs the rest.",
            ),
            Option(
                "That is not known, least of all where there are no data",
                "The noise hides it among the data, and elsewhere nobody has counted.",
                correct=True,
            ),
            Option(
                "No: the sd of f under mean field is always too small",
                "Of a weight, it is never too large. Of f it may be: notebook 06 has such a line.",
            ),
        ],
    ),
    Question(
        "Your variational network learns a flat mean and a large noise. What do you check first?",
        [
            Option(
                "The weight of the KL: n times the loss must be the summed NLL plus the KL, once",
                "With too much KL the prior outweighs the data, and the signal is called noise.",
                correct=True,
            ),
            Option(
                "Whether there are more units needed",
                "More units under mean field make it worse, if anything.",
            ),
            Option(
                "Whether the prior sd is too large",
                "It matters in the gaps. A flat mean among data points to too much KL.",
            ),
        ],
    ),
]
