"""What a lab looks like: sliders, buttons, a picture and its numbers, in one widget."""

import base64
import html
from collections.abc import Iterable
from contextlib import contextmanager
from types import SimpleNamespace

import ipywidgets as widgets
from IPython import get_ipython

from course_utils.labs.picture import HEIGHT, WIDTH, Panel, Picture
from course_utils.widgets import mimebundle

UNSEEN = "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)"
CELL = "display: inline-block; width: 300px; padding-right: 12px; vertical-align: top"


class Page:
    """The widgets of a lab; ``Lab`` says what they do."""

    alt = ""
    train_steps = 0  # of a fit; without any there is nothing to play
    moved = None  # the slider that was moved last
    message, failed = "", False  # said under the numbers; a failure is red
    last, before = None, None  # curves: of the last picture, and those that lie pale under it

    # What a lesson's lab says

    def new_controls(self) -> dict[str, widgets.Widget]:
        """The sliders by name, at their defaults."""
        raise NotImplementedError

    def panels(self) -> list[Panel]:
        """Axes side by side."""
        raise NotImplementedError

    def numbers(self) -> dict[str, str]:
        """The numbers that matter, at most three, by what they are."""
        raise NotImplementedError

    def buttons_shown(self) -> Iterable[str]:
        """Of play, step, rewind and reset."""
        return self.buttons if self.train_steps else ("reset",)

    # What a learner and a notebook use

    @property
    def value(self) -> SimpleNamespace:
        """The sliders' values by name."""
        return SimpleNamespace(**{name: control.value for name, control in self.controls.items()})

    @property
    def playing(self) -> bool:
        """Whether the lab trains live."""
        return getattr(self.clock, playing_trait(self.clock))

    def play(self) -> None:
        """Train on, live, until ``pause``; the browser asks for each picture."""
        self.buttons["play"].value = True

    def pause(self) -> None:
        """Stop the live training."""
        self.buttons["play"].value = False

    def close(self) -> None:
        """Give back every widget of the lab: closing the outermost alone would leave the rest."""
        self.pause()
        self.moment.unobserve_all()
        setattr(self.moment, playing_trait(self.moment), False)  # else it goes on in the page
        for outermost in (self.view, *self.buttons.values()):  # a lab may show no play button
            for widget in tree(outermost):
                widget.close()

    def _repr_mimebundle_(self, **_):
        """The widget and, for a page without a kernel, its picture; the alt text for both."""
        png = base64.b64encode(self.picture.png()).decode()
        return (
            {**mimebundle(self.view), "image/png": png, "text/plain": self.alt},
            {"image/png": {"alt": self.alt, "width": WIDTH, "height": HEIGHT}},
        )

    # The widgets

    def lay_out(self) -> None:
        """Make them all."""
        self.controls = self.new_controls()
        self.defaults = {name: control.value for name, control in self.controls.items()}
        self.putting = False  # while a program moves the sliders
        self.picture = Picture(self.panels())
        self.image = widgets.Image(
            format="jpeg", layout={"width": f"{WIDTH}px", "max_width": "100%", "height": "auto"}
        )
        self.text = widgets.HTML(layout={"min_height": "78px"})
        # The clock is never seen. It lives in the page, so it stops when the page closes.
        self.clock = widgets.Play(max=2**31 - 1, interval=40, layout={"display": "none"})
        # Nor is this one: it goes from 0 to 1 and stops a second later.
        self.moment = widgets.Play(max=1, interval=1000, layout={"display": "none"})
        self.buttons = {
            "play": widgets.ToggleButton(description="Play", icon="play"),
            "step": widgets.Button(description="Step", tooltip="One step of training"),
            "rewind": widgets.Button(
                description="Rewind", tooltip="Back to the first weights, untrained"
            ),
            "reset": widgets.Button(description="Reset", tooltip="Every slider to its default"),
        }
        for button in self.buttons.values():
            button.layout.width = "96px"
        buttons = [*map(self.buttons.get, self.buttons_shown()), self.clock, self.moment]
        sliders = widgets.HBox(list(self.controls.values()), layout={"flex_flow": "row wrap"})
        self.view = widgets.VBox([sliders, widgets.HBox(buttons), self.image, self.text])

    def wait_a_moment(self) -> None:
        """The time begins, or if it runs already, begins anew when it is over."""
        playing = playing_trait(self.moment)
        self.slid = getattr(self.moment, playing)
        if not self.slid:
            with self.moment.hold_sync():
                self.moment.value = 0
                setattr(self.moment, playing, True)

    def on_play(self, change) -> None:
        button = self.buttons["play"]
        button.description, button.icon = ("Pause", "pause") if change.new else ("Play", "play")
        setattr(self.clock, playing_trait(self.clock), change.new)
        self.tell()

    def put(self, values: dict) -> None:
        """Set several sliders without a call."""
        with self.unheard():
            for name, value in values.items():
                self.controls[name].value = value

    @contextmanager
    def unheard(self):
        """Move sliders without a call."""
        self.putting = True
        try:
            yield
        finally:
            self.putting = False

    def draw(self, curves: dict[str, tuple]) -> None:
        """A new picture, and what is said under it."""
        self.picture.draw(curves, self.before)
        self.last = curves
        self.image.value = self.picture.jpeg()
        self.tell()

    def tell(self) -> None:
        """The numbers and the message; unless they change all the time, they are read out."""
        spoken = "" if self.playing else ' role="status" aria-live="polite"'
        # The picture itself can carry no text: ipywidgets' Image fails to show if it has a tooltip.
        lines = [f'<div style="{UNSEEN}">{html.escape(self.alt)}</div>']
        if not self.failed:
            cells = "".join(
                f'<span style="{CELL}">{html.escape(name)}<br>'
                f'<b style="font-variant-numeric: tabular-nums">{html.escape(value)}</b></span>'
                for name, value in self.numbers().items()
            )
            if self.moved and spoken:  # its handle has no name of its own: ipywidgets, issue 2650
                cells = f'<span style="{UNSEEN}">{html.escape(said(self.moved))}. </span>{cells}'
            lines.append(f'<div style="line-height: 1.5"{spoken}>{cells}</div>')
        if self.message:
            colour = "#c00000" if self.failed else "inherit"
            lines.append(
                f'<div role="alert" style="color: {colour}; font-weight: bold">'
                f"{html.escape(self.message)}</div>"
            )
        self.text.value = "".join(lines)


