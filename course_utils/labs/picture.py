"""Curves on fixed axes, drawn off-screen: only what moves is drawn again."""

import io
from dataclasses import dataclass, field

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from PIL import Image

from course_utils.plots import SHOWN_DPI, STYLE, readable

LABEL_SIZE = 10  # points
WIDTH, HEIGHT = 960, 340  # CSS pixels, 2 x 2 drawn pixels each: sharp on a high-density screen
DENSITY = 2
GAP = 4  # drawn pixels between a curve and its name
RARE_TOO = Image.Quantize.MAXCOVERAGE  # a colour that few pixels have is kept


@dataclass
class Panel:
    """Axes (``axes``: keywords of ``Axes.set``) and their named curves.

    A curve's style is that of ``Axes.plot``; one that has an ``edgecolor`` is a band. Its ``label``
    stands in a row above the axes or, with ``"at": (share, "above" or "below")``, beside the curve
    itself, see ``Label``. Limits do not move, but where ``stages`` has a few, from narrow to wide,
    those are taken that hold a curve: ``{"xlim": ("loss", ((1, 300), (1, 3000)))}``. The last are
    used where none hold it.
    """

    axes: dict
    curves: dict[str, dict]
    width: float = 1.0
    stages: dict[str, tuple[str, tuple]] = field(default_factory=dict)

    def __post_init__(self):
        self.axes = self.axes | {side: limits[-1] for side, (_, limits) in self.stages.items()}


class Picture:
    """Panels side by side in one image of fixed size. pyplot is not used: it is not thread-safe."""

    def __init__(self, panels: list[Panel]):
        with matplotlib.rc_context(STYLE):
            fig = Figure(figsize=(WIDTH / SHOWN_DPI, HEIGHT / SHOWN_DPI), dpi=DENSITY * SHOWN_DPI)
            self.canvas = FigureCanvasAgg(fig)
            columns = fig.subplots(
                1, len(panels), width_ratios=[panel.width for panel in panels], squeeze=False
            )[0]
            self.artists, self.pale, self.labels, self.stages = {}, {}, {}, []
            for ax, panel in zip(columns, panels, strict=True):
                ax.set(**panel.axes)
                row = []
                for name, style in panel.curves.items():
                    style = dict(style)
                    at = style.pop("at", None)
                    self.artists[name] = new_artist(ax, style)
                    if leaves_a_trace(style):
                        self.pale[name] = new_artist(ax, style | {"alpha": 0.35, "label": None})
                    if at:
                        self.labels[name] = Label(self.artists[name], *at)
                    elif "label" in style:
                        row.append(self.artists[name])
                self.stages += [(ax, side, *stages) for side, stages in panel.stages.items()]
                if row:  # above the axes: inside them it would lie under what is drawn later
                    ax.legend(
                        handles=row,
                        loc="lower left",
                        bbox_to_anchor=(0, 1),
                        ncols=len(row),
                        fontsize=LABEL_SIZE,
                        borderaxespad=0.2,
                        columnspacing=1.2,
                        handlelength=1.6,
                    )
            fig.get_layout_engine().set(w_pad=0.08, rect=(0.012, 0, 0.988, 1))
            fig.get_layout_engine().execute(fig)  # the layout is that of the widest stage
            fig.set_layout_engine("none")
        self.backgrounds = {}
        self.stand_at([-1 for _ in self.stages])

    def stages_for(self, curves: dict[str, tuple]) -> list[int]:
        """The number of the narrowest limits that hold, for each axis that has several."""
        found = []
        for _, side, name, limits in self.stages:
            x, *ys = curves.get(name, ((), ()))
            values = np.concatenate([np.ravel(each) for each in ([x] if side == "xlim" else ys)])
            low, high = (values.min(), values.max()) if values.size else limits[0]
            holds = [left <= low and high <= right for left, right in limits]
            found.append(holds.index(True) if True in holds else len(limits) - 1)
        return found

    def stand_at(self, stages: list[int]) -> None:
        """Set the limits of the axes that have several; axes and labels are drawn once for each."""
        for (ax, side, _, limits), at in zip(self.stages, stages, strict=True):
            ax.set(**{side: limits[at]})
        key = tuple(stages)
        if key not in self.backgrounds:
            with matplotlib.rc_context(STYLE):
                self.canvas.draw()
            self.backgrounds[key] = self.canvas.copy_from_bbox(self.canvas.figure.bbox)
        self.background = self.backgrounds[key]

    def draw(self, curves: dict[str, tuple], before: dict[str, tuple] | None = None) -> None:
        """Draw the named curves, each (x, y) or, for a band, (x, lower, upper), on the axes.

        Lines of ``before`` that have moved since lie under their successors, pale.
        """
        self.stand_at(self.stages_for(curves))
        self.canvas.restore_region(self.background)
        for name, artist in self.artists.items():
            if before and name in before and name in self.pale:
                draw_artist(self.pale[name], before[name])
            if name in curves:
                draw_artist(artist, curves[name])
        for name, label in self.labels.items():
            if name in curves:
                label.draw(self.canvas.renderer, curves[name])

    def jpeg(self) -> bytes:
        """The picture for the page: encoded in 5 ms, where a PNG takes 25 and a WebP 20."""
        return self.encoded("JPEG", quality=88)

    def png(self) -> bytes:
        """The picture for the file: few colours, so that a saved notebook stays small."""
        return self.encoded("PNG", colours=64)

    def encoded(self, kind: str, colours: int = 0, **options) -> bytes:
        size = self.canvas.get_width_height(physical=True)
        # Nothing shines through, so the fourth byte of a pixel is left unread: no copy is needed.
        image = Image.frombuffer("RGBX", size, self.canvas.buffer_rgba(), "raw", "RGBX", 0, 1)
        if colours:
            image = image.convert("RGB").quantize(colours, RARE_TOO, dither=Image.Dither.NONE)
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        return buffer.getvalue()


