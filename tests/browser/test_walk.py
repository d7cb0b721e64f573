"""Lesson 04 in a real JupyterLab by the keyboard alone: a guess, the lab, the quiz."""

from course_utils import quiz

LESSON = "notebooks/04_heteroscedastic_network.ipynb"
NAME = """() => {
    const it = document.activeElement;
    const by = it.getAttribute('aria-labelledby');
    const label = by ? document.getElementById(by) : (it.labels ?? [])[0];
    return [it.getAttribute('role') ?? it.type ?? it.localName,
        it.getAttribute('aria-label') ?? label?.textContent ?? it.textContent].join(' ');
}"""


class Hands:
    """A keyboard: j and k move between cells, Tab into what a cell shows."""

    def __init__(self, notebook):
        self.page, self.press = notebook.page, notebook.page.keyboard.press
        self.shell = "window.jupyterapp.shell.currentWidget.content"
        self.page.evaluate(f"() => {self.shell}.activate()")  # as JupyterLab opens it

    def to_cell(self, start: str) -> None:
        """Up or down to the cell whose source starts so."""
        self.press("Escape")
        way = f"""start => {{ const cells = {self.shell}.model.cells;
            const at = [...cells].findIndex(it => it.sharedModel.source.startsWith(start));
            return at - {self.shell}.activeCellIndex; }}"""
        while steps := self.page.evaluate(way, start):
            before = steps
            self.press("j" if steps > 0 else "k")
            assert self.page.evaluate(way, start) != before, self.page.evaluate(NAME)

    def tab_to(self, name: str) -> str:
        """Press Tab until the element of this role and name has the focus."""
        seen = []
        for _ in range(40):
            self.press("Tab")
            seen.append(self.page.evaluate(NAME))
            if seen[-1].startswith(name):
                return seen[-1]
        raise AssertionError(f"Tab does not lead to {name}: {seen}")


def test_a_guess_the_lab_and_the_quiz_of_lesson_04_by_the_keyboard(open_notebook):
    notebook = open_notebook(LESSON)
    assert notebook.run_all() == []
    hands, page = Hands(notebook), notebook.page

    covered = page.get_by_text("Measured, and covered until you guess.")
    covered.nth(2).wait_for()
    hands.to_cell('guess("04-a"')
    hands.tab_to("text Guess 04-a")
    page.keyboard.type("much\n")
    page.get_by_text("a number from 0 to 1").last.wait_for()
    hands.tab_to("slider")
    for _ in range(3):
        hands.press("ArrowRight")
    page.get_by_role("button", name="Guess 0.53").first.wait_for()
    hands.tab_to("submit Guess 0.53")
    hands.press("Enter")
    page.get_by_text("Your guess: 0.53. Now see what happens.").wait_for()
    page.get_by_text("you guessed 0.53, measured 1").first.wait_for()
    hands.to_cell('guess("04-c"')
    hands.tab_to("button larger")
    hands.press("Space")
    page.get_by_text("you guessed larger, measured ").first.wait_for()
    assert covered.count() == 1

    (lab,) = [lab for lab in notebook.labs() if lab.sliders.count()]
    before = lab.source()
    hands.to_cell('lab = LABS["04"]')
    hands.tab_to("slider")
    hands.press("ArrowLeft")
    lab.wait_for_change(before)
    before = lab.source()
    hands.tab_to("submit Play")
    hands.press("Space")
    lab.wait_for_change(before)
    lab.button("Pause").wait_for()
    hands.press("Space")
    lab.button("Play").wait_for()

    hands.to_cell("quiz(")
    replies = page.locator(".course-quiz [role=alert]")
    for question in quiz("04").questions:
        for option in question.options:
            hands.tab_to(f"button {option.text}")
            hands.press("Space")
            replies.filter(has_text=option.text).wait_for()
    assert replies.count() == 3
    assert notebook.errors == []
