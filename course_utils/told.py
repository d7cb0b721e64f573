"""What a report found, in sentences, as a table, in Markdown and as a figure."""

import html
import math

import torch
from matplotlib import rc_context
from matplotlib.figure import Figure

from course_utils.judge import CLEAR
from course_utils.look import standing_apart
from course_utils.metrics import PairedComparison
from course_utils.plots import ALEATORIC, MEAN, STYLE, TRUTH, plot_data, show
from course_utils.rivals import EXACT
from course_utils.validation import DTYPE

__all__ = ["Told"]


class Told:
    """How a ``Report`` tells of itself; it shows itself in Jupyter, and ``print`` gives text."""

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
        scores = self.scores[f"{hidden}, σ(x)"]
        width = self.judge.compare(scores["NLL of one σ"], scores["NLL"])
        return [
            f"Over a line with one σ, a network's mean gains {pm(*mean[:2])} nats a row; over one "
            f"σ for the same mean, σ(x) gains a {hidden} {pm(*width[:2])}"
            f"{self.few_rows(scores, width)}."
        ]

    def few_rows(self, scores: dict, gain: PairedComparison) -> str:
        """Where a hundredth of the rows decides what σ(x) gains, or hides that it gains."""
        one, varies = scores["NLL of one σ"], scores["NLL"]
        each, few = (one - varies)[:, 0], max(1, len(one) // 100)
        rows = f"{few} row{'s' * (few > 1)} of {len(each)}"
        if gain.difference <= CLEAR * gain.error:
            rest = self.judge.without_extremes(one, varies)
            hides = "σ(x)" in self.choice and rest.difference > CLEAR * rest.error
            return f" ({pm(*rest[:2])} without the {rows} where the two differ most)" * hides
        part = each.topk(few).values.sum().item() / max(each.sum().item(), 1e-300)
        return f", {100 * part:.0f} % of it in {rows}" * (part >= 1 / 3)

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
            known = tuple(map(repr, (self.rows.target, self.groups, self.time)))
            found += [r for r in self.rows.looked.remarks if not r.startswith(known)]
        n, d = self.rows.x.shape
        if n < 20 * d:
            found.append(f"{n} rows are few for {d} columns: fewer inputs may predict better.")
        if n < EXACT and self.choice == "line, one σ":
            found.append(
                "Its interval is Student's: exact for Gaussian noise and plain least squares."
            )
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


def draw_fit(ax, found: Told) -> None:
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
    return f"{value:z,.{digits}f} ± {error:,.{digits}f}"
