"""A quiz: radio buttons where a kernel runs, a text with folded answers everywhere else.

Radio buttons of ipywidgets, which the labs need anyway: Tab and Space work them, and nothing is
fetched. jupyterquiz draws with a script, so that a page that runs none shows nothing.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from course_utils.widgets import mimebundle

# ipywidgets gives an option one line: on a narrow screen a long one would cover the next.
# Buttons and not radio buttons: between those one moves by arrow keys, which JupyterLab keeps.
STYLE = """
.course-quiz button { display: block; height: auto; line-height: 1.5; margin: 2px 0;
  padding: 3px 10px; text-align: left; white-space: normal; width: 100% }
.course-quiz .widget-html-content { line-height: 1.5 }
"""


@dataclass(frozen=True)
class Option:
    """An option, at most 90 characters of plain text, and why it is right or wrong."""

    text: str
    why: str
    correct: bool = False


@dataclass(frozen=True)
class Question:
    """A question with one correct option; it and the whys may hold *emphasis* and `code`."""

    text: str
    options: Sequence[Option]


class Quiz:
    """Shows itself as the last value of a cell."""

    def __init__(self, questions: Sequence[Question]):
        self.questions = [shuffled(question) for question in questions]
        self.buttons = []

    def __repr__(self) -> str:
        lines = []
        for i, question in enumerate(self.questions, start=1):
            lines.append(f"{i}. {question.text}")
            lines += [f"   ( ) {option.text}" for option in question.options]
        return "\n".join(lines)

    def html(self) -> str:
        """The questions, each with its explanations folded away."""
        return "\n".join(
            f"<p><strong>{i}. {html(question.text)}</strong></p><ul>"
            + "".join(f"<li>{html(option.text)}</li>" for option in question.options)
            + "</ul><details><summary>Answers</summary><ul>"
            + "".join(f"<li>{explanation(option)}</li>" for option in question.options)
            + "</ul></details>"
            for i, question in enumerate(self.questions, start=1)
        )

    def widget(self):
        """The same as ipywidgets; choosing an option shows its explanation."""
        from ipywidgets import HTML, Layout, ToggleButtons, VBox

        rows, self.buttons = [HTML(f"<style>{STYLE}</style>")], []
        for i, question in enumerate(self.questions, start=1):
            buttons = ToggleButtons(
                options=[(option.text, k) for k, option in enumerate(question.options)],
                index=None,
                layout=Layout(width="auto"),
            )
            reply = HTML()

            def answer(change, question=question, reply=reply):
                if change.new is not None:
                    reply.value = f'<p role="alert">{explanation(question.options[change.new])}</p>'

            buttons.observe(answer, names="index")
            self.buttons.append(buttons)
            rows += [HTML(f"<p><strong>{i}. {html(question.text)}</strong></p>"), buttons, reply]
        box = VBox(rows)
        box.add_class("course-quiz")
        return box

    def _repr_mimebundle_(self, **kwargs):
        bundle = {"text/plain": repr(self), "text/html": self.html()}
        try:
            return mimebundle(self.widget()) | bundle
        except ImportError:
            return bundle


def shuffled(question: Question) -> Question:
    """The same options in another order: always the same one, drawn from the question's text."""
    options = list(question.options)
    random.Random(question.text).shuffle(options)
    return Question(question.text, options)


def html(text: str) -> str:
    """Plain text as HTML, with *emphasis* and `code`."""
    text = re.sub(r"\*(\S[^*]*?)\*", r"<em>\1</em>", escape(text))
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text)


def explanation(option: Option) -> str:
    mark = "✓" if option.correct else "✗"
    return f"{mark} <strong>{html(option.text)}</strong>: {html(option.why)}"
