"""Exercises, guesses and quiz of 06, uncertain weights."""

import math

import torch
from torch.distributions import MultivariateNormal

from course_utils.checks import Coded, Mistake, Number, Option, Question, Value


def features_and_precision(rng):
    """Seven rows of four features, and a precision whose inverse is far from diagonal."""
    Phi = torch.from_numpy(rng.standard_normal((7, 4)))
    A = torch.from_numpy(rng.standard_normal((9, 4)))
    return Phi, A.T @ A + 0.2 * torch.eye(4, dtype=A.dtype)


def of_linear_map(Phi, precision):
    """Each f is one Gaussian: the law of Phi θ, one row at a time."""
    weights = MultivariateNormal(
        torch.zeros(len(precision), dtype=Phi.dtype), precision_matrix=precision
    )
    L = weights.scale_tril
    return torch.stack([(row @ L).norm() for row in Phi])


GUESSES = {"06-a": Number("", 0, 1), "06-b": Number("", 0, 2)}

EXERCISES = {
    "06-1": Value(
        oracle=0.6,
        parts={"ρ": 0.8, "(1 − ρ²)": 0.36, "2": 2.0},
        mistakes=[
            Mistake(
                "This is the inverse: exact / mean field. Which of the two is smaller?", 1 / 0.6
            ),
            Mistake(
                "Mean field keeps the mean, not the variance. Its variance is 1/Λ₁₁, and that is "
                "not the first entry of the covariance.",
                1.0,
            ),
            Mistake("This is √(1 − ρ). The determinant of the covariance is not 1 − ρ.", 0.2**0.5),
            Mistake("This is ρ², by which the variance shrinks, not what is left of it.", 0.64),
        ],
    ),
    "06-2": Value(
        oracle=0.5,
        terms={"1 of the prior": 1.0, "n / v": 3.0},
        outer=torch.rsqrt,
        parts={"n": 12.0, "v": 4.0, "(n + 1)": 13.0},
        mistakes=[
            Mistake("This is the posterior variance. You are asked for its sd.", 0.25),
            Mistake("The noise is missing: each point adds 1/v to the precision, not 1.", 13**-0.5),
            Mistake(
                "The noise's sd stands where its variance belongs: v = 4 is σ².",
                (1 + 12 / 2) ** -0.5,
            ),
            Mistake("v is squared here: v is the variance already.", (1 + 12 / 16) ** -0.5),
            Mistake("v multiplies here. Noisier points tell less, not more.", 1 / 7),
            Mistake("One point is counted. Twelve have been seen.", (1 + 1 / 4) ** -0.5),
            Mistake(
                "This is the sd of a new y: the noise is added. You are asked for the weight's.",
                math.sqrt(4.25),
            ),
        ],
    ),
    "06-3": Coded(
        oracle=of_linear_map,
        inputs=features_and_precision,
        mistakes=[
            Mistake(
                "These are independent Gaussians, 1/Λₖₖ. The exact covariance is the inverse of "
                "the whole matrix.",
                lambda Phi, precision: (Phi**2 / precision.diagonal()).sum(1).sqrt(),
            ),
            Mistake(
                "The variances are right, the covariances are missing: use all of Λ⁻¹, not its "
                "diagonal.",
                lambda Phi, precision: (
                    (Phi**2 * torch.linalg.inv(precision).diagonal()).sum(1).sqrt()
                ),
            ),
            Mistake(
                "Λ is used as if it were the covariance. It is the inverse of the covariance.",
                lambda Phi, precision: ((Phi @ precision) * Phi).sum(1).sqrt(),
            ),
            Mistake(
                "The second Φ is missing: φᵀ Σ φ has one on each side.",
                lambda Phi, precision: (Phi @ torch.linalg.inv(precision)).sum(1).sqrt(),
            ),
            Mistake(
                "The products are averaged over the features. They are to be added.",
                lambda Phi, precision: ((Phi @ torch.linalg.inv(precision)) * Phi).mean(1).sqrt(),
            ),
            Mistake(
                "A noise of 1 is added. Wanted is the sd of f, not of a new y.",
                lambda Phi, precision: (
                    ((Phi @ torch.linalg.inv(precision)) * Phi).sum(1) + 1
                ).sqrt(),
            ),
            Mistake(
                "Standard deviations are added up. With covariances it is φᵀ Λ⁻¹ φ that is the "
                "variance.",
                lambda Phi, precision: (
                    Phi.abs() * torch.linalg.inv(precision).diagonal().sqrt()
                ).sum(1),
            ),
        ],
    ),
}

QUIZ = [
    Question(
        "Mean field and the exact posterior differ most where …",
        [
            Option(
                "… two weights can trade places: one higher, the other lower, and the same f",
                "Then the data fix their sum. Independent Gaussians cannot say so.",
                correct=True,
            ),
            Option(
                "… there are few data",
                "With few data both are near the prior, and the prior is independent.",
            ),
            Option(
                "… the noise is large",
                "A large noise lets the prior speak, and the prior is independent.",
            ),
        ],
    ),
    Question(
        "Mean field's sd of a weight is at most the exact one. Is its sd of f(x), too?",
        [
            Option(
                "Yes: f is a sum of the weights",
                "Of correlated weights. Where the covariances are negative, they cancel in the "
                "exact sum.",
            ),
            Option(
                "No: among the data it may be larger",
                "There the exact covariances cancel much of the variance; mean field has none.",
                correct=True,
            ),
            Option(
                "Only with the noise known",
                "With the line v was known, and mean field was too unsure from 2 to 6.",
            ),
        ],
    ),
    Question(
        "Why does ϕᵀΣϕ stand in the learned noise?",
        [
            Option(
                "It makes the band of f wider",
                "The band of f is made of ϕᵀΣϕ alone; v is the noise.",
            ),
            Option(
                "It is the KL",
                "The KL has no data in it. This is the variance of f at a data point.",
            ),
            Option(
                "The residual of a drawn f is, on average, larger than that of the mean",
                "E(y − f)² is the squared residual of the mean plus the variance of f.",
                correct=True,
            ),
        ],
    ),
]
