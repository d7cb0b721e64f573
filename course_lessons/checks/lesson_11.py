"""Exercises and quiz of 11, other targets."""

import math

import torch
from torch.distributions import LogNormal, MultivariateNormal, NegativeBinomial, Normal

from course_utils.checks import Coded, Mistake, Number, OneOf, Option, Question, Value


def ignored(rho):
    """The entropy of two independent standard Gaussians minus that of two correlated ones."""
    covariance = torch.tensor([[1.0, rho], [rho, 1.0]], dtype=torch.float64)
    both = MultivariateNormal(torch.zeros(2, dtype=torch.float64), covariance).entropy()
    return (2 * Normal(0.0, 1.0).entropy() - both).item()


def found_r(mean, variance):
    """The r whose negative binomial has this mean and variance, by bisection."""
    low, high = 1e-3, 1e3
    for _ in range(100):
        r = math.sqrt(low * high)
        trial = NegativeBinomial(torch.tensor(r), logits=torch.tensor(mean / r).log())
        low, high = (r, high) if trial.variance > variance else (low, r)
    return r


def prices(rng):
    """y > 0, mu and log_var, (9, 1), none of them near the others."""
    y, mu, log_var = torch.from_numpy(rng.standard_normal((3, 9, 1)))
    return (0.5 + y).exp(), mu, log_var


def gaussian(y, mu, sigma):
    return -Normal(mu, sigma).log_prob(y)


def sd(log_var):
    return (log_var / 2).exp()


EXERCISES = {
    "11-1": Value(
        oracle=lambda: ignored(0.9),
        parts={"ρ": 0.9, "(1−ρ²)": 0.19},
        mistakes=[
            Mistake(
                "So much does log det Σ differ. How much of it is in the NLL?", -math.log(0.19)
            ),
            Mistake("The determinant has ρ², this has ρ.", -0.5 * math.log(1 - 0.9)),
            Mistake("Does a model that knows less have the smaller NLL?", math.log(0.19) / 2),
            Mistake("This takes log ρ. What stands in the determinant?", -math.log(0.9)),
            Mistake("The determinant has 1 − ρ², and not ρ.", -0.5 * math.log(0.9)),
            Mistake("The determinant is 1 − ρ², and not 1 + ρ².", 0.5 * math.log(1.81)),
        ],
    ),
    "11-2": Value(
        oracle=lambda: found_r(10.0, 35.0),
        parts={"m": 10.0, "the variance": 35.0, "the luck's part": 25.0},
        mistakes=[
            Mistake("Not all of the variance is luck: counting varies as a Poisson.", 100 / 35),
            Mistake("Luck multiplies: its part grows with the square of the mean.", 3.5),
            Mistake("The second term has m², not m.", 10 / 25),
            Mistake("The Poisson's part of the variance is subtracted.", 100 / 45),
        ],
    ),
    "11-3": Coded(
        oracle=lambda y, mu, log_var: -LogNormal(mu, (log_var / 2).exp()).log_prob(y),
        inputs=prices,
        trained=("mu", "log_var"),
        steps={
            "log y": lambda y, mu, log_var: y.log(),
            "μ": lambda y, mu, log_var: mu,
            "σ²": lambda y, mu, log_var: log_var.exp(),
        },
        terms={
            "½ log 2π": lambda log_y, mu, var: 0.5 * math.log(2 * math.pi),
            "½ log σ²": lambda log_y, mu, var: 0.5 * var.log(),
            "(log y − μ)² / 2σ²": lambda log_y, mu, var: 0.5 * (log_y - mu) ** 2 / var,
            "log y": lambda log_y, mu, var: log_y,
        },
        mistakes=[
            Mistake(
                "This is the negative log-density of log y. That of y has one more factor, the "
                "derivative of log y.",
                lambda y, mu, log_var: gaussian(y.log(), mu, sd(log_var)),
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
                "These logarithms are to base 10; log-normal has the natural one.",
                lambda y, mu, log_var: gaussian(y.log10(), mu, sd(log_var)) + y.log10(),
            ),
            Mistake(
                "μ and σ² are those of log y already: neither needs an exp or a log.",
                lambda y, mu, log_var: gaussian(y, mu.exp(), sd(log_var)),
            ),
            Mistake(
                "The loss is multiplied by y. A factor of a density is a summand of its logarithm.",
                lambda y, mu, log_var: gaussian(y.log(), mu, sd(log_var)) * y,
            ),
            Mistake(
                "This is the Gaussian loss of y. It is log y that is Gaussian here.",
                lambda y, mu, log_var: gaussian(y, mu, sd(log_var)),
            ),
        ],
    ),
}

GUESSES = {"11-a": Number("%", 0, 100), "11-b": OneOf("Gaussian", "Poisson")}

QUIZ = [
    Question(
        "On whole numbers a Gaussian with σ = 0.2 reports −0.6 nats, a family for counts 0.1. "
        "Who wins?",
        [
            Option(
                "The Gaussian, by 0.7 nats",
                "−0.6 is a density: a narrow peak on each whole number. In another unit the same "
                "model reports another number.",
            ),
            Option(
                "Not to be said from these numbers",
                "One is a density, the other a "
                "probability. Give the Gaussian the whole unit around each count first.",
                correct=True,
            ),
            Option(
                "The family for counts: y is a count",
                "The right support is no proof. With weather the Poisson was the worst of three.",
            ),
        ],
    ),
    Question(
        "Squared error on log price, then exp of the prediction. What is predicted, if log price "
        "is Gaussian?",
        [
            Option(
                "The mean price",
                "exp does not commute with the mean: the mean price is larger "
                "by a factor exp(σ²/2).",
            ),
            Option(
                "The median price",
                "exp keeps the order, so half lies above it and half below.",
                correct=True,
            ),
            Option(
                "The most frequent price",
                "The peak of a log-normal density lies lower still, at exp(μ − σ²).",
            ),
        ],
    ),
    Question(
        "A network shall output the covariance of three y. Which outputs?",
        [
            Option(
                "Nine numbers, as a 3 × 3 matrix",
                "Nothing makes such a matrix symmetric or "
                "positive definite; its log det may not exist.",
            ),
            Option(
                "Three variances and three correlations through tanh",
                "Each correlation lies "
                "between −1 and 1, and still 0.9, 0.9, −0.9 is no covariance.",
            ),
            Option(
                "Three logarithms and three free numbers, for L",
                "L has a positive diagonal "
                "and what it likes below; L Lᵀ is then a covariance, always.",
                correct=True,
            ),
        ],
    ),
]
