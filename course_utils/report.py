"""Your own table, one call: checked, split, fitted in two ways, calibrated, and said in sentences.

    report("mine.csv", target="price")

Two models with the same network and the same training compete: one σ for all rows, or a second
output σ(x). What is said of them is measured on rows that neither trained nor calibrated them.
"""

import html
import math
import warnings
from dataclasses import dataclass, field

import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from torch import Tensor, nn

from course_utils.data import Table, read_csv
from course_utils.doors import DTYPE, data, door, share, values, whole
from course_utils.draws import OwnDraws
from course_utils.losses import gaussian_nll, mean_nll
from course_utils.metrics import PairedComparison, conformal_quantile, crps, paired_comparison
from course_utils.models import HeteroscedasticRegressor, HomoscedasticRegressor, Standardised
from course_utils.plots import ALEATORIC, MEAN, STYLE, TRUTH, plot_data, show
from course_utils.training import Diverged, Remark, fit, predict

__all__ = ["Report", "report"]

KINDS = {"one σ": HomoscedasticRegressor, "two outputs": HeteroscedasticRegressor}
PARTS = 5  # each a fifth of the rows
MANY_ROWS = 1000  # from here on, a fifth of the rows is a test set that says enough
FEW, MANY = ((50,), 300), ((50, 50), 600)  # hidden layers and steps of training
FEWEST = 20
BATCH = 512
JUDGES = 10_000  # rows that stop the training early; more would only cost time
CLEAR = 2  # standard errors; the simpler model is kept until the other is clearly better
LARGEST = 1e100  # squares of larger numbers overflow


class Calibrated(nn.Module):
    """A model whose σ is multiplied by ``scale``; ``reach`` σ of the model are the interval's half.

    x (n, d) -> mu and log_var, both (n, 1), in the units of y.
    """

    def __init__(self, model: nn.Module, scale: float, reach: float):
        super().__init__()
        self.model, self.scale, self.reach = model, scale, reach

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, log_var = self.model(x)
        return mu, log_var + 2 * math.log(self.scale)


