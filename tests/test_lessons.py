"""What the lessons claim, on settings that are not in them."""

import ast
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from course_utils.data import DTYPE, WAVE, Problem, constant
from course_utils.losses import mean_nll
from course_utils.models import HeteroscedasticRegressor, mlp
from course_utils.training import fit
from tools.notebooks import cells, sources


def shown(number, *names):
    """Functions that a lesson defines and that nobody can import."""
    (source,) = (s for s in sources() if s.name.startswith(number))
    tree = ast.parse("\n".join(text for kind, text in cells(source) if kind == "code"))
    tree.body = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name in names]
    scope = {"torch": torch, "math": math, "np": np, "DTYPE": DTYPE}
    exec(compile(tree, source.name, "exec"), scope)
    return [scope[name] for name in names]


@pytest.mark.parametrize(
    ("m", "b", "sigma", "low", "high"),
    [(-1.1, 4, 0.5, -3, 3), (0.7, -2, 1.5, 0, 4), (5, 0, 3, -1, 2), (0.4, 9, 2, -5, 5)],
)
def test_the_closed_form_of_02_predicts_the_trained_slope(m, b, sigma, low, high):
    squared_error, wrong, shrinkage = shown(
        "02", "squared_error", "variance_of_predictions", "shrinkage"
    )
    x, y = Problem(lambda x: m * x + b, constant(sigma), low, high).sample(10_000, seed=11)
    x_standard = (x - x.mean()) / x.std()  # a far-off range trains slowly; the slope is rescaled
    torch.manual_seed(11)
    net = mlp(1, (20,), 1)
    fit(net, squared_error, x_standard, y, steps=60, lr=0.1, batch_size=500, anneal=True)
    fit(net, wrong, x_standard, y, steps=100, lr=0.03, batch_size=500, anneal=True)
    f = net(x_standard).detach()
    slope = (((x - x.mean()) * f).mean() / x.var(correction=0)).item()
    r = sigma**2 / (m**2 * (high - low) ** 2 / 12)
    assert slope == pytest.approx(m * shrinkage(r), rel=0.02)


def test_a_model_in_other_units_of_y_is_as_good():
    """The engineer's data come in units of their own: standardised, they fit like the lesson's."""
    problem = replace(WAVE, mean=lambda x: 100 * WAVE.mean(x), sigma=lambda x: 100 * WAVE.sigma(x))
    x, y = problem.sample(4_000, seed=0)
    torch.manual_seed(0)
    model = HeteroscedasticRegressor()
    y_standard = (y - y.mean()) / y.std()
    fit(model, mean_nll, x, y_standard, steps=200, lr=0.02, batch_size=500, anneal=True)
    nll = mean_nll(model, x, y_standard).item() + y.std().log().item()
    assert nll == pytest.approx(problem.noise_floor(), abs=0.03)
