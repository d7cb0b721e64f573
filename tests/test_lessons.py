"""What the lessons claim, on settings that are not in them."""

import ast
import math

import numpy as np
import pytest
import torch

from course_utils.data import DTYPE, Problem, constant
from course_utils.models import mlp
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
