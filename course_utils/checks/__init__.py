"""Exercises that answer back: checks, predictions and quizzes.

    check("03-2", answer)           last line of a cell: a Verdict that shows itself, never raises
    guess("03-a", ...)              before a run: the learner replaces `...` by a number or a word
    measured("03-a", value, "σ̂")    after it: guess and measured side by side (the name is optional)
    guesses("03")                   near the end: all of the lesson's guesses beside what happened
    quiz("03")                      the lesson's three questions
    share("03")                     for a class: guesses and checks to a small file, no name in it

Each is the last line of its cell. Numbers show three digits; round a value that may differ more
than that on another machine. Exercises have keys NN-1, NN-2, …; predictions NN-a, NN-b, …

CONTRIBUTING.md says how a lesson's are written.
"""

from typing import Any

from course_utils.checks.answers import Coded, Mistake, Value, Verdict, judge
from course_utils.checks.lessons import entry, lesson
from course_utils.checks.predictions import Number, OneOf, guess, guesses, measured
from course_utils.checks.quizzes import Option, Question, Quiz
from course_utils.checks.sharing import remember, share

__all__ = [
    "Coded",
    "Mistake",
    "Number",
    "OneOf",
    "Option",
    "Question",
    "Value",
    "Verdict",
    "check",
    "guess",
    "guesses",
    "measured",
    "quiz",
    "share",
]


def check(key: str, answer: Any) -> Verdict:
    """Judge a learner's answer to the exercise ``key``: a Verdict, whatever the answer is or does.

    Only an unknown key raises, a ValueError that lists the known ones.
    """
    exercise = entry(key, "EXERCISES")
    verdict = judge(exercise, answer, key)
    remember(exercise, verdict)
    return verdict


def quiz(number: str) -> Quiz:
    """The three questions of a lesson, on its misconceptions."""
    return Quiz(lesson(number).QUIZ)
