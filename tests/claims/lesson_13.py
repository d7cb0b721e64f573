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
    "13-c": "both ways hold a smaller share of new rows than of their training rows",
    "13-d": "the repair improves the interval score of two quantiles",
}


def ends(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return a, a + softplus(b)


def score(y: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """The interval score at 90 %; over 20 it is the sum of the two pinball losses."""
    return upper - lower + 20 * ((lower - y).clamp(min=0) + (y - upper).clamp(min=0))


def inside(y: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    return ((lower <= y) & (y <= upper)).double().mean(dim=(1, 2))


def rows(n: int, first_seed: int, late: bool) -> tuple[Tensor, Tensor]:
    x, y = data_sets(n, first_seed)
    if late:
        mean, sigma = WAVE.truth(x)
        y = mean + sigma * (-torch.special.log_ndtr((mean - y) / sigma) - 1)
    return x, y


def learned(late: bool, recipe: dict) -> dict[str, Tensor]:
    """Of each seed (SEEDS,): the scores, the repaired score, how many fewer new rows are inside."""
    data, (x_held, y_held), (x, y) = (
        rows(n, seed, late) for n, seed in ((100, 0), (100, 1000), (2000, 2000))
    )
    gaussian = train(nll, *data, **recipe)
    direct = train(lambda a, b, y: score(y, *ends(a, b)), *data, **recipe)

    def read_off(x: Tensor) -> tuple[Tensor, Tensor]:
        mu, log_var = gaussian(x)
        half = 1.6449 * torch.exp(log_var / 2)
        return mu - half, mu + half

    def two(x: Tensor) -> tuple[Tensor, Tensor]:
        return ends(*direct(x))

    lower, upper = two(x_held)
    outside = torch.maximum(lower - y_held, y_held - upper)
    q = torch.tensor([conformal_quantile(each, 0.9) for each in outside])[:, None, None]
    lower, upper = two(x)
    found = {"repaired": score(y, lower - q, upper + q).mean(dim=(1, 2))}
    for name, way in (("read", read_off), ("two", two)):
        found[name] = score(y, *way(x)).mean(dim=(1, 2))
        found[f"{name}: fewer"] = inside(data[1], *way(data[0])) - inside(y, *way(x))
    return found


def outcome(**recipe):
    late, plain = learned(True, recipe), learned(False, recipe)
    return {
        "13-a": (late["two"] < late["read"]).tolist(),
        "13-b": (plain["read"] < plain["two"]).tolist(),
        "13-c": (torch.minimum(late["read: fewer"], late["two: fewer"]) > 0).tolist(),
        "13-d": (late["repaired"] < late["two"]).tolist(),
    }
