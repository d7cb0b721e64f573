"""The notebooks as files. nbval runs them; here they are read."""

import ast
import re
from functools import cache

import nbformat
import pytest

from tools import notebooks
from tools.notebooks import QUESTIONS, README, ROOT, cells, sources

SOURCES = sources()
each_lesson = pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.stem)

MODULES = ["losses", "models", "metrics", "training"]


def built(source):
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


def outputs(source):
    for cell in built(source).cells:
        yield from cell.get("outputs", [])


def code(source):
    return "\n".join(text for kind, text in cells(source) if kind == "code")


def definitions(text):
    """name -> the syntax tree of each top-level function and class, without docstrings.

    Nor with decorators: in the module what may come in is checked before what the lesson shows.
    """
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            for inner in ast.walk(node):
                if isinstance(inner, (ast.FunctionDef, ast.ClassDef)):
                    inner.decorator_list = []
                    inner.body = inner.body[bool(ast.get_docstring(inner)) :]
            found[node.name] = ast.dump(node)
    return found


def test_every_notebook_has_its_script_and_every_script_its_notebook():
    names = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} - {QUESTIONS.stem}
    assert names == {source.stem for source in SOURCES} and names


@each_lesson
def test_a_pair_is_as_make_notebooks_leaves_it(source):
    text, path = source.read_text(encoding="utf-8"), source.with_suffix(".ipynb")
    assert text == notebooks.script(path) == notebooks.repeated(source), "run make notebooks"
    assert not notebooks.foreign(path), "run make notebooks"
    assert ("<!-- claims -->" in text) == bool(notebooks.claims_of(source))


@each_lesson
def test_outputs_hold_no_error_no_warning_and_nothing_raw_and_pictures_have_alt_text(source):
    found = list(outputs(source))
    assert not [o for o in found if o.output_type == "error" or o.get("name") == "stderr"]
    printed = "".join(output.get("text", "") for output in found)
    assert not re.search(r"\{'|tensor\(|dtype=", printed)  # for people, not as Python has it
    assert source.with_suffix(".ipynb").stat().st_size < 1_500_000
    drawn = [output for output in found if "image/png" in output.get("data", {})]
    assert drawn
    for picture in drawn:
        alt = picture.metadata["image/png"]["alt"]
        assert len(alt.split()) >= 8 and picture.data["text/plain"] == alt


@each_lesson
def test_a_lesson_has_its_anatomy(source):
    number = source.stem[:2]
    head = cells(source)[0][1]
    text = "\n".join(text for _, text in cells(source))
    assert head.startswith(f"# {number} · ")
    assert "**The question.**" in head and "**You will be able to**" in head
    assert f"](images/{number}.png)" in head and "from course_utils" in cells(source)[1][1]
    assert re.search(r"\*\*Time\.\*\* About \d+ minutes; the notebook runs in about \d+ s\.", head)
    headings = re.findall(r"^## (.+)$", text, re.M)
    for wanted in ("The lab", "A reader asks", "Exercises", "Quiz", "Recap"):
        assert wanted in headings
    assert "**Next.**" in text and "**Further reading.**" in text
    exercises = set(re.findall(rf'check\("({number}-\d)"', text))
    assert len(exercises) >= 3
    for part in ("Hint 1", "Hint 2", "Solution"):
        assert text.count(f"<summary>{part}</summary>") == len(exercises)
    (lab,) = [i for i, (_, text) in enumerate(cells(source)) if "LABS[" in text]
    assert lab < 0.55 * len(cells(source)), "a lab stands where its idea has been met"
    guessed = re.findall(rf'^guess\("({number}-[a-z])", \.\.\.\)', text, re.M)
    assert guessed and set(guessed) == set(re.findall(rf'measured\("({number}-[a-z])"', text))


@each_lesson
def test_cells_are_short_and_plainly_worded(source):
    for index, (kind, text) in enumerate(cells(source)):
        if kind == "markdown":
            text = re.sub(
                r"<!-- claims -->.*?<!-- end of claims -->|!\[[^]]*\]", "", text, flags=re.S
            )
            formulas_and_tables = r"\$\$.*?\$\$|\$[^$]*\$|<[^>]*>|^\|[^\n]*"
            words = re.sub(formulas_and_tables, " ", text, flags=re.S | re.M).split()
            assert len(words) <= 150, f"cell {index}: {len(words)} words"
            for word in ("simply", "obviously", "it is easy to see", "trivially"):
                assert not re.search(rf"\b{word}\b", text, re.I), f"cell {index} says {word!r}"
        else:
            lines = [line for line in text.splitlines() if line.strip()]
            if not re.match(r"(import|from) ", lines[0]):
                most = 20 if notebooks.is_folded(text) else 15
                assert len(lines) <= most, f"cell {index}: {len(lines)} lines"


@cache
def module():
    """The definitions of the modules that lessons share, and the first lesson that shows each."""
    files = [ROOT / "course_utils" / f"{name}.py" for name in MODULES]
    held = {n: d for f in files for n, d in definitions(f.read_text(encoding="utf-8")).items()}
    first = {}
    for source in SOURCES:
        for name in definitions(code(source)).keys() & held.keys():
            first.setdefault(name, source.stem[:2])
    return held, first


@each_lesson
def test_what_a_lesson_shows_is_what_the_module_holds_and_what_it_imports_was_shown_before(source):
    held, first = module()
    assert "variance_of_predictions" not in held  # a lesson's failing loss
    shown = definitions(code(source))
    for name in shown.keys() & held.keys():
        assert shown[name] == held[name], f"{name} differs from course_utils"
    if source.stem.startswith("00"):
        return  # the tour shows what is to come
    modules = {f"course_utils.{name}" for name in MODULES}
    for node in ast.walk(ast.parse(code(source))):
        if isinstance(node, ast.ImportFrom) and node.module in modules:
            for alias in node.names:
                assert first.get(alias.name, "") < source.stem[:2], f"{alias.name} comes later"


def test_pictures_questions_and_readme_are_as_make_notebooks_leaves_them():
    drawn, text = notebooks.pictures(), README.read_text(encoding="utf-8")
    assert set(notebooks.README_FIGURE.parent.iterdir()) == drawn.keys()
    for path, png in drawn.items():
        assert path.read_bytes() == png, f"{path.name}: run make notebooks"
    assert QUESTIONS.read_text(encoding="utf-8") == notebooks.questions(), "run make notebooks"
    assert text == notebooks.readme(text), "run make notebooks"
    for link in re.findall(r"\]\((?!https?:|#)([^)]+)\)", text):
        assert (ROOT / link).exists(), link
    for source in SOURCES:  # its own, and some that its readers ask
        assert len({question for question, _ in notebooks.questions_in(source)}) >= 2
