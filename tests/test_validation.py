"""What may come in: each argument that has a check is given all that the check refuses."""

import importlib
import inspect
import math
import pkgutil
import re
from functools import cache, partial

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import course_utils
from course_utils.data import LINE, WAVE, Problem, constant
from course_utils.forecaster import restore
from course_utils.look import look, read
from course_utils.losses import beta_nll, gaussian_kl, gaussian_nll, mean_nll, negative_elbo
from course_utils.metrics import calibration_curve, coverage, crps, interval, interval_score, pit
from course_utils.models import (
    BayesianRegressor,
    Ensemble,
    HeteroscedasticRegressor,
    Standardised,
    mlp,
)
from course_utils.plots import plot_data, plot_fit, show
from course_utils.report import report
from course_utils.training import fit, predict, predict_samples
from course_utils.validation import array, validated

matplotlib.use("Agg")
X, Y = WAVE.sample(6, seed=0)
ONE = torch.ones(6, 1, dtype=torch.float64)
TWO = torch.cat([ONE, ONE], dim=1)
HOLE = torch.tensor([[0.0], [math.nan], [1.0], [math.inf], [2.0], [3.0]])
TABLE = pd.DataFrame(dict(zip("xy", torch.cat(WAVE.sample(60, seed=0), dim=1).T.numpy())))
MODEL, BAYESIAN, ENSEMBLE = HeteroscedasticRegressor(), BayesianRegressor(), Ensemble(members=2)


# What each check refuses, where a column of six is expected.
NO_NUMBERS = ("1", None, math.nan, math.inf, [1], True)
NO_ARRAYS = (
    *(None, 1.0, {1.0, 2.0}, [["red"]] * 6, [[1.0], [2.0, 3.0]], [1, 2, None, 4, 5, 6]),
    *(np.array(["2026-01-01"] * 6, dtype="datetime64[D]"), ONE.to(torch.complex128)),
    *(np.ma.array(np.ones(6), mask=[0, 0, 1, 0, 0, 0]), torch.tensor(1.0), ONE[..., None]),
    *(ONE[:0], ONE[:, :0], ONE / torch.arange(6)[:, None], HOLE, TensorDataset(X, Y)),
)
REFUSED = {
    "number": NO_NUMBERS,
    "array": NO_ARRAYS,
    "column": (*NO_ARRAYS, TWO),
    "sigmas": (*NO_ARRAYS, -ONE),
    "positive_sigmas": (*NO_ARRAYS, -ONE, 0 * ONE),
    "network": (None, 3, HeteroscedasticRegressor, nn.ParameterList([torch.ones(1)])),
}
OUTSIDE = {  # of the bounds
    **dict.fromkeys(("steps", "batch_size", "seed", "draws", "n", "at_most", "members"), (-1, 0.5)),
    **dict.fromkeys(("lr", "prior_sd", "init_sd"), (0,)),
    **dict.fromkeys(("beta", "test_to_train"), (-1,)),
    **dict.fromkeys(("level", "confidence"), (0, 1, 95)),
}
# Arguments with which every function works: one name has one meaning.
GOOD = {
    **{"model": MODEL, "loss": mean_nll, "x": X, "y": Y, "steps": 2, "lr": 0.01, "batch_size": 3},
    **{"seed": 0, "draws": 2, "n": 6, "beta": 0.5, "margin": 0.1, "at_most": 3, "members": 2},
    **{"mu": Y, "log_var": Y, "sigma": ONE, "level": 0.9, "confidence": 0.9, "levels": [0.5]},
    **{"lower": Y, "upper": Y, "q": Y, "scores": Y, "a": Y, "b": ONE, "test_to_train": 0.0},
    **{"source": TABLE, "target": "y", "rows": TABLE},
    **{"n_in": 1, "n_out": 1, "prior_sd": 1.0, "init_sd": 0.1},
}
OTHERS = {name: {"model": BAYESIAN} for name in ("predict_samples", "negative_elbo")}
OTHERS["report"] = dict.fromkeys(("mu", "sigma", "lower", "upper"))  # there, columns of a forecast
# What fit and Standardised look at together, after they are called.
TOGETHER = {name: {"x": array, "y": array} for name in ("fit", "Standardised.__init__")}


@cache
def forecaster():
    return report(TABLE, "y", steps=2).forecaster


