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


@pytest.mark.parametrize("source", sources(), ids=lambda s: s.stem)
def test_katex_and_vs_code_and_github_draw_every_formula(katex, source):
    """VS Code does not end a formula before a letter: it shows the dollars and what follows.

    GitHub takes a bar in a table for the end of a cell, and one with a backslash for one without.
    """
    assert in_lesson(source)
    assert katex(in_lesson(source)) == []
    for text in (text for kind, text in cells(source) if kind == "markdown"):
        prose = CODE.sub("`code`", text)
        for found in re.finditer(r"\$\$.+?\$\$|\$[^$\n]+\$", prose, re.S):
            around = prose[: found.start()][-1:], prose[found.end() :][:1]
            assert not any(character.isalnum() for character in around), (found[0], around)
        for row in re.findall(r"^\|.*$", text, re.M):
            assert not [tex for tex, _ in formulas(row) if "|" in tex], row


def test_katex_draws_the_formulas_of_the_readme(katex):
    assert katex(formulas(README.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("tex", [r"e^{\text{log_var}}", "c = ½", r"\unknown", r"\frac{1}{"])
def test_katex_refuses_what_vs_code_shows_as_an_error(katex, tex):
    assert len(katex([(tex, False)])) == 1


def test_an_error_of_mathjax_is_seen(open_cells):
    """test_notebooks_in_jupyterlab.py asks the same of each lesson, which it has open anyway."""
    text = r"$\sigma$ and $x \right)$ and $\unknown{x}$"
    assert len(formulas(text)) == 3
    drawn, errors = open_cells(nbformat.v4.new_markdown_cell(text)).formulas(at_least=3)
    assert drawn == 3 and len(errors) == 2
