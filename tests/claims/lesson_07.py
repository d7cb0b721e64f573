"""Lesson 07: Bayes by Backprop with 20 bumps, on a gap at 0 and on one beside it."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from course_utils.data import DTYPE, WAVE
from course_utils.losses import gaussian_nll
from course_utils.models import stacked_weights

SEEDS, N, UNITS, HALF = 20, 200, 20, 0.75
CHOICES = {"steps": (1000, 2000, 6000), "lr": (0.025, 0.05, 0.1), "prior": (1.25, 2.5, 5)}
CLAIMS = {
    "07-a": "in a gap at 0, from prior sd 2.5 on, f is over 3 times as unsure as among the data",
    "07-b": "in a gap at 1.75, from prior sd 2.5 on, f is less than half as unsure as the process",
    "07-c": "beyond the data f is less than half as unsure as the Gaussian process",
    "07-d": "in the gap at 0 its NLL is worse than one plain network's",
    "07-e": "in the gap at 1.75 its NLL is worse than one plain network's",
    "07-f": "among the data its NLL is no better than one plain network's",
    "07-g": "beyond the data its NLL is better than one plain network's",
}
GRID = torch.linspace(-6, 6, 121, dtype=DTYPE)[:, None]


class Adam:
    """Adam on a list of tensors with given gradients; the rate falls along half a cosine."""

    def __init__(self, tensors: list[Tensor], lr: float, steps: int):
        self.tensors, self.lr, self.steps, self.t = tensors, lr, steps, 0
        self.m = [torch.zeros_like(p) for p in tensors]
        self.v = [torch.zeros_like(p) for p in tensors]

    def step(self, gradients: list[Tensor]) -> None:
        lr = self.lr * (1 + math.cos(math.pi * self.t / self.steps)) / 2
        self.t += 1
        size = lr * math.sqrt(1 - 0.999**self.t) / (1 - 0.9**self.t)
        for p, g, m, v in zip(self.tensors, gradients, self.m, self.v):
            m.lerp_(g, 0.1)
            v.mul_(0.999).addcmul_(g, g, value=0.001)
            p.addcdiv_(m, v.sqrt().add_(1e-8), value=-size)


def with_ones(h: Tensor) -> Tensor:
    return torch.nn.functional.pad(h, (0, 1), value=1.0)


def run(x1: Tensor, first: Tensor, last: Tensor):
    """z, bumps with a one, and outputs (…, n, 2) at x1 (…, n, 2), for weights (…, in + 1, out)."""
    z = x1 @ first
    h = with_ones(torch.exp(z.square() * -0.5))
    return z, h, h @ last


def bayes(x: Tensor, y: Tensor, seen: Tensor, prior: float, steps: int, lr: float) -> list[Tensor]:
    """mu and log σ² of the weights of both layers, by the ELBO with one draw a step.

    x, y and seen (1 or 0) are (SEEDS, n, 1). The gradients are written out; a test against autograd
    stands in tests/test_claims.py.
    """
    chance = torch.Generator().manual_seed(0)
    sizes = ((2, UNITS), (UNITS + 1, 2))
    mus = [
        (2 * torch.rand(SEEDS, *size, dtype=DTYPE, generator=chance) - 1)
        * prior
        / math.sqrt(size[0] - 1)
        for size in sizes
    ]
    log_vars = [torch.full_like(mu, 2 * math.log(0.05)) for mu in mus]
    n, x1 = seen.sum(1, keepdim=True), with_ones(x)
    adam = Adam([*mus, *log_vars], lr, steps)
    for _ in range(steps):
        eps = [torch.randn(mu.shape, dtype=DTYPE, generator=chance) for mu in mus]
        adam.step(gradients(x1, y, seen / n, n, mus, log_vars, eps, prior))
    return [*mus, *log_vars]


def gradients(x1, y, share, n, mus, log_vars, eps, prior) -> list[Tensor]:
    """Those of the mean NLL of one draw + KL / n, for mus and log_vars."""
    sds = [torch.exp(log_var / 2) for log_var in log_vars]
    first, last = (mu + sd * e for mu, sd, e in zip(mus, sds, eps))
    z, h, out = run(x1, first, last)
    mu, log_var = out.split(1, dim=-1)
    precision = torch.exp(-log_var)
    by_mu = (mu - y) * precision
    by_out = torch.cat([by_mu, (1 - (mu - y) * by_mu) / 2], dim=-1) * share
    by_z = -(by_out @ last[:, :-1].mT) * h[..., :-1] * z
    found = []
    for g, mu, sd, e in zip((x1.mT @ by_z, h.mT @ by_out), mus, sds, eps):
        by_log_var = g * sd * e / 2 + (sd.square() / prior**2 - 1) / 2 / n
        found.append((g + mu / prior**2 / n, by_log_var))
    return [g for g, _ in found] + [g for _, g in found]


def draws(net: list[Tensor], x: Tensor, count: int = 100):
    """mu and log_var of y under draws of the weights, (count, SEEDS, n) each."""
    chance, x1 = torch.Generator().manual_seed(1), with_ones(x)
    mus, log_vars = net[:2], net[2:]
    eps = [torch.randn(count, *mu.shape, dtype=DTYPE, generator=chance) for mu in mus]
    layers = [mu + torch.exp(v / 2) * e for mu, v, e in zip(mus, log_vars, eps)]
    return run(x1, *layers)[2].unbind(dim=-1)


def plain(x: Tensor, y: Tensor, seen: Tensor):
    """The network of lesson 04: 20 ReLU units, 200 steps at 0.05; SEEDS of them."""
    torch.manual_seed(0)
    weights, biases = stacked_weights(SEEDS, 1, (UNITS,), 1)
    parameters = [p.detach().requires_grad_() for p in (*weights, *biases)]
    w1, w2, b1, b2 = parameters

    def outputs(x):
        return torch.baddbmm(b2, torch.baddbmm(b1, x, w1).relu(), w2)

    optimizer = torch.optim.Adam(parameters, 0.05, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 200)
    for _ in range(200):
        mu, log_var = outputs(x).split(1, dim=-1)
        nll = 0.5 * (log_var + (y - mu) ** 2 * torch.exp(-log_var))
        optimizer.zero_grad()
        ((nll * seen).sum(1) / seen.sum(1)).sum().backward()
        optimizer.step()
        schedule.step()
    return lambda x: outputs(x).detach().unbind(dim=-1)


def kernel(a: Tensor, b: Tensor, s: float) -> Tensor:
    det = (1 + s**2 * (1 + a**2)) * (1 + s**2 * (1 + b.mT**2)) - (s**2 * (1 + a @ b.mT)) ** 2
    return s**2 + UNITS * s**2 / det.sqrt()


def process(x: Tensor, seen: Tensor, prior: float) -> Tensor:
    """The sd of f at GRID, (SEEDS, n): a Gaussian process that is told the noise."""
    at = GRID.expand(len(x), -1, -1)
    noise = WAVE.truth(x)[1].square() / seen  # a point in the gap tells nothing
    noise = noise.clamp(max=1e9)[..., 0]
    across = kernel(x, at, prior)
    K = kernel(x, x, prior) + torch.diag_embed(noise)
    explained = (across * torch.linalg.solve(K, across)).sum(1)
    return (kernel(at, at, prior).diagonal(dim1=1, dim2=2) - explained).clamp(min=0).sqrt()


def look(place: float, steps: int, lr: float, prior: float) -> dict[str, Tensor]:
    """By seed: sd of f and of the process, NLL of both networks; among data, in gap, beyond."""
    data = [WAVE.sample(N, seed=seed) for seed in range(SEEDS)]
    x, y = (torch.stack(v) for v in zip(*data))
    seen = ((x - place).abs() > HALF).double()
    net = bayes(x, y, seen, prior, steps, lr)
    net_plain = plain(x, y, seen)
    x_new, y_new = replace(WAVE, low=-4.5, high=4.5).sample(1500, seed=1000)
    every = x_new.expand(SEEDS, -1, -1)

    def nll(mu, log_var):  # of a mixture (count, SEEDS, n)
        log_p = -gaussian_nll(
            y_new.T.expand_as(mu).flatten(0, 1), mu.flatten(0, 1), log_var.flatten(0, 1)
        )
        return math.log(len(mu)) - torch.logsumexp(log_p.view_as(mu), dim=0)

    values = {
        "sd": draws(net, GRID)[0].std(0),
        "process": process(x, seen, prior),
        "nll": nll(*draws(net, every)),
        "plain": nll(*(v[None] for v in net_plain(every))),
    }
    found = {}
    for name, value in values.items():
        at = (GRID if value.shape[1] == len(GRID) else x_new)[:, 0]
        gap = (at - place).abs() < HALF
        for part, where in (
            ("among", ~gap & (at.abs() < 3)),
            ("gap", gap),
            ("beyond", at.abs() > 3),
        ):
            found[name, part] = value[:, where].mean(1)
    return found


def outcome(steps, lr, prior):
    at_0, beside = (look(place, steps, lr, prior) for place in (0.0, 1.75))
    found = {
        "07-a": at_0["sd", "gap"] > 3 * at_0["sd", "among"],
        "07-b": beside["sd", "gap"] < beside["process", "gap"] / 2,
        "07-c": at_0["sd", "beyond"] < at_0["process", "beyond"] / 2,
        "07-d": at_0["nll", "gap"] > at_0["plain", "gap"],
        "07-e": beside["nll", "gap"] > beside["plain", "gap"],
        "07-f": at_0["nll", "among"] > at_0["plain", "among"],
        "07-g": at_0["nll", "beyond"] < at_0["plain", "beyond"],
    }
    return {key: values.tolist() for key, values in found.items()}
