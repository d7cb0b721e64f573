"""A class that sees itself, and a learner's answers that survive the next version of a lesson."""

import json
import resource
import shutil
import subprocess
import sys

import matplotlib.pyplot as plt
import nbformat
import pytest

from course_utils import checks
from course_utils.checks import predictions, sharing
from course_utils.checks.lessons import entries
from teach import class_view
from tools import notebooks

LESSON = "03"


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(predictions, "PREDICTIONS", {})
    monkeypatch.setattr(sharing, "PREDICTIONS", predictions.PREDICTIONS)
    monkeypatch.setattr(sharing, "TRIED", {})


def test_what_is_shared_holds_guesses_passes_and_recognised_mistakes_and_nothing_else(tmp_path):
    exercise = entries(LESSON, "EXERCISES")["03-1"]
    wrong = exercise.mistakes[0].answer
    checks.guess("03-a", 2.0)
    assert not checks.check("03-1", wrong() if callable(wrong) else wrong)
    assert not checks.check("03-1", 0.9)  # a slip that is told without being listed
    assert not checks.check("03-1", ...)  # no attempt
    right = exercise.oracle() if callable(exercise.oracle) else exercise.oracle
    assert checks.check("03-1", right)
    said = repr(checks.share(LESSON, tmp_path))
    (file,) = tmp_path.iterdir()
    assert str(file) in said.replace("\n", "")
    content = json.loads(file.read_text())
    assert content["guesses"] == {"03-a": 2.0}
    made = [exercise.mistakes[0].message, "This is σ(3). Is that what is asked?"]
    assert content["checks"] == {"03-1": {"count": 3, "passed": True, "mistakes": made}}
    assert set(content) == {"course", "id", "lesson", "guesses", "measured", "checks"}
    found = class_view.gather(tmp_path)
    assert found.lessons == {LESSON: [content]} and not found.left_out


