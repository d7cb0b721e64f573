"""What the last step of a training tells: how the loss reads the model, and what went wrong.

``fit`` says what is found in one sentence each. Nothing is computed anew for it: a model that draws
would take random numbers that are the learner's.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

FAR = 100  # where a network of a few layers, started near 0, hardly arrives
STANDARDISE = "type model = Standardised(model, x, y), from course_utils.models, and fit that"


def without_gradient(model: nn.Module) -> list[str]:
    """A sentence about the parameters that the loss does not reach; a ValueError if it is all."""
    all_of_them = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    missed = [name for name, parameter in all_of_them if parameter.grad is None]
    if len(missed) == len(all_of_them):
        raise ValueError("the loss gives no parameter of model a gradient: does it call model(x)?")
    if not missed:
        return []
    return [f"{len(missed)} of {len(all_of_them)} parameters get no gradient: {', '.join(missed)}"]


@dataclass
class Heard:
    """What was heard of a loss that was called: what it made of the model, and of its KL."""

    results: list = field(default_factory=list)  # what each call of the model returned
    kl: float | None = None  # the sum of what the .kl() of its layers returned; None: not called
    has_kl: bool = False
    times: Tensor = field(default_factory=lambda: torch.ones((), requires_grad=True).double())


def listen(loss: Callable, model: nn.Module, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Heard]:
    """The loss of a batch, and what was heard meanwhile.

    Every KL is multiplied by ``times``, which is 1: the derivative by it tells its weight.
    """
    heard = Heard()

    def counted(kl):
        def counts(*args, **kwargs):
            value, heard.kl = kl(*args, **kwargs), heard.kl or 0.0
            if not isinstance(value, Tensor):  # the weight of what is no tensor stays unknown
                return value
            heard.kl += value.detach().sum().item()
            return value * heard.times

        return counts

    # The innermost: a model sums up what its layers say.
    with_kl = [m for m in model.modules() if callable(getattr(m, "kl", None))]
    layers = [m for m in with_kl if sum(other in with_kl for other in m.modules()) == 1]
    heard.has_kl = bool(layers)
    own = [(layer, vars(layer).get("kl")) for layer in layers]
    hook = model.register_forward_hook(lambda _, inputs, result: heard.results.append(result))
    try:
        for layer in layers:
            layer.kl = counted(layer.kl)
        return loss(model, *batch), heard
    finally:
        hook.remove()
        for layer, before in own:
            del layer.kl
            if before is not None:
                layer.kl = before


def slope_of(value: Tensor, of: Tensor) -> Tensor:
    """The derivative of a loss that stays as it is; 0 where it does not depend."""
    if not of.requires_grad:
        return torch.zeros_like(of)
    (found,) = torch.autograd.grad(value, of, retain_graph=True, allow_unused=True)
    return torch.zeros_like(of) if found is None else found


# The slopes of −log N(y; mu, σ²) by mu and by what stands for σ², at the residual r.
READINGS = {
    "log σ²": lambda r, v: (-r / v.exp(), 0.5 * (1 - r**2 / v.exp())),
    "σ²": lambda r, v: (-r / v, 0.5 * (1 / v - r**2 / v**2)),
    "σ": lambda r, v: (-r / v**2, 1 / v - r**2 / v**3),
}


def read_as(value: Tensor, calls: list, y: Tensor) -> tuple[str, Tensor | None]:
    """What a loss takes a model's second output for, and the weight it gives each point's NLL.

    ``calls`` are pairs of equal numbers: some losses take model(x)[0], and model(x)[1] from another
    call. The slopes tell, however the loss is written: those of a Gaussian NLL, each point with a
    weight of its own (β-NLL, say). "" if it is no such loss; "no σ" if it is a squared error.
    """
    mu, second = calls[-1]
    residual = (y - mu).detach()
    by_mu, by_second = (sum(slope_of(value, part) for part in parts) for parts in zip(*calls))
    if not by_second.any():
        weights = -by_mu / residual
        squared = by_mu.any() and torch.allclose(weights, weights[0, 0])
        return ("no σ" if squared else ""), None
    for name, slopes in READINGS.items():
        expected_mu, expected_second = slopes(residual, second.detach())
        weight = (by_mu * expected_mu + by_second * expected_second) / (
            expected_mu**2 + expected_second**2
        )
        same = torch.allclose(weight * expected_mu, by_mu, rtol=1e-6, atol=0) and torch.allclose(
            weight * expected_second, by_second, rtol=1e-6, atol=1e-9 * float(by_second.abs().max())
        )
        if same and (weight > 0).all():
            return name, weight
    return "", None


def cause(step: int, x: Tensor, y: Tensor) -> str:
    """What to try after a divergence, if the scale of the data is the likely cause."""
    for name, value in (("x", x), ("y", y)):
        largest = value.abs().max().item()
        if largest > FAR:
            return f"{name} reaches {largest:.3g}, too far from 0 for a network: {STANDARDISE}"
    if step == 0:
        return "no step was made yet: look for log(0), a division by 0 or a huge first weight"
    return ""


def after_training(
    losses: list[float], value: Tensor, heard: Heard, y: Tensor, n: int
) -> list[str]:
    """A sentence for each sign that a training has failed, from its last step.

    ``value`` is the loss of that step, ``heard`` what was heard of it, for the ``y`` of that step;
    ``n`` counts all data.
    """
    found = jump(losses)
    pairs = [pair for pair in heard.results if is_pair(pair, y)]
    if not pairs:
        return found
    mu, second = pairs[-1]
    same = [pair for pair in pairs if torch.equal(pair[0], mu) and torch.equal(pair[1], second)]
    reading, _ = read_as(value, same, y)
    if reading in ("σ²", "σ"):
        return [
            *found,
            f"the loss takes the model's second output for {reading}, and predict "
            "will take it for log σ²: return its logarithm",
        ]
    if not reading:
        return found
    mu, log_var = mu.detach(), second.detach()
    residual, spread = (y - mu).square().mean().sqrt(), y.std(correction=0)
    # One draw of a Bayesian model may be off by what it doubts; its sigma grows with that.
    doubt = 3 * torch.exp(log_var).mean().sqrt() if heard.has_kl else 0
    if (y.mean() - mu.mean()).abs() > spread + doubt and spread > 0:
        advice = STANDARDISE if y.abs().max() > FAR else "more steps, or a larger lr"
        found.append(
            f"the mean has not arrived: mu is {mu.mean():.3g} on average and y is "
            f"{y.mean():.3g} ± {spread:.3g}: {advice}"
        )
    elif reading == "log σ²":
        found += about_sigma(losses, residual, spread, (y - mu) ** 2 * torch.exp(-log_var), heard)
    if heard.has_kl and reading == "log σ²" and len(pairs) == len(heard.results):
        found += about_kl(value, pairs, heard, y, n)
    return found


def is_pair(result, y: Tensor) -> bool:
    """Whether a model returned two tensors of y's shape."""
    return (
        isinstance(result, tuple | list)
        and len(result) == 2
        and all(isinstance(part, Tensor) and part.shape == y.shape for part in result)
        and not any(torch._C._functorch.is_functorch_wrapped_tensor(part) for part in result)
    )


