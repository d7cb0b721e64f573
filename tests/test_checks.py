"""Checks answer back: in general, for each lesson file, and for each notebook's text."""

import _thread
import ast
import itertools
import math
import random
import re
import signal
import symtable
import sys
import threading
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal

from course_utils import check, guess, guesses, measured, quiz
from course_utils.checks import Coded, Mistake, Number, OneOf, Option, Question, Value, predictions
from course_utils.checks.answers import as_number, judge, resolve
from course_utils.checks.guard import seed
from course_utils.checks.lessons import lesson
from tools.notebooks import cells, sources

NOTEBOOKS = {path.stem[:2]: path.with_suffix(".ipynb") for path in sources()}
LESSONS = {number: lesson(number) for number in NOTEBOOKS}


# ---------------------------------------------------------------- exercises to test with


def nll(y, mu, log_var):
    return 0.5 * (math.log(2 * math.pi) + log_var + (y - mu) ** 2 / log_var.exp())


def points(rng):
    return tuple(torch.from_numpy(rng.standard_normal((3, 7, 1))))


CODED = Coded(
    oracle=lambda y, mu, log_var: -Normal(mu, (log_var / 2).exp()).log_prob(y),
    inputs=points,
    trained=("mu", "log_var"),
    mistakes=[
        Mistake("The log term.", lambda y, mu, log_var: nll(y, mu, log_var) - log_var / 2),
        Mistake("σ for σ².", lambda y, mu, log_var: nll(y, mu, 2 * log_var)),
        Mistake("A weight without gradient.", lambda y, mu, log_var: nll(y, mu, log_var.detach())),
        Mistake("One per point, please.", lambda y, mu, log_var: nll(y, mu, log_var).mean()),
    ],
)
UNTRAINED = replace(CODED, trained=())
OF_TERMS = replace(
    CODED,
    mistakes=[],
    steps={
        "(y − μ)²": lambda y, mu, log_var: (y - mu) ** 2,
        "σ²": lambda y, mu, log_var: log_var.exp(),
    },
    terms={
        "½ log 2π": lambda squares, var: 0.5 * math.log(2 * math.pi),
        "½ log σ²": lambda squares, var: var.log() / 2,
        "(y − μ)² / 2σ²": lambda squares, var: squares / (2 * var),
    },
)
TUPLE = Coded(oracle=lambda x: (x, 2 * x), inputs=lambda rng: rng.random((5, 1)), mistakes=[])
INFINITE = Coded(lambda x: x.log(), lambda rng: torch.tensor([0.0, 1.0, 2.0]), mistakes=[])
USED = Coded(
    oracle=lambda x: 2.0 * float(x),
    inputs=lambda rng: torch.tensor(rng.random()),
    use=lambda double, x: float(double(x)),
    mistakes=[],
)
SAMPLED = Coded(
    oracle=lambda sigma: sigma,
    inputs=lambda rng: torch.tensor(2 + rng.random(), dtype=torch.float64),
    use=lambda sample, sigma: torch.stack([sample(sigma) for _ in range(2000)]).std(),
    tolerance=0.1,
    mistakes=[],
)
VALUE = Value(oracle=lambda: 1.4189, mistakes=[Mistake("That is σ².", 2.0133)])
SHARE = Value(oracle=0.673, mistakes=[])
TWO = Value(oracle=[190, 0.95], mistakes=[Mistake("Both halved.", [95, 0.475])])
RATIO = Value(oracle=25, mistakes=[], parts={"σ₁": 0.1, "σ₂": 0.5})
SUM = Value(oracle=2.6**0.5, mistakes=[], terms={"a²": 1.0, "b²": 1.6}, outer=torch.sqrt)
NOISY = Coded(
    oracle=lambda x: x + torch.randn(5, 1) + np.random.standard_normal((5, 1)),  # noqa: NPY002
    inputs=lambda rng: torch.zeros(5, 1),
    mistakes=[],
)
QUESTION = Question("Why?", [Option("So", "Because.", correct=True), Option("<b>", "A & *B*.")])


@pytest.fixture(autouse=True)
def lesson_99(monkeypatch):
    """A lesson like any other, and no guesses from another test."""
    module = ModuleType("lesson_99")
    module.EXERCISES = {"99-2": VALUE, "99-3": CODED}
    module.GUESSES = {
        "99-a": Number("%", 0, 100),
        "99-b": OneOf("up", "down"),
        "99-c": Number("", 0, 1),
    }
    module.QUIZ = [QUESTION] * 3
    monkeypatch.setitem(sys.modules, "course_lessons.checks.lesson_99", module)
    monkeypatch.setattr(predictions, "PREDICTIONS", {})


