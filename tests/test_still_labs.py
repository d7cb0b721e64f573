"""What a page without a kernel shows of a lab is what the lab shows, to the stored precision."""

import importlib.util
import json
import random
import re
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from course_utils.labs import LABS
from tests.test_labs import short

ROOT = Path(__file__).parents[1]


def load(name, file):
    spec = importlib.util.spec_from_file_location(name, ROOT / "site" / file)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


still = load("labs", "labs.py")  # which rain.py imports
fallen = load("still_rain", "rain.py")
pytestmark = pytest.mark.usefixtures("quick_pictures")


def unpacked(code):
    """The numbers of a curve's string, read as ``packed`` says and as labs.js does."""
    numbers, number, shift = [], 0, 0
    for digit in code[1:]:
        five = still.DIGITS.index(digit)
        number, shift = number | (five & 31) << shift, shift + 5
        if five < 32:
            numbers.append(-(number >> 1) if number & 1 else number >> 1)
            number = shift = 0
    for _ in range(int(code[0])):
        numbers = np.cumsum(numbers)
    return np.asarray(numbers)


class Page:
    """What a page knows of a lab."""

    def __init__(self, content):
        content = json.loads(json.dumps(content))
        self.styles = content.pop("curves")
        self.__dict__.update(content)

    def frame(self, kind, places):
        table, row = self.tables[kind], 0
        for i in table["over"]:
            row = row * len(self.sliders[i]["stops"]) + places[i]
        return self.frames[table["frames"][row]]

    def curves(self, frame):
        """Each curve's arrays in units of its axes; absent ones are left out."""
        rows = zip(self.styles, frame[3:], strict=True)
        return {c["name"]: [unpacked(self.codes[i]) for i in codes] for c, codes in rows if codes}


def two_stops(lab):
    """Of each slider its default and one of the other stops that are published."""
    stops = {}
    for i, (name, values) in enumerate(still.choose_stops(lab).items()):
        at = lab.controls[name].value
        far = values[-1] if at == values[0] or (i % 2 and at != values[-1]) else values[0]
        stops[name] = [value for value in values if value in (at, far)]
    return stops


@cache
def exported(key):
    """The lab, two stops for each of its sliders, and what a page gets of them."""
    lab = short(key)
    stops = two_stops(lab)
    with still.undrawn(lab):
        return lab, stops, Page(still.encoded(lab, stops))


@pytest.fixture(params=sorted(LABS))
def both(request):
    """The live lab, its stops, and the page."""
    lab, stops, page = exported(request.param)
    with still.undrawn(lab):
        yield lab, stops, page


def units(lab, name, arrays):
    """The curve in units of its axes, not rounded: what lies far outside is brought nearer."""
    ax = lab.picture.artists[name].axes
    for axis, values in zip((ax.xaxis, ax.yaxis, ax.yaxis), arrays):
        low, high = axis.get_view_interval()
        values = np.asarray(values, dtype=float).ravel()
        if axis.get_scale() == "log":
            with np.errstate(divide="ignore"):
                low, high, values = np.log(low), np.log(high), np.log(values)
        yield np.clip(still.UNITS * (values - low) / (high - low), -still.BEYOND, still.BEYOND)


def test_random_settings_are_the_live_lab(both):
    lab, stops, page = both
    rng = random.Random(0)
    for kind in [*page.tables] * 2:
        places = [rng.randrange(len(slider["stops"])) for slider in page.sliders]
        values = {name: stops[name][place] for name, place in zip(stops, places, strict=True)}
        if kind == "trained" and not page.tables[kind]["over"]:
            values = {}  # no slider trains: only the beginning is trained
        # A lab that always trains has one table: where it diverges, that of the path of training.
        trained = page.tables[kind] == page.tables["trained"]
        still.place(lab, values, trained=trained)
        frame = page.frame(kind, places)
        assert page.texts[frame[0]] == still.in_words(lab.numbers())
        assert page.texts[frame[1]] == lab.message
        shown, live = page.curves(frame), lab.curves()
        lab.picture.stand_at(lab.picture.stages_for(live))
        assert page.views[frame[2]] == json.loads(json.dumps(still.panels(lab)[0]))
        assert shown.keys() == live.keys()
        for name, arrays in shown.items():
            for mine, its in zip(arrays, units(lab, name, live[name]), strict=True):
                gaps = np.isnan(its)
                assert ((mine == still.MISSING) == gaps).all()
                assert np.abs(mine - its)[~gaps].max(initial=0) <= 0.5 + 1e-6


def test_the_page_starts_where_the_lab_does_and_says_what_it_lacks(both):
    lab, _, page = both
    lab.reset()
    frame = page.frame("trained", [slider["at"] for slider in page.sliders])
    assert page.texts[frame[0]] == still.in_words(lab.numbers())
    assert page.tables["trained"]["over"] in ([], list(range(len(page.sliders))))
    for slider, control in zip(page.sliders, lab.controls.values(), strict=True):
        assert slider["label"] == control.description
        assert len(slider["stops"]) == len(set(slider["stops"])) >= 2
    lacks = "Only in the notebook: “Your CSV”, “target”." in page.note
    assert lacks == hasattr(lab, "upload")


