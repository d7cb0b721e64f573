"""Rules for slips that no list holds: a number made of the exercise's own, a term, an input."""

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

NEARBY = 100  # expressions within ten times the answer: of random numbers, a tenth at most is met

Small = tuple[float, str, float]  # an expression: how far from simple, how it reads, its value
Slip = tuple[str, Callable]  # what is said to it, and a function as the learner's is

# What may stand in the place of an input or a number.
CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "2 · {}": lambda v: 2 * v,
    "½ · {}": lambda v: v / 2,
    "−{}": lambda v: -v,
    "{}²": lambda v: v**2,
    "√{}": lambda v: v**0.5,
    "1 / {}": lambda v: 1 / v,
    "1 / {}²": lambda v: v**-2,
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
POWERS = {"{}²": 1, "1 / {}": 1.1, "√{}": 2, "1 / {}²": 2.1}  # how far from simple each is
FUNCTIONS = {"2 · {}": 1, "½ · {}": 1, "√{}": 1, "{}²": 1, "1 / {}": 1, "exp({})": 2, "log({})": 2}
# What a term may be multiplied by.
FACTORS: dict[str, Callable] = {
    "missing": lambda *_: 0,
    "of the wrong sign": lambda *_: -1,
    "there twice": lambda *_: 2,
    "halved": lambda *_: 0.5,
}
SIZES: dict[str, Callable] = {
    "divided by the number of values": lambda it, *_: 1 / it.numel(),
    "divided by the number of rows": lambda it, *_: 1 / it.shape[:1].numel(),
    "divided by the number of columns": lambda it, *_: 1 / it.shape[1:].numel(),
    "multiplied by the number of rows": lambda it, *_: it.shape[:1].numel(),
}


def worded(words: str, name: str) -> str:
    """A name in a formula, in brackets if it needs them there."""
    bare = not re.search("[²√/·−]", words) or re.fullmatch(r"[^ ²/^]+|\(.+\)", name)
    return words.format(name if bare else f"({name})")


def combined(a: Small, b: Small) -> Iterator[Small]:
    """Product and ratios; of two of one power, or of 1 and another, also sum and differences."""
    alike = a[0] == b[0] or a[1] == "1"
    cost = 1 + (max(a[0], b[0]) if alike else a[0] + b[0])
    if alike:
        yield cost, f"{a[1]} + {b[1]}", a[2] + b[2]
        yield cost, f"{a[1]} − {b[1]}", a[2] - b[2]
        yield cost, f"{b[1]} − {a[1]}", b[2] - a[2]
    if " / " not in a[1] + b[1]:
        yield cost, f"{a[1]} · {b[1]}", a[2] * b[2]
        for top, below in ((a, b), (b, a)):
            read = f"({below[1]})" if " " in below[1] else below[1]
            yield cost, f"{top[1]} / {read}", top[2] / (below[2] or math.nan)


def expressions(parts: Mapping[str, float]) -> Iterator[Small]:
    """Small expressions of the parts and 1: powers, two of these combined, a function of that."""
    powers = [[(0, "1", 1.0)]]
    for name, value in parts.items():
        it = torch.tensor(value, dtype=torch.float64)
        of_it = [(cost, worded(p, name), CHANGES[p](it).item()) for p, cost in POWERS.items()]
        powers.append([(0, name, it.item()), *of_it])
    small = list(itertools.chain(*powers))
    for one, other in itertools.combinations(powers, 2):
        small += itertools.chain(*itertools.starmap(combined, itertools.product(one, other)))
    yield from small
    values = torch.tensor([value for *_, value in small[1:]], dtype=torch.float64)
    for words, more in FUNCTIONS.items():
        for (cost, read, _), value in zip(small[1:], CHANGES[words](values).tolist(), strict=True):
            yield cost + more, worded(words, read), value


def of_numbers(
    wanted: float, tolerance: float, known: Sequence, parts: Mapping[str, float]
) -> dict[float, str]:
    """The known wrong numbers, then the simplest expressions of the parts; each with a sentence."""
    simplest = sorted(expressions(parts), key=lambda small: small[0]) if parts else []
    made = [(value, f"This is {words}. Is that what is asked?") for _, words, value in simplest]
    found: dict[float, str] = {}
    nearby = 0
    for k, (value, said) in enumerate([*known, *made]):
        value = float(f"{value:.6g}")
        if tolerance * abs(wanted) < abs(value - wanted) < math.inf and value not in found:
            found[value] = said
            nearby += k >= len(known) and abs(wanted) <= 10 * abs(value) <= 100 * abs(wanted)
            if nearby == NEARBY or len(found) == 4 * NEARBY:
                break
    return found


