"""What a learner does with each notebook: opens it, runs it, plays with its lab."""

from pathlib import Path

import pytest

from tests.browser.test_formulas import in_lesson

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))


@pytest.mark.parametrize("name", [path.name for path in NOTEBOOKS])
def test_a_learner_runs_the_notebook_and_plays_with_its_lab(open_notebook, name):
    notebook = open_notebook(f"notebooks/{name}")
    formulas = len(in_lesson(NOTEBOOKS[0].with_name(name)))
    assert notebook.formulas(at_least=formulas) == (formulas, [])
    assert notebook.run_all() == []
    if notebook.has_lab():
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
        assert lab.wait_for_change(before), f"slider {i} does not move the picture"


def play_moves_the_picture_and_pause_stops_it(lab):
    if lab.button("Rewind").count():
        before = lab.source()
        lab.button("Rewind").click()
        assert lab.wait_for_change(before), "rewind does not move the picture"
    lab.play()
    lab.wait_for_pictures(5)
    lab.button("Pause").click()
    lab.button("Play").wait_for()
    lab.page.wait_for_timeout(500)
    assert lab.pictures_in(1) == 0
