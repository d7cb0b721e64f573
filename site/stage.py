"""What Sphinx reads: the committed notebooks and README.md, made ready for a page without a kernel.

Nothing here knows a lesson by its number, but for the one whose lab stands on the front page.
"""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
from html import escape
from pathlib import Path

import nbformat
import numpy as np
from PIL import Image

from course_utils.checks import Number, Value
from course_utils.checks.answers import resolve
from course_utils.checks.lessons import entry

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools.notebooks import SECOND_CLICK, places, questions, repository  # noqa: E402

FRONT_LAB = "00"
# Sentences of a lesson's text that ask for a button, or a run, that a page does not have.
FOR_A_KERNEL = re.compile(r"(?:Press \*play\*|\*Rewind\*|Play goes on|Run them as)[^.]*\. ?")
STILL = "A picture, as it is without JavaScript or a kernel; in the notebook it moves."


def jupyter_anchor(title: str) -> str:
    """The anchor of a heading in JupyterLab, which keeps case: links are written for it."""
    return title.replace(" ", "-")


def notebooks() -> list[Path]:
    """The executed notebooks of the lessons, in order."""
    return sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def png_of(output) -> tuple[bytes, str]:
    """An output's picture and its alt text."""
    alt = output.metadata.get("image/png", {}).get("alt")
    if not alt:
        raise ValueError("expected a picture with an alt text, got one without")
    return base64.b64decode(output.data["image/png"]), alt


def img(png: bytes, address: str, alt: str, kind: str = "") -> str:
    """The <img> of a picture, in the size that it has in a notebook: 96 of its 160 dots an inch."""
    width, height = (round(size * 96 / 160) for size in Image.open(io.BytesIO(png)).size)
    said = f'alt="{escape(alt)}" class="{kind}" style="--width: {width}px"'
    return f'<img src="{address}" {said} width="{width}" height="{height}">'


def lab(number: str, output, source: Path) -> str:
    """The place of a lab, NN or NN-rain: ``labs.js`` makes it live, else the picture stays."""
    png, alt = png_of(output)
    file = source / "_static" / "labs" / f"{number}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(png)
    image = img(png, f"_static/labs/{number}.png", alt)
    return f'<div class="lab" data-lab="{number}">{image}<p class="still">{STILL}</p></div>'


