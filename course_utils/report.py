"""Your own table, one call: looked at, split, fitted by rivals, calibrated, and said in sentences.

    report(df, target="price")

Rivals compete, simplest first: a line with one σ, a line with σ(x), a network with one σ, one with
σ(x), an ensemble. The verdict is the simplest that no richer one beats. What is said of them is
measured on rows that neither trained nor calibrated them. README tells how far the advice held on
made tables. Its limits: of a drift that lasts as long as the last block, coverage is known to some
30 % only; and where a few y stand apart σ(x) is never advised, though it may be true.
"""

import math
import os
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.columns import Columns, ranks
from course_utils.forecaster import Forecaster, restore
from course_utils.judge import (
    Judge,
    Judgement,
    judge_interval,
    judge_sigma,
    judged,
    lasting,
    verdict,
)
from course_utils.look import Look, distinct_names, look, many, standing_apart
from course_utils.metrics import PairedComparison
from course_utils.reading import read
from course_utils.rivals import ALWAYS, BATCH, STEPS, TEST, Contest
from course_utils.told import Told
from course_utils.validation import DTYPE, integer, probability, validated, x_and_y

__all__ = ["Report", "report", "restore"]

SIMPLEST_FIRST = ("line, one σ", "line, σ(x)", "network, one σ", "network, σ(x)")
FEWEST, MANY, LARGEST = 20, 1000, 1e100  # rows; from MANY on one fifth tests; squares overflow
OUTER, INNER, SINGLE = 5, 3, 5000  # folds; from SINGLE rows on one inner fold is enough


# What comes in, and which rows do what


@dataclass
class Rows:
    """x (n, d), y (n, 1), and what is known of the table; ``cluster`` (n,) numbers its groups."""

    x: Tensor
    y: Tensor
    target: str
    inputs: list[str]
    columns: Columns | None = None
    looked: Look | None = None
    cluster: Tensor | None = None
    rank: Tensor | None = None  # the rows' order in time
    notes: list[str] = field(default_factory=list)

    def __post_init__(self):
        enough(self.y)
        for name, column in zip([*self.inputs, self.target], torch.cat([self.x, self.y], 1).T):
            if column.abs().max() > LARGEST:
                raise ValueError(f"column {name!r} must stay below {LARGEST:g}: another unit")
        if (self.y == self.y[0]).all():
            raise ValueError(f"{self.target!r} must vary, got {self.y[0].item():g} in all rows")
        if (self.x == self.x[0]).all():
            raise ValueError("at least one input must vary, got only constant ones")


def enough(rows) -> None:
    if len(rows) < FEWEST:
        raise ValueError(f"a report needs {FEWEST} rows or more, got {len(rows)}: collect more")


def table_of(source, named: list[str], options: dict):
    """A DataFrame, or what ``read`` takes as one, that has the columns ``named``."""
    import pandas as pd

    if isinstance(source, pd.DataFrame) and options:
        raise ValueError(f"a DataFrame is read already, got {', '.join(options)}=")
    table = source if isinstance(source, pd.DataFrame) else read(source, **options)
    distinct_names(table)
    for name in named:
        if name not in list(table):
            raise ValueError(f"expected names of columns, got {name!r}: they are {list(table)}")
    return table


def rows_of(source, target, inputs, groups, time, options) -> Rows:
    """The rows of a pair (x, y), of a DataFrame, or of what ``read`` takes."""
    if isinstance(source, tuple | list) and len(source) == 2 and not isinstance(source[0], dict):
        named = {"target": target, "inputs": inputs, "groups": groups, "time": time} | options
        return rows_of_pair(*source, named)
    return rows_of_table(source, target, inputs, groups, time, options)


def rows_of_pair(x, y, named: dict) -> Rows:
    names = [name for name, given in named.items() if given is not None and given is not False]
    if names:
        raise ValueError(f"a pair (x, y) has no named columns, got {', '.join(names)}=")
    x, y = x_and_y(x, y)
    if y.shape[1] != 1:
        raise ValueError(f"y must be one column, got shape {tuple(y.shape)}: type y[:, :1]")
    names = ["x"] if x.shape[1] == 1 else [f"x{j + 1}" for j in range(x.shape[1])]
    return Rows(x, y, "y", names)


