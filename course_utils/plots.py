"""Figures in one style: a colour always means the same thing, and every figure has alt text."""

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from course_utils.data import Problem
from course_utils.losses import same_shape
from course_utils.metrics import interval
from course_utils.validation import column, integer, sigmas, validated

# Okabe & Ito (2008), but for the pink: theirs turns grey, like the data, for who sees no red or no
# green (tests/test_plots.py). One meaning each, in every figure.
TRUTH = "#000000"
DATA = "#7f7f7f"
MEAN = "#0072B2"
ALEATORIC = "#E69F00"
EPISTEMIC = "#D480C6"
WRONG = "#D55E00"
REPAIRED = "#009E73"

SHOWN_DPI = 96  # CSS pixels per inch: a 7.5 inch figure is 720 px wide on the page
DRAWN_DPI = 160  # sharp on a high-density screen

STYLE = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11.5,
    "axes.labelsize": 11,
    "figure.constrained_layout.use": True,
    "figure.dpi": SHOWN_DPI,
    "figure.figsize": (7.5, 3.8),
    "font.size": 10.5,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "lines.linewidth": 2,
}


def use_course_style() -> None:
    """Set matplotlib's defaults for the figures of the course."""
    plt.rcParams.update(STYLE)


def readable(color) -> tuple:
    """The colour, as dark as small letters on white must be (WCAG 2.2: a contrast of 4.5)."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    most = 1.05 / 4.5 - 0.05
    return tuple(rgb * min(1, most / max(linear @ (0.2126, 0.7152, 0.0722), most)) ** (1 / 2.2))


def show(fig: Figure, alt: str) -> None:
    """Display the figure once, as a PNG with ``alt`` as its text; then clear and close it.

    ``alt`` says what the picture shows to someone who cannot see it; it must not be empty.
    """
    from IPython.display import display  # of the extra `lab`: only who shows something needs it

    if not alt.strip():
        raise ValueError("expected alt text that says what the figure shows, got none")
    width, height = fig.get_size_inches() * SHOWN_DPI
    fig.set_dpi(DRAWN_DPI)
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    plt.close(fig)
    # 256 colours: a third of the size, and no difference to see.
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    # A figure is a cycle of references: what it holds would wait for the garbage collector.
    fig.clear()
    del canvas.renderer
    saved = io.BytesIO()
    picture.quantize(256, dither=Image.Dither.NONE).save(saved, "PNG", compress_level=8)
    display(
        {"image/png": base64.b64encode(saved.getvalue()).decode(), "text/plain": alt},
        metadata={"image/png": {"alt": alt, "width": round(width), "height": round(height)}},
        raw=True,
    )


@validated(x=column, y=column, at_most=integer(1))
def plot_data(ax: Axes, x: Tensor, y: Tensor, *, at_most: int = 1000, **style) -> None:
    """Scatter y against x; of a large sample the first ``at_most`` points, to keep files small."""
    same_shape(x=x, y=y)
    style = {"color": DATA, "s": 9, "alpha": 0.5, "linewidths": 0, "label": "data"} | style
    ax.scatter(x[:at_most, 0], y[:at_most, 0], **style)
    ax.set(xlabel="x", ylabel="y")


def plot_truth(ax: Axes, problem: Problem, *, margin: float = 0.0, band: bool = True) -> None:
    """Draw the true mean (dashed) and, dotted, the true central 95 % interval of y."""
    x = problem.grid(margin=margin)
    mean, sigma = problem.truth(x)
    ax.plot(x, mean, color=TRUTH, linestyle="--", label="true mean")
    if band:
        lower, upper = interval(mean, sigma)
        ax.plot(x, lower, color=TRUTH, linestyle=":", linewidth=1.2, label="true 95 % interval")
        ax.plot(x, upper, color=TRUTH, linestyle=":", linewidth=1.2)


@validated(x=column, mu=column, sigma=sigmas)
def plot_fit(
    ax: Axes,
    x: Tensor,
    mu: Tensor,
    sigma: Tensor | None = None,
    *,
    color: str = MEAN,
    band_color: str = ALEATORIC,
    label: str = "mean",
) -> None:
    """Draw a predicted mean over a grid x and, given σ, the predicted 95 % interval around it."""
    same_shape(x=x, mu=mu, **({} if sigma is None else {"sigma": sigma}))
    if sigma is not None:
        lower, upper = interval(mu, sigma.detach())
        area = {"color": band_color, "alpha": 0.3, "linewidth": 0, "label": "95 % interval"}
        ax.fill_between(x[:, 0], lower[:, 0], upper[:, 0], **area)
    ax.plot(x, mu, color=color, label=label)
