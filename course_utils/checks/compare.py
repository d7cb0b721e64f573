"""Answers as arrays, when two are the same, and what wrong ones have in common."""

import contextlib
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.checks.guard import Complaint

NOT_ATTEMPTED = "Not attempted yet: replace the `...`, then run this cell again."
NOTHING = "The function returns None: is it still to be written, or is the `return` missing?"


def describe(answer) -> str:
    kind = type(answer).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def to_array(value) -> np.ndarray:
    """Numbers of any kind as an array; float32 stays float32, to be judged less closely."""
    if value is None:
        raise Complaint(NOTHING, attempted=False)
    if value is ...:
        raise Complaint(NOT_ATTEMPTED, attempted=False)
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        value = (value.double() if value.dtype == torch.bfloat16 else value).numpy()
    elif isinstance(value, list | tuple) and any(isinstance(item, Tensor) for item in value):
        value = torch.stack([torch.as_tensor(item) for item in value]).detach().numpy()
    if isinstance(value, str | bytes):
        read = parsed(value) if isinstance(value, str) else None
        advice = "" if read is None else f": type {read:.10g}, without quotes"
        raise Complaint(f"Numbers are wanted here, and this is {describe(value)}{advice}.")
    try:
        array = np.asarray(value)
        if array.dtype.kind == "c":
            raise TypeError("complex")
        return array if array.dtype == np.float32 else array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise Complaint(f"Numbers are wanted here, and this is {describe(value)}.") from None


def parsed(said: str) -> float | None:
    """The number that a text says, as "95 %", "94,5" or "1e-3"; None if there is not just one."""
    found = re.fullmatch(r"\s*([+\-−]?[\d.,]+(?:e[+-]?\d+)?)\s*%?\s*", said, re.IGNORECASE)
    if not found or re.search(r"[1-9]\d*,\d{3}$", found[1]):  # 10,000: ten, or ten thousand?
        return None
    with contextlib.suppress(ValueError):
        return float(found[1].replace(",", ".").replace("−", "-"))
    return None


def plain_number(value: Any) -> float | None:
    """A number of any library as a float; None for anything else, a bool too."""
    with contextlib.suppress(Exception):  # whatever a value does when it is looked at
        if not isinstance(value, bool | str | bytes):
            return float(np.asarray(value, dtype=np.float64).reshape(()).item())
    return None


def plain(value) -> np.ndarray | None:
    """An input as an array, to be shown; None if it isn't numbers."""
    try:
        return to_array(value)
    except Complaint:
        return None


def scale(expected: np.ndarray) -> float:
    """The largest magnitude expected: what a tolerance is relative to (1 if all is zero)."""
    finite = np.abs(expected[np.isfinite(expected)])
    return float(finite.max()) if finite.size and finite.max() > 0 else 1.0


def alike(found: np.ndarray, expected: np.ndarray, tolerance: float) -> np.ndarray:
    """Where the numbers of two arrays of one shape are equal; NaN is equal to NaN."""
    if np.float32 in (found.dtype, expected.dtype):
        tolerance = max(tolerance, 1e-4)
    atol = tolerance * scale(expected.astype(np.float64)) * (1 + 1e-9)  # 1.99 is within .01 of 2
    return np.isclose(found, expected, rtol=0, atol=atol, equal_nan=True)


