"""The report as an adviser: sixteen kinds of table, each drawn twenty times.

Its verdict is compared with the truth, its mean with scikit-learn's lines and gradient boosting,
its NLL with that of natural gradient boosting, its interval with fresh rows of the same world.
"""

import math

import numpy as np
import pandas as pd
import torch
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LassoCV, LinearRegression, RidgeCV
from sklearn.tree import DecisionTreeRegressor

from course_utils.data import WAVE
from course_utils.report import report

SEEDS, FRESH = 20, 2000
N = {
    "line, 50 rows": 50,
    "4 inputs": 200,
    "curves": 2000,
    "20 inputs": 500,
    "200 inputs": 300,
    "5 inputs, 20,000 rows": 20_000,
    "heavy tails": 1000,
    "skewed noise": 1000,
    "outliers": 1500,
    "groups": 600,
    "drift": 800,
    "categories": 400,
    "wave": 500,
    "wave, 20,000 rows": 20_000,
    "sigma of a line": 1000,
    "prices": 500,
}
VARIES = ("wave", "wave, 20,000 rows", "sigma of a line", "prices")
CHOICES = {"table": tuple(N)}
CLAIMS = {
    "report-a": "the report advises σ(x) where the noise varies, and only there",
    "report-b": "its RMSE on fresh rows is within 10 % of the best of OLS, ridge and lasso",
    "report-c": "its 95 % interval holds fresh rows within two errors of what it says",
    "report-d": "its NLL on fresh rows is no worse than that of natural gradient boosting",
    "report-e": "its RMSE on fresh rows is within 10 % of gradient boosting's",
}


def outcome(table: str) -> dict[str, list[bool]]:
    """Of each claim, whether it holds in each draw."""
    runs = [one(table, seed) for seed in range(SEEDS)]
    return {claim: [run[claim] for run in runs] for claim in CLAIMS}


def one(kind: str, seed: int) -> dict[str, bool]:
    known, fresh, options = draw(kind, seed)
    found = report(known, target="y", seed=seed, **options)
    names = [name for name in known if name not in ("y", *options.values())]
    x, x_new = (pd.get_dummies(t[names], dtype=float).to_numpy() for t in (known, fresh))
    y, y_new = known["y"].to_numpy(), fresh["y"].to_numpy()
    (mu, sigma), (low, high) = found.predict(fresh), found.interval(fresh, 0.95)
    mu, sigma, low, high = (v[:, 0].numpy() for v in (mu, sigma, low, high))

    def rmse(model) -> float:
        return np.sqrt(np.mean((y_new - model.fit(x, y).predict(x_new)) ** 2))

    ours = np.sqrt(np.mean((y_new - mu) ** 2))
    lines = LinearRegression(), RidgeCV(np.logspace(-3, 3, 13)), LassoCV()
    boosted = HistGradientBoostingRegressor(random_state=seed)
    return {
        "report-a": ("σ(x)" in found.choice) == (kind in VARIES),
        "report-b": bool(ours < 1.1 * min(map(rmse, lines))),
        "report-c": covers(found, fresh, (low <= y_new) & (y_new <= high)),
        "report-d": bool(nll(y_new, mu, sigma) <= nll(y_new, *natural(x, y, x_new, seed)) + 0.01),
        "report-e": bool(ours < 1.1 * rmse(boosted)),
    }


def nll(y, mu, sigma) -> float:
    return float(np.mean(np.log(sigma) + ((y - mu) / sigma) ** 2 / 2))


def covers(found, fresh, inside) -> bool:
    """Fresh rows hold as many as the tested rows did, within two errors of the two."""
    covered, error = found.summary()[found.choice]["covered"]
    by = {"groups": fresh.get("case"), "drift": np.arange(len(fresh)) // 20}
    unit = next((by[k] for k in ("groups", "drift") if k == fresh.attrs["kind"]), None)
    sums = (
        pd.Series(inside - inside.mean()).groupby(unit if unit is not None else fresh.index).sum()
    )
    own = math.sqrt((sums**2).sum()) / len(fresh)
    return bool(abs(inside.mean() - covered) < 2 * math.hypot(error, own))


def natural(x, y, x_new, seed, rounds=100, rate=0.05):
    """mu and σ of boosted trees that follow the natural gradient of the Gaussian NLL.

    Duan et al. (2020), "NGBoost": trees of depth 3, a line search for each round's step.
    """
    theta = np.tile([y.mean(), np.log(y.std())], (len(y), 1))
    new = np.tile(theta[0], (len(x_new), 1))
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
    return new[:, 0], np.exp(new[:, 1])


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
    if kind == "drift":
        fresh = fresh[:200]
    fresh.attrs["kind"] = kind
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
    """A sensor whose zero wanders slowly; its owner knows that time matters."""
    x, zero = rng.uniform(-1, 1, n), np.zeros(n)
    for i in range(1, n):
        zero[i] = 0.99 * zero[i - 1] + 0.1 * rng.standard_normal()
    day = np.arange(n)
    return pd.DataFrame({"day": day, "x": x, "y": 2 * x + zero + 0.3 * rng.standard_normal(n)}), {
        "time": "day"
    }


def categories(kind, rng, n):
    towns = rng.integers(0, 8, n)
    x, level = rng.standard_normal(n), np.array([0, 0, 1, 1, 2, 2, 3, 5.0])
    y = level[towns] + x + rng.standard_normal(n)
    return pd.DataFrame({"town": [f"t{t}" for t in towns], "x": x, "y": y}), {}


KINDS = {"curves": curves, "groups": groups, "drift": drift, "categories": categories}
torch.set_num_threads(1)
