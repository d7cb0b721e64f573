"""What may come in: one check for each kind of argument, in one place.

A check takes the argument's name and value, and gives back the value as the course uses it. What
can be read in one way only is converted; the rest is refused with a ValueError of one sentence:
what was expected, what came, in which row, and what to type.
"""

import functools
import inspect
import math
import numbers
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.masked import MaskedTensor

DTYPE = torch.float64

# Single arguments


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
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"


def whole(low: int):
    """The check for a whole number of at least ``low``; 1e3 is one."""

    def check(name, value) -> int:
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not number or value != value // 1 or value < low or math.isinf(value):
            raise ValueError(f"expected a whole number {name} >= {low}, got {what_came(value)}")
        return int(value)

    return check


def above(low: float, *, or_equal: bool = False):
    """The check for a finite number above ``low`` (or equal to it)."""

    def check(name, value) -> float:
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not (number and math.isfinite(value) and (value > low or (or_equal and value == low))):
            bound = f" {'>=' if or_equal else '>'} {low:g}" if math.isfinite(low) else ""
            raise ValueError(f"expected a finite number {name}{bound}, got {what_came(value)}")
        return float(value)

    return check


number = above(-math.inf)


def share(name, value) -> float:
    """A probability strictly between 0 and 1."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not (number and 0 < value < 1):
        percent = number and 1 < value < 100
        advice = f": type {name}={value / 100:g}" if percent else ""
        raise ValueError(f"expected 0 < {name} < 1, got {what_came(value)}{advice}")
    return float(value)


def function(name, value):
    """Something to call."""
    if not callable(value):
        raise ValueError(f"{name} must be a function, got {what_came(value)}")
    return value


def text(name, value) -> str:
    """A word, as the key of an exercise is."""
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text, as '03-1' or '03' is, got {what_came(value)}")
    return value


# Data


def values(name: str, value, *, stacked: bool = False) -> Tensor:
    """Finite real numbers as a float64 tensor (n, d); one column (n,) becomes (n, 1).

    Read are tensors, arrays, lists, and what numpy reads (pandas, say). A tensor keeps its graph.
    Unless ``stacked``, more than two dimensions are refused.
    """
    tensor = value if isinstance(value, Tensor) else as_tensor(name, value)
    masked = isinstance(tensor, MaskedTensor)
    if masked or tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested:
        kind = "masked" if masked else "sparse, nested or quantised"
        advice = f"{name}[mask]" if masked else f"{name}.to_dense()"
        raise ValueError(f"{name} must be an ordinary tensor, got a {kind} one: type {advice}")
    if tensor.device.type != "cpu":
        raise ValueError(on_the_cpu(name, tensor))
    if tensor.is_complex() or tensor.dtype == torch.bool:
        advice = f"{name}.real" if tensor.is_complex() else f"{name}.double() for 0 and 1"
        raise ValueError(f"{name} must hold real numbers, got {what_came(tensor)}: type {advice}")
    if tensor.ndim == 0 or (tensor.ndim > 2 and not stacked) or tensor.numel() == 0:
        empty = "an empty" if tensor.numel() == 0 else "a"
        raise ValueError(f"{name} must be (n, d), got {empty} shape {tuple(tensor.shape)}")
    tensor = tensor[:, None] if tensor.ndim == 1 else tensor
    tensor = tensor.to(DTYPE)
    refuse(name, ~tensor.isfinite(), tensor, "must be finite")
    return tensor


stacked_values = functools.partial(values, stacked=True)


def as_tensor(name: str, value) -> Tensor:
    """A float64 copy of what numpy reads as an array of real numbers."""
    if np.ma.is_masked(value):
        raise ValueError(
            f"{name} must be complete, got masked values: type {name}.compressed(), or fill them"
        )
    try:
        array = np.asarray(value)
    except Exception as error:  # whatever a stranger's __array__ raises
        raise ValueError(
            f"{name} must be an array of numbers, got {what_came(value)} that numpy cannot read "
            "as one: are its rows of one length, and does it hold numbers only?"
        ) from error
    if array.dtype.kind == "O" and array.ndim:
        real = [isinstance(v, numbers.Real) and not isinstance(v, bool) for v in array.flat]
        if all(real):
            array = array.astype(np.float64)
        else:
            first = real.index(False)
            row, found = np.unravel_index(first, array.shape)[0], array.flat[first]
            advice = "turn text into floats" if isinstance(found, str) else "drop or fill such rows"
            raise ValueError(
                f"{name} must hold real numbers, got {what_came(found)} in row {row}: "
                f"{advice} first"
            )
    if array.dtype.kind not in "iuf":
        kind = {
            "U": "text",
            "S": "bytes",
            "M": "dates",
            "m": "durations",
            "b": "bool",
            "c": "complex numbers",
        }
        came = kind.get(array.dtype.kind, what_came(value))
        raise ValueError(f"{name} must hold real numbers, got {came}: turn them into floats first")
    return torch.from_numpy(np.array(array, dtype=np.float64))


def refuse(name: str, bad: Tensor, tensor: Tensor, rule: str, advice: str = "") -> None:
    """A ValueError that names the first place where ``bad`` is true, if there is one."""
    if bad.any():
        bad, tensor = (value.reshape(-1, value.shape[-1]) for value in (bad, tensor))
        rows = bad.any(dim=1)
        row, column = bad.nonzero()[0].tolist()
        place = f"row {row}" + (f", column {column}" if tensor.shape[1] > 1 else "")
        raise ValueError(
            f"{name} {rule}, got {tensor[row, column].item():g} in {place} "
            f"({int(rows.sum())} of {len(rows)} rows){advice}"
        )


NO_SIGMA = ": is it log σ², and are the arguments in order (y, mu, sigma)?"


def sigmas(name: str, value) -> Tensor:
    """Standard deviations, none negative; 0 is the limit of a sure prediction."""
    tensor = values(name, value)
    refuse(name, tensor < 0, tensor, "must not be negative", NO_SIGMA)
    return tensor


def positive_sigmas(name: str, value) -> Tensor:
    """Standard deviations > 0, for what has no limit at 0."""
    tensor = sigmas(name, value)
    refuse(name, tensor == 0, tensor, "must be > 0")
    return tensor


def column(name: str, value) -> Tensor:
    """A column (n, 1) without a graph: what is drawn, or one score a case."""
    tensor = values(name, value).detach()
    if tensor.shape[1] != 1:
        raise ValueError(
            f"{name} must be one column, got shape {tuple(tensor.shape)}: type {name}[:, :1]"
        )
    return tensor


def sigma_column(name: str, value) -> Tensor:
    """A column of standard deviations, to be drawn."""
    return sigmas(name, column(name, value))


def data(x, y, of: str = "") -> tuple[Tensor, Tensor]:
    """x (n, d) and y (n, k), finite float64 without a graph, of the same n."""
    x, y = values(f"{of}x", x).detach(), values(f"{of}y", y).detach()
    if len(x) != len(y):
        wide = [name for name, a, b in (("x", x, y), ("y", y, x)) if a.shape[1] == len(b) > len(a)]
        raise ValueError(
            f"expected {of}x (n, d) and {of}y (n, k) with the same n, got {tuple(x.shape)} and "
            f"{tuple(y.shape)}" + (f": type {wide[0]}.T" if wide else "")
        )
    return x, y


def same_shape(**tensors: Tensor) -> None:
    """Refuse with a ValueError all but float tensors of one dtype and one shape (n, d).

    PyTorch would stretch (n,) against (n, 1) to (n, n) and train on it without a word.
    """
    for name, value in tensors.items():
        if not isinstance(value, Tensor) or isinstance(value, MaskedTensor):
            raise ValueError(
                f"{name} must be an ordinary tensor (n, d), got {what_came(value)}: "
                f"type torch.as_tensor({name}, dtype=torch.float64)"
            )
    shapes = {name: tuple(value.shape) for name, value in tensors.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 2 for shape in shapes.values()):
        got = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"expected tensors of one shape (n, d), got {got}")
    kinds = {(value.dtype, value.layout, value.device) for value in tensors.values()}
    ((dtype, layout, _), *others) = kinds
    if others or not dtype.is_floating_point or layout != torch.strided:
        got = ", ".join(f"{name} {what_came(value)}" for name, value in tensors.items())
        raise ValueError(f"expected ordinary float64 tensors on the CPU, got {got}: type .double()")


# Models


def on_the_cpu(name: str, tensor: Tensor) -> str:
    return (
        f"{name} must be on the CPU, where this course runs (faster for networks this small), got "
        f"the device {tensor.device.type!r}: type {name}.cpu()"
    )


def network(name: str, model):
    """A float64 model on the CPU, or a function that stands in for one."""
    if isinstance(model, type):
        raise ValueError(f"{name} must be a network, got {what_came(model)}: call it to make one")
    if not callable(model):
        raise ValueError(
            f"{name} must be a network that maps x to (mu, log_var), got {what_came(model)}"
        )
    if isinstance(model, nn.Module):
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.device.type != "cpu":
                raise ValueError(on_the_cpu(name, tensor))
            if tensor.is_floating_point() and tensor.dtype != DTYPE:
                kind = str(tensor.dtype).removeprefix("torch.")
                raise ValueError(
                    f"{name} must compute in float64, as this course does, got {kind}: "
                    f"type {name}.double()"
                )
    return model


@contextmanager
def mode(model, training: bool):
    """Training or evaluation mode for the work inside; after it, each module's as it was."""
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    before = [module.training for module in modules]
    try:
        if modules:
            model.train(training)
        yield
    finally:
        for module, training_before in zip(modules, before, strict=True):
            module.training = training_before


