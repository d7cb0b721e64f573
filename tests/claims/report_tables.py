"""The report as an adviser: fifteen kinds of table, twenty draws of each.

    python -m tests.claims.report_tables

takes about half an hour on one core and is no part of `make claims`. Each draw's figures (FIGURES)
go to results/report_tables.json as it ends, and a run goes on with the draws that are not there:
delete the file, or a kind in it, to have it drawn again. `rendered` makes README's table of them.

The verdict is compared with the truth, the mean with scikit-learn's lines and gradient boosting,
the NLL with that of natural gradient boosting, the interval with fresh rows of the same world.
"""

import json
import math
import sys
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import torch

from course_utils.data import WAVE
from course_utils.report import MANY, report

# scikit-learn is imported where it is used: a test imports this module.
RESULTS = Path(__file__).parent / "results" / "report_tables.json"
DRAWS, FRESH, FUTURES = 20, 2000, 20
FIRST = 100  # seed
N = {
    "line, 50 rows": 50,
    "4 inputs": 200,
    "20 inputs": 500,
    "200 inputs": 300,
    "5 inputs, 20,000 rows": 20_000,
    "curves": 2000,
    "heavy tails": 1000,
    "skewed noise": 1000,
    "outliers": 1500,
    "groups": 600,
    "drift": 800,
    "categories": 400,
    "wave": 500,
    "sigma of a line": 1000,
    "prices": 500,
}
# The error of coverage in one fold was changed after draws from FIRST on: these are drawn anew.
ANEW = [kind for kind, n in N.items() if n >= MANY or kind == "drift"]
VARIES = "wave", "sigma of a line", "prices"
FIGURES = (
    "the verdict has σ(x)",
    "RMSE over that of the best of OLS, ridge and lasso",
    "RMSE over that of gradient boosting",
    "NLL less that of natural gradient boosting",
    "said coverage",
    "its error",
    "coverage of fresh rows",
    "its error",
)


