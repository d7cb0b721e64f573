"""The claims' stored results belong to their recipes, and a rerun tells chance from change."""

import pytest

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