def test_axes_and_colours_are_those_of_the_panels(both):
    lab, _, page = both
    pairs = [pair for view in page.views for pair in zip(view, lab.panels(), strict=True)]
    for shown, panel in pairs:
        for axis, name in ((shown["x"], "x"), (shown["y"], "y")):
            assert axis["label"] == panel.axes[f"{name}label"]
            _, stages = panel.stages.get(f"{name}lim", ("", (panel.axes[f"{name}lim"],)))
            assert (axis["low"], axis["high"]) in stages
            assert axis["log"] == (panel.axes.get(f"{name}scale") == "log")
            assert len(axis["ticks"]) >= 2
            assert not re.search(r"[\\$]", "".join(text for _, text in axis["ticks"]))
    styles = {name: style for panel in lab.panels() for name, style in panel.curves.items()}
    assert [curve["name"] for curve in page.styles] == list(styles)
    for curve in page.styles:
        style = styles[curve["name"]]
        assert curve["color"] == style.get("color", style.get("facecolor")).lower()
        assert curve["label"] == style.get("label", "")


def test_a_lab_as_published_has_at_most_300_settings(both):
    lab, _, _ = both
    lab.reset()
    stops = still.choose_stops(lab)
    assert 30 <= np.prod([len(values) for values in stops.values()]) <= 300
    for name, values in stops.items():
        assert lab.controls[name].value in values
        assert len(values) >= 3 or still.Track(lab.controls[name]).fixed


@pytest.mark.parametrize(
    "numbers", [[0], [5, 5, 5], [-1, 2**20, -(2**15)], list(range(0, 4000, 7)), [0, -31, 31, 32]]
)
def test_packed_numbers_come_back(numbers):
    assert unpacked(still.packed(np.array(numbers))).tolist() == numbers


def test_a_smooth_curve_costs_about_a_letter_a_point():
    curve = np.round(2000 + 1500 * np.sin(np.linspace(0, 6, 200))).astype(int)
    assert len(still.packed(curve)) < 210


@pytest.mark.parametrize(("both", "over"), [("00", [0]), ("09", [0, 1, 2])], indirect=["both"])
def test_a_refit_does_not_depend_on_the_learning_rate_but_lab_09_trains_always(both, over):
    _, _, page = both
    assert page.tables["refitted"]["over"] == over
    assert (page.tables["refitted"] == page.tables["trained"]) == (len(over) > 1)


def test_a_file_is_made_once_and_again_if_something_has_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(still, "encoded", lambda lab, stops: stops)
    assert still.export("01", tmp_path, 6)
    first = (tmp_path / "01.js").read_bytes()
    assert not still.export("01", tmp_path, 6)
    assert still.export("01", tmp_path, 8)
    assert (tmp_path / "01.js").read_bytes() != first
    assert still.export("01", tmp_path, 6)
    assert (tmp_path / "01.js").read_bytes() == first


def test_the_key_of_a_lab_covers_what_it_imports():
    names = {path.name for path in still.sources(LABS["05"])}
    assert {"lesson_05.py", "kinds.py", "fitting.py", "lab.py", "panels.py", "picture.py"} <= names
    assert {"models.py", "losses.py", "data.py", "training.py"} <= names
    assert not {"lesson_07.py", "lesson_10.py"} & names


def test_another_marker_is_refused_and_not_drawn_wrong():
    [crosses] = Figure().subplots().plot([], marker="x")
    with pytest.raises(ValueError, match=r"expected the marker .* got 'x'"):
        still.style("data", crosses)


LESSON = """
# %%
import torch
from course_utils.labs import Rain

x = torch.arange(30.0, dtype=torch.float64)[:, None]

# %%
y = torch.where(x < 5, 2.0, 0.5)
Rain(x, y, 0 * x, 1 + 0 * x)

# %%
raise RuntimeError("is not run")
"""


def test_the_rain_of_a_page_is_that_of_the_lesson(tmp_path):
    path = tmp_path / "99_lesson.py"
    path.write_text(LESSON)
    rain = fallen.shown(path)
    content = fallen.encoded(rain)
    points = content["rain"]
    assert points["inside"] == "0" * 5 + "1" * 25
    assert unpacked(points["x"]).tolist() == np.round(np.arange(30) / 29 * still.UNITS).tolist()
    low, high = rain.picture.artists["share"].axes.get_ylim()
    share = low + unpacked(points["share"]) / still.UNITS * (high - low)
    expected = np.r_[np.zeros(5), np.arange(1, 26)] / np.arange(1, 31)
    assert np.abs(share - expected)[points["least"] - 1 :].max() < 1e-3
    frame = dict(zip([curve["name"] for curve in content["curves"]], content["frame"], strict=True))
    assert [name for name, codes in frame.items() if not codes] == [*fallen.MOVING]
    _, lower, upper = (unpacked(content["codes"][code]) for code in frame["band"])
    assert set(lower) | set(upper) == set(
        still.to_units([0.0, 1.0], rain.picture.artists["band"].axes.yaxis)
    )
    rain.close()
    path.write_text(LESSON.replace("Rain(x", "print(x"))
    with pytest.raises(RuntimeError, match="is not run"):
        fallen.shown(path)
