"""Every public function, every kind of bad input: a ValueError of one sentence, in our words."""

import importlib
import inspect
import math
import pkgutil
import re
from functools import partial

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import course_utils
from course_utils import check, checks, guess, quiz
from course_utils.checks import guesses, measured
from course_utils.data import WAVE, Problem, constant
from course_utils.forecaster import Forecaster, restore
from course_utils.look import look, read
from course_utils.losses import beta_nll, gaussian_kl, gaussian_nll, mean_nll, negative_elbo
from course_utils.metrics import (
    calibration_curve,
    conformal_quantile,
    coverage,
    crps,
    interval,
    interval_score,
    paired_comparison,
    pit,
)
from course_utils.models import (
    BayesianLinear,
    BayesianRegressor,
    Ensemble,
    HeteroscedasticRegressor,
    HomoscedasticRegressor,
    Standardised,
    mlp,
)
from course_utils.plots import plot_data, plot_fit, plot_truth, show
from course_utils.report import report
from course_utils.training import fit, predict, predict_samples

matplotlib.use("Agg")
torch.manual_seed(0)

X, Y = WAVE.sample(6, seed=0)
ONE = torch.ones(6, 1, dtype=torch.float64)
TABLE_OF_TWO = pd.DataFrame({"x": X[:, 0], "y": Y[:, 0]})
REPORT = report(WAVE.sample(100, seed=0), steps=2).forecaster


class Array:
    """What numpy reads, as a column of pandas is read, without importing pandas."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


def put(row, value):
    """A column of ones with one other value."""
    column = ONE.clone()
    column[row] = value
    return column


# What nobody may pass where a column of numbers is expected.
BAD_ARRAYS = {
    "text": [["red"]] * 6,
    "one text": Array(np.array([1, 2, "red", 4, 5, 6], dtype=object)),
    "missing": Array(np.array([1, 2, None, 4, 5, 6], dtype=object)),
    "ragged": [[1.0], [2.0, 3.0]],
    "none": None,
    "a number": 1.0,
    "a set": {1.0, 2.0},
    "a dict": {"x": [1.0]},
    "dates": np.array(["2026-01-01"] * 6, dtype="datetime64[D]"),
    "complex": ONE.to(torch.complex128),
    "complex array": np.ones(6, dtype=complex),
    "bool": ONE.bool(),
    "sparse": ONE.to_sparse(),
    "meta": torch.ones(6, 1, device="meta"),
    "quantised": partial(torch.quantize_per_tensor, ONE.float(), 0.1, 0, torch.qint8),
    "masked": np.ma.array(np.ones(6), mask=[0, 0, 1, 0, 0, 0]),
    "masked tensor": partial(torch.masked.masked_tensor, ONE, ONE > 0),
    "scalar": torch.tensor(1.0),
    "three dimensions": torch.ones(6, 1, 1).double(),
    "empty": torch.ones(0, 1).double(),
    "no column": torch.ones(6, 0).double(),
    "other length": torch.ones(5, 1).double(),
    "row": torch.ones(1, 6).double(),
    "nan": put(2, math.nan),
    "infinity": put(2, math.inf),
}

# The losses are for those who train: they convert nothing. NaN goes through, into the result.
UNREADABLE_IN_LOSSES = {
    **{name: bad for name, bad in BAD_ARRAYS.items() if name not in ("nan", "infinity")},
    "array": ONE.numpy(),
    "list": ONE.tolist(),
    "float32": ONE.float(),
    "int": ONE.long(),
    "flat": ONE[:, 0],
}


def model_of(forward, n_out=2):
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = mlp(1, (), n_out)

        def forward(self, x):
            return forward(self.net(x))

    return Own()


BAD_MODELS = {
    "a class": HeteroscedasticRegressor,
    "none": None,
    "a number": 3,
    "data": X,
    "float32": HeteroscedasticRegressor().float(),
    "meta": HeteroscedasticRegressor().to("meta"),
    "two inputs": HeteroscedasticRegressor(n_in=2),
    "one tensor": mlp(1, (), 2),
    "three results": model_of(lambda out: (out, out, out)),
    "a dict": model_of(lambda out: {"mu": out}),
    "a distribution": model_of(lambda out: torch.distributions.Normal(out, out.exp())),
    "numbers": model_of(lambda out: (0.0, 0.0)),
    "flat": model_of(lambda out: (out[:, 0], out[:, 1])),
    "one log_var": model_of(lambda out: (out[:, :1], out[0, 1])),
}
BAD_NUMBERS = {"text": "1", "none": None, "nan": math.nan, "list": [1], "bool": True}
BAD_COUNTS = {**BAD_NUMBERS, "half": 1.5, "negative": -1, "infinity": math.inf}
BAD_SIZES = {
    "n_in": {**BAD_COUNTS, "zero": 0},
    "hidden": {"number": 50, "text": "50", "zero": (0,), "half": (1.5,), "none": None},
    "n_out": {**BAD_COUNTS, "zero": 0},
    "activation": {"a layer": nn.ReLU(), "a name": "relu", "none": None},
}


def sizes_of(kind):
    """The rows of a network's sizes."""
    return {name: (lambda v, name=name: kind(**{name: v}), bad) for name, bad in BAD_SIZES.items()}


