"""Checks answer back: in general, for each lesson file, and for each notebook's text."""

import _thread
import ast
import importlib
import itertools
import math
import pkgutil
import random
import re
import signal
import symtable
import sys
import threading
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal

import course_lessons.checks as lessons
from course_utils import check, guess, guesses, measured, quiz
from course_utils.checks import Coded, Mistake, Number, OneOf, Option, Question, Value, predictions
from course_utils.checks.answers import as_number, judge, resolve
from tools.notebooks import cells, sources

LESSONS = {
    module.name[-2:]: importlib.import_module(f"{lessons.__name__}.{module.name}")
    for module in pkgutil.iter_modules(lessons.__path__)
}


# ---------------------------------------------------------------- a lesson to test with


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
VALUE = Value(oracle=lambda: 1.4189, mistakes=[Mistake("That is σ².", 2.0133)])
QUESTION = Question("Why?", [Option("So", "Because.", correct=True), Option("<b>", "A & *B*.")])


@pytest.fixture(autouse=True)
def lesson_99(monkeypatch):
    """A lesson like any other, and no guesses from another test."""
    lesson = ModuleType("lesson_99")
    lesson.EXERCISES = {"99-2": VALUE, "99-3": CODED}
    lesson.GUESSES = {
        "99-a": Number("%", 0, 100),
        "99-b": OneOf("up", "down"),
        "99-c": Number("", 0, 1),
        "99-d": Number("of 20", 0, 2000),
    }
    lesson.QUIZ = [QUESTION] * 3
    monkeypatch.setitem(sys.modules, f"{lessons.__name__}.lesson_99", lesson)
    monkeypatch.setattr(predictions, "PREDICTIONS", {})


# ---------------------------------------------------------------- right in any form


@pytest.mark.parametrize(
    "answer",
    [
        nll,
        lambda y, mu, log_var: nn.GaussianNLLLoss(full=True, reduction="none", eps=0)(
            mu, y, log_var.exp()
        ),
        lambda *three: nll(*three) * 1.0,
    ],
)
def test_another_expression_of_the_same_function_passes(answer):
    assert check("99-3", answer).passed


@pytest.mark.parametrize(
    "answer",
    [1.4189, 1.42, np.float32(1.4189), torch.tensor([[1.4189]]), [1.4189], np.array(1.4189)],
    ids=repr,
)
def test_a_number_of_any_kind_passes(answer):
    assert check("99-2", answer).passed


def test_numpy_and_float32_pass_where_no_gradient_is_asked():
    exercise = replace(CODED, trained=())
    assert judge(exercise, lambda y, mu, log_var: nll(y, mu, log_var).numpy())
    assert judge(exercise, lambda y, mu, log_var: nll(y, mu, log_var).float())


def test_a_tuple_and_a_sampler_can_be_answers():
    pair = Coded(oracle=lambda x: (x, 2 * x), inputs=lambda rng: rng.random((5, 1)), mistakes=[])
    assert judge(pair, lambda x: [x, x + x])
    assert "Result 2 of 2" in judge(pair, lambda x: (x, x**2)).message
    assert "2 results" in judge(pair, lambda x: x).message

    sampler = Coded(
        oracle=lambda sigma: sigma,
        inputs=lambda rng: torch.tensor(2 + rng.random(), dtype=torch.float64),
        use=lambda sample, sigma: torch.stack([sample(sigma) for _ in range(2000)]).std(),
        tolerance=0.1,
        mistakes=[],
    )
    assert judge(sampler, lambda sigma: sigma * torch.randn(()))
    assert not judge(sampler, lambda sigma: sigma**0.5 * torch.randn(()))


# ---------------------------------------------------------------- not attempted yet


def documented(y, mu, log_var):
    """Return the NLL of each point."""
    ...


def begun(y, mu, log_var):
    residual = y - mu
    weight = ...
    return weight * residual


@pytest.mark.parametrize(
    "stub", [..., None, documented, begun, lambda y, mu, log_var: ..., lambda y, mu, log_var: None]
)
def test_an_untouched_stub_is_not_attempted(stub):
    verdict = check("99-3", stub)
    assert not verdict.passed
    assert not verdict.attempted
    assert re.search("Not attempted|still to be written", verdict.message)


