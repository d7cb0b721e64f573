"""Lesson 04: two outputs on noise that grows, or fades, toward the ends of the data."""

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

from course_utils.data import DTYPE, WAVE, Problem
from course_utils.metrics import coverage
from course_utils.models import stacked_weights

SEEDS, N, BATCH = 20, 10_000, 500
FADING = Problem(WAVE.mean, lambda x: 0.9 - 0.25 * x.abs(), low=-3, high=3)
REGIONS = [(0, 0.5), (0.5, 1.5), (1.5, 2.5), (2.5, 3)]

# The lesson's recipe: 400 steps, 0.01, no decay. The lecture decays by 1e-4.
CHOICES = {"steps": (200, 400, 1200), "lr": (0.005, 0.01, 0.02), "decay": (0.0, 1e-4, 1e-3)}
CLAIMS = {
    "04-a": "in each of four regions the 95 % band of two outputs holds 93 to 97 % of new points",
    "04-b": "noise that fades: σ is smaller at both ±6 than at ±3, where the data end",
    "04-c": "noise that grows: σ is larger at both ±6 than at ±3",
}


def trained(problem, steps, lr, decay):
    """(mu, sigma) at any x, of SEEDS networks, each trained on data of its own."""
    data = [problem.sample(N, seed=seed) for seed in range(SEEDS)]
    x, y = (torch.stack(parts) for parts in zip(*data, strict=True))
    torch.manual_seed(0)
    weights, biases = stacked_weights(SEEDS, 1, (50, 50), 1)
    layers = [p.detach().clone().requires_grad_() for pair in zip(weights, biases) for p in pair]
    optimizer = torch.optim.Adam(layers, lr, weight_decay=decay, fused=True)
    schedule = CosineAnnealingLR(optimizer, steps)

    def outputs(h):
        for k in range(0, len(layers), 2):
            h = torch.baddbmm(layers[k + 1], h if k == 0 else h.relu(), layers[k])
        return h.chunk(2, dim=2)

    for _ in range(steps):
        rows = torch.randint(N, (BATCH,))
        mu, log_var = outputs(x[:, rows])
        nll = (log_var + (y[:, rows] - mu) ** 2 * torch.exp(-log_var)) / 2
        optimizer.zero_grad()
        nll.mean(dim=(1, 2)).sum().backward()
        optimizer.step()
        schedule.step()

    @torch.no_grad()
    def predict(x):
        mu, log_var = outputs(x.expand(SEEDS, -1, -1))
        return mu, (log_var / 2).exp()

    return predict


def honest(predict) -> list[bool]:
    x, y = WAVE.sample(20_000, seed=1000)
    mu, sigma = predict(x)
    good = torch.ones(SEEDS, dtype=torch.bool)
    for low, high in REGIONS:
        rows = ((x.abs() >= low) & (x.abs() < high))[:, 0]
        shares = [coverage(y[rows], mu[i][rows], sigma[i][rows]) for i in range(SEEDS)]
        good &= (torch.tensor(shares) - 0.95).abs() < 0.02
    return good.tolist()


def outcome(steps, lr, decay):
    at = torch.tensor([[-6.0], [-3.0], [3.0], [6.0]], dtype=DTYPE)
    grows, fades = (trained(problem, steps, lr, decay) for problem in (WAVE, FADING))
    (_, wide), (_, narrow) = grows(at), fades(at)
    return {
        "04-a": honest(grows),
        "04-b": (narrow[:, [0, 3]] < narrow[:, [1, 2]]).all(dim=1)[:, 0].tolist(),
        "04-c": (wide[:, [0, 3]] > wide[:, [1, 2]]).all(dim=1)[:, 0].tolist(),
    }
