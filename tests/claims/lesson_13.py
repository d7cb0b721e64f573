"""Lesson 13: 90 % intervals learned or read off, and their repair; 20 networks side by side."""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from course_utils.data import WAVE
from course_utils.metrics import conformal_quantile
from tests.claims.lesson_12 import data_sets, nll, train

CHOICES = {"steps": (200, 400, 1200), "lr": (0.005, 0.01, 0.02), "width": (8, 16, 32)}
CLAIMS = {
    "13-a": "where the noise has one long tail, two quantiles have the better interval score",
    "13-b": "where the noise is Gaussian, the ends read off a Gaussian have the better one",
    "13-c": "both ways hold less than 90 % of new rows before they are repaired",
    "13-d": "the repair improves the interval score of two quantiles",
}


def ends(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return a, a + softplus(b)


def score(y: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """The interval score at 90 %; over 20 it is the sum of the two pinball losses."""
    return upper - lower + 20 * ((lower - y).clamp(min=0) + (y - upper).clamp(min=0))


def rows(n: int, first_seed: int, late: bool) -> tuple[Tensor, Tensor]:
    x, y = data_sets(n, first_seed)
    if late:
        mean, sigma = WAVE.truth(x)
        y = mean + sigma * (-torch.special.log_ndtr((mean - y) / sigma) - 1)
    return x, y


def learned(late: bool, recipe: dict) -> dict[str, Tensor]:
    """Of each seed (SEEDS,): the scores on new rows, the shares inside, the repaired score."""
    data, (x_held, y_held), (x, y) = (
        rows(n, seed, late) for n, seed in ((100, 0), (100, 1000), (2000, 2000))
    )
    gaussian = train(nll, *data, **recipe)
    direct = train(lambda a, b, y: score(y, *ends(a, b)), *data, **recipe)
    mu, log_var = gaussian(x)
    half = 1.6449 * torch.exp(log_var / 2)
    read, two = (mu - half, mu + half), ends(*direct(x))
    lower, upper = ends(*direct(x_held))
    outside = torch.maximum(lower - y_held, y_held - upper)
    q = torch.tensor([conformal_quantile(each, 0.9) for each in outside])[:, None, None]
    found = {"repaired": score(y, two[0] - q, two[1] + q)}
    for name, (low, high) in (("read", read), ("two", two)):
        found[name] = score(y, low, high)
        found[f"{name} inside"] = ((low <= y) & (y <= high)).double()
    return {name: value.mean(dim=(1, 2)) for name, value in found.items()}


def outcome(**recipe):
    late, plain = learned(True, recipe), learned(False, recipe)
    return {
        "13-a": (late["two"] < late["read"]).tolist(),
        "13-b": (plain["read"] < plain["two"]).tolist(),
        "13-c": (torch.maximum(late["read inside"], late["two inside"]) < 0.9).tolist(),
        "13-d": (late["repaired"] < late["two"]).tolist(),
    }
