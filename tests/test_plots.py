import base64

import matplotlib
import matplotlib.pyplot as plt
import pytest

from course_utils import plots
from course_utils.data import WAVE


@pytest.fixture(autouse=True)
def off_screen(monkeypatch):
    matplotlib.use("Agg")
    with matplotlib.rc_context():
        yield
    plt.close("all")


@pytest.fixture
def shown(monkeypatch):
    calls = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, **options: calls.append((data, options))
    )
    return calls


def test_a_figure_is_shown_once_with_its_alt_text_and_closed(shown):
    plots.use_course_style()
    fig, ax = plt.subplots(figsize=(5, 2))
    ax.set_title("a finding")
    plots.show(fig, alt="what it shows")
    ((data, options),) = shown
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert data["text/plain"] == "what it shows"
    assert options["metadata"]["image/png"] == {"alt": "what it shows", "width": 480, "height": 192}
    assert not plt.fignum_exists(fig.number) and not fig.axes


def test_a_figure_without_alt_text_is_refused(shown):
    with pytest.raises(ValueError, match="alt text"):
        plots.show(plt.figure(), alt="  ")
    assert shown == []


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
    assert [line.get_color() for line in ax.lines] == [plots.TRUTH] * 3 + [plots.MEAN]


def test_the_band_is_the_95_percent_interval():
    _, ax = plt.subplots()
    grid = WAVE.grid(3)
    mean, sigma = WAVE.truth(grid)
    plots.plot_fit(ax, grid, mean, sigma)
    (band,) = ax.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx((mean + 1.96 * sigma).max().item(), abs=1e-3)


def test_the_colours_can_be_told_apart_in_grey():
    """Printed, or seen without colour: neighbours in a figure differ in lightness."""

    def lightness(colour):
        red, green, blue = matplotlib.colors.to_rgb(colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert abs(lightness(plots.MEAN) - lightness(plots.ALEATORIC)) > 0.2
    assert abs(lightness(plots.MEAN) - lightness(plots.TRUTH)) > 0.2
    assert abs(lightness(plots.WRONG) - lightness(plots.TRUTH)) > 0.2
