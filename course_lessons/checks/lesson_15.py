"""Lesson 15: the NLL in other units, a decision's limit, an error bar for folds, and a quiz."""

import math

import torch
from torch.distributions import Normal

from course_utils.checks import Coded, Mistake, Number, Option, Question, Value
from course_utils.metrics import paired_comparison


def folds(J):
    """Draws the mean scores of two models in each of J folds, (J, 1)."""
    return lambda rng: tuple(torch.from_numpy(rng.standard_normal((2, J, 1))))


def bracket(J):
    return 1 / J + 1 / (J - 1)


def error(ratio=bracket, spread=lambda a, b: (a - b).std()):
    """The solution with one of its parts changed; ``ratio(J)`` is the sum in the bracket."""
    return lambda a, b: spread(a, b) * math.sqrt(ratio(len(a)))


def quantile(p, sigma=80.0):
    return Normal(500.0, sigma).icdf(torch.tensor(p)).item()


EXERCISES = {
    "15-1": Value(
        oracle=0.8 + math.log(50),
        terms={"0.8": 0.8, "log 50": math.log(50)},
        parts={"0.8": 0.8, "s": 50.0, "log s": math.log(50)},
        mistakes=[
            Mistake(
                "log s has the wrong sign: in a smaller unit a density is lower.",
                0.8 - math.log(50),
            ),
            Mistake("This is what log σ² needs; the NLL holds ½ log σ².", 0.8 + 2 * math.log(50)),
            Mistake("This has log₁₀; nats need the natural logarithm.", 0.8 + math.log10(50)),
            Mistake("This has log₂; nats need the natural logarithm.", 0.8 + math.log2(50)),
            Mistake("0.8 is a logarithm already.", math.log(0.8 * 50)),
        ],
    ),
    "15-2": Value(
        oracle=lambda: quantile(0.95),
        tolerance=1e-3,  # the distance from μ is a fifth of it
        parts={"μ": 500.0, "σ": 80.0, "95 %": 0.95, "1.645 σ": 1.645 * 80, "1.96 σ": 156.8},
        mistakes=[
            Mistake(
                "This is a two-sided 95 % interval's end: only an excess costs.", quantile(0.975)
            ),
            Mistake(
                "P(y > limit) is 1/21 here. The two costs are 1 and 20 P, and not 20 + 1.",
                quantile(20 / 21),
            ),
            Mistake(
                "P(y > limit) is 1/19 here. Whoever reserves pays 1, and whoever does not, 20 P.",
                quantile(18 / 19),
            ),
            Mistake("1/20 is a probability. How many σ leave so much above them?", 500 + 80 / 20),
            Mistake("20 is a loss, and not a number of σ.", 500 + 20 * 80.0),
            Mistake("This is for a loss of 10, as in the lesson. Here it is 20.", quantile(0.9)),
            Mistake(
                "σ is a standard deviation; here it has been used as a variance.",
                quantile(0.95, math.sqrt(80.0)),
            ),
        ],
    ),
    "15-3": Coded(
        oracle=lambda a, b: torch.tensor(
            paired_comparison(a, b, test_to_train=1 / (len(a) - 1)).error, dtype=a.dtype
        ),
        inputs=[folds(5), folds(7), folds(20)],
        terms={
            "s² / J": lambda a, b: (a - b).var() / len(a),
            "s² · (test rows / training rows)": lambda a, b: (a - b).var() / (len(a) - 1),
        },
        outer=torch.sqrt,
        mistakes=[
            Mistake(
                "This takes the folds for independent, and their training sets share rows.",
                error(lambda J: 1 / J),
            ),
            Mistake(
                "The ratio is upside down: training to test rows.", error(lambda J: 1 / J + J - 1)
            ),
            Mistake(
                "The ratio is that of ten folds. J may be another number.",
                error(lambda J: 1 / J + 1 / 9),
            ),
            Mistake("An error falls with √J, and not with J.", lambda a, b: (a - b).std() / len(a)),
            Mistake(
                "This is the spread of single folds. How far is their mean off?", error(lambda J: 1)
            ),
            Mistake("The root of the bracket is missing.", error(lambda J: bracket(J) ** 2)),
            Mistake(
                "This is the mean difference. How far may it be off?", lambda a, b: (a - b).mean()
            ),
            Mistake(
                "This is for ten folds. J may be another number.", error(lambda J: 1 / 10 + 1 / 9)
            ),
            Mistake(
                "s_J needs J − 1 in its denominator: torch's std without correction=0.",
                error(spread=lambda a, b: (a - b).std(correction=0)),
            ),
            Mistake(
                "The differences are taken for unpaired: take a − b first, then their spread.",
                error(spread=lambda a, b: (a.var() + b.var()).sqrt()),
            ),
        ],
    ),
}

GUESSES = {"15-a": Number("of 3", 0, 3), "15-b": Number("%", 0, 200)}

QUIZ = [
    Question(
        "A network with σ(x) has the lower training NLL. Does σ(x) pay?",
        [
            Option(
                "Yes: the NLL is a proper score",
                "It is, on rows that were not trained on. On "
                "training rows a larger model nearly always wins.",
            ),
            Option(
                "Only held-out rows can tell",
                "Untuned, on diabetes it is sure of its training rows and wrong on the others.",
                correct=True,
            ),
            Option("Yes, if the mean has the lower RMSE, too", "The RMSE does not look at σ."),
        ],
    ),
    Question(
        "The means of ten folds differ by 0.3 with s_J/√10 = 0.14. Is that more than two standard "
        "errors?",
        [
            Option(
                "Yes: 0.3 is more than 2 · 0.14",
                "That takes the folds for independent. Their training sets share most rows.",
            ),
            Option(
                "No: the error bar is longer",
                "√(1/10 + 1/9) is 1.45 times 1/√10: 0.20, and twice that is 0.41.",
                correct=True,
            ),
            Option(
                "Yes: more folds would settle it",
                "More folds share even more of their training rows.",
            ),
        ],
    ),
    Question(
        "A model of y in g has NLL 4.2, one of y in m/s² has 6.5. Which is better?",
        [
            Option("The first: it is lower", "The NLL of a density depends on the unit of y."),
            Option(
                "Convert one of them first",
                "1 g is 9.81 m/s²: the first is 4.2 + log 9.81 = "
                "6.48 in m/s². They are nearly equal.",
                correct=True,
            ),
            Option("The second: its unit is finer", "A unit makes no prediction."),
        ],
    ),
]