# ---------------------------------------------------------------- right, not attempted, wrong


def on_numbers(y, mu, log_var):
    residuals = torch.tensor(y.numpy()) - mu  # no gradient reaches y, and none is asked
    return 0.5 * (math.log(2 * math.pi) + log_var + residuals**2 / log_var.exp())


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        *((CODED, answer) for answer in (nll, on_numbers)),
        (UNTRAINED, lambda *inputs: nll(*inputs).numpy()),
        (UNTRAINED, lambda *inputs: (nll(*inputs) * (1 + 2e-5)).float()),
        (TUPLE, lambda x: [x, x + x]),
        (INFINITE, torch.log),
        (USED, lambda x: 2 * x),
        (SAMPLED, lambda sigma: sigma * torch.randn(())),
        (NOISY, NOISY.oracle),  # the same for everyone
        *((VALUE, 1.4189 * kind(1)) for kind in (float, np.float32, torch.tensor, np.array)),
        *((VALUE, answer) for answer in (1.42, torch.tensor([[1.4189]]), [1.4189])),
        (SHARE, 0.67),
        (TWO, (190, 0.95)),
    ],
)
def test_a_right_answer_passes_in_any_form(exercise, answer):
    assert judge(exercise, answer).passed


@pytest.mark.parametrize(
    "stub", [..., None, lambda *_: ..., lambda *_: None, lambda y, mu, log_var: ... * (y - mu)]
)
def test_an_untouched_stub_is_not_attempted(stub):
    verdict = check("99-3", stub)
    assert not verdict.passed
    assert not verdict.attempted
    assert re.search("Not attempted|still to be written", verdict.message)


