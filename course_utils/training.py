"""Training and prediction for any model that returns (mu, log_var) and any loss(model, x, y)."""

import math
import os
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR
from tqdm.auto import tqdm

from course_utils.data import DTYPE

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]
FUSED_ADAM = partial(Adam, fused=True)  # one call for all parameters: a step in 3/4 of the time


class Diverged(ArithmeticError):
    """The loss stopped being a finite number; ``step`` is the first step where it was not."""

    def __init__(self, step: int, loss: float, lr: float):
        self.step = step
        super().__init__(
            f"the loss became {loss} at step {step} (lr={lr:g}): "
            "try a smaller learning rate, or look for a variance that reaches 0"
        )


@dataclass
class History:
    """The loss at each step and, if data were held out, the loss on them at ``held_out_steps``.

    The units are those of the loss; with ``mean_nll`` they are nats per value.
    """

    loss: list[float] = field(default_factory=list)
    held_out: list[float] = field(default_factory=list)
    held_out_steps: list[int] = field(default_factory=list)


def require_data(x: Tensor, y: Tensor) -> None:
    """Refuse data that are not finite float64 tensors (n, d) and (n, k) with a ValueError."""
    for name, value in (("x", x), ("y", y)):
        if not isinstance(value, Tensor):
            raise ValueError(f"{name} must be a torch tensor, got {type(value).__name__}")
        if value.dtype != DTYPE:
            raise ValueError(f"{name} must be {DTYPE}, got {value.dtype}: try {name}.double()")
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or len(x) == 0:
        raise ValueError(
            f"expected x (n, d) and y (n, k) with the same n, got {tuple(x.shape)} "
            f"and {tuple(y.shape)}"
        )
    for name, value in (("x", x), ("y", y)):
        bad = (~torch.isfinite(value)).any(dim=1).nonzero().flatten()
        if len(bad):
            raise ValueError(
                f"{name} must be finite, got NaN or infinity in {len(bad)} of {len(value)} rows, "
                f"first in row {bad[0].item()}"
            )


@contextmanager
def one_thread():
    """Run torch on one thread: for small networks faster, and tenfold on a machine that is busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


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
    decay: bool = False,
    held_out: tuple[Tensor, Tensor] | None = None,
    optimizer: Callable[..., Optimizer] = FUSED_ADAM,
) -> History:
    """Minimise loss(model, x, y) over the model's parameters, in place.

    x (n, d) and y (n, k), float64. ``batch_size=None`` uses all data at each step; otherwise
    ``seed`` orders the minibatches, in epochs. ``decay`` lowers lr to 0 along a half cosine.
    ``optimizer(parameters, lr=lr)`` makes the optimiser. ``held_out=(x, y)`` is judged about a
    hundred times. Raises ValueError for unusable input and Diverged at a loss that is not finite.
    """
    require_data(x, y)
    if held_out is not None:
        require_data(*held_out)
    if steps < 1:
        raise ValueError(f"expected steps >= 1, got {steps}")
    if not (math.isfinite(lr) and lr > 0):
        raise ValueError(f"expected a finite lr > 0, got {lr}")
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"expected batch_size >= 1 or None, got {batch_size}")

    optimiser = optimizer(model.parameters(), lr=lr)
    schedule = CosineAnnealingLR(optimiser, steps) if decay else None
    batches = minibatches(x, y, batch_size, seed)
    history = History()
    judge_every = max(1, steps // 100)
    quiet = "TQDM_DISABLE" in os.environ  # tqdm's notebook bar does not read it by itself
    for step in tqdm(range(steps), desc="fit", delay=2, leave=False, disable=quiet):
        value = loss(model, *next(batches))
        history.loss.append(value.item())
        if not math.isfinite(history.loss[-1]):
            raise Diverged(step, history.loss[-1], optimiser.param_groups[0]["lr"])
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        if schedule:
            schedule.step()
        if held_out is not None and (step + 1) % judge_every == 0:
            with torch.no_grad():
                history.held_out.append(loss(model, *held_out).item())
            history.held_out_steps.append(step + 1)
    return history


def minibatches(x: Tensor, y: Tensor, batch_size: int | None, seed: int):
    """Yield (x, y) without end: all of it, or slices of a fresh permutation in each epoch."""
    if batch_size is None:
        while True:
            yield x, y
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(len(x), generator=generator)
        for rows in order.split(batch_size):
            yield x[rows], y[rows]


def predict(model: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """The mean and the σ (not σ²) of y at x (n, d), each (n, k), without gradients."""
    with torch.no_grad():
        mu, log_var = model(x)
        return mu, torch.exp(log_var / 2)


def predict_samples(model: nn.Module, x: Tensor, draws: int = 200) -> tuple[Tensor, Tensor, Tensor]:
    """mu, aleatoric sd and epistemic sd of y at x (n, d), each (n, k), without gradients.

    Every call of the model is one draw of (mu, log_var). aleatoric = √(mean σ²) and epistemic =
    the sd of the drawn means: by the law of total variance the sum of their squares is the variance
    of the mixture of all draws. No draw is kept (Welford's running sums).
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
