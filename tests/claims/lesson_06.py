"""Lesson 06: what independent Gaussians on the heights of random bumps do to width and noise."""

import math

import torch

from course_utils.data import WAVE, Problem, constant

SEEDS, N = 20, 60
CALM = Problem(WAVE.mean, constant(0.3), low=-3, high=3)
CHOICES = {
    "bumps": (20, 50, 200),
    "prior": (0.5, 1, 2),  # times the lesson's prior sd
    "scale": (1.25, 2.5, 5),  # sd of the weights and biases that make the bumps
    "place": (-1, 0, 1),  # the middle of the gap, which is 2 wide
}
CLAIMS = {
    "06-a": "among the data, independent Gaussians are less sure of f than the exact posterior",
    "06-b": "beyond the data they are surer than it, if both are told the noise",
    "06-c": "they learn a larger noise than it",
    "06-d": "with twice as many bumps they learn a larger noise still",
}


def features(x, count, scale, seed):
    w, b = scale * torch.randn(
        2, count, dtype=x.dtype, generator=torch.Generator().manual_seed(seed)
    )
    return torch.cat([torch.exp(-((x * w + b) ** 2) / 2), torch.ones_like(x)], dim=1)


def fit(Phi, y, n, tau, independent, noise=None):
    """m (seeds, d), the diagonal S (seeds, d) or None if exact, and v (seeds, 1, 1)."""
    v = y.square().sum(1, keepdim=True) / n
    if noise is not None:
        v = torch.full_like(v, noise**2)
    K = tau**2 * Phi @ Phi.mT
    S = None
    for _ in range(60 if noise is None else 1):
        inverse = torch.linalg.inv(K + v * torch.eye(K.shape[1], dtype=K.dtype))
        m = tau**2 * Phi.mT @ inverse @ y
        if independent:
            S = 1 / (Phi.square().sum(1, keepdim=True) / v + tau**-2)
            of_f = (Phi.square() * S).sum(2, keepdim=True)
        else:
            of_f = (K - K @ inverse @ K).diagonal(dim1=1, dim2=2)[:, :, None]
        if noise is None:
            v = ((y - Phi @ m).square() + of_f).sum(1, keepdim=True) / n
    return m, S, v


def sd_of_f(at, Phi, S, v, tau):
    if S is not None:
        return (at.square() * S).sum(2).sqrt()
    across = tau**2 * at @ Phi.mT
    K = tau**2 * Phi @ Phi.mT + v * torch.eye(Phi.shape[1], dtype=v.dtype)
    explained = (across @ torch.linalg.inv(K) * across).sum(2)
    return (tau**2 * at.square().sum(2) - explained).clamp(min=0).sqrt()


def outcome(bumps, prior, scale, place):
    wide = torch.linspace(-6, 6, 121, dtype=torch.float64)[:, None]
    gap, beyond = ((wide - place).abs() < 1)[:, 0], (wide.abs() > 3)[:, 0]
    sd, told, noise = {}, {}, {}
    for count in (bumps, 2 * bumps):
        tau = prior * math.sqrt(20 / count)
        Phi, y, at = [], [], []
        for seed in range(SEEDS):
            x, y_seed = CALM.sample(N, seed=seed)
            seen = (x - place).abs() > 1  # a point in the gap is a row of zeros
            Phi.append(features(x, count, scale, seed) * seen)
            y.append(y_seed * seen)
            at.append(features(wide, count, scale, seed))
        Phi, y, at = torch.stack(Phi), torch.stack(y), torch.stack(at)
        n = (y != 0).sum(1, keepdim=True)
        for way in ("exact", "mean field"):
            _, S, v = fit(Phi, y, n, tau, way == "mean field")
            noise[way, count] = v[:, 0, 0].sqrt()
            if count == bumps:
                sd[way] = sd_of_f(at, Phi, S, v, tau)
                _, S, v = fit(Phi, y, n, tau, way == "mean field", noise=0.3)
                told[way] = sd_of_f(at, Phi, S, v, tau)

    def mean(values, where):
        return values[:, where].mean(1)

    among = ~gap & ~beyond
    found = {
        "06-a": mean(sd["mean field"], among) > mean(sd["exact"], among),
        "06-b": mean(told["mean field"], beyond) < mean(told["exact"], beyond),
        "06-c": noise["mean field", bumps] > noise["exact", bumps],
        "06-d": noise["mean field", 2 * bumps] > noise["mean field", bumps],
    }
    return {key: values.tolist() for key, values in found.items()}
