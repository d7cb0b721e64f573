"""Training and prediction for any model that returns (mu, log_var) and any loss(model, x, y)."""

import functools
import inspect
import math
import os
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR
from tqdm.auto import tqdm

from course_utils.doors import (
    above,
    data,
    diagnose,
    door,
    function,
    mode,
    network,
    outputs,
    values,
    what_came,
    whole,
)
from course_utils.losses import mean_nll, negative_elbo
from course_utils.signs import after_training, cause, listen, without_gradient

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]
FUSED_ADAM = partial(Adam, fused=True)  # one call for all parameters: a step in 3/4 of the time


class Diverged(ArithmeticError):
    """The loss stopped being a finite number; ``step`` is the first step where it was not."""

    def __init__(self, step: int, loss: float, lr: float, advice: str = ""):
        self.step = step
        super().__init__(
            f"the loss became {loss} at step {step} (lr={lr:g}): "
            + (advice or "try a smaller learning rate, or look for a variance that reaches 0")
        )


class Remark(UserWarning):
    """What ``fit`` says after a training that ended, and ended badly."""


@dataclass(repr=False)
class History:
    """The loss at each step and, if data were held out, the loss on them at ``held_out_steps``.

    The units are those of the loss; with ``mean_nll`` they are nats per value. ``remarks`` holds a
    sentence for each thing that went wrong; they are given as warnings, too.
    """

    loss: list[float] = field(default_factory=list)
    held_out: list[float] = field(default_factory=list)
    held_out_steps: list[int] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        ends = f", loss {self.loss[0]:.3g} -> {self.loss[-1]:.3g}" if self.loss else ""
        return "\n".join([f"History({len(self.loss)} steps{ends})", *self.remarks])


