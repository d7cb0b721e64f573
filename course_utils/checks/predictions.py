"""The learner's predictions beside what happened. A new kernel starts anew.

In JupyterLab a guess is a number, typed or chosen on an axis, or one of a few buttons. What was
measured stays covered until there is a guess, or the learner asks to see it; then it lands on the
same axis. Stored in a page, what was measured is folded away.
"""

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Any

from course_utils.checks.compare import number, parsed, plain_number
from course_utils.checks.lessons import entries, entry
from course_utils.widgets import mimebundle


class NoGuess(Exception):
    """Why a value is no guess of its kind, in a sentence for the learner."""


@dataclass(frozen=True)
class Number:
    """A guess that is a number from ``low`` to ``high``; a unit is "", "%" or "of 20", say."""

    unit: str
    low: float
    high: float

    def __str__(self) -> str:
        return f"a number from {number(self.low)} to {number(self.high)} {self.unit}".rstrip()

    def read(self, value: Any) -> float:
        found = parsed(value) if isinstance(value, str) else plain_number(value)
        if found is None or not math.isfinite(found):
            raise NoGuess(f"This guess is {self}.")
        if isinstance(value, str) and value.rstrip().endswith("%") and self.high == 1:
            found /= 100
        if not self.low <= found <= self.high:
            raise NoGuess(f"This guess is {self}; {number(found)} is outside.")
        return found

    def shown(self, value: float) -> str:
        return f"{number(value)} {self.unit}".rstrip()

    def verdict(self, guessed: float, measured: float) -> str:
        if number(guessed) == number(measured):
            return "spot on"
        off = abs(guessed - measured)
        share = f" ({number(100 * off / abs(measured))} %)" if measured and self.unit != "%" else ""
        return f"{number(off)} too {'high' if guessed > measured else 'low'}{share}"

    def is_near(self, guessed: float, measured: float) -> bool:
        return abs(guessed - measured) <= abs(measured) / 10

    @property
    def step(self) -> float:
        """Of a hundred places on the axis, or of fewer where whole numbers are counted."""
        counts = self.unit.startswith("of ") and self.high - self.low < 100
        return 1 if counts else (self.high - self.low) / 100

    def axis(self, guessed: float, measured: float) -> str:
        """The two on one axis, as SVG; said in words beside it."""

        def at(value):
            return 50 + 300 * (value - self.low) / (self.high - self.low)

        you, it = at(guessed), at(measured)
        ends = f"{end(38, 'end', self.low)}{end(362, 'start', self.high)}"
        return (
            '<svg width="420" height="52" aria-hidden="true" font-size="12" fill="currentColor" '
            f'text-anchor="middle" style="max-width: 100%"><path d="M50 26h300" '
            f'stroke="currentColor"/><circle cx="{you:.0f}" cy="26" r="5" fill="none" '
            f'stroke="currentColor" stroke-width="2"/><path d="M{it:.0f} 19l7 7-7 7-7-7z"/>{ends}'
            f'<text x="{you:.0f}" y="13">you</text><text x="{it:.0f}" y="48">measured</text></svg>'
        )


def end(x: int, anchor: str, value: float) -> str:
    return f'<text x="{x}" y="30" text-anchor="{anchor}">{number(value)}</text>'


class OneOf:
    """A guess that is one of a few words."""

    def __init__(self, *words: str):
        self.words = words

    def __str__(self) -> str:
        return f"one of {', '.join(f'“{word}”' for word in self.words)}"

    def read(self, value: Any) -> str:
        found = plain_number(value)
        said = str(value) if isinstance(value, str) else "" if found is None else number(found)
        for known in self.words:
            if said.strip(" .!?()'\"“”").casefold() == known.casefold():
                return known
        raise NoGuess(f"This guess is {self}{f'; “{said[:40]}” is not' if said else ''}.")

    def shown(self, value: str) -> str:
        return value

    def verdict(self, guessed: str, measured: str) -> str:
        return "the same" if self.is_near(guessed, measured) else "different"

    def is_near(self, guessed: str, measured: str) -> bool:
        return guessed == measured