@dataclass(repr=False)
class Report:
    """What ``report`` found; it shows itself in Jupyter, and ``print`` gives it as text.

    ``choice`` is "one σ" or "two outputs", ``model`` that one, trained and calibrated on all rows;
    ``difference`` is the NLL of two outputs minus that of one σ, in nats a row, with its s.e.;
    ``scores`` holds for both models the test rows' scores, each (n_test, 1), in the units of y;
    ``sizes`` says how many rows did what; ``claims`` is whether the coverage may be quoted.
    """

    choice: str
    model: Calibrated
    difference: PairedComparison
    scores: dict[str, dict[str, Tensor]]
    sizes: dict[str, int]
    level: float
    claims: bool
    target: str
    inputs: list[str]
    sentences: list[str]
    notes: list[str]
    x: Tensor = field(repr=False)
    y: Tensor = field(repr=False)

    @door(x=values)
    def predict(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The mean and the calibrated σ of y at x (n, d), both (n, 1), in the units of y.

        The columns of x are ``inputs``, in their order.
        """
        return predict(self.model, x)

    @door(x=values)
    def interval(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Lower and upper end, (n, 1), of the split-conformal interval for y at x (n, d).

        Raises a ValueError where too few rows calibrated it to promise ``level``.
        """
        if not self.claims:
            raise ValueError(
                f"an interval needs {fewest_to_calibrate(self.level)} rows that calibrate it, got "
                f"{self.sizes['calibration']}: collect more rows, or lower the level"
            )
        mu, sigma = predict(self.model.model, x)
        return mu - self.model.reach * sigma, mu + self.model.reach * sigma

    def summary(self) -> dict[str, dict[str, tuple[float, float]]]:
        """For each model and score: its mean over the test rows, and the standard error."""
        found = {}
        for kind, scores in self.scores.items():
            found[kind] = {}
            for name in ("NLL", "CRPS", "covered", "width"):
                score = scores[name]
                error = score.std().item() / math.sqrt(len(score))
                if name == "covered":
                    calibrated = self.sizes["calibration"] * self.sizes["folds"]
                    share = self.level * (1 - self.level)
                    error = math.sqrt(share / len(score) + share / (calibrated + 2))
                found[kind][name] = score.mean().item(), error
            found[kind]["RMSE"] = scores["z"].mul(scores["sigma"]).square().mean().sqrt().item(), 0
        return found

    def rows(self) -> list[list[str]]:
        """The table of both models, as texts; its first row holds the heads of the columns."""
        percent = f"{100 * self.level:g} %"
        head = ["model", "NLL, nats", "CRPS", "RMSE", f"in the {percent} interval", "width"]
        table = [head]
        for kind, found in self.summary().items():
            cells = [pm(*found["NLL"]), pm(*found["CRPS"]), rounded(found["RMSE"][0])]
            covered, error = found["covered"]
            claim = f"{100 * covered:.1f} ± {100 * error:.1f} %" if self.claims else "no claim"
            width = rounded(found["width"][0]) if self.claims else "no claim"
            table.append([kind, *cells, claim, width])
        return table

    def __repr__(self) -> str:
        rows = self.rows()
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows]
        return "\n".join(
            [
                self.title(),
                "",
                *lines,
                "",
                *self.sentences,
                *[f"Note: {note}" for note in self.notes],
            ]
        )

    def title(self) -> str:
        sizes = self.sizes
        folds = f"{sizes['folds']} folds, each: " if sizes["folds"] > 1 else ""
        return (
            f"{self.target} from {', '.join(self.inputs[:8])}{', …' * (len(self.inputs) > 8)}: "
            f"{len(self.y)} rows ({folds}{sizes['training']} train, {sizes['validation']} stop the "
            f"training, {sizes['calibration']} calibrate, {sizes['test']} test)"
        )

    def markdown(self) -> str:
        """The report without its figure, in Markdown."""

        def bar(cells):
            return "| " + " | ".join(cells) + " |"

        head, *rows = self.rows()
        notes = [f"- {html.escape(note, quote=False)}" for note in self.notes]
        return "\n".join(
            [
                f"**{html.escape(self.title(), quote=False)}**",
                "",
                bar(head),
                bar(["---"] * len(head)),
                *map(bar, rows),
                "",
                f"**{self.sentences[0]}**",
                "",
                *[f"- {sentence}" for sentence in self.sentences[1:]],
                *notes,
            ]
        )

    def alt(self) -> str:
        """What the figure shows, in words."""
        left = (
            f"{self.target} against {self.inputs[0]} with the predicted mean"
            if self.x.shape[1] == 1
            else f"{self.target} against its prediction"
        )
        z = self.scores[self.choice]["z"].abs()
        return (
            f"Left: {left}{' and interval' * self.claims}, model with {self.choice}. Right: the "
            f"size of the standardised residuals of {len(z)} test rows against the prediction; "
            f"{100 * (z > 1.96).double().mean().item():.0f} % lie above 1.96."
        )

    def figure(self) -> Figure:
        """The figure: the fit, or prediction against y, and the standardised residuals."""
        scores = self.scores[self.choice]
        mu, z = scores["mu"], scores["z"].abs()
        with rc_context(STYLE):
            figure = Figure(figsize=(7.5, 3.6), layout="constrained")
            left, right = figure.subplots(1, 2)
            if self.x.shape[1] == 1:
                self.draw_fit(left)
                left.set(xlabel=self.inputs[0][:30], ylabel=self.target[:30])
            else:
                plot_data(left, mu, mu + scores["z"] * scores["sigma"])
                ends = [mu.min().item(), mu.max().item()]
                left.plot(ends, ends, color=TRUTH, linestyle="--", linewidth=1.2)
                left.set(xlabel=f"predicted {self.target[:20]}", ylabel=self.target[:30])
            left.set_title(f"{self.choice}: {'the fit' * (self.x.shape[1] == 1) or 'test rows'}")
            plot_data(right, mu, z)
            right.axhline(1.96, color=TRUTH, linestyle="--", linewidth=1.2)
            outside = 100 * (z > 1.96).double().mean().item()
            right.set(xlabel=f"predicted {self.target[:20]}", ylabel="|y − μ| / σ")
            right.set_title(f"{outside:.1f} % above 1.96 (Gaussian: 5 %)")
        return figure

    def draw_fit(self, ax) -> None:
        """Data, mean and interval over the one input."""
        grid = torch.linspace(self.x.min(), self.x.max(), 200, dtype=DTYPE)[:, None]
        plot_data(ax, self.x, self.y)
        mu, _ = self.predict(grid)
        if self.claims:
            lower, upper = self.interval(grid)
            ax.fill_between(
                grid[:, 0], lower[:, 0], upper[:, 0], color=ALEATORIC, alpha=0.3, linewidth=0
            )
        ax.plot(grid, mu, color=MEAN)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display({"text/markdown": self.markdown(), "text/plain": repr(self)}, raw=True)
        show(self.figure(), alt=self.alt())