def test_a_full_disk_is_said_and_what_was_shared_before_stays(tmp_path):
    checks.guess("03-a", 2.0)
    checks.share(LESSON, tmp_path)
    (file,) = tmp_path.iterdir()
    before = file.read_text()
    checks.guess("03-a", 3.0)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        said = repr(checks.share(LESSON, tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "Not shared" in said and "File too large" in said and str(tmp_path) in said
    assert [file] == list(tmp_path.iterdir()) and file.read_text() == before
    assert "No such file" in repr(checks.share(LESSON, tmp_path / "none"))


def learner(number, lesson):
    """What one of thirty might share."""
    guesses = {
        key: kind.words[0] if hasattr(kind, "words") else kind.low
        for key, kind in entries(lesson, "GUESSES").items()
    }
    tried = {
        key: {"passed": number < 20, "mistakes": [exercise.mistakes[number // 14].message]}
        for key, exercise in entries(lesson, "EXERCISES").items()
    }
    head = {"course": "0.1.0", "id": f"{number:08x}", "lesson": lesson}
    return {**head, "guesses": guesses, "measured": {}, "checks": tried}


def test_a_class_of_thirty_becomes_a_page_and_a_notebook(tmp_path, monkeypatch, capsys):
    for number in range(30):
        for lesson in ("02", "03"):
            (tmp_path / f"{lesson}-{number}.json").write_text(json.dumps(learner(number, lesson)))
    found = class_view.gather(tmp_path)
    assert {lesson: len(people) for lesson, people in found.lessons.items()} == {"02": 30, "03": 30}
    rows, tried = class_view.diagnoses("03", found.lessons["03"]), entries("03", "EXERCISES")
    assert [row["k"] for row in rows] == [14] * 2 * len(tried) + [2] * len(tried)
    assert all(row["n"] == 30 and (row["note"] == "") == (row["k"] >= 3) for row in rows)
    page = class_view.page(found)
    figures = page.count('<img alt="Guess')
    assert figures == len(entries("02", "GUESSES")) + len(entries("03", "GUESSES"))
    assert 'alt="Guess 03-a: 30 learners"' in page  # none has shared what was measured
    assert class_view.question("03", "03-a") and class_view.hint("03", "03-1")

    notebook = nbformat.read(notebooks.ROOT / "teach" / "the_class.ipynb", as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    monkeypatch.chdir(notebooks.ROOT / "teach")
    monkeypatch.setattr("sys.path", sys.path[:])
    exec(code.replace('"shared"', repr(str(tmp_path))), {})
    said = capsys.readouterr().out
    assert "{'02': 30, '03': 30}" in said and "passed, of those who tried" in said
    plt.close("all")


def test_no_hint_and_no_mistake_is_shown_as_tex():
    for lesson in (source.name[:2] for source in notebooks.sources()):
        for key, exercise in entries(lesson, "EXERCISES").items():
            assert "$" not in class_view.rich(class_view.hint(lesson, key)), key
            assert "$" not in "".join(exercise.says()), key


KNOWN = '{"lesson": "03", "id": "00000000", "guesses": '
NOT_OURS = {
    "broken": ("{", "no JSON"),
    "deep": ("[" * 50_000, "no JSON"),
    "large": (" " * 70_000, "larger"),
    "list": ("[]", "no lesson"),
    "lesson": ('{"lesson": "../.."}', "no lesson"),
    "id": ('{"lesson": "03", "id": "<script>"}', "no id"),
    "key": (KNOWN + '{"<script>": 1}, "checks": {}}', "no guess"),
    "range": (KNOWN + '{"03-a": 1e9}, "checks": {}}', "outside"),
    "place": (KNOWN + '{}, "checks": {"03-1": {"mistakes": [99]}}}', "does not name"),
    "unknown": ('{"lesson": "77", "id": "00000000"}', "no lesson"),
    "twice": (json.dumps(learner(7, LESSON)), "twice"),
}


def test_a_file_that_is_none_of_ours_is_named_and_left_out(tmp_path):
    (tmp_path / "a_good.json").write_text(json.dumps(learner(7, LESSON)))
    for name, (content, _) in NOT_OURS.items():
        (tmp_path / f"{name}.json").write_text(content)
    found = class_view.gather(tmp_path)
    assert len(found.lessons[LESSON]) == 1 and len(found.left_out) == len(NOT_OURS)
    for file, reason in found.left_out:
        assert NOT_OURS[file.removesuffix(".json")][1] in reason, file
    assert "<script>" not in class_view.page(found)


# Corrections reach a learner who has answered


def git(folder, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def save(folder, source_text):
    """Write a pair as JupyterLab does when it saves: the script, and the notebook around it."""
    script = folder / "notebooks" / "03_single_sigma.py"
    script.write_text(source_text, encoding="utf-8")
    built = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    for cell, (_, text) in zip(built.cells, notebooks.cells(script), strict=True):
        cell.source = text
    nbformat.write(built, script.with_suffix(".ipynb"))


def test_an_answer_survives_the_merge_of_a_corrected_lesson(tmp_path):
    """As nbgitpuller merges: the learner's changes are committed, and win where both changed."""
    term, mine = tmp_path / "term", tmp_path / "mine"
    (term / "notebooks").mkdir(parents=True)
    for file in (notebooks.ROOT / "notebooks").glob("03_single_sigma.*"):
        shutil.copy(file, term / "notebooks")
    shutil.copy(notebooks.ROOT / "pyproject.toml", term)
    git(term, "init", "--initial-branch=term")
    git(term, "add", ".")
    git(term, "commit", "-m", "the term begins")
    git(tmp_path, "clone", str(term), str(mine))
    before = (term / "notebooks" / "03_single_sigma.py").read_text(encoding="utf-8")
    save(mine, before.replace("one_sigma = ...", "one_sigma = 0.57  # mine"))
    corrected = before.replace("# ## The lab\n", "# ## The lab\n#\n# A sentence was added.\n", 1)
    save(term, corrected.replace("one_sigma = ...", "one_sigma = ...  # corrected"))
    git(term, "commit", "-am", "corrected by adding")
    git(mine, "commit", "-am", "automatic")
    git(mine, "pull", "--no-rebase", "-Xours", "origin", "term")
    script, built = (mine / "notebooks" / f"03_single_sigma.{end}" for end in ("py", "ipynb"))
    assert notebooks.cells(script) == notebooks.cells(built)
    text = script.read_text(encoding="utf-8")
    assert "one_sigma = 0.57  # mine" in text and "A sentence was added." in text
