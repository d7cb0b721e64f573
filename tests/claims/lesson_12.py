"""Lesson 12: a band from 100 points, one scale from 200 more; 20 networks side by side."""

import torch
from torch import Tensor

from course_utils.data import WAVE
from course_utils.models import stacked_weights

SEEDS = 20

# Half, once and three times the lesson's budget, and a step down and up in rate and width.
CHOICES = {"steps": (200, 400, 1200), "lr": (0.005, 0.01, 0.02), "width": (16, 32, 64)}
CLAIMS = {
    "12-a": "the band learned from 100 points holds less than 95 % of new ones",
    "12-b": "one scale from 200 held-out points improves the NLL of new ones",
    "12-c": "one scale brings the share of new points inside nearer to 95 %",
}


def data_sets(n: int, first_seed: int) -> tuple[Tensor, Tensor]:
    """x and y of the wave, (SEEDS, n, 1)."""
    sets = [WAVE.sample(n, seed=first_seed + seed) for seed in range(SEEDS)]
    return tuple(torch.stack(parts) for parts in zip(*sets, strict=True))


def train(loss, x: Tensor, y: Tensor, steps: int, lr: float, width: int):
    """A network of two layers for each data set; its two outputs as a function of x."""
    torch.manual_seed(0)
    weights, biases = stacked_weights(len(x), 1, (width, width), 1)
    trained = [p.detach().requires_grad_() for p in (*weights, *biases)]
    optimizer = torch.optim.Adam(trained, lr, fused=True)

    def outputs(x: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.baddbmm(trained[3], x, trained[0]).relu()
        h = torch.baddbmm(trained[4], h, trained[1]).relu()
        return torch.baddbmm(trained[5], h, trained[2]).chunk(2, dim=2)

    for _ in range(steps):
        optimizer.zero_grad()
        loss(*outputs(x), y).mean(dim=(1, 2)).sum().backward()
        optimizer.step()

    @torch.no_grad()
    def answer(x: Tensor) -> tuple[Tensor, Tensor]:
        return outputs(x)

    return answer


def nll(mu: Tensor, log_var: Tensor, y: Tensor) -> Tensor:
    return (log_var + (y - mu) ** 2 * torch.exp(-log_var)) / 2


def outcome(steps, lr, width):
    answer = train(nll, *data_sets(100, 0), steps, lr, width)
    (x_held, y_held), (x, y) = data_sets(200, 1000), data_sets(2000, 2000)
    mu, log_var = answer(x_held)
    scale = ((y_held - mu) ** 2 * torch.exp(-log_var)).mean(dim=(1, 2), keepdim=True)
    mu, log_var = answer(x)
    before, after = log_var, log_var + scale.log()
    scores = [nll(mu, each, y).mean(dim=(1, 2)) for each in (before, after)]
    shares = [
        ((y - mu).abs() < 1.96 * torch.exp(each / 2)).double().mean(dim=(1, 2))
        for each in (before, after)
    ]
    return {
        "12-a": (shares[0] < 0.95).tolist(),
        "12-b": (scores[1] < scores[0]).tolist(),
        "12-c": ((shares[1] - 0.95).abs() < (shares[0] - 0.95).abs()).tolist(),
    }