# ---------------------------------------------------------------- what went wrong, in a sentence


@pytest.mark.parametrize("mistake", CODED.mistakes, ids=lambda mistake: mistake.message)
def test_a_mistake_is_recognised(mistake):
    assert check("99-3", mistake.answer).message == mistake.message


def test_a_mistake_is_recognised_in_another_shape_and_without_a_graph():
    def both(y, mu, log_var):
        return CODED.mistakes[0].answer(y, mu, log_var).squeeze(1).detach()

    assert check("99-3", both).message == CODED.mistakes[0].message


def test_a_mistake_is_recognised_by_all_draws():
    signs = itertools.cycle([-1, 1])
    exercise = Coded(
        oracle=lambda x: x,
        inputs=lambda rng: next(signs) * torch.rand(5, 1),
        mistakes=[Mistake("That is |x|.", torch.abs)],
    )
    assert "the sign" in judge(exercise, torch.neg).message  # in the first draw it is |x|, too
    assert judge(exercise, torch.abs).message == "That is |x|."  # in the first draw it is right


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda y, mu, log_var: nll(y, mu, log_var).detach(), "no gradient"),
        (lambda y, mu, log_var: nll(y, mu.detach(), log_var), "no gradient reaches mu:"),
        (lambda y, mu, log_var: nll(y, mu, log_var) + mu - mu.detach(), "respect to mu is not"),
        (
            lambda y, mu, log_var: nll(y, mu.detach(), log_var.detach()) + 0 * (mu + log_var),
            "no gradient reaches mu and log_var",
        ),
        (lambda y, mu, log_var: nll(y, mu, log_var).exp(), "the logarithm of this"),
        (lambda y, mu, log_var: nll(y, mu, log_var) + torch.randn(7, 1), "it samples"),
        (lambda y, mu, log_var: nll(y, mu, log_var).squeeze(1), r"shape is \(7,\)"),
        (lambda y, mu, log_var: nll(y, mu.T, log_var), "broadcasting"),
        (lambda y, mu, log_var: nll(y, mu, log_var).sum(), "the sum"),
        (lambda y, mu, log_var: -nll(y, mu, log_var), "sign"),
        (lambda y, mu, log_var: 2 * nll(y, mu, log_var), "twice"),
        (lambda y, mu, log_var: 3 * nll(y, mu, log_var), "3 times"),
        (lambda y, mu, log_var: 0 * nll(y, mu, log_var), "Every value is 0"),
        (lambda y, mu, log_var: nll(y, mu, log_var) + 3, "3 above"),
        (lambda y, mu, log_var: nll(y, mu, log_var).mean().expand(7, 1), "over the rows"),
        (lambda y, mu, log_var: nll(y, mu, log_var) + y, "in row 0, for y ="),
        (lambda y, mu, log_var: (y - y).log() * 0, "NaN"),
        (lambda y, mu, log_var: nll(y, mu, log_var.log()), "NaN.* of a negative number"),
        (lambda y, mu, log_var: (y - y).log(), "infinite"),
        (lambda y, mu, log_var: (y, mu), "a tuple of 2"),
        (lambda y, mu, log_var: (value for value in y), "a generator"),
        (lambda y, mu, log_var: "nll", "a str"),
        (lambda y: y, "yours takes"),
        (nll(*torch.zeros(3, 7, 1)), "a Tensor"),
        (math, "a module"),
    ],
)
def test_an_unforeseen_mistake_is_described(answer, words):
    verdict = check("99-3", answer)
    assert verdict.attempted
    assert re.search(words, verdict.message), verdict.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (2.01, "That is σ²"),
        (-1.4189, "sign"),
        (1.38, "too small."),
        (1.4, "too few digits: give three"),
        (2.0, "That is σ²"),
        (2.8378, "twice"),
        (1.4189**2, "That is σ²"),  # the square, and a listed mistake
        (40, "ten times"),
        (math.nan, "NaN"),
        ([1, 2], "there are 2"),
        ((1, 4189), "Is 1.4189 meant? It is written with a point"),
        ("1,42", "type 1.42, without quotes"),
        (nll, "called"),
        ("much", "a str"),
        (True, "a bool"),
    ],
)
def test_a_wrong_number_is_described(answer, words):
    assert words in check("99-2", answer).message


