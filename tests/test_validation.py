"""What may come in: each argument that has a check is given all that the check refuses."""

import importlib
import inspect
import math
import pkgutil
import re

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import course_utils
from course_utils.data import WAVE
from course_utils.forecaster import restore
from course_utils.look import look, read
from course_utils.losses import beta_nll, gaussian_kl, gaussian_nll, mean_nll, negative_elbo
from course_utils.metrics import calibration_curve, coverage, crps, interval, pit
from course_utils.models import (
    BayesianLinear,
    BayesianRegressor,
    Ensemble,
    HeteroscedasticRegressor,
    Standardised,
    mlp,
)
from course_utils.plots import plot_data, plot_fit
from course_utils.report import report
from course_utils.training import fit, predict
from course_utils.validation import validated

matplotlib.use("Agg")
X, Y = WAVE.sample(6, seed=0)
ONE = torch.ones(6, 1, dtype=torch.float64)
TABLE = pd.DataFrame(dict(zip("xy", torch.cat(WAVE.sample(60, seed=0), dim=1).T.numpy())))


# What each check refuses, where a column of six is expected.
NO_NUMBERS = ("1", None, math.nan, math.inf, [1], True)
NO_ARRAYS = (
    *(None, 1.0, {1.0, 2.0}, [["red"]] * 6, [[1.0], [2.0, 3.0]], [1, 2, None, 4, 5, 6]),
    *(np.array(["2026-01-01"] * 6, dtype="datetime64[D]"), ONE.to(torch.complex128)),
    *(np.ma.array(np.ones(6), mask=[0, 0, 1, 0, 0, 0]), torch.tensor(1.0), ONE[..., None]),
    *(ONE[:0], ONE[:, :0], ONE / torch.arange(6)[:, None], ONE * math.nan, TensorDataset(X, Y)),
)
REFUSED = {
    "integer": (*NO_NUMBERS, -1, 0.5),
    "number": NO_NUMBERS,
    "probability": (*NO_NUMBERS, 0, 1, 95),
    "array": NO_ARRAYS,
    "column": (*NO_ARRAYS, torch.cat([ONE, ONE], dim=1)),
    "sigmas": (*NO_ARRAYS, -ONE),
    "positive_sigmas": (*NO_ARRAYS, -ONE, 0 * ONE),
    "network": (None, 3, HeteroscedasticRegressor, nn.ParameterList([torch.ones(1)])),
}


def one_good_call(function):
    """Arguments by name with which a function works; ``self`` first, for a method."""
    torch.manual_seed(0)
    model, drawing, axes = HeteroscedasticRegressor(), BayesianRegressor(), plt.gca()
    data, judged = {"x": X, "y": Y}, {"y": Y, "mu": Y, "sigma": ONE}
    weights = {"prior_sd": 1.0, "init_sd": 0.1}
    return {
        "fit": {
            **{"model": model, "loss": mean_nll, "x": X, "y": Y},
            **{"steps": 2, "lr": 0.01, "batch_size": 3, "seed": 0},
        },
        "predict": {"model": model, "x": X},
        "predict_samples": {"model": drawing, "x": X, "draws": 2},
        "negative_elbo": {"model": drawing, "x": X, "y": Y, "n": 6},
        "beta_nll": {"y": Y, "mu": Y, "log_var": Y, "beta": 0.5},
        "interval": {"mu": Y, "sigma": ONE, "level": 0.9},
        "coverage": judged | {"level": 0.9},
        "pit": judged,
        "crps": judged,
        "interval_score": {"y": Y, "lower": Y, "upper": Y, "level": 0.9},
        "calibration_curve": judged | {"levels": [0.5], "confidence": 0.9},
        "pinball": {"y": Y, "q": Y, "level": 0.9},
        "conformal_quantile": {"scores": Y, "level": 0.5},
        "paired_comparison": {"a": Y, "b": ONE, "test_to_train": 0.0},
        "plot_data": {"ax": axes, "x": X, "y": Y, "at_most": 3},
        "plot_fit": {"ax": axes, "x": X, "mu": Y, "sigma": ONE},
        "report": {"source": TABLE, "target": "y", "level": 0.9, "seed": 0, "steps": 2},
        "Forecaster.interval": {
            "self": report(TABLE, "y", steps=2).forecaster,
            "rows": TABLE,
            "level": 0.9,
        },
        "Problem.sample": {"self": WAVE, "n": 3, "seed": 0},
        "Problem.grid": {"self": WAVE, "n": 3, "margin": 0.1},
        "BayesianLinear.__init__": {"self": BayesianLinear(1, 1), "n_in": 1, "n_out": 1, **weights},
        "BayesianRegressor.__init__": {"self": drawing, **weights},
        "Ensemble.__init__": {"self": Ensemble(), "members": 2},
        "Standardised.__init__": {"self": Standardised(model, X, Y), "model": model, **data},
    }[function.__qualname__]