def rows_of_table(source, target, inputs, groups, time, options) -> Rows:
    import pandas as pd

    asked = [target, *([inputs] if isinstance(inputs, str) else inputs or [])]
    split = [by for by in (groups, time) if by is not None and by is not False]
    if len(split) > 1:
        raise ValueError("rows are held out by groups= or by time=, got both")
    table = table_of(source, [*asked, *split], options)
    without = int(table[target].isna().sum())
    table, notes = table[table[target].notna()], []
    if without:
        notes.append(f"{many(without, 'row')} without {target!r} left out.")
    enough(table)
    for name in split:
        if table[name].isna().any():
            raise ValueError(f"{name!r}, which splits the rows, must be complete, got a hole")
    if not pd.api.types.is_numeric_dtype(table[target]):
        odd = pd.to_numeric(table[target], errors="coerce").isna()
        first = table[target][odd].iloc[0] if odd.any() else table[target].iloc[0]
        raise ValueError(
            f"the target {target!r} must hold numbers, got {first!r} in row {int(odd.argmax())}: "
            "read it with na_values=, decimal=, thousands=, skiprows=, or convert it"
        )
    looked = look(table, target)
    away = [target, *split, *looked.left_out]
    names = asked[1:] or [name for name in table if name not in away] or looked.left_out
    columns = Columns.of(table, target, [name for name in names if name != target])
    cluster = rank = None
    if groups in split:
        cluster = torch.from_numpy(pd.factorize(table[groups])[0].copy())
    if time in split:
        rank = ranks(table[time])
    x, y = columns.x(table), columns.y(table)
    notes += columns.notes
    return Rows(x, y, target, columns.inputs, columns, looked, cluster, rank, notes)


