"""The author's loop: execute each changed notebooks/NN_name.py and write its paired .ipynb.

    make notebooks                    those whose code differs from their .ipynb, or whose words do
    make notebooks ARGS="02 04"       these
    make notebooks ARGS=--all         all of them

The same run writes what is repeated: README.md's lesson table and figure, the page of questions,
a lesson's minutes, the picture at its top, and its claims from what `make claims` stored.
"""

import ast
import base64
import re
import sys
import time
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

from course_utils.widgets import VIEW
from tests.claims import run as claims
from tests.claims import shown
from tools import instructors

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
QUESTIONS = ROOT / "notebooks" / "questions.ipynb"
README_FIGURE = ROOT / "notebooks" / "images" / "heteroscedastic.png"
README_FIGURE_LESSON = "04"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}
# A folded cell in JupyterLab and VS Code, in Colab, and on the site.
FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}, "tags": ["hide-input"]}
# JupyterLab scrolls to a section only of a notebook that is open already.
SECOND_CLICK = " In JupyterLab the first click opens the lesson, a second one its section."
FORMULA = re.compile(r"\$\$.*?\$\$", re.S)


def sources() -> list[Path]:
    """The percent scripts of the lessons, in order."""
    return sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.py"))


def cells(path: Path) -> list[tuple[str, str]]:
    """(type, source) of each cell of a .py or .ipynb."""
    return parsed(path.read_text(encoding="utf-8"), path.suffix)


@cache
def parsed(text: str, suffix: str) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in jupytext.reads(text, fmt=suffix).cells]


def is_built(source: Path) -> bool:
    """Whether the .ipynb holds the same cells as its source, executed, and nothing besides."""
    built = source.with_suffix(".ipynb")
    if not built.exists() or conflict(built):
        return False
    return cells(source) == cells(built) and not foreign(built)


def conflict(path: Path) -> int | None:
    """The first line at which a merge left two versions side by side."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("<<<<<<< "):
            return number
    return None


def is_folded(code: str) -> bool:
    """Whether a cell's code only imports and sets up, or only draws: it is shown when asked for."""
    try:
        body = ast.parse(code).body
    except SyntaxError:  # an answer half typed
        return False
    if not body:
        return False
    if isinstance(body[0], (ast.Import, ast.ImportFrom)):
        return all(isinstance(node, (ast.Import, ast.ImportFrom, ast.Expr)) for node in body)
    taught = (ast.FunctionDef, ast.ClassDef, ast.Assert)
    parts = list(ast.walk(ast.Module(body, [])))
    return (
        called(body[-1]) == "show"
        and not any(isinstance(part, taught) for part in parts)
        and not any(called(part) == "print" for part in parts)
    )


def called(node: ast.AST) -> str:
    """The name of the function that a statement does nothing but call."""
    call = node.value if isinstance(node, ast.Expr) else None
    return getattr(call.func, "id", "") if isinstance(call, ast.Call) else ""


def metadata(cell: nbformat.NotebookNode) -> dict:
    """What stands in a cell's metadata: whether its code is folded."""
    return FOLDED if cell.cell_type == "code" and is_folded(cell.source) else {}


def foreign(built: Path) -> list[str]:
    """What a .ipynb holds that `make notebooks` does not write.

    Colab, VS Code and JupyterLab save what they like: widgets' states, ids and folds of cells,
    another version of the format, the counts of the cells that were run, and their outputs.
    """
    notebook = nbformat.read(built, as_version=nbformat.NO_CONVERT)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = sorted(notebook.metadata.keys() - METADATA.keys())
    found += [name for name in METADATA if notebook.metadata.get(name) != METADATA[name]]
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        found.append("cells that have not run in order")
    if any(VIEW in output.get("data", {}) for cell in code for output in cell.outputs):
        found.append("widgets of a kernel that is gone")
    if any(cell.metadata not in ({}, FOLDED) for cell in notebook.cells):
        found.append("metadata of cells")
    if any(cell.metadata != metadata(cell) for cell in notebook.cells):
        found.append("folds of cells")
    tidy(notebook)
    if not found and nbformat.writes(notebook) != built.read_text(encoding="utf-8").rstrip("\n"):
        found.append("another spelling of the file")
    return found


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Keep the cells and their outputs; drop what differs from one program to the next."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for index, cell in enumerate(notebook.cells):
        # The script holds no ids, and random ones would change in every diff.
        cell.id = f"cell-{index:02d}"
        cell.metadata = nbformat.from_dict(metadata(cell))
        for output in cell.get("outputs", []):
            # Its kernel is gone: before the first run JupyterLab would show an error in its place,
            # and not the picture or text beside it.
            output.get("data", {}).pop(VIEW, None)