BAD_LEVELS = {**BAD_NUMBERS, "percent": 95, "one": 1, "zero": 0}
BAD_SIGMAS = {**BAD_ARRAYS, "negative": put(2, -1.0)}
BAD_FUNCTIONS = {"none": None, "data": X, "text": "mean_nll"}
BAD_KEYS = {"none": None, "number": 3, "a list": ["03-1"]}
BAD_LESSONS = {**BAD_KEYS, "unknown": "99", "empty": "", "a path": "..", "word": "one"}
BAD_LOSSES = {
    **BAD_FUNCTIONS,
    "of PyTorch": nn.GaussianNLLLoss(),
    "a class": nn.MSELoss,
    "of y, mu, log_var, beta": lambda y, mu, log_var, beta: mu,
    "a number": lambda model, x, y: 1.0,
    "unreduced": lambda model, x, y: gaussian_nll(y, *model(x)),
    "cut": lambda model, x, y: mean_nll(model, x, y).detach(),
    "without the model": lambda model, x, y: torch.ones(1, requires_grad=True).sum(),
}


def wide(value):
    """Bad values for what is drawn: one column only."""
    return {**value, "two columns": torch.cat([ONE, ONE], dim=1)}


def trains(**changed):
    """fit with one argument changed; a fresh model each time."""
    given = {"model": HeteroscedasticRegressor(hidden=()), "loss": mean_nll, "x": X, "y": Y}
    return fit(**{**given, "steps": 2, **changed})


def axes():
    return plt.figure().add_subplot()


def other(bad, *names):
    return {name: value for name, value in bad.items() if name not in names}