@pytest.mark.parametrize(
    ("answer", "words"),
    [(67.3, "per cent"), (0.327, "one minus"), (0.67, ""), (0.7, "give three"), (0.453, "square")],
)
def test_an_answer_between_0_and_1_has_slips_of_its_own(answer, words):
    share = Value(oracle=0.673, mistakes=[])
    verdict = judge(share, answer)
    assert words in verdict.message
    assert verdict.passed == (not words)


# ---------------------------------------------------------------- told without being listed

RATIO = Value(oracle=25, mistakes=[], parts={"σ₁": 0.1, "σ₂": 0.5})
SUM = Value(oracle=2.6**0.5, mistakes=[], terms={"a²": 1.0, "b²": 1.6}, outer=torch.sqrt)


@pytest.mark.parametrize(
    ("exercise", "answer", "words"),
    [
        (RATIO, 0.2, "This is σ₁ / σ₂."),
        (RATIO, 10, "This is 1 / σ₁."),
        (RATIO, 0.26, "This is σ₁² + σ₂²."),
        (RATIO, 24, "one less than what is asked"),
        (RATIO, 0.04, "upside down"),
        (RATIO, 0.261, "None of the usual"),
        (SUM, 1.26, "The term a² is missing."),
        (SUM, 0.775, "The term a² is of the wrong sign."),
        (SUM, 1.9, "The term a² is there twice."),
        (SUM, 1.67, "The term a² is there twice, and the term b² is halved."),
    ],
)
def test_a_number_made_of_the_exercises_own_is_said_back(exercise, answer, words):
    assert words in judge(exercise, answer).message


STEPS = {
    "(y − μ)²": lambda y, mu, log_var: (y - mu) ** 2,
    "σ²": lambda y, mu, log_var: log_var.exp(),
}
TERMS = {
    "½ log 2π": lambda squares, var: 0.5 * math.log(2 * math.pi),
    "½ log σ²": lambda squares, var: var.log() / 2,
    "(y − μ)² / 2σ²": lambda squares, var: squares / (2 * var),
}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda *it: nll(*it) - 0.5 * math.log(2 * math.pi), "The term ½ log 2π is missing."),
        (lambda *it: nll(*it) - it[2], "½ log σ² is of the wrong sign."),
        (lambda *it: nll(*it) - it[2] / 4, "The term ½ log σ² is halved."),
        (lambda *it: nll(*it) - 3 / 7 * it[2], "½ log σ² is divided by the number of values"),
        (
            lambda *it: nll(*it) + nll(*it) - it[2] / 2,
            "½ log 2π is there twice, and the term (y − μ)² / 2σ² is",
        ),
        (lambda y, mu, v: nll(y, mu, v / 2) + v / 4, "2σ², √(σ²) stands in the place of σ²"),
        (lambda y, mu, v: nll(y, mu, v.detach()) + (v - v.detach()) / 2, "without its gradient"),
        (lambda y, mu, v: nll(y, mu, 2 * v), "right for (σ²)² in the place of σ²."),
        (lambda y, mu, v: nll(y, mu, v.mean()), "right for the mean of log_var in"),
        (lambda y, mu, v: nll(y, v, mu), "right for mu and log_var exchanged."),
        (lambda y, mu, v: nll(y, v, v), "right for log_var in the place of mu."),
    ],
)
def test_a_wrong_term_and_an_input_taken_for_another_are_named(answer, words):
    exercise = replace(CODED, terms=TERMS, steps=STEPS, mistakes=[])
    assert words in judge(exercise, answer).message