def execute(source: Path) -> nbformat.NotebookNode:
    """Run a percent script in a fresh kernel; the notebook keeps its outputs and little else."""
    notebook = jupytext.read(source)
    notebook.metadata = nbformat.from_dict(METADATA)
    client = NotebookClient(
        notebook,
        timeout=600,
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(source.parent)}},
    )
    client.execute()
    tidy(notebook)
    return notebook


def script(built: Path) -> str:
    """The percent script of a notebook, as Jupytext writes it when a learner saves."""
    config = jupytext.config.load_jupytext_config(str(built.resolve()))
    notebook = nbformat.read(built, as_version=4)
    return jupytext.writes(notebook, fmt="py:percent", config=config)


def write(notebook: nbformat.NotebookNode, source: Path) -> None:
    """Write the .ipynb, and the script anew from it: JupyterLab compares the two as texts."""
    built = source.with_suffix(".ipynb")
    nbformat.write(notebook, built)
    source.write_text(script(built), encoding="utf-8")


def build(source: Path) -> None:
    """Execute one lesson and write its pair; say how long it took."""
    start = time.perf_counter()
    notebook = execute(source)
    write(notebook, source)
    print(f"{source.name}: {time.perf_counter() - start:.1f} s with the start of its kernel")


def reword(source: Path) -> bool:
    """If nothing but text has changed, write it around the outputs that are there."""
    path = source.with_suffix(".ipynb")
    if not path.exists() or conflict(path):
        return False
    # The version of Python and a fold say nothing of the outputs; all else comes with outputs from
    # elsewhere.
    if set(foreign(path)) - {"language_info", "folds of cells"}:
        return False
    built = nbformat.read(path, as_version=4)
    code = [cell for cell in built.cells if cell.cell_type == "code"]
    sources = [text for kind, text in cells(source) if kind == "code"]
    if [cell.source for cell in code] != sources:
        return False
    executed = iter(code)
    built.cells = [
        next(executed) if kind == "code" else nbformat.v4.new_markdown_cell(text)
        for kind, text in cells(source)
    ]
    tidy(built)
    write(built, source)
    print(f"{source.name}: new words around the same code")
    return True


def repository() -> str:
    """The course's address on GitHub, as pyproject.toml says; "" where it says none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project.get("urls", {}).get("Repository", "").rstrip("/")


def places(name: str, address: str) -> dict[str, str]:
    """Where a notebook of the course at this address opens in a browser."""
    repo = address.removeprefix("https://github.com/")
    return {
        "Binder": f"https://mybinder.org/v2/gh/{repo}/main?urlpath=lab/tree/notebooks/{name}",
        "Colab": f"https://colab.research.google.com/github/{repo}/blob/main/notebooks/{name}",
    }


def hint() -> str:
    """What every lesson says, above its first import, to whoever opens it as a single file."""
    if address := repository():
        first, what = "run", f"git+{address}"
    else:
        first = "upload the course's folder as <code>course.zip</code>, then run"
        what = "course.zip"
    return (
        "<details><summary>On Colab</summary><code>course_utils</code> is missing there, as in any "
        f"single file: {first} <code>%pip install {what}</code> in a new cell.</details>"
    )


def with_hint(text: str) -> str:
    """A lesson's script with the hint of this repository, folded below the line on its time."""
    old = r"(?: \*\*On Colab,.*)?(?:\n#\n# <details><summary>On Colab.*)?$"
    time = r"(?m)^(# \*\*Time\.\*\*.*?s\.)"
    return re.sub(time + old, lambda line: f"{line[1]}\n#\n# {hint()}", text, count=1)


