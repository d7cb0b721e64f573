"""Lesson 15: three real data sets or a CSV of your own, one σ against two outputs."""

import math

import ipywidgets as widgets
import numpy as np
import torch
from torch import nn

from course_utils.columns import Columns
from course_utils.data import DATASETS
from course_utils.labs.cells import Cells
from course_utils.labs.fitting import Fit
from course_utils.labs.lab import Lab
from course_utils.labs.likelihoods import ONE_SIGMA, TWO_OUTPUTS
from course_utils.labs.panels import BAND, DASHED, POINTS, RINGS, STEPS, verticals
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import choice, log_slider, named
from course_utils.losses import gaussian_nll
from course_utils.metrics import calibration_curve, coverage, interval
from course_utils.models import HeteroscedasticRegressor, HomoscedasticRegressor
from course_utils.plots import ALEATORIC, MEAN, REPAIRED, WRONG
from course_utils.reading import read

PACKAGED = ("motorcycle", "engel", "diabetes")
MINE = "your file"
FEWEST, MOST = 20, 1000  # rows: fewer say nothing, more would make a slide slow
KINDS = {
    "one σ": (HomoscedasticRegressor, ONE_SIGMA),
    "two outputs": (HeteroscedasticRegressor, TWO_OUTPUTS),
}


class TableLab(Lab):
    """A lab on packaged tables, or on one that is given to it, and a target among its columns."""

    def __init__(self):
        self.tables = {name: read(DATASETS / f"{name}.csv") for name in PACKAGED}
        self._table_shown = None
        super().__init__()

    def lay_out(self):
        super().lay_out()
        self.upload = widgets.FileUpload(
            accept=".csv,.tsv,.txt", multiple=False, description="Your CSV"
        )
        self.upload.observe(self._on_upload, "value")
        self.target = widgets.Dropdown(**named("target"))
        self.target.observe(self._on_target, "value")
        sliders, *rest = self.view.children
        self.view.children = (sliders, widgets.HBox([self.upload, self.target]), *rest)

    # A file and its target

    def _on_upload(self, change):
        if not change.new:
            return
        try:
            table = read(change.new)
            columns_of(table, list(number_columns(table))[-1])
        except ValueError as error:  # the last table, its fit and its picture stay
            self.pause()
            self.message = f"Not read: {error}"
            self.tell()
            return
        self.tables[MINE], self._table_shown = table, None
        with self.unheard():
            self.controls["data"].options = tuple(self.tables)
            self.controls["data"].value = MINE
        self.ask(self.restart)

    def _on_target(self, change):
        if self.putting:
            return
        try:
            columns_of(self.table, change.new)
        except ValueError as error:
            with self.unheard():
                self.target.value = change.old
            self.message = f"Target {change.new!r}: {error}."
            self.tell()
            return
        self.ask(self.restart)

    def reset(self):
        """Every slider and the target to its default, and a fresh fit; an upload stays."""
        self._table_shown = None
        super().reset()

    @property
    def table(self):
        return self.tables[self.value.data]