# function -> {argument: (how it is called with a value in that place, the bad values)}
TABLE = {
    fit: {
        "model": (lambda v: trains(model=v), BAD_MODELS),
        "loss": (lambda v: trains(loss=v), BAD_LOSSES),
        "x": (lambda v: trains(x=v), BAD_ARRAYS),
        "y": (lambda v: trains(y=v), BAD_ARRAYS),
        "steps": (lambda v: trains(steps=v), {**BAD_COUNTS, "zero": 0}),
        "lr": (lambda v: trains(lr=v), {**BAD_NUMBERS, "zero": 0, "infinity": math.inf}),
        "batch_size": (lambda v: trains(batch_size=v), {**other(BAD_COUNTS, "none"), "zero": 0}),
        "seed": (lambda v: trains(seed=v), BAD_COUNTS),
        "held_out": (lambda v: trains(held_out=(X, v)), BAD_ARRAYS),
        "optimizer": (lambda v: trains(optimizer=v), BAD_FUNCTIONS),
    },
    predict: {
        "model": (lambda v: predict(v, X), {**BAD_MODELS, "that draws": BayesianRegressor()}),
        "x": (lambda v: predict(HeteroscedasticRegressor(), v), other(BAD_ARRAYS, "other length")),
    },
    predict_samples: {
        "model": (lambda v: predict_samples(v, X, 3), BAD_MODELS),
        "x": (
            lambda v: predict_samples(BayesianRegressor(), v, 3),
            other(BAD_ARRAYS, "other length"),
        ),
        "draws": (lambda v: predict_samples(BayesianRegressor(), X, v), {**BAD_COUNTS, "one": 1}),
        "dropout": (lambda v: predict_samples(BayesianRegressor(), X, dropout=v), {"none": True}),
    },
    mean_nll: {
        "model": (lambda v: mean_nll(v, X, Y), BAD_MODELS),
        "x": (
            lambda v: mean_nll(HeteroscedasticRegressor(), v, Y),
            other(UNREADABLE_IN_LOSSES, "sparse"),
        ),  # nn.Linear multiplies it rightly
        "y": (lambda v: mean_nll(HeteroscedasticRegressor(), X, v), UNREADABLE_IN_LOSSES),
    },
    negative_elbo: {
        "model": (lambda v: negative_elbo(v, X, Y, n=6), BAD_MODELS),
        "x": (
            lambda v: negative_elbo(BayesianRegressor(), v, Y, n=6),
            other(UNREADABLE_IN_LOSSES, "sparse"),
        ),
        "y": (lambda v: negative_elbo(BayesianRegressor(), X, v, n=6), UNREADABLE_IN_LOSSES),
        "n": (lambda v: negative_elbo(BayesianRegressor(), X, Y, n=v), {**BAD_COUNTS, "few": 5}),
    },
    gaussian_nll: {
        "y": (lambda v: gaussian_nll(v, Y, Y), UNREADABLE_IN_LOSSES),
        "mu": (lambda v: gaussian_nll(Y, v, Y), UNREADABLE_IN_LOSSES),
        "log_var": (lambda v: gaussian_nll(Y, Y, v), UNREADABLE_IN_LOSSES),
    },
    beta_nll: {
        "y": (lambda v: beta_nll(v, Y, Y), UNREADABLE_IN_LOSSES),
        "mu": (lambda v: beta_nll(Y, v, Y), UNREADABLE_IN_LOSSES),
        "log_var": (lambda v: beta_nll(Y, Y, v), UNREADABLE_IN_LOSSES),
        "beta": (lambda v: beta_nll(Y, Y, Y, v), {**BAD_NUMBERS, "negative": -1}),
    },
    gaussian_kl: {
        "mu": (lambda v: gaussian_kl(v, Y), UNREADABLE_IN_LOSSES),
        "log_var": (lambda v: gaussian_kl(Y, v), UNREADABLE_IN_LOSSES),
    },
    interval: {
        "mu": (lambda v: interval(v, ONE), BAD_ARRAYS),
        "sigma": (lambda v: interval(Y, v), BAD_SIGMAS),
        "level": (lambda v: interval(Y, ONE, v), BAD_LEVELS),
    },
    coverage: {
        "y": (lambda v: coverage(v, Y, ONE), BAD_ARRAYS),
        "mu": (lambda v: coverage(Y, v, ONE), BAD_ARRAYS),
        "sigma": (lambda v: coverage(Y, Y, v), BAD_SIGMAS),
        "level": (lambda v: coverage(Y, Y, ONE, v), BAD_LEVELS),
    },
    **{
        metric: {
            "y": (lambda v, metric=metric: metric(v, Y, ONE), BAD_ARRAYS),
            "mu": (lambda v, metric=metric: metric(Y, v, ONE), BAD_ARRAYS),
            "sigma": (lambda v, metric=metric: metric(Y, Y, v), {**BAD_SIGMAS, "zero": 0 * ONE}),
        }
        for metric in (pit, crps)
    },
    interval_score: {
        "y": (lambda v: interval_score(v, Y, Y), BAD_ARRAYS),
        "lower": (lambda v: interval_score(Y, v, Y), {**BAD_ARRAYS, "above": Y + put(2, 1.0)}),
        "upper": (lambda v: interval_score(Y, Y, v), {**BAD_ARRAYS, "below": Y - put(2, 1.0)}),
        "level": (lambda v: interval_score(Y, Y, Y, v), BAD_LEVELS),
    },
    calibration_curve: {
        "y": (lambda v: calibration_curve(v, Y, ONE), BAD_ARRAYS),
        "mu": (lambda v: calibration_curve(Y, v, ONE), BAD_ARRAYS),
        "sigma": (lambda v: calibration_curve(Y, Y, v), BAD_SIGMAS),
        "levels": (
            lambda v: calibration_curve(Y, Y, ONE, v),
            {**other(BAD_ARRAYS, "none"), "percent": [50, 95], "zero": [0, 0.5]},
        ),
        "confidence": (lambda v: calibration_curve(Y, Y, ONE, confidence=v), BAD_LEVELS),
    },
    conformal_quantile: {
        "scores": (conformal_quantile, wide(other(BAD_ARRAYS, "other length"))),
        "level": (lambda v: conformal_quantile(Y, v), BAD_LEVELS),
    },
    paired_comparison: {
        "a": (lambda v: paired_comparison(v, Y), wide(BAD_ARRAYS)),
        "b": (lambda v: paired_comparison(Y, v), wide(BAD_ARRAYS)),
        "one case": (lambda v: paired_comparison(v, v), {"one": ONE[:1]}),
        "test_to_train": (lambda v: paired_comparison(Y, Y, v), {**BAD_NUMBERS, "negative": -1}),
    },
    plot_data: {
        "ax": (lambda v: plot_data(v, X, Y), {"none": None, "figure": plt.Figure(), "data": X}),
        "x": (lambda v: plot_data(axes(), v, Y), wide(BAD_ARRAYS)),
        "y": (lambda v: plot_data(axes(), X, v), wide(BAD_ARRAYS)),
        "at_most": (lambda v: plot_data(axes(), X, Y, at_most=v), {**BAD_COUNTS, "zero": 0}),
    },
    plot_fit: {
        "ax": (lambda v: plot_fit(v, X, Y), {"none": None, "figure": plt.Figure(), "data": X}),
        "x": (lambda v: plot_fit(axes(), v, Y, ONE), wide(BAD_ARRAYS)),
        "mu": (lambda v: plot_fit(axes(), X, v, ONE), wide(BAD_ARRAYS)),
        "sigma": (lambda v: plot_fit(axes(), X, Y, v), other(wide(BAD_SIGMAS), "none")),
    },
    plot_truth: {
        "ax": (lambda v: plot_truth(v, WAVE), {"none": None, "figure": plt.Figure()}),
        "problem": (lambda v: plot_truth(axes(), v), {"none": None, "data": X}),
        "margin": (lambda v: plot_truth(axes(), WAVE, margin=v), BAD_NUMBERS),
    },
    show: {
        "fig": (lambda v: show(v, "alt text"), {"none": None, "axes": axes()}),
        "alt": (lambda v: show(plt.figure(), v), {"none": None, "empty": " ", "number": 3}),
    },
    Problem: {
        "mean": (lambda v: Problem(v, constant(1), 0, 1), {"none": None, "number": 3.0}),
        "sigma": (lambda v: Problem(constant(0), v, 0, 1), {"none": None, "number": 3.0}),
        "low": (lambda v: Problem(constant(0), constant(1), v, 2), {**BAD_NUMBERS, "above": 3}),
        "high": (lambda v: Problem(constant(0), constant(1), 2, v), {**BAD_NUMBERS, "below": 1}),
    },
    Problem.sample: {
        "n": (lambda v: WAVE.sample(v), {**BAD_COUNTS, "zero": 0}),
        "seed": (lambda v: WAVE.sample(3, seed=v), BAD_COUNTS),
        "mean": (
            lambda v: Problem(lambda x: v, constant(1), 0, 1).sample(6),
            other(BAD_ARRAYS, "masked tensor"),
        ),
        "sigma": (
            lambda v: Problem(constant(0), lambda x: v, 0, 1).sample(6),
            other(BAD_SIGMAS, "masked tensor"),
        ),
    },
    Problem.truth: {
        "x": (WAVE.truth, other(BAD_ARRAYS, "three dimensions", "other length", "row"))
    },
    Problem.grid: {
        "n": (lambda v: WAVE.grid(v), {**BAD_COUNTS, "zero": 0}),
        "margin": (lambda v: WAVE.grid(margin=v), BAD_NUMBERS),
    },
    constant: {"value": (constant, BAD_NUMBERS)},
    read: {
        "source": (
            read,
            {
                "none": None,
                "a number": 3,
                "data": X,
                "no file": "no/such.csv",
                "a web address": "https://x.org/a.csv",
                "a folder": ".",
                "no upload": (),
                "empty": b"",
                "two readings": b"a;b\n3.029;x\n1.111;y\n",
            },
        ),
        "options": (lambda v: read(b"a,b\n1,2\n", **v), {"unknown": {"no_such": 1}}),
    },
    look: {
        "table": (look, {"none": None, "a number": 3}),
        "target": (lambda v: look(TABLE_OF_TWO, v), {"unknown": "z"}),
    },
    report: {
        "source": (
            lambda v: report(v, "y"),
            {"none": None, "a number": 3, "no file": "no/such.csv", "six rows": TABLE_OF_TWO},
        ),
        "target": (lambda v: report(TABLE_OF_TWO, v), {"none": None, "unknown": "z"}),
        "inputs": (lambda v: report(TABLE_OF_TWO, "y", v), {"unknown": "z", "the target": "y"}),
        "groups": (lambda v: report(TABLE_OF_TWO, "y", groups=v), {"unknown": "z"}),
        "time": (lambda v: report(TABLE_OF_TWO, "y", time=v), {"unknown": "z"}),
        "level": (lambda v: report(TABLE_OF_TWO, "y", level=v), BAD_LEVELS),
        "seed": (lambda v: report(TABLE_OF_TWO, "y", seed=v), BAD_COUNTS),
        "steps": (
            lambda v: report(TABLE_OF_TWO, "y", steps=v),
            {**other(BAD_COUNTS, "none"), "zero": 0},
        ),
        "options": (lambda v: report(b"a,b\n1,2\n", "b", **v), {"unknown": {"no_such": 1}}),
    },
    Forecaster.predict: {"rows": (REPORT.predict, other(BAD_ARRAYS, "other length"))},
    Forecaster.interval: {
        "rows": (REPORT.interval, other(BAD_ARRAYS, "other length")),
        "level": (lambda v: REPORT.interval([[1.0]], v), other(BAD_LEVELS, "none")),
    },
    restore: {"path": (restore, {"none": None, "no file": "no/such.json", "a folder": "."})},
    mlp: {
        name: (lambda v, name=name: mlp(**{"n_in": 1, "hidden": (), "n_out": 1, name: v}), bad)
        for name, bad in BAD_SIZES.items()
    },
    HomoscedasticRegressor: sizes_of(HomoscedasticRegressor),
    HeteroscedasticRegressor: sizes_of(HeteroscedasticRegressor),
    BayesianRegressor: sizes_of(BayesianRegressor)
    | {
        "prior_sd": (lambda v: BayesianRegressor(prior_sd=v), {**BAD_NUMBERS, "zero": 0}),
        "init_sd": (lambda v: BayesianRegressor(init_sd=v), {**BAD_NUMBERS, "negative": -1}),
    },
    BayesianLinear: {
        "n_in": (lambda v: BayesianLinear(v, 1), BAD_SIZES["n_in"]),
        "n_out": (lambda v: BayesianLinear(1, v), BAD_SIZES["n_out"]),
        "prior_sd": (lambda v: BayesianLinear(1, 1, prior_sd=v), {**BAD_NUMBERS, "zero": 0}),
        "init_sd": (lambda v: BayesianLinear(1, 1, init_sd=v), {**BAD_NUMBERS, "negative": -1}),
    },
    Ensemble: sizes_of(Ensemble)
    | {
        "members": (lambda v: Ensemble(members=v), {**BAD_COUNTS, "zero": 0, "one": 1}),
        "x": (lambda v: predict(Ensemble(hidden=()), v), other(BAD_ARRAYS, "other length")),
        "x of mean_nll": (
            lambda v: mean_nll(Ensemble(hidden=()), v, Y),
            other(UNREADABLE_IN_LOSSES, "sparse", "row"),
        ),
        "y": (lambda v: mean_nll(Ensemble(hidden=()), X, v), UNREADABLE_IN_LOSSES),
    },
    Standardised: {
        "model": (lambda v: Standardised(v, X, Y), {"none": None, "a class": mlp}),
        "x": (lambda v: Standardised(HeteroscedasticRegressor(), v, Y), BAD_ARRAYS),
        "y": (lambda v: Standardised(HeteroscedasticRegressor(), X, v), BAD_ARRAYS),
        "new x": (
            lambda v: Standardised(HeteroscedasticRegressor(), X, Y)(v),
            {"two columns": torch.cat([ONE, ONE], dim=1)},
        ),
    },
}
TABLE |= {
    check: {"key": (lambda v: check(v, 1), {**BAD_LESSONS, "lesson": "03", "a path": "../1"})},
    quiz: {"number": (quiz, BAD_LESSONS)},
    guess: {"key": (lambda v: guess(v, 1), BAD_KEYS)},
    measured: {
        "key": (lambda v: measured(v, 1), BAD_KEYS),
        "what": (lambda v: measured("03-a", 1, v), BAD_KEYS),
    },
    guesses: {"lesson": (guesses, BAD_KEYS)},
}
CASES = [
    pytest.param(use, value, id=f"{function.__qualname__}-{argument}-{name}")
    for function, arguments in TABLE.items()
    for argument, (use, bad) in arguments.items()
    for name, value in bad.items()
]