def minutes(source: Path) -> float:
    """How long a lesson takes a learner, by the rule that 00 states."""
    all_cells = cells(source)
    text = "\n".join(text for kind, text in all_cells if kind == "markdown")
    text = re.sub(r"<details>.*?</details>", " ", text, flags=re.S)
    apart = r"<!--.*?-->|!\[[^]]*\]|^```.*?^```"
    prose = re.sub(apart, " ", FORMULA.sub(" ", text), flags=re.S | re.M)
    code = [text for kind, text in all_cells if kind == "code" and not is_folded(text)]
    asked = [text for text in code if re.search(r'^check\("', text, re.M)]
    lines = [line for text in code if text not in asked for line in text.splitlines()]
    return (
        len(prose.split()) / 120
        + len([line for line in lines if line.strip()]) / 15
        + 1.5 * len(FORMULA.findall(text))
        + sum(9 if re.search("^def ", text, re.M) else 5 for text in asked)
        + 6 * ("LABS[" in "\n".join(code))
        + 2 * ("quiz(" in "\n".join(code))
        + len(re.findall(r'^guess\("', "\n".join(code), re.M))
        + int(re.search(r"runs in about (\d+) s", text)[1]) / 60
    )


def with_minutes(text: str, takes: float) -> str:
    """A lesson's script with the minutes that it takes, where it says others by a tenth or more."""

    def honest(said: re.Match) -> str:
        right = abs(int(said[2]) - takes) <= 0.1 * takes
        return said[0] if right else f"{said[1]}{takes:.0f}{said[3]}"

    return re.sub(r"(\*\*Time\.\*\* About )(\d+)( minutes)", honest, text, count=1)


def claims_of(source: Path) -> str:
    """The Markdown of a lesson's claims, from what `make claims` has stored."""
    own = [name for name in claims.names() if name.partition("_")[0] == source.name[:2]]
    return "\n\n".join(shown.text(claims.module(n).CLAIMS, claims.stored(n)) for n in own)


def with_claims(text: str, source: Path) -> str:
    """A lesson's script with its claims between the two marks, if it has them."""
    start, end = "# <!-- claims -->", "# <!-- end of claims -->"
    if start not in text:
        return text
    block = "".join(f"# {line}".rstrip() + "\n" for line in claims_of(source).splitlines())
    before, rest = text.split(start)
    return f"{before}{start}\n#\n{block}#\n{end}{rest.split(end)[1]}"


def repeated(source: Path) -> str:
    """A script with what it repeats: its minutes, the hint for Colab, and its claims."""
    if line := conflict(source):
        name = source.relative_to(ROOT)
        raise SystemExit(
            f"{name}, line {line}: a merge left two versions there. "
            "Keep one, then run make notebooks: it builds the .ipynb anew."
        )
    text = with_hint(source.read_text(encoding="utf-8"))
    return with_claims(with_minutes(text, minutes(source)), source)


def lesson_table() -> str:
    """README's table: each lesson's title and question, and what opens it, if that is known."""
    address = repository()
    rows = ["| lesson | the question | runs in |", "|---|---|---|"]
    if address:
        rows = ["| lesson | the question | runs in | open |", "|---|---|---|---|"]
    for source in sources():
        name = source.with_suffix(".ipynb").name
        head = cells(source)[0][1]
        title = re.search(r"^# (.+)$", head, re.M)[1]
        question = re.search(r"\*\*The question\.\*\* (.+?)(?:\n\n|$)", head, re.S)[1]
        seconds = re.search(r"runs in (?:about )?(\d+ s)", head)[1]
        question = " ".join(question.split())
        row = f"| [{title}](notebooks/{name}) | {question} | {seconds} |"
        if address:
            links = (f"[{place}]({url})" for place, url in places(name, address).items())
            row += f" {' · '.join(links)} |"
        rows.append(row)
    rows.append("")
    if address:
        rows.append(
            "*Binder* opens a lesson in the browser, on any machine. *Colab* does too, and the "
            "lesson's first lines say what to type there."
        )
    else:
        rows.append(
            "Whoever publishes the course sets `Repository` in [pyproject.toml](pyproject.toml) "
            "and runs `make notebooks`: each lesson then has a link that opens it in a browser."
        )
    return "\n".join(rows)


def readme(text: str) -> str:
    """README's text with its lesson table brought up to date."""
    start, end = "<!-- lessons: written by make notebooks -->", "<!-- end of lessons -->"
    before, rest = text.split(start)
    _, after = rest.split(end)
    return f"{before}{start}\n{lesson_table()}\n{end}{after}"


