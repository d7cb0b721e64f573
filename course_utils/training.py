"""Training and prediction for any model that returns (mu, log_var) and any loss(model, x, y)."""

import math
import os
import warnings
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR
from tqdm.auto import tqdm

from course_utils.diagnosis import advice_on_divergence, diagnose, outputs_kept
from course_utils.losses import mean_nll, negative_elbo
from course_utils.models import network
from course_utils.validation import array, integer, number, validated, what_came, x_and_y

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]
FUSED_ADAM = partial(Adam, fused=True)  # one call for all parameters: a step in 3/4 of the time


class Diverged(ArithmeticError):
    """The loss stopped being a finite number; ``step`` is the first step where it was not."""

    def __init__(self, step: int, loss: float, lr: float, advice: str):
        self.step = step
        super().__init__(f"the loss became {loss} at step {step} (lr={lr:g}): {advice}")


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


@contextmanager
def mode(model, training: bool):
    """Training or evaluation mode for the modules, which it gives; after it each as it was."""
    modules = model.modules() if isinstance(model, nn.Module) else ()
    before = {module: module.training for module in modules}
    try:
        if before:
            model.train(training)
        yield before.keys()
    finally:
        for module, training_before in before.items():
            module.training = training_before


@contextmanager
def explained(history: History):
    """What fails before the first step is made gets a note: it is the loss, or the model."""
    try:
        yield
    except Exception as error:
        if not history.loss and not isinstance(error, Diverged):
            error.add_note(
                "fit calls loss(model, x, y), which returns one number that depends on the "
                "parameters, as mean_nll does. Of y and mu: lambda model, x, y: "
                "F.mse_loss(model(x), y); a loss for each value: .mean() at its end"
            )
        raise