def call(model, x: Tensor):
    """model(x); if it fails because of x's columns, a ValueError says how many it takes."""
    try:
        return model(x)
    except Exception as error:
        for columns in range(1, 65):
            with torch.no_grad(), mode(model, training=False):
                try:
                    model(torch.zeros(2, columns, dtype=DTYPE))
                except Exception:
                    continue
            if columns != x.shape[1]:
                raise ValueError(
                    f"the model takes x with {columns} column{'s' * (columns > 1)}, got x of shape "
                    f"{tuple(x.shape)}: type n_in={x.shape[1]} when you make it"
                ) from error
            break
        raise


def pair_of(result) -> tuple[Tensor, Tensor]:
    """What a model returned, if it is a pair of tensors; else a ValueError names it."""
    stacked = isinstance(result, Tensor) and result.ndim == 3
    pair = (stacked or isinstance(result, tuple | list)) and len(result) == 2
    if not (pair and all(isinstance(value, Tensor) for value in result)):
        halves = isinstance(result, Tensor) and result.ndim == 2 and result.shape[1] % 2 == 0
        advice = ": type mu, log_var = out.chunk(2, dim=1) in its forward" if halves else ""
        raise ValueError(
            f"expected a model that returns (mu, log_var), got {what_came(result)}{advice}"
        )
    return result


