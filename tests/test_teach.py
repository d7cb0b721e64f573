"""What an instructor hands out: slides and pages made from the lessons by rules."""

import base64
import io
import re
from html import unescape

import pytest
from nbconvert import HTMLExporter
from PIL import Image

from course_utils.plots import DRAWN_DPI
from tools import instructors, slides
from tools.notebooks import ROOT, figures, sources

LESSONS = sources()
each_lesson = pytest.mark.parametrize("source", LESSONS, ids=lambda source: source.stem)


@each_lesson
def test_a_deck_holds_question_figures_quiz_and_no_solution_and_can_be_read(source):
    page = slides.deck(source.with_suffix(".ipynb"))
    seen = unescape(page)
    assert page.count("<section>") == page.count("</section>") >= 6
    assert "<details>" not in page and "check(" not in page
    for alt in figures(source):
        assert f'alt="{alt}"' in seen
    for question in slides.lesson(source.stem[:2]).QUIZ:
        assert question.text in seen
    # Letters of 9 points have 16 of a projected slide's 720 pixels.
    for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page):
        width, height = Image.open(io.BytesIO(base64.b64decode(data))).size
        shown = 0.96 * min(1, 1280 / width, 590 / height)  # reveal's margin, the page's style
        assert 9 * DRAWN_DPI / 72 * shown >= 16, (width, height)


def test_a_page_to_hand_out_keeps_the_alt_texts_and_holds_every_picture():
    exporter = HTMLExporter(
        template_name="handout", extra_template_basedirs=[str(ROOT / "teach")], embed_images=True
    )
    page, _ = exporter.from_filename(str(LESSONS[4].with_suffix(".ipynb")))
    found = [unescape(alt) for alt in re.findall(r'<img [^>]*alt="([^"]+)"', page)]
    assert found and figures(LESSONS[4]).keys() <= set(found)
    assert not re.findall(r'<img [^>]*src="(?!data:)', page)


def test_the_instructors_page_is_as_make_notebooks_leaves_it():
    text = instructors.PAGE.read_text(encoding="utf-8")
    assert text == instructors.page(text), "run make notebooks"
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (instructors.PAGE.parent / link).exists(), link


def test_the_ninety_minutes_say_of_the_lessons_what_these_say():
    page, lesson = instructors.PAGE.read_text(encoding="utf-8"), instructors.text("04")
    assert "94 % of all points, 100 % in the middle and 83 % at the edges" in page
    assert re.search("holds 94 %.*in the middle 100 %, at the edges 83 %", lesson)
    assert re.search(r"!\[(.+?)\]\(images/04.png\)", lesson)[1] in page
    for number, seconds in [("00", "8 s"), ("04", "16 s")]:
        assert f"({seconds}; " in page and f"runs in about {seconds}" in instructors.text(number)


def test_no_schedule_leaves_out_what_its_lessons_need():
    for name, plan in instructors.known()["schedules"].items():
        for number in plan["lessons"]:
            assert instructors.needs(number) <= set(plan["lessons"]), (name, number)


@each_lesson
def test_what_breaks_a_misconception_is_a_section_of_its_lesson(source):
    number = source.stem[:2]
    headings = re.findall(r"^## (.+)$", instructors.text(number), re.MULTILINE)
    assert instructors.known()["lessons"][number]["breaks"] in headings