def test_each_of_several_numbers_is_judged_on_its_own_scale():
    pair = Value(oracle=[190, 0.95], mistakes=[Mistake("Both halved.", [95, 0.475])])
    assert judge(pair, (190, 0.95))
    assert judge(pair, torch.tensor([95.1, 0.475])).message == "Both halved."
    assert judge(pair, (190, 0.9)).message.startswith("Number 2 of 2: None of")
    assert judge(pair, (190, 95)).message.startswith("Number 2 of 2: This is 100 times")
    assert "2 numbers are wanted" in judge(pair, 190).message


def test_two_numbers_that_differ_are_shown_with_the_digits_that_show_it():
    for _ in range(20):
        message = check("99-3", lambda y, mu, log_var: nll(y, mu, log_var) + 1e-4 * y).message
        found, expected = re.search("the result is (.+) where (.+) is expected", message).groups()
        assert found != expected


def test_only_what_is_trained_gets_a_gradient():
    def of_numbers(y, mu, log_var):
        residuals = torch.tensor(y.numpy()) - mu
        return 0.5 * (math.log(2 * math.pi) + log_var + residuals**2 / log_var.exp())

    assert check("99-3", of_numbers).passed


def test_infinity_may_be_right_and_is_complained_of_elsewhere():
    capped = Coded(lambda x: x.log(), lambda rng: torch.tensor([0.0, 1.0, 2.0]), mistakes=[])
    assert judge(capped, torch.log)
    message = judge(capped, lambda x: torch.tensor([-math.inf, math.inf, 1.0])).message
    assert message.startswith("The result is infinite, first at position [1]")
    assert "where -inf is expected" in judge(capped, lambda x: (x + 0.5).log()).message


def test_several_ways_to_draw_inputs_are_used_once_each():
    sizes = []
    exercise = Coded(
        oracle=lambda x: x.sum(),
        inputs=[lambda rng: torch.ones(2), lambda rng: torch.ones(5)],
        mistakes=[],
    )
    assert judge(exercise, lambda x: sizes.append(len(x)) or x.sum())
    assert sizes == [2, 5]


def test_an_answer_that_is_used_passes_the_same_door_as_one_that_is_called():
    exercise = Coded(
        oracle=lambda x: 2.0 * float(x),
        inputs=lambda rng: torch.tensor(rng.random()),
        use=lambda double, x: float(double(x)),
        mistakes=[],
    )
    assert judge(exercise, lambda x: 2 * x)
    assert "`return` missing" in judge(exercise, lambda x: None).message
    assert "yours takes (x, y)" in judge(exercise, lambda x, y: x).message
    assert "by its name" in judge(exercise, 2.0).message


def test_an_exception_is_explained_by_the_learners_own_line():
    def stretched(y, mu, log_var):
        return torch.zeros(3) + torch.zeros(2)

    message = check("99-3", stretched).message
    assert "RuntimeError" in message
    assert "return torch.zeros(3) + torch.zeros(2)" in message
    assert "Traceback" not in message


def test_an_unknown_key_or_lesson_lists_the_known_ones():
    with pytest.raises(ValueError, match="99-2, 99-3"):
        check("99-9", 1)
    with pytest.raises(ValueError, match="no lesson '98'"):
        check("98-1", 1)


# ---------------------------------------------------------------- nothing takes the notebook down


def endless(*_):
    while True:
        pass


def test_the_stop_button_ends_a_loop_and_the_verdict_says_so():
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
    press = threading.Timer(0.1, _thread.interrupt_main)

    def endless_when_pressed(*_):
        press.start()
        endless()

    try:
        verdict = judge(CODED, endless_when_pressed)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert not verdict.passed
    assert "Stopped" in verdict.message


def test_output_is_kept_out_of_the_notebook_and_cut(capsys):
    def chatty(y, mu, log_var):
        for _ in range(1000):
            print("here")
        return nll(y, mu, log_var)

    verdict = check("99-3", chatty)
    assert verdict.passed
    assert "15,000 characters" in verdict.message
    assert len(verdict.message) < 400
    assert capsys.readouterr().out == ""


