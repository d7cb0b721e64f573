"""Lesson 10: coverage, early stopping and out-of-fold residuals, on 20 draws of the wave."""

import math

import torch

from course_utils.data import WAVE

# Steps of the networks for the mean; two outputs take twice as many, a σ(x) half.
CHOICES = {"steps": (100, 200, 600), "lr": (0.01, 0.02, 0.04), "width": (10, 20, 40)}

CLAIMS = {
    "10-a": "with two outputs and 256 points, 95 % intervals hold less than 95 % of new y",
    "10-b": "stopping by 56 of 256 points predicts new y better than all steps on 256",
    "10-c": "with 64 points, out-of-fold residuals tell the RMS error on new y more exactly "
    "than training residuals",
    "10-d": "with 64 points, σ(x) from out-of-fold residuals predicts new y better than from "
    "training residuals",
}

SEEDS = 20


def draws(n, first=0):
    """x and y of SEEDS data sets, each (SEEDS, n, 1), in float32: twice as fast."""
    pairs = zip(*(WAVE.sample(n, seed=first + k) for k in range(SEEDS)), strict=True)
    return [torch.stack(part).float() for part in pairs]


def new_net(seed, width):
    torch.manual_seed(seed)
    shapes = (1, width, 1), (1, width, 1), (width, 1, width), (1, 1, width)
    return [
        ((2 * torch.rand(SEEDS, a, b) - 1) / math.sqrt(inputs)).requires_grad_()
        for a, b, inputs in shapes
    ]


def output(net, x):
    w1, b1, w2, b2 = net
    return torch.baddbmm(b2, torch.tanh(2 * torch.baddbmm(b1, x, w1)), w2)


def nll(y, mu, log_var):
    each = 0.5 * (math.log(2 * math.pi) + log_var + (y - mu) ** 2 * torch.exp(-log_var))
    return each.mean(dim=(1, 2))


def train(nets, loss, steps, lr, see=None):
    optimizer = torch.optim.Adam([p for net in nets for p in net], lr=lr, fused=True)
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        loss().sum().backward()
        optimizer.step()
        if see is not None and step % 20 == 0:
            with torch.no_grad():
                see()


def two_outputs(n, steps, lr, width, x_new, y_new):
    """Of networks on the first n of 256 points: the NLL on the rest and on new points, every 20
    steps, and the coverage of new points at the end."""
    x, y = draws(256)
    mean, log_var, seen = new_net(0, width), new_net(1, width), []

    def on(x, y):
        return nll(y, output(mean, x), output(log_var, x))

    def see():
        rest = on(x[:, n:], y[:, n:]) if n < 256 else torch.zeros(SEEDS)
        seen.append(torch.stack([rest, on(x_new, y_new)]))

    train([mean, log_var], lambda: on(x[:, :n], y[:, :n]), 2 * steps, lr, see)
    with torch.no_grad():
        z = (y_new - output(mean, x_new)) * torch.exp(-output(log_var, x_new) / 2)
    return torch.stack(seen), (z.abs() < 1.96).float().mean(dim=(1, 2))


def residuals(x, y, x_test, y_test, steps, lr, width):
    """Of a mean fitted to x and y by squared error, on the test points."""
    net = new_net(0, width)
    train([net], lambda: (y - output(net, x)).square().mean(dim=(1, 2)), steps, lr)
    return (y_test - output(net, x_test)).detach()


def outcome(steps, lr, width):
    x_new, y_new = draws(1000, first=1000)
    path, covered = two_outputs(256, steps, lr, width, x_new, y_new)
    split, _ = two_outputs(200, steps, lr, width, x_new, y_new)
    stopped = split[split[:, 0].argmin(dim=0), 1, torch.arange(SEEDS)]

    x, y = draws(64)
    recipe = {"steps": steps, "lr": lr, "width": width}
    both = residuals(x, y, torch.cat([x, x_new], 1), torch.cat([y, y_new], 1), **recipe)
    r_new, r = both[:, 64:], {"training": both[:, :64], "held out": torch.empty_like(y)}
    for k in range(4):
        out = torch.arange(64) % 4 == k
        parts = x[:, ~out], y[:, ~out], x[:, out], y[:, out]
        r["held out"][:, out] = residuals(*parts, **recipe)
    off, score = {}, {}
    for kind, part in r.items():
        rms = [each.square().mean(dim=(1, 2)).sqrt() for each in (part, r_new)]
        off[kind] = (rms[0] - rms[1]).abs()
        net = new_net(1, width)
        train([net], lambda r=part, net=net: nll(r, 0 * r, output(net, x)), steps // 2, lr)
        score[kind] = nll(r_new, 0 * r_new, output(net, x_new)).detach()
    return {
        "10-a": (covered < 0.95).tolist(),
        "10-b": (stopped < path[-1, 1]).tolist(),
        "10-c": (off["held out"] < off["training"]).tolist(),
        "10-d": (score["held out"] < score["training"]).tolist(),
    }
