"""The three kinds of exercise, and how an answer becomes a verdict. See the package's docstring."""

import contextlib
import copy
import dis
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.checks.compare import (
    NOT_ATTEMPTED,
    all_same,
    describe,
    flat,
    number,
    pattern,
    plain,
    same,
    scale,
    to_array,
)
from course_utils.checks.guard import Complaint, Printed, run, undisturbed
from course_utils.draws import OwnStreams

NO_GRADIENT = (
    "The values are right, but no gradient flows back to the inputs: something cuts the graph "
    "(.detach(), .item(), .data, .numpy(), torch.no_grad() or torch.tensor(...))."
)


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


@dataclass(frozen=True)
class Coded:
    """An answer that is code, run on fresh random inputs beside an independent oracle."""

    oracle: Callable
    inputs: Callable[[np.random.Generator], tuple]
    mistakes: Sequence[Mistake]
    gradient: bool = False
    use: Callable = call
    tolerance: float = 1e-6
    draws: int = 3
    seconds: float = 2.0

    def judge(self, answer, rng, printed) -> Verdict:
        draws = [as_tuple(self.inputs(rng)) for _ in range(self.draws)]
        expected = [self.observe(call, self.oracle, draw) for draw in draws]
        parts = len(expected[0].values)

        def learner():
            self.refuse(answer, draws[0])
            return [self.observe(self.use, answer, draw, parts) for draw in draws]

        got = run(learner, self.seconds, printed)
        if all(map(self.agree, got, expected)):
            return Verdict(True, "Right.")

        @cache  # run as far as it is compared, and no further: one draw tells most mistakes apart
        def outcome(k, i):
            return self.observe(self.use, self.mistakes[k].answer, draws[i])

        def outcomes(k):
            return (outcome(k, i) for i in range(self.draws))

        for compare in (self.agree, self.same_numbers):  # the second: made twice over, say
            for k, mistake in enumerate(self.mistakes):
                taken_for = all(map(compare, got, outcomes(k)))
                if taken_for and not all(map(compare, outcomes(k), expected)):
                    return Verdict(False, mistake.message)
        return Verdict(False, self.difference(draws, expected, got))

    def refuse(self, answer, draw) -> None:
        """Complain about an answer that can't be run: a stub, a value, another signature."""
        if answer is ... or answer is None or is_stub(answer):
            raise Complaint(NOT_ATTEMPTED, attempted=False)
        if self.use is not call:
            return
        signature = f"({', '.join(self.names(draw))})"
        if isinstance(answer, type) or not callable(answer):
            raise Complaint(
                f"A function of {signature} is wanted here, and this is {describe(answer)}: pass "
                "the function itself, by its name and without calling it."
            )
        try:
            inspect.signature(answer).bind(*draw)
        except TypeError:
            raise Complaint(
                f"The function is called with {len(draw)} arguments, {signature}; yours takes "
                f"{inspect.signature(answer)}."
            ) from None
        except ValueError:  # a built-in has no signature: calling it will tell
            pass

    def observe(self, use, answer, draw, parts: int | None = None) -> "Outcome":
        """Run an answer on copies of one draw of inputs; the same seeds for everyone."""
        inputs = [own_copy(value, self.gradient) for value in draw]
        with OwnStreams(0), torch.enable_grad():
            result = use(answer, *inputs)
            values = split(result, parts)
            gradients = gradients_of(values, inputs) if self.gradient else []
        return Outcome([to_array(value) for value in values], gradients)

    def agree(self, found: "Outcome", expected: "Outcome") -> bool:
        """Whether shapes, numbers and gradients of one draw are the same."""
        return (
            all_same(found.values, expected.values, self.tolerance)
            and (found.gradients is None) == (expected.gradients is None)
            and all_same(found.gradients or [], expected.gradients or [], self.tolerance)
        )

    def same_numbers(self, found: "Outcome", expected: "Outcome") -> bool:
        """Whether the numbers of one draw are the same, whatever the shapes and gradients."""
        return all_same(flat(found.values), flat(expected.values), self.tolerance)

    def difference(self, draws, expected, got) -> str:
        """What differs and where, in words, for a mistake that nobody foresaw."""
        parts = len(expected[0].values)
        for part in range(parts):
            wanted = [outcome.values[part] for outcome in expected]
            found = [outcome.values[part] for outcome in got]
            if not all_same(found, wanted, self.tolerance):
                which = f"Result {part + 1} of {parts}: " if parts > 1 else ""
                common = pattern(found, wanted, self.tolerance)
                return which + (common or self.example(draws, found, wanted))
        if any(outcome.gradients is None for outcome in got):
            return NO_GRADIENT
        tensors = [n for n, v in zip(self.names(draws[0]), draws[0], strict=True) if is_float(v)]
        for i, name in enumerate(tensors):
            wanted = [outcome.gradients[i] for outcome in expected]
            found = [outcome.gradients[i] for outcome in got]
            if not all_same(found, wanted, self.tolerance):
                zero = "" if any(map(np.any, found)) else " It is zero: is the graph cut there?"
                return f"The values are right; the gradient with respect to {name} is not.{zero}"
        return "The result is not the expected one."

    def example(self, draws, found, wanted) -> str:
        """The first value that differs, with its inputs; the shapes are the same."""
        differs = [not same(*pair, self.tolerance) for pair in zip(found, wanted, strict=True)]
        first = differs.index(True)
        b = wanted[first]
        a = found[first].reshape(b.shape)
        index = np.unravel_index(np.argmax(np.abs(a - b) > self.tolerance * scale(b)), b.shape)
        inputs = []
        for name, value in zip(self.names(draws[first]), map(plain, draws[first]), strict=True):
            if value is not None and value.shape == b.shape:
                inputs.append(f"{name} = {number(value[index])}")
            elif value is not None and value.size == 1:
                inputs.append(f"{name} = {number(value.item())}")
        at = f"for {', '.join(inputs)} " if inputs else ""
        row = f"in row {index[0]}, " if b.size > 1 else ""
        return (
            f"None of the usual mistakes: {row}{at}the result is {number(a[index])} where "
            f"{number(b[index])} is expected."
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
    """An answer that is a number, or an array of numbers."""

    oracle: Any
    mistakes: Sequence[Mistake]
    tolerance: float = 5e-3
    seconds: float = 2.0

    def judge(self, answer, rng, printed) -> Verdict:
        wanted = to_array(resolve(self.oracle))

        def learner():
            if answer is ... or answer is None:
                raise Complaint(NOT_ATTEMPTED, attempted=False)
            if callable(answer) and not isinstance(answer, Tensor):
                raise Complaint(
                    f"A number is wanted here, and this is {describe(answer)}. Was it to be called?"
                )
            if isinstance(answer, bool):
                raise Complaint("A number is wanted here, and this is a bool.")
            return to_array(answer)

        found = run(learner, self.seconds, printed)
        if same(found.ravel(), wanted.ravel(), self.tolerance):
            return Verdict(True, "Right.")
        for mistake in self.mistakes:
            seen = to_array(resolve(mistake.answer))
            if same(found.ravel(), seen.ravel(), self.tolerance):
                return Verdict(False, mistake.message)
        return Verdict(False, self.difference(found, wanted))

    def difference(self, found, wanted) -> str:
        if found.size != wanted.size:
            many = f"{wanted.size} numbers are" if wanted.size > 1 else "One number is"
            return f"{many} wanted here, and there are {found.size}."
        found, wanted = found.ravel(), wanted.ravel()
        common = pattern([found], [wanted], self.tolerance)
        if common:
            return common
        index = int(np.argmax(np.abs(found - wanted)))
        a, b = found[index], wanted[index]
        place = f" (the one at position {index})" if wanted.size > 1 else ""
        size = "small" if a < b else "large"
        off = abs(a - b) / scale(wanted)
        close = " It is within 5 %: rounded too early?" if off < 0.05 else ""
        far = " It is more than ten times off." if b and abs(a) > 10 * abs(b) else ""
        return f"None of the usual mistakes: {number(a)}{place} is too {size}.{close}{far}"


@dataclass(frozen=True)
class Choice:
    """An answer that is one of a few letters or words."""

    answer: str
    wrong: Mapping[str, str]
    right: str = "Right."
    mistakes: Sequence[Mistake] = field(init=False, repr=False)

    def __post_init__(self):
        wrong = [Mistake(message, option) for option, message in self.wrong.items()]
        object.__setattr__(self, "mistakes", wrong)

    def judge(self, answer, rng, printed) -> Verdict:
        def learner():
            if answer is ... or answer is None:
                raise Complaint(NOT_ATTEMPTED, attempted=False)
            if not isinstance(answer, str | bool):
                raise Complaint(f"{self.choices()} This is {describe(answer)}.")
            return tidy(answer)

        chosen = run(learner, 2.0, printed)
        if chosen == tidy(self.answer):
            return Verdict(True, self.right)
        for mistake in self.mistakes:
            if chosen == tidy(mistake.answer):
                return Verdict(False, mistake.message)
        return Verdict(False, f"{self.choices()} This is {chosen[:40]!r}.")

    def choices(self) -> str:
        options = sorted([self.answer, *self.wrong], key=tidy)
        return f"The answer is one of {', '.join(map(repr, options))}."


@dataclass(frozen=True)
class Outcome:
    """What one run gave: its values and, if they count, their gradients (None: there are none)."""

    values: list[np.ndarray]
    gradients: list[np.ndarray] | None


def judge(exercise, answer, key: str = "", rng: np.random.Generator | None = None) -> Verdict:
    """The verdict on an answer. Nothing that the answer is or does raises here."""
    printed = Printed()
    try:
        with undisturbed():
            verdict = exercise.judge(answer, rng or np.random.default_rng(), printed)
    except Complaint as complaint:
        verdict = Verdict(False, str(complaint), complaint.attempted)
    except KeyboardInterrupt:
        verdict = Verdict(False, "Stopped before there was a verdict.")
    note = printed.note() if verdict.attempted else ""
    return Verdict(verdict.passed, verdict.message + note, verdict.attempted, key)


def is_stub(answer) -> bool:
    """Whether a function does nothing but return None or `...`, as an untouched stub does.

    A class is a stub if all of its methods are.
    """
    if isinstance(answer, type):
        methods = [value for value in vars(answer).values() if isinstance(value, FunctionType)]
        return answer.__module__ == "__main__" and all(map(is_stub, methods))
    if not isinstance(answer, FunctionType):
        return False
    steps = list(dis.get_instructions(answer))
    trivial = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    constants = [step.argval for step in steps if "CONST" in step.opname]
    return {step.opname for step in steps} <= trivial and all(c in (None, ...) for c in constants)


def resolve(oracle):
    return oracle() if callable(oracle) and not isinstance(oracle, Tensor) else oracle


def tidy(option) -> str:
    return str(option).strip(" .()").casefold()


def as_tuple(draw) -> tuple:
    return draw if isinstance(draw, tuple) else (draw,)


def is_float(value) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def own_copy(value, gradient: bool):
    """A copy that its user may spoil; a float tensor collects gradients if they count."""
    if isinstance(value, Tensor):
        value = value.detach().clone()
        return value.requires_grad_() if gradient and is_float(value) else value
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
    if result is None or result is ...:
        to_array(result)  # which complains
    if not several or len(result) != parts:
        got = f"{len(result)}" if several else describe(result)
        raise Complaint(f"The function should return {parts} results; yours returns {got}.")
    return list(result)


def gradients_of(values: list, inputs: list) -> list[np.ndarray] | None:
    """Of a weighted sum of the values, with respect to each float tensor; None if there is none."""
    total = 0
    for value in values:
        if isinstance(value, Tensor) and value.requires_grad:
            weights = torch.linspace(1, 2, value.numel(), dtype=value.dtype).reshape(value.shape)
            total = total + (weights * value).sum()
    if not isinstance(total, Tensor):
        return None
    leaves = [value for value in inputs if is_float(value)]
    found = torch.autograd.grad(total, leaves, allow_unused=True)
    return [
        (torch.zeros_like(leaf) if gradient is None else gradient).numpy()
        for leaf, gradient in zip(leaves, found, strict=True)
    ]