def validated_functions():
    """The functions and methods with checks, of all modules but those that check nothing."""
    for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
        if not module.name.startswith(("course_utils.labs", "course_utils.regressor")):
            for owner in (module := importlib.import_module(module.name), *vars(module).values()):
                if owner is module or inspect.isclass(owner):
                    for value in vars(owner).values():
                        if value.__class__ is type(validated) and hasattr(value, "checks"):
                            yield value


FUNCTIONS = {f.__qualname__: f for f in validated_functions()}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_function_takes_what_is_good_and_refuses_what_its_checks_refuse(function):
    names = inspect.signature(function).parameters
    good = one_good_call(function)
    function(**good)
    assert names.keys() & function.checks.keys() <= good.keys()
    for name in function.checks.keys() & names:
        for bad in REFUSED[function.checks[name].__qualname__.partition(".")[0]]:
            if bad is None and names[name].default is None:
                continue
            with pytest.raises(ValueError, match=rf"{name}|expected") as refused:
                function(**good | {name: bad})
            assert "course_utils" in str(refused.traceback[-1].path)
            assert len(str(refused.value)) < 350
    plt.close("all")


@pytest.mark.parametrize("bad", NO_ARRAYS, ids=range(len(NO_ARRAYS)))
@pytest.mark.parametrize("name", ["x", "y", "held_out"])
def test_data_that_cannot_be_read_are_refused_where_they_enter(name, bad):
    good = {"x": X, "y": Y, "held_out": (X, Y)}
    bad = (X, bad) if name == "held_out" else bad
    with pytest.raises(ValueError, match=f"{name}|expected"):
        fit(HeteroscedasticRegressor(), mean_nll, steps=1, **good | {name: bad})
    if name != "held_out":
        with pytest.raises(ValueError, match=f"{name}|expected"):
            Standardised(HeteroscedasticRegressor(), **{"x": X, "y": Y} | {name: bad})


