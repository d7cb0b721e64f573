"""What a learner does with each notebook: opens it, runs it, plays with its lab."""

import pytest

from tests.browser.test_formulas import in_lesson
from tools.notebooks import sources


@pytest.mark.parametrize("source", sources(), ids=lambda s: s.stem)
def test_a_learner_runs_the_notebook_and_plays_with_its_lab(open_notebook, source):
    notebook = open_notebook(f"notebooks/{source.stem}.ipynb")
    formulas = len(in_lesson(source))
    assert notebook.formulas(at_least=formulas) == (formulas, [])
    assert notebook.run_all() == []
    labs = notebook.labs()
    assert any(lab.sliders.count() for lab in labs)  # where points rain, there are only buttons
    for lab in labs:
        every_slider_moves_the_picture(lab)
        if lab.button("Play").count():
            play_moves_the_picture_and_pause_stops_it(lab)
    assert notebook.errors == []


def every_slider_moves_the_picture(lab):
    for i in range(lab.sliders.count()):
        handle, before = lab.sliders.nth(i), lab.source()
        at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        handle.focus()
        lab.page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")
        lab.wait_for_change(before)


def play_moves_the_picture_and_pause_stops_it(lab):
    if lab.button("Rewind").count():
        before = lab.source()
        lab.button("Rewind").click()
        lab.wait_for_change(before)
    lab.play()
    lab.wait_for_pictures(5)
    lab.button("Pause").click()
    lab.button("Play").wait_for()
    lab.page.wait_for_timeout(500)
    before = lab.source()
    lab.page.wait_for_timeout(1000)
    assert lab.source() == before
