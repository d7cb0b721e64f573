"""Labs for a page without a kernel: what each shows, computed beforehand over a grid of settings.

``python site/labs.py OUTDIR [NN ...]`` writes OUTDIR/NN.js for each lab, about 100 kB. A browser
draws it with ``_static/labs.js`` in every ``<div class="lab" data-lab="NN">`` of a page; OUTDIR is
the folder ``labs`` beside that script. A file whose lab has not changed since is left as it is.

A lab can be in two states at the same sliders. A slider in ``Lab.retrains`` trains from the first
weights; another one refits. So there are two tables, and which one a page reads is decided by the
slider that moved last, as in the notebook. ``place`` is the path of slides to each entry.

Coordinates are whole numbers: 0 at the lower end of the axis, ``UNITS`` at the upper, linear in
what the axis is linear in. Each curve is a string of differences (see ``packed``); equal strings
are kept once. Numbers, messages and labels are the lab's own text. A row of ``frames`` names two
texts, one of the few ``views`` (axes whose limits follow the curves), and each curve's strings.
"""

import ast
import hashlib
import itertools
import json
import math
import re
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import ipywidgets as widgets
import matplotlib
import numpy as np
import torch
from matplotlib.cbook import STEP_LOOKUP_MAP
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex

from course_utils.labs import LABS, Lab
from course_utils.labs.page import tree

