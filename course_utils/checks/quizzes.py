"""A quiz: radio buttons where a kernel runs, a text with folded answers everywhere else.

Radio buttons of ipywidgets, which the labs need anyway: a browser moves through them by keyboard,
and nothing is fetched. jupyterquiz draws with a script, so that a page without one shows nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Option:
    """An option of a question, and why it is right or wrong. At most about 90 characters long."""

    text: str
    why: str
    correct: bool = False


@dataclass(frozen=True)
class Question:
    """A question with one correct option."""

    text: str
    options: Sequence[Option]


class Quiz:
    """Shows itself as the last value of a cell."""

    def __init__(self, questions: Sequence[Question]):
        self.questions = list(questions)
        self.radios = []

    def __repr__(self) -> str:
        lines = []
        for i, question in enumerate(self.questions, start=1):
            lines.append(f"{i}. {question.text}")
            lines += [f"   ( ) {option.text}" for option in question.options]
        return "\n".join(lines)

    def html(self) -> str:
        """The questions, each with its explanations folded away."""
        return "\n".join(
            f"<p><strong>{i}. {escape(question.text)}</strong></p><ul>"
            + "".join(f"<li>{escape(option.text)}</li>" for option in question.options)
            + "</ul><details><summary>Answers</summary><ul>"
            + "".join(f"<li>{explanation(option)}</li>" for option in question.options)
            + "</ul></details>"
            for i, question in enumerate(self.questions, start=1)
        )

    def widget(self):
        """The same as ipywidgets; choosing an option shows its explanation."""
        from ipywidgets import HTML, Layout, RadioButtons, VBox

        # ipywidgets gives a label one line: a long option on a narrow screen would cover the next
        rows = [HTML("<style>.course-quiz label { height: auto; line-height: 1.5 }</style>")]
        self.radios = []
        for i, question in enumerate(self.questions, start=1):
            radio = RadioButtons(
                options=[(option.text, k) for k, option in enumerate(question.options)],
                index=None,
                layout=Layout(width="auto"),
            )
            reply = HTML()

            def answer(change, question=question, reply=reply):
                if change.new is not None:
                    reply.value = f'<p role="alert">{explanation(question.options[change.new])}</p>'

            radio.observe(answer, names="index")
            self.radios.append(radio)
            rows += [HTML(f"<p><strong>{i}. {escape(question.text)}</strong></p>"), radio, reply]
        box = VBox(rows)
        box.add_class("course-quiz")
        return box

    def _repr_mimebundle_(self, **kwargs):
        bundle = {"text/plain": repr(self), "text/html": self.html()}
        try:
            return self.widget()._repr_mimebundle_() | bundle
        except ImportError:
            return bundle


def explanation(option: Option) -> str:
    mark = "✓" if option.correct else "✗"
    return f"{mark} <em>{escape(option.text)}</em> {escape(option.why)}"