WRONG = [
    *((CODED, mistake.answer, mistake.message) for mistake in CODED.mistakes),
    (CODED, lambda *it: CODED.mistakes[0].answer(*it).squeeze(1).detach(), "The log term."),
    (CODED, lambda *it: nll(*it).detach(), "no gradient"),
    (CODED, lambda y, mu, v: nll(y, mu.detach(), v), "no gradient reaches mu:"),
    (CODED, lambda y, mu, v: nll(y, mu, v) + mu - mu.detach(), "respect to mu is not"),
    (
        CODED,
        lambda y, mu, v: nll(y, mu.detach(), v.detach()) + 0 * (mu + v),
        "no gradient reaches mu and log_var",
    ),
    (CODED, lambda *it: nll(*it).exp(), "the logarithm of this"),
    (CODED, lambda *it: nll(*it) + torch.randn(7, 1), "it samples"),
    (CODED, lambda *it: nll(*it).squeeze(1), "shape is (7,)"),
    (CODED, lambda y, mu, v: nll(y, mu.T, v), "broadcasting"),
    (CODED, lambda *it: nll(*it).sum(), "the sum"),
    (CODED, lambda *it: -nll(*it), "sign"),
    (CODED, lambda *it: 2 * nll(*it), "twice"),
    (CODED, lambda *it: 3 * nll(*it), "3 times"),
    (CODED, lambda *it: 0 * nll(*it), "Every value is 0"),
    (CODED, lambda *it: nll(*it) + 3, "3 above"),
    (CODED, lambda *it: nll(*it).mean().expand(7, 1), "over the rows"),
    (CODED, lambda *it: nll(*it) + it[0], "in row 0, for y ="),
    (CODED, lambda y, mu, v: nll(y, mu, v.log()), "or a root of a negative number"),
    (CODED, lambda y, mu, v: (y - y).log(), "infinite"),
    (CODED, lambda y, mu, v: (y, mu), "a tuple of 2"),
    (CODED, lambda y, mu, v: (value for value in y), "a generator"),
    (CODED, lambda *it: "nll", "a str"),
    (CODED, lambda *it: torch.zeros(3) + torch.zeros(2), "Your code raised RuntimeError: The size"),
    (CODED, lambda *it: torch.zeros(3) - torch.zeros(2), "torch.zeros(3) - torch.zeros(2)"),
    (CODED, nll(*torch.zeros(3, 7, 1)), "a Tensor"),
    (TUPLE, lambda x: (x, x**2), "Result 2 of 2"),
    (TUPLE, lambda x: x, "2 results"),
    (INFINITE, lambda x: torch.tensor([-math.inf, math.inf, 1.0]), "first at position [1]"),
    (INFINITE, lambda x: (x + 0.5).log(), "where -inf is expected"),
    (USED, lambda x: "2", "a str"),
    (USED, lambda x, y: x, "yours takes (x, y)"),
    (SAMPLED, lambda sigma: sigma**0.5 * torch.randn(()), "square root"),
    # a term, or an input, of the sum
    (OF_TERMS, lambda *it: nll(*it) - 0.5 * math.log(2 * math.pi), "½ log 2π is missing."),
    (OF_TERMS, lambda *it: nll(*it) - it[2], "The term ½ log σ² is of the wrong sign."),
    (OF_TERMS, lambda *it: nll(*it) - it[2] / 4, "The term ½ log σ² is halved."),
    (OF_TERMS, lambda *it: nll(*it) - 3 / 7 * it[2], "is divided by the number of values"),
    (OF_TERMS, lambda *it: it[2] / 2, "missing, and the term (y − μ)² / 2σ² is missing"),
    (OF_TERMS, lambda y, mu, v: nll(y, mu, v / 2) + v / 4, "/ 2σ², √(σ²) stands in the place"),
    (OF_TERMS, lambda y, mu, v: nll(y, mu, v.detach()) + (v - v.detach()) / 2, "without its grad"),
    (OF_TERMS, lambda *it: nll(*it) * math.nan, "The result is NaN"),
    (OF_TERMS, lambda y, mu, v: nll(y, mu, 2 * v), "right for (σ²)² in the place of σ²."),
    (OF_TERMS, lambda y, mu, v: nll(y, mu, v.mean()), "for the mean of log_var in the place of"),
    (OF_TERMS, lambda y, mu, v: nll(y, v, mu), "right for mu and log_var exchanged."),
    (OF_TERMS, lambda y, mu, v: nll(y, v, v), "right for log_var in the place of mu."),
    # numbers
    (VALUE, -1.4189, "sign"),
    (VALUE, 1.38, "too small."),
    (VALUE, 1.4, "too few digits: give three"),
    (VALUE, 2.0, "That is σ²"),
    (VALUE, 2.8378, "twice"),
    (VALUE, 1.4189**2, "That is σ²"),  # the square, and a listed mistake
    (VALUE, 40, "ten times"),
    (VALUE, math.nan, "NaN"),
    (VALUE, (1, 4189), "Is 1.4189 meant? It is written with a point"),
    (VALUE, "1,42", "type 1.42, without quotes"),
    (VALUE, nll, "called"),
    (VALUE, "much", "a str"),
    (VALUE, True, "a bool"),
    (SHARE, 67.3, "per cent"),
    (SHARE, 0.327, "one minus"),
    (SHARE, 0.7, "give three"),
    (SHARE, 0.453, "square"),
    (TWO, torch.tensor([95.1, 0.475]), "Both halved."),
    (TWO, (190, 0.9), "Number 2 of 2: None of"),
    (TWO, (190, 95), "Number 2 of 2: This is 100 times"),
    (TWO, 190, "2 numbers are wanted"),
    (RATIO, 0.2, "This is σ₁ / σ₂."),
    (RATIO, 10, "This is 1 / σ₁."),
    (RATIO, 0.26, "This is σ₁² + σ₂²."),
    (RATIO, 24, "Off by one"),
    (RATIO, 0.04, "upside down"),
    (RATIO, 0.261, "None of the usual"),
    (SUM, 1.67, "The term a² is there twice, and the term b² is halved."),
    (SUM, 2.26, "done to each term what is to be done to their sum"),
]


@pytest.mark.parametrize(("exercise", "answer", "words"), WRONG, ids=[words for *_, words in WRONG])
def test_a_wrong_answer_is_told_what_is_wrong(exercise, answer, words):
    verdict = judge(exercise, answer)
    assert verdict.attempted and not verdict.passed
    assert words in verdict.message


def test_a_mistake_is_recognised_by_all_draws():
    signs = itertools.cycle([-1, 1])
    exercise = Coded(
        oracle=lambda x: x,
        inputs=lambda rng: next(signs) * torch.rand(5, 1),
        mistakes=[Mistake("That is |x|.", torch.abs)],
    )
    assert "the sign" in judge(exercise, torch.neg).message  # in the first draw it is |x|, too
    assert judge(exercise, torch.abs).message == "That is |x|."  # in the first draw it is right


