"""What the lessons say to a reader: how long they take, where they lead, whom they quote."""

import ast
import re

from course_utils.labs import LABS
from tests.test_notebooks import SOURCES, code, each_lesson
from tools.notebooks import ROOT, cells, hint, repository

STEMS = {source.stem for source in SOURCES}

LINK = re.compile(r"\[[^\]]*\]\((https?://[^)\s]+)\)")
NAMED = re.compile(r"\b(?:[Nn]otebooks?|[Ll]essons?) ((?:\d\d(?:, | and | or | to )?)+)")
CITED = re.compile(r"\b([A-Z][\w-]+)(?: et al\.|[ ,&]+[A-Z][\w.]*)* \(?(?:19|20)\d\d\b")


def words(source):
    """The lesson's Markdown, cell by cell."""
    return [text for kind, text in cells(source) if kind == "markdown"]


@each_lesson
def test_a_lesson_takes_an_hour_at_most_and_is_one_idea_long(source):
    assert int(re.search(r"\*\*Time\.\*\* About (\d+) minutes", words(source)[0])[1]) <= 60
    text = source.read_text(encoding="utf-8").replace(f"#\n# {hint()}\n", "")
    lines = re.sub(r"# <!-- claims -->.*?# <!-- end", "", text, flags=re.S).splitlines()
    assert len(lines) <= 620


def test_no_address_of_the_course_is_made_up():
    """A link to the course stands in the tree once pyproject.toml says where it is published."""
    folders = ("notebooks", "course_lessons", "course_utils", "site", "teach", "tests", "tools")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    files = [path for path in files if path.suffix in (".py", ".md", ".ipynb", ".js", ".css")]
    course = r"github(?:\.com|usercontent\.com)?/([\w-]+/learning-the-variance)\b"
    for path in [*files, *ROOT.glob("*.md")]:
        for named in re.findall(course, path.read_text(encoding="utf-8")):
            assert repository().endswith(f"/{named}"), path


@each_lesson
def test_every_lesson_and_section_that_is_named_exists(source):
    text = "\n".join(words(source))
    linked = re.findall(r"\]\((\d\d_\w+)\.ipynb(?:#([^)]+))?", text)
    for stem, anchor in [*linked, *((stem, "") for stem in re.findall(r"`(\d\d_\w+)`", text))]:
        target = source.with_name(f"{stem}.py").read_text(encoding="utf-8")
        headings = re.findall(r"^# #+ (.+)$", target, re.M)
        assert anchor in {"", *(heading.replace(" ", "-") for heading in headings)}, anchor
    for named in NAMED.findall(text):
        assert set(re.findall(r"\d\d", named)) <= {stem[:2] for stem in STEMS}, named


@each_lesson
def test_what_a_lesson_calls_by_number_is_its_own(source):
    number, text = source.stem[:2], code(source)
    for name in ("check", "guess", "measured"):
        assert set(re.findall(rf'\b{name}\("(\d\d)-', text)) <= {number}, name
    for called in (r'LABS\["(\d\d)"\]', r'\bquiz\("(\d\d)"', r'\bguesses\("(\d\d)"'):
        assert re.findall(called, text) == [number], called
    for exercise in re.findall(r"^\*\*(\d\d)-\d \(", "\n".join(words(source)), re.M):
        assert exercise == number


def test_labs_and_checks_are_those_of_the_lessons():
    numbers = {stem[:2] for stem in STEMS}
    for folder in ("labs", "checks"):
        files = (ROOT / "course_lessons" / folder).glob("lesson_*.py")
        assert {path.stem[-2:] for path in files} == numbers
    assert set(LABS) == numbers
    for number, lab in LABS.items():
        assert lab.__module__.endswith(f"lesson_{number}") and f"esson {number}" in lab.__doc__


@each_lesson
def test_every_source_has_an_address(source):
    text = "\n\n".join(words(source))
    (reading,) = re.findall(r"\*\*Further reading\.\*\*\s*\n(.+?)(?:\n\n|\Z)", text, re.S)
    items = re.findall(r"^- (.+)$", reading, re.M)
    assert items, "further reading is a list"
    assert not [item for item in items if not LINK.search(item)]
    # A name with a year is a citation: somewhere in the lesson that name stands beside an address.
    lines = [line for line in text.splitlines() if LINK.search(line)]
    for name in set(CITED.findall(text)):
        assert any(name in line for line in lines), f"{name} has no address"


@each_lesson
def test_what_was_measured_is_computed(source):
    for node in ast.walk(ast.parse(code(source))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "measured":
            assert any(isinstance(part, ast.Name) for part in ast.walk(node.args[1])), node.lineno