def panels(png: bytes) -> list[bytes]:
    """The panels of a figure that stand side by side; the figure if it has one.

    Between two panels a stripe of pixels is blank from top to bottom, and wider than one between
    letters. A panel has an axis, a filled row; what has none is the labels of the next one. A title
    over all panels leaves no such stripe, and the figure is left whole.
    """
    image = Image.open(io.BytesIO(png)).convert("RGB")
    filled = np.asarray(image.convert("L")) < 250
    edges = np.diff(np.r_[0, filled.any(axis=0), 0].astype(int))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    axes = [
        k
        for k, (start, end) in enumerate(zip(starts, ends, strict=True))
        if end - start > 0.1 * image.width and filled[:, start:end].mean(axis=1).max() > 0.9
    ]
    cuts = [0]
    for this, following in zip(axes, axes[1:]):
        gap = max(range(this, following), key=lambda k: starts[k + 1] - ends[k])
        if starts[gap + 1] - ends[gap] < 11:
            return [png]
        cuts.append((ends[gap] + starts[gap + 1]) // 2)
    parts = []
    for left, right in zip(cuts, [*cuts[1:], image.width]):
        parts.append(io.BytesIO())
        image.crop((left, 0, right, image.height)).quantize(256).save(parts[-1], "PNG")
    return [part.getvalue() for part in parts] if len(parts) > 1 else [png]


def figure(png: bytes, alt: str, name: str, source: Path) -> str:
    """A figure that opens in its full size; on a phone its panels stand one below the other."""
    folder = source / "_static" / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    parts = panels(png)
    (folder / f"{name}.png").write_bytes(png)
    images = img(png, f"_static/figures/{name}.png", alt, "whole")
    for k, part in enumerate(parts if len(parts) > 1 else []):
        (folder / f"{name}-{k}.png").write_bytes(part)
        alt = f"{alt} (panel 1 of {len(parts)})" if k == 0 else ""
        images += img(part, f"_static/figures/{name}-{k}.png", alt, "panel")
    kind = "figure in-panels" if len(parts) > 1 else "figure"
    return f'<a class="{kind}" href="_static/figures/{name}.png">{images}</a>'


def data(name: str, key: str, **known) -> str:
    """An empty place that ``site.js`` fills: a field for a guess or for an answer."""
    it = escape(json.dumps(known, ensure_ascii=False), quote=False).replace("'", "&#39;")
    return f'<div class="{name}" data-key="{key}" data-it=\'{it}\'></div>'


def guess(key: str) -> str:
    kind = entry(key, "GUESSES")
    if isinstance(kind, Number):
        return data("guess", key, unit=kind.unit, low=kind.low, high=kind.high, step=kind.step)
    return data("guess", key, words=kind.words)


def answer(key: str) -> str | None:
    """A field for an exercise whose answer is one number, with what its check knows; else None."""
    exercise = entry(key, "EXERCISES")
    if not isinstance(exercise, Value):
        return None
    (right, *more), *slips = (
        np.ravel(np.asarray(resolve(it), dtype=float)).tolist()
        for it in [exercise.oracle, *(mistake.answer for mistake in exercise.mistakes)]
    )
    if more:
        return None
    said = [mistake.message for mistake in exercise.mistakes]
    known = [[*slip, why] for slip, why in zip(slips, said, strict=True) if len(slip) == 1]
    told = list(exercise.told[0].items())
    return data("answer", key, right=right, tolerance=exercise.tolerance, slips=known, told=told)


def without_dead_words(cell) -> str | None:
    """What stands on a page for a cell that speaks to a learner with a kernel; None: as it is.

    A page has fields for guesses and for answers that are one number, and a lab and a quiz of its
    own. The input goes, too, where it says nothing else.
    """
    if called := re.match(r'(guess|guesses)\("(\d\d(?:-\w)?)"', cell.source):
        html = guess(called[2]) if called[1] == "guess" else '<div class="guesses"></div>'
    elif asked := re.search(r'^check\("(\d\d-\d)"', cell.source, re.M):
        html = answer(asked[1])
        if html is None:
            cell.outputs = []  # "not attempted yet"
            return None
    else:
        if re.fullmatch(
            r'quiz\(.*\)|measured\([^\n]*\)|(lab = )?LABS\["\d\d"\]\(\)(\nlab)?', cell.source
        ):
            cell.metadata["tags"] = ["remove-input"]
        return None
    cell.metadata["tags"] = ["remove-input"]
    return html


def stage_notebook(path: Path, source: Path) -> None:
    """One notebook: its pictures as files with alt text, its lab, quiz and fields marked."""
    notebook = nbformat.read(path, as_version=4)
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            cell.source = FOR_A_KERNEL.sub("", cell.source)
        if cell.cell_type == "code" and (html := without_dead_words(cell)):
            cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": html})]
            continue
        for k, output in enumerate(cell.get("outputs", [])):
            shown = output.get("data", {})
            number = re.search(r'\bLABS\["(\d\d)"\]', cell.source)
            if "image/png" in shown and number:
                html = lab(number[1], output, source)
            elif "image/png" in shown and re.search(r"^Rain\(", cell.source, re.M):
                html = lab(f"{path.name[:2]}-rain", output, source)
            elif "image/png" in shown:
                html = figure(*png_of(output), f"{path.stem}-{index:02d}-{k}", source)
            elif "text/html" in shown and re.match(r"quiz\(", cell.source):
                html = f'<div class="quiz">{shown["text/html"]}</div>'
            else:
                continue
            output.data = {"text/html": html}
            output.metadata = {}
    head = notebook.cells[0]
    title, _, rest = head.source.partition("\n")
    rest = re.sub(r"<details><summary>On Colab.*", "", rest)
    rest = re.sub(
        r"!\[([^]]+)\]\(images/(\d\d)\.png\)",
        lambda m: figure((path.parent / "images" / f"{m[2]}.png").read_bytes(), m[1], m[2], source),
        rest,
    )
    head.source = f"{title}\n\n{run_it(path.name)}\n{rest}"
    nbformat.write(notebook, source / path.name)


def run_it(name: str) -> str:
    """The line under a lesson's title: where its code can be run."""
    how = '<a href="index.html#Run-it-yourself">run the course yourself</a>'
    if address := repository():
        known = places(name, address) | {"GitHub": f"{address}/blob/main/notebooks/{name}"}
        links = (f'<a href="{url}">{place}</a>' for place, url in known.items())
        how = f"open it on {', '.join(links)}, or {how}"
    return (
        '<p class="run-it">This page is the executed notebook, to read and to play with. '
        f"To run its code, {how}.</p>\n"
    )


def sections(text: str) -> dict[str, str]:
    """README.md by its headings; what stands before the first of them is ''."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def front_page(source: Path) -> str:
    """README.md in the order of a reader, with a lab after its promise."""
    parts = sections((ROOT / "README.md").read_text(encoding="utf-8"))
    promise, lessons = parts.pop(""), parts.pop("Lessons")
    (home,) = (path for path in notebooks() if path.name.startswith(FRONT_LAB))
    outputs = [
        output
        for cell in nbformat.read(home, as_version=4).cells
        if "LABS[" in cell.source
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    # Without the third column, the seconds: a lesson's page says them, a phone is narrow.
    column = r"[^|\n]*\|"
    lessons = re.sub(rf"^(\|{column}{column}){column}(.*)$", r"\1\2", lessons, flags=re.M)
    lessons = "\n".join(line for line in lessons.splitlines() if line.startswith("|"))
    del parts["For authors and instructors"]  # who has the repository finds it there
    title, first, *rest = promise.strip().split("\n\n")
    text = "\n\n".join(
        [
            title,
            first,
            "Here a network with two outputs learns the mean and the noise of a wave. Change the "
            "noise: does the learned σ follow the true one?",
            lab(FRONT_LAB, outputs[0], source),
            *(paragraph for paragraph in rest if not paragraph.startswith("![")),
            "## Lessons",
            lessons.strip(),
            "[Every question that the lessons answer](questions.ipynb) stands on one page.",
            "## Run it yourself",
            parts.pop("Start").strip(),
            *(f"## {heading}\n\n{text.strip()}" for heading, text in parts.items()),
        ]
    )
    text = re.sub(r"\]\(notebooks/(\d\d_\w+\.ipynb)", r"](\1", text)
    # What else README links in the repository stays there; it is a link if the address is known.
    elsewhere = r"\[([^\]\n]+)\]\((?!https?:|#|_static|\d\d_|questions)([^)]+)\)"
    there = rf"[\1]({repository()}/blob/main/\2)" if repository() else r"\1"
    text = re.sub(elsewhere, there, text)
    toctree = "```{toctree}\n:hidden:\n:glob:\n\n[0-9][0-9]_*\nquestions\n```"
    return f"{text}\n\n{toctree}\n"


def tabulate(numbers: list[str], folder: Path) -> None:
    """What these labs show, computed by a process a core; only for those that changed."""
    rains = [number.removesuffix("-rain") for number in numbers if number.endswith("-rain")]
    numbers = [number for number in numbers if not number.endswith("-rain")]
    cores = min(os.cpu_count() or 1, len(numbers))
    work = [("labs.py", numbers[i::cores]) for i in range(cores)] + [("rain.py", rains)]
    processes = [
        subprocess.Popen([sys.executable, Path(__file__).with_name(script), folder, *those])
        for script, those in work
    ]
    codes = [process.wait() for process in processes]
    if any(codes):
        raise SystemExit("A lab could not be computed beforehand: see above.")


def stage(folder: Path) -> Path:
    """Fill ``folder/source`` from nothing; what the labs show is kept beside it."""
    source = folder / "source"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(Path(__file__).parent / "_static", source / "_static")
    for path in notebooks():
        stage_notebook(path, source)
    anchors = questions(lambda _, heading: f"#{jupyter_anchor(heading)}")
    (source / "questions.ipynb").write_text(anchors.replace(SECOND_CLICK, ""), encoding="utf-8")
    (source / "index.md").write_text(front_page(source), encoding="utf-8")
    labs = source / "_static" / "labs"
    tabulate(sorted(path.stem for path in labs.glob("*.png")), folder / "labs")
    shutil.copytree(folder / "labs", labs, dirs_exist_ok=True)
    return source
