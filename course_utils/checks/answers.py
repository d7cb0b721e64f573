"""The two kinds of exercise, and how an answer becomes a verdict. CONTRIBUTING.md shows both."""

import contextlib
import copy
import functools
import inspect
import itertools
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.checks import slips
from course_utils.checks.compare import (
    NOT_ATTEMPTED,
    alike,
    all_same,
    apart,
    describe,
    flat,
    is_rounded,
    number,
    pattern,
    plain,
    related,
    same,
    scale,
    to_array,
)
from course_utils.checks.guard import Complaint, Printed, run, seed, undisturbed

NO_GRADIENT = (
    "The values are right, but no gradient flows back to the inputs: something cuts the graph "
    "(.detach(), .item(), .data, .numpy(), torch.no_grad() or torch.tensor(...))."
)
SAMPLES = "The result changes from one call to the next: it samples, and an exact one is asked."
DRAWS = 3  # of inputs, if an exercise has one way of drawing them


@dataclass(frozen=True)
class Verdict:
    """What a check found. It shows itself, and is true if the answer passed."""

    passed: bool
    message: str
    attempted: bool = True
    key: str = ""

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        mark = "✓" if self.passed else "✗" if self.attempted else "…"
        lines = f"{self.key} {mark} {self.message}".splitlines()
        return "\n".join(textwrap.fill(line, 96, break_long_words=False) for line in lines)


@dataclass(frozen=True)
class Mistake:
    """A usual wrong answer, and what to say to it: what is wrong, never what is right."""

    message: str
    answer: Any


def call(function, *inputs):
    """The usual use of an answer: call it."""
    return function(*inputs)


def itself(value):
    return value


