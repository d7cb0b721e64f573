"""Another tool's forecast of a table's target, judged as the course judges its own."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.losses import gaussian_nll
from course_utils.metrics import PairedComparison, crps, interval_score, pit
from course_utils.validation import DTYPE

__all__ = ["Judgement", "judge_interval", "judge_sigma"]

KOLMOGOROV = 1.358  # of √n times the largest distance: 95 % of honest forecasts stay below


@dataclass(repr=False)
class Judgement:
    """What is to be said of a forecast, in ``sentences``.

    ``scores`` (n, 1) by name, in the units of y; ``covered`` the share inside the interval with its
    error, overall and by thirds of σ (or of the width); ``scale`` the factor that σ (or the half
    width) needs, with its error; ``difference`` is the forecast's score minus that of the report's
    own model on the same rows, each predicted without itself; ``own`` is that report.
    """

    scores: dict[str, Tensor]
    covered: dict[str, tuple[float, float]]
    scale: tuple[float, float]
    difference: PairedComparison
    own: object
    sentences: list[str]

    def __repr__(self) -> str:
        return "\n".join(self.sentences)


def shares(inside: Tensor, size: Tensor, level: float) -> dict[str, tuple[float, float]]:
    """Coverage and the error of an honest forecast's, overall and by thirds of ``size``."""
    rank = size[:, 0].argsort().argsort() * 3 // len(size)
    rows = {"all": rank >= 0, "small": rank == 0, "middle": rank == 1, "large": rank == 2}
    p = level * (1 - level)
    return {
        name: (inside[at].mean().item(), math.sqrt(p / int(at.sum()))) for name, at in rows.items()
    }


def said_of_shares(covered: dict, level: float, what: str) -> list[str]:
    parts = [f"{name} {100 * c:.1f} ± {100 * e:.1f}" for name, (c, e) in covered.items()]
    off = [name for name, (c, e) in covered.items() if abs(c - level) > 3 * e]
    end = f": not honest for {', '.join(off)}." if off else "."
    return [f"In the {100 * level:g} % interval, % by thirds of {what}: {', '.join(parts)}{end}"]


def said_of_scale(scale: tuple[float, float], what: str) -> str:
    c, error = scale
    alone = abs(c - 1) < 2 * error
    advice = "1 is inside: leave it alone" if alone else f"multiply {what} by it"
    return f"The one factor that {what} needs is {c:.2f} ± {error:.2f} ({advice})."


def said_of_difference(d: PairedComparison, score: str) -> str:
    better = "the forecast is better" if d.difference < 0 else "the report's model is better"
    clear = better if abs(d.difference) > 2 * d.error else "which is no clear difference"
    return (
        f"{score} minus that of the report's own model, row by row: {d.difference:.3g} ± "
        f"{d.error:.2g} ({clear})."
    )


def judge_sigma(y: Tensor, mu: Tensor, sigma: Tensor, own, level: float) -> Judgement:
    """Of a forecast N(mu, σ²): y, mu and sigma (n, 1)."""
    if not (sigma > 0).all():
        raise ValueError(f"sigma must be > 0, got {sigma.min().item():g}")
    z, n = (y - mu) / sigma, len(y)
    nll, score = gaussian_nll(y, mu, 2 * sigma.log()), crps(y, mu, sigma)
    half = math.sqrt(2) * torch.erfinv(torch.tensor(level, dtype=DTYPE))
    covered = shares((z.abs() <= half).to(DTYPE), sigma, level)
    c = z.square().mean().sqrt().item()
    scale = c, z.square().std().item() / math.sqrt(n) / (2 * c)
    difference = own.judge.compare(nll[own.tested], own.scores[own.choice]["NLL"])
    place = pit(y, mu, sigma)[:, 0].sort().values
    steps = torch.arange(n + 1, dtype=DTYPE) / n
    far = torch.maximum(place - steps[:-1], steps[1:] - place).max().item()
    band = KOLMOGOROV / math.sqrt(n)
    said = [
        f"NLL {nll.mean():.3g} nats, CRPS {score.mean():.3g}, over {n} rows.",
        *said_of_shares(covered, level, "σ"),
        f"The PIT {'leaves' if far > band else 'stays in'} its 95 % band (largest distance "
        f"{far:.3f}, band {band:.3f}).",
        said_of_scale(scale, "σ"),
        said_of_difference(difference, "Its NLL"),
    ]
    return Judgement({"NLL": nll, "CRPS": score}, covered, scale, difference, own, said)


def judge_interval(y: Tensor, lower: Tensor, upper: Tensor, own, level: float) -> Judgement:
    """Of intervals that promise ``level``: y, lower and upper (n, 1)."""
    if not (upper > lower).all():
        raise ValueError("upper must be above lower, got a row where it is not")
    score, half = interval_score(y, lower, upper, level), (upper - lower) / 2
    covered = shares(((lower <= y) & (y <= upper)).to(DTYPE), half, level)
    ratio = ((y - (lower + upper) / 2).abs() / half)[:, 0].sort().values
    n, error = len(y), math.sqrt(level * (1 - level) / len(y))
    low, mid, high = (
        ratio[min(n - 1, max(0, math.ceil(n * p) - 1))].item()
        for p in (level - error, level, level + error)
    )
    scale = mid, (high - low) / 2
    rows, choice = own.tested, own.scores[own.choice]
    reach = choice["width"] / 2
    theirs = interval_score(y[rows], choice["mu"] - reach, choice["mu"] + reach, level)
    difference = own.judge.compare(score[rows], theirs)
    said = [
        f"Interval score {score.mean():.3g}, mean width {2 * half.mean():.3g}, over {n} rows.",
        *said_of_shares(covered, level, "the width"),
        said_of_scale(scale, "the half width"),
        said_of_difference(difference, "Its interval score"),
    ]
    return Judgement({"interval score": score}, covered, scale, difference, own, said)
