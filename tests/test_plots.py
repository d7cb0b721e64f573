import base64
import itertools
from unittest.mock import Mock

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plots
from course_utils.data import WAVE


@pytest.fixture(autouse=True)
def off_screen(monkeypatch):
    matplotlib.use("Agg")
    with matplotlib.rc_context():
        yield
    plt.close("all")


def test_a_figure_is_shown_once_with_its_alt_text_and_closed(monkeypatch):
    display = Mock()
    monkeypatch.setattr("IPython.display.display", display)
    plots.use_course_style()
    fig, ax = plt.subplots(figsize=(5, 2))
    ax.set_title("a finding")
    plots.show(fig, alt="what it shows")
    ((data,), options) = display.call_args
    assert display.call_count == 1 and data["text/plain"] == "what it shows"
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert options["metadata"]["image/png"] == {"alt": "what it shows", "width": 480, "height": 192}
    assert not plt.fignum_exists(fig.number) and not fig.axes


def test_data_truth_and_fit_keep_their_colours():
    _, ax = plt.subplots()
    x, y = WAVE.sample(2000, seed=0)
    grid = WAVE.grid(50)
    mean, sigma = WAVE.truth(grid)
    plots.plot_data(ax, x, y, at_most=300)
    plots.plot_truth(ax, WAVE)
    plots.plot_fit(ax, grid, mean, sigma)
    points, band = ax.collections
    assert len(points.get_offsets()) == 300
    assert matplotlib.colors.to_hex(points.get_facecolor()[0]) == plots.DATA
    assert matplotlib.colors.to_hex(band.get_facecolor()[0]).upper() == plots.ALEATORIC
    ends = band.get_paths()[0].vertices[:, 1]
    assert ends.max() == pytest.approx((mean + 1.96 * sigma).max().item(), abs=1e-3)
    assert [line.get_color() for line in ax.lines] == [plots.TRUTH] * 3 + [plots.MEAN]


# On linear RGB. Of those who see no red or no green: Machado, Oliveira & Fernandes (2009).
VISIONS = {
    "normal": np.eye(3),
    "grey": 3 * [[0.2126, 0.7152, 0.0722]],
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
# What half of the people notice between marks of 0.1 degree, 4 px of a screen at arm's length,
# along L*, a* and b*: Stone, Szafir & Setlur (2014), p (A + B / s), measured from 1/3 degree up.
NOTICED = 0.5 * (np.array([10.16, 10.68, 10.70]) + np.array([1.50, 3.08, 5.74]) / 0.1)


def linear(rgb):
    rgb = np.asarray(rgb)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def cielab(rgb, vision):
    t = XYZ @ np.clip(VISIONS[vision] @ linear(rgb), 0, 1) / XYZ.sum(axis=1)
    x, y, z = np.where(t > (6 / 29) ** 3, np.cbrt(t), t * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_small_letters_have_the_contrast_that_wcag_asks_for():
    for color in ("#ffffff", plots.ALEATORIC, plots.EPISTEMIC):
        assert 1.05 / (0.05 + XYZ[1] @ linear(plots.readable(color))) == pytest.approx(4.5, abs=0.3)
    assert plots.readable(plots.TRUTH) == (0, 0, 0)


# Printed in grey, what stands side by side differs.
IN_GREY = [("MEAN", "ALEATORIC"), ("MEAN", "TRUTH"), ("WRONG", "TRUTH")]


@pytest.mark.parametrize("vision", VISIONS)
def test_the_colours_can_be_told_apart_by_who_sees_no_red_or_no_green(vision):
    """And from the grey of the data: dots through which half of the white is seen.

    Dots on dots are darker. Green is then told from them by its form alone, a line or a ring.
    """
    names = ("TRUTH", "MEAN", "ALEATORIC", "EPISTEMIC", "WRONG", "REPAIRED", "DATA")
    rgb = {name: np.array(matplotlib.colors.to_rgb(getattr(plots, name))) for name in names}
    rgb |= {"DATA": (rgb["DATA"] + 1) / 2, "dense DATA": rgb["DATA"]}
    seen = {name: cielab(colour, vision) for name, colour in rgb.items()}
    for one, other in IN_GREY if vision == "grey" else itertools.combinations(seen, 2):
        apart = np.linalg.norm((seen[one] - seen[other]) / NOTICED)
        assert apart >= 1 or {one, other} == {"REPAIRED", "dense DATA"}, (one, other, apart)