def questions_in(source: Path) -> list[tuple[str, str]]:
    """What a lesson answers, in a reader's words: (question, the heading below which it stands).

    Its own question, each heading that asks, and each bold quotation at the start of a paragraph.
    """
    found, heading = [], ""
    for kind, text in cells(source):
        for line in text.splitlines() if kind == "markdown" else []:
            if asked := re.match(r"\*\*The question\.\*\* (.+)", line):
                found.append((asked[1], heading))
            elif title := re.match(r"#+ (.+)", line):
                heading = title[1]
                if heading.strip('"').endswith("?") and heading != "How far does this hold?":
                    found.append((heading.strip('"'), heading))
            elif asked := re.match(r'\*\*"(.+?)"\*\*', line):
                found.append((asked[1].rstrip("."), heading))
    return found


def anchor(source: Path, heading: str) -> str:
    """The end of a link to a section, as JupyterLab follows it; the title needs none.

    JupyterLab compares the heading with the encoded address: with a σ it is found by its cell.
    """
    all_cells = cells(source)
    (index, *_) = (i for i, (kind, text) in enumerate(all_cells) if f"# {heading}" in text)
    if not index:
        return ""
    return f"#{heading.replace(' ', '-')}" if heading.isascii() else f"#cell-id=cell-{index:02d}"


def questions(anchor: Callable[[Path, str], str] = anchor) -> str:
    """The notebook that lists all questions, each with a link to its answer, as a file's text."""
    head = (
        "# Questions\n\nWhat the lessons answer, in the words of those who ask. Search this page "
    )
    head += "(Ctrl+F, on a Mac ⌘F) for a word of your question, or for what you see go wrong."
    head += SECOND_CLICK
    parts = [head]
    for source in sources():
        name = source.with_suffix(".ipynb").name
        title = re.search(r"^# (.+)$", cells(source)[0][1], re.M)[1]
        links = [f"- [{q}](<{name}{anchor(source, h)}>)" for q, h in questions_in(source)]
        parts.append("\n".join([f"## [{title}]({name})", "", *links]))
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(part) for part in parts],
        # Jupytext shall not pair it: no script stands behind this page.
        metadata=METADATA | {"jupytext": {"formats": "ipynb"}},
    )
    for index, cell in enumerate(notebook.cells):
        cell.id = f"cell-{index:02d}"
    return nbformat.writes(notebook) + "\n"


def figures(source: Path) -> dict[str, bytes]:
    """The alt text of each figure of a built lesson -> its PNG, in order."""
    found = {}
    for cell in nbformat.read(source.with_suffix(".ipynb"), as_version=4).cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                alt = output.metadata["image/png"]["alt"]
                found[alt] = base64.b64decode(output.data["image/png"])
    return found


def pictures() -> dict[Path, bytes]:
    """Each file of notebooks/images -> what it repeats: README's figure, the lessons' pictures."""
    found = {}
    for source in sources():
        drawn = figures(source)
        if source.name.startswith(README_FIGURE_LESSON):
            found[README_FIGURE] = next(iter(drawn.values()))
        number = source.name[:2]
        for alt in re.findall(rf"!\[([^]]+)\]\(images/{number}\.png\)", cells(source)[0][1]):
            if alt not in drawn:
                raise SystemExit(f"{source.name}: no figure has the alt text of its picture: {alt}")
            found[README_FIGURE.with_name(f"{number}.png")] = drawn[alt]
    return found


def main(arguments: list[str]) -> None:
    chosen = [s for s in sources() if any(s.name.startswith(a) for a in arguments)]
    if arguments == ["--all"] or not arguments:
        chosen = sources()
    elif not chosen:
        raise SystemExit(f"no lesson starts with {' or '.join(arguments)}")
    for source in chosen:
        source.write_text(repeated(source), encoding="utf-8")
        if arguments or not (is_built(source) or reword(source)):
            build(source)
    instructors.main()
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
    QUESTIONS.write_text(questions(), encoding="utf-8")
    README_FIGURE.parent.mkdir(exist_ok=True)
    for path, png in pictures().items():
        path.write_bytes(png)


if __name__ == "__main__":
    main(sys.argv[1:])
