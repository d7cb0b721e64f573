"""Lesson 13: the least calibration set, the right rank, a test for three bugs, a quiz."""

import math
from fractions import Fraction

import numpy as np

from course_utils.checks import Coded, Mistake, Number, Option, Question, Value

LEVELS = (Fraction(9, 10), Fraction(7, 10))
SIZES = (3, 8, 9, 19, 39, 55)  # at 0.9 the first two need an infinite interval


def score_sets(rng):
    """Signed scores of six calibration sets, each (n,)."""
    return tuple(rng.standard_normal(n) for n in SIZES)


def each_set(function, *sets):
    """What the answer says of each set at each level, (12,)."""
    return np.array([float(function(s.copy(), float(p))) for s in sets for p in LEVELS])


def by_counting(*sets):
    """The smallest score that at least (n + 1) · level of the n scores and ∞ do not exceed."""
    found = []
    for scores in sets:
        known = [*scores, math.inf]
        for level in LEVELS:
            enough = level * len(known)
            found.append(min(s for s in known if sum(other <= s for other in known) >= enough))
    return np.array(found)


def kth(count, beyond=lambda scores: math.inf, shift=0):
    """An answer that takes the (count(n, level) + shift)-th smallest."""

    def answer(scores, level):
        k = math.ceil(round(count(len(scores), level), 9)) + shift
        return beyond(scores) if k > len(scores) else np.sort(scores)[k - 1]

    return answer


def one_more(n, level):
    return (n + 1) * level


def popular(scores, level):
    rank = min(1.0, math.ceil(round((len(scores) + 1) * level, 9)) / len(scores))
    return np.quantile(scores, rank, method="higher")


right = kth(one_more)
rank_mistakes = [
    Mistake(
        "This is the popular line: where k is n + 1 it is finite, and elsewhere it takes one "
        "rank too many.",
        popular,
    ),
    Mistake(
        "The ranks are right, but where k > n the largest score is not enough.",
        kth(one_more, beyond=max),
    ),
    Mistake(
        "The ranks are right. Where k > n the answer is `math.inf`; yours is not a number there.",
        kth(one_more, beyond=lambda scores: math.nan),
    ),
    Mistake("Index k is the (k + 1)-th smallest: Python counts from 0.", kth(one_more, shift=1)),
    Mistake("This is the (k − 1)-th smallest: one rank too few.", kth(one_more, shift=-1)),
    Mistake(
        "This takes n in place of n + 1: the new row is missing.", kth(lambda n, level: n * level)
    ),
    Mistake(
        "n + 1 is there, but it is rounded down. The share must be reached: round up.",
        kth(lambda n, level: math.floor(round(one_more(n, level), 9))),
    ),
    Mistake(
        "n + 1 is there, but it is rounded to the nearest rank. The share must be reached: "
        "round up.",
        kth(lambda n, level: round(one_more(n, level))),
    ),
    Mistake(
        "This takes the same level, 0.9, whatever `level` says.",
        lambda scores, level: right(scores, 0.9),
    ),
    Mistake(
        "The scores lose their sign here. A score inside the interval is negative.",
        lambda scores, level: right(abs(scores), level),
    ),
    Mistake(
        "This takes the k-th score as they come, not the k-th smallest: sort them first.",
        lambda scores, level: (
            math.inf
            if (k := math.ceil(round(one_more(len(scores), level), 9))) > len(scores)
            else scores[k - 1]
        ),
    ),
    Mistake(
        "This is the plain quantile, interpolated and without the new row.",
        lambda scores, level: np.quantile(scores, level),
    ),
    Mistake(
        "This counts from the largest score downwards.", kth(lambda n, level: (n + 1) * (1 - level))
    ),
]


def half_width(residuals, level):
    """The right one: the k-th smallest absolute residual."""
    return right(abs(np.asarray(residuals, float)), level)


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
    return kth(one_more, beyond=max)(abs(np.asarray(residuals, float)), level)


def root(residuals, level):
    return math.sqrt(half_width(residuals, level))


GIVEN = (half_width, by_removing, wrong_tail, never_infinite, root)


def verdicts(test):
    """Whether the learner's test passes each of the given functions, (5,)."""
    return np.array([float(bool(test(function))) for function in GIVEN])


EXERCISES = {
    "13-1": Value(
        oracle=lambda: next(n for n in range(1, 1000) if Fraction(n, n + 1) >= Fraction(99, 100)),
        tolerance=1e-3,
        mistakes=[
            Mistake("This is where 95 % becomes finite.", 19),
            Mistake("This is where 90 % becomes finite.", 9),
            Mistake("One less will do: the new row counts among the n + 1.", 100),
            Mistake("With one row less than is needed, k is still n + 1.", 98),
            Mistake("This is the level, not a number of rows: n is not tied to it like that.", 990),
            Mistake("A single row in the tail is enough, k = n.", 199),
            Mistake("One end is enough here: the score has one tail, so α is not halved.", 200),
            Mistake("99 % and 1 % are exchanged: with one row k = ⌈2 · 0.99⌉ = 2 > 1.", 1),
        ],
    ),
    "13-2": Coded(oracle=by_counting, inputs=score_sets, use=each_set, mistakes=rank_mistakes),
    "13-3": Coded(
        oracle=lambda: np.array([1.0, 1.0, 0.0, 0.0, 0.0]),
        inputs=lambda rng: (),
        use=verdicts,
        mistakes=[
            Mistake("Your test passes every function, the wrong ones too.", lambda function: True),
            Mistake("Your test passes no function, not even a right one.", lambda function: False),
            Mistake(
                "It is turned round: wrong functions pass, and right ones do not.",
                lambda function: function in (wrong_tail, never_infinite, root),
            ),
            Mistake(
                "The finite end passes. Does your test ever ask for a level that n rows cannot "
                "give?",
                lambda function: function not in (wrong_tail, root),
            ),
            Mistake(
                "The wrong tail passes. Compare the half-width where k ≤ n with a number that you "
                "know.",
                lambda function: function not in (never_infinite, root),
            ),
            Mistake(
                "The square root passes. A residual of 1 is its own root: take others.",
                lambda function: function not in (wrong_tail, never_infinite),
            ),
            Mistake(
                "Only the finite end is caught: look at a case with k ≤ n as well.",
                lambda function: function is not never_infinite,
            ),
            Mistake("Only the wrong tail is caught.", lambda function: function is not wrong_tail),
            Mistake("Only the square root is caught.", lambda function: function is not root),
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
        "You train one output with the pinball loss at τ = 0.95. What does it learn?",
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
