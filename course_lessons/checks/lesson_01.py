"""Lesson 01: ratios of likelihoods, learning rates, vectors."""

import math

import torch
from torch.distributions import Normal

from course_utils.checks import Coded, Mistake, Number, OneOf, Option, Question, Value

LOG_2PI = math.log(2 * math.pi)


def examples(rng):
    """y and mu (6, 3), and one σ away from 1, so that σ and σ² differ."""
    y, mu = torch.from_numpy(rng.standard_normal((2, 6, 3)))
    return y, mu, torch.tensor(rng.uniform(1.5, 2.5), dtype=torch.float64)


def many_examples(rng):
    """The same with 2,000 values, whose densities multiply to 0.0."""
    y, mu = torch.from_numpy(rng.standard_normal((2, 1000, 2)))
    return y, mu, torch.tensor(rng.uniform(1.5, 2.5), dtype=torch.float64)


def log_likelihood_of(count, *, constant=LOG_2PI, power=2, half=0.5, log_scale=1):
    """The formula with one of its parts changed; ``count`` says how many values it counts."""

    def answer(y, mu, sigma):
        n = count(y)
        fixed = -log_scale * n * torch.log(sigma) - n / 2 * constant
        return fixed - half * ((y - mu) ** 2).sum() / sigma**power

    return answer


def log_likelihood_at(mse):
    """Of 40 points with that mean square, under σ = 4."""
    return Normal(0.0, 4.0).log_prob(torch.full((40,), math.sqrt(mse)).double()).sum().item()


EXERCISES = {
    "01-1": Value(
        oracle=lambda: math.exp(log_likelihood_at(12.0) - log_likelihood_at(20.0)),
        parts={
            "12": 12.0,
            "20": 20.0,
            "σ": 4.0,
            "40": 40.0,
            "the ratio for one point": math.exp(0.25),
        },
        mistakes=[
            Mistake("That is the difference of the mean NLLs, in nats per point.", 0.25),
            Mistake("Undo the log; and the squared error is divided by 2σ², not σ².", 20.0),
            Mistake("This is 10 times e. To undo the log, raise e to the power 10.", 10 * math.e),
            Mistake("The ½ is missing: the squared error is divided by 2σ².", math.exp(20)),
            Mistake("This uses σ where the formula has σ².", math.exp(40)),
        ],
    ),
    "01-2": Value(
        oracle=lambda: 0.01 / autograd_ratio(10.0),
        parts={"0.01": 0.01, "σ": 10.0},
        mistakes=[
            Mistake(
                "The ½ is missing: in the NLL the squared error is divided by more than σ².", 1.0
            ),
            Mistake("This uses σ where the NLL has σ².", 0.2),
            Mistake(
                "The other way round: the gradient of the NLL is the smaller one, so which way "
                "must the learning rate go?",
                5e-5,
            ),
            Mistake(
                "The minimum is the same; the gradient on the way to it is not. With the same "
                "learning rate the steps would be far smaller.",
                0.01,
            ),
            Mistake("The 2 of 2σ² is counted twice.", 4.0),
            Mistake("That is the ratio of the two learning rates; one of them is 0.01.", 200.0),
        ],
    ),
    "01-3": Coded(
        oracle=lambda y, mu, sigma: Normal(mu, sigma).log_prob(y).sum(),
        inputs=[examples, examples, many_examples],
        trained=("mu", "sigma"),
        steps={"(y − μ)²": lambda y, mu, sigma: (y - mu) ** 2, "σ": lambda y, mu, sigma: sigma},
        terms={
            "n d/2 log 2π": lambda squares, sigma: -squares.numel() / 2 * LOG_2PI,
            "n d log σ": lambda squares, sigma: -squares.numel() * sigma.log(),
            "Σ (y − μ)² / 2σ²": lambda squares, sigma: -squares.sum() / (2 * sigma**2),
        },
        mistakes=[
            Mistake(
                "You count n examples, but more than n densities are multiplied: each example "
                "brings d of them.",
                log_likelihood_of(len),
            ),
            Mistake(
                "This is the NLL: the boxed formula has no minus sign in front yet.",
                lambda y, mu, sigma: -log_likelihood_of(torch.numel)(y, mu, sigma),
            ),
            Mistake(
                "So many densities multiply to exactly 0, as at the top of this lesson: add their "
                "logarithms.",
                lambda y, mu, sigma: Normal(mu, sigma).log_prob(y).exp().prod().log(),
            ),
            Mistake(
                "The residuals are added and then squared: square each one first.",
                lambda y, mu, sigma: (
                    log_likelihood_of(torch.numel, half=0.0)(y, mu, sigma)
                    - (y - mu).sum() ** 2 / (2 * sigma**2)
                ),
            ),
        ],
    ),
}


def autograd_ratio(sigma):
    """How many times the gradient of the MSE that of the mean NLL is, measured at one point."""
    mu = torch.tensor([0.0, 1.0], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([2.0, -1.0], dtype=torch.float64)
    (of_nll,) = torch.autograd.grad(-Normal(mu, sigma).log_prob(y).mean(), mu)
    (of_mse,) = torch.autograd.grad(torch.nn.functional.mse_loss(mu, y), mu)
    return (of_nll / of_mse)[0].item()


GUESSES = {
    "01-a": Number("points", 0, 10_000),
    "01-b": Number("", 0, 10),
    "01-c": OneOf("higher", "the same", "lower"),
}

QUIZ = [
    Question(
        "Your training loss is a Gaussian NLL, and it has just become negative. What now?",
        [
            Option(
                "Nothing: densities above 1 have positive logarithms",
                "A narrow bell is tall. In another unit of y the same fit has a positive NLL.",
                correct=True,
            ),
            Option(
                "There is a bug: a loss cannot be negative",
                "A squared error cannot. An NLL of a density can: a density is no probability.",
            ),
            Option(
                "The model is overfitting",
                "Perhaps, but the sign does not say so: it changes with the unit of y. Held-out "
                "data would tell.",
            ),
        ],
    ),
    Question(
        "You fit a line with the Gaussian NLL, but fix σ at ten times its true value. The line is",
        [
            Option("too flat", "A large σ flattens the valley of the loss, not the line."),
            Option(
                "the least-squares line, whatever σ is",
                "σ scales the squared error and adds a number. Neither moves the minimum.",
                correct=True,
            ),
            Option(
                "right on average, but noisier from sample to sample",
                "It is the very same line for the same data, not only on average.",
            ),
        ],
    ),
    Question(
        "Squared error is maximum likelihood when …",
        [
            Option(
                "the histogram of y is a bell",
                "The y of this lesson spread along a whole line and are no bell.",
            ),
            Option(
                "y − μ(x) is Gaussian, with one σ for every x",
                "That is the density we started from; step 4 used the one σ.",
                correct=True,
            ),
            Option(
                "σ is known",
                "Its value is never used: with σ fixed at any number the minimum is the same.",
            ),
        ],
    ),
]
