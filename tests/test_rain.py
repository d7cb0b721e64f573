"""Coverage that rains: what the counter says, and what a browser's clock and buttons do to it."""

import math

import numpy as np
import pytest
import torch

from course_utils.data import WAVE
from course_utils.labs import Rain
from course_utils.metrics import coverage, interval


def points(n=400, factor=1.0):
    x, y = WAVE.sample(n, seed=1)
    mean, sigma = WAVE.truth(x)
    return x, y, mean, factor * sigma


@pytest.fixture
def rain():
    made = []

    def make(n=400, factor=1.0):
        x, y, mean, sigma = points(n, factor)
        made.append(Rain(x, y, *interval(mean, sigma)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def play_to_the_end(rain):
    """The browser's clock; the numbers of points at each picture."""
    seen = [rain.fallen]
    rain.play()
    while rain.playing:
        rain.clock.value += 1
        seen.append(rain.fallen)
    return seen


def test_a_play_ends_at_the_coverage_and_begins_again(rain):
    lab = rain(factor=0.7)
    first = lab.image.value
    seen = play_to_the_end(lab)
    assert seen[0] == 50 and seen[-1] == 400 and (np.diff(seen) > 0).all()
    _, y, mean, sigma = points(factor=0.7)
    assert lab.numbers()["share inside"].startswith(f"{coverage(y, mean, sigma):.3f}; ")
    assert lab.numbers()["outside"] == f"{400 - round(400 * coverage(y, mean, sigma))}"
    assert lab.image.value != first and not lab.failed and not lab.message
    lab.play()
    lab.clock.value += 1
    assert lab.fallen == 1 and lab.playing and not lab.failed
    lab.reset()
    assert not lab.playing and lab.fallen == 50
    assert lab.image.value == first


def test_each_step_is_a_point_and_each_point_is_on_its_side(rain):
    lab = rain()
    for n in range(51, 60):
        lab.step()
        curves = lab.curves()
        _, y, mean, sigma = (values[:n, 0].numpy() for values in points())
        outside = abs(y - mean) > 1.96 * sigma
        assert sorted(curves["outside"][1]) == sorted(y[outside])
        assert sorted(curves["inside"][1]) == sorted(y[~outside])
        assert curves["falling"][1][0, 0] == y[-1]
        counted, shares = curves["share"]
        assert counted[-1] == n and shares[-1] == pytest.approx(1 - outside.mean())


def test_the_share_of_a_right_band_lies_in_the_funnel_in_95_of_100_cases(rain):
    lab = rain(200)
    n, low, high = (values[-1] for values in lab.curves()["funnel"])
    assert n == pytest.approx(200) and high - 0.95 == pytest.approx(0.95 - low)
    z = np.random.default_rng(0).standard_normal((4000, 200))
    shares = (abs(z) < 1.959964).mean(axis=1)
    held = ((low <= shares) & (shares <= high)).mean()
    assert held == pytest.approx(0.95, abs=0.02)


def test_a_page_without_a_kernel_gets_its_first_picture_and_text(rain):
    lab = rain()
    data, metadata = lab._repr_mimebundle_()
    assert data["text/plain"] == metadata["image/png"]["alt"] == lab.alt
    assert lab.alt.startswith("Lab: 400 new points") and "95 %" in lab.alt
    assert len(data["image/png"]) < 80_000
    assert [b.description for b in lab.view.children[1].children[:3]] == ["Play", "Step", "Reset"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, y, low, high: (x[:9], y[:9], low[:9], high[:9]), "at least 20 points, got 9"),
        (lambda x, y, low, high: (x, y, high, low), "are the two swapped"),
        (lambda x, y, low, high: (x, y[:-1], low, high), r"\(399, 1\)"),
        (lambda x, y, low, high: (x, y * math.nan, low, high), "y"),
    ],
)
def test_what_is_no_band_is_refused(change, words):
    x, y, mean, sigma = points()
    with pytest.raises(ValueError, match=words):
        Rain(*change(x, y, *interval(mean, sigma)))


def test_counts_on_the_edge_of_an_interval_lie_inside():
    whole = torch.arange(40).double()[:, None] % 4
    lab = Rain(whole, whole, 0 * whole, 0 * whole + 3)
    assert play_to_the_end(lab)[-1] == 40
    assert lab.numbers()["outside"] == "0"
    lab.close()