@pytest.mark.filterwarnings("ignore:The PyTorch API of MaskedTensors:UserWarning")
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
@pytest.mark.parametrize(("use", "value"), CASES)
def test_a_bad_argument_is_refused_in_one_sentence_of_ours(use, value):
    if isinstance(value, partial):  # a masked tensor warns when it is made
        value = value()
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        use(value)
    plt.close("all")
    sentence = str(refused.value)
    last = refused.traceback[-1]
    assert "course_utils" in str(last.path), f"raised in {last.path}: {sentence}"
    assert len(sentence) < 350 and "\n" not in sentence and not re.search(r"[.] [A-Z]", sentence)
    assert re.search(r"expected|must|needs|takes|got|does|there are", sentence)


# Public but for those who write the course: no data of a stranger's goes in.
WITHIN = {
    "Diverged",
    "Remark",
    "History",
    "Heard",
    "one_thread",
    "minibatches",
    "use_course_style",
    "Bump",
    "layer_class",
    "loss_function",
    "count_or_none",
    "trainable",
    "held_out_data",
    "require_kl",
    "require_scalar",
    "without_gradient",
    "listen",
    "slope_of",
    "read_as",
    "is_pair",
    "cause",
    "after_training",
    "about_sigma",
    "about_kl",
    "jump",
    "drawing",
    "with_kl",
    "widths",
    "instance",
    "axes",
    "noise_floor",
    "CalibrationCurve",
    "PairedComparison",
    "motorcycle",
    "engel",
    "diabetes",
    "stacked_weights",
    "for_each_member",
    "split",
    "Report",
    "Look",
    "Columns",
    "Forecaster",
    "save",
    "table",
    "of",
    "x",
    "y",
    "numbers",
    "inputs",
    "names",
    "all_remarks",
    "gain",
    "gains",
    "few_rows",
    "world",
    "notes",
    "lines",
    "sentences",
    "no_claim",
    "alike",
    "summary",
    "title",
    "markdown",
    "alt",
    "figure",
}
# Whole modules of that kind; the labs and the lessons' answers have tests of their own.
MODULES_WITHIN = r"rivals|doors|draws|widgets|labs(\..*)?|checks\..*"
# Arguments that take anything (`...` is an answer, too), switches, and what only decorates.
ANYTHING = {
    fit: {"anneal", "keep_best"},
    plot_data: {"style"},
    plot_truth: {"band"},
    plot_fit: {"color", "band_color", "label"},
    check: {"answer"},
    guess: {"value"},
    measured: {"value"},
}


