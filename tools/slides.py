"""A deck of slides for each lesson, made by rules from what the lesson already holds.

    make slides                 build/slides/NN_name.html, which open without a network
    make slides ARGS="02 04"    these

A deck has the question, each guess, each section's formulas and figures, the lab's picture, the
quiz and the recap. Code is left out: a figure's title says what was
found, and the text around it stands in the speaker's notes (press S). Exercises, their solutions
and readers' questions are for the notebook.
"""

import base64
import importlib.metadata
import io
import re
import shutil
import sys
from html import escape
from pathlib import Path

import nbformat
import numpy as np
from nbconvert.filters import markdown2html
from PIL import Image

from course_utils.checks import lesson

ROOT = Path(__file__).parents[1]
DECKS = ROOT / "build" / "slides"
LEFT_OUT = ("A reader asks", "Exercises", "Quiz")
FORMULAS = 2  # displayed ones a slide: the last row of a room can read them
# In px of a picture that has 160 an inch. A wider one would have its letters of 9 points drawn with
# less than 16 px of the slide's 720; panels stand at least a gap apart.
WIDEST, GAP = 1600, 24

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="stylesheet" href="reveal/dist/reveal.css">
<link rel="stylesheet" href="reveal/dist/theme/white.css">
<style>
  :root {{ --r-main-font: "Source Sans Pro", Helvetica, Arial, sans-serif;
           --r-heading-font: var(--r-main-font); --r-main-font-size: 34px;
           --r-heading-text-transform: none; --r-heading1-size: 1.9em; --r-heading2-size: 1.2em;
           --r-link-color: #0072B2; }}
  .reveal img {{ max-width: 100%; max-height: 590px; margin: 0; }}
  .reveal .question {{ font-size: 1.35em; }}
  .reveal ol, .reveal ul, .reveal p {{ text-align: left; }}
  .reveal .formulas {{ font-size: 1.5em; }}
  .reveal table {{ font-size: .75em; }}
  .reveal ol {{ list-style-type: lower-alpha; }}
  .reveal .slide-number {{ right: auto; left: 8px; }}
</style>
<script>
  window.MathJax = {{ tex: {{ inlineMath: [["$", "$"]], displayMath: [["$$", "$$"]] }},
                      options: {{ enableMenu: false }} }};
</script>
<script src="mathjax/tex-chtml.js"></script>
</head>
<body><div class="reveal"><div class="slides">
{slides}
</div></div>
<script src="reveal/dist/reveal.js"></script>
<script src="reveal/plugin/notes/notes.js"></script>
<script>
  Reveal.initialize({{ width: 1280, height: 720, hash: true, slideNumber: "c/t",
                       transition: "none", plugins: [RevealNotes] }});
  // A formula wider than the slide is made smaller; a hidden slide has no width yet.
  const fit = async () => {{
    await MathJax.startup.promise;
    for (const box of Reveal.getCurrentSlide().querySelectorAll(".formulas")) {{
      box.style.fontSize = "";
      const size = parseFloat(getComputedStyle(box).fontSize);
      box.style.fontSize = `${{size * Math.min(1, box.clientWidth / box.scrollWidth)}}px`;
    }}
  }};
  Reveal.on("ready", fit);
  Reveal.on("slidechanged", fit);
</script>
</body></html>
"""


def slide(heading: str, body: str, notes: str = "") -> str:
    """One slide; the heading is plain text, body and notes are HTML."""
    top = f"<h2>{escape(heading)}</h2>" if heading else ""
    aside = f'<aside class="notes">{notes}</aside>' if notes else ""
    return f"<section>{top}{body}{aside}</section>"


def html(markdown: str) -> str:
    """Markdown as HTML, without what is folded away."""
    return markdown2html(re.sub(r"<details>.*?</details>", "", markdown, flags=re.DOTALL))


def parts(png: bytes) -> list[bytes]:
    """The picture; or, where its letters would be too small, what stands left and right of a gap.

    The gap is a strip of white from top to bottom, between two panels: the one nearest the middle.
    """
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    if picture.width <= WIDEST:
        return [png]
    white = (np.asarray(picture.convert("L")) > 250).all(axis=0)
    strips = np.flatnonzero(np.diff(np.r_[False, white, False])).reshape(-1, 2)
    gaps = [(a + b) / 2 for a, b in strips if b - a >= GAP and a > 0 and b < picture.width]
    if not gaps:
        return [png]
    cut = round(min(gaps, key=lambda gap: abs(gap - picture.width / 2)))
    made = []
    for left, right in [(0, cut), (cut, picture.width)]:
        saved = io.BytesIO()
        picture.crop((left, 0, right, picture.height)).save(saved, "PNG")
        made.append(saved.getvalue())
    return made


def image(png: bytes, alt: str) -> str:
    data = base64.b64encode(png).decode()
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{data}">'


def figures(cell) -> list[str]:
    """The pictures that a code cell shows, with their alt texts."""
    shown = [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    return [
        image(part, output.metadata["image/png"]["alt"])
        for output in shown
        for part in parts(base64.b64decode(output.data["image/png"]))
    ]


def title_slides(head: str) -> list[str]:
    """The title with the question. The picture under it comes in its section, after the guesses."""
    title = re.search(r"^# (.+)$", head, re.MULTILINE)[1]
    question = re.search(r"\*\*The question\.\*\* (.+?)(?:\n\n|$)", head, re.DOTALL)[1]
    abilities = re.search(r"\*\*You will be able to\*\*\n+((?:- .+\n?)+)", head)[1]
    return [
        f'<section><h1>{escape(title)}</h1><div class="question">{html(question)}</div></section>',
        slide("You will be able to", html(abilities)),
    ]


def section_slides(heading: str, cells: list) -> list[str]:
    """Of one section: its guesses, its formulas, and a slide for each figure."""
    made, said = [], ""
    for cell in cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"^## .+$", "", cell.source, flags=re.MULTILINE).strip()
            before, said = said, html(text)
            for guess in re.findall(r"^\*\*Guess \d\d-\w\.\*\* .+$", text, re.MULTILINE):
                asked = f'<div class="question">{html(guess)}</div>'
                made.append(slide("Predict", asked, before + said))
            formulas = re.findall(r"\$\$.+?\$\$", text, re.DOTALL)
            for k in range(0, len(formulas), FORMULAS):
                shown = "\n".join(formulas[k : k + FORMULAS])
                made.append(slide(heading, f'<div class="formulas">{shown}</div>', said))
        else:
            made += [slide(heading, figure, said) for figure in figures(cell)]
    return made


def quiz_slides(number: str) -> list[str]:
    """Each question with its options; the answers are the speaker's."""
    made = []
    for question in lesson(number).QUIZ:
        options = "".join(f"<li>{escape(option.text)}</li>" for option in question.options)
        right = next(option for option in question.options if option.correct)
        notes = f"{escape(right.text)}: {escape(right.why)}"
        made.append(slide(question.text, f"<ol>{options}</ol>", notes))
    return made


def deck(path: Path) -> str:
    """The slides of one lesson as a page."""
    notebook = nbformat.read(path, as_version=4)
    head, *cells = notebook.cells
    sections: list[tuple[str, list]] = [("", [])]
    for cell in cells:
        if cell.cell_type != "markdown":
            sections[-1][1].append(cell)
            continue
        for text in re.split(r"^(?=## )", cell.source, flags=re.MULTILINE):  # some within a cell
            if heading := re.match(r"## (.+)", text):
                sections.append((heading[1], []))
            sections[-1][1].append(nbformat.v4.new_markdown_cell(text))
    slides = title_slides(head.source)
    for heading, part in sections:
        if heading == "Recap":
            slides += quiz_slides(path.stem[:2])
            recap = re.sub(r"^## Recap$", "", part[0].source, flags=re.MULTILINE)
            slides.append(slide("Recap", html(recap.split("**Next.**")[0])))
        elif heading not in LEFT_OUT:
            slides += section_slides(heading, part)
    return PAGE.format(title=escape(path.stem), slides="\n".join(slides))


def packaged(package: str, folder: str) -> Path:
    """A folder of files that an installed package brings along."""
    inside = importlib.metadata.distribution(package).locate_file(folder)
    if not Path(inside).exists():
        raise SystemExit(f"{package} holds no {folder}: make slides installs it")
    return Path(inside)


def main(arguments: list[str]) -> None:
    DECKS.mkdir(parents=True, exist_ok=True)
    for package, folder, name in [
        ("sphinx-revealjs", "sphinx_revealjs/_static/revealjs", "reveal"),
        ("sphinx-mathjax-offline", "sphinx-mathjax-offline/static/mathjax", "mathjax"),
    ]:
        shutil.copytree(packaged(package, folder), DECKS / name, dirs_exist_ok=True)
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        if not arguments or path.stem[:2] in arguments:
            target = DECKS / f"{path.stem}.html"
            target.write_text(deck(path), encoding="utf-8")
            print(target.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
