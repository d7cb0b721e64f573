"""Lesson 05: what NLL + KL on y learns, from pure noise and from the article's data."""

import math

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

from course_utils.data import FUNNEL, Problem, constant
from course_utils.losses import gaussian_kl, gaussian_nll
from course_utils.models import stacked_weights

SEEDS = 20
# Factors of the lesson's steps (100; 800 on his data) and rates (0.03; 0.005), and the width of
# the first layer; the second has half of it.
CHOICES = {"steps": (0.5, 1, 3), "lr": (0.5, 1, 2), "width": (10, 20, 40)}
CLAIMS = {
    "05-a": "pure noise of σ = 0.3 is learned as √0.3, within 5 %",
    "05-b": "pure noise of σ = 2 is learned as √2, within 5 %",
    "05-c": "his data, x > 30, from 20 units on: the KL divides the mean by 1 + σ², ± ¼",
}


def trained(x, y, weight, width, steps, lr, at):
    """mu and log_var at ``at`` of SEEDS networks on their own x and y (SEEDS, n, 1)."""
    torch.manual_seed(0)
    weights, biases = stacked_weights(SEEDS, 1, (width, width // 2), 1)
    parameters = [p.detach().requires_grad_() for p in (*weights, *biases)]
    weights, biases = parameters[:3], parameters[3:]
    optimizer = torch.optim.Adam(parameters, lr, fused=True)
    schedule = CosineAnnealingLR(optimizer, steps)

    def outputs(x):
        h = torch.baddbmm(biases[0], x, weights[0]).relu()
        h = torch.baddbmm(biases[1], h, weights[1]).relu()
        return torch.baddbmm(biases[2], h, weights[2]).flatten(0, 1).chunk(2, dim=1)

    for _ in range(steps):
        mu, log_var = outputs(x)
        loss = gaussian_nll(y.flatten(0, 1), mu, log_var)
        if weight:  # the draw's average, as the lesson derives
            loss = loss + weight * gaussian_kl(mu, log_var)
        optimizer.zero_grad()
        (loss.sum() / x.shape[1]).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return [v.view(SEEDS, -1) for v in outputs(at)]


def samples(problem, n):
    return [torch.stack(v) for v in zip(*(problem.sample(n, seed=s) for s in range(SEEDS)))]


def outcome(steps, lr, width):
    found = {}
    for claim, noise in (("05-a", 0.3), ("05-b", 2.0)):
        x, y = samples(Problem(constant(0.0), constant(noise), low=-3, high=3), 1000)
        _, log_var = trained(x, y, 1, width, round(100 * steps), 0.03 * lr, x)
        sigma = (log_var / 2).exp().mean(1)
        found[claim] = ((sigma / math.sqrt(noise) - 1).abs() < 0.05).tolist()
    x, y = samples(FUNNEL, 150)
    y = (y - y.mean(1, keepdim=True)) / y.std(1, keepdim=True, correction=0)
    late = torch.linspace(30, 60, 61, dtype=x.dtype)[:, None].expand(SEEDS, -1, -1)
    recipe = (width, round(800 * steps), 0.005 * lr, late)
    plain, _ = trained(x, y, 0, *recipe)
    with_kl, log_var = trained(x, y, 1, *recipe)
    ratio = with_kl.mean(1) / (plain / (1 + log_var.exp())).mean(1)
    found["05-c"] = ((ratio - 1).abs() < 0.25).tolist()
    return found