class RealData(TableLab):
    """Lesson 15: a network on a table, trained on three quarters of its rows."""

    alt = (
        "Lab: a network with one σ or two outputs on a real data set or on your own CSV. Left, "
        "target over one input in standard units, with the learned mean and, at each held-out row, "
        "the 95 % interval; middle, the coverage of held-out rows at each level; right, the NLL of "
        "training and of held-out rows by step. Controls: data set, one σ or two outputs, weight "
        "decay, a file, its target."
    )
    retrains = frozenset({"data", "kind", "decay"})
    train_steps, lr = 200, 0.02

    def new_controls(self):
        return {
            "data": choice("data", "motorcycle", PACKAGED),
            "kind": choice("model", "two outputs", tuple(KINDS)),
            "decay": log_slider("weight decay", 1e-3, -5, -1),
        }

    def new_data(self, at):
        if self._table_shown is not self.table:
            with self.unheard():
                self.target.options = list(number_columns(self.table))
                self.target.value = self.target.options[-1]
            self._table_shown, self.before = self.table, None
        names, x, y = columns_of(self.table, self.target.value)
        order = torch.from_numpy(np.random.default_rng(0).permutation(len(y)))[:MOST]
        self.of = len(y)
        held = len(order) // 4
        x, y = x[order], y[order]
        m, s = y[held:].mean(), y[held:].std(correction=0)
        scale = x[held:].std(0, correction=0)
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        x, y = (x - x[held:].mean(0)) / scale, (y - m) / s
        self.trained, self.held_out = (x[held:], y[held:]), (x[:held], y[:held])
        related = (x[held:] * y[held:]).mean(0).abs()
        self.column = int(related.argmax())
        self.x = torch.linspace(-3, 3, 200, dtype=x.dtype)[:, None]
        self.grid = torch.zeros(200, x.shape[1], dtype=x.dtype)  # the others at their means
        self.grid[:, self.column] = self.x[:, 0]
        self.unit, even = math.log(s.item()), torch.ones_like(y[held:])
        self.cells = Cells(*self.trained, 0 * even, even / len(even))
        self.shown_as = f"{self.target.value} over {names[self.column]}"
        self.inputs = len(names)

    # The fit

    def first_weights(self, at):
        kind, _ = KINDS[at.kind]
        return kind(self.trained[0].shape[1], hidden=(16, 16), activation=nn.Tanh)

    def new_fit(self, model, at):
        _, outputs = KINDS[at.kind]
        self.trace = []
        return Fit(model, self.new_loss(at), self.lr, outputs, at.decay, self.after_step)

    def after_step(self):
        """Every now and then keep the NLL of the held-out rows, too."""
        step = len(self.losses)
        if step <= 20 or step % 5 == 0:
            self.trace.append((step, self.nll(self.held_out)))

    def nll(self, rows):
        x, y = rows
        with torch.no_grad():
            return gaussian_nll(y, *self.model(x)).mean().item()

    def look(self):
        with torch.no_grad():
            mu, log_var = self.model(self.grid)
            held_mu, held_log_var = self.model(self.held_out[0])
        nlls = [self.nll(rows) for rows in (self.trained, self.held_out)]
        self.fit.must_be_finite(*nlls, mu.sum().item())
        self.mu, self.loss_now, self.nlls = mu, nlls[0], nlls
        self.sigma, sigma = (log_var.detach() / 2).exp(), (held_log_var.detach() / 2).exp()
        self.bars = interval(held_mu, sigma)
        self.levels = calibration_curve(self.held_out[1], held_mu, sigma)
        self.covered = coverage(self.held_out[1], held_mu, sigma)

    # What is shown

    def panels(self):
        return [
            Panel(
                {
                    "xlim": (-3, 3),
                    "ylim": (-4, 4),
                    "xlabel": "input (standard units)",
                    "ylabel": "target (standard units)",
                },
                {
                    "band": BAND | {"label": "learned 95 % interval", "at": (0, "above")},
                    "data": POINTS | {"label": "training rows", "alpha": 0.6},
                    "bars": {"color": ALEATORIC, "alpha": 0.6, "linewidth": 1},
                    "held": RINGS | {"color": REPAIRED, "label": "held-out rows, μ ± 1.96σ"},
                    "mean": {"color": MEAN, "label": "learned mean", "at": (1, "above")},
                },
                width=1.6,
            ),
            Panel(
                {"xlim": (0, 1), "ylim": (0, 1), "xlabel": "level", "ylabel": "share inside"},
                {
                    "right": DASHED | {"label": "right", "at": (0, "above")},
                    "covered": {"color": REPAIRED, "label": "held out", "at": (1, "below")},
                },
            ),
            Panel(
                {"xscale": "log", "xlabel": "step", "ylabel": "NLL, standard units (nats)"},
                {
                    "train": {"color": WRONG, "label": "training", "at": (0, "below")},
                    "test": {
                        "color": REPAIRED,
                        "linestyle": "--",
                        "label": "held out",
                        "at": (1, "above"),
                    },
                },
                stages={"xlim": ("train", STEPS), "ylim": ("test", ((-1, 4), (-1, 20), (-1, 350)))},
            ),
        ]

    def curves(self):
        column = self.column
        found = {
            "data": (self.trained[0][:, column], self.trained[1]),
            "held": (self.held_out[0][:, column], self.held_out[1]),
            "bars": verticals(self.held_out[0][:, column], *self.bars),
            "mean": (self.x, self.mu),
            "right": ((0, 1), (0, 1)),
            "covered": (self.levels.levels, self.levels.observed),
        }
        if self.inputs == 1:  # with more it would be that of one setting of the others
            found["band"] = self.x, *interval(self.mu, self.sigma)
        if self.losses:
            losses = list(enumerate(self.losses, start=1))
            trace = [pair for pair in self.trace if pair[0] <= len(losses)]
            for name, pairs in {"train": losses, "test": trace}.items():
                kept = np.unique(np.geomspace(1, len(pairs), 400).astype(int))
                found[name] = tuple(np.asarray(pairs)[kept - 1].T)
        return found

    def numbers(self):
        n = len(self.held_out[1])
        error = math.sqrt(0.95 * 0.05 / n)
        trained, held = (nll + self.unit for nll in self.nlls)
        rows = f"{n + len(self.trained[1]):,} rows"
        more = f", {self.inputs - 1} more at their means" if self.inputs > 1 else ""
        return {
            f"{rows} drawn of {self.of:,}" if self.of > MOST else rows: f"{self.shown_as}{more}",
            "NLL in the target's unit (nats)": f"training {trained:.2f}, held out {held:.2f}",
            f"{n} held-out rows in the 95 % interval": (
                f"{self.covered:.2f} ± {error:.2f}" if n >= FEWEST else "too few rows to say"
            ),
        }


def number_columns(table):
    """The columns of numbers; a ValueError if there are fewer than two."""
    found = table.select_dtypes("number")
    if found.shape[1] < 2:
        raise ValueError(f"expected two columns of numbers, got {list(found)} of {list(table)}")
    return found


def columns_of(table, target):
    """The inputs' names, x and y: rows with a target, inputs that vary; a ValueError if too few."""
    table = number_columns(table)
    table = table[table[target].notna()]
    if len(table) < FEWEST:
        raise ValueError(f"expected at least {FEWEST} rows with a {target!r}, got {len(table)}")
    for name, largest in table.abs().max().items():
        if largest > 1e100:
            raise ValueError(f"column {name!r} must be below 1e100, got {largest:g}")
    columns = Columns.of(table, target, [name for name in table if name != target])
    x, y = columns.x(table), columns.y(table)
    if (y == y[0]).all():
        raise ValueError(f"column {target!r} must vary to be a target, got {y[0].item():g} only")
    varies = (x != x[0]).any(dim=0)
    if not varies.any():
        raise ValueError("expected an input that varies, got constant columns only")
    kept = [name for name, kept in zip(columns.names, varies.tolist(), strict=True) if kept]
    return kept, x[:, varies], y
