"""Answers as arrays, when two are the same, and what wrong ones have in common."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from course_utils.checks.guard import Complaint

NOT_ATTEMPTED = "Not attempted yet: replace the `...`, then run this cell again."


def describe(answer) -> str:
    kind = type(answer).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def to_array(value) -> np.ndarray:
    """Numbers of any kind as an array; float32 stays float32, to be judged less closely."""
    if value is None:
        raise Complaint("The function returns None: is the `return` missing?")
    if value is ...:
        raise Complaint(NOT_ATTEMPTED, attempted=False)
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    elif isinstance(value, list | tuple) and any(isinstance(item, Tensor) for item in value):
        value = torch.stack([torch.as_tensor(item) for item in value]).detach().numpy()
    if isinstance(value, str | bytes):
        raise Complaint(f"Numbers are wanted here, and this is {describe(value)}.")
    try:
        array = np.asarray(value)
        if array.dtype.kind == "c":
            raise TypeError("complex")
        return array if array.dtype == np.float32 else array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise Complaint(f"Numbers are wanted here, and this is {describe(value)}.") from None


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


def same(found: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    """Equal numbers of one shape; single numbers may be (), (1,) or (1, 1)."""
    if found.shape != expected.shape and not found.size == expected.size == 1:
        return False
    if np.float32 in (found.dtype, expected.dtype):
        tolerance = max(tolerance, 1e-4)
    found, expected = found.reshape(expected.shape), expected.astype(np.float64)
    return np.allclose(found, expected, rtol=0, atol=tolerance * scale(expected), equal_nan=True)


def all_same(found: Sequence, expected: Sequence, tolerance: float) -> bool:
    return len(found) == len(expected) and all(
        same(a, b, tolerance) for a, b in zip(found, expected, strict=True)
    )


def flat(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    return [array.ravel() for array in arrays]


def number(value) -> str:
    """Up to three significant digits."""
    return f"{float(f'{float(value):.3g}') + 0.0:g}"


def pattern(found: list, wanted: list, tolerance: float) -> str:
    """What the wrong values have in common over all draws; empty if nothing."""

    def matches(change) -> bool:
        return all_same(found, [np.asarray(change(b)) for b in wanted], tolerance)

    for a in found:
        if not np.isfinite(a).all():
            kind = "NaN (not a number)" if np.isnan(a).any() else "infinite"
            place = f", first at position {np.argwhere(~np.isfinite(a))[0].tolist()}"
            return f"The result is {kind}{place if a.size > 1 else ''}."
    for a, b in zip(found, wanted, strict=True):
        if a.shape != b.shape and not a.size == b.size == 1:
            shapes = f"the shape is {a.shape} where {b.shape} is expected."
            if all_same(flat(found), flat(wanted), tolerance):
                return f"The numbers are right; {shapes}"
            for change, name in ((np.mean, "mean"), (np.sum, "sum")):
                if matches(change):
                    return f"This is the {name} of what is wanted, which is one value a point."
            square = b.ndim == 2 and a.shape == (len(b), len(b))
            hint = " Somewhere (n,) met (n, 1), and broadcasting made (n, n) of it."
            return shapes.capitalize() + (hint if square else "")
    if matches(np.negative):
        return "The magnitude is right; the sign is the other one."
    a, b = np.concatenate(flat(found)), np.concatenate(flat(wanted))
    if a.size > 2 and (b != 0).all():  # any factor fits one number
        factor, offset = np.median(a / b), np.median(a - b)
        if same(a, b * factor, tolerance):
            return f"Every value is {number(factor)} times the expected one: a factor is wrong."
        if same(a, b + offset, tolerance):
            side = "above" if offset > 0 else "below"
            return (
                f"Every value is {number(abs(offset))} {side} the expected one: a term that does "
                "not depend on the inputs is wrong or missing."
            )
    return ""
