"""Lesson 14: four ways of being unsure on a gap, and the spread of members; 20 data sets."""

import torch
from torch import Tensor

from course_utils.data import DTYPE, WAVE
from course_utils.losses import gaussian_kl
from tests.claims.lesson_12 import SEEDS, nll

MEMBERS, UNITS, ROWS, DRAWS = 5, 20, 400, 100
GRID = WAVE.grid(121, margin=0.3)
GAP, AMONG = ((GRID.abs() < 1)[:, 0], ((GRID.abs() > 1.2) & (GRID.abs() < 2.8))[:, 0])

# The lesson's recipes times these; the gap, its rows and the 20 units are its limits.
CHOICES = {"budget": (0.5, 1, 3), "rate": (0.5, 1, 2), "unit": ("tanh", "relu")}
CLAIMS = {
    "14-a": "the ensemble is at least twice as unsure in the gap as among the data",
    "14-b": "dropout is not",
    "14-c": "the four ways differ by a larger factor among the data than in the gap",
    "14-d": "dropping the third of largest spread helps the mean, among the data",
    "14-e": "on 100 points the spread is below 0.7 of the mean's error",
    "14-f": "the bootstrap spread is nearer to 1.5 times that error",
}


def first(nets: int) -> list[Tensor]:
    """The weights of nets of one hidden layer, with the bias as a last row, as nn.Linear draws."""
    shapes = ((nets, 2, UNITS), (nets, UNITS + 1, 2))
    return [
        ((torch.rand(shape, dtype=DTYPE) * 2 - 1) / fan**0.5).requires_grad_()
        for shape, fan in zip(shapes, (1, UNITS), strict=True)
    ]


def with_one(x: Tensor) -> Tensor:
    return torch.cat([x, torch.ones_like(x[..., :1])], dim=-1)


def hidden(w: Tensor, x: Tensor, unit: str) -> Tensor:
    return getattr(torch, unit)(with_one(x) @ w)


def minimise(loss, parameters: list[Tensor], steps: float, lr: float) -> None:
    optimizer = torch.optim.Adam(parameters, lr, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, round(steps))
    for _ in range(round(steps)):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        schedule.step()


def trained(x, y, unit, steps, lr, keep=1.0, counts=1.0):
    """Weights at the smallest NLL, for x and y (nets, n, 1); units are kept with ``keep``."""
    w, v = first(len(x))

    def loss() -> Tensor:
        h = hidden(w, x, unit)
        if keep < 1:
            h = h * torch.bernoulli(torch.full_like(h, keep)) / keep
        outputs = (with_one(h) @ v).chunk(2, dim=2)
        return (counts * nll(*outputs, y)).mean(dim=(1, 2)).sum()

    minimise(loss, [w, v], steps, lr)
    return w.detach(), v.detach()


def members(means: Tensor, count: int) -> Tensor:
    return means.reshape(SEEDS, count, *means.shape[1:])


def dropout(x, y, unit, steps, lr, keep=0.9) -> Tensor:
    w, v = trained(x, y, unit, steps, lr, keep)
    h = hidden(w, GRID, unit)
    drawn = [h * torch.bernoulli(torch.full_like(h, keep)) / keep for _ in range(DRAWS)]
    return torch.stack([(with_one(each) @ v)[..., :1] for each in drawn]).std(0)


def laplace(w: Tensor, v: Tensor, x: Tensor, unit: str) -> Tensor:
    features, new = with_one(hidden(w, x, unit)), with_one(hidden(w, GRID, unit))
    scaled = features * torch.exp(-(features @ v)[..., 1:] / 2)
    precision = scaled.mT @ scaled + torch.eye(UNITS + 1, dtype=DTYPE)
    return (new @ torch.linalg.inv(precision) * new).sum(-1, keepdim=True).sqrt()