def test_display_and_exit_do_nothing_to_the_notebook(monkeypatch):
    class Shell:
        """As much of IPython's as matters; calling its own ask_exit would stop the kernel."""

        def __init__(self):
            self.display_pub = Publisher()

        def ask_exit(self):
            raise AssertionError("the kernel stops")

    class Publisher:
        def publish(self, data):
            raise AssertionError("the notebook shows it")

    shell = Shell()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert "SystemExit" in check("99-3", lambda y, mu, log_var: shell.ask_exit()).message
    assert "a str" in check("99-3", lambda *_: shell.display_pub.publish(1) or "σ").message
    with pytest.raises(AssertionError):
        shell.ask_exit()
    with pytest.raises(AssertionError):
        shell.display_pub.publish(1)


@pytest.mark.parametrize(
    "draw",
    [lambda: torch.randn(5, 1), lambda: np.random.standard_normal((5, 1))],  # noqa: NPY002
)
def test_random_draws_are_the_same_for_everyone(draw):
    def noisy(x):
        return x + draw()

    exercise = Coded(oracle=noisy, inputs=lambda rng: torch.zeros(5, 1), mistakes=[])
    assert judge(exercise, lambda x: noisy(x))


def test_an_answer_gets_copies_and_leaves_the_random_generators_alone():
    def spoiler(answer):
        def spoil(y, mu, log_var):
            torch.manual_seed(1)
            np.random.seed(1)  # noqa: NPY002
            random.seed(1)
            result = answer(y, mu, log_var).clone()
            for value in (y, mu, log_var):
                value.data.zero_()
            return result

        return spoil

    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    python_state = random.getstate()
    exercise, mistake = replace(CODED, trained=()), CODED.mistakes[0]
    assert judge(exercise, spoiler(nll))
    assert judge(exercise, spoiler(mistake.answer)).message == mistake.message
    assert torch.equal(torch_state, torch.get_rng_state()) and python_state == random.getstate()
    assert np.array_equal(numpy_state, np.random.get_state()[1])  # noqa: NPY002


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


def raises(error):
    def answer(*_):
        raise error

    return answer


ZOO = {
    "a stub": ...,
    "None": None,
    "a string": "σ",
    "bytes": b"1",
    "a module": math,
    "a class": Odd,
    "an odd object": Odd(),
    "NaN": math.nan,
    "infinity": -math.inf,
    "a complex number": 1j,
    "a large int": 10**400,
    "a dict": {"a": 1},
    "a set": {1, 2},
    "a ragged list": [[1], [2, 3]],
    "a list of odd objects": [Odd()],
    "an empty list": [],
    "an empty tensor": torch.empty(0),
    "a tensor with a graph": torch.ones(7, 1, requires_grad=True) * 2,
    "a complex tensor": torch.ones(7, 1, dtype=torch.complex64),
    "a sparse tensor": torch.eye(7).to_sparse(),
    "a large array": np.zeros((300, 300)),
    "an array of objects": np.array([{}, None], dtype=object),
    "a distribution": Normal(0, 1),
    "a model": nn.Linear(1, 1),
    "a generator": (value for value in "ab"),
    "a built-in": print,
    "no arguments": lambda: 1,
    "one argument": lambda x: x,
    "returns None": lambda *_: None,
    "returns a string": lambda *_: "σ",
    "returns itself": lambda *inputs: inputs,
    "returns an odd object": lambda *_: Odd(),
    "returns a graph of its own": lambda *_: torch.ones(7, 1, requires_grad=True),
    "returns integers": lambda *_: torch.arange(7)[:, None],
    "returns a large array": lambda *_: np.zeros((300, 300)),
    "raises": raises(ValueError("no")),
    "raises KeyboardInterrupt": raises(KeyboardInterrupt()),
    "raises an odd error": raises(OddError()),
    "exits": lambda *_: sys.exit(1),
    "recurses": lambda *inputs: ZOO["recurses"](*inputs),
    "raises a subclass of NotImplementedError": raises(type("Sub", (NotImplementedError,), {})()),
    "asks": lambda *_: input("?"),
}
ALL = {
    key: exercise for lesson in LESSONS.values() for key, exercise in lesson.EXERCISES.items()
} | {"99-2": VALUE, "99-3": CODED}


