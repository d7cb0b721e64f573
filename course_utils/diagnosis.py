"""What a training that has ended tells: one sentence for each sign that it went wrong.

The signs are few and general: parameters without a gradient, the loss against where it has been,
the NLL against that of the best constant, and σ against the residuals.
"""

import math
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from course_utils.randomness import OwnDraws

FAR = 100  # where a network of a few layers, started near 0, hardly arrives
STANDARDISE = "type model = Standardised(model, x, y), from course_utils.models, and fit that"
ENOUGH = 50  # steps after which a training can be judged


def diagnose(model: nn.Module, x: Tensor, y: Tensor, last: tuple, losses: list[float]) -> list[str]:
    """What to say of a training that has ended: sentences, none if all is well.

    x (n, d) and y (n, k) are all data; ``last`` is the y of the last step and what the model
    returned then (see ``outputs_kept``); ``losses`` holds one number a step.
    """
    remarks = unreached(model) + (risen(losses) if len(losses) >= ENOUGH else [])
    y_last, outputs = last
    reading = read_as(outputs, y_last)
    if reading in ("σ²", "σ"):
        remarks.append(
            f"the loss takes the model's second output for {reading}, and predict will take it "
            "for log σ²: return its logarithm"
        )
    elif reading and len(losses) >= ENOUGH:
        with torch.no_grad(), OwnDraws(0):
            result = model(x)
            if hasattr(model, "kl") and reading == "log σ²":  # the mixture of some draws
                mus, log_vars = map(torch.stack, zip(*(model(x) for _ in range(20))))
                result = mus.mean(0), (log_vars.exp().mean(0) + mus.var(0)).log()
        poor = against_constant(result, reading, x, y)
        if not poor and reading == "log σ²" and not hasattr(model, "kl"):
            poor = against_residuals(*result, y, losses)
        remarks += poor
    return remarks


def unreached(model: nn.Module) -> list[str]:
    """A sentence about the parameters that the loss does not reach."""
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    missed = [name for name, parameter in trained if parameter.grad is None]
    said = f"{len(missed)} of {len(trained)} parameters get no gradient: {', '.join(missed)}"
    return [said] if missed else []


def risen(losses: list[float]) -> list[str]:
    """A sentence if the loss ends well above where it has been, on averages of 5 % of the steps."""
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
        "a smaller lr, anneal=True, or held_out=(x, y) with keep_best=True"
    ]


