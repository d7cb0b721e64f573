"""Every formula, as JupyterLab (MathJax) and VS Code (KaTeX) draw it."""

import re
import sys
from pathlib import Path

import nbformat
import pytest

from tools.notebooks import README, cells, sources

KATEX = Path(sys.prefix) / "katex" / "sphinxcontrib" / "katex.min.js"  # `make test-browser`
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.S)
# As VS Code's reader of Markdown has it: no space inside the dollars, no digit after them.
FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<![\\$])\$(?!\s)([^$\n]+?)(?<![\s\\])\$(?![\d$])", re.S)
each_lesson = pytest.mark.parametrize("source", sources(), ids=lambda s: s.stem)


def formulas(markdown):
    """(TeX, whether it stands on a line of its own) of each formula."""
    found = FORMULA.findall(CODE.sub("`code`", markdown))
    return [(display or inline, bool(display)) for display, inline in found]


def in_lesson(source):
    return [
        formula for kind, text in cells(source) if kind == "markdown" for formula in formulas(text)
    ]


@pytest.fixture(scope="module")
def katex(browser):
    """The message of KaTeX for each formula that it refuses, or would draw with a warning."""
    assert KATEX.is_file(), "run make test-browser: it installs KaTeX"
    page = browser.new_page()
    page.add_script_tag(path=KATEX)

    def refused(wanted):
        return page.evaluate(
            """wanted => wanted.flatMap(([tex, displayMode]) => {
                try { katex.renderToString(tex, {displayMode, strict: 'error'}); return []; }
                catch (error) { return [`${tex}: ${error.message}`]; }
            })""",
            wanted,
        )

    yield refused
    page.close()


@each_lesson
def test_katex_draws_every_formula(katex, source):
    assert in_lesson(source)
    assert katex(in_lesson(source)) == []


def test_katex_draws_the_formulas_of_the_readme(katex):
    assert katex(formulas(README.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("tex", [r"e^{\text{log_var}}", "c = ½", r"\unknown", r"\frac{1}{"])
def test_katex_refuses_what_vs_code_shows_as_an_error(katex, tex):
    assert len(katex([(tex, False)])) == 1


def test_an_error_of_mathjax_is_seen(course, open_notebook):
    """test_notebooks_in_jupyterlab.py asks the same of each lesson, which it has open anyway."""
    text = r"$\sigma$ and $x \right)$ and $\unknown{x}$"
    cell = nbformat.v4.new_markdown_cell(text)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata=kernel)
    nbformat.write(notebook, course / "notebooks" / "bad.ipynb")
    assert len(formulas(text)) == 3
    drawn, errors = open_notebook("notebooks/bad.ipynb").formulas(at_least=3)
    assert drawn == 3 and len(errors) == 2


@each_lesson
def test_no_letter_touches_a_formula(source):
    """VS Code does not end a formula before a letter: it shows the dollars and what follows."""
    for kind, text in cells(source):
        prose = CODE.sub("`code`", text) if kind == "markdown" else ""
        for found in re.finditer(r"\$\$.+?\$\$|\$[^$\n]+\$", prose, re.S):
            around = prose[: found.start()][-1:], prose[found.end() :][:1]
            assert not any(character.isalnum() for character in around), (found[0], around)


@each_lesson
def test_no_formula_in_a_table_holds_a_bar(source):
    """GitHub takes it for the end of a cell, and a bar with a backslash for a bar without."""
    for kind, text in cells(source):
        for row in re.findall(r"^\|.*$", text if kind == "markdown" else "", re.M):
            assert not [tex for tex, _ in formulas(row) if "|" in tex], row
