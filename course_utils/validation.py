"""What may come in: the decorator ``validated``, and one check for each kind of argument.

A check takes an argument's name and value and gives back the value as the course uses it. What has
one reading is converted; the rest is a ValueError of one sentence: what was expected, what came.
``check.refuses`` holds examples: the tests give them to every function that uses the check.
"""

import functools
import inspect
import math
import numbers
import sys

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

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


def refuses(*examples):
    """Attach to a check what it refuses; a column of six is expected where data are."""

    def attach(check):
        check.refuses = examples
        return check

    return attach


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

NO_NUMBERS = ("1", None, math.nan, math.inf, [1], True)


def is_real(value) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def integer(low: int):
    """The check for a whole number of at least ``low``; 1e3 is one."""

    @refuses(*NO_NUMBERS, low - 1, low + 0.5)
    def check(name, value) -> int:
        if not is_real(value) or value != value // 1 or value < low:
            raise ValueError(f"expected a whole number {name} >= {low}, got {what_came(value)}")
        return int(value)

    return check


def number(*, above: float = -math.inf, at_least: float = -math.inf):
    """The check for a finite number, ``above`` a bound or ``at_least`` one."""

    @refuses(*NO_NUMBERS, above, at_least - 1)
    def check(name, value) -> float:
        if not (is_real(value) and math.isfinite(value) and value > above and value >= at_least):
            bound = f" > {above:g}" if math.isfinite(above) else ""
            bound += f" >= {at_least:g}" if math.isfinite(at_least) else ""
            raise ValueError(f"expected a finite number {name}{bound}, got {what_came(value)}")
        return float(value)

    return check


@refuses(*NO_NUMBERS, 0, 1, 95)
def probability(name, value) -> float:
    """A probability strictly between 0 and 1."""
    if not (is_real(value) and 0 < value < 1):
        percent = is_real(value) and 1 < value < 100
        advice = f": type {name}={value / 100:g}" if percent else ""
        raise ValueError(f"expected 0 < {name} < 1, got {what_came(value)}{advice}")
    return float(value)


# Words and functions


@refuses(None, 3, ["03-1"])
def word(name, value) -> str:
    """A word, as the key of an exercise is."""
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text, as '03-1' or '03' is, got {what_came(value)}")
    return value


@refuses(None, 3.0, "mean_nll")
def function(name, value):
    """Something to call."""
    if not callable(value):
        raise ValueError(f"{name} must be a function, got {what_came(value)}")
    return value


# Data

ONES = torch.ones(6, 1, dtype=DTYPE)
NO_ARRAYS = (
    *(None, 1.0, {1.0, 2.0}, [["red"]] * 6, [[1.0], [2.0, 3.0]], [1, 2, None, 4, 5, 6]),
    *(np.array(["2026-01-01"] * 6, dtype="datetime64[D]"), ONES.to(torch.complex128)),
    *(np.ma.array(np.ones(6), mask=[0, 0, 1, 0, 0, 0]), torch.tensor(1.0), ONES[..., None]),
    *(ONES[:0], ONES[:, :0], ONES / torch.arange(6)[:, None], ONES * math.nan),
)


@refuses(*NO_ARRAYS)
def array(name: str, value) -> Tensor:
    """Finite real numbers as a float64 tensor (n, d) on the CPU; one column (n,) becomes (n, 1).

    Read are tensors, which keep their graph, and what numpy reads (lists, pandas).
    """
    if not isinstance(value, Tensor):
        if np.ma.is_masked(value):
            raise ValueError(f"{name} has masked values: type {name}.compressed(), or fill them")
        try:
            given = np.asarray(value)
            if given.dtype.kind not in "iufbO":
                raise TypeError(f"numpy reads {given.dtype}")
            value = torch.from_numpy(given.astype(np.float64))  # fails for text among objects
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{name} must hold real numbers in rows of one length, got {what_came(value)}: "
                f"{error}"
            ) from error
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


@refuses(*NO_ARRAYS, -ONES)
def sigmas(name: str, value) -> Tensor:
    """Standard deviations (n, d), none negative; 0 is the limit of a sure prediction."""
    value = array(name, value)
    advice = ": is it log σ², and are the arguments in order (y, mu, sigma)?"
    refuse_where(value < 0, name, value, "must not be negative", advice)
    return value


@refuses(*sigmas.refuses, 0 * ONES)
def positive_sigmas(name: str, value) -> Tensor:
    """Standard deviations > 0, for what has no limit at 0."""
    value = sigmas(name, value)
    refuse_where(value == 0, name, value, "must be > 0")
    return value


@refuses(*NO_ARRAYS, torch.cat([ONES, ONES], dim=1))
def column(name: str, value) -> Tensor:
    """A column (n, 1) without a graph: what is drawn or counted, or one score a case."""
    value = array(name, value).detach()
    if value.shape[1] != 1:
        raise ValueError(
            f"{name} must be one column, got shape {tuple(value.shape)}: type {name}[:, :1], "
            "and so on for the others"
        )
    return value


@refuses(*column.refuses, -ONES)
def sigma_column(name: str, value) -> Tensor:
    """A column of standard deviations."""
    return sigmas(name, column(name, value))


def x_and_y(x, y, of: str = "") -> tuple[Tensor, Tensor]:
    """x (n, d) and y (n, k), finite float64 without a graph, of the same n."""
    if isinstance(x, Dataset | DataLoader):
        raise ValueError(
            f"expected all of x and y as tensors, got {what_came(x)}: type x, y = "
            "next(iter(DataLoader(dataset, len(dataset)))), and batch_size= for minibatches"
        )
    x, y = array(f"{of}x", x).detach(), array(f"{of}y", y).detach()
    if len(x) != len(y):
        raise ValueError(
            f"expected {of}x (n, d) and {of}y (n, k) with the same n, got {tuple(x.shape)} and "
            f"{tuple(y.shape)}: one row for each case"
        )
    return x, y
