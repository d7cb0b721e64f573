"""Lesson 11: families for counts that vary more, and for outliers, on 20 draws of 1,000 rows."""

import math

import torch
from torch.distributions import Normal, Poisson, StudentT
from torch.nn.functional import softplus

CHOICES = {"steps": (150, 300, 900), "lr": (0.01, 0.03, 0.1), "width": (15, 30, 60)}

CLAIMS = {
    "11-a": "on counts with weather the Gaussian predicts better than the Poisson",
    "11-b": "with outliers, in the test set too, Student's t predicts better than the Gaussian",
}

SEEDS, BATCH = 20, 100


def counts(n):
    """x in [−1, 1] and bicycles with weather, each (SEEDS, n, 1), in float32."""
    x = 2 * torch.rand(SEEDS, n, 1) - 1
    rate = torch.exp(1 + 1.5 * torch.sin(math.pi * (x + 0.25)))
    luck = torch.distributions.Gamma(2.0, 2.0).sample((SEEDS, n, 1))
    return x, torch.poisson(rate * luck)


def slips(n):
    """x in [−1, 1] and a sine with noise 0.2, ten times that in one row of twenty."""
    x = 2 * torch.rand(SEEDS, n, 1) - 1
    wide = torch.where(torch.rand(SEEDS, n, 1) < 0.05, 2.0, 0.2)
    return x, torch.sin(3.9 * x) + wide * torch.randn(SEEDS, n, 1)


def gaussian(raw):
    return Normal(raw[..., :1], (raw[..., 1:] / 2).exp())


def poisson(raw):
    return Poisson(raw.exp(), validate_args=False)


def student(raw):
    mu, log_scale, tail = raw.split(1, dim=2)
    return StudentT(2 + softplus(tail), mu, log_scale.exp())


def train(family, outputs, x, y, steps, lr, width):
    """The learned distribution as a function of x; the rate falls to 0 along a half cosine."""
    sizes = [(1, width), (width, width), (width, outputs)]
    net = []
    for a, b in sizes:
        bound = 1 / math.sqrt(a)
        net += [
            bound * (2 * torch.rand(SEEDS, a, b) - 1),
            bound * (2 * torch.rand(SEEDS, 1, b) - 1),
        ]
    net = [part.requires_grad_() for part in net]

    def raw(x):
        h = torch.baddbmm(net[1], x, net[0]).relu()
        return torch.baddbmm(net[5], torch.baddbmm(net[3], h, net[2]).relu(), net[4])

    optimizer = torch.optim.Adam(net, lr=lr, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        rows = torch.randint(x.shape[1], (BATCH,))
        optimizer.zero_grad()
        loss = -family(raw(x[:, rows])).log_prob(y[:, rows])
        loss.mean(dim=(1, 2)).sum().backward()
        optimizer.step()
        schedule.step()
    return lambda x: family(raw(x).detach())


def nll(distribution, y):
    return -distribution.log_prob(y).mean(dim=(1, 2))


def outcome(steps, lr, width):
    torch.manual_seed(0)
    x, y = counts(1000)
    x_new, y_new = counts(2000)
    families = {"Gaussian": (gaussian, 2), "Poisson": (poisson, 1)}
    score = {
        name: nll(train(*family, x, y, steps, lr, width)(x_new), y_new)
        for name, family in families.items()
    }
    x, y = slips(1000)
    x_new, y_new = slips(2000)
    scores = [
        nll(train(family, outputs, x, y, steps, lr, width)(x_new), y_new)
        for family, outputs in ((gaussian, 2), (student, 3))
    ]
    return {
        "11-a": (score["Gaussian"] < score["Poisson"]).tolist(),
        "11-b": (scores[1] < scores[0]).tolist(),
    }