def public(module):
    """The functions and classes of a module, and the methods of its classes, by name."""
    for name, value in vars(module).items():
        ours = getattr(value, "__module__", "").startswith(module.__name__)
        if name.startswith("_") or not ours:
            continue
        if inspect.isfunction(value) or inspect.isclass(value):
            yield name, value
        if inspect.isclass(value) and not issubclass(value, nn.Module):
            yield from (
                (method, function)
                for method, function in vars(value).items()
                if inspect.isfunction(function) and not method.startswith("_")
            )


def all_public():
    names = [m.name for m in pkgutil.walk_packages(course_utils.__path__, "course_utils.")]
    assert len(names) > 20
    for name in names:
        if not re.fullmatch(rf"course_utils\.({MODULES_WITHIN})", name):
            module = importlib.import_module(name)
            exported = getattr(module, "__all__", None)
            yield from (
                (f"{name}.{part}", part, value)
                for part, value in public(module)
                if exported is None or value.__qualname__.split(".")[0] in exported
            )


def test_the_table_holds_every_public_function():
    found = list(all_public())
    authors = {name for name, value in vars(checks).items() if isinstance(value, type)}
    missing = [
        path
        for path, name, value in found
        if value not in TABLE
        and name not in WITHIN
        and value.__qualname__.split(".")[0] not in authors
    ]
    assert not missing, f"without rows in TABLE: {missing}"
    assert set(TABLE) <= {value for *_, value in found}