def by_backprop(x, y, unit, steps, lr) -> Tensor:
    means = first(SEEDS)
    log_vars = [torch.full_like(m, -6.0).requires_grad_() for m in means]

    def draw() -> list[Tensor]:
        pairs = zip(means, log_vars, strict=True)
        return [m + torch.exp(s / 2) * torch.randn_like(m) for m, s in pairs]

    def loss() -> Tensor:
        w, v = draw()
        outputs = (with_one(hidden(w, x, unit)) @ v).chunk(2, dim=2)
        pairs = zip(means, log_vars, strict=True)
        kl = sum(gaussian_kl(m.flatten(1), s.flatten(1)).sum(1) for m, s in pairs)
        return (nll(*outputs, y).mean(dim=(1, 2)) + kl / x.shape[1]).sum()

    minimise(loss, [*means, *log_vars], steps, lr)
    with torch.no_grad():
        drawn = [draw() for _ in range(DRAWS)]
        return torch.stack([(with_one(hidden(w, GRID, unit)) @ v)[..., :1] for w, v in drawn]).std(
            0
        )


def remains(error: Tensor, sd: Tensor) -> Tensor:
    """The RMS error where sd is in the lower two thirds, over that everywhere, (SEEDS,)."""
    kept = sd <= sd.quantile(2 / 3, dim=1, keepdim=True)
    return ((error**2 * kept).sum(1) / kept.sum(1) / (error**2).mean(1)).sqrt()


def on_the_gap(budget, rate, unit) -> dict[str, Tensor]:
    sets = [WAVE.sample(1000, seed=seed) for seed in range(SEEDS)]
    x, y = (
        torch.stack([v[(x.abs() > 1)[:, 0]][:ROWS] for x, v in pairs])
        for pairs in ([(x, x) for x, _ in sets], sets)
    )
    each = [v.repeat_interleave(MEMBERS, dim=0) for v in (x, y)]
    w, v = trained(*each, unit, 200 * budget, 0.05 * rate)
    means = members((with_one(hidden(w, GRID, unit)) @ v)[..., :1], MEMBERS)
    spread, error = means.std(1), means.mean(1) - WAVE.truth(GRID)[0]
    ways = torch.stack(
        [
            spread,
            dropout(x, y, unit, 300 * budget, 0.05 * rate),
            laplace(w[::MEMBERS], v[::MEMBERS], x, unit),
            by_backprop(x, y, unit, 1000 * budget, 0.05 * rate),
        ]
    )
    inside, among = ways[:, :, GAP].mean(dim=(2, 3)), ways[:, :, AMONG].mean(dim=(2, 3))
    apart = [each.amax(0) / each.amin(0) for each in (inside, among)]
    return {
        "14-a": inside[0] >= 2 * among[0],
        "14-b": inside[1] < 2 * among[1],
        "14-c": apart[1] > apart[0],
        "14-d": remains(error[:, AMONG, 0], spread[:, AMONG, 0]) < 1,
    }


def on_100_points(budget, rate, unit) -> dict[str, Tensor]:
    sets = [WAVE.sample(100, seed=seed) for seed in range(SEEDS)]
    x, y = (torch.stack(v).repeat_interleave(2 * MEMBERS, dim=0) for v in zip(*sets, strict=True))
    counts = torch.ones(SEEDS, 2 * MEMBERS, 100, 1, dtype=DTYPE)
    drawn = torch.randint(100, (SEEDS, MEMBERS, 100))
    counts[:, MEMBERS:] = torch.nn.functional.one_hot(drawn, 100).sum(2)[..., None].to(DTYPE)
    weights = trained(x, y, unit, 150 * budget, 0.05 * rate, counts=counts.flatten(0, 1))
    grid = WAVE.grid(101)
    means = members((with_one(hidden(weights[0], grid, unit)) @ weights[1])[..., :1], 2 * MEMBERS)
    plain, resampled = means[:, :MEMBERS], means[:, MEMBERS:]
    error = (plain.mean(1) - WAVE.truth(grid)[0]).abs().median(1).values
    spread, by_bootstrap = (each.std(1).median(1).values for each in (plain, resampled))
    off = [(each / (1.5 * error)).log().abs() for each in (spread, by_bootstrap)]
    return {"14-e": spread < 0.7 * error, "14-f": off[1] < off[0]}


def outcome(**recipe):
    torch.manual_seed(0)
    found = on_the_gap(**recipe) | on_100_points(**recipe)
    return {claim: each.flatten().tolist() for claim, each in found.items()}
