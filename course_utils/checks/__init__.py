"""Exercises that answer back: checks, predictions and quizzes, and how to write a lesson's.

For a notebook
==============

    check("03-2", answer)           last line of a cell: a Verdict that shows itself, never raises
    guess("03-a", ...)              before a run: the learner replaces `...` by a number or a word
    measured("03-a", value, "σ̂")    after it: guess and measured side by side (the name is optional)
    guesses("03")                   near the end: all of the lesson's guesses beside what happened
    quiz("03")                      the lesson's three questions

Each is the last line of its cell. Numbers show three digits; round a value that may differ more
than that on another machine. Exercises have keys NN-1, NN-2, …; predictions NN-a, NN-b, …

For the author of a lesson: course_utils/checks/lesson_NN.py
============================================================

The file holds ``EXERCISES``, a dict by key, and ``QUIZ``, three questions. A full example::

    import math
    import torch
    from torch.distributions import Normal
    from course_utils.checks import Choice, Coded, Mistake, Option, Question, Value

    def points(rng):                                   # fresh inputs: a tuple of arguments
        y, mu, log_var = torch.from_numpy(rng.standard_normal((3, 7, 1)))
        return y, mu, log_var

    EXERCISES = {
        "03-1": Choice(
            answer="b",
            wrong={
                "a": "That would need a target for σ; there is none in the data.",
                "c": "…", "d": "…", "e": "…",
            },
            right="Right: …",                          # unless a plain "Right." will do
        ),
        "03-2": Value(
            oracle=1.4189,                             # a number, an array, or a function of ()
            tolerance=5e-3,                            # relative to the largest expected number
            mistakes=[
                Mistake("This is σ²; the question asks for σ.", 2.0133),
                Mistake("The constant ½ log 2π is missing.", 0.5),
                ...
            ],
        ),
        "03-3": Coded(
            oracle=lambda y, mu, log_var: -Normal(mu, (log_var / 2).exp()).log_prob(y),
            inputs=points,
            gradient=True,                             # gradients must agree as well
            mistakes=[
                Mistake("The term ½ log σ² is missing: nothing stops σ from growing.",
                        lambda y, mu, log_var: 0.5 * math.log(2 * math.pi)
                        + (y - mu) ** 2 / (2 * log_var.exp())),
                ...
            ],
        ),
    }

    QUIZ = [
        Question("Where does σ come from?", [
            Option("From a target in the data", "No column of the data holds σ."),
            Option("From the residuals", "The NLL is smallest at their RMS.", correct=True),
            Option("From the variance of the predictions", "That measures the signal."),
        ]),
        ...                                            # three in all
    ]

Rules
-----

* An oracle is independent of the solution: a closed form, ``torch.distributions``, a PyTorch loss.
  It is called as ``oracle(*inputs)``; the names of its arguments appear in messages. Choose inputs
  that tell the mistakes apart: not σ = 1, no mean of 0, more than one output if that matters.
* A mistake is an *answer*, run exactly as the learner's is: a function for ``Coded``, a value (or a
  function of () that computes it) for ``Value``, an option for ``Choice``. It is recognised by its
  numbers (and shapes, and gradients), however it is written. At least four an exercise (a choice
  has five options); no two may give the same numbers, and none the right ones: the tests try all.
  A message names what is wrong, in a sentence or two of plain text (σ², not $\\sigma^2$), and
  never gives the answer.
* Several results: return a tuple, as ``(mu, log_var)``.
* An answer that isn't simply called: ``use=lambda Net, x: Net()(x)`` says how to run it (a class, a
  model, a sampler whose moments count). Seeds are the same for everyone; ``use`` may reduce a
  random result to what must agree, with a wider ``tolerance`` (1e-6 unless said).
* ``seconds=2`` and ``draws=3`` are for one check in all; training needs more seconds, fewer draws.
* Recognised without being listed: the untouched stub, an exception (with the learner's line), a
  wrong number of arguments, a forgotten ``return``, a cut graph, a wrong shape, mean or sum for
  values, a constant factor or offset, the other sign, NaN. List one of these only to say it better.

In the notebook
---------------

Task, stub, hints and solution, in this order; the check may stand in a cell of its own::

    # %% [markdown]
    # **Exercise 03-3 (code).** Write the negative log-likelihood …

    # %%
    def my_nll(y, mu, log_var):
        return ...


    check("03-3", my_nll)

    # %% [markdown]
    # <details><summary>Hint 1</summary>
    #
    # Which term keeps σ from growing?
    #
    # </details>
    # <details><summary>Hint 2</summary>
    #
    # …
    #
    # </details>
    # <details><summary>Solution</summary>
    #
    # ```python
    # def my_nll(y, mu, log_var):
    #     return 0.5 * (math.log(2 * math.pi) + log_var + (y - mu) ** 2 / log_var.exp())
    # ```
    #
    # </details>

The second argument of ``check`` is a name. The stub binds it (``answer = ...``, or a ``def`` whose
body is ``...``); the first python block after ``<summary>Solution</summary>`` binds the same name.
The tests run that block by itself: a name it doesn't define is taken from the latest
earlier statement of the notebook that binds it, and so on. So a solution may use imports, functions
and data of the notebook, but nothing that a statement changed in place (a model after ``fit``), and
nothing slow.
"""

from typing import Any

from course_utils.checks.answers import Choice, Coded, Mistake, Value, Verdict, judge
from course_utils.checks.lessons import entry, lesson
from course_utils.checks.predictions import Number, OneOf, guess, guesses, measured
from course_utils.checks.quizzes import Option, Question, Quiz
from course_utils.doors import door, text

__all__ = [
    "Choice",
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
]


@door(key=text)
def check(key: str, answer: Any) -> Verdict:
    """Judge a learner's answer to the exercise ``key``: a Verdict, whatever the answer is or does.

    Only an unknown key raises, a ValueError that lists the known ones.
    """
    return judge(entry(key, "EXERCISES"), answer, key)


def quiz(number: str) -> Quiz:
    """The three questions of a lesson, on its misconceptions."""
    return Quiz(lesson(number).QUIZ)