@dataclass(frozen=True)
class Coded:
    """An answer that is code, run on fresh random inputs beside an independent oracle.

    ``inputs``: a function of a random generator that gives a tuple of arguments; it is called three
    times, or each of several is called once. The oracle is called with them, and the names of its
    arguments appear in messages. ``trained``: the arguments whose gradients count. A mistake's
    answer is a function as the learner's is. ``use(answer, *inputs)`` runs an answer that is not
    just called; of a random one it returns what must agree, with a wider ``tolerance``. ``terms``:
    if the oracle is a sum, or ``outer`` of one, its terms by name, functions of the inputs, or of
    the ``steps``, which are functions of the inputs, by name too.
    """

    oracle: Callable
    inputs: Callable[[np.random.Generator], tuple] | Sequence[Callable]
    mistakes: Sequence[Mistake]
    trained: Sequence[str] = ()
    use: Callable = call
    tolerance: float = 1e-6
    terms: Mapping[str, Callable] = field(default_factory=dict)
    steps: Mapping[str, Callable] = field(default_factory=dict)
    outer: Callable = itself

    def judge(self, answer, rng, printed) -> Verdict:
        several = [self.inputs] * DRAWS if callable(self.inputs) else self.inputs
        draws = [as_tuple(inputs(rng)) for inputs in several]
        expected = [self.observe(call, self.oracle, draw) for draw in draws]
        parts = len(expected[0].values)

        def learner():
            own = self.own(answer, draws[0])
            return [self.observe(self.use, own, draw, parts) for draw in draws]

        got = run(learner, printed)
        if all(map(self.agree, got, expected)):
            return Verdict(True, "Right.")
        listed = [(mistake.message, mistake.answer) for mistake in self.mistakes]
        finite = all(np.isfinite(value).all() for value in got[0].values)  # NaN is like any NaN
        of_terms = slips.of_terms(self.terms, self.outer, self.made_of()) if finite else ()
        message = self.recognised(listed, draws, expected, got, self.use)
        if message := message or self.recognised(of_terms, draws, expected, got):
            return Verdict(False, message)

        def again():
            return self.observe(self.use, self.own(answer, draws[0]), draws[0], parts, seeded=1)

        if self.use is call and not self.same_numbers(run(again, printed), got[0]):
            return Verdict(False, SAMPLES)
        return Verdict(False, self.difference(draws, expected, got))

    def made_of(self) -> Mapping[str, Callable]:
        """The steps; without any, the inputs as they are."""
        inputs = inspect.signature(self.oracle).parameters if self.terms else ()
        return self.steps or {name: slips.taken(k) for k, name in enumerate(inputs)}

    def says(self) -> set[str]:
        """What it may say to a slip, listed or not."""
        draw = self.inputs if callable(self.inputs) else self.inputs[0]
        names = self.names(as_tuple(draw(np.random.default_rng(0))))
        of_terms = slips.of_terms(self.terms, self.outer, self.made_of())
        told = itertools.chain(of_terms, slips.of_inputs(self.oracle, names))
        return {mistake.message for mistake in self.mistakes} | {said for said, _ in told}

    def recognised(self, known: Iterable, draws, expected, got, use=call) -> str:
        """What is said to the known slip that gives the same in every draw; empty if none does."""

        def outcome(answer, draw, exercise=self):
            with contextlib.suppress(Exception):  # an input of its own may not suit a slip
                return exercise.observe(use, answer, draw)
            return Outcome([], None)

        light = replace(self, trained=())  # one draw, without gradients, tells most slips apart
        alike = [it for it in known if self.same_numbers(outcome(it[1], draws[0], light), got[0])]
        runs = [(message, [outcome(answer, draw) for draw in draws]) for message, answer in alike]
        for compare in (self.agree, self.same_numbers):  # the second: made twice over, say
            for message, outcomes in runs:
                taken_for = all(map(compare, got, outcomes))
                if taken_for and not all(map(compare, outcomes, expected)):
                    return message
        return ""

    def own(self, answer, draw) -> Callable:
        """The learner's function, which complains about itself: a stub, a value, its arguments."""
        if answer is ... or answer is None:
            raise Complaint(NOT_ATTEMPTED, attempted=False)
        if isinstance(answer, type) or not callable(answer):
            of = f" of ({', '.join(self.names(draw))})" if self.use is call else ""
            raise Complaint(
                f"A function{of} is wanted here, and this is {describe(answer)}: pass "
                "the function itself, by its name and without calling it."
            )

        def called(*inputs):
            with contextlib.suppress(ValueError):  # a built-in has no signature: a call will tell
                signature = inspect.signature(answer)
                try:
                    signature.bind(*inputs)
                except TypeError:
                    names = f", ({', '.join(self.names(draw))})" if self.use is call else ""
                    raise Complaint(
                        f"The function is called with {len(inputs)} arguments{names}; yours takes "
                        f"{signature}."
                    ) from None
            result = answer(*inputs)
            if result is None or result is ... or isinstance(result, str):
                to_array(result)  # which complains
            return result

        return called

    def observe(self, use, answer, draw, parts: int | None = None, seeded=0) -> "Outcome":
        """Run an answer on copies of one draw of inputs; the same seed for everyone."""
        names = self.names(draw) if self.trained else [""] * len(draw)
        inputs = [own_copy(v, n in self.trained) for n, v in zip(names, draw, strict=True)]
        leaves = {n: v for n, v in zip(names, inputs, strict=True) if n in self.trained}
        seed(seeded)
        with torch.enable_grad():
            values = split(use(answer, *inputs), parts)
            gradients = gradients_of(values, leaves) if leaves else {}
        return Outcome([to_array(value) for value in values], gradients)

    def agree(self, found: "Outcome", expected: "Outcome") -> bool:
        """Whether shapes, numbers and gradients of one draw are the same."""
        return all_same(found.values, expected.values, self.tolerance) and not self.gradients_apart(
            [found], [expected]
        )

    def same_numbers(self, found: "Outcome", expected: "Outcome") -> bool:
        """Whether the numbers of one draw are the same, whatever the shapes and gradients."""
        return all_same(flat(found.values), flat(expected.values), self.tolerance)

    def gradients_apart(self, found: list["Outcome"], expected: list["Outcome"]) -> list[str]:
        """The names of the arguments whose gradients are not the same."""
        return [
            name
            for name in self.trained
            if not all(map(functools.partial(self.same_gradient, name), found, expected))
        ]

    def same_gradient(self, name: str, found: "Outcome", expected: "Outcome") -> bool:
        if found.gradients is None or expected.gradients is None:
            return found.gradients is expected.gradients
        return same(found.gradients[name], expected.gradients[name], self.tolerance)

    def difference(self, draws, expected, got) -> str:
        """What differs and where, in words, for a mistake that nobody foresaw."""
        parts = len(expected[0].values)
        for part in range(parts):
            wanted = [outcome.values[part] for outcome in expected]
            found = [outcome.values[part] for outcome in got]
            if not all_same(found, wanted, self.tolerance):
                which = f"Result {part + 1} of {parts}: " if parts > 1 else ""
                common = pattern(found, wanted, self.tolerance)
                known = common or self.recognised(
                    slips.of_inputs(self.oracle, self.names(draws[0])), draws, expected, got
                )
                return which + (known or self.example(draws, found, wanted))
        if any(outcome.gradients is None for outcome in got):
            return NO_GRADIENT
        names = self.gradients_apart(got, expected)
        zero = [n for n in names if not any(outcome.gradients[n].any() for outcome in got)]
        if zero:
            return (
                f"The values are right, but no gradient reaches {' and '.join(zero)}: is the "
                "graph cut there?"
            )
        return (
            f"The values are right; the gradient with respect to {' and '.join(names)} is not: is "
            "one of its ways cut (.item(), .detach(), a function of math)?"
        )

    def example(self, draws, found, wanted) -> str:
        """The first value that differs, with its inputs; the shapes are the same."""
        differs = [not same(*pair, self.tolerance) for pair in zip(found, wanted, strict=True)]
        first = differs.index(True)
        b = wanted[first]
        a = found[first].reshape(b.shape)
        index = np.unravel_index(np.argmax(~alike(a, b, self.tolerance)), b.shape)
        inputs = []
        for name, value in zip(self.names(draws[first]), map(plain, draws[first]), strict=True):
            if value is not None and value.shape == b.shape:
                inputs.append(f"{name} = {number(value[index])}")
            elif value is not None and value.size == 1:
                inputs.append(f"{name} = {number(value.item())}")
        at = f"for {', '.join(inputs)} " if inputs else ""
        row = f"in row {index[0]}, " if b.size > 1 else ""
        is_there, expected = apart(a[index], b[index])
        return (
            f"None of the usual mistakes: {row}{at}the result is {is_there} where {expected} is "
            "expected."
        )

    def names(self, draw) -> list[str]:
        """What the oracle calls its arguments; for messages."""
        with contextlib.suppress(ValueError):  # a built-in oracle has no signature
            known = list(inspect.signature(self.oracle).parameters)
            if len(known) == len(draw):
                return known
        return [f"input {i + 1}" for i in range(len(draw))]