def plan(rows: Rows, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """For each part of the rows what they do in it, (parts, n), which test, and for all rows."""
    n, generator = len(rows.y), torch.Generator().manual_seed(seed)
    if rows.rank is not None:
        return in_time(rows.rank)
    unit = torch.arange(n) if rows.cluster is None else rows.cluster
    count = int(unit.max()) + 1
    if count < 2 * OUTER:
        raise ValueError(f"groups need at least {2 * OUTER} different values, got {count}")
    outer = (torch.randperm(count, generator=generator) % OUTER)[unit]
    if n < SINGLE:
        inner = (torch.randperm(count, generator=generator) % INNER)[unit]
    else:
        inner = torch.where((torch.randperm(count, generator=generator) % 5)[unit] == 0, 0, ALWAYS)
    tests = torch.stack([outer == fold for fold in range(OUTER if n < MANY else 1)])
    return torch.where(tests, TEST, inner), tests, inner


def in_time(rank: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same for rows in time: the last block tests, the one before it calibrates.

    Before each is a gap, whose rows do nothing.
    """
    n = len(rank)
    gap, last = max(1, n // 100), int(0.8 * n)
    before = 0.75 * last
    inner = torch.where(rank >= before, 0, ALWAYS)
    inner[(rank < before) & (rank >= before - gap)] = TEST
    folds = torch.where(rank < last - gap, inner, TEST)
    tests = rank >= last
    return folds[None], tests[None], torch.where(tests, 0, ALWAYS)


# The call


@validated(level=probability, seed=integer(0), steps=integer(1))
def report(
    source,
    target: str | None = None,
    inputs: str | list[str] | None = None,
    *,
    groups: str | Literal[False] | None = None,
    time: str | Literal[False] | None = None,
    mu: str | None = None,
    sigma: str | None = None,
    lower: str | None = None,
    upper: str | None = None,
    level: float = 0.95,
    seed: int = 0,
    steps: int | None = None,
    **options,
) -> "Report | Judgement":
    """Which model of y, and how sure of it: a ``Report``.

    ``source`` is a DataFrame, what ``read`` takes (``options`` go to pandas), or a pair (x, y).
    ``target`` names the column to predict, ``inputs`` those to predict it from (default: all that
    are a property of a case), ``level`` the share that an interval is to hold. The split is the
    world that new rows come from: ``groups="patient"`` holds out whole patients, ``time="day"`` the
    last days, None draws rows at random. Where the table looks as if one were needed no coverage is
    claimed, unless ``groups=False`` or ``time=False`` denies it.

    ``mu`` and ``sigma``, or ``lower`` and ``upper``, name columns that hold another tool's forecast
    of the target, made without it: then that is judged, a ``Judgement``.

    Each fifth of the rows tests once (from 1,000 rows on one fifth only, of time the last). The
    rivals of ``course_utils.rivals`` are tuned and calibrated inside the others, all in one way.
    One with σ(x) is eligible if it beats one σ under the same mean, and no few y stand apart from
    all others. The chosen one is trained anew on all rows. Nothing global is drawn. Raises
    ValueError, in one sentence, for what cannot be fitted.
    """
    if hasattr(target, "shape"):
        raise ValueError("expected one pair, report((x, y)), got x and y as two arguments")
    if target is None and not (isinstance(source, tuple | list) and len(source) == 2):
        raise ValueError("target must name the column to predict, got None: type target='…'")
    how = {"groups": groups, "time": time, "level": level, "seed": seed, "steps": steps}
    given = {"mu": mu, "sigma": sigma, "lower": lower, "upper": upper}
    given = {kind: name for kind, name in given.items() if name is not None}
    if given:
        table = table_of(source, [target, *given.values()], options)
        own = report(table.drop(columns=list(given.values())), target, inputs, **how)
        return judged_forecast(table[table[target].notna()], own, level, given)
    return contested(rows_of(source, target, inputs, groups, time, options), **how)


def contested(rows: Rows, groups, time, level: float, seed: int, steps: int | None) -> "Report":
    """All rivals tested, the verdict, and the chosen one trained on all rows."""
    folds, tests, final = plan(rows, seed)
    steps = steps or (STEPS if len(rows.y) <= 2 * BATCH else 2 * STEPS)
    contest = Contest(rows.x, rows.y, folds, seed=seed, steps=steps)
    tested = torch.cat([test.nonzero()[:, 0] for test in tests])
    judge, scores = Judge(clusters(rows, tested), len(tests)), {}

    def enters(name: str) -> bool:
        """Whether the rival, once tested, is eligible."""
        scores[name] = judged(contest.forecasts(name), rows.x, rows.y, tests, level)
        return "σ(x)" not in name or judge.earns(scores[name])

    quiet = "TQDM_DISABLE" in os.environ
    rivals = tqdm(SIMPLEST_FIRST, desc="rivals", delay=2, leave=False, disable=quiet)
    able = {name: enters(name) for name in rivals}
    several = f"ensemble, {'σ(x)' if able['network, σ(x)'] else 'one σ'}"
    able[several] = enters(several)
    apart = bool(standing_apart(rows.y[:, 0].numpy()).any())
    nlls = {
        name: scores[name]["NLL"]
        for name, earned in able.items()
        if earned and not (apart and "σ(x)" in name)
    }
    choice = verdict(nlls, judge)
    last = Contest(rows.x, rows.y, final[None], seed=seed, steps=steps)
    forecaster = Forecaster(last.forecasts(choice)[0], rows.columns, rows.target, level)
    return Report(choice, forecaster, scores, level, judge, rows, tested, groups, time)


def judged_forecast(table, own: "Report", level: float, given: dict) -> Judgement:
    """The forecast in the columns ``given``, beside the report's own model."""
    if set(given) not in ({"mu", "sigma"}, {"lower", "upper"}):
        raise ValueError(f"expected mu= and sigma=, or lower= and upper=, got {given}")
    holes = [name for name in given.values() if table[name].isna().any()]
    if holes:
        raise ValueError(f"a forecast must be complete, got holes in {holes}")
    columns = [
        torch.tensor(table[name].astype(float).to_numpy(copy=True), dtype=DTYPE)[:, None]
        for name in given.values()
    ]
    return (judge_sigma if "mu" in given else judge_interval)(own.rows.y, *columns, own, level)


def clusters(rows: Rows, tested: Tensor) -> Tensor:
    """Which of the tested rows belong together: the groups, or twenty blocks of time."""
    if rows.rank is not None:
        place = rows.rank[tested].argsort().argsort()
        return place * 20 // len(place)
    return torch.arange(len(tested)) if rows.cluster is None else rows.cluster[tested]


# What it found


@dataclass(repr=False)
class Report(Told):
    """What ``report`` found; it shows itself in Jupyter, and ``print`` gives it as text.

    ``choice`` is the verdict; ``scores`` hold for each rival the tested rows' scores, (n_test, 1);
    ``forecaster`` is the chosen one, trained on all rows, with ``predict``, ``interval``, ``table``
    and ``save``, which stand here, too. ``looked`` is the look at the table.
    """

    choice: str
    forecaster: Forecaster
    scores: dict[str, dict[str, Tensor]]
    level: float
    judge: Judge
    rows: Rows
    tested: Tensor
    groups: str | Literal[False] | None
    time: str | Literal[False] | None

    def __post_init__(self):
        self.model, self.looked = self.forecaster.model, self.rows.looked
        for name in ("predict", "interval", "table", "save"):
            setattr(self, name, getattr(self.forecaster, name))

    def gain(self, of: str, over: str) -> PairedComparison:
        """How many nats a row the NLL of one rival is lower than that of another, with its s.e."""
        return self.judge.compare(self.scores[over]["NLL"], self.scores[of]["NLL"])

    def summary(self) -> dict[str, dict[str, tuple[float, float]]]:
        """For each rival and score: its mean over the tested rows, and the standard error."""
        found = {}
        for name, scores in self.scores.items():
            error = self.judge.error
            mse = (scores["z"] * scores["sigma"]).square()
            rmse = mse.mean().sqrt().item()
            found[name] = {s: (scores[s].mean().item(), error(scores[s])) for s in ("NLL", "CRPS")}
            found[name]["RMSE"] = rmse, error(mse) / (2 * rmse) if rmse else 0.0
            inside, alike = scores["covered"], 1.0
            if self.rows.rank is not None:
                alike = lasting(scores["z"][self.rows.rank[self.tested].argsort(), 0])
            # If one fold tests, rows that were hard for it make wider what is handed out.
            calibrated = len(self.model.z) / (2 if self.judge.folds == 1 else 1)
            p = self.level * (1 - self.level) * alike
            least = math.sqrt(p / len(inside) + p / (calibrated + 2))
            grouped = 0.0 if self.rows.cluster is None else error(inside)
            found[name]["covered"] = inside.mean().item(), max(least, grouped)
            found[name]["width"] = scores["width"].mean().item(), error(scores["width"])
        return found

    def no_claim(self) -> str:
        """Why no coverage is claimed; "" if it is."""
        if not self.scores[self.choice]["width"].isfinite().all():
            percent = f"{100 * self.level:g} %"
            return f"too few rows calibrate ({len(self.model.z)}) for an interval of {percent}"
        if self.rows.looked and self.rows.looked.grouped and self.groups is None:
            return "rows seem to belong together. " + self.rows.looked.grouped
        if self.time is None and self.groups in (None, False) and self.alike() > 0:
            return (
                f"residuals of neighbouring rows are alike (correlation {self.alike():.2f}). Are "
                "the rows ordered in time? Then pass time=… with the column that orders them, else "
                "time=False."
            )
        return ""

    def alike(self) -> float:
        """Correlation of the residuals of neighbouring rows, 0 if it may be chance.

        A table that is sorted by its target has it, too, and is no time: 0.
        """
        y = self.rows.y[:, 0]
        if (y.diff() >= 0).all() or (y.diff() <= 0).all():
            return 0.0
        z = self.scores[self.choice]["z"][self.tested.argsort(), 0].clamp(-4, 4)
        z = z - z.mean()
        found = (z[1:] * z[:-1]).mean().item() / z.square().mean().clamp(min=1e-300).item()
        return found if found > 3.5 / math.sqrt(len(z)) else 0.0