UNITS = 4096  # from end to end of an axis: a twelfth of a pixel in a panel of 340
BEYOND = 8 * UNITS  # what lies further outside is drawn here
MISSING = 2**20
MOST_STOPS = 11
SETTINGS, MANY_SETTINGS = 125, 300  # if each is trained; if none is, or with many sliders
MANY_CURVES, SETTINGS_OF_MANY = 20, 200  # else the file of an ensemble would have 400 kB
SPACINGS = [a * 10**k for k in range(6) for a in (1, 2, 4, 5)]
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
SUPERSCRIPT = str.maketrans("-−0123456789", "⁻⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
POINTS_TO_PX = 96 / 72


# The grid


class Track:
    """A slider's positions 0 … ``last``, and the spacing of the stops that are kept."""

    def __init__(self, control: widgets.Widget):
        self.control, self.spacing = control, 1
        self.options = list(getattr(control, "options", ()))
        self.fixed = any(isinstance(option, str) for option in self.options)  # words: keep them all
        if self.options:
            self.last, self.default = len(self.options) - 1, self.options.index(control.value)
        else:
            at = control.value
            if isinstance(control, widgets.FloatLogSlider):
                at = math.log(at, control.base)
            self.last = round((control.max - control.min) / control.step)
            self.default = (at - control.min) / control.step

    def positions(self) -> list[float]:
        """The default, steps of ``spacing`` to both sides, and the two ends."""
        gap, last = self.spacing, self.last
        steps = range(-math.ceil(self.default / gap), math.ceil((last - self.default) / gap) + 1)
        found = [self.default + gap * i for i in steps]
        kept = [at for at in found if gap / 2 <= at <= last - gap / 2]
        return sorted({0, *kept, last} | {self.default})

    def coarser(self) -> None:
        self.spacing = next(spacing for spacing in SPACINGS if spacing > self.spacing)

    def value(self, at: float):
        control = self.control
        if self.options:
            return self.options[round(at)]
        if at == self.default:
            return control.value
        if isinstance(control, widgets.FloatLogSlider):
            return control.base ** round(control.min + at * control.step, 9)
        return type(control.value)(round(control.min + at * control.step, 9))

    def text(self, value) -> str:
        if self.options:
            return value if isinstance(value, str) else f"{value:,}"
        text = format(value, self.control.readout_format)
        return (f"{float(text):,.0f}" if "e+" in text else text).replace("-", "−")


def choose_stops(lab: Lab, settings: int | None = None) -> dict[str, list]:
    """The values of each slider, so that there are at most about so many settings in all."""
    tracks = {name: Track(control) for name, control in lab.controls.items()}
    if settings is None:
        many = len(tracks) > 3 or lab.train_steps == 0
        settings = MANY_SETTINGS if many else SETTINGS
        if len(lab.picture.artists) > MANY_CURVES:
            settings = min(settings, SETTINGS_OF_MANY)

    def count(track):
        return len(track.positions())

    for track in tracks.values():
        while not track.fixed and count(track) > MOST_STOPS:
            track.coarser()
    while math.prod(map(count, tracks.values())) > settings:
        loose = [t for t in tracks.values() if not t.fixed and t.spacing < t.last]
        if not loose:
            break
        max(loose, key=count).coarser()
    return {name: [t.value(at) for at in t.positions()] for name, t in tracks.items()}


# The states


def place(lab: Lab, values: dict, *, trained: bool) -> None:
    """The path of slides to a setting: afresh, and the sliders of one kind after the others.

    ``trained``: those that train come last, else those that refit do; of the others only those
    move that have to. The learning rate comes after all else that trains: the weights that refits
    start from are those of its default, and where it diverges, the fit shown is the setting's own.
    """
    lab.reset()
    begun = vars(lab.value)
    refits = {name: value for name, value in values.items() if name not in lab.retrains}
    rate = {name: values[name] for name in values.keys() & {"lr"}}
    others = {name: values[name] for name in values if name not in refits and name not in rate}
    *first, last = (refits, others, rate) if trained else (others, rate, refits)
    for slides in first:
        moved = {name: value for name, value in slides.items() if value != begun[name]}
        if moved:
            lab.set(**moved)
    if last:
        lab.set(**last)


def look(lab: Lab) -> dict:
    """All that is shown now."""
    if lab.failed:
        raise RuntimeError(f"{type(lab).__name__} at {vars(lab.value)}: {lab.message}")
    curves = {
        name: tuple(np.asarray(values, dtype=float).ravel() for values in arrays)
        for name, arrays in lab.curves().items()
    }
    return {"curves": curves, "numbers": in_words(lab.numbers()), "message": lab.message}


def in_words(numbers: dict[str, str]) -> str:
    return " · ".join(f"{name}: {value}" for name, value in numbers.items())


def same(one: dict, other: dict) -> bool:
    words = one["numbers"] == other["numbers"] and one["message"] == other["message"]
    mine, its = one["curves"], other["curves"]
    return (
        words
        and mine.keys() == its.keys()
        and all(
            np.array_equal(a, b, equal_nan=True)
            for name in mine
            for a, b in zip(mine[name], its[name], strict=True)
        )
    )


class Tables:
    """The settings of both tables, and what the lab shows at each, in order."""

    def __init__(self, lab: Lab, stops: dict[str, list]):
        self.lab, self.stops = lab, stops
        trains = [name for name in stops if name in lab.retrains]
        refits = [name for name in stops if name not in lab.retrains]
        self.over = {"trained": list(stops) if trains else []}
        self.frames = {"trained": self.trained()}
        if refits:
            kept = [name for name in trains if not self.refit_forgets(name, refits)]
            self.over["refitted"] = [name for name in stops if name in kept + refits]
            if trains and kept == trains and self.refit_is_training():
                self.over["refitted"] = self.over["trained"]
                self.frames["refitted"] = self.frames["trained"]
            else:
                self.frames["refitted"] = self.refitted(kept, refits)

    def settings(self, names: list[str]) -> list[dict]:
        product = itertools.product(*(self.stops[name] for name in names))
        return [dict(zip(names, values, strict=True)) for values in product]

    def seen(self, values: dict, *, trained: bool) -> dict:
        place(self.lab, values, trained=trained)
        return look(self.lab)

    def trained(self) -> list[dict]:
        """Training forgets what was before: one slide is enough, unless it diverges."""
        found = []
        self.lab.reset()
        for values in self.settings(self.over["trained"]):
            if values:
                self.lab.set(**values)
            diverged = self.lab.message != ""  # shown is the last finite fit: that of the path
            found.append(self.seen(values, trained=True) if diverged else look(self.lab))
        return found

    def refitted(self, kept: list[str], refits: list[str]) -> list[dict]:
        found = {}
        for trains in self.settings(kept):
            place(self.lab, trains, trained=True)
            for values in self.settings(refits):
                self.lab.set(**values)
                frame = look(self.lab)
                if self.lab.message:
                    frame = self.seen(trains | values, trained=False)
                    place(self.lab, trains, trained=True)
                found[key_of(trains | values)] = frame
        return [found[key_of(values)] for values in self.settings(self.over["refitted"])]

    def refit_forgets(self, name: str, refits: list[str]) -> bool:
        """Whether a refit forgets where the slider stands, as the learning rate, tried at three."""
        elsewhere = {name: self.stops[name][0] for name in refits}
        stops = self.stops[name]
        tried = {stops[0], stops[len(stops) // 2], stops[-1]}
        at = [self.seen({name: value} | elsewhere, trained=False) for value in sorted(tried)]
        return all(same(frame, at[0]) for frame in at)

    def refit_is_training(self) -> bool:
        """Whether the lab trains from the first weights whatever slider moves, tried at three.

        Not where it diverges: there the fit before is shown, which is that of the path.
        """
        pairs = zip(self.settings(self.over["trained"]), self.frames["trained"], strict=True)
        sound = [(values, frame) for values, frame in pairs if not frame["message"]]
        tried = (sound[0], sound[len(sound) // 2], sound[-1])
        return all(same(self.seen(values, trained=False), frame) for values, frame in tried)


def key_of(values: dict) -> tuple:
    return tuple(sorted(values.items()))


# What is drawn


def panels(lab: Lab) -> tuple[list[dict], list[dict]]:
    """The axes and the styles of the curves, read from the lab's own picture."""
    artists = lab.picture.artists
    axes = list(dict.fromkeys(artist.axes for artist in artists.values()))
    axes.sort(key=lambda ax: ax.get_position().x0)
    columns = [
        {
            "x": axis(ax.xaxis),
            "y": axis(ax.yaxis),
            "width": round(ax.get_subplotspec().get_gridspec().get_width_ratios()[i], 2),
        }
        for i, ax in enumerate(axes)
    ]
    return columns, [
        style(name, artist) | {"panel": axes.index(artist.axes)} for name, artist in artists.items()
    ]


def axis(axis) -> dict:
    low, high = axis.get_view_interval()
    places = axis.get_majorticklocs()
    texts = axis.get_major_formatter().format_ticks(places)
    ends = to_units(np.array([low, high]), axis)
    units = to_units(places, axis)
    ticks = [
        [int(at), plain(text)]
        for at, text in zip(units, texts, strict=True)
        if ends[0] - 1 <= at <= ends[1] + 1
    ]
    return {
        "label": axis.get_label_text(),
        "low": float(low),
        "high": float(high),
        "log": axis.get_scale() == "log",
        "ticks": ticks,
    }


def plain(text: str) -> str:
    """A tick's label without TeX: 10⁻² for $\\mathdefault{10^{-2}}$."""
    text = re.sub(r"\$\\mathdefault\{(.*)\}\$", r"\1", text)
    text = re.sub(r"\^\{([^}]*)\}", lambda power: power[1].translate(SUPERSCRIPT), text)
    if "$" in text or "\\" in text:
        raise ValueError(f"expected a tick's label of digits and powers, got {text!r}")
    return text


def style(name: str, artist) -> dict:
    label = artist.get_label()
    found = {"name": name, "label": "" if label.startswith("_") else label}
    if isinstance(artist, PolyCollection):
        *_, alpha = artist.get_facecolor()[0]
        return found | {
            "kind": "band",
            "color": to_hex(artist.get_facecolor()[0]),
            "alpha": round(alpha, 3),
        }
    found |= {
        "kind": "line",
        "color": to_hex(artist.get_color()),
        "alpha": 1 if artist.get_alpha() is None else artist.get_alpha(),
    }
    width, dashes = artist.get_linewidth(), artist.get_linestyle()
    if dashes not in ("None", "", " "):
        patterns = {"-": (), "--": "dashed", ":": "dotted", "-.": "dashdot"}
        if dashes not in patterns:
            raise ValueError(f"{name}: expected a line style among - -- : -., got {dashes!r}")
        pattern = patterns[dashes] and matplotlib.rcParams[f"lines.{patterns[dashes]}_pattern"]
        found["line"] = round(width * POINTS_TO_PX, 2)
        found["dash"] = [round(length * width * POINTS_TO_PX, 2) for length in pattern]
    marker = artist.get_marker()
    if marker not in ("None", "", " ", None):
        if marker == "X":
            return found | {"cross": round(artist.get_markersize() * POINTS_TO_PX, 2)}
        if marker not in ("o", "."):
            raise ValueError(f"{name}: expected the marker 'o', '.' or 'X', got {marker!r}")
        size = artist.get_markersize() / (2 if marker == "." else 1)
        if artist.get_markerfacecolor() == "none":
            found["ring"] = round((size - artist.get_markeredgewidth()) * POINTS_TO_PX, 2)
        found["marker"] = round((size + artist.get_markeredgewidth()) * POINTS_TO_PX, 2)
    return found


# From numbers to text


def to_units(values: np.ndarray, axis) -> np.ndarray:
    """Whole units of 1/``UNITS`` of the axis; ``MISSING`` where there is no number."""
    ends = np.array(axis.get_view_interval(), dtype=float)
    if axis.get_scale() == "log":
        with np.errstate(divide="ignore", invalid="ignore"):
            values, ends = np.log10(np.asarray(values, dtype=float)), np.log10(ends)
    elif axis.get_scale() != "linear":
        raise ValueError(f"expected a linear or log axis, got {axis.get_scale()}")
    low, high = ends
    with np.errstate(invalid="ignore"):
        units = np.clip(np.round((values - low) / (high - low) * UNITS), -BEYOND, BEYOND)
    return np.where(np.isnan(units), MISSING, units).astype(int)


def packed(units: np.ndarray) -> str:
    """Whole numbers as text: the order of differences taken, then each in base 32, sign last.

    As in source maps, a digit holds five bits, lowest first, and a sixth that says: more to come.
    """
    found = []
    for order in range(3):
        differences = units
        for _ in range(order):
            differences = np.diff(differences, prepend=0)
        found.append(str(order) + "".join(map(digits, differences.tolist())))
    return min(found, key=len)


def digits(number: int) -> str:
    rest, text = (abs(number) << 1) | (number < 0), ""
    while True:
        rest, five = rest >> 5, rest & 31
        text += DIGITS[five | (32 if rest else 0)]
        if not rest:
            return text


class Pool:
    """Equal things are kept once, and named by their number."""

    def __init__(self):
        self.rows = {}

    def __call__(self, thing) -> int:
        return self.rows.setdefault(thing, len(self.rows))


def encoded(lab: Lab, stops: dict[str, list]) -> dict:
    """All that a page needs to show the lab at these stops."""
    tables = Tables(lab, stops)
    lab.reset()
    _, curves = panels(lab)
    codes, texts, frames, views = Pool(), Pool(), Pool(), Pool()

    def frame(shown: dict) -> int:
        lab.picture.stand_at(lab.picture.stages_for(shown["curves"]))
        columns, _ = panels(lab)
        view = views(json.dumps(columns))
        row = [texts(shown["numbers"]), texts(shown["message"]), view]
        unknown = shown["curves"].keys() - lab.picture.artists.keys()
        if unknown:
            raise ValueError(f"curves() names {unknown}, which no panel has")
        for name, artist in lab.picture.artists.items():
            if name not in shown["curves"]:
                row.append(())
                continue
            x, *ys = shown["curves"][name]
            if not isinstance(artist, PolyCollection):
                step = STEP_LOOKUP_MAP[artist.get_drawstyle()]
                x, *ys = step(x, *ys)
            axes = (artist.axes.xaxis, *(artist.axes.yaxis for _ in ys))
            units = (to_units(values, axis) for values, axis in zip((x, *ys), axes, strict=True))
            row.append(tuple(codes(packed(each)) for each in units))
        return frames(tuple(row))

    ids = {id(shown): frame(shown) for rows in tables.frames.values() for shown in rows}
    names, tracks = list(stops), {name: Track(lab.controls[name]) for name in stops}
    return {
        "alt": lab.alt,
        "note": note(lab, stops, tables),
        "units": UNITS,
        "missing": MISSING,
        "sliders": [
            {
                "name": name,
                "label": lab.controls[name].description,
                "stops": [tracks[name].text(value) for value in stops[name]],
                "at": stops[name].index(lab.controls[name].value),
                "table": "trained" if name in lab.retrains else "refitted",
                "words": tracks[name].fixed,
            }
            for name in names
        ],
        "views": [json.loads(view) for view in views.rows],
        "curves": curves,
        "tables": {
            kind: {
                "over": [names.index(name) for name in tables.over[kind]],
                "frames": [ids[id(shown)] for shown in rows],
            }
            for kind, rows in tables.frames.items()
        },
        "frames": list(frames.rows),
        "texts": list(texts.rows),
        "codes": list(codes.rows),
    }


def note(lab: Lab, stops: dict[str, list], tables: Tables) -> str:
    """What the page says about the difference to the notebook's lab."""

    def named(names):
        words = [f"“{lab.controls[name].description}”" for name in names]
        return " and ".join([", ".join(words[:-1])] * (len(words) > 1) + words[-1:])

    product = " × ".join(str(len(values)) for values in stops.values())
    slider = "the sliders are" if len(stops) > 1 else "the slider is"
    said = [
        f"Computed beforehand: {product} settings. In the notebook {slider} continuous"
        + (", and Play trains the model while you watch." if lab.train_steps else ".")
    ]
    trains = [name for name in stops if name in lab.retrains]
    refits = [name for name in stops if name not in lab.retrains]
    if trains and refits and tables.frames["refitted"] is not tables.frames["trained"]:
        said.append(
            f"Here as there, {named(trains)} {verb(trains, 'train')} the model from its first "
            f"weights, and {named(refits)} {verb(refits, 'refit')} it to the end."
        )
    shown = {*lab.controls.values(), *lab.buttons.values()}
    others = [
        widget
        for widget in tree(lab.view)
        if getattr(widget, "description", "") and widget not in shown
    ]
    if others:
        words = dict.fromkeys(f"“{other.description}”" for other in others)
        said.append(f"Only in the notebook: {', '.join(words)}.")
    return " ".join(said)


def verb(names: list[str], word: str) -> str:
    return word + ("s" if len(names) == 1 else "")


# The files


def sources(lab_class: type) -> list[Path]:
    """The files of the course that the lab's module imports, itself among them."""
    found, waiting = set(), [each.__module__ for each in lab_class.__mro__]
    while waiting:
        module = sys.modules.get(name := waiting.pop())
        if module is None or not name.startswith(("course_lessons", "course_utils")):
            continue
        if (path := Path(module.__file__)) in found:
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                waiting += [node.module, *names]
            elif isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
    return sorted(found)


def content_key(lab_class: type, settings: int | None) -> str:
    """Changes when the lab, what it imports, the exporter, the grid or a library does."""
    key = hashlib.sha256()
    for path in [Path(__file__), *sources(lab_class)]:
        key.update(path.read_bytes())
    versions = [m.__version__ for m in (torch, np, matplotlib, widgets)]
    budget = [lab_class.train_steps, lab_class.refit_steps]
    key.update(repr([versions, settings, lab_class.__name__, budget]).encode())
    return key.hexdigest()[:16]


@contextmanager
def undrawn(lab: Lab):
    """The lab without its pictures: a page draws its own."""
    picture = lab.picture
    picture.draw, picture.jpeg = (lambda *curves: None), (lambda: b"")
    try:
        yield lab
    finally:
        del picture.draw, picture.jpeg


def export(key: str, outdir: Path, settings: int | None = None) -> bool:
    """Write OUTDIR/key.js unless it is there already; whether it had to be computed."""
    path = outdir / f"{key}.js"
    head = f"/* {content_key(LABS[key], settings)} */"
    if path.exists() and path.read_text(encoding="utf-8").startswith(head):
        return False
    lab = LABS[key]()
    try:
        with undrawn(lab):
            content = encoded(lab, choose_stops(lab, settings))
    finally:
        lab.close()
    outdir.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{head}\n{script(key, content)}\n", encoding="utf-8")
    return True


def script(key: str, content: dict) -> str:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return f'courseLab("{key}",{text});'


def main(arguments: list[str]) -> None:
    if not arguments or not set(arguments[1:]) <= LABS.keys():
        raise SystemExit(f"usage: python site/labs.py OUTDIR [NN ...], NN of {', '.join(LABS)}")
    torch.set_num_threads(1)
    outdir = Path(arguments[0])
    for key in arguments[1:] or LABS:
        start = time.process_time()
        if export(key, outdir):
            size = (outdir / f"{key}.js").stat().st_size
            seconds = time.process_time() - start
            print(f"lab {key}: {size / 1000:.0f} kB, {seconds:.0f} s of CPU", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