def same(found: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    """Equal numbers of one shape; single numbers may be (), (1,) or (1, 1)."""
    if found.shape != expected.shape and not found.size == expected.size == 1:
        return False
    return bool(alike(found.reshape(expected.shape), expected, tolerance).all())


def all_same(found: Sequence, expected: Sequence, tolerance: float) -> bool:
    return len(found) == len(expected) and all(
        same(a, b, tolerance) for a, b in zip(found, expected, strict=True)
    )


def flat(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    return [array.ravel() for array in arrays]


def number(value, digits: int = 3) -> str:
    """Up to three significant digits."""
    return f"{float(f'{float(value):.{digits}g}') + 0.0:.{max(digits, 6)}g}"


def apart(a, b) -> tuple[str, str]:
    """Two numbers that differ, with as many digits as show it."""
    for digits in range(3, 17):
        if number(a, digits) != number(b, digits):
            break
    return number(a, digits), number(b, digits)


def is_rounded(found: np.ndarray, exact: np.ndarray, digits: int = 2) -> bool:
    """Whether one number is another, no whole one, with only so many of its digits."""
    if found.size != 1 or exact.size != 1 or exact == exact.round():
        return False
    few = float(f"{exact.item():.{digits}g}")
    return found.item() == few and (digits > 1 or few != round(few))


# What a wrong number may be to the right one; each with a sentence.
RELATIONS = (
    (lambda b: 2 * b, "This is twice what is asked."),
    (lambda b: b / 2, "This is half of what is asked."),
    (lambda b: 1 / b, "This is one divided by what is asked: the ratio is upside down."),
    (np.square, "This is the square of what is asked (σ² for σ?)."),
    (np.sqrt, "This is the square root of what is asked (σ for σ²?)."),
    (np.exp, "What is asked is the logarithm of this."),
    (np.log, "This is the logarithm of what is asked."),
    (lambda b: b / math.log(2), "This is in bits; nats need the natural logarithm."),
    (lambda b: b / math.log(10), "This has a logarithm to base 10; nats need the natural one."),
)
OF_SHARES = (
    (lambda b: 100 * b, "This is 100 times what is asked: is it in per cent?"),
    (lambda b: 1 - b, "This is one minus what is asked (outside for inside?)."),
)


def related(wanted: np.ndarray) -> list[tuple[np.ndarray, str]]:
    """What wrong numbers may be to the right ones, with a sentence each."""
    shares = OF_SHARES if ((wanted > 0) & (wanted < 1)).all() else ()
    with np.errstate(all="ignore"):
        return [(change(wanted), sentence) for change, sentence in (*shares, *RELATIONS)]


def not_finite(a: np.ndarray, b: np.ndarray) -> str:
    """A sentence on NaN or ∞ in ``a`` where ``b``, of the same size, is finite."""
    bad = ~np.isfinite(a) & np.isfinite(b.reshape(a.shape))
    if not bad.any():
        return ""
    place = f", first at position {np.argwhere(bad)[0].tolist()}" if a.size > 1 else ""
    if np.isnan(a[bad]).any():
        return f"The result is NaN{place}: a logarithm or a root of a negative number?"
    cause = ": a division by 0, or an exponential too many?" if np.isfinite(b).all() else "."
    return f"The result is infinite{place}{cause}"


def pattern(found: list, wanted: list, tolerance: float) -> str:
    """What the wrong values have in common over all draws; empty if nothing."""

    def matches(change) -> bool:
        return all_same(found, [np.asarray(change(b)) for b in wanted], tolerance)

    for a, b in zip(found, wanted, strict=True):
        if a.size == b.size and not_finite(a, b):
            return not_finite(a, b)
        if a.shape != b.shape and not a.size == b.size == 1:
            shapes = f"the shape is {a.shape} where {b.shape} is expected."
            if all_same(flat(found), flat(wanted), tolerance):
                return f"The numbers are right; {shapes}"
            for change, name in ((np.mean, "mean"), (np.sum, "sum")):
                if matches(change):
                    return f"This is the {name} of what is wanted, which is one value a point."
            for change, missing in ((np.mean, "averaged"), (np.sum, "added up")):
                if b.size == 1 and same(np.asarray(change(a)), b, tolerance):
                    return f"One number is asked, and these are {a.size}, still to be {missing}."
            square = b.ndim == 2 and a.shape == (len(b), len(b))
            hint = " Somewhere (n,) met (n, 1), and broadcasting made (n, n) of it."
            return shapes.capitalize() + (hint if square else "")
    pairs = list(zip(found, wanted, strict=True))
    if all(a.size > 2 and a.any() and np.ptp(a) == 0 < np.ptp(b) for a, b in pairs):
        return "Every row has the same value: was something averaged over the rows?"
    a, b = np.concatenate(flat(found)), np.concatenate(flat(wanted))
    if same(a, -b, tolerance):
        return "The magnitude is right; the sign is the other one."
    known = [said for other, said in related(b) if a.size > 1 and same(a, other, tolerance)]
    if len(known) == 1:
        return known[0]
    if a.size > 2 and (b != 0).all() and np.isfinite(b).all():  # any factor fits one number
        factor, offset = np.median(a / b), np.median(a - b)
        if not a.any():
            return "Every value is 0."
        if same(a, b * factor, tolerance):
            return f"Every value is {number(factor)} times the expected one: a factor is wrong."
        if same(a, b + offset, tolerance):
            side = "above" if offset > 0 else "below"
            return (
                f"Every value is {number(abs(offset))} {side} the expected one: a term that does "
                "not depend on the inputs is wrong or missing."
            )
    return ""