@contextmanager
def one_thread():
    """Run torch on one thread: for small networks faster, and tenfold on a machine that is busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def trainable(name: str, model) -> nn.Module:
    """A network with parameters to train."""
    network(name, model)
    if not isinstance(model, nn.Module):
        raise ValueError(f"{name} must be a torch module, got {what_came(model)}")
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError(f"{name} has no parameter to train: is requires_grad False for all?")
    return model


def loss_function(name: str, loss) -> Loss:
    """A function that is called as loss(model, x, y)."""
    if isinstance(loss, type | nn.Module) or not callable(loss):
        raise ValueError(
            f"{name} must be a function loss(model, x, y), as mean_nll is, got {what_came(loss)}"
        )
    try:
        inspect.signature(loss).bind("model", "x", "y")
    except TypeError:
        raise ValueError(
            f"{name} is called as loss(model, x, y), got one that takes {inspect.signature(loss)}"
        ) from None
    except ValueError:  # a built-in has no signature: calling it will tell
        pass
    return loss


def count_or_none(name: str, value) -> int | None:
    """A number of points; None for all."""
    return None if value is None else whole(1)(name, value)


@door(
    model=trainable,
    loss=loss_function,
    steps=whole(1),
    lr=above(0),
    batch_size=count_or_none,
    seed=whole(0),
    optimizer=function,
)
@one_thread()
def fit(
    model: nn.Module,
    loss: Loss,
    x: Tensor,
    y: Tensor,
    *,
    steps: int = 300,
    lr: float = 1e-2,
    batch_size: int | None = None,
    seed: int = 0,
    anneal: bool = False,
    held_out: tuple[Tensor, Tensor] | None = None,
    keep_best: bool = False,
    optimizer: Callable[..., Optimizer] = FUSED_ADAM,
) -> History:
    """Minimise loss(model, x, y) over the model's parameters, in place.

    x (n, d) and y (n, k) are made float64 tensors; the model must be float64 and on the CPU. It
    trains in training mode, is judged on ``held_out`` in evaluation mode, and gets back the mode it
    had. ``batch_size=None`` uses all data at each step; otherwise ``seed`` orders the minibatches,
    in epochs, and with batch norm a last batch of one point joins the one before it. ``anneal``
    lowers lr to 0 along a half cosine. ``optimizer(parameters, lr=lr)`` makes the optimizer.
    ``held_out=(x, y)`` is judged about a hundred times; ``keep_best`` ends with the weights that
    were best there. Raises ValueError for unusable input, Diverged at a loss that is not finite;
    what went wrong without an error is said in ``history.remarks`` and in a ``Remark``, a warning.
    """
    x, y = data(x, y)
    if held_out is not None:
        held_out = held_out_data(held_out, x, y)
    elif keep_best:
        raise ValueError("keep_best needs data to judge by, got none: type held_out=(x, y)")
    require_kl(model, loss, len(x))
    norm = any(isinstance(module, _BatchNorm) for module in model.modules())
    if norm and min(len(x), batch_size or len(x)) < 2:
        raise ValueError(
            f"batch norm needs at least 2 points at a time, got {len(x)} points with "
            f"batch_size={batch_size}"
        )

    optimizer = optimizer(model.parameters(), lr=lr)
    schedule = CosineAnnealingLR(optimizer, steps) if anneal else None
    batches = minibatches(x, y, batch_size, seed, alone=not norm)
    history, best, best_weights = History(), math.inf, None
    judge_every = max(1, steps // 100)
    quiet = "TQDM_DISABLE" in os.environ  # tqdm's notebook bar does not read it by itself
    with mode(model, training=True):
        for step in tqdm(range(steps), desc="fit", delay=2, leave=False, disable=quiet):
            batch = next(batches)
            try:
                if step == steps - 1:
                    value, heard = listen(loss, model, batch)
                else:
                    value = loss(model, *batch)
            except Exception:
                diagnose(model, *batch, pair=False)
                raise
            if step == 0:
                require_scalar(value)
            history.loss.append(value.item())
            if not math.isfinite(history.loss[-1]):
                lr = optimizer.param_groups[0]["lr"]
                raise Diverged(step, history.loss[-1], lr, cause(step, x, y))
            if step == steps - 1:
                signs = after_training(history.loss, value, heard, batch[1], len(x))
            optimizer.zero_grad()
            value.backward()
            if step == 0:
                history.remarks += without_gradient(model)
            optimizer.step()
            if schedule:
                schedule.step()
            if held_out is not None and (step + 1) % judge_every == 0:
                with torch.no_grad(), mode(model, training=False):
                    history.held_out.append(loss(model, *held_out).item())
                history.held_out_steps.append(step + 1)
                if keep_best and history.held_out[-1] < best:
                    best, best_weights = history.held_out[-1], deepcopy(model.state_dict())
    if best_weights is not None:
        model.load_state_dict(best_weights)
    history.remarks += signs
    if held_out is not None and len(held_out[0]) > len(x):
        history.remarks.append(
            f"more points are held out ({len(held_out[0])}) than train ({len(x)}): are the two "
            "sets swapped?"
        )
    for remark in history.remarks:
        warnings.warn(remark, Remark, stacklevel=4)
    return history


def held_out_data(pair, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The held-out x and y, with as many columns as those that train."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise ValueError(f"held_out must be a pair (x, y), got {what_came(pair)}")
    held_x, held_y = data(*pair, of="held_out ")
    if held_x.shape[1:] != x.shape[1:] or held_y.shape[1:] != y.shape[1:]:
        raise ValueError(
            f"held_out must have the columns of x and y, {tuple(x.shape)} and {tuple(y.shape)}, "
            f"got {tuple(held_x.shape)} and {tuple(held_y.shape)}"
        )
    return held_x, held_y


def require_kl(model: nn.Module, loss: Loss, n: int) -> None:
    """Refuse a Bayesian model whose loss is known to lack the KL, or to weigh it wrongly."""
    right = f"type partial(negative_elbo, n={n})"
    if loss is mean_nll and hasattr(model, "kl"):
        raise ValueError(f"mean_nll leaves out the KL of a model that has .kl(): {right}")
    given = getattr(loss, "keywords", {}).get("n")
    if getattr(loss, "func", None) is negative_elbo and given != n:
        raise ValueError(f"n counts all {n} points of the data, got n={given}: {right}")


def require_scalar(value) -> None:
    """Refuse what no step can be made from: not one number, or without a gradient."""
    if not isinstance(value, Tensor) or value.numel() != 1:
        raise ValueError(
            f"loss must return a tensor of one number, got {what_came(value)}: "
            "type .mean() at its end"
        )
    if not value.requires_grad:
        raise ValueError(
            "the loss does not depend on the model's parameters: does .detach(), "
            ".item(), .numpy() or no_grad cut it off?"
        )


def minibatches(x: Tensor, y: Tensor, batch_size: int | None, seed: int, alone: bool = True):
    """Yield (x, y) without end: all of it, or slices of a fresh permutation in each epoch.

    Unless it may be ``alone``, a last slice of one point joins the slice before it.
    """
    if batch_size is None:
        while True:
            yield x, y
    generator = torch.Generator().manual_seed(seed)
    sizes = [batch_size] * (len(x) // batch_size)
    rest = len(x) % batch_size
    if rest == 1 and sizes and not alone:
        sizes[-1] += 1
    elif rest:
        sizes.append(rest)
    while True:
        order = torch.randperm(len(x), generator=generator)
        for rows in order.split(sizes):
            yield x[rows], y[rows]


@door(model=network, x=values)
def predict(model: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """The mean and the σ (not σ²) of y at x (n, d), each (n, k), without gradients.

    Of an ensemble they are those of the mixture: σ² = aleatoric² + epistemic², which
    ``predict_samples`` gives apart. The model is in evaluation mode meanwhile. One that draws, so
    that two calls differ, or that has ``.kl``, is refused with a ValueError: ``predict_samples`` is
    for that.
    """
    draws = hasattr(model, "kl")
    if not draws:
        with torch.no_grad(), mode(model, training=False):
            (mu, log_var), again = outputs(model, x), outputs(model, x)
            sigma = torch.exp(log_var / 2)
        # Equal up to rounding: sums may depend on where in memory the numbers lie.
        draws = not all(
            torch.allclose(*pair, rtol=1e-6, equal_nan=True)
            for pair in zip((mu, log_var), again, strict=True)
        )
    if draws:
        raise ValueError(
            "predict needs a model that gives one answer, got one that draws: type "
            "mu, aleatoric, epistemic = predict_samples(model, x)"
        )
    if hasattr(model, "members"):
        mu, aleatoric, epistemic = split(mu, log_var)
        return mu, torch.hypot(aleatoric, epistemic)
    return mu, sigma


def split(mu: Tensor, log_var: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, aleatoric sd and epistemic sd, each (n, k), of an ensemble's answers (members, n, k).

    The members are a sample of the networks that training may end in. Divided by one less than
    their number, the variance of their means is right on average; divided by their number, it is
    too small by the factor 1 − 1/members.
    """
    return mu.mean(0), log_var.exp().mean(0).sqrt(), mu.std(0, correction=1)