@validated(
    model=network, steps=integer(1), lr=number(above=0), batch_size=integer(1), seed=integer(0)
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

    x (n, d) and y (n, k) become float64. The model is in training mode, on ``held_out=(x, y)`` in
    evaluation mode, and gets back the mode it had. ``seed`` orders the minibatches of each epoch;
    without ``batch_size`` a step takes all data. ``anneal`` lowers lr to 0 along a half cosine;
    ``optimizer(parameters, lr=lr)`` makes any optimizer of torch. ``held_out`` is judged about a
    hundred times; ``keep_best`` ends with the weights that were best there, also after a stop.
    ValueError: unusable input; Diverged: a loss that is not finite; Remark, a warning: what else.
    """
    x, y = x_and_y(x, y)
    held_out = held_out_data(held_out, keep_best)
    require_kl(model, loss, len(x))
    optimizer = optimizer(model.parameters(), lr=lr)
    schedule = CosineAnnealingLR(optimizer, steps) if anneal else None
    history, best, outputs = History(), (math.inf, None), []  # the model's, at the last step

    def evaluate() -> Tensor:
        optimizer.zero_grad()
        with outputs_kept(model, outputs) if step == steps - 1 else nullcontext():
            value = loss(model, *batch)
        if not math.isfinite(value.item()):
            raise Diverged(step, value.item(), lr, advice_on_divergence(step, x, y))
        value.backward()
        return value

    with mode(model, training=True), explained(history):
        try:
            for step, batch in zip(with_bar(steps), minibatches(x, y, batch_size, seed)):  # noqa: B007
                history.loss.append(optimizer.step(evaluate).item())
                if schedule:
                    schedule.step()
                if held_out and (step + 1) % max(1, steps // 100) == 0:
                    with torch.no_grad(), mode(model, training=False):
                        history.held_out.append(loss(model, *held_out).item())
                    history.held_out_steps.append(step + 1)
                    if keep_best and history.held_out[-1] < best[0]:
                        best = history.held_out[-1], deepcopy(model.state_dict())
        finally:
            if best[1]:
                model.load_state_dict(best[1])
    with mode(model, training=False):
        history.remarks = diagnose(model, x, y, (batch[1], outputs), history.loss)
    for remark in history.remarks:
        warnings.warn(remark, Remark, stacklevel=4)
    return history


def with_bar(steps: int):
    """The steps' numbers, with a progress bar if they take more than two seconds."""
    quiet = "TQDM_DISABLE" in os.environ  # tqdm's notebook bar does not read it by itself
    return tqdm(range(steps), desc="fit", delay=2, leave=False, disable=quiet)


def held_out_data(pair, needed: bool) -> tuple[Tensor, Tensor] | None:
    """The held-out x and y; None if there are none and none are ``needed``."""
    if pair is None and not needed:
        return None
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise ValueError(f"expected held_out=(x, y), a pair, got {what_came(pair)}")
    return x_and_y(*pair, of="held_out ")


def require_kl(model: nn.Module, loss: Loss, n: int) -> None:
    """Refuse a Bayesian model whose loss is known to lack the KL, or to weigh it wrongly."""
    right = f"type partial(negative_elbo, n={n})"
    if loss is mean_nll and hasattr(model, "kl"):
        raise ValueError(f"mean_nll leaves out the KL of a model that has .kl(): {right}")
    given = getattr(loss, "keywords", {}).get("n")
    if getattr(loss, "func", None) is negative_elbo and given != n:
        raise ValueError(f"n counts all {n} points of the data, got n={given}: {right}")


def minibatches(x: Tensor, y: Tensor, batch_size: int | None, seed: int):
    """Yield (x, y) without end: all of it, or slices of a fresh permutation in each epoch.

    A last slice of one point joins the slice before it: batch norm makes nothing of one.
    """
    if batch_size is None:
        while True:
            yield x, y
    generator = torch.Generator().manual_seed(seed)
    while True:
        slices = list(torch.randperm(len(x), generator=generator).split(batch_size))
        if len(slices) > 1 and len(slices[-1]) == 1:
            slices[-2:] = [torch.cat(slices[-2:])]
        for rows in slices:
            yield x[rows], y[rows]


def outputs(model, x: Tensor) -> tuple[Tensor, Tensor]:
    """(mu, log_var) of a model at x (n, d), both (n, k); a ValueError names what else came.

    One that has ``.members``, an ensemble, returns a stack of them: (members, n, k).
    """
    result = model(x)
    rows = (model.members, len(x)) if hasattr(model, "members") else (len(x),)
    shapes = [getattr(part, "shape", ()) for part in result]
    if len(shapes) != 2 or shapes[0] != shapes[1] or shapes[0][:-1] != rows:
        raise ValueError(
            f"expected a model that returns mu and log_var, both {(*rows, 'k')}, got "
            f"{what_came(result)}: one tensor is parted by mu, log_var = out.chunk(2, dim=1)"
        )
    return result


@validated(model=network, x=array)
@torch.no_grad()
def predict(model: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """The mean and the σ (not σ²) of y at x (n, d), each (n, k), without gradients.

    Of an ensemble, or a list of networks, they are those of all networks of which the members
    are a sample: σ² = aleatoric² + epistemic², which ``predict_samples`` gives apart. The model is
    in evaluation mode meanwhile. One that draws, so that two calls differ, or that has ``.kl``, is
    refused with a ValueError: ``predict_samples`` is for that.
    """
    with mode(model, training=False):
        first, again = outputs(model, x), outputs(model, x)
    # Equal up to rounding: sums may depend on where in memory the numbers lie.
    same = all(torch.allclose(*pair, rtol=1e-6, equal_nan=True) for pair in zip(first, again))
    if hasattr(model, "kl") or not same:
        raise ValueError(
            "predict needs a model that gives one answer, got one that draws: type "
            "mu, aleatoric, epistemic = predict_samples(model, x)"
        )
    mu, log_var = first
    if hasattr(model, "members"):
        mu, aleatoric, epistemic = split_variance(mu, log_var)
        return mu, torch.hypot(aleatoric, epistemic)
    return mu, torch.exp(log_var / 2)


def split_variance(mu: Tensor, log_var: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, aleatoric sd and epistemic sd, each (n, k), of an ensemble's answers (members, n, k).

    The members are a sample of the networks that training may end in. Divided by one less than
    their number, the variance of their means is right on average; divided by their number, it is
    too small by the factor 1 − 1/members.
    """
    return mu.mean(0), log_var.exp().mean(0).sqrt(), mu.std(0, correction=1)


def mixture_of(model: nn.Module, x: Tensor, draws: int) -> tuple[Tensor, Tensor, Tensor]:
    """mu, aleatoric sd and epistemic sd, each (n, k), of ``draws`` calls of a model that draws.

    No draw is kept (Welford's running sums): 200 of a large table would fill the memory.
    """
    mean = squares = variance = 0.0
    for count in range(1, draws + 1):
        mu, log_var = outputs(model, x)
        step = mu - mean
        mean = mean + step / count
        squares = squares + step * (mu - mean)  # Σ (mu − mean)², so far
        variance = variance + log_var.exp()
    return mean, torch.sqrt(variance / draws), torch.sqrt(squares / draws)


@validated(model=network, x=array, draws=integer(2))
def predict_samples(
    model: nn.Module, x: Tensor, draws: int = 200, *, dropout: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """mu, aleatoric sd and epistemic sd of y at x (n, d), each (n, k), without gradients.

    Every call of the model is one draw of (mu, log_var). aleatoric = √(mean σ²) and epistemic =
    the sd of the drawn means: by the law of total variance the sum of their squares is the variance
    of the mixture of all draws. An ensemble's draws are its members, whatever ``draws`` is; so few,
    the variance divides by their number less 1.

    The model is in evaluation mode meanwhile. ``dropout=True`` puts all but its norm layers in
    training mode, and so reaches all dropout that follows the mode (Gal & Ghahramani 2016). Draws
    that are all equal raise a ValueError: they say nothing of the doubt.
    """
    with torch.no_grad(), mode(model, training=dropout) as modules:
        for module in modules:
            if isinstance(module, _NormBase):
                module.train(False)
        if hasattr(model, "members"):
            return split_variance(*outputs(model, x))
        mu, aleatoric, epistemic = mixture_of(model, x, draws)
    if not epistemic.any():
        raise ValueError(
            "expected draws that differ, got equal ones: for a network with dropout type "
            "predict_samples(model, x, dropout=True), for one with fixed weights predict(model, x)"
        )
    return mu, aleatoric, epistemic
