"""What may come in: the decorator ``validated``, and one check for each kind of argument.

A check takes an argument's name and value and gives back the value as the course uses it. What has
one reading is converted; the rest is a ValueError of one sentence: what was expected, what came.
"""

import functools
import inspect
import math
import numbers
import sys

import numpy as np
import torch
from torch import Tensor

DTYPE = torch.float64


def validated(**checks):
    """Each argument named goes through its check, unless it is left out, or None by default.

    It is examined once, where it enters: what a function's own module hands over has been.
    """

    def decorate(function):
        signature = inspect.signature(function)
        home = inspect.unwrap(function).__globals__

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            if sys._getframe(1).f_globals is home:
                return function(*args, **kwargs)
            given = signature.bind(*args, **kwargs)
            for name, value in given.arguments.items():
                by_default = value is None and signature.parameters[name].default is None
                if name in checks and not by_default:
                    given.arguments[name] = checks[name](name, value)
            return function(*given.args, **given.kwargs)

        wrapper.checks = checks
        return wrapper

    return decorate


def what_came(value) -> str:
    """A value in a few words, for the end of a sentence."""
    if isinstance(value, Tensor | np.ndarray):
        kind = str(value.dtype).removeprefix("torch.")
        return f"a {kind} {type(value).__name__} of shape {tuple(value.shape)}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if value is None or isinstance(value, str | bool | numbers.Number):
        return repr(value)[:40]
    if isinstance(value, tuple | list):
        of = f": {what_came(value[0])}, ..." if len(value) else ""
        return f"a {type(value).__name__} of {len(value)}{of}"
    return f"a {type(value).__name__}"


# Numbers


def number(kind=float, *, above=-math.inf, at_least=-math.inf, below=math.inf):
    """The check for a finite number within bounds; of ``kind=int`` for a whole one, and 1e3 is."""
    bounds = {">": above, ">=": at_least, "<": below}
    rule = " and".join(f" {sign} {b:g}" for sign, b in bounds.items() if math.isfinite(b))

    def check(name, value):
        real = isinstance(value, numbers.Real) and not isinstance(value, bool)
        within = real and above < value < below and value >= at_least  # not so of nan, inf
        if not within or (kind is int and value % 1):
            what = "a whole" if kind is int else "a finite"
            advice = f": type {name}={value / 100:g}" if real and below == 1 < value < 100 else ""
            came = what_came(value)
            raise ValueError(f"expected {what} number {name}{rule}, got {came}{advice}")
        return kind(value)

    return check


probability = number(above=0, below=1)


def integer(low: int):
    """The check for a whole number of at least ``low``."""
    return number(int, at_least=low)


# Data


def array(name: str, value) -> Tensor:
    """Finite real numbers as a float64 tensor (n, d) on the CPU; one column (n,) becomes (n, 1).

    Read are tensors, which keep their graph, and what numpy reads (lists, pandas).
    """
    if not isinstance(value, Tensor):
        try:
            given = np.ma.filled(value, math.nan)  # what is masked is missing
            if given.dtype.kind not in "iufbO":
                raise TypeError(f"numpy reads {given.dtype}")
            value = torch.from_numpy(given.astype(np.float64))  # fails for text among objects
        except (TypeError, ValueError) as error:
            came = what_came(value)
            raise ValueError(f"{name} must hold real numbers, got {came}: {error}") from error
    if value.is_complex() or value.ndim not in (1, 2) or value.numel() == 0:
        raise ValueError(f"{name} must hold real numbers (n, d), got {what_came(value)}")
    value = value.to("cpu", DTYPE)
    value = value[:, None] if value.ndim == 1 else value
    refuse_where(~value.isfinite(), name, value, "must be finite")
    return value


def refuse_where(bad: Tensor, name: str, value: Tensor, rule: str, advice="") -> None:
    """A ValueError that names the first place where ``bad`` (n, d) is true, if there is one."""
    if bad.any():
        row, column = bad.nonzero()[0].tolist()
        place = f"row {row}" + (f", column {column}" if value.shape[1] > 1 else "")
        count = f"{int(bad.any(dim=1).sum())} of {len(value)} rows"
        came = f"got {value[row, column].item():g} in {place} ({count})"
        raise ValueError(f"{name} {rule}, {came}{advice}")


def sigmas(name: str, value) -> Tensor:
    """Standard deviations (n, d), none negative; 0 is the limit of a sure prediction."""
    value = array(name, value)
    advice = ": is it log σ², and are the arguments in order (y, mu, sigma)?"
    refuse_where(value < 0, name, value, "must not be negative", advice)
    return value


def positive_sigmas(name: str, value) -> Tensor:
    """Standard deviations > 0, for what has no limit at 0."""
    value = sigmas(name, value)
    refuse_where(value == 0, name, value, "must be > 0")
    return value


def column(name: str, value) -> Tensor:
    """A column (n, 1) without a graph: what is drawn or counted, or one score a case."""
    value = array(name, value).detach()
    if value.shape[1] != 1:
        raise ValueError(f"{name} must be one column, got {value.shape[1]}: type {name}[:, :1]")
    return value


def x_and_y(x, y, of: str = "") -> tuple[Tensor, Tensor]:
    """x (n, d) and y (n, k), finite float64 without a graph, of the same n."""
    x, y = array(f"{of}x", x).detach(), array(f"{of}y", y).detach()
    if len(x) != len(y):
        raise ValueError(
            f"expected {of}x (n, d) and {of}y (n, k) with the same n, got {tuple(x.shape)} and "
            f"{tuple(y.shape)}: one row for each case"
        )
    return x, y