def drawing(predict_samples):
    """The door of ``predict_samples``: what may come in, and the mode the model is in meanwhile."""

    @door(model=network, x=values, draws=whole(1))
    def guarded(model, x, draws=200, *, dropout=False):
        layers = [m for m in getattr(model, "modules", list)() if isinstance(m, _DropoutNd)]
        if dropout and not layers:
            raise ValueError(f"dropout=True needs dropout layers, got {what_came(model)} without")
        with mode(model, training=False):
            for layer in layers:
                layer.train(dropout)
            if hasattr(model, "members"):
                with torch.no_grad():
                    return split(*outputs(model, x))
            found = predict_samples(partial(outputs, model), x, draws)
        if layers and not dropout and not found[2].any():
            raise ValueError(
                "expected draws that differ, got equal ones, for dropout is off: type "
                "predict_samples(model, x, dropout=True)"
            )
        return found

    guarded.__signature__ = inspect.signature(guarded)  # that of the door, with dropout
    return functools.update_wrapper(guarded, predict_samples)


@drawing
def predict_samples(model: nn.Module, x: Tensor, draws: int = 200) -> tuple[Tensor, Tensor, Tensor]:
    """mu, aleatoric sd and epistemic sd of y at x (n, d), each (n, k), without gradients.

    Every call of the model is one draw of (mu, log_var). aleatoric = √(mean σ²) and epistemic =
    the sd of the drawn means: by the law of total variance the sum of their squares is the variance
    of the mixture of all draws. No draw is kept (Welford's running sums). An ensemble's draws are
    its members, whatever ``draws`` is; so few, the variance divides by their number less 1.

    The model is in evaluation mode meanwhile; ``dropout=True`` leaves its dropout layers on, and
    batch norm off (Gal & Ghahramani 2016). Fewer than 2 draws raise a ValueError.
    """
    if draws < 2:
        raise ValueError(f"expected at least 2 draws, got {draws}")
    mean = squares = variance = 0.0
    with torch.no_grad():
        for count in range(1, draws + 1):
            mu, log_var = model(x)
            step = mu - mean
            mean = mean + step / count
            squares = squares + step * (mu - mean)  # Σ (mu − mean)², so far
            variance = variance + log_var.exp()
    return mean, torch.sqrt(variance / draws), torch.sqrt(squares / draws)