def test_two_numbers_that_differ_are_shown_with_the_digits_that_show_it():
    for _ in range(20):
        message = check("99-3", lambda y, mu, log_var: nll(y, mu, log_var) + 1e-4 * y).message
        found, expected = re.search("the result is (.+) where (.+) is expected", message).groups()
        assert found != expected


def test_an_unknown_key_lesson_or_word_lists_the_known_ones():
    with pytest.raises(ValueError, match="99-2, 99-3"):
        check("99-9", 1)
    with pytest.raises(ValueError, match="no lesson '98'"):
        check("98-1", 1)
    with pytest.raises(ValueError, match=r"measured 99-b: .*“up”, “down”; “sideways” is not"):
        measured("99-b", "sideways")


# ---------------------------------------------------------------- nothing takes the notebook down


def test_the_stop_button_ends_a_loop_and_the_verdict_says_so():
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
    press = threading.Timer(0.1, _thread.interrupt_main)

    def endless(*_):
        press.start()
        while True:
            pass

    try:
        verdict = judge(CODED, endless)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert not verdict.passed
    assert "Stopped" in verdict.message


def test_output_is_kept_out_of_the_notebook_and_cut(capsys):
    twice = replace(CODED, inputs=[points, points])  # each way to draw is used once
    verdict = judge(twice, lambda *it: print("here" * 1000) or nll(*it))
    assert verdict.passed
    assert "8,002 characters" in verdict.message
    assert len(verdict.message) < 400
    assert capsys.readouterr().out == ""


def test_display_and_exit_do_nothing_to_the_notebook(monkeypatch):
    shell = Mock()
    monkeypatch.setitem(sys.modules, "IPython", Mock(get_ipython=lambda: shell))
    assert "SystemExit" in check("99-3", lambda *_: shell.ask_exit()).message
    assert "a str" in check("99-3", lambda *_: shell.display_pub.publish(1) or "σ").message
    assert not shell.ask_exit.called and not shell.display_pub.publish.called
    shell.ask_exit(), shell.display_pub.publish()
    assert shell.ask_exit.called and shell.display_pub.publish.called


def test_an_answer_gets_copies_and_leaves_the_random_generators_alone():
    mistake = CODED.mistakes[0]

    def spoil(*inputs):
        seed(1)
        result = mistake.answer(*inputs).clone()
        for value in inputs:
            value.data.zero_()
        return result

    def states():
        of_numpy = np.random.get_state()[1]  # noqa: NPY002
        return str((torch.get_rng_state().tolist(), of_numpy.tolist(), random.getstate()))

    seed(2)
    before = states()
    assert judge(UNTRAINED, spoil).message == mistake.message
    assert states() == before


class Odd:
    """Raises wherever Python lets it."""

    def __getattribute__(self, name):
        raise RuntimeError("odd")

    def __repr__(self):
        raise RuntimeError("odd")

    __eq__ = __bool__ = __len__ = __float__ = __iter__ = __call__ = __array__ = __hash__ = __repr__


class OddError(Exception):
    def __str__(self):
        raise RuntimeError("odd")


def recursive(*inputs):
    return recursive(*inputs)


def raises(error):
    def answer(*_):
        raise error

    return answer


ZOO = [
    *(..., None, "σ", b"1", math, Odd, Odd(), math.nan, -math.inf, 1j, 10**400, {"a": 1}, {1, 2}),
    *([[1], [2, 3]], [Odd()], [], torch.empty(0), torch.ones(7, 1, requires_grad=True) * 2),
    *(torch.ones(7, 1, dtype=torch.complex64), torch.eye(7).to_sparse(), np.zeros((300, 300))),
    *(np.array([{}, None], dtype=object), Normal(0, 1), nn.Linear(1, 1), iter("ab"), print),
    *(lambda: 1, lambda x: x, lambda *_: None, lambda *inputs: inputs, lambda *_: Odd()),
    lambda *_: torch.ones(7, 1, requires_grad=True),
    *(lambda *_: torch.arange(7)[:, None], lambda *_: np.zeros((300, 300))),
    *map(raises, (ValueError("no"), KeyboardInterrupt(), OddError())),
    *(recursive, lambda *_: sys.exit(1), lambda *_: input("?")),
    raises(type("Sub", (NotImplementedError,), {})()),
]
ALL = {
    key: exercise for module in LESSONS.values() for key, exercise in module.EXERCISES.items()
} | {"99-2": VALUE, "99-3": CODED}


