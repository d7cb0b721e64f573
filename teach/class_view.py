"""A class that sees itself: what learners shared of a lesson, gathered from a folder.

    python -m teach.class_view FOLDER > class.html     a page to project, for every lesson found

or from the_class.ipynb. Each file was written by ``course_utils.checks.share`` in a learner's
notebook; a file that is none of these is named and left out. Nothing is sent anywhere.
"""

import base64
import io
import json
import re
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from html import escape, unescape
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import math_to_image
from nbconvert.filters import markdown2html

from course_utils.checks.lessons import entries
from course_utils.checks.predictions import NoGuess, Number, OneOf
from course_utils.plots import MEAN, TRUTH, use_course_style

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
LARGEST = 64_000  # bytes; a shared file has about 1,000
# What lessons.toml says of each lesson that helps after its table.
MOVES = {
    "believed": "Many believe:",
    "breaks": "What breaks it, the section:",
    "move": "A two-minute move:",
    "after": "Ask afterwards:",
}
FEWEST = 3  # learners with one mistake, below which nothing is concluded


@dataclass
class Class:
    """What was shared: for each lesson a list of learners' contents; and the files left out."""

    lessons: dict[str, list[dict]] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)  # file, why


def gather(folder: str | Path) -> Class:
    """Read every .json below a folder; what cannot be one of ours is named with the reason."""
    found, seen = Class(), set()
    for file in sorted(Path(folder).rglob("*.json")):
        try:
            content = read(file)
        except ValueError as why:
            found.left_out.append((file.name, str(why)))
            continue
        mark = content["lesson"], content["id"]
        if mark in seen:
            found.left_out.append((file.name, "shared twice: the first is kept"))
            continue
        seen.add(mark)
        found.lessons.setdefault(content["lesson"], []).append(content)
    return found


def read(file: Path) -> dict:
    """One learner's file, each field examined; a ValueError says what it is not."""
    if file.is_symlink() or file.stat().st_size > LARGEST:
        raise ValueError("a link, or larger than 64 kB")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise ValueError("no JSON") from None
    if not isinstance(content, dict) or not re.fullmatch(r"\d\d", str(content.get("lesson"))):
        raise ValueError("not written by share(): no lesson")
    if not re.fullmatch(r"[0-9a-f]{8}", str(content.get("id"))):
        raise ValueError("not written by share(): no id")
    lesson = content["lesson"]
    kinds, exercises = entries(lesson, "GUESSES"), entries(lesson, "EXERCISES")
    guesses, checks = content.get("guesses"), content.get("checks")
    if not isinstance(guesses, dict) or not isinstance(checks, dict):
        raise ValueError("not written by share(): no guesses or no checks")
    for key, value in [*guesses.items(), *content.get("measured", {}).items()]:
        if key not in kinds:
            raise ValueError(f"lesson {lesson} has no guess {key[:20]!r}")
        try:
            kinds[key].read(value)
        except NoGuess as why:
            raise ValueError(f"{key}: {why}") from None
    for key, tries in checks.items():
        if key not in exercises or not isinstance(tries, dict):
            raise ValueError(f"lesson {lesson} has no exercise {key[:20]!r}")
        mistakes = tries.get("mistakes")
        if not isinstance(mistakes, list) or any(it not in says(lesson, key) for it in mistakes):
            raise ValueError(f"{key}: mistakes that its check does not name")
    return content


@cache
def says(lesson: str, key: str) -> list[str]:
    """What an exercise's check may say to a slip."""
    return list(entries(lesson, "EXERCISES")[key].says())


def diagnoses(lesson: str, learners: list[dict]) -> list[dict]:
    """A row for each mistake that was recognised, the most common first.

    With the exercise, what it says, how many of the n who tried it made it, and the move: the
    exercise's first hint. Fewer than three are a reason to ask, not to conclude.
    """
    rows = []
    for key in entries(lesson, "EXERCISES"):
        tried = [person["checks"][key] for person in learners if key in person["checks"]]
        made = Counter(said for tries in tried for said in set(tries["mistakes"]))
        for said, k in made.items():
            few = "" if k >= FEWEST else "ask, do not conclude"
            rows.append({"exercise": key, "k": k, "n": len(tried), "said": said, "note": few})
    return sorted(rows, key=lambda row: (-row["k"], row["exercise"]))


def progress(lesson: str, learners: list[dict]) -> list[tuple[str, int, int]]:
    """(exercise, how many passed, how many tried)."""
    rows = []
    for key in entries(lesson, "EXERCISES"):
        tried = [person["checks"][key] for person in learners if key in person["checks"]]
        rows.append((key, sum(bool(tries.get("passed")) for tries in tried), len(tried)))
    return rows


