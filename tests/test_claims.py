"""The claims' stored results belong to their recipes, and a rerun tells chance from change."""

import math

import pytest
import torch

from course_utils.losses import gaussian_kl, gaussian_nll
from tests.claims import lesson_07
from tests.claims.run import differ, module, names, recipes, stored
from tests.claims.shown import line, squares


@pytest.mark.parametrize("name", names())
def test_what_is_stored_is_of_these_recipes_and_claims(name):
    here, result = module(name), stored(name)
    assert {choice: tuple(values) for choice, values in result["choices"].items()} == here.CHOICES
    assert result["claims"].keys() == here.CLAIMS.keys()
    for counts in result["claims"].values():
        assert len(counts) == len(recipes(here.CHOICES))
        assert all(0 <= k <= n for k, n in counts)
        # A claim may speak of some of its runs only: "a line that goes up ends …".
        assert sum(n for _, n in counts) >= 10 * len(counts)


CHOICES = {"steps": (10, 20), "lr": (0.1, 0.2, 0.3), "width": (4, 8)}


def test_a_claim_s_line_names_where_it_fails_and_what_decides():
    by_lr = {0.1: 20, 0.2: 15, 0.3: 5}
    counts = [[by_lr[recipe["lr"]], 20] for recipe in recipes(CHOICES)]
    counts[4] = [2, 20]  # steps 10, lr 0.3, width 4
    assert line(CHOICES, counts) == (
        "*Holds 157 of 240. Fails: most often at steps 10, lr 0.3, width 4 (holds 2 of 20). "
        "Most decisive: lr (from 21 % at 0.3 to 100 % at 0.1).*"
    )
    assert squares(CHOICES, counts) == "steps 10  ■■ □□ ××\nsteps 20  ■■ □□ ××"
    assert line(CHOICES, [[20, 20]] * 12) == "*Holds 240 of 240. Fails: nowhere.*"


def test_only_what_is_beyond_chance_differs():
    old = [[18, 20]] * 10
    assert not differ(old, old)
    assert not differ([[20, 20], *old[1:]], old)
    assert differ([[5, 20], *old[1:]], old)  # one recipe
    assert differ([[14, 20]] * 10, old)  # each a little


def test_the_gradients_written_out_for_lesson_07_are_autograd_s():
    torch.manual_seed(0)
    S, n, prior = lesson_07.SEEDS, 7, 2.0
    x1, y = lesson_07.with_ones(torch.randn(S, n, 1).double()), torch.randn(S, n, 1).double()
    sizes = (S, 2, lesson_07.UNITS), (S, lesson_07.UNITS + 1, 2)
    mus, log_vars, eps = ([torch.randn(size).double() for size in sizes] for _ in range(3))
    trained = [p.requires_grad_() for p in (*mus, *log_vars)]
    layers = [mu + torch.exp(v / 2) * e for mu, v, e in zip(mus, log_vars, eps)]
    mu, log_var = lesson_07.run(x1, *layers)[2].flatten(0, 1).split(1, dim=-1)
    loss = gaussian_nll(y.flatten(0, 1), mu, log_var).sum()
    for mu, v in zip(mus, log_vars):
        loss = loss + gaussian_kl(mu.flatten(1) / prior, v.flatten(1) - 2 * math.log(prior)).sum()
    (loss / n).backward()
    with torch.no_grad():
        share, count = torch.full_like(y, 1 / n), torch.tensor(float(n), dtype=y.dtype)
        found = lesson_07.gradients(x1, y, share, count, mus, log_vars, eps, prior)
    for p, g in zip(trained, found):
        torch.testing.assert_close(g, p.grad)