@dataclass
class Prediction:
    """One guess and what was measured. ``shows``: what is called when either changes."""

    key: str
    kind: Number | OneOf
    guessed: float | str | None = None
    measured: float | str | None = None
    what: str = ""
    waived: bool = False
    shows: dict[str, Callable[[], None]] = field(default_factory=dict)

    @property
    def is_covered(self) -> bool:
        return self.guessed is None and not self.waived

    def guess(self, value: Any) -> str:
        """Keep a guess; the sentence that answers it."""
        try:
            self.guessed = self.kind.read(value)
        except NoGuess as refusal:
            return str(refusal)
        except Exception:  # whatever a value does when it is looked at
            return f"This guess is {self.kind}."
        return self.reply()

    def refresh(self) -> None:
        for show in self.shows.values():
            show()

    def reply(self) -> str:
        if self.guessed is None:
            return f"Your guess: {self.kind}."
        advice = ""
        if isinstance(self.kind, Number) and self.kind.unit == "%" and 0 < self.guessed < 1:
            advice = f" (If you mean {number(100 * self.guessed)} %, type that.)"
        return f"Your guess: {self.kind.shown(self.guessed)}.{advice} Now see what happens."

    def found(self) -> str:
        """What was measured, beside the guess if there is one."""
        label = f"{self.what}: " if self.what else ""
        measured = self.kind.shown(self.measured)
        if self.guessed is None:
            return f"{label}measured {measured}, without a guess."
        verdict = self.kind.verdict(self.guessed, self.measured)
        return (
            f"{label}you guessed {self.kind.shown(self.guessed)}, measured {measured}: {verdict}."
        )

    def landed(self) -> str:
        """The same as HTML, on an axis if both are numbers."""
        line = spoken(self.found())
        if self.guessed is None or isinstance(self.kind, OneOf):
            return line
        return line + self.kind.axis(self.guessed, self.measured)


PREDICTIONS: dict[str, Prediction] = {}


def prediction(key: str) -> Prediction:
    return PREDICTIONS.setdefault(key, Prediction(key, entry(key, "GUESSES")))


@dataclass(frozen=True)
class Note:
    """A text that shows itself as the last value of a cell; where widgets work, as a widget."""

    text: str
    html: str = ""
    widget: Callable | None = None

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **kwargs) -> dict:
        bundle = {"text/plain": self.text} | ({"text/html": self.html} if self.html else {})
        with contextlib.suppress(ImportError):
            return (mimebundle(self.widget()) if self.widget else {}) | bundle
        return bundle


def guess(key: str, value: Any) -> Note:
    """Keep a prediction, a number or a word, until it is measured; `...` shows where to give it."""
    asked = prediction(key)
    if value is not ... and value is not None:
        line = f"{key}   {asked.guess(value)}"
        asked.refresh()
        return Note(line)
    if asked.guessed is None:
        line = f"{key} … {asked.reply()} Replace the `...` by it and run this cell again."
    else:
        line = f"{key}   {asked.reply()}"
    return Note(line, widget=lambda: guess_widget(asked))


def measured(key: str, value: Any, what: str = "") -> Note:
    """Put what happened beside the guess; ``what`` names it.

    A ValueError if the value is not of the guess's kind.
    """
    asked = prediction(key)
    try:
        asked.measured, asked.what = asked.kind.read(value), what
    except NoGuess as refusal:
        raise ValueError(f"measured {key}: {refusal}") from None
    asked.refresh()
    line = f"{key}   {asked.found()}"
    if not asked.is_covered:
        return Note(line, asked.landed())
    folded = (
        f"<details><summary>{key}: what was measured, once you have a guess</summary>"
        f"{escape(asked.found())}</details>"
    )
    return Note(line, folded, lambda: measured_widget(asked))


def guesses(lesson: str) -> Note:
    """The lesson's guesses beside what happened, as a table, and how many were near."""
    known = [PREDICTIONS[key] for key in entries(lesson, "GUESSES") if key in PREDICTIONS]
    return Note(tally(lesson, known), widget=lambda: tally_widget(lesson, known))