def nll(y: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    """As ``gaussian_nll``, but stretched: of an ensemble's answers, or of one mean for all rows."""
    return -Normal(mu, torch.exp(log_var / 2), validate_args=False).log_prob(y)


def against_constant(result, reading: str, x: Tensor, y: Tensor) -> list[str]:
    """A sentence if a trained model does no better than one mean and one σ for all rows.

    ``result`` is what it returns at x. The NLL of a model of means only is that with its best σ.
    """
    mu = result[0] if isinstance(result, tuple | list) else result
    spread = y.var(0, correction=0)
    if not (spread > 0).all() or (x == x[:1]).all():
        return []  # nothing to explain, or nothing to explain it by
    squares = (y - mu).square()
    log_var = result[1] if reading == "log σ²" else squares.mean(-2, keepdim=True).log()
    found = nll(y, mu, log_var).mean().item()
    constant = nll(y, y.mean(0), spread.log()).mean().item()
    if (constant - found) * y.numel() > 1:  # more than chance gives a parameter
        return []
    advice = (
        "more steps if the loss still falls, else a smaller lr or other first weights; or x says "
        "nothing of y"
    )
    if max(x.abs().max(), y.abs().max()) > FAR:
        advice = STANDARDISE
    return [
        f"the network does no better than one mean and one σ for all x, with an NLL of {found:.3g} "
        f"for {constant:.3g}: {advice}"
    ]


def against_residuals(mu: Tensor, log_var: Tensor, y: Tensor, losses: list[float]) -> list[str]:
    """A sentence if σ has no floor, or is larger than the residuals ask for.

    Where the NLL is smallest the mean of (residual/σ)² is 1.
    """
    rms = (y - mu).square().mean().sqrt()
    no_noise = rms < 0.05 * y.std()
    if no_noise and losses[-1 - len(losses) // 5] - losses[-1] > 0.1:
        return [
            f"the loss still falls and has no floor: the residuals (RMS {rms:.2g}) are under 5 % "
            "of the spread of y, and without noise sigma shrinks for ever: give log_var a lower "
            "limit with .clamp(min=...)"
        ]
    z_squared = ((y - mu).square() * torch.exp(-log_var)).mean()
    at_0 = 0 < log_var.min() < 0.1  # where σ and σ² in its place would end
    if z_squared > (0.95 if at_0 else 0.5) or (no_noise and not at_0):
        return []  # with no noise, a σ that stands still stands at its lower limit
    return [
        f"sigma is {1 / z_squared.sqrt():.3g} times the residuals (RMS {rms:.2g}): more steps if "
        "the loss still falls, else a smaller lr; or does the model return σ or σ² where log σ² is "
        "expected?"
    ]


# How a loss reads the model


@contextmanager
def outputs_kept(model: nn.Module, kept: list):
    """Add to the list what the model returns inside: (values, tensors with their gradients).

    A step may change the tensors.
    """

    def keep(_, inputs, result):
        parts = result if isinstance(result, tuple | list) else (result,)
        if all(isinstance(part, Tensor) and part.requires_grad for part in parts):
            for part in parts:
                part.retain_grad()
            kept.append(([part.detach().clone() for part in parts], parts))

    hook = model.register_forward_hook(keep)
    try:
        yield
    finally:
        hook.remove()


# log σ² of what stands for it.
READINGS = {"log σ²": lambda v: v, "σ²": torch.log, "σ": lambda v: 2 * v.log()}


def read_as(outputs: list, y: Tensor) -> str:
    """What a loss takes a model's second output for, by the gradients of the last step.

    They tell, however the loss is written: at each point they are those of −log N(y; mu, σ²) times
    a positive weight of its own (β-NLL, say). "no σ" is a squared error, "" another loss. Equal
    outputs are summed: some losses take model(x)[0], and model(x)[1] from another call.
    """
    values = outputs[-1][0] if outputs else []
    if len(values) not in (1, 2) or any(value.shape[-2:] != y.shape for value in values):
        return ""
    same = [parts for others, parts in outputs if all(map(torch.equal, others, values))]
    by = [
        sum(torch.zeros_like(part) if part.grad is None else part.grad for part in parts)
        for parts in zip(*same)
    ]
    if len(by) == 1 or not by[1].any():
        error = values[0] - y
        squared = torch.allclose(by[0] * error.norm(), error * by[0].norm(), rtol=1e-6)
        return "no σ" if squared and by[0].any() else ""
    mu, second = (value.requires_grad_() for value in values)
    for name, log_var in READINGS.items():
        by_mu, by_second = torch.autograd.grad(nll(y, mu, log_var(second)).sum(), (mu, second))
        along = by[0] * by_mu + by[1] * by_second
        across = by[0] * by_second - by[1] * by_mu
        if (across.abs() <= 1e-6 * along).all():
            return name
    return ""


def advice_on_divergence(step: int, x: Tensor, y: Tensor) -> str:
    """What to try after a divergence: the scale of the data, if that is the likely cause."""
    for name, value in (("x", x), ("y", y)):
        largest = value.abs().max().item()
        if largest > FAR:
            return f"{name} reaches {largest:.3g}, too far from 0 for a network: {STANDARDISE}"
    if step == 0:
        return "no step was made yet: look for log(0), a division by 0 or a huge first weight"
    return "try a smaller learning rate, or look for a variance that reaches 0"
