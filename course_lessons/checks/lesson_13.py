"""Lesson 13: the least calibration set, a popular off-by-one, a test for three bugs, a quiz."""

import math
from fractions import Fraction

import numpy as np

from course_utils.checks import Coded, Mistake, Number, Option, Question, Value


def half_width(residuals, level, beyond=lambda sizes: math.inf):
    """The right one: the k-th smallest absolute residual, and ``beyond`` of them if k > n."""
    sizes = abs(np.asarray(residuals, float))
    k = math.ceil(round((len(sizes) + 1) * level, 9))
    return beyond(sizes) if k > len(sizes) else np.sort(sizes)[k - 1]


def by_removing(residuals, level):
    """The same, by taking away the largest as long as enough are left."""
    sizes = [*abs(np.asarray(residuals, float)), math.inf]
    enough = len(sizes) * Fraction(level).limit_denominator(1000)
    while sum(size < max(sizes) for size in sizes) >= enough:
        sizes.remove(max(sizes))
    return max(sizes)


def wrong_tail(residuals, level):
    return np.quantile(abs(np.asarray(residuals, float)), (1 - level) / 2)


def never_infinite(residuals, level):
    return half_width(residuals, level, beyond=max)


def root(residuals, level):
    return math.sqrt(half_width(residuals, level))


WRONG = {
    wrong_tail: ("wrong tail", "Compare the half-width where k ≤ n with a number that you know."),
    never_infinite: ("finite end", "Does your test ever ask for a level that n rows cannot give?"),
    root: ("square root", "A residual of 1 is its own root: take others."),
}
GIVEN = (half_width, by_removing, *WRONG)


def verdicts(test):
    """Whether the learner's test passes each of the given functions, (5,); it may assert."""
    found = []
    for function in GIVEN:
        try:
            found.append(float(bool(test(function))))
        except AssertionError:
            found.append(0.0)
    return np.array(found)


EXERCISES = {
    "13-1": Value(
        oracle=lambda: next(n for n in range(1, 1000) if Fraction(n, n + 1) >= Fraction(99, 100)),
        tolerance=1e-3,
        parts={"0.99": 0.99, "0.01": 0.01},
        mistakes=[
            Mistake("This is where 95 % becomes finite.", 19),
            Mistake("This is where 90 % becomes finite.", 9),
            Mistake("This is where 99.9 % becomes finite.", 999),
            Mistake("One less will do: the new row counts among the n + 1.", 100),
            Mistake("This is the level, not a number of rows: n is not tied to it like that.", 990),
            Mistake("A single row in the tail is enough, k = n.", 199),
            Mistake("One end is enough here: the score has one tail, so α is not halved.", 200),
        ],
    ),
    "13-2": Value(
        oracle=lambda: [
            (rank := int(np.quantile(np.arange(1, 20), math.ceil(18) / 19, method="higher"))),
            rank / 20,
        ],
        tolerance=2e-3,
        mistakes=[
            Mistake(
                "This is what the line *should* take, k = ⌈20 · 0.9⌉. Follow numpy's count.",
                [18, 0.9],
            ),
            Mistake("The rank is right. What it *should* hold is not what it holds.", [19, 0.9]),
            Mistake("The rank is right. A new row can be above all 19 scores.", [19, 1]),
            Mistake("The rank is right. The new row is one of the n + 1.", [19, 18 / 19]),
            Mistake("Index 18 from 0 is the 19th smallest.", [18, 19 / 20]),
            Mistake("The rank comes first, then the share.", [19 / 20, 19]),
            Mistake("The rank is off: 17.05 is rounded up to index 18, from 0.", [17, 17 / 20]),
        ],
    ),
    "13-3": Coded(
        oracle=lambda: np.array([1.0, 1.0, 0.0, 0.0, 0.0]),
        inputs=lambda rng: (),
        use=verdicts,
        mistakes=[
            Mistake("Your test passes every function, the wrong ones too.", lambda f: True),
            Mistake("Your test passes no function, not even a right one.", lambda f: False),
            Mistake(
                "It is turned round: wrong functions pass, and right ones do not.",
                lambda f: f in WRONG,
            ),
            *(
                Mistake(f"The {name} passes. {advice}", lambda f, it=it: f is it or f not in WRONG)
                for it, (name, advice) in WRONG.items()
            ),
            *(
                Mistake(f"Only the {name} is caught.", lambda f, it=it: f is not it)
                for it, (name, _) in WRONG.items()
            ),
        ],
    ),
}

GUESSES = {"13-a": Number("of 1,000", 0, 1000), "13-b": Number("%", 0, 100)}

QUIZ = [
    Question(
        "A 90 % conformal interval covers 0.86 of very many new rows, after 99 calibration rows.",
        [
            Option(
                "The guarantee is broken",
                "It averages over calibration sets. One set of 99 has a standard deviation of "
                "0.03.",
            ),
            Option(
                "Such a set is unlucky, but not rare",
                "The law is Beta(90, 10): about one set in ten gives less than 0.86.",
                correct=True,
            ),
            Option(
                "More new rows will bring it to 0.90",
                "The coverage of this interval is fixed by its calibration set.",
            ),
        ],
    ),
    Question(
        "You train one output with the pinball loss at the level τ = 0.95. What does it learn?",
        [
            Option(
                "The value that y stays below in 95 of 100 cases",
                "The slope F(q) − τ is zero there.",
                correct=True,
            ),
            Option("95 % of the mean", "τ weighs the two sides of an error; it scales nothing."),
            Option(
                "The upper end of a 95 % interval",
                "That is the 97.5 % point, if both tails are alike.",
            ),
        ],
    ),
    Question(
        "Your rows are days. Calibrated on days drawn at random, the 90 % interval of next month "
        "holds 60 %. Why?",
        [
            Option(
                "Too few calibration days",
                "Few days make it uncertain, not too narrow: the average promise holds for any n.",
            ),
            Option(
                "A day drawn at random has known neighbours; next month has none",
                "Hold out blocks, with a gap as long as the forecast.",
                correct=True,
            ),
            Option(
                "Conformal intervals need Gaussian noise",
                "They need exchangeable rows, and no shape of noise.",
            ),
        ],
    ),
]