class Label:
    """The name of a curve, beside it: it stands still along the axis and rides on the curve.

    ``share`` is that of the free width to the left of the name, so no name leaves its axes; names
    of one panel have shares so far apart that they cannot meet, wherever the curves go. The name of
    a vertical line stands on it, at that share of the height, and the name of one point beside it.
    It is a small image, drawn once: a text would be drawn again with each picture.
    """

    def __init__(self, artist, share: float, side: str):
        self.artist, self.share, self.above = artist, share, {"above": True, "below": False}[side]
        color = artist.get_facecolor()[0] if is_band(artist) else artist.get_color()
        fig = Figure(figsize=(WIDTH / SHOWN_DPI, 0.5), dpi=DENSITY * SHOWN_DPI, facecolor="none")
        halo = [withStroke(linewidth=3, foreground="white")]
        text = {"color": readable(color), "fontsize": LABEL_SIZE, "path_effects": halo}
        fig.text(0.01, 0.5, artist.get_label(), va="center", **text)
        canvas = FigureCanvasAgg(fig)
        canvas.draw()
        image = np.array(canvas.buffer_rgba())
        rows, columns = (np.flatnonzero(image[..., 3].any(axis=side)) for side in (1, 0))
        image = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        self.height, self.width, _ = image.shape
        self.image = np.ascontiguousarray(image[::-1])  # the renderer begins at the bottom

    def draw(self, renderer, arrays: tuple) -> None:
        place = self.place(arrays)
        if place:
            renderer.draw_image(renderer.new_gc(), *place, self.image)

    def place(self, arrays: tuple) -> tuple[int, int] | None:
        """The left and the lower end in pixels; None where no curve is in the axes."""
        box, transform = self.artist.axes.bbox, self.artist.axes.transData.transform
        x, *ys = (np.asarray(values, dtype=float).ravel() for values in arrays)
        if not len(x):
            return None
        edges = [transform(np.column_stack([x, y])).T for y in ys]
        (at, low), (_, high) = edges[0], edges[-1]
        vertical = len(at) > 1 and at[0] == at[-1]
        if vertical:
            left = at[0] - self.width / 2
            low = high = box.y0 + self.share * (box.height - self.height)
        else:
            left = box.x0 + self.share * (box.width - self.width)
            if len(at) == 1:
                left = at[0] - self.width / 2
            right = left + self.width
            inside = at[(left < at) & (at < right)]
            under = np.concatenate([[left], inside, [right]])  # the curve may rise in between
            low, high = np.interp(under, at, low).min(), np.interp(under, at, high).max()
        if not (box.y0 <= high and low <= box.y1 and box.x0 <= at.max() and at.min() <= box.x1):
            return None
        bottom = low if vertical else high + GAP if self.above else low - GAP - self.height
        left = np.clip(left, box.x0, box.x1 - self.width)
        return round(left), round(np.clip(bottom, box.y0, box.y1 - self.height))


def is_band(artist) -> bool:
    return isinstance(artist, PolyCollection)


def new_artist(ax, style: dict):
    """An empty curve or band that Matplotlib leaves to us to draw."""
    if "edgecolor" in style:
        return ax.fill_between([], [], [], animated=True, **style)
    return ax.plot([], [], animated=True, **style)[0]


def leaves_a_trace(style: dict) -> bool:
    """Whether a curve's last state stays, pale: a line drawn through, in full colour."""
    return style.keys().isdisjoint({"edgecolor", "linestyle", "alpha", "marker"})


def draw_artist(artist, arrays: tuple) -> None:
    x, *ys = (np.asarray(values, dtype=float).ravel() for values in arrays)
    if is_band(artist):
        lower, upper = ys
        outline = np.concatenate([lower, upper[::-1]])
        artist.set_verts([np.column_stack([np.concatenate([x, x[::-1]]), outline])])
    else:
        artist.set_data(x, *ys)
    artist.axes.draw_artist(artist)