@pytest.mark.parametrize("key", [key for key in ALL if key[-2:] == "-2"] + ["99-3"])
def test_no_answer_raises_or_passes_by_accident(key):
    for name, answer in ZOO.items():
        verdict = check(key, answer)
        assert not verdict.passed, name
        assert key in repr(verdict), name


# ---------------------------------------------------------------- predictions


def test_a_guess_stands_beside_what_was_measured():
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


def test_without_guesses_the_summary_says_so():
    assert repr(guesses("99")) == "Lesson 99: nothing was guessed or measured yet."
    measured("99-a", 2.0)
    assert repr(guesses("99")).splitlines()[1] == "99-a   –            2 %"


@pytest.mark.parametrize(
    ("key", "value", "read"),
    [
        ("99-a", "95 %", 95),
        ("99-a", "94,5", 94.5),
        ("99-a", " 9.5e1 ", 95),
        ("99-a", np.array([95]), 95),
        ("99-a", "0,123", 0.123),
        ("99-c", "95 %", 0.95),
        ("99-c", 1, 1),
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
        ("99-a", math.nan, "a number from 0 to 100 %"),
        ("99-a", math.inf, "a number"),
        ("99-a", "", "a number"),
        ("99-d", "1,234", "a number"),  # is it one or a thousand?
        ("99-a", True, "a number"),
        ("99-b", "pu", "one of “up”, “down”; “pu” is not"),
        ("99-b", 1, "one of “up”, “down”"),
        ("99-b", None.__class__, "one of"),
    ],
)
def test_what_is_no_guess_of_its_kind_is_answered_at_once(key, value, words):
    assert words in repr(guess(key, value))
    assert predictions.PREDICTIONS[key].guessed is None


def test_an_unusable_guess_is_refused_kindly():
    for value in (Odd(), [1, 2], math, {}, torch.ones(2)):
        assert "a number from" in repr(guess("99-a", value))


def test_a_fraction_where_per_cent_are_asked_gets_a_line():
    assert "If you mean 95 %" in repr(guess("99-a", 0.95))


def test_what_was_measured_is_a_word_of_the_guess_and_a_guess_has_a_key():
    with pytest.raises(ValueError, match=r"measured 99-b: .*“sideways” is not"):
        measured("99-b", "sideways")
    with pytest.raises(ValueError, match="99-a, 99-b"):
        guess("99-z", 1)


def test_in_a_page_what_was_measured_is_folded_away():
    bundle = measured("99-a", 94.5)._repr_mimebundle_()
    before_the_fold = bundle["text/html"].split("</summary>")[0]
    assert "94.5" in bundle["text/html"] and "94.5" not in before_the_fold
    guess("99-a", 90)
    assert "<details>" not in measured("99-a", 94.5)._repr_mimebundle_()["text/html"]


def said(widget):
    return re.sub("<svg.*</svg>|<.*?>", "", widget.value)


def test_a_field_takes_the_guess_and_uncovers_what_was_measured():
    pytest.importorskip("ipywidgets")
    (field, _), reply = (getattr(it, "children", it) for it in guess("99-a", ...).widget().children)
    covered = measured("99-a", 94.5).widget()
    assert "94.5" not in said(covered.children[0])
    field.value = "much"
    assert said(reply) == "This guess is a number from 0 to 100 %."
    field.value = "90 %"
    assert said(reply).startswith("Your guess: 90 %.")
    (shown,) = covered.children
    assert said(shown) == "you guessed 90 %, measured 94.5 %: 4.5 too low."


def test_a_guess_is_chosen_on_an_axis_and_what_was_measured_lands_on_it():
    pytest.importorskip("ipywidgets")
    entry, _ = guess("99-a", ...).widget().children
    axis, take = entry.children[1].children
    covered, table = measured("99-a", 94.5).widget(), guesses("99").widget()
    axis.value = 62
    assert take.description == "Guess 62 %" and predictions.PREDICTIONS["99-a"].guessed is None
    take.click()
    (shown,) = covered.children
    assert said(shown) == "you guessed 62 %, measured 94.5 %: 32.5 too low."
    circle, diamond = re.search(r'cx="(\d+)".* d="M(\d+) 19l', shown.value).groups()
    assert int(circle) == 50 + 3 * 62 and int(diamond) == round(50 + 3 * 94.5)
    assert "1 guessed, 0 of them" in table.value