@door(level=share, seed=whole(0), steps=whole(1))
def report(
    source,
    target: str | None = None,
    inputs: str | list[str] | None = None,
    *,
    level: float = 0.95,
    missing: str = "refuse",
    seed: int = 0,
    steps: int | None = None,
) -> Report:
    """Fit y with one σ and with σ(x), calibrate both, and say which to use: a ``Report``.

    ``source`` is a ``Table``, whatever ``read_csv`` takes, or a pair (x, y), x (n, d) and y (n, 1).
    ``target`` and ``inputs`` name columns; by default the last, and all others. ``missing`` is that
    of ``Table.xy``.

    Both models are networks with 50 hidden units, trained for 300 steps; from 1,000 rows on, with
    two such layers, for 600 steps. ``steps`` sets another number. Each fifth of the rows tests
    once (from 1,000 rows on: one fifth only); of the others a fifth of all rows calibrates, at most
    10,000 stop the training early and the rest trains, of many rows in minibatches. σ is multiplied
    by √(mean z²) of the calibrating rows, which minimises their NLL; the interval reaches as many σ
    as the conformal quantile of their |z| says (split conformal prediction). Two outputs are
    recommended if they lower the NLL by more than two standard errors of the paired difference,
    for folds with the correction of Nadeau & Bengio (2003). The global random state stays as it is.
    Raises ValueError, in one sentence, for what cannot be fitted.
    """
    x, y, target, inputs, notes = columns_of(source, target, inputs, missing)
    notes += look(x, y, target, inputs)
    n = len(y)
    folds = PARTS if n < MANY_ROWS else 1
    hidden, usual = FEW if n < MANY_ROWS else MANY
    budget = hidden, steps or usual
    plan = [split(n, seed, fold) for fold in range(folds)]
    results = {kind: [] for kind in KINDS}
    for fold, rows in enumerate(plan):
        for kind in KINDS:
            model = trained(kind, x, y, rows, level, seed + fold, budget)
            results[kind].append(judged(model, x[rows["test"]], y[rows["test"]]))
    difference = compared(results, plan)
    two = difference.difference < -CLEAR * difference.error
    choice = "two outputs" if two else "one σ"
    final = split(n, seed, None)
    model = trained(choice, x, y, final, level, seed, budget)
    scores = {
        kind: {name: torch.cat([fold[name] for fold in found]) for name in found[0]}
        for kind, found in results.items()
    }
    sizes = {part: len(rows) for part, rows in plan[0].items()} | {"folds": folds}
    claims = min(len(rows["calibration"]) for rows in plan) >= fewest_to_calibrate(level)
    found = Report(
        choice, model, difference, scores, sizes, level, claims, target, inputs, [], notes, x, y
    )
    found.sentences += sentences(found)
    tested = torch.cat([rows["test"] for rows in plan])
    found.notes += in_order(scores[choice]["z"], tested)
    return found


# What comes in


def columns_of(source, target, inputs, missing) -> tuple[Tensor, Tensor, str, list[str], list[str]]:
    """x, y, their names, and what the reader of the file noted."""
    if isinstance(source, tuple | list) and len(source) == 2:
        if target is not None or inputs is not None:
            raise ValueError("target and inputs must be left out with a pair (x, y), got names")
        x, y = data(*source)
        if y.shape[1] != 1:
            raise ValueError(f"y must be one column, got shape {tuple(y.shape)}: type y[:, :1]")
        d = x.shape[1]
        return x, y, "y", ["x"] if d == 1 else [f"x{j + 1}" for j in range(d)], []
    table = source if isinstance(source, Table) else read_csv(source)
    notes = []
    if target is None:
        target = table.names[-1]
        notes.append(f"No target was named: it is the last column of numbers, {target!r}.")
    before = len(table.notes)
    x, y = table.xy(target, inputs, missing=missing)
    if inputs is None:
        inputs = [name for name in table.names if name != target]
    inputs = [inputs] if isinstance(inputs, str) else list(inputs)
    used = [note for note in table.notes[:before] if not note.startswith("Column")]
    about = [note for note in table.notes[:before] if note.startswith("Column")]
    mine = [note for note in about if any(repr(name) in note for name in [*inputs, target])]
    out = [note for note in about if "is kept out" in note]
    return x, y, target, inputs, [*notes, *used, *mine, *out[:5], *table.notes[before:]]