def said_to(number: float, known: Mapping[float, str]) -> str:
    """What is said to a number, compared in as many digits as it has, but in three or four."""
    digits = min(4, max(3, len(f"{number:.6g}".partition("e")[0].replace(".", "").strip("-0"))))
    shown = f"{number:.{digits}g}"
    return next((said for value, said in known.items() if f"{value:.{digits}g}" == shown), "")


def scaled(function: Callable, factor: Callable) -> Callable:
    return lambda *inputs: factor(*inputs) * function(*inputs)


def after(steps: Iterable[Callable], function: Callable) -> Callable:
    return lambda *inputs: function(*(step(*inputs) for step in steps))


def taken(place: int, change: Callable = lambda value: value) -> Callable:
    """The input of that place; changed, if it is floating numbers."""

    def step(*inputs):
        value = inputs[place]
        is_floating = isinstance(value, Tensor) and value.is_floating_point()
        return change(value) if is_floating else value

    return step


def with_input(function: Callable, names: Sequence[str], place: int, step: Callable) -> Callable:
    """The function with the input of a place made by a step of all inputs."""
    return after([step if k == place else taken(k) for k in range(len(names))], function)


def of_inputs(function: Callable, names: Sequence[str]) -> Iterator[Slip]:
    """The function with one input changed, or taken for another, or two of them exchanged."""
    instead = "Your values are right for {} in the place of {}."
    for said, factor in SIZES.items():
        yield f"This is what is asked, {said}.", scaled(function, factor)
    for (i, name), (words, change) in itertools.product(enumerate(names), CHANGES.items()):
        slip = with_input(function, names, i, taken(i, change))
        yield instead.format(worded(words, name), name), slip
    for (i, a), (j, b) in itertools.permutations(enumerate(names), 2):
        yield instead.format(b, a), with_input(function, names, i, taken(j))
        exchanged = [taken({i: j, j: i}.get(k, k)) for k in range(len(names))]
        yield f"Your values are right for {a} and {b} exchanged.", after(exchanged, function)


def of_terms(
    terms: Mapping[str, Callable], outer: Callable, steps: Mapping[str, Callable]
) -> Iterator[Slip]:
    """The sum with some of its terms of a wrong size, or with a wrong step in one or all."""

    def total(**other) -> Callable:
        pieces = (terms | other).values()
        return after(steps.values(), lambda *made: outer(sum(term(*made) for term in pieces)))

    order, sizes, names = list(terms), FACTORS | SIZES if steps else FACTORS, list(steps)
    for many, first in itertools.product(range(1, len(terms)), range(len(terms))):
        wrong = order[first : first + many]  # neighbours: the terms of an NLL, say
        are = "The term {} is" if len(wrong) == 1 else "The terms {} are"
        for said, factor in sizes.items():
            slip = total(**{name: scaled(terms[name], factor) for name in wrong})
            yield f"{are.format(' and '.join(wrong))} {said}.", slip
    for name, (i, step) in itertools.product(terms, enumerate(names)):
        for words, change in CHANGES.items():
            said = f"In the term {name}, {worded(words, step)} stands in the place of {step}."
            yield said, total(**{name: with_input(terms[name], names, i, taken(i, change))})
    for a, b in itertools.combinations(terms, 2):
        for (of_a, f), (of_b, g) in itertools.product(FACTORS.items(), repeat=2):
            both = total(**{a: scaled(terms[a], f), b: scaled(terms[b], g)})
            yield f"The term {a} is {of_a}, and the term {b} is {of_b}.", both
    if terms:
        said = "Here is done to each term what is to be done to their sum."
        each = [lambda *made, term=term: outer(term(*made)) for term in terms.values()]
        yield said, after(steps.values(), lambda *made: sum(term(*made) for term in each))
        whole = of_inputs(lambda *made: outer(sum(it(*made) for it in terms.values())), names)
        yield from ((said, after(steps.values(), slip)) for said, slip in whole if steps)
