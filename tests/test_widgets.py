"""Labs and quizzes on what ipywidgets 7 lacks; Colab has 7.7.1."""

import ipywidgets

from course_utils import guess, quiz
from course_utils.labs import LABS
from course_utils.labs.page import playing_trait
from course_utils.widgets import VIEW, mimebundle


class Seven:
    """A widget as version 7 has it: it displays itself, and gives no bundle."""

    model_id = "abc"


def test_a_widget_of_version_7_is_shown_by_its_model():
    assert mimebundle(Seven())[VIEW] == {"version_major": 2, "version_minor": 0, "model_id": "abc"}


def test_a_widget_of_version_8_says_itself_how_it_is_shown():
    box = ipywidgets.VBox()
    assert mimebundle(box)[VIEW]["model_id"] == box.model_id


def test_a_lab_plays_whatever_the_trait_is_called(quick_pictures, monkeypatch):
    lab = LABS["03"]()
    lab.play()
    assert lab.playing and getattr(lab.clock, playing_trait(lab.clock))
    lab.pause()
    assert not lab.playing
    monkeypatch.setattr(lab.clock, "has_trait", lambda name: name != "playing")
    assert playing_trait(lab.clock) == "_playing"
    lab.close()


def test_what_answers_back_shows_a_widget_and_a_text():
    for shown in (quiz("01"), guess("01-a", ...)):
        assert {VIEW, "text/plain"} <= shown._repr_mimebundle_().keys()
