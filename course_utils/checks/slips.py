"""Rules for slips that no list holds: a number made of the exercise's own, a term, an input."""

import contextlib
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch

NEARBY = 120  # expressions within ten times the answer: of random numbers, one in fifteen is one

Small = tuple[int, str, float]  # an expression: how far from simple, how it reads, its value
Slip = tuple[str, Callable]  # what is said to it, and a function as the learner's is

POWERS = ((1, 0, "{}"), (2, 1, "{}²"), (-1, 1, "1 / {}"), (0.5, 2, "√{}"), (-2, 2, "1 / {}²"))
FUNCTIONS = (
    (lambda v: 2 * v, 1, "2 · {}"),
    (lambda v: v / 2, 1, "½ · {}"),
    (math.sqrt, 1, "√{}"),
    (lambda v: v**2, 1, "{}²"),
    (lambda v: 1 / v, 1, "1 / {}"),
    (math.exp, 2, "exp {}"),
    (math.log, 2, "log {}"),
)
# What may stand in the place of an input, and what a term may be multiplied by.
CHANGES: dict[str, Callable] = {
    "2 · {}": lambda v: 2 * v,
    "½ · {}": lambda v: v / 2,
    "−{}": lambda v: -v,
    "{}²": lambda v: v**2,
    "√{}": lambda v: v**0.5,
    "1 / {}": lambda v: 1 / v,
    "exp({})": torch.exp,
    "log({})": torch.log,
    "½ · log({})": lambda v: torch.log(v) / 2,
    "exp(½ · {})": lambda v: torch.exp(v / 2),
    "|{}|": torch.abs,
    "0": lambda v: 0 * v,
    "1": lambda v: 0 * v + 1,
    "the mean of {}": lambda v: 0 * v + v.mean(),
    "{} of shape (1, n)": lambda v: v.T if v.shape[-1:] == (1,) else v,
    "{} without its gradient": torch.detach,
}
FACTORS: dict[str, Callable] = {
    "missing": lambda *_: 0,
    "of the wrong sign": lambda *_: -1,
    "there twice": lambda *_: 2,
    "halved": lambda *_: 0.5,
}
SIZES: dict[str, Callable] = {
    "divided by the number of values": lambda it, *_: 1 / it.numel(),
    "divided by the number of rows": lambda it, *_: 1 / len(it),
    "divided by the number of columns": lambda it, *_: len(it) / it.numel(),
    "multiplied by the number of rows": lambda it, *_: len(it),
}


def combined(a: Small, b: Small) -> Iterator[Small]:
    """Sum, differences, product and ratios; two of one power are as simple as one of it."""
    cost = 1 + (a[0] if a[0] == b[0] else a[0] + b[0])
    yield cost, f"{a[1]} + {b[1]}", a[2] + b[2]
    for one, other in ((a, b), (b, a)):
        yield cost, f"{one[1]} − {other[1]}", one[2] - other[2]
        if " / " not in a[1] + b[1] and other[2]:
            below = f"({other[1]})" if " " in other[1] else other[1]
            yield cost, f"{one[1]} / {below}", one[2] / other[2]
    if " / " not in a[1] + b[1]:
        yield cost, f"{a[1]} · {b[1]}", a[2] * b[2]


def expressions(parts: Mapping[str, float]) -> Iterator[Small]:
    """Small expressions of the parts and 1: powers, two of these combined, a function of that."""
    powers = [[(0, "1", 1.0)]]
    for name, value in parts.items():
        plain = name if re.fullmatch("[^ ²/^]+", name) else f"({name})"
        read = [name, *(words.format(plain) for _, _, words in POWERS[1:])]
        powers.append([(POWERS[k][1], it, value ** POWERS[k][0]) for k, it in enumerate(read)])
    small = list(itertools.chain(*powers))
    for one, other in itertools.combinations(powers, 2):
        small += itertools.chain(*itertools.starmap(combined, itertools.product(one, other)))
    yield from small
    for (function, more, words), (cost, read, value) in itertools.product(FUNCTIONS, small):
        with contextlib.suppress(ArithmeticError, ValueError):
            read = words.format(f"({read})" if " " in read else read)
            yield cost + more, read, function(value)


