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

POWERS = ((1, 0, "{}"), (2, 1, "{}²"), (-1, 1.1, "1 / {}"), (0.5, 2, "√{}"), (-2, 2.1, "1 / {}²"))
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


def worded(words: str, name: str) -> str:
    """A name in a formula, in brackets if it needs them there."""
    bare = words == "{}" or "{})" in words or re.fullmatch(r"[^ ²/^]+|\(.+\)", name)
    return words.format(name if bare else f"({name})")


def combined(a: Small, b: Small) -> Iterator[Small]:
    """Product and ratios; of two of one power, or of 1 and another, also sum and differences."""
    alike = a[0] == b[0] or a[1] == "1"
    cost = 1 + (max(a[0], b[0]) if alike else a[0] + b[0])
    if alike:
        yield cost, f"{a[1]} + {b[1]}", a[2] + b[2]
    for one, other in ((a, b), (b, a)):
        if alike:
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
        powers.append([(cost, worded(words, name), value**p) for p, cost, words in POWERS])
    small = list(itertools.chain(*powers))
    for one, other in itertools.combinations(powers, 2):
        small += itertools.chain(*itertools.starmap(combined, itertools.product(one, other)))
    yield from small
    for (function, more, words), (cost, read, value) in itertools.product(FUNCTIONS, small):
        with contextlib.suppress(ArithmeticError, ValueError):
            yield cost + more, worded(words, read), function(value)


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


def after(steps: Sequence[Callable], function: Callable) -> Callable:
    return lambda *inputs: function(*(step(*inputs) for step in steps))


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


def of_inputs(function: Callable, names: Sequence[str]) -> Iterator[Slip]:
    """The function with one input changed, or taken for another, or two of them exchanged."""
    instead = "Your values are right for {} in the place of {}."
    places = range(len(names))
    for said, factor in SIZES.items():
        yield f"This is what is asked, {said}.", scaled(function, factor)
    for i, (words, change) in itertools.product(places, CHANGES.items()):
        yield instead.format(worded(words, names[i]), names[i]), with_change(function, i, change)
    for i, j in itertools.permutations(places, 2):
        order = [taken(j if k == i else k) for k in places]
        yield instead.format(names[j], names[i]), after(order, function)
    for i, j in itertools.combinations(places, 2):
        order = [taken({i: j, j: i}.get(k, k)) for k in places]
        said = f"Your values are right for {names[i]} and {names[j]} exchanged."
        yield said, after(order, function)


def taken(place: int) -> Callable:
    return lambda *inputs: inputs[place]


def of_terms(
    terms: Mapping[str, Callable], outer: Callable, names: Sequence[str] = ()
) -> Iterator[Slip]:
    """The sum with some of its terms of a wrong size, or with a wrong input in one or all."""

    def total(**other) -> Callable:
        return lambda *inputs: outer(sum(term(*inputs) for term in (terms | other).values()))

    order, sizes = list(terms), FACTORS | SIZES if names else FACTORS
    for many, first in itertools.product(range(1, len(terms)), range(len(terms))):
        wrong = order[first : first + many]  # neighbours: the terms of an NLL, say
        are = "The term {} is" if len(wrong) == 1 else "The terms {} are"
        for said, factor in sizes.items():
            slip = total(**{name: scaled(terms[name], factor) for name in wrong})
            yield f"{are.format(' and '.join(wrong))} {said}.", slip
    for name, (i, step) in itertools.product(terms, enumerate(names)):
        for words, change in CHANGES.items():
            said = f"In the term {name}, {worded(words, step)} stands in the place of {step}."
            yield said, total(**{name: with_change(terms[name], i, change)})
    if terms:
        each = [lambda *inputs, term=term: outer(term(*inputs)) for term in terms.values()]
        said = "Here is done to each term what is to be done to their sum."
        yield said, lambda *inputs: sum(term(*inputs) for term in each)
    for a, b in itertools.combinations(terms, 2):
        for (of_a, f), (of_b, g) in itertools.product(FACTORS.items(), repeat=2):
            both = total(**{a: scaled(terms[a], f), b: scaled(terms[b], g)})
            yield f"The term {a} is {of_a}, and the term {b} is {of_b}.", both
    if names:
        yield from of_inputs(total(), names)