def about_sigma(losses, residual, spread, z_squared: Tensor, heard: Heard) -> list[str]:
    """A sentence if σ has no floor, or is far above the residuals."""
    if residual < 0.05 * spread and losses[-1 - len(losses) // 5] - losses[-1] > 0.1:
        return [
            f"the loss still falls and has no floor: the residuals (RMS {residual:.2g}) are "
            "under 5 % of the spread of y, and without noise sigma shrinks for ever: give "
            "log_var a lower limit with .clamp(min=...)"
        ]
    # 1 at the minimum of the NLL; a small batch leaves it uncertain. A prior may hold sigma up.
    too_small = 0 if heard.has_kl else 1 - max(0.5, 4 * math.sqrt(2 / z_squared.numel()))
    if z_squared.mean() < too_small:
        return [
            f"sigma is {1 / z_squared.mean().sqrt():.2g} times the residuals (RMS "
            f"{residual:.2g}): more steps, or does the model return σ or σ² where log σ² is "
            "expected?"
        ]
    return []


def about_kl(value: Tensor, pairs: list, heard: Heard, y: Tensor, n: int) -> list[str]:
    """A sentence if a loss leaves out the KL, or gives it another weight than n points ask for."""
    right = f"type partial(negative_elbo, n={n})"
    if heard.kl is None:
        return [
            f"the loss never calls the model's .kl(), so nothing keeps its weights apart from "
            f"a single network's: {right}"
        ]
    weights = [read_as(value, [pair], y)[1] for pair in pairs]
    if any(weight is None or not torch.allclose(weight, weight[0, 0]) for weight in weights):
        return []
    nll = sum(float(weight[0, 0]) for weight in weights) * len(y) / n  # of the NLL of all n points
    times = float(slope_of(value, heard.times)) / heard.kl / nll if heard.kl else 1.0
    if abs(times - 1) < 1e-3:
        return []
    return [f"the KL weighs {times:.3g} times as much as beside the NLL of all {n} points: {right}"]


def jump(losses: list[float]) -> list[str]:
    """A sentence if the loss ends well above where it has been, on averages of 5 % of the steps."""
    if len(losses) < 50:
        return []
    width = len(losses) // 20
    values = torch.tensor(losses, dtype=torch.float64)[len(losses) % width :]
    mean = values.reshape(-1, width).mean(1)
    best = int(mean.argmin())
    lost, won = mean[-1] - mean[best], mean[0] - mean[best]
    noise = values.diff().abs().median() / math.sqrt(width)  # about 0.95 sd of an average
    if lost < 0.25 * won or lost <= 6 * noise or lost <= 1e-9 * mean.abs().max():
        return []
    return [
        f"the loss ends at {mean[-1]:.3g} and was {mean[best]:.3g} near step {best * width}: try "
        "anneal=True, a smaller lr, or held_out=(x, y) with keep_best=True"
    ]
