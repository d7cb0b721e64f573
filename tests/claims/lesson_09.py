"""Lesson 09: whose mean is the better one, after how many steps."""

import math

import torch

from course_utils.data import Problem, constant

CHOICES = {"steps": (350, 700, 2100), "lr": (0.003, 0.01, 0.03), "width": (10, 20, 40)}

CLAIMS = {
    "09-a": "the mean trained by the NLL is worse than that of squared error",
    "09-b": "the mean of the β-NLL, β = ½, is better than that of the NLL",
    "09-c": "the mean of the β-NLL is better than that of squared error",
    "09-d": "squared error, with one σ afterwards, predicts new y better than the NLL does",
    "09-e": "the mean trained by the NLL misses a wave",
}

SEEDS = 20
WAVES = Problem(lambda x: 0.4 * torch.sin(2 * math.pi * x), constant(0.01), low=0, high=3)


def draws(n, first):
    """x and y of SEEDS data sets, each (SEEDS, n, 1), in float32: twice as fast."""
    pairs = zip(*(WAVES.sample(n, seed=first + k) for k in range(SEEDS)), strict=True)
    return [torch.stack(part).float() for part in pairs]


def first_weights(width):
    nets = []
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        sizes = [(1, width), (width, width), (width, 1), (width, 1)]
        layers = [torch.nn.Linear(*size) for size in sizes]
        nets.append([p for layer in layers for p in (layer.weight.T, layer.bias[None])])
    return [torch.stack(same).detach().requires_grad_() for same in zip(*nets, strict=True)]


def forward(nets, x):
    w1, b1, w2, b2, w_mu, b_mu, w_s, b_s = nets
    h = torch.tanh(torch.baddbmm(b1, x, w1))
    h = torch.tanh(torch.baddbmm(b2, h, w2))
    return torch.baddbmm(b_mu, h, w_mu), torch.baddbmm(b_s, h, w_s)


def squared_error(y, mu, log_var):
    return 0.5 * (y - mu) ** 2


def nll(y, mu, log_var):
    return 0.5 * (math.log(2 * math.pi) + log_var + (y - mu) ** 2 * torch.exp(-log_var))


def beta_nll(y, mu, log_var):
    return nll(y, mu, log_var) * torch.exp(log_var.detach() / 2)


def train(x, y, loss, steps, lr, width):
    """The lesson's loop: the rate falls to 0 over the last quarter of the steps."""
    nets = first_weights(width)
    optimizer = torch.optim.Adam(nets, lr=lr, fused=True)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: min(1, 4 * (steps - k) / steps))
    for _ in range(steps):
        optimizer.zero_grad()
        loss(y, *forward(nets, x)).mean(dim=(1, 2)).sum().backward()
        optimizer.step()
        rate.step()
    return nets


def outcome(steps, lr, width):
    """Each claim's truth for 20 data sets, each with first weights of its own."""
    x, y = draws(150, first=0)
    x_new, y_new = draws(500, first=1000)
    ways = {"MSE": squared_error, "NLL": nll, "β": beta_nll}
    rmse, score = {}, {}
    for name, loss in ways.items():
        nets = train(x, y, loss, steps, lr, width)
        with torch.no_grad():
            mu, log_var = forward(nets, x_new)
            if name == "MSE":
                residuals = y - forward(nets, x)[0]
                log_var = residuals.square().mean(dim=(1, 2), keepdim=True).log()
        rmse[name] = (mu - WAVES.mean(x_new)).square().mean(dim=(1, 2)).sqrt()
        score[name] = nll(y_new, mu, log_var).mean(dim=(1, 2))
    return {
        "09-a": (rmse["NLL"] > rmse["MSE"]).tolist(),
        "09-b": (rmse["β"] < rmse["NLL"]).tolist(),
        "09-c": (rmse["β"] < rmse["MSE"]).tolist(),
        "09-d": (score["MSE"] < score["NLL"]).tolist(),
        "09-e": (rmse["NLL"] > 0.1).tolist(),
    }
