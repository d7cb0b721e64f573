"""Your own table, one call: looked at, split, fitted by rivals, calibrated, and said in sentences.

    report(df, target="price")

Rivals compete, simplest first: a line with one σ, a line with σ(x), a network with one σ, one with
σ(x), an ensemble. The verdict is the simplest that no richer one beats. What is said of them is
measured on rows that neither trained nor calibrated them.
"""

import html
import math
import os
from dataclasses import dataclass, field

import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.forecaster import Forecaster, restore
from course_utils.judge import Judgement, judge_interval, judge_sigma
from course_utils.look import Columns, Look, look, read, standing_apart
from course_utils.losses import gaussian_nll
from course_utils.metrics import PairedComparison, crps
from course_utils.plots import ALEATORIC, MEAN, STYLE, TRUTH, plot_data, show
from course_utils.rivals import ALWAYS, BATCH, EXACT, STEPS, TEST, Contest
from course_utils.validation import DTYPE, integer, probability, validated, x_and_y

__all__ = ["Report", "report", "restore"]

SIMPLEST_FIRST = ("line, one σ", "line, σ(x)", "network, one σ", "network, σ(x)")
FEWEST, MANY, LARGEST = 20, 1000, 1e100  # rows; from MANY on one fifth tests; squares overflow
OUTER, INNER, SINGLE = 5, 3, 5000  # folds; from SINGLE rows on one inner fold is enough
# The simpler rival is kept until the other is clearly better: nats a row, and standard errors.
WORTH, CLEAR = 0.01, 2


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
        n = len(self.y)
        if n < FEWEST:
            raise ValueError(f"a report needs {FEWEST} rows or more, got {n}: collect more")
        for name, column in zip([*self.inputs, self.target], torch.cat([self.x, self.y], 1).T):
            if column.abs().max() > LARGEST:
                raise ValueError(f"column {name!r} must stay below {LARGEST:g}: another unit")
        if (self.y == self.y[0]).all():
            raise ValueError(f"{self.target!r} must vary, got {self.y[0].item():g} in all rows")
        if (self.x == self.x[0]).all():
            raise ValueError("at least one input must vary, got only constant ones")


def table_of(source, named: list[str], options: dict):
    """A DataFrame, or what ``read`` takes as one, that has the columns ``named``."""
    import pandas as pd

    table = source if isinstance(source, pd.DataFrame) else read(source, **options)
    for name in named:
        if name not in table:
            raise ValueError(f"expected names of columns, got {name!r}: they are {list(table)}")
    return table


def rows_of(source, target, inputs, groups, time, options) -> Rows:
    """The rows of a DataFrame, of what ``read`` takes, or of a pair (x, y)."""
    if isinstance(source, tuple | list) and len(source) == 2 and not isinstance(source[0], dict):
        if target is not None or inputs is not None:
            raise ValueError("target and inputs must be left out with a pair (x, y), got names")
        x, y = x_and_y(*source)
        if y.shape[1] != 1:
            raise ValueError(f"y must be one column, got shape {tuple(y.shape)}: type y[:, :1]")
        names = ["x"] if x.shape[1] == 1 else [f"x{j + 1}" for j in range(x.shape[1])]
        return Rows(x, y, "y", names)
    import pandas as pd

    asked = [target, *([inputs] if isinstance(inputs, str) else inputs or [])]
    named = [*asked, *[by for by in (groups, time) if isinstance(by, str)]]
    table = table_of(source, named, options)
    notes = [f"{int(table[target].isna().sum())} rows without {target!r} are left out."]
    table, notes = table[table[target].notna()], notes * bool(table[target].isna().any())
    if not pd.api.types.is_numeric_dtype(table[target]):
        odd = pd.to_numeric(table[target], errors="coerce").isna()
        first = table[target][odd].iloc[0] if odd.any() else table[target].iloc[0]
        raise ValueError(
            f"the target {target!r} must hold numbers, got {first!r} in row {int(odd.argmax())}: "
            "read it with na_values=, decimal=, thousands=, skiprows=, or convert it"
        )
    looked = look(table, target)
    away = [target, *[by for by in (groups, time) if isinstance(by, str)], *looked.left_out]
    names = asked[1:] or [name for name in table if name not in away] or looked.left_out
    columns = Columns.of(table, target, [name for name in names if name != target])
    cluster = rank = None
    if isinstance(groups, str):
        cluster = torch.from_numpy(pd.factorize(table[groups])[0].copy())
    if isinstance(time, str):
        stamps = table[time] if table[time].dtype.kind in "iufM" else pd.to_datetime(table[time])
        rank = torch.from_numpy(stamps.rank(method="first").to_numpy(copy=True)).long() - 1
    x, y = columns.x(table), columns.y(table)
    notes += columns.notes
    return Rows(x, y, target, columns.inputs, columns, looked, cluster, rank, notes)


