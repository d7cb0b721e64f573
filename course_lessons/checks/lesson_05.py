"""Lesson 05: the ELBO as NLL + KL, and what a prior on y does to the learned noise."""

import math

import numpy as np
import torch
from torch.distributions import Normal, kl_divergence

from course_utils.checks import Coded, Mistake, Number, OneOf, Option, Question, Value


def data_and_q(rng):
    """Nine y, (9, 1), and one mu and log_var, (1, 1)."""
    y = torch.from_numpy(rng.normal(1.0, 1.5, (9, 1)))
    mu, log_var = torch.from_numpy(rng.standard_normal((2, 1, 1)))
    return y, mu, log_var


def exact(y, mu, log_var):
    """−ELBO by Gauss–Hermite quadrature over z; exact, since the log-likelihood is quadratic."""
    nodes, weights = (torch.from_numpy(v) for v in np.polynomial.hermite_e.hermegauss(8))
    sigma = (log_var / 2).exp()
    z = mu + sigma * nodes
    log_likelihood = Normal(z, torch.ones_like(z)).log_prob(y).sum(0)
    prior = Normal(torch.zeros_like(mu), torch.ones_like(mu))
    expected = (weights / weights.sum() * log_likelihood).sum()
    return kl_divergence(Normal(mu, sigma), prior).sum() - expected


def nll(y, mu, log_var):
    return 0.5 * (math.log(2 * math.pi) + (y - mu) ** 2 + log_var.exp())


def at_mu(y, mu):
    return 0.5 * (math.log(2 * math.pi) + (y - mu) ** 2)


def kl(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - log_var - 1).sum()


EXERCISES = {
    "05-1": Value(
        oracle=0.2,
        parts={"0.04": 0.04},
        mistakes=[
            Mistake(
                "That is the true noise. It is also the variance that the model learns, but the "
                "question asks for the standard deviation.",
                0.04,
            ),
            Mistake("That is σ² of the data. Does this loss learn it?", 0.0016),
            Mistake(
                "√½ is the posterior's sd in the lesson's first example. Here the likelihood has "
                "its own σ.",
                math.sqrt(0.5),
            ),
            Mistake("That is the prior's σ. The data have a say as well.", 1.0),
        ],
    ),
    "05-2": Value(
        oracle=2.0,
        tolerance=1e-2,
        parts={"y": 3.0, "2": 2.0},
        mistakes=[
            Mistake(
                "v = 0 solves the equation, and without noise it is what one hopes for. But "
                "compare the loss there with its value at the other solution.",
                0.0,
            ),
            Mistake("That is the distance of y from 0, not from the shrunken mean.", 3.0),
            Mistake(
                "Is this √3, the square root rule? It is for a centred y, and this y is not.",
                math.sqrt(3),
            ),
            Mistake(
                "½ is the posterior's variance in the lesson's first example. Here the likelihood "
                "has its own σ.",
                0.5,
            ),
            Mistake("That is the mean that the model learns. What is its variance?", 1.0),
        ],
    ),
    "05-3": Coded(
        oracle=exact,
        inputs=data_and_q,
        trained=("mu", "log_var"),
        steps={
            "(y − μ)²": lambda y, mu, log_var: (y - mu) ** 2,
            "μ²": lambda y, mu, log_var: (mu**2).sum(),
            "σ²": lambda y, mu, log_var: log_var.exp().sum(),
        },
        terms={
            "n/2 log 2π": lambda squares, mu2, var: len(squares) / 2 * math.log(2 * math.pi),
            "½ Σ (y − μ)²": lambda squares, mu2, var: 0.5 * squares.sum(),
            "n/2 σ² of the NLL": lambda squares, mu2, var: len(squares) / 2 * var,
            "½ μ² of the KL": lambda squares, mu2, var: 0.5 * mu2,
            "½ (σ² − 1) of the KL": lambda squares, mu2, var: 0.5 * (var - 1),
            "−½ log σ² of the KL": lambda squares, mu2, var: -0.5 * var.log(),
        },
        mistakes=[
            Mistake(
                "The NLL is taken at μ alone, as if z were known. Average it over z: q is wide.",
                lambda y, mu, log_var: at_mu(y, mu).sum() + kl(mu, log_var),
            ),
            Mistake(
                "In the KL log_var is taken for 2 log σ²: it is log σ² already.",
                lambda y, mu, log_var: nll(y, mu, log_var).sum() + kl(mu, log_var / 2),
            ),
            Mistake(
                "q's variance is used as the noise of y. The noise here is 1; q's variance is "
                "the uncertainty about z.",
                lambda y, mu, log_var: (
                    (0.5 * (math.log(2 * math.pi) + log_var + (y - mu) ** 2 / log_var.exp())).sum()
                    + kl(mu, log_var)
                ),
            ),
            Mistake(
                "This is the KL from the prior to q. The price averages over q: KL(q ‖ prior).",
                lambda y, mu, log_var: (
                    nll(y, mu, log_var).sum()
                    + 0.5 * ((mu**2 + 1) / log_var.exp() + log_var - 1).sum()
                ),
            ),
        ],
    ),
}

GUESSES = {"05-a": OneOf("rises", "falls"), "05-b": Number("", 0, 3), "05-c": Number("%", 0, 100)}

QUIZ = [
    Question(
        "The ELBO lies below the log evidence. What is the difference between the two?",
        [
            Option(
                "KL from q to the prior",
                "That is a part of the ELBO itself: the price for leaving the prior.",
            ),
            Option(
                "KL from q to the posterior",
                "It is zero only if q is the posterior, and raising the ELBO lowers it.",
                correct=True,
            ),
            Option(
                "The noise of the sampled z",
                "Sampling adds noise to an estimate of the ELBO. The gap is there without it.",
            ),
        ],
    ),
    Question(
        "NLL + KL on y learns σ = 0.55 where the noise is 0.3, and more steps change nothing. Why?",
        [
            Option(
                "It saw too few data",
                "The closed form needs no data at all: with infinitely many it is still √0.3.",
            ),
            Option(
                "One draw of z is too noisy",
                "The draw's average is the closed-form KL, and that has the same minimum.",
            ),
            Option(
                "The KL's −½ log σ² cancels the likelihood's +½ log σ²",
                "What is left, MSE/(2v) + v/2, has its minimum at v = RMSE: a square root.",
                correct=True,
            ),
        ],
    ),
    Question(
        "All points share one z. What happens to q's σ as data come in?",
        [
            Option(
                "It shrinks toward 0, like 1/√n",
                "It is the epistemic uncertainty about z, and data reduce it.",
                correct=True,
            ),
            Option(
                "It settles at the noise of the data",
                "The noise is the likelihood's σ. More data measure it; they do not remove it.",
            ),
            Option(
                "It settles at the prior's σ",
                "There it starts. The likelihoods of n points soon outweigh one prior.",
            ),
        ],
    ),
]