@pytest.mark.parametrize("key", [key for key in ALL if key[-2:] == "-2"] + ["99-3"])
def test_no_answer_raises_or_passes_by_accident(key):
    for place, answer in enumerate(ZOO):
        verdict = check(key, answer)
        assert not verdict.passed, place
        assert key in repr(verdict), place


# ---------------------------------------------------------------- predictions


def test_a_guess_stands_beside_what_was_measured():
    assert repr(guesses("99")) == "Lesson 99: nothing was guessed or measured yet."
    assert "a number from 0 to 1." in repr(guess("99-c", ...))
    assert repr(measured("99-c", 0.6234)) == "99-c   measured 0.623, without a guess."
    assert "0.5" in repr(guess("99-c", 0.5))
    assert "0.123 too low (19.8 %)" in repr(measured("99-c", torch.tensor([0.6234]), "slope"))
    guess("99-b", "Up")
    assert "the same" in repr(measured("99-b", "up"))
    assert repr(guesses("99")).splitlines() == [
        "             your guess   measured",
        "99-b         up           up         the same",
        "99-c slope   0.5          0.623      0.123 too low (19.8 %)",
        "2 guessed, 1 of them right or within a tenth.",
    ]


@pytest.mark.parametrize(
    ("key", "value", "read"),
    [
        ("99-a", "95 %", 95),
        ("99-a", "94,5", 94.5),
        ("99-a", " 9.5e1 ", 95),
        ("99-a", np.array([95]), 95),
        ("99-a", "0,123", 0.123),
        ("99-c", "95 %", 0.95),
        ("99-b", " Down.", "down"),
    ],
)
def test_a_guess_is_read_as_it_is_meant(key, value, read):
    guess(key, value)
    assert predictions.PREDICTIONS[key].guessed == read


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("99-a", "up", "a number from 0 to 100 %"),
        ("99-a", 120, "120 is outside"),
        ("99-a", math.nan, "a number from 0 to 100 %."),
        ("99-a", "1,234", "a number from 0 to 100 %."),  # is it one or a thousand?
        ("99-a", True, "a number"),
        ("99-b", "pu", "one of “up”, “down”; “pu” is not"),
        ("99-b", 1, "one of “up”, “down”; “1” is not"),
    ],
)
def test_what_is_no_guess_of_its_kind_is_answered_at_once(key, value, words):
    assert words in repr(guess(key, value))
    assert predictions.PREDICTIONS[key].guessed is None


def test_an_odd_guess_is_refused_kindly_and_a_fraction_for_per_cent_gets_a_line():
    for value in (Odd(), [1, 2], math, {}, torch.ones(2)):
        assert "a number from" in repr(guess("99-a", value))
    assert "If you mean 95 %" in repr(guess("99-a", 0.95))


def test_in_a_page_what_was_measured_is_folded_away():
    bundle = measured("99-a", 94.5)._repr_mimebundle_()
    before_the_fold = bundle["text/html"].split("</summary>")[0]
    assert "94.5" in bundle["text/html"] and "94.5" not in before_the_fold
    guess("99-a", 90)
    assert "<details>" not in measured("99-a", 94.5)._repr_mimebundle_()["text/html"]


def said(widget):
    return re.sub("<svg.*</svg>|<.*?>", "", widget.value)


def test_a_guess_is_typed_or_chosen_on_an_axis_and_uncovers_what_was_measured():
    entry, reply = guess("99-a", ...).widget().children
    (field, box), covered = entry.children, measured("99-a", 94.5).widget()
    (axis, take), table = box.children, guesses("99").widget()
    assert "94.5" not in said(covered.children[0])
    field.value = "much"
    assert said(reply) == "This guess is a number from 0 to 100 %."
    axis.value = 62
    assert take.description == "Guess 62 %" and predictions.PREDICTIONS["99-a"].guessed is None
    take.click()
    (shown,) = covered.children
    assert said(shown) == "you guessed 62 %, measured 94.5 %: 32.5 too low."
    circle, diamond = re.search(r'cx="(\d+)".* d="M(\d+) 19l', shown.value).groups()
    assert int(circle) == 50 + 3 * 62 and int(diamond) == round(50 + 3 * 94.5)
    assert "1 guessed, 0 of them" in table.value
    field.value = "90 %"
    assert said(reply).startswith("Your guess: 90 %.")
    assert said(covered.children[0]) == "you guessed 90 %, measured 94.5 %: 4.5 too low."