def outputs(model, x: Tensor) -> tuple[Tensor, Tensor]:
    """(mu, log_var) of a model at x (n, d), both (n, k); a ValueError names what else came.

    One that has ``.members``, an ensemble, returns a stack of them: (members, n, k).
    """
    mu, log_var = pair_of(call(model, x))
    rows = (model.members, len(x)) if hasattr(model, "members") else (len(x),)
    if mu.ndim != len(rows) + 1 or mu.shape != log_var.shape or mu.shape[:-1] != rows:
        raise ValueError(
            f"expected a model that returns mu and log_var, both ({', '.join(map(str, rows))}, k), "
            f"got {tuple(mu.shape)} and {tuple(log_var.shape)}"
        )
    return mu, log_var


def diagnose(model, x, y, *, pair: bool = True) -> None:
    """Say in a ValueError why a loss failed, if model, x or y are to blame."""
    network("model", model)
    for name, value in (("x", x), ("y", y)):
        same_shape(**{name: value})
        if value.dtype != DTYPE:
            raise ValueError(f"{name} must be float64, got {what_came(value)}: type .double()")
    with torch.no_grad():
        result = call(model, x)
    if pair:
        pair_of(result)


# Doors


def door(**checks):
    """Each argument named goes through its check; one that is left out, or None by default, not."""

    def guard(function):
        parameters = list(inspect.signature(function).parameters.values())
        plan = [
            (p.name, i, checks[p.name], p.default)
            for i, p in enumerate(parameters)
            if p.name in checks
        ]

        @functools.wraps(function)
        def guarded(*args, **kwargs):
            args = list(args)
            for name, position, check, default in plan:
                where, key = (kwargs, name) if name in kwargs else (args, position)
                given = where is kwargs or position < len(args)
                if given and not (where[key] is None and default is None):
                    where[key] = check(name, where[key])
            return function(*args, **kwargs)

        return guarded

    return guard


def explained(loss):
    """A loss(model, x, y) whose failure is said in a sentence, if model or data are to blame."""

    @functools.wraps(loss)
    def guarded(model, x, y, **options):
        try:
            return loss(model, x, y, **options)
        except Exception:
            diagnose(model, x, y)
            raise

    return guarded