def one_good_call(function):
    """Arguments by name with which a function works; ``self`` too, for a method."""
    name, _, method = function.__qualname__.partition(".")
    good = GOOD | {"ax": plt.gca()} | OTHERS.get(name, {})
    if method:
        home = importlib.import_module(function.__module__)
        selves = {"Problem": lambda: WAVE, "Forecaster": forecaster}
        good["self"] = selves.get(name, lambda: nn.Module.__new__(getattr(home, name)))()
    return {name: good[name] for name in inspect.signature(function).parameters if name in good}


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
    checks = function.checks | TOGETHER.get(function.__qualname__, {})
    assert names.keys() & checks.keys() <= good.keys()
    columns = [name for name in checks if isinstance(good.get(name), torch.Tensor)]
    for name in checks.keys() & names:
        of_one_row = [good[name][:1]] if name in columns and len(columns) > 1 else []
        kind = checks[name].__qualname__.partition(".")[0]
        for bad in [*REFUSED[kind], *OUTSIDE.get(name, ()), *of_one_row]:
            if bad is None and names[name].default is None:
                continue
            with pytest.raises(ValueError, match=rf"{name}|expected") as refused:
                function(**good | {name: bad})
            assert "course_utils" in str(refused.traceback[-1].path)
            assert len(str(refused.value)) < 350
    plt.close("all")


