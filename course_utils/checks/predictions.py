"""The learner's predictions beside what happened. A new kernel starts anew."""

import contextlib
from dataclasses import dataclass
from typing import Any

from course_utils.checks.compare import number
from course_utils.doors import door, text

GUESSED: dict[str, Any] = {}
MEASURED: dict[str, Any] = {}
CALLED: dict[str, str] = {}  # what was measured, for the summary


@dataclass(frozen=True)
class Note:
    """A text that shows itself as the last value of a cell."""

    text: str

    def __repr__(self) -> str:
        return self.text


@door(key=text)
def guess(key: str, value: Any) -> Note:
    """Keep a prediction, a number or a choice, until it is measured; `...` is none yet."""
    GUESSED.pop(key, None)
    if value is ... or value is None:
        return Note(f"{key} … No guess yet: replace the `...`, then run this cell again.")
    value = simple(value)
    if value is None:
        return Note(f"{key} … A guess is a number or a word, such as 1.5 or 'b'.")
    GUESSED[key] = value
    return Note(f"{key}   Your guess: {shown(value)}. Now see what happens.")


@door(key=text, what=text)
def measured(key: str, value: Any, what: str = "") -> Note:
    """Put what happened beside the guess; ``what`` names it in the summary."""
    value = simple(value)
    MEASURED[key], CALLED[key] = value, what
    label = f"{key}   {what}: " if what else f"{key}   "
    if key not in GUESSED:
        return Note(f"{label}measured {shown(value)}, without a guess.")
    guessed = shown(GUESSED[key])
    return Note(f"{label}you guessed {guessed}, measured {shown(value)}: {verdict(key)}.")


@door(lesson=text)
def guesses(lesson: str) -> Note:
    """The lesson's guesses beside what happened, as a table."""
    keys = sorted(key for key in GUESSED | MEASURED if key.startswith(f"{lesson}-"))
    if not keys:
        return Note(f"Lesson {lesson}: nothing was guessed or measured yet.")
    rows = [("", "your guess", "measured", "")]
    for key in keys:
        name = f"{key} {CALLED.get(key, '')}".strip()
        rows.append((name, shown(GUESSED.get(key)), shown(MEASURED.get(key)), verdict(key)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["   ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return Note("\n".join(lines))


def verdict(key: str) -> str:
    """How a guess compares with what was measured; empty if one of them is missing."""
    if key not in GUESSED or key not in MEASURED:
        return ""
    guessed, value = GUESSED[key], MEASURED[key]
    if isinstance(guessed, float) and isinstance(value, float):
        if number(guessed) == number(value):
            return "spot on"
        share = f" ({number(100 * abs(guessed - value) / abs(value))} %)" if value else ""
        side = "high" if guessed > value else "low"
        return f"{number(abs(guessed - value))} too {side}{share}"
    return "the same" if shown(guessed).casefold() == shown(value).casefold() else "different"


def simple(value: Any) -> float | str | None:
    """A number as a float, a word or a bool as a string; None for anything else."""
    with contextlib.suppress(Exception):  # whatever a value does when it is looked at
        if isinstance(value, bool):
            return str(value)
        with contextlib.suppress(ValueError):
            return float(value)
        return value.strip()[:40] if isinstance(value, str) else None
    return None


def shown(value: float | str | None) -> str:
    if value is None:
        return "–"
    return number(value) if isinstance(value, float) else value
