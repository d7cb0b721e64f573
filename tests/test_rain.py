"""Coverage that rains: what the counter says, and what a browser's clock and buttons do to it."""

import math

import numpy as np
import pytest
import torch

from course_utils.data import WAVE
from course_utils.labs import Rain
from course_utils.metrics import coverage, interval

pytestmark = pytest.mark.usefixtures("quick_pictures")
X, Y = WAVE.sample(400, seed=1)
MEAN, SIGMA = WAVE.truth(X)
SIGMA = 0.7 * SIGMA  # too narrow a band


@pytest.fixture
def rain():
    rain = Rain(X, Y, *interval(MEAN, SIGMA))
    yield rain
    rain.close()


def play_to_the_end(rain):
    """The browser's clock; the numbers of points at each picture."""
    seen = [rain.fallen]
    rain.play()
    while rain.playing:
        rain.clock.value += 1
        seen.append(rain.fallen)
    return seen


def test_a_play_ends_at_the_coverage_and_begins_again(rain):
    shown = [button.description for button in rain.view.children[1].children[:3]]
    assert shown == ["Play", "Step", "Reset"]
    first = rain.image.value
    seen = play_to_the_end(rain)
    assert seen[0] == 50 and seen[-1] == 400 and (np.diff(seen) > 0).all()
    inside = coverage(Y, MEAN, SIGMA)
    assert rain.numbers()["share inside"].startswith(f"{inside:.3f}; ")
    assert rain.numbers()["outside"] == f"{400 - round(400 * inside)}"
    assert rain.image.value != first and not rain.failed and not rain.message
    rain.play()
    rain.clock.value += 1
    assert rain.fallen == 1 and rain.playing and not rain.failed
    rain.reset()
    assert not rain.playing and rain.fallen == 50
    assert rain.image.value == first


def test_each_step_is_a_point_and_each_point_is_on_its_side(rain):
    for n in range(51, 60):
        rain.step()
        curves = rain.curves()
        y, mean, sigma = (values[:n, 0].numpy() for values in (Y, MEAN, SIGMA))
        outside = abs(y - mean) > 1.96 * sigma
        assert sorted(curves["outside"][1]) == sorted(y[outside])
        assert sorted(curves["inside"][1]) == sorted(y[~outside])
        assert curves["falling"][1][0, 0] == y[-1]
        counted, shares = curves["share"]
        assert counted[-1] == n and shares[-1] == pytest.approx(1 - outside.mean())


def test_the_share_of_a_right_band_lies_in_the_funnel_in_95_of_100_cases(rain):
    n, low, high = (values[-1] for values in rain.curves()["funnel"])
    assert n == pytest.approx(400) and high - 0.95 == pytest.approx(0.95 - low)
    z = np.random.default_rng(0).standard_normal((4000, 400))
    shares = (abs(z) < 1.959964).mean(axis=1)
    held = ((low <= shares) & (shares <= high)).mean()
    assert held == pytest.approx(0.95, abs=0.02)


BAND = interval(MEAN, SIGMA)
REFUSED = {
    "at least 20 points, got 9": [values[:9] for values in (X, Y, *BAND)],
    "are the two swapped": [X, Y, *BAND[::-1]],
    r"\(399, 1\)": [X, Y[:-1], *BAND],
    "y": [X, Y * math.nan, *BAND],
}


@pytest.mark.parametrize(("words", "given"), REFUSED.items(), ids=REFUSED)
def test_what_is_no_band_is_refused(words, given):
    with pytest.raises(ValueError, match=words):
        Rain(*given)


def test_counts_on_the_edge_of_an_interval_lie_inside():
    whole = torch.arange(40).double()[:, None] % 4
    lab = Rain(whole, whole, 0 * whole, 0 * whole + 3)
    assert play_to_the_end(lab)[-1] == 40
    assert lab.numbers()["outside"] == "0"
    lab.close()