def test_the_places_of_an_axis_are_whole_where_things_are_counted():
    assert Number("of 20", 0, 20).step == 1
    assert Number("of 1,000", 0, 1000).step == 10
    assert Number("", 0, 1).step == 0.01


def test_buttons_take_a_word_and_a_guess_may_be_waived():
    pytest.importorskip("ipywidgets")
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
    pytest.importorskip("ipywidgets")
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
    for lesson in LESSONS.values()
    for key, exercise in lesson.EXERCISES.items()
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
    for right in np.ravel(resolve(ALL[key].oracle)):
        told = {f"{value:.3g}" for value in ALL[key].told(right)}
        numbers = right * 10 ** np.random.default_rng(0).uniform(-1, 1, 10_000)
        assert sum(f"{number:.3g}" in told for number in numbers) < 0.12 * len(numbers)


@pytest.mark.parametrize("number", LESSONS)
def test_every_lesson_has_exercises_with_four_mistakes_each_and_three_questions(number):
    lesson = LESSONS[number]
    assert len(lesson.EXERCISES) >= 3
    for key, exercise in lesson.EXERCISES.items():
        assert re.fullmatch(rf"{number}-\d+", key)
        messages = [mistake.message for mistake in exercise.mistakes]
        assert len(set(messages)) == len(messages) >= 4, key
        assert all(message.strip() for message in messages), key
    assert all(re.fullmatch(rf"{number}-[a-z]", key) for key in lesson.GUESSES)
    assert len(lesson.QUIZ) == 3
    for question in lesson.QUIZ:
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
    names, kept = uses(code), []
    for statement in reversed(earlier):
        bound = binds(statement)
        if bound & names:
            kept.insert(0, statement)
            names = (names - bound) | uses(ast.unparse(statement))
    return kept


def binds(statement: ast.stmt) -> set[str]:
    """The names that a statement gives a value at the top level."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.split(".")[0] for alias in statement.names}
    stores = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return {node.id for node in stores if isinstance(node.ctx, ast.Store)}


def uses(code: str) -> set[str]:
    """The global names that code refers to."""
    names, tables = set(), [symtable.symtable(code, "code", "exec")]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        top = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (top or symbol.is_global()):
                names.add(symbol.get_name())
    return names


NOTEBOOKS = {path.stem[:2]: path.with_suffix(".ipynb") for path in sources()}
EXERCISES = [
    pytest.param(exercise, id=exercise.key)
    for path in NOTEBOOKS.values()
    for exercise in exercises(path)
]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_solution_in_the_notebook_passes(exercise):
    answer = exercise.answer(exercise.solution)
    for seed in range(3):
        verdict = judge(ALL[exercise.key], answer, exercise.key, np.random.default_rng(seed))
        assert verdict.passed, verdict


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_stub_in_the_notebook_is_not_attempted(exercise):
    verdict = check(exercise.key, exercise.answer(f"{exercise.name}"))
    assert not verdict.passed
    assert not verdict.attempted, verdict


@pytest.mark.parametrize("exercise", EXERCISES)
def test_two_hints_come_before_the_solution(exercise):
    folds = re.findall(r"<summary>(.+?)</summary>", exercise.text)
    assert folds[:3] == ["Hint 1", "Hint 2", "Solution"]
    assert exercise.text.count("<details>") == exercise.text.count("</details>")


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_a_notebook_asks_exactly_the_exercises_and_guesses_of_its_lesson(number):
    asked = [exercise.key for exercise in exercises(NOTEBOOKS[number])]
    assert number in LESSONS, f"course_lessons/checks/lesson_{number}.py is missing"
    assert asked == list(LESSONS[number].EXERCISES)
    code = "\n".join(source for kind, source in cells(NOTEBOOKS[number]) if kind == "code")
    assert re.findall(r'^guess\("(\d\d-[a-z])", \.\.\.\)', code, re.M) == list(
        LESSONS[number].GUESSES
    )