def test_the_places_of_an_axis_are_whole_where_things_are_counted():
    assert Number("of 20", 0, 20).step == 1
    assert Number("of 1,000", 0, 1000).step == 10
    assert Number("", 0, 1).step == 0.01


def test_buttons_take_a_word_and_a_guess_may_be_waived():
    note = measured("99-b", "down")
    reply, buttons, waive = note.widget().children
    buttons.value = "up"
    assert said(reply) == "you guessed up, measured down: different."
    reply, _, waive = measured("99-a", 3).widget().children
    waive.click()
    assert said(reply) == "measured 3 %, without a guess."
    assert repr(measured("99-a", 3)) == "99-a   measured 3 %, without a guess."


# ---------------------------------------------------------------- quizzes


def test_a_quiz_explains_the_option_that_is_chosen():
    shown = quiz("99")
    assert "application/vnd.jupyter.widget-view+json" in shown._repr_mimebundle_()
    reply = shown.widget().children[3]
    right = [option.correct for option in shown.questions[0].options].index(True)
    shown.buttons[0].index = 1 - right
    assert reply.value == '<p role="alert">✗ <strong>&lt;b&gt;</strong>: A &amp; <em>B</em>.</p>'
    shown.buttons[0].index = right
    assert "✓" in reply.value


def test_no_place_in_a_quiz_holds_the_right_option_most_of_the_time():
    questions = [question for number in LESSONS for question in quiz(number).questions]
    right = [[o.correct for o in q.options].index(True) for q in questions if len(q.options) == 3]
    assert max(right.count(place) for place in range(3)) < 0.5 * len(right)