def picture(lesson: str, key: str, learners: list[dict]):
    """How the class guessed, a dot a learner, and what was measured: one figure to project."""
    kind: Number | OneOf = entries(lesson, "GUESSES")[key]
    said = [kind.read(p["guesses"][key]) for p in learners if key in p["guesses"]]
    found = [kind.read(p["measured"][key]) for p in learners if key in p.get("measured", {})]
    fig, ax = plt.subplots(figsize=(9, 3))
    if isinstance(kind, OneOf):
        counts = [said.count(word) for word in kind.words]
        colors = [MEAN if not found or word == found[0] else "#bbbbbb" for word in kind.words]
        ax.barh(kind.words[::-1], counts[::-1], color=colors[::-1])
        ax.set_xlabel("learners")
        near, meant = said.count(found[0]) if found else 0, "right"
    else:
        stacked: Counter = Counter()
        step = (kind.high - kind.low) / 60 or 1
        for value in sorted(said):
            column = round(value / step)
            stacked[column] += 1
            ax.plot(column * step, stacked[column], "o", color=MEAN, markersize=9)
        for value in found[:1]:
            ax.axvline(value, color=TRUTH, linewidth=2)
            ax.annotate(
                "measured",
                (value, 1),
                (4, -4),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                va="top",
            )
        ax.set(yticks=[], xlabel=kind.unit, xlim=(kind.low - step, kind.high + step))
        ax.set_ylim(0, max(stacked.values(), default=1) + 1)
        near = sum(kind.is_near(value, found[0]) for value in said) if found else 0
        meant = "right or within a tenth"
    told = f"{near} of {len(said)} {meant}" if found else f"{len(said)} learners"
    ax.set_title(f"Guess {key}: {told}", loc="left")
    return fig


def question(lesson: str, key: str) -> str:
    """The sentence that asked for a guess, from the lesson."""
    text = lesson_text(lesson)
    asked = re.search(rf"\*\*Guess {key}\.\*\* (.+)$", text, re.MULTILINE)
    return asked[1] if asked else ""


def hint(lesson: str, key: str) -> str:
    """The first hint of an exercise: what to say in two minutes."""
    after = lesson_text(lesson).partition(f"**{key} (")[2]
    found = re.search(r"<summary>Hint 1</summary>\s*(.+?)\s*</details>", after, re.DOTALL)
    return found[1] if found else ""


def lesson_text(lesson: str) -> str:
    (path,) = NOTEBOOKS.glob(f"{lesson}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def page(found: Class) -> str:
    """All of it as one HTML page: a section a lesson; the files left out at the end."""
    use_course_style()
    about = tomllib.loads((Path(__file__).parent / "lessons.toml").read_text("utf-8"))
    parts = []
    for lesson, learners in sorted(found.lessons.items()):
        parts.append(f"<h2>Lesson {lesson}: {len(learners)} learners</h2>")
        for key in entries(lesson, "GUESSES"):
            if any(key in person["guesses"] for person in learners):
                fig = picture(lesson, key, learners)
                parts.append(rich(question(lesson, key)) + image(fig))
        rows = "".join(
            f"<tr><td>{row['k']} of {row['n']}</td><td>{row['exercise']}</td>"
            f"<td>{rich(row['said'])}</td><td>{rich(hint(lesson, row['exercise']))}</td>"
            f"<td>{row['note']}</td></tr>"
            for row in diagnoses(lesson, learners)
        )
        head = "<tr><th>learners</th><th>exercise</th><th>what their answer said</th>"
        head += "<th>a two-minute move: the first hint</th><th></th></tr>"
        parts.append(f"<table>{head}{rows}</table>" if rows else "<p>No mistake recognised.</p>")
        done = ", ".join(f"{key} {k} of {n}" for key, k, n in progress(lesson, learners))
        parts.append(f"<p>Passed, of those who tried: {done}.</p>")
        for name, words in MOVES.items():
            parts.append(rich(f"**{words}** {about['lessons'][lesson][name]}"))
    for name, why in found.left_out:
        parts.append(f"<p>Left out: {escape(name)} ({escape(why)}).</p>")
    style = (
        "body{font:20px/1.4 sans-serif;max-width:1200px;margin:auto}"
        "td,th{text-align:left;vertical-align:top;padding:6px 12px;border-bottom:1px solid #ccc}"
        "img{max-width:100%}.formula{vertical-align:middle}td p{margin:0}"
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>The class</title>'
        f"<style>{style}</style><body>{''.join(parts)}</body></html>"
    )


def rich(markdown: str) -> str:
    """Markdown as HTML, each formula a small picture: the page needs no script and no network."""

    def drawn(formula: re.Match) -> str:
        buffer = io.BytesIO()
        # Matplotlib wants braces where TeX takes the next letter.
        text = re.sub(r"\\tfrac(\d)(\d)", r"\\frac{\1}{\2}", unescape(formula[0]))
        text = re.sub(r"\\mathrm (\w)", r"\\mathrm{\1}", text)
        try:
            math_to_image(text, buffer, dpi=144, format="svg", prop=FontProperties(size=14))
        except ValueError:  # a command that Matplotlib does not know: the formula as it is typed
            return formula[0]
        data = base64.b64encode(buffer.getvalue()).decode()
        source = f"data:image/svg+xml;base64,{data}"
        return f'<img class="formula" alt="{formula[1]}" src="{source}">'

    return re.sub(r"\$([^$]+)\$", drawn, markdown2html(markdown))


def image(fig) -> str:
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=110)
    plt.close(fig)
    data = base64.b64encode(buffer.getvalue()).decode()
    alt = escape(fig.axes[0].get_title("left"))
    return f'<img alt="{alt}" src="data:image/png;base64,{data}">'


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    print(page(gather(sys.argv[1])))