def playing_trait(play: widgets.Widget) -> str:
    """The name of the trait that says whether a ``Play`` runs: ipywidgets 7 and 8 differ."""
    return "playing" if play.has_trait("playing") else "_playing"


def said(control: widgets.Widget) -> str:
    """A slider's name and value, in words."""
    value = control.value
    return f"{control.description} {f'{value:.4g}' if isinstance(value, float) else value}"


def allows(control: widgets.Widget, value) -> bool:
    """Whether the slider can stand at the value."""
    if hasattr(control, "options"):
        return value in control.options
    low, high = control.min, control.max
    if isinstance(control, widgets.FloatLogSlider):
        low, high = control.base**low, control.base**high
    return low <= value <= high


def tree(widget: widgets.Widget):
    """The widget, its children, and the layout and style that each of them has."""
    for child in getattr(widget, "children", ()):
        yield from tree(child)
    yield from (getattr(widget, name) for name in ("layout", "style") if widget.has_trait(name))
    yield widget


# The labs that each cell of the notebook made last, and the run of the cell that made them.
_made_by: dict[str, tuple[str, list[Page]]] = {}


def close_earlier_run(page: Page) -> None:
    """Close the labs of an earlier run of the same cell, else they would pile up."""
    shell = get_ipython()
    if not hasattr(shell, "get_parent"):
        return  # no notebook
    request = shell.get_parent()
    code = request.get("content", {}).get("code", "")
    cell = request.get("metadata", {}).get("cellId") or code
    run = request.get("header", {}).get("msg_id", "")
    last_run, labs = _made_by.get(cell, ("", []))
    if last_run != run:
        for old in labs:
            old.close()
        labs = []
    _made_by[cell] = run, [*labs, page]