def test_a_quiz_reads_as_text_without_giving_the_answers_away(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    bundle = quiz("99")._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert "( ) So" in bundle["text/plain"]
    assert "Because" not in bundle["text/plain"]
    before_the_fold = bundle["text/html"].split("<details>")[0]
    assert "So" in before_the_fold
    assert "Because" not in before_the_fold


# ---------------------------------------------------------------- every lesson file

MISTAKES = [
    pytest.param(key, mistake, id=f"{key} {mistake.message[:40]}")
    for module in LESSONS.values()
    for key, exercise in module.EXERCISES.items()
    for mistake in exercise.mistakes
]


@pytest.mark.parametrize(("key", "mistake"), MISTAKES)
def test_every_listed_mistake_fails_with_its_own_message(key, mistake):
    """So no two mistakes of an exercise can be taken for each other, nor for the right answer."""
    exercise = ALL[key]
    answer = mistake.answer
    if isinstance(exercise, Value) and callable(answer):
        answer = answer()
    verdict = judge(exercise, answer, key, np.random.default_rng(0))
    assert not verdict.passed
    assert verdict.message == mistake.message


@pytest.mark.parametrize("key", [key for key, it in ALL.items() if it.terms])
def test_the_terms_of_an_exercise_add_up_to_its_oracle(key):
    exercise = ALL[key]
    if isinstance(exercise, Value):
        steps = [as_number(step) for step in exercise.steps.values()]
        answer = exercise.outer(sum(as_number(term, *steps) for term in exercise.terms.values()))
    else:

        def answer(*inputs):
            values = [step(*inputs) for step in exercise.made_of().values()]
            return exercise.outer(sum(term(*values) for term in exercise.terms.values()))

    assert judge(exercise, answer, key)


@pytest.mark.parametrize("key", [key for key, it in ALL.items() if getattr(it, "parts", ())])
def test_a_random_number_is_rarely_made_of_the_exercises_own(key):
    for right, told in zip(np.ravel(resolve(ALL[key].oracle)), ALL[key].told, strict=True):
        known = np.array(list(told))
        assert np.isfinite(known).all()
        assert (abs(known - right) > ALL[key].tolerance * abs(right)).all(), "the right one"
        shown = {f"{value:.3g}" for value in known}
        numbers = right * 10 ** np.random.default_rng(0).uniform(-1, 1, 10_000)
        assert sum(f"{number:.3g}" in shown for number in numbers) < 0.12 * len(numbers)


@pytest.mark.parametrize("number", LESSONS)
def test_every_lesson_has_exercises_with_four_mistakes_each_and_three_questions(number):
    for key, exercise in LESSONS[number].EXERCISES.items():
        messages = [mistake.message for mistake in exercise.mistakes]
        assert len(set(messages)) == len(messages) >= 4, key
        assert all(message.strip() for message in messages), key
    assert len(LESSONS[number].QUIZ) == 3
    for question in LESSONS[number].QUIZ:
        assert sum(option.correct for option in question.options) == 1, question.text
        whys = [option.why.strip() for option in question.options]
        assert all(whys), question.text
        assert len(set(whys)) == len(whys) >= 3, question.text
        assert all(len(option.text) <= 90 for option in question.options), question.text
        assert "$" not in "".join([question.text, *whys]), "text has no formulas"
        assert not any(re.search("[*`$]", option.text) for option in question.options)


# ---------------------------------------------------------------- every notebook's exercises


@dataclass
class Exercise:
    """An exercise as its notebook shows it. ``earlier`` holds the statements before its check."""

    key: str
    name: str
    earlier: list[ast.stmt]
    text: str  # the Markdown after its check
    solution: str

    def answer(self, code: str):
        """The answer after code that needs some of the earlier statements."""
        namespace = {}
        tree = ast.Module([*needed(code, self.earlier), *ast.parse(code).body], type_ignores=[])
        exec(compile(tree, f"exercise {self.key}", "exec"), namespace)
        return namespace[self.name]


@cache
def exercises(path) -> list[Exercise]:
    """Each ``check("NN-k", name)`` with the solution from the Markdown that follows it."""
    found, statements = [], []
    for kind, source in cells(path):
        if kind == "code":
            statements += ast.parse(source).body
            for key, name in re.findall(r'^check\("(\d\d-\d+)", (\w+)\)', source, re.M):
                found.append(Exercise(key, name, list(statements), "", ""))
        elif found:
            exercise = found[-1]
            exercise.text += source + "\n"
            solution = re.search(r"<summary>Solution</summary>.*?```python\n(.*?)```", source, re.S)
            if solution and not exercise.solution:
                exercise.solution = solution[1]
                statements += ast.parse(solution[1]).body  # later ones may build on it
    return found


def needed(code: str, earlier: list[ast.stmt]) -> list[ast.stmt]:
    """The earlier statements that bind what the code uses, and what those use, in order."""
    wanted, kept = uses(code), []
    for statement in reversed(earlier):
        source = ast.unparse(statement)
        symbols = symtable.symtable(source, "code", "exec").get_symbols()
        bound = {it.get_name() for it in symbols if it.is_assigned() or it.is_imported()}
        if bound & wanted:
            kept.insert(0, statement)
            wanted = (wanted - bound) | uses(source)
    return kept


def uses(code: str) -> set[str]:
    """The global names that code refers to."""
    names, tables = set(), [symtable.symtable(code, "code", "exec")]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        top = table.get_type() == "module"
        used = [it for it in table.get_symbols() if it.is_referenced() and (top or it.is_global())]
        names |= {it.get_name() for it in used}
    return names


EXERCISES = [
    pytest.param(exercise, id=exercise.key)
    for path in NOTEBOOKS.values()
    for exercise in exercises(path)
]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_stub_is_not_attempted_the_solution_passes_and_two_hints_come_before_it(exercise):
    stub = check(exercise.key, exercise.answer(exercise.name))
    assert not stub.passed and not stub.attempted, stub
    answer = exercise.answer(exercise.solution)
    for start in range(3):
        verdict = judge(ALL[exercise.key], answer, exercise.key, np.random.default_rng(start))
        assert verdict.passed, verdict
    folds = re.findall(r"<summary>(.+?)</summary>", exercise.text)
    assert folds[:3] == ["Hint 1", "Hint 2", "Solution"]
    assert exercise.text.count("<details>") == exercise.text.count("</details>")


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_a_notebook_asks_exactly_the_exercises_and_guesses_of_its_lesson(number):
    asked = [exercise.key for exercise in exercises(NOTEBOOKS[number])]
    assert asked == list(LESSONS[number].EXERCISES)
    code = "\n".join(source for kind, source in cells(NOTEBOOKS[number]) if kind == "code")
    assert re.findall(r'^guess\("(\d\d-[a-z])", \.\.\.\)', code, re.M) == list(
        LESSONS[number].GUESSES
    )