def tally(lesson: str, known: list[Prediction]) -> str:
    if not any(p.guessed is not None or p.measured is not None for p in known):
        return f"Lesson {lesson}: nothing was guessed or measured yet."
    rows = [("", "your guess", "measured", "")]
    compared = [p for p in known if p.guessed is not None and p.measured is not None]
    for p in known:
        cells = ["–" if v is None else p.kind.shown(v) for v in (p.guessed, p.measured)]
        verdict = p.kind.verdict(p.guessed, p.measured) if p in compared else ""
        rows.append((f"{p.key} {p.what}".strip(), *cells, verdict))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["   ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    near = sum(p.kind.is_near(p.guessed, p.measured) for p in compared)
    count = f"{len(compared)} guessed, {near} of them right or within a tenth."
    return "\n".join([*lines, count] if compared else lines)


# Widgets


def field_of(asked: Prediction, reply) -> Any:
    """What takes the guess: a field that Enter or Tab ends with an axis, or a button a word."""
    from ipywidgets import Layout, Text, ToggleButtons, VBox

    label = {"description": f"Guess {asked.key}", "style": {"description_width": "initial"}}
    if isinstance(asked.kind, OneOf):
        words = asked.kind.words
        index = words.index(asked.guessed) if asked.guessed in words else None
        taker = ToggleButtons(options=words, index=index, **label)
    else:
        said = "" if asked.guessed is None else number(asked.guessed)
        unit = f" {asked.kind.unit}".rstrip()
        taker = Text(
            value=said,
            placeholder=f"{number(asked.kind.low)} to {number(asked.kind.high)}{unit}",
            continuous_update=False,
            layout=Layout(width="20em"),
            **label,
        )

    def take(change):
        if change.new not in (None, ""):
            reply.value = spoken(asked.guess(change.new))
            asked.refresh()

    taker.observe(take, names="value")
    return taker if isinstance(asked.kind, OneOf) else VBox([taker, axis_of(asked.kind, taker)])


def axis_of(kind: Number, field) -> Any:
    """An axis to choose a number on, and a button that says it and puts it into the field."""
    from ipywidgets import Button, FloatSlider, HBox, Layout

    ends = {"min": kind.low, "max": kind.high, "step": kind.step, "readout": False}
    middle = kind.low + kind.step * round((kind.high - kind.low) / kind.step / 2)
    axis = FloatSlider(value=middle, **ends, description="or slide", layout=Layout(width="24em"))
    take = Button(description=f"Guess {kind.shown(middle)}", layout=Layout(width="auto"))

    def say(change):
        take.description = f"Guess {kind.shown(change.new)}"

    def put(_):
        field.value = number(axis.value)

    axis.observe(say, names="value")
    take.on_click(put)
    return HBox([axis, take])


def spoken(line: str) -> str:
    """A line that a screen reader says when it appears."""
    return f'<p role="alert">{escape(line)}</p>'


def guess_widget(asked: Prediction) -> Any:
    from ipywidgets import HTML, VBox

    reply = HTML(spoken(asked.reply()))
    return VBox([field_of(asked, reply), reply])


def measured_widget(asked: Prediction) -> Any:
    """What was measured, covered until there is a guess or the button is pressed."""
    from ipywidgets import HTML, Button, Layout, VBox

    reply = HTML(spoken("Measured, and covered until you guess."))
    waive = Button(description="Show it without a guess", layout=Layout(width="auto"))
    box = VBox([reply, field_of(asked, reply), waive])

    def show():
        if not asked.is_covered:
            reply.value = asked.landed()
            box.children = [reply]

    def show_anyway(_):
        asked.waived = True
        asked.refresh()

    waive.on_click(show_anyway)
    asked.shows["measured"] = show
    return box


def tally_widget(lesson: str, known: list[Prediction]) -> Any:
    """The table, which follows a guess that is made later."""
    from ipywidgets import HTML

    table = HTML()

    def show():
        table.value = f"<pre>{escape(tally(lesson, known))}</pre>"

    for asked in known:
        asked.shows["tally"] = show
    show()
    return table
