"""Curves on fixed axes, drawn off-screen: only what moves is drawn again."""

import io
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from PIL import Image

from course_utils.plots import SHOWN_DPI, STYLE

WIDTH, HEIGHT = 960, 340  # CSS pixels, 2 x 2 drawn pixels each: sharp on a high-density screen
DENSITY = 2


@dataclass
class Panel:
    """Axes whose limits never move (``axes``: keywords of ``Axes.set``) and its named curves.

    A curve's style is that of ``Axes.plot``; one that has an ``edgecolor`` is a band.
    """

    axes: dict
    curves: dict[str, dict]
    width: float = 1.0


class Picture:
    """Panels side by side in one image of fixed size. pyplot is not used: it is not thread-safe."""

    def __init__(self, panels: list[Panel]):
        with matplotlib.rc_context(STYLE):
            fig = Figure(figsize=(WIDTH / SHOWN_DPI, HEIGHT / SHOWN_DPI), dpi=DENSITY * SHOWN_DPI)
            self.canvas = FigureCanvasAgg(fig)
            columns = fig.subplots(
                1, len(panels), width_ratios=[panel.width for panel in panels], squeeze=False
            )[0]
            self.artists = {}
            for ax, panel in zip(columns, panels, strict=True):
                ax.set(**panel.axes)
                for name, style in panel.curves.items():
                    self.artists[name] = new_artist(ax, style)
                # Above the axes: inside them it would lie under what is drawn later.
                ax.legend(
                    loc="lower left",
                    bbox_to_anchor=(0, 1),
                    ncols=2,
                    fontsize=9,
                    borderaxespad=0.2,
                    columnspacing=1.2,
                    handlelength=1.6,
                )
            fig.get_layout_engine().set(w_pad=0.08)
            self.canvas.draw()  # the one full drawing: layout, axes, labels
            fig.set_layout_engine("none")
            self.background = self.canvas.copy_from_bbox(fig.bbox)

    def draw(self, curves: dict[str, tuple]) -> None:
        """Draw the named curves, each (x, y) or, for a band, (x, lower, upper), on the axes."""
        self.canvas.restore_region(self.background)
        for name, artist in self.artists.items():
            if name in curves:
                x, *ys = (np.asarray(values, dtype=float).ravel() for values in curves[name])
                if isinstance(artist, PolyCollection):
                    lower, upper = ys
                    outline = np.concatenate([lower, upper[::-1]])
                    artist.set_verts([np.column_stack([np.concatenate([x, x[::-1]]), outline])])
                else:
                    artist.set_data(x, *ys)
                artist.axes.draw_artist(artist)

    def jpeg(self) -> bytes:
        """The picture for the page: encoded in 5 ms, where a PNG takes 25 and a WebP 20."""
        return self.encoded("JPEG", quality=88)

    def png(self) -> bytes:
        """The picture for the file: few colours, so that a saved notebook stays small."""
        return self.encoded("PNG", colours=64)

    def encoded(self, kind: str, colours: int = 0, **options) -> bytes:
        size = self.canvas.get_width_height(physical=True)
        image = Image.frombuffer("RGBA", size, self.canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
        image = image.convert("RGB")
        if colours:
            image = image.quantize(colours, dither=Image.Dither.NONE)
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        return buffer.getvalue()


def new_artist(ax, style: dict):
    """An empty curve or band that Matplotlib leaves to us to draw."""
    if "edgecolor" in style:
        return ax.fill_between([], [], [], animated=True, **style)
    return ax.plot([], [], animated=True, **style)[0]