def plan(rows: Rows, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """For each part of the rows what they do in it, (parts, n), which test, and for all rows."""
    n, generator = len(rows.y), torch.Generator().manual_seed(seed)
    if rows.rank is not None:  # the last block tests; before it and before the judges, a gap
        gap, last = max(1, n // 100), int(0.8 * n)
        blocks = rows.rank, rows.rank < last - gap
        inner = torch.where(blocks[0] >= 0.75 * last, 0, ALWAYS)
        inner[(rows.rank < 0.75 * last) & (rows.rank >= 0.75 * last - gap)] = TEST
        folds = torch.where(blocks[1], inner, TEST)[None]
        final = torch.where(rows.rank >= last, 0, ALWAYS)
        return folds, (rows.rank >= last)[None], final
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


# Judging


def judged(forecasts, rows: Rows, tests: Tensor, level: float) -> dict[str, Tensor]:
    """Scores of each row that tests, (n_test, 1), in the units of y."""
    found = []
    for forecast, test in zip(forecasts, tests):
        x, y = rows.x[test], rows.y[test]
        mu, log_var = forecast(x)
        sigma, (lower, upper) = (log_var / 2).exp(), forecast.interval(x, level)
        nll, inside = gaussian_nll(y, mu, log_var), ((lower <= y) & (y <= upper)).to(DTYPE)
        found.append([mu, sigma, (y - mu) / sigma, nll, crps(y, mu, sigma), inside, upper - lower])
    names = "mu", "sigma", "z", "NLL", "CRPS", "covered", "width"
    return {name: torch.cat(values) for name, values in zip(names, zip(*found))}


@dataclass
class Judge:
    """Means over the rows that test, with standard errors that know which of them belong together.

    ``cluster`` (n_test,) numbers groups, or blocks of time; ``folds`` is how many trainings share
    their data, which makes an error longer by √(1 + folds · n_test/n_train) (Nadeau & Bengio 2003).
    """

    cluster: Tensor
    folds: int

    def error(self, values: Tensor, shared: bool = False) -> float:
        values = values[:, 0] - values.mean()
        sums = torch.zeros(int(self.cluster.max()) + 1, dtype=DTYPE)
        sums = sums.index_add(0, self.cluster, values)
        groups = max(2, len(self.cluster.unique()))
        error = sums.square().sum().sqrt().item() / len(values) * math.sqrt(groups / (groups - 1))
        return error * (math.sqrt(1 + self.folds / (self.folds - 1)) if shared else 1)

    def compare(self, a: Tensor, b: Tensor) -> PairedComparison:
        """The mean of a − b and its error."""
        return PairedComparison((a - b).mean().item(), self.error(a - b, self.folds > 1), len(a))

    def beats(self, a: Tensor, b: Tensor) -> bool:
        """Whether the NLL a is lower than b by WORTH over all rows, and by more than CLEAR errors.

        The latter over all rows, or without the hundredth where they differ most: two rows far out
        can make a large gain look unsure.
        """
        if (a - b).mean() > -WORTH:
            return False
        d = (a - b)[:, 0]
        most = (d - d.median()).abs().kthvalue(math.ceil(0.99 * len(d))).values
        rest = torch.where((d - d.median()).abs() <= most, d, d.median())[:, None]
        pairs = (a, b), (rest, torch.zeros_like(rest))
        return any(c.difference < -CLEAR * c.error for c in (self.compare(*p) for p in pairs))


def verdict(nlls: dict[str, Tensor], judge: Judge) -> str:
    """The simplest rival that no richer one beats."""
    names = list(nlls)
    for place, name in enumerate(names):
        if not any(judge.beats(nlls[richer], nlls[name]) for richer in names[place + 1 :]):
            return name


@validated(level=probability, seed=integer(0), steps=integer(1))
def report(
    source,
    target: str | None = None,
    inputs: str | list[str] | None = None,
    *,
    groups: str | bool | None = None,
    time: str | bool | None = None,
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
    are a property of a case). The split is the world that new rows come from: ``groups="patient"``
    holds out whole patients, ``time="day"`` the last days, None draws rows at random. Where the
    table looks as if one were needed no coverage is claimed, unless ``groups=False`` or
    ``time=False`` denies it.

    ``mu`` and ``sigma``, or ``lower`` and ``upper``, name columns that hold another tool's forecast
    of the target, made without it: then that is judged, a ``Judgement``.

    Each fifth of the rows tests once (from 1,000 rows on one fifth only, of time the last). The
    rivals of ``course_utils.rivals`` are tuned and calibrated inside the others, all in one way.
    Where a few y stand apart from all others nothing can be told of σ(x), and its rivals are not
    eligible. The chosen one is trained anew on all rows. Nothing global is drawn. Raises
    ValueError, in one sentence, for what cannot be fitted.
    """
    if target is None and not (isinstance(source, tuple | list) and len(source) == 2):
        raise ValueError("target must name the column to predict, got None: type target='…'")
    if forecast := [name for name in (mu, sigma, lower, upper) if name is not None]:
        table = table_of(source, [target, *forecast], options)
        own = report(
            table.drop(columns=forecast),
            target,
            inputs,
            groups=groups,
            time=time,
            level=level,
            seed=seed,
            steps=steps,
        )
        given = dict(zip(("mu", "sigma", "lower", "upper"), (mu, sigma, lower, upper)))
        return judged_forecast(table[table[target].notna()], own, level, given)
    rows = rows_of(source, target, inputs, groups, time, options)
    folds, tests, final = plan(rows, seed)
    steps = steps or (STEPS if len(rows.y) <= 2 * BATCH else 2 * STEPS)
    contest = Contest(rows.x, rows.y, folds, seed=seed, steps=steps)
    tested = torch.cat([test.nonzero()[:, 0] for test in tests])
    judge = Judge(clusters(rows, tested), len(tests))
    scores = {}
    rivals = tqdm(
        SIMPLEST_FIRST, desc="rivals", delay=2, leave=False, disable="TQDM_DISABLE" in os.environ
    )
    for name in rivals:
        scores[name] = judged(contest.forecasts(name), rows, tests, level)
    varies, one = (scores[f"network, {sigma}"]["NLL"] for sigma in ("σ(x)", "one σ"))
    several = "ensemble, σ(x)" if judge.beats(varies, one) else "ensemble, one σ"
    scores[several] = judged(contest.forecasts(several), rows, tests, level)
    apart = bool(standing_apart(rows.y[:, 0].numpy()).any())
    able = [name for name in scores if not (apart and "σ(x)" in name)]
    choice = verdict({name: scores[name]["NLL"] for name in able}, judge)
    last = Contest(rows.x, rows.y, final[None], seed=seed, steps=steps)
    forecaster = Forecaster(last.forecasts(choice)[0], rows.columns, rows.target, level)
    found = Report(choice, forecaster, scores, level, judge, rows, tested, groups, time)
    return found


def judged_forecast(table, own: "Report", level: float, given: dict) -> Judgement:
    """The forecast in the columns ``given``, beside the report's own model."""
    named = {kind: name for kind, name in given.items() if name is not None}
    if set(named) not in ({"mu", "sigma"}, {"lower", "upper"}):
        raise ValueError(f"expected mu= and sigma=, or lower= and upper=, got {named}")
    holes = [name for name in named.values() if table[name].isna().any()]
    if holes:
        raise ValueError(f"a forecast must be complete, got holes in {holes}")
    columns = [
        torch.tensor(table[name].astype(float).to_numpy(copy=True), dtype=DTYPE)[:, None]
        for name in named.values()
    ]
    return (judge_sigma if "mu" in named else judge_interval)(own.rows.y, *columns, own, level)


def clusters(rows: Rows, tested: Tensor) -> Tensor:
    """Which of the tested rows belong together: the groups, or twenty blocks of time."""
    if rows.rank is not None:
        place = rows.rank[tested].argsort().argsort()
        return place * 20 // len(place)
    return torch.arange(len(tested)) if rows.cluster is None else rows.cluster[tested]


# What it found


@dataclass(repr=False)
class Report:
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
    groups: str | bool | None
    time: str | bool | None

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
            inside = scores["covered"]
            n, calibrated = len(inside), len(self.model.z)
            p = self.level * (1 - self.level)
            least = math.sqrt(p / n + p / (calibrated + 2))
            grouped = self.rows.cluster is not None or self.rows.rank is not None
            found[name]["covered"] = (
                inside.mean().item(),
                max(least, error(inside) if grouped else 0.0),
            )
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

    # In words

    def sentences(self) -> list[str]:
        """The verdict, what is gained by what, what may be said of the coverage."""
        kind, target = self.choice, self.rows.target
        summary, y = self.summary()[kind], self.rows.y
        said = [f"Use {article(kind)}.", *self.gains()]
        remarks = self.rows.looked.remarks if self.rows.looked else []
        said += [remark for remark in remarks if remark.startswith(repr(target))]
        if standing_apart(y[:, 0].numpy()).any():
            said.append(f"Values of {target} stand apart from all others: σ(x) is not eligible.")
        if why := self.no_claim():
            said.append(f"No coverage is claimed: {why}")
        else:
            covered, error = summary["covered"]
            said.append(
                f"Its {100 * self.level:g} % interval held {100 * covered:.1f} ± {100 * error:.1f} "
                f"% of the {len(self.tested)} tested rows ({self.world()}), mean width "
                f"{rounded(summary['width'][0])}."
            )
            if abs(covered - self.level) > 3 * error:
                said.append("That is more than three standard errors off: do not trust it.")
        spread, rmse = y.std(correction=0).item(), summary["RMSE"][0]
        if rmse < 0.01 * spread:
            said.append(
                f"{target} has almost no noise (RMSE below 1 % of its standard deviation): what "
                "the interval holds is mostly misfit."
            )
        if rmse > 0.95 * spread:
            said.append(
                f"None of these rivals says much about {target}: RMSE {rounded(rmse)}, and "
                f"{target} itself has standard deviation {rounded(spread)}."
            )
        return said

    def gains(self) -> list[str]:
        """What the mean gains over a line, and what σ(x) gains over one σ, told apart."""
        mean = self.gain("network, one σ", "line, one σ")
        hidden = "network" if "line" not in self.choice else "line"
        width = self.gain(f"{hidden}, σ(x)", f"{hidden}, one σ")
        return [
            f"Over a line with one σ, a network's mean gains {pm(*mean[:2])} nats a row; over one "
            f"σ, σ(x) gains a {hidden} {pm(*width[:2])}"
            + self.few_rows(f"{hidden}, σ(x)", f"{hidden}, one σ", width)
            + "."
        ]

    def few_rows(self, of: str, over: str, gain: PairedComparison) -> str:
        """Whether a hundredth of the rows decides."""
        each = (self.scores[over]["NLL"] - self.scores[of]["NLL"])[:, 0]
        few = max(1, len(each) // 100)
        part = each.topk(few).values.sum().item() / max(each.sum().item(), 1e-300)
        if gain.difference <= CLEAR * gain.error or part < 1 / 3:
            return ""
        return f", {100 * part:.0f} % of it in {few} row{'s' * (few > 1)} of {len(each)}"

    def world(self) -> str:
        if self.rows.cluster is not None:
            return f"of other {self.groups}s than those that train"
        if self.rows.rank is not None:
            return f"the last fifth by {self.time}"
        return "drawn at random; it holds for rows that come as these did"

    def notes(self) -> list[str]:
        """What else was seen or done."""
        found = list(self.rows.notes)
        if self.rows.looked:
            target = repr(self.rows.target)
            found += [r for r in self.rows.looked.remarks if not r.startswith(target)]
        n, d = self.rows.x.shape
        if n < 20 * d:
            found.append(f"{n} rows are few for {d} columns: fewer inputs may predict better.")
        if n < EXACT and self.choice == "line, one σ":
            found.append("Its interval is Student's: exact if the noise is Gaussian.")
        return found

    def lines(self) -> list[list[str]]:
        """The table of all rivals, as texts; its first row holds the heads of the columns."""
        percent = f"in the {100 * self.level:g} % interval"
        table = [["rival", "NLL, nats", "gain over the first", "CRPS", "RMSE", percent, "width"]]
        claims = not self.no_claim()
        for name, found in self.summary().items():
            gain = self.gain(name, "line, one σ")
            covered, error = (100 * value for value in found["covered"])
            claim = [f"{covered:.1f} ± {error:.1f} %", rounded(found["width"][0])]
            scores = [pm(*found[score]) for score in ("CRPS", "RMSE")]
            first = name == "line, one σ"
            cells = [pm(*found["NLL"]), "" if first else pm(*gain[:2]), *scores]
            table.append([name, *cells, *(claim if claims else ["no claim", "no claim"])])
        return table

    def title(self) -> str:
        names, tested = list(map(str, self.rows.inputs)), f"{len(self.tested):,}"
        return (
            f"{self.rows.target} from {', '.join(names[:8])}{', …' * (len(names) > 8)}: "
            f"{len(self.rows.y):,} rows, {tested} of them tested by models of the others"
        )

    def __repr__(self) -> str:
        lines = self.lines()
        widths = [max(map(len, column)) for column in zip(*lines)]
        table = ["  ".join(c.ljust(w) for c, w in zip(line, widths)).rstrip() for line in lines]
        notes = [f"Note: {note}" for note in self.notes()]
        return "\n".join([self.title(), "", *table, "", *self.sentences(), *notes])

    def markdown(self) -> str:
        """The report without its figure, in Markdown."""
        head, *lines = [f"| {' | '.join(cells)} |" for cells in self.lines()]
        rule = "|" + " --- |" * len(self.lines()[0])
        first, *sentences = self.sentences()
        said = [f"- {html.escape(text, quote=False)}" for text in [*sentences, *self.notes()]]
        title = f"**{html.escape(self.title(), quote=False)}**"
        return "\n".join([title, "", head, rule, *lines, "", f"**{first}**", "", *said])

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display({"text/markdown": self.markdown(), "text/plain": repr(self)}, raw=True)
        show(self.figure(), alt=self.alt())

    # In a picture

    def alt(self) -> str:
        """What the figure shows, in words."""
        left = (
            f"{self.rows.target} against {self.rows.inputs[0]} with the predicted mean"
            if self.rows.x.shape[1] == 1
            else f"{self.rows.target} against its prediction"
        )
        z = self.scores[self.choice]["z"].abs()
        return (
            f"Left: {left}{' and interval' * (not self.no_claim())}, {self.choice}. Right: the "
            f"size of the standardised residuals of {len(z)} tested rows against the prediction; "
            f"{100 * (z > 1.96).double().mean().item():.0f} % lie above 1.96."
        )

    def figure(self) -> Figure:
        """The figure: the fit, or prediction against y, and the standardised residuals."""
        scores, target = self.scores[self.choice], str(self.rows.target)
        mu, z = scores["mu"], scores["z"].abs()
        with rc_context(STYLE):
            figure = Figure(figsize=(7.5, 3.6), layout="constrained")
            left, right = figure.subplots(1, 2)
            if self.rows.x.shape[1] == 1:
                draw_fit(left, self)
            else:
                plot_data(left, mu, mu + scores["z"] * scores["sigma"])
                ends = [mu.min().item(), mu.max().item()]
                left.plot(ends, ends, color=TRUTH, linestyle="--", linewidth=1.2)
                left.set(xlabel=f"predicted {target[:20]}", ylabel=target[:30])
            left.set_title(self.choice)
            plot_data(right, mu, z)
            right.axhline(1.96, color=TRUTH, linestyle="--", linewidth=1.2)
            outside = z > 1.96
            upper = (outside & (mu > mu.median())).sum() / outside.sum().clamp(min=1)
            where = ", most on the right" * bool(upper > 0.8) + ", most on the left" * bool(
                upper < 0.2
            )
            right.set(xlabel=f"predicted {target[:20]}", ylabel="|y − μ| / σ")
            right.set_title(f"{100 * outside.double().mean():.1f} % above 1.96{where}")
            skewed = [v.min() > 0 and v.max() > 4 * v.median() for v in (mu, self.rows.y)]
            if all(skewed):
                right.set_xscale("log")
                left.set_yscale("log")
                left.set_xscale("log" if (self.rows.x > 0).all() else "linear")
        return figure


def draw_fit(ax, found: Report) -> None:
    """Data, mean and interval over the one input."""
    x, model = found.rows.x, found.model
    grid = torch.linspace(x.min(), x.max(), 200, dtype=DTYPE)[:, None]
    plot_data(ax, x, found.rows.y)
    with torch.no_grad():
        mu, _ = model(grid)
        lower, upper = model.interval(grid, found.level)
    if not found.no_claim():
        ax.fill_between(
            grid[:, 0], lower[:, 0], upper[:, 0], color=ALEATORIC, alpha=0.3, linewidth=0
        )
    ax.plot(grid, mu, color=MEAN)
    ax.set(xlabel=found.rows.inputs[0][:30], ylabel=found.rows.target[:30])


def article(kind: str) -> str:
    one, sigma = kind.split(", ")
    return f"{'an' if one[0] == 'e' else 'a'} {one} with {sigma}"


def rounded(value: float) -> str:
    """Three digits, and thousands as people write them."""
    if not math.isfinite(value):
        return "∞"
    return f"{value:.3g}" if abs(value) < 1000 or abs(value) >= 1e12 else f"{value:,.0f}"


def pm(value: float, error: float) -> str:
    """A value and its standard error, both to the error's first or second digit."""
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return rounded(value)
    digits = max(0, -math.floor(math.log10(error)) + (f"{error:e}"[0] == "1"))
    if digits > 8 or abs(value) >= 1e12:
        return f"{value:.4g} ± {error:.1g}"
    return f"{value:,.{digits}f} ± {error:,.{digits}f}"