@pytest.mark.parametrize(
    ("use", "bad"),
    [
        (read, [None, 3, X, "no/such.csv", "https://x.org/a.csv", ".", (), b""]),
        (lambda v: read(b"a,b\n1,2\n", **v), [{"no_such": 1}]),
        (look, [None, 3]),
        (lambda v: look(TABLE, v), ["z"]),
        (lambda v: report(v, "y"), [None, 3, "no/such.csv", TABLE[:6]]),
        (lambda v: report(TABLE, v), [None, "z"]),
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


class Flat(HeteroscedasticRegressor):
    """A model of a stranger's that loses a dimension."""

    def forward(self, x):
        return tuple(value.squeeze(1) for value in super().forward(x))


def noisy(x):
    return x + 1e-3 * torch.randn_like(x), torch.zeros_like(x)


ON_TWO = Standardised(HeteroscedasticRegressor(n_in=2), TWO * X, Y)
TRAINED = partial(fit, MODEL, mean_nll, X, Y)
SENTENCES = {
    # to type
    "model.to('cpu', torch.float64)": lambda: predict(HeteroscedasticRegressor().float(), X),
    "model.to('cpu', ": lambda: predict(nn.BatchNorm1d(1, affine=False), X),
    "mu, log_var = out.chunk(2, dim=1)": lambda: predict(mlp(1, (), 2), X),
    "both (6, 'k')": lambda: predict(Flat(), X),
    "both (6, 'k'), got a tuple of 3": lambda: predict(lambda x: (x, x, x), X),
    "type level=0.95": lambda: coverage(Y, Y, ONE, 95),
    "type y[:, :1]": lambda: coverage(TWO, TWO, TWO),
    "type x[:, :1]": lambda: plot_data(plt.gca(), TWO, Y),
    # draws
    "= predict_samples(model, x)": lambda: predict(BayesianRegressor(init_sd=1e-9), X),
    "predict_samples(model, x)": lambda: predict(noisy, X),
    "predict_samples(model, x, dropout=True)": lambda: predict_samples(MODEL, X),
    "draws >= 2": lambda: predict_samples(BAYESIAN, X, draws=1),
    # the KL
    "type partial(negative_elbo, n=6)": lambda: fit(BAYESIAN, mean_nll, X, Y, batch_size=3),
    "got n=3: type": lambda: fit(BAYESIAN, partial(negative_elbo, n=3), X, Y, batch_size=3),
    "got n=7: type": lambda: fit(BAYESIAN, partial(negative_elbo, n=7), X, Y),
    "at least the 6 points given; got n=3": lambda: negative_elbo(BAYESIAN, X, Y, n=3),
    # data
    "(6, 1) and (1, 6)": lambda: fit(MODEL, mean_nll, X, Y.T),
    "y must be finite, got nan in row 1 (2 of 6 rows)": lambda: fit(MODEL, mean_nll, X, HOLE),
    "held_out x must be finite": lambda: TRAINED(held_out=(HOLE, Y)),
    "held_out y (n, k)": lambda: TRAINED(held_out=(X, Y[:4])),
    "a pair, got a float64 Tensor": lambda: TRAINED(held_out=TWO),
    "one pair, report((x, y))": lambda: report(X, Y),
    "expected held_out=(x, y)": lambda: TRAINED(keep_best=True),
    "be negative, got -3 in row 0 (6 of 6 rows): is it log σ²": lambda: coverage(Y, Y, ONE - 4),
    "sigma must be > 0, got 0 in row 0": lambda: crps(Y, Y, 0 * ONE),
    "levels must lie between 0 and 1": lambda: calibration_curve(Y, Y, ONE, [0.5, 1]),
    "are the two swapped?": lambda: interval_score(Y, ONE, 0 * ONE),
    # shapes
    "mu a float64 Tensor of shape (6,)": lambda: fit(Flat(), mean_nll, X, Y),
    "float64 Tensor of shape (2, 6, 1)": lambda: predict(lambda x: ENSEMBLE(x), X),
    "training_x a float64 Tensor of shape (1, 2)": lambda: predict(ON_TWO, X),
    "training_y a float64 Tensor of shape (1, 2)": lambda: predict(Standardised(MODEL, X, TWO), X),
    "number of networks >= 2, got 1": lambda: predict([MODEL], X),
    # problems, figures
    "low < high": lambda: Problem(constant(0), constant(1), low=1, high=1),
    "finite low": lambda: Problem(constant(0), constant(1), low=0, high=math.inf),
    "n >= 1, got 0": lambda: LINE.sample(0),
    "mean a float": lambda: Problem(lambda x: x[:, 0], constant(1), 0, 1),
    "sigma 0.5": lambda: Problem(constant(0), lambda x: 0.5, 0, 1),
    "sigma(x) must not be negative": lambda: Problem(constant(0), constant(-1), 0, 1),
    "expected alt text": lambda: show(plt.gcf(), alt=" "),
}


@pytest.mark.parametrize("words", SENTENCES)
def test_a_sentence_says_what_was_expected_what_came_and_what_to_type(words):
    with pytest.raises(ValueError, match=re.escape(words)):
        SENTENCES[words]()


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
        lambda: gaussian_kl(ONE.long(), ONE.long()),
        lambda: mean_nll(MODEL, ONE, bad),
        lambda: mean_nll(ENSEMBLE, ONE, bad),
        lambda: negative_elbo(BAYESIAN, ONE, bad, n=6),
    ):
        with pytest.raises(ValueError, match=r"expected float64 tensors of one shape \(n, d\)"):
            use()


def test_nan_goes_through_a_loss_into_its_result():
    assert gaussian_nll(HOLE.double(), ONE, ONE).isnan().flatten().tolist() == [
        i == 1 for i in range(6)
    ]


@pytest.mark.parametrize(
    "read",
    [
        lambda t: t[:, 0],
        lambda t: list(t),
        lambda t: pd.Series(t[:, 0]),
        lambda t: t.numpy().astype(object),
        lambda t: t.numpy()[::-1].copy()[::-1],
        lambda t: t.numpy().astype(">f8"),
        lambda t: np.ma.array(t.numpy()),
        lambda t: t.clone().requires_grad_(),
        torch.Tensor.half,
        torch.Tensor.bool,
    ],
)
def test_what_has_one_reading_is_read_as_float64(read):
    bits = torch.arange(6.0, dtype=torch.float64)[:, None] % 2
    torch.testing.assert_close(predict(MODEL, read(bits)), predict(MODEL, bits))
    given, expected = (map(how, (bits, 1 - bits, ONE)) for how in (read, lambda t: t))
    given, expected = list(given), list(expected)
    assert coverage(*given) == coverage(*expected)
    for metric in (crps, pit):
        torch.testing.assert_close(metric(*given).detach(), metric(*expected))
    plot_fit(plt.gca(), *given)
    losses = []
    for x, y in (given[:2], expected[:2]):
        torch.manual_seed(0)
        losses.append(fit(HeteroscedasticRegressor(), mean_nll, x, y, steps=2).loss)
    assert losses[0] == losses[1]


def test_an_argument_is_examined_once_where_it_enters(monkeypatch):
    seen = []
    for function in (interval, coverage, calibration_curve):
        for name in function.checks:
            spy = lambda name, value: seen.append(name) or value  # noqa: E731
            monkeypatch.setitem(function.checks, name, spy)
    calibration_curve(Y, Y, ONE)
    assert sorted(seen) == ["mu", "sigma", "y"]
