"""Lesson 10: the gap between old and new y, a σ corrected, out-of-fold residuals, a quiz."""

import math

import torch

from course_utils.checks import Coded, Mistake, Number, Option, Question, Value


def rows(rng):
    """X (23, 3), y (23, 1) and 3 folds, which are not of one size."""
    X, noise = torch.from_numpy(rng.standard_normal((23, 3))), rng.standard_normal((23, 1))
    return X, X.sum(dim=1, keepdim=True) + 2 * torch.from_numpy(noise) + 0.5, 3


def out_of_fold(X, y, folds):
    """The out-of-fold residuals (n, 1) from one fit to all rows: (I − H_kk)⁻¹ r_k in fold k."""
    H = X @ torch.linalg.inv(X.T @ X) @ X.T
    residual, found = y - H @ y, torch.empty_like(y)
    for k in range(folds):
        rows = torch.arange(len(y)) % folds == k
        block = torch.eye(int(rows.sum()), dtype=y.dtype) - H[rows][:, rows]
        found[rows] = torch.linalg.solve(block, residual[rows])
    return found


def rms(residual):
    return residual.square().mean().sqrt()


def of_all(number):
    """An answer that makes another number of the right residuals."""
    return lambda X, y, folds: number(out_of_fold(X, y, folds))


def of_folds(number):
    """An answer that makes a number of the right residuals of each fold."""
    return lambda X, y, folds: number(
        [out_of_fold(X, y, folds)[torch.arange(len(y)) % folds == k] for k in range(folds)]
    )


def fitted_to_one(judged):
    """An answer that fits one fold of rows, and judges on others of its choice."""

    def answer(X, y, folds):
        errors = []
        for k in range(folds):
            fold = torch.arange(len(y)) % folds == k
            weights = torch.linalg.lstsq(X[fold], y[fold]).solution
            errors.append((y - X @ weights)[judged(fold)])
        return rms(torch.cat(errors))

    return answer


def in_blocks(X, y, folds):
    """Holds out blocks of rows, the first ones a row longer where they differ."""
    order = torch.cat([torch.arange(len(y))[k::folds] for k in range(folds)])
    return rms(out_of_fold(X[order.argsort()], y[order.argsort()], folds))


EXERCISES = {
    "10-1": Value(
        oracle=25 * ((40 + 6) / 40 - (40 - 6) / 40),
        parts={"σ": 5.0, "(2d/n)": 0.3, "MSE on new y": 28.75, "MSE on training y": 21.25},
        mistakes=[
            Mistake("So far is σ² from one of the two. They lie on both sides of it.", 3.75),
            Mistake(
                "This is the difference of the roots. The question is about mean squares.",
                28.75**0.5 - 21.25**0.5,
            ),
            Mistake("Both averages divide by n, and here by n − d.", 25 * 2 * 6 / 34),
            Mistake("The six coefficients include the intercept: d is 6.", 25 * 2 * 7 / 40),
            Mistake("The intercept is a coefficient, too: d is 6.", 25 * 2 * 5 / 40),
        ],
    ),
    "10-2": Value(
        oracle=lambda: math.sqrt(1.3**2 * 20 / 14),
        parts={"1.3": 1.3, "(n/(n−d))": 20 / 14, "(n/d)": 20 / 6},
        mistakes=[
            Mistake(
                "This makes σ smaller. Fitted residuals are smaller than the noise already.",
                1.3 * 0.7**0.5,
            ),
            Mistake("This corrects for one coefficient, not for six.", 1.3 * (20 / 19) ** 0.5),
            Mistake(
                "One too many is subtracted: the six coefficients include the intercept.",
                1.3 * (20 / 13) ** 0.5,
            ),
            Mistake(
                "One too few is subtracted: the intercept is a coefficient, too.",
                1.3 * (20 / 15) ** 0.5,
            ),
            Mistake("This is the RMS error on new y, not the noise.", 1.3 * (26 / 14) ** 0.5),
            Mistake("This takes (n + d)/n; the bias was (n − d)/n.", 1.3 * (26 / 20) ** 0.5),
        ],
    ),
    "10-3": Coded(
        oracle=lambda X, y, folds: rms(out_of_fold(X, y, folds)),
        inputs=rows,
        mistakes=[
            Mistake(
                "These are the residuals of the rows that were fitted.",
                lambda X, y, folds: rms(y - X @ torch.linalg.lstsq(X, y).solution),
            ),
            Mistake(
                "This averages the RMS of the folds. A mean of roots is no root of a mean.",
                of_folds(lambda folds: sum(map(rms, folds)) / len(folds)),
            ),
            Mistake(
                "This averages the mean squares of the folds. Pool the rows: folds differ in size.",
                of_folds(lambda folds: (sum(rms(r) ** 2 for r in folds) / len(folds)).sqrt()),
            ),
            Mistake("Only the first fold is judged.", of_folds(lambda folds: rms(folds[0]))),
            Mistake("Only the last fold is judged.", of_folds(lambda folds: rms(folds[-1]))),
            Mistake(
                "These folds are blocks of rows. Row i belongs to fold i mod folds.", in_blocks
            ),
            Mistake(
                "A column of ones was added. X is used as it is.",
                lambda X, y, folds: rms(out_of_fold(torch.hstack([0 * y + 1, X]), y, folds)),
            ),
            Mistake("There are always five folds.", lambda X, y, folds: rms(out_of_fold(X, y, 5))),
            Mistake(
                "Fitted and held-out rows have changed places.", fitted_to_one(lambda fold: ~fold)
            ),
            Mistake("Each fold is fitted and judged by itself.", fitted_to_one(lambda fold: fold)),
            Mistake(
                "torch's std subtracts the average residual, and divides by n − 1.",
                of_all(torch.std),
            ),
            Mistake(
                "An sd subtracts the average residual. A held-out error counts in full.",
                of_all(lambda r: r.std(correction=0)),
            ),
            Mistake(
                "This is the mean absolute residual; the RMS is asked for.",
                of_all(lambda r: r.abs().mean()),
            ),
        ],
    ),
}

GUESSES = {"10-a": Number("", 0, 2), "10-b": Number("%", 0, 100)}

QUIZ = [
    Question(
        "Five values; their mean ± 1.96 s holds 85 % of new y. Why not 95 %?",
        [
            Option(
                "s² is too small on average",
                "With n − 1 it is right on average. An interval needs more than that.",
            ),
            Option(
                "The values are not Gaussian",
                "They are: the exact share for Gaussian values is 85 %.",
            ),
            Option(
                "The mean is uncertain, and s varies from one five to the next",
                "Hence √(1 + h), and the t distribution's heavier tails.",
                correct=True,
            ),
        ],
    ),
    Question(
        "On 50 held-out points a model's NLL is 0.02 nats below that of the truth. Is that a bug?",
        [
            Option(
                "Yes: no model beats the truth",
                "On average over all fresh data none does. Fifty points are not all.",
            ),
            Option(
                "No: on few points chance decides",
                "The excess is KL ≥ 0 in expectation; on 50 points it scatters around that.",
                correct=True,
            ),
            Option(
                "No: the model is better than the truth",
                "In expectation no other model has a lower NLL.",
            ),
        ],
    ),
    Question(
        "You take σ from out-of-fold residuals. What does it measure?",
        [
            Option(
                "The noise, and the error of the mean",
                "Right for an interval around this mean, too large for the noise alone.",
                correct=True,
            ),
            Option("The noise", "The mean misses, too, and the residuals hold its misses."),
            Option(
                "The noise, less what the fit has taken up",
                "That is σ from the *training* residuals.",
            ),
        ],
    ),
]