@pytest.mark.parametrize(
    ("use", "bad"),
    [
        (read, [None, 3, X, "no/such.csv", "https://x.org/a.csv", ".", (), b""]),
        (read, [b"a;b\n3.029;x\n1.111;y\n"]),
        (lambda v: read(b"a,b\n1,2\n", **v), [{"no_such": 1}]),
        (look, [None, 3]),
        (lambda v: look(TABLE, v), ["z"]),
        (lambda v: report(v, "y"), [None, 3, "no/such.csv", TABLE[:6]]),
        (lambda v: report(TABLE, v), [None, "z"]),
        (lambda v: report(TABLE, "y", v), ["z", "y"]),
        (lambda v: report(TABLE, "y", groups=v), ["z"]),
        (lambda v: report(TABLE, "y", time=v), ["z"]),
        (restore, [None, "no/such.json", "."]),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_our_words(use, bad):
    for value in bad:
        with pytest.raises(ValueError, match=r"expected|must|got|has|names|two") as refused:
            use(value)
        assert "course_utils" in str(refused.traceback[-1].path)


SHAPES = [ONE[:, 0], ONE[:5], ONE.T, ONE.float(), ONE.long(), ONE.numpy(), 1.0, None]


@pytest.mark.parametrize("bad", SHAPES, ids=range(len(SHAPES)))
def test_a_loss_converts_nothing_and_refuses_what_would_be_stretched(bad):
    for use in (
        lambda: gaussian_nll(bad, ONE, ONE),
        lambda: gaussian_nll(ONE, bad, ONE),
        lambda: gaussian_nll(ONE, ONE, bad),
        lambda: beta_nll(ONE, bad, ONE),
        lambda: gaussian_kl(ONE, bad),
        lambda: gaussian_kl(ONE[0], ONE[0]),
        lambda: mean_nll(HeteroscedasticRegressor(), ONE, bad),
        lambda: mean_nll(Ensemble(), ONE, bad),
        lambda: negative_elbo(BayesianRegressor(), ONE, bad, n=6),
    ):
        with pytest.raises(ValueError, match=r"expected float64 tensors of one shape \(n, d\)"):
            use()


def test_nan_goes_through_a_loss_into_its_result():
    y = ONE / torch.tensor([[1.0, 1, torch.nan, 1, 1, 1]]).T
    assert gaussian_nll(y, ONE, ONE).isnan().flatten().tolist() == [i == 2 for i in range(6)]


class Column:
    """What numpy reads, as a column of pandas is read, without importing pandas."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


@pytest.mark.parametrize(
    "read",
    [
        lambda t: t.numpy(),
        lambda t: t[:, 0],
        lambda t: t.tolist(),
        lambda t: list(t),
        lambda t: Column(t[:, 0].numpy()),
        lambda t: t.numpy().astype(object),
        lambda t: t.numpy()[::-1][::-1],
        lambda t: t.numpy().astype(">f8"),
        lambda t: np.ma.array(t.numpy()),
        lambda t: t.clone().requires_grad_(),
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
    plot_fit(plt.figure().gca(), *given)
    plt.close("all")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int64, torch.bool])
def test_numbers_of_another_kind_are_read(dtype):
    x, y = torch.arange(6)[:, None].to(dtype), torch.arange(6).to(dtype)
    losses = []
    for given in ((x, y), (x.double(), y.double()[:, None])):
        torch.manual_seed(0)
        losses.append(fit(HeteroscedasticRegressor(), mean_nll, *given, steps=2).loss)
    assert losses[0] == losses[1]
    lower, upper = interval(x, y)
    assert lower.dtype == upper.dtype == torch.float64 and lower.shape == (6, 1)


def test_an_argument_is_examined_once_where_it_enters(monkeypatch):
    seen = []
    for function in (interval, coverage, calibration_curve):
        for name in function.checks:
            spy = lambda name, value: seen.append(name) or value  # noqa: E731
            monkeypatch.setitem(function.checks, name, spy)
    calibration_curve(Y, Y, ONE)
    assert sorted(seen) == ["mu", "sigma", "y"]


def test_a_sentence_says_what_to_type():
    for use, words in (
        (lambda: predict(HeteroscedasticRegressor().float(), X), "model.to('cpu', torch.float64)"),
        (lambda: predict(HeteroscedasticRegressor().to("meta"), X), "model.to('cpu', "),
        (lambda: predict(mlp(1, (), 2), X), "mu, log_var = out.chunk(2, dim=1)"),
        (lambda: predict(lambda x: (x[:, 0], x[:, 0]), X), "mu and log_var, both (6, 'k')"),
        (lambda: predict(BayesianRegressor(), X), "predict_samples(model, x)"),
        (lambda: coverage(Y, Y, ONE, 95), "type level=0.95"),
        (lambda: coverage(*[torch.cat([ONE, ONE], 1)] * 3), "type y[:, :1]"),
        (lambda: fit(BayesianRegressor(), mean_nll, X, Y), "type partial(negative_elbo, n=6)"),
        (lambda: plot_data(plt.figure().gca(), torch.cat([X, X], 1), Y), "type x[:, :1]"),
    ):
        with pytest.raises(ValueError, match=re.escape(words)):
            use()