def one(kind: str, seed: int) -> list[float]:
    """FIGURES of one draw."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import LassoCV, LinearRegression, RidgeCV

    known, fresh, options = draw(kind, seed)
    found = report(known, target="y", seed=seed, **options)
    names = [name for name in known if name not in ("y", *options.values())]
    x, x_new = (pd.get_dummies(t[names], dtype=float).to_numpy() for t in (known, fresh))
    y, y_new = known["y"].to_numpy(), fresh["y"].to_numpy()
    (mu, sigma), (low, high) = found.predict(fresh), found.interval(fresh, 0.95)
    mu, sigma, low, high = (v[:, 0].numpy() for v in (mu, sigma, low, high))

    def ratio(*models) -> float:
        rmse = [np.sqrt(np.mean((y_new - m.fit(x, y).predict(x_new)) ** 2)) for m in models]
        return np.sqrt(np.mean((y_new - mu) ** 2)) / min(rmse)

    inside = pd.Series((low <= y_new) & (y_new <= high), dtype=float)
    sums = (inside - inside.mean()).groupby(fresh.attrs["unit"]).sum()
    figures = (
        "σ(x)" in found.choice,
        ratio(LinearRegression(), RidgeCV(np.logspace(-3, 3, 13)), LassoCV()),
        ratio(HistGradientBoostingRegressor(random_state=seed)),
        nll(y_new, mu, sigma) - nll(y_new, *natural(x, y, x_new, seed)),
        *found.summary()[found.choice]["covered"],
        inside.mean(),
        math.sqrt((sums**2).sum()) / len(fresh),
    )
    return [round(float(value), 4) for value in figures]


def honest(draw: list[float]) -> bool:
    """Whether fresh rows are held as often as was said, within two errors of the two."""
    _, _, _, _, said, error, held, own = draw
    return abs(said - held) < 2 * math.hypot(error, own)


def totals(stored: dict) -> dict[str, tuple[int, int]]:
    """Of each condition: in how many draws it holds, and of how many."""
    draws = [(kind in VARIES, draw) for kind, made in stored.items() for draw in made.values()]
    found = {
        "σ(x) is advised where one σ is true": [d[0] == 1 for varies, d in draws if not varies],
        "σ(x) is advised where σ varies": [d[0] == 1 for varies, d in draws if varies],
        "RMSE within 10 % of the best of OLS, ridge and lasso": [d[1] < 1.1 for _, d in draws],
        "RMSE within 10 % of gradient boosting's": [d[2] < 1.1 for _, d in draws],
        "NLL at most 0.01 above natural gradient boosting's": [d[3] <= 0.01 for _, d in draws],
        "fresh rows held as often as said, within two errors": [honest(d) for _, d in draws],
    }
    return {name: (sum(holds), len(holds)) for name, holds in found.items()}


def rendered(stored: dict) -> str:
    """The totals and a row a kind, in Markdown, as README shows them."""
    lines = [f"- {name}: {k} of {n}" for name, (k, n) in totals(stored).items()]
    heads = (
        "table",
        "rows",
        "σ(x) advised",
        "RMSE: best line = 1",
        "boosting = 1",
        "NLL less theirs",
    )
    lines += ["", f"| {' | '.join([*heads, 'held', 'as said'])} |", "|" + " --- |" * 8]
    for kind, made in stored.items():
        draws, n = list(made.values()), len(made)
        sigma, line, boosted, less, _, _, held, _ = zip(*draws, strict=True)
        cells = (
            kind + " (σ varies)" * (kind in VARIES),
            f"{N[kind]:,}",
            f"{sum(map(int, sigma))} of {n}",
            f"{median(line):.2f}",
            f"{median(boosted):.2f}",
            f"{median(less):+.2f}",
            f"{100 * sum(held) / n:.0f} %",
            f"{sum(map(honest, draws))} of {n}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(kinds: list[str]) -> None:
    for turn in range(DRAWS):
        for kind in kinds or N:
            seed = FIRST + turn + DRAWS * (kind in ANEW)
            stored = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
            if str(seed) not in stored.get(kind, {}):
                stored.setdefault(kind, {})[str(seed)] = one(kind, seed)
                rows = ",\n".join(
                    f'"{name}": {json.dumps(stored[name])}' for name in N if name in stored
                )
                RESULTS.write_text("{" + rows + "}\n", encoding="utf-8")


def nll(y, mu, sigma) -> float:
    return float(np.mean(np.log(sigma) + ((y - mu) / sigma) ** 2 / 2))


def natural(x, y, x_new, seed, rounds=100, rate=0.05):
    """mu and σ of boosted trees that follow the natural gradient of the Gaussian NLL.

    Duan et al. (2020), "NGBoost": trees of depth 3, a line search for each round's step, as many
    rounds as are best for the last fifth of the rows, which is held out.
    """
    held = np.arange(len(y)) >= 0.8 * len(y)
    tried = boosts(x[~held], y[~held], x[held], seed, rounds, rate)
    best = np.argmin([nll_of(y[held], theta) for theta in tried])
    *_, theta = boosts(x, y, x_new, seed, best, rate)
    return theta[:, 0], np.exp(theta[:, 1])


def boosts(x, y, x_new, seed, rounds, rate):
    """mu and log σ for x_new, (n, 2), before the first round and after each."""
    from sklearn.tree import DecisionTreeRegressor

    theta = np.tile([y.mean(), np.log(y.std())], (len(y), 1))
    new = np.tile(theta[0], (len(x_new), 1))
    yield new
    for turn in range(rounds):
        z = (theta[:, 0] - y) * np.exp(-theta[:, 1])
        gradient = np.stack([theta[:, 0] - y, (1 - z**2) / 2], axis=1)
        trees = [
            DecisionTreeRegressor(max_depth=3, random_state=seed + turn).fit(x, g)
            for g in gradient.T
        ]
        step = np.stack([tree.predict(x) for tree in trees], axis=1)
        scale = 1.0
        while scale > 1e-3 and not nll_of(y, theta - scale * step) < nll_of(y, theta):
            scale /= 2
        theta = theta - rate * scale * step
        new = new - rate * scale * np.stack([tree.predict(x_new) for tree in trees], axis=1)
        yield new


def nll_of(y, theta) -> float:
    with np.errstate(over="ignore"):
        return nll(y, theta[:, 0], np.exp(theta[:, 1]))


def draw(kind: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """A table, fresh rows of its world, and what its owner knows of it."""
    rng, n = np.random.default_rng(seed), N[kind]
    if kind.startswith("wave"):
        x, y = (v[:, 0].numpy() for v in WAVE.sample(n + FRESH, seed=seed))
        made, options = pd.DataFrame({"x": x, "y": y}), {}
    else:
        made, options = KINDS.get(kind, plain)(kind, rng, n + FRESH)
    known, fresh = made[:n].reset_index(drop=True), made[n:].reset_index(drop=True)
    unit = {"groups": fresh.get("case"), "drift": fresh.index // (FRESH // FUTURES)}
    fresh.attrs["unit"] = unit.get(kind, fresh.index)
    return known, fresh, options


def frame(x, y):
    made = pd.DataFrame(x, columns=[f"x{j}" for j in range(x.shape[1])])
    return made.assign(y=y)


def plain(kind, rng, n):
    """Gaussian inputs, a line of some of them, noise of many kinds."""
    d = {"line, 50 rows": 1, "20 inputs": 20, "200 inputs": 200}.get(kind, 4)
    d = 5 if "20,000" in kind else d
    x = rng.standard_normal((n, d))
    w = np.zeros(d)
    w[:5] = [1, -1, 0.5, 0.5, 1][:d]
    noise, mean = rng.standard_normal(n), x @ w
    if kind == "heavy tails":
        noise = rng.standard_t(4, n)
    if kind == "skewed noise":
        noise = rng.exponential(size=n) - 1
    if kind == "outliers":
        noise[rng.uniform(size=n) < 0.003] *= 30
    if kind == "sigma of a line":
        noise = noise * np.exp(0.5 * x[:, 0])
    if kind == "prices":
        return frame(x, np.exp(0.5 * mean + 0.3 * noise)), {}
    return frame(x, mean + noise), {}


def curves(kind, rng, n):
    """Constant noise, four inputs that matter in curves: CASES S14."""
    x = rng.uniform(-1, 1, (n, 4))
    mean = 2 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 3 * x[:, 2] ** 2 + x[:, 3]
    return frame(x, mean + 0.7 * rng.standard_normal(n)), {}


def groups(kind, rng, n):
    """Ten visits of each of many patients, each with a level of their own."""
    case = np.arange(n) // 10
    own, age = rng.standard_normal(case.max() + 1), rng.uniform(20, 80, case.max() + 1)
    dose = rng.uniform(size=n)
    y = own[case] + age[case] / 20 + dose + 0.5 * rng.standard_normal(n)
    return pd.DataFrame({"case": case, "age": age[case], "dose": dose, "y": y}), {"groups": "case"}


def drift(kind, rng, n):
    """A sensor whose zero wanders slowly; after the known rows, FUTURES ways that it may go on."""
    x, zero, day = rng.uniform(-1, 1, n), np.zeros(n), np.arange(n)
    for i in range(1, n):
        new_future = i >= N[kind] and (i - N[kind]) % (FRESH // FUTURES) == 0
        zero[i] = 0.99 * zero[N[kind] - 1 if new_future else i - 1] + 0.1 * rng.standard_normal()
    y = 2 * x + zero + 0.3 * rng.standard_normal(n)
    return pd.DataFrame({"day": day, "x": x, "y": y}), {"time": "day"}


def categories(kind, rng, n):
    towns = rng.integers(0, 8, n)
    x, level = rng.standard_normal(n), np.array([0, 0, 1, 1, 2, 2, 3, 5.0])
    y = level[towns] + x + rng.standard_normal(n)
    return pd.DataFrame({"town": [f"t{t}" for t in towns], "x": x, "y": y}), {}


KINDS = {"curves": curves, "groups": groups, "drift": drift, "categories": categories}

if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