@dataclass(frozen=True)
class Value:
    """An answer that is a number, or an array of numbers. Three right digits are enough.

    ``oracle``, and a mistake's answer: a number, an array, or a function of () that computes it.
    ``tolerance`` is relative to each number; more than 5e-3 where the answer may
    come from a simulation, less where only a part of it is at stake. ``parts``: by name, numbers
    that the task gives or a solution passes through. ``terms``, ``outer``: as of Coded, but
    numbers, or functions of the ``steps``, which are numbers.
    """

    oracle: Any
    mistakes: Sequence[Mistake]
    tolerance: float = 5e-3
    parts: Mapping[str, float] = field(default_factory=dict)
    terms: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[str, float] = field(default_factory=dict)
    outer: Callable = itself

    def judge(self, answer, rng, printed) -> Verdict:
        wanted = to_array(resolve(self.oracle)).ravel()

        def learner():
            if answer is ... or answer is None:
                raise Complaint(NOT_ATTEMPTED, attempted=False)
            if callable(answer) and not isinstance(answer, Tensor):
                raise Complaint(
                    f"A number is wanted here, and this is {describe(answer)}. Was it to be called?"
                )
            if isinstance(answer, bool):
                raise Complaint("A number is wanted here, and this is a bool.")
            return to_array(answer).ravel()

        found = run(learner, printed)
        if found.size != wanted.size:
            return Verdict(False, self.other_size(answer, found, wanted))
        if self.near(found, wanted).all():
            return Verdict(True, "Right.")
        seen = [to_array(resolve(mistake.answer)).ravel() for mistake in self.mistakes]
        near = [k for k, known in enumerate(seen) if self.near(found, known).all()]
        if near:
            nearest = min(near, key=lambda k: np.abs(found - seen[k]).sum())
            return Verdict(False, self.mistakes[nearest].message)
        if is_rounded(found, wanted) or is_rounded(found, wanted, digits=1):
            return Verdict(False, f"{number(found[0])} has too few digits: give three.")
        for mistake, known in zip(self.mistakes, seen, strict=True):
            if is_rounded(found, known):
                return Verdict(False, mistake.message)
        return Verdict(False, self.difference(found, wanted))

    @functools.cached_property
    def told(self) -> list[dict[float, str]]:
        """Of each number asked: wrong ones that no list holds, each with what is said to it."""
        steps = {name: functools.partial(as_number, it) for name, it in self.steps.items()}
        terms = {name: functools.partial(as_number, it) for name, it in self.terms.items()}
        known = [(slip().item(), said) for said, slip in slips.of_terms(terms, self.outer, steps)]
        told = []
        for wanted in to_array(resolve(self.oracle)).ravel():
            one_off = [(wanted + by, "Off by one: is a 1 added, or left out?") for by in (1, -1)]
            all_known = [*related(wanted), *known, *one_off]
            told.append(slips.of_numbers(wanted, self.tolerance, all_known, self.parts))
        return told

    def says(self) -> set[str]:
        """What it may say to a slip, listed or not."""
        told = [known.values() for known in self.told]
        return {mistake.message for mistake in self.mistakes}.union(*told)

    def near(self, found: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Which of the numbers are near, each on its own scale; 0 on that of the others."""
        sizes = np.where(known == 0, scale(known), np.abs(known))
        return np.isclose(found, known, rtol=0, atol=self.tolerance * (1 + 1e-9) * sizes)

    def other_size(self, answer, found, wanted) -> str:
        many = f"{wanted.size} numbers are" if wanted.size > 1 else "One number is"
        comma = type(answer) is tuple and wanted.size == 1 and found.size == 2
        advice = f" Is {answer[0]}.{answer[1]} meant? It is written with a point." if comma else ""
        return f"{many} wanted here, and there are {found.size}.{advice}"

    def difference(self, found, wanted) -> str:
        """What is wrong with the numbers; with the first wrong one, if there are several."""
        first = int(np.argmin(self.near(found, wanted)))
        place = f"Number {first + 1} of {wanted.size}: " if wanted.size > 1 else ""
        a, b = found[first : first + 1], wanted[first : first + 1]
        common = pattern([a], [b], self.tolerance)
        common = common or slips.said_to(a.item(), self.told[first])
        if common:
            return place + common
        size = "small" if a < b else "large"
        far = " It is more than ten times off." if b and abs(a) > 10 * abs(b) else ""
        shown = apart(a.item(), b.item())[0]
        return f"{place}None of the usual mistakes: {shown} is too {size}.{far}"


@dataclass(frozen=True)
class Outcome:
    """What one run gave: its values and the gradients that count (None: there are none)."""

    values: list[np.ndarray]
    gradients: dict[str, np.ndarray] | None


def judge(exercise, answer, key: str = "", rng: np.random.Generator | None = None) -> Verdict:
    """The verdict on an answer. Nothing that the answer is or does raises here."""
    printed = Printed()
    try:
        with undisturbed():
            verdict = exercise.judge(answer, rng or np.random.default_rng(), printed)
    except Complaint as complaint:
        verdict = Verdict(False, str(complaint), complaint.attempted)
    except KeyboardInterrupt:
        verdict = Verdict(False, "Stopped before there was a verdict: does every loop end?")
    return Verdict(verdict.passed, verdict.message + printed.note(), verdict.attempted, key)


def resolve(oracle):
    return oracle() if callable(oracle) and not isinstance(oracle, Tensor) else oracle


def as_number(it, *steps) -> Tensor:
    """A number, or what a function makes of its steps."""
    return torch.as_tensor(it(*steps) if callable(it) else it, dtype=torch.float64)


def as_tuple(draw) -> tuple:
    return draw if isinstance(draw, tuple) else (draw,)


def own_copy(value, is_trained: bool):
    """A copy that its user may spoil; a tensor that is trained collects gradients."""
    if isinstance(value, Tensor):
        value = value.detach().clone()
        return value.requires_grad_() if is_trained else value
    return copy.deepcopy(value)


def split(result, parts: int | None) -> list:
    """A result as a list of its parts; ``parts`` is how many are expected (None: any number)."""
    several = isinstance(result, tuple | list)
    if parts is None:
        return list(result) if several else [result]
    if parts == 1:
        if several and any(isinstance(item, Tensor) and item.ndim for item in result):
            raise Complaint(f"One result is wanted; yours is {describe(result)} of {len(result)}.")
        return [result]
    if not several or len(result) != parts:
        got = f"{len(result)}" if several else describe(result)
        raise Complaint(f"The function should return {parts} results; yours returns {got}.")
    return list(result)


def gradients_of(values: list, leaves: dict[str, Tensor]) -> dict[str, np.ndarray] | None:
    """Of a weighted sum of the values, with respect to each leaf; None if there is none."""
    total = 0
    for value in values:
        if isinstance(value, Tensor) and value.requires_grad:
            weights = torch.linspace(1, 2, value.numel(), dtype=value.dtype).reshape(value.shape)
            total = total + (weights * value).sum()
    if not isinstance(total, Tensor):
        return None
    found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    return {
        name: (torch.zeros_like(leaf) if gradient is None else gradient).numpy()
        for (name, leaf), gradient in zip(leaves.items(), found, strict=True)
    }