@pytest.mark.parametrize("function", TABLE, ids=lambda function: function.__qualname__)
def test_the_table_holds_every_argument(function):
    names = set(inspect.signature(function).parameters) - {"self"} - ANYTHING.get(function, set())
    assert names <= set(TABLE[function]), names - set(TABLE[function])


def test_a_new_function_or_argument_without_rows_would_be_noticed(monkeypatch):
    def new(y, sigma):
        return y

    new.__module__ = "course_utils.metrics"
    monkeypatch.setattr(course_utils.metrics, "new", new, raising=False)
    with pytest.raises(AssertionError, match=r"course_utils\.metrics\.new"):
        test_the_table_holds_every_public_function()
    monkeypatch.setitem(TABLE, new, {"y": ()})
    with pytest.raises(AssertionError, match="sigma"):
        test_the_table_holds_every_argument(new)


@pytest.mark.parametrize(
    "read",
    [
        lambda t: t.numpy(),
        lambda t: t[:, 0],
        lambda t: t.tolist(),
        lambda t: t[:, 0].tolist(),
        lambda t: Array(t[:, 0].numpy()),
        lambda t: Array(t.numpy().astype(object)),
        lambda t: t.numpy()[::-1][::-1],
        lambda t: t.numpy().astype(">f8"),
        lambda t: np.ma.array(t.numpy()),
        lambda t: t.clone().requires_grad_(),
        lambda t: list(t),
        lambda t: nn.Parameter(t),
    ],
)
def test_what_has_one_reading_is_read(read):
    model = HeteroscedasticRegressor()
    expected_mu, expected_sigma = predict(model, X)
    mu, sigma = predict(model, read(X))
    torch.testing.assert_close((mu, sigma), (expected_mu, expected_sigma))
    given = [read(value) for value in (Y, expected_mu, expected_sigma)]
    assert coverage(*given) == coverage(Y, mu, sigma)
    for metric in (crps, pit):
        torch.testing.assert_close(metric(*given).detach(), metric(Y, mu, sigma))
    plot_fit(axes(), *given)
    plt.close("all")