def look(x: Tensor, y: Tensor, target: str, inputs: list[str]) -> list[str]:
    """What is remarkable about the data; a ValueError for what cannot be fitted."""
    n, d = x.shape
    if n < FEWEST:
        raise ValueError(f"a report needs {FEWEST} rows or more, got {n}: collect more")
    for name, column in zip([*inputs, target], torch.cat([x, y], dim=1).T):
        largest = column.abs().max().item()
        if largest > LARGEST:
            raise ValueError(
                f"column {name!r} must stay below {LARGEST:g}, got {largest:.3g}: "
                "choose a larger unit"
            )
    distinct = len(y.unique())
    if distinct == 1:
        raise ValueError(f"{target!r} must vary, got {y[0].item():g} in each of {n} rows")
    constant = [name for name, column in zip(inputs, x.T) if (column == column[0]).all()]
    if len(constant) == d:
        raise ValueError(f"at least one input must vary, got only constant ones: {constant[:5]}")
    notes = []
    if constant:
        notes.append(f"Constant and of no use: {', '.join(map(repr, constant[:8]))}.")
    if distinct <= max(10, n // 100):
        notes.append(
            f"{target!r} takes {distinct} values only: for counts, classes and rounded numbers a "
            "Gaussian is a rough description (notebook 11)."
        )
    copies = n - len(torch.cat([x, y], dim=1).unique(dim=0))
    if copies:
        notes.append(
            f"{copies} of {n} rows repeat another one: where one copy trains and the "
            "other tests, the scores flatter."
        )
    if n < 20 * d:
        notes.append(f"{n} rows are few for {d} inputs: fewer inputs may predict better.")
    return notes


# Fitting and judging


def split(n: int, seed: int, fold: int | None) -> dict[str, Tensor]:
    """Which rows train, stop the training, calibrate and test; without a fold, none tests."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    parts = list(order.tensor_split(PARTS))
    test = parts.pop(fold) if fold is not None else order[:0]
    calibration = parts.pop((fold or 0) % len(parts))  # the part that follows: each has its turn
    rest = torch.cat(parts)
    stop = min(len(rest) // 5, JUDGES)
    return {
        "training": rest[stop:],
        "validation": rest[:stop],
        "calibration": calibration,
        "test": test,
    }


def trained(kind, x, y, rows, level, seed, budget) -> Calibrated:
    """A model of this kind, trained, stopped early and calibrated."""
    train, stop, calibrate = rows["training"], rows["validation"], rows["calibration"]
    hidden, steps = budget
    with OwnDraws(seed):
        model = Standardised(KINDS[kind](x.shape[1], hidden), x[train], y[train])
    batch = BATCH if len(train) > 2 * BATCH else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Remark)  # of the last step; the best one is kept
            fit(
                model,
                mean_nll,
                x[train],
                y[train],
                steps=steps,
                batch_size=batch,
                seed=seed,
                anneal=True,
                held_out=(x[stop], y[stop]),
                keep_best=True,
            )
    except Diverged as error:
        raise ValueError(f"the fit needs data with a finite loss, got: {error}") from error
    mu, sigma = predict(model, x[calibrate])
    z = (y[calibrate] - mu) / sigma
    scale = max(z.square().mean().sqrt().item(), 1e-6)
    return Calibrated(model, scale, conformal_quantile(z.abs(), level))


def judged(model: Calibrated, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """Scores of each row, (n, 1)."""
    mu, sigma = predict(model, x)
    half = model.reach / model.scale * sigma
    return {
        "mu": mu,
        "sigma": sigma,
        "z": (y - mu) / sigma,
        "NLL": gaussian_nll(y, mu, 2 * sigma.log()),
        "CRPS": crps(y, mu, sigma),
        "covered": ((y - mu).abs() <= half).to(DTYPE),
        "width": 2 * half,
    }


def compared(results, plan) -> PairedComparison:
    """NLL of two outputs minus that of one σ: of rows, or with several folds of their means."""
    one, two = ([fold["NLL"] for fold in results[kind]] for kind in KINDS)
    if len(plan) == 1:
        return paired_comparison(two[0], one[0])
    one, two = (torch.stack([nll.mean() for nll in folds])[:, None] for folds in (one, two))
    ratio = len(plan[0]["test"]) / (len(plan[0]["training"]) + len(plan[0]["validation"]))
    return paired_comparison(two, one, ratio)


def fewest_to_calibrate(level: float) -> int:
    """The number of calibrating rows from which the conformal interval is finite."""
    n = max(1, math.floor(level / (1 - level)) - 1)
    while math.ceil((n + 1) * level * (1 - 1e-12)) > n:
        n += 1
    return n


def in_order(z: Tensor, rows: Tensor) -> list[str]:
    """A note if residuals of neighbouring rows are alike, as in a time series."""
    z = z[rows.argsort(), 0].clamp(-4, 4)
    z = z - z.mean()
    correlation = (z[1:] * z[:-1]).mean().item() / z.square().mean().clamp(min=1e-300).item()
    if correlation < 3 / math.sqrt(len(z)):
        return []
    return [
        f"Residuals of neighbouring rows are alike (correlation {correlation:.2f}): are the rows "
        "ordered in time? Then rows of the future are not like the test rows, which were drawn at "
        "random between those that train."
    ]


# In words


def sentences(found: Report) -> list[str]:
    """The verdict, what may be said of the coverage, and how to use the model."""
    d, error = found.difference.difference, found.difference.error
    size = f"{pm(abs(d), error)} nats a row"
    if found.choice == "two outputs":
        verdict = f"Use two outputs: σ(x) gains {size} over one σ."
    elif d > CLEAR * error:
        verdict = f"Use one σ: the second output loses {size}."
    elif d < -error:
        verdict = (
            f"Use one σ until more rows decide: two outputs look better by {size}, less "
            f"than {CLEAR} standard errors."
        )
    else:
        verdict = (
            "Use one σ: the second output does not pay here (difference of the NLL: "
            f"{pm(d, error)} nats a row)."
        )
    summary = found.summary()[found.choice]
    percent = f"{100 * found.level:g} %"
    fewest, n = fewest_to_calibrate(found.level), found.sizes["calibration"]
    if found.claims:
        covered, se = summary["covered"]
        tested = len(found.scores[found.choice]["NLL"])
        said = [
            f"Its {percent} interval held {100 * covered:.1f} ± {100 * se:.1f} % of the "
            f"{tested} test rows, mean width {rounded(summary['width'][0])}."
        ]
        if abs(covered - found.level) > 3 * se:
            said.append("That is more than three standard errors off: do not trust the interval.")
    else:
        said = [f"No coverage is claimed: {n} rows calibrate, and {percent} needs {fewest}."]
    spread = found.y.std(correction=0).item()
    if summary["RMSE"][0] < 0.01 * spread:
        said.append(
            f"{found.target} has almost no noise (RMSE under 1 % of its standard "
            "deviation): what the interval holds is mostly misfit."
        )
    if summary["RMSE"][0] > 0.95 * spread:
        said.append(
            f"The inputs say little about {found.target}: RMSE "
            f"{rounded(summary['RMSE'][0])}, and {found.target} itself has standard "
            f"deviation {rounded(spread)}."
        )
    return [
        verdict,
        *said,
        f".model, .predict(x) and .interval(x) use all {len(found.y)} rows; σ was multiplied by "
        f"{found.model.scale:.2f} on those that calibrate.",
        "All this holds for new rows that come as these did, and on average over them, not for "
        "each x.",
    ]


def rounded(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1e5 or abs(value) >= 1e12 else f"{value:,.0f}"


def pm(value: float, error: float) -> str:
    """A value and its standard error, both to the error's first or second digit."""
    if not (math.isfinite(value) and error > 0):
        return rounded(value)
    digits = max(0, -math.floor(math.log10(error)) + (f"{error:e}"[0] == "1"))
    if digits > 8 or abs(value) >= 1e12:
        return f"{value:.4g} ± {error:.1g}"
    return f"{value:,.{digits}f} ± {error:,.{digits}f}"
