"""What Sphinx reads: the committed notebooks and README.md, made ready for a page without a kernel.

Nothing here knows a lesson by its number, but for the one whose lab stands on the front page.
"""

import base64
import os
import re
import shutil
import subprocess
import sys
import tomllib
from html import escape
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"].rstrip("/")
NAME = REPOSITORY.removeprefix("https://github.com/")
FRONT_LAB = "00"
STILL = "A picture, as it is without JavaScript or a kernel; in the notebook it moves."


def jupyter_anchor(title: str) -> str:
    """The anchor of a heading in JupyterLab, which keeps case: links are written for it."""
    return title.replace(" ", "-")


def notebooks() -> list[Path]:
    """The executed notebooks of the lessons, in order."""
    return sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def picture(output, file: Path, source: Path) -> str:
    """Write an output's PNG to ``file``; the <img> that shows it, with its size and alt text."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(base64.b64decode(output.data["image/png"]))
    meta = output.metadata.get("image/png", {})
    if not meta.get("alt"):
        raise ValueError(f"expected a picture with an alt text, got one without: {file.name}")
    size = "".join(f' {name}="{meta[name]}"' for name in ("width", "height") if name in meta)
    return f'<img src="{file.relative_to(source).as_posix()}" alt="{escape(meta["alt"])}"{size}>'


def lab(number: str, output, source: Path) -> str:
    """The place of a lab: ``labs.js`` makes it live, and without it the picture stays."""
    image = picture(output, source / "_static" / "labs" / f"{number}.png", source)
    return f'<div class="lab" data-lab="{number}">{image}<p class="still">{STILL}</p></div>'


def figure(output, file: Path, source: Path) -> str:
    """A figure that opens in its full size: on a phone its letters are small."""
    image = picture(output, file, source)
    address = file.relative_to(source).as_posix()
    return f'<a class="figure" href="{address}">{image}</a>'


def stage_notebook(path: Path, source: Path) -> None:
    """One notebook: its pictures as files with alt text, its lab and its quiz marked."""
    notebook = nbformat.read(path, as_version=4)
    for index, cell in enumerate(notebook.cells):
        for k, output in enumerate(cell.get("outputs", [])):
            data = output.get("data", {})
            number = re.search(r'\bLABS\["(\d\d)"\]', cell.source)
            if "image/png" in data and number:
                html = lab(number[1], output, source)
            elif "image/png" in data:
                name = f"{path.stem}-{index:02d}-{k}.png"
                html = figure(output, source / "_static" / "figures" / name, source)
            elif "text/html" in data and re.match(r"quiz\(", cell.source):
                html = f'<div class="quiz">{data["text/html"]}</div>'
            else:
                continue
            output.data = {"text/html": html}
            output.metadata = {}
    head = notebook.cells[0]
    title, _, rest = head.source.partition("\n")
    head.source = f"{title}\n\n{run_it(path.name)}\n{rest}"
    nbformat.write(notebook, source / path.name)


def run_it(name: str) -> str:
    """The line under a lesson's title: where its code can be run."""
    binder = f"https://mybinder.org/v2/gh/{NAME}/main?urlpath=lab/tree/notebooks/{name}"
    colab = f"https://colab.research.google.com/github/{NAME}/blob/main/notebooks/{name}"
    github = f"{REPOSITORY}/blob/main/notebooks/{name}"
    return (
        '<p class="run-it">This page is the executed notebook, to read and to play with. '
        f'To run its code, open it on <a href="{binder}">Binder</a>, '
        f'<a href="{colab}">Colab</a> or <a href="{github}">GitHub</a>.</p>\n'
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
    # Without the third of four columns, the seconds: a lesson's page says them, a phone is narrow.
    column = r"[^|\n]*\|"
    lessons = re.sub(rf"^(\|{column}{column}){column}({column})$", r"\1\2", lessons, flags=re.M)
    lessons = lessons.split("<!-- end of lessons -->")[0]
    text = "\n\n".join(
        [
            promise.strip(),
            "## Try it",
            "A network with two outputs learns the mean and the noise of a wave. Change the noise: "
            "does the learned σ follow the true one?",
            lab(FRONT_LAB, outputs[0], source),
            "## Lessons",
            lessons.strip(),
            "## Run it yourself",
            parts.pop("Start").strip(),
            *(f"## {heading}\n\n{text.strip()}" for heading, text in parts.items()),
        ]
    )
    figures = source / "_static" / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    for name in set(re.findall(r"\]\((notebooks/images/[^)]+)\)", text)):
        shutil.copy(ROOT / name, figures)
        text = text.replace(f"({name})", f"(_static/figures/{Path(name).name})")
    text = re.sub(r"\]\(notebooks/(\d\d_\w+\.ipynb)", r"](\1", text)
    # What else README links in the repository stays there.
    elsewhere = r"\]\((?!https?:|#|_static|\d\d_)([^)]+)\)"
    text = re.sub(elsewhere, rf"]({REPOSITORY}/blob/main/\1)", text)
    toctree = "```{toctree}\n:hidden:\n:glob:\n\n[0-9][0-9]_*\n```"
    return f"{text}\n\n{toctree}\n"


def tabulate(numbers: list[str], folder: Path) -> None:
    """What these labs show, computed by a process a core; only for those that changed."""
    command = [sys.executable, Path(__file__).with_name("labs.py"), folder]
    cores = min(os.cpu_count() or 1, len(numbers))
    processes = [subprocess.Popen([*command, *numbers[i::cores]]) for i in range(cores)]
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
    (source / "index.md").write_text(front_page(source), encoding="utf-8")
    labs = source / "_static" / "labs"
    tabulate(sorted(path.stem for path in labs.glob("*.png")), folder / "labs")
    shutil.copytree(folder / "labs", labs, dirs_exist_ok=True)
    return source