@pytest.mark.filterwarnings("ignore::course_utils.training.Remark")  # two steps do not arrive
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int64, torch.uint8])
def test_numbers_of_another_kind_are_read(dtype):
    x, y = torch.arange(6)[:, None].to(dtype), torch.arange(6).to(dtype)
    losses = []
    for given in ((x, y), (x.double(), y.double()[:, None])):
        torch.manual_seed(0)
        losses.append(trains(x=given[0], y=given[1]).loss)
    assert losses[0] == losses[1]
    lower, upper = interval(x, y)
    assert lower.dtype == upper.dtype == torch.float64 and lower.shape == (6, 1)


def test_a_sentence_says_what_to_type():
    for use, words in (
        (lambda: predict(HeteroscedasticRegressor().float(), X), "type model.double()"),
        (lambda: predict(HeteroscedasticRegressor(n_in=2), X), "takes x with 2 columns"),
        (lambda: predict(mlp(1, (), 2), X), "mu, log_var = out.chunk(2, dim=1)"),
        (lambda: predict(BayesianRegressor(), X), "predict_samples(model, x)"),
        (lambda: predict(HeteroscedasticRegressor().to("meta"), X), "type model.cpu()"),
        (lambda: coverage(Y, Y, ONE, 95), "type level=0.95"),
        (lambda: fit(BayesianRegressor(), mean_nll, X, Y), "type partial(negative_elbo, n=6)"),
        (lambda: plot_data(axes(), torch.cat([X, X], 1), Y), "type x[:, :1]"),
    ):
        with pytest.raises(ValueError, match=re.escape(words)):
            use()


def test_nan_goes_through_a_loss_into_its_result():
    assert gaussian_nll(put(2, math.nan), ONE, ONE)[:, 0].isnan().tolist() == [False] * 2 + [
        True,
        False,
        False,
        False,
    ]
