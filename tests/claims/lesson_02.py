"""Lesson 02: the variance of the predictions for σ²; 20 networks of the question side by side."""

import math

import torch

from course_utils.data import LINE
from course_utils.models import stacked_weights

SEEDS, N, BATCH = 20, 10_000, 500

# The question's recipe stands in the middle: two layers of 50 units, 200 steps at 0.01.
CHOICES = {"steps": (100, 200, 600), "lr": (0.003, 0.01, 0.03), "width": (25, 50, 100)}
CLAIMS = {
    "02-a": "a line that goes up ends nearer to the formula's slope than to the true one",
    "02-b": "a line that goes up ends within 5 % of the formula's slope",
    "02-c": "the start ends with a line that goes up",
}


def outcome(steps, lr, width):
    x, y = LINE.sample(N, seed=0)
    torch.manual_seed(0)
    weights, biases = stacked_weights(SEEDS, 1, (width, width), 1)
    # Of each layer: stacked_weights makes two outputs, for μ and log σ²; here the first is used.
    layers = [p.detach().clone().requires_grad_() for pair in zip(weights, biases) for p in pair]
    optimizer = torch.optim.Adam(layers, lr, fused=True)

    def predictions(x):
        h = x.expand(SEEDS, -1, -1)
        for k in range(0, len(layers), 2):
            h = torch.baddbmm(layers[k + 1], h if k == 0 else h.relu(), layers[k])
        return h[..., :1]

    for _ in range(steps):
        rows = torch.randint(N, (BATCH,))
        f = predictions(x[rows])
        V = f.var(dim=1)
        loss = ((f - y[rows]) ** 2).mean(dim=1) / (2 * V) + V.log() / 2
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
    with torch.no_grad():
        f = predictions(x)[..., 0]
    centred = x[:, 0] - x.mean()
    slopes = (f * centred).mean(dim=1) / centred.square().mean()
    formula = 2.3 * (-1 + math.sqrt(5 + 4 / (2.3**2 * 3))) / 2
    up = slopes[slopes > 0]
    return {
        "02-a": ((up - formula).abs() < (up - 2.3).abs()).tolist(),
        "02-b": ((up / formula - 1).abs() < 0.05).tolist(),
        "02-c": (slopes > 0).tolist(),
    }