def of_numbers(
    wanted: float, tolerance: float, known: Iterable, parts: Mapping[str, float]
) -> dict[float, str]:
    """The known wrong numbers, then the simplest expressions of the parts; each with a sentence."""
    simplest = sorted(expressions(parts), key=lambda small: small[0]) if parts else []
    made = ((value, f"This is {words}. Is that what is asked?") for _, words, value in simplest)
    found: dict[float, str] = {}
    nearby = 0
    for value, said in itertools.chain(known, made):
        value = float(f"{value:.6g}")
        if tolerance * abs(wanted) < abs(value - wanted) < math.inf and value not in found:
            found[value] = said
            nearby += abs(wanted) <= 10 * abs(value) <= 100 * abs(wanted)
            if nearby == NEARBY or len(found) == 3 * NEARBY:
                break
    return found


def said_to(number: float, known: Mapping[float, str]) -> str:
    """What is said to a number, compared in as many digits as it has, but in three or four."""
    digits = min(4, max(3, len(f"{number:.6g}".partition("e")[0].replace(".", "").strip("-0"))))
    shown = f"{number:.{digits}g}"
    return next((said for value, said in known.items() if f"{value:.{digits}g}" == shown), "")


def scaled(function: Callable, factor: Callable) -> Callable:
    return lambda *inputs: factor(*inputs) * function(*inputs)


def with_change(function: Callable, place: int, change: Callable) -> Callable:
    """The function with one input changed, if that is floating numbers."""

    def answer(*inputs):
        value = inputs[place]
        if isinstance(value, float | np.ndarray):
            value = change(torch.as_tensor(value)).numpy()[()]
        elif value.is_floating_point():
            value = change(value)
        return function(*inputs[:place], value, *inputs[place + 1 :])

    return answer


def of_inputs(oracle: Callable, names: Sequence[str]) -> Iterator[Slip]:
    """The oracle with one input changed, or taken for another, or two of them exchanged."""
    instead = "Your values are right for {} in the place of {}."
    for said, factor in SIZES.items():
        yield f"This is what is asked, {said}.", scaled(oracle, factor)
    for (i, name), (words, change) in itertools.product(enumerate(names), CHANGES.items()):
        yield instead.format(words.format(name), name), with_change(oracle, i, change)
    for i, j in itertools.permutations(range(len(names)), 2):
        order = [j if k == i else k for k in range(len(names))]
        yield instead.format(names[j], names[i]), reordered(oracle, order)
    for i, j in itertools.combinations(range(len(names)), 2):
        order = [{i: j, j: i}.get(k, k) for k in range(len(names))]
        said = f"Your values are right for {names[i]} and {names[j]} exchanged."
        yield said, reordered(oracle, order)


def reordered(function: Callable, order: Sequence[int]) -> Callable:
    return lambda *inputs: function(*(inputs[k] for k in order))


def of_terms(
    terms: Mapping[str, Callable], outer: Callable, names: Sequence[str] = ()
) -> Iterator[Slip]:
    """The sum with some of its terms of a wrong size, or with a wrong input in one of them."""

    def total(other: dict) -> Callable:
        pieces = [other.get(name, term) for name, term in terms.items()]
        return lambda *inputs: outer(sum(piece(*inputs) for piece in pieces))

    for many in range(1, len(terms)):
        sizes = FACTORS | SIZES if names else FACTORS
        for (said, factor), wrong in itertools.product(
            sizes.items(), itertools.combinations(terms, many)
        ):
            are = "The term {} is" if many == 1 else "The terms {} are"
            slip = total({name: scaled(terms[name], factor) for name in wrong})
            yield f"{are.format(' and '.join(wrong))} {said}.", slip
    for name, (i, given) in itertools.product(terms, enumerate(names)):
        for words, change in CHANGES.items():
            said = f"In the term {name}, {words.format(given)} stands in the place of {given}."
            yield said, total({name: with_change(terms[name], i, change)})
    for a, b in itertools.combinations(terms, 2):
        for (of_a, f), (of_b, g) in itertools.permutations(FACTORS.items(), 2):
            both = total({a: scaled(terms[a], f), b: scaled(terms[b], g)})
            yield f"The term {a} is {of_a}, and the term {b} is {of_b}.", both
