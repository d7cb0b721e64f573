"""A guess in a real JupyterLab, by keyboard alone; and a check that would never end."""

GUESSES = [
    "from course_utils import guess\nfrom course_utils.checks import measured",
    'guess("00-a", ...)',
    'measured("00-a", 94.5, "inside the band")',
    'guess("01-c", ...)',
    'measured("01-c", "higher", "in kilometres")',
]
ENDLESS = [
    "from course_utils import check",
    "def endless(*given):\n    open('begun', 'w').close()\n    while True:\n        pass",
    'check("00-3", endless)',
]


def test_what_was_measured_is_covered_until_a_guess_is_typed_or_chosen(open_cells):
    notebook = open_cells(*GUESSES)
    assert notebook.run_all() == []
    page, outputs = notebook.page, notebook.page.locator(".jp-OutputArea-output")
    outputs.nth(3).get_by_role("button", name="lower").wait_for()
    assert "covered" in outputs.nth(1).inner_text() and "94.5" not in outputs.nth(1).inner_text()

    page.get_by_label("Guess 00-a").first.focus()
    page.keyboard.type("much\n")
    outputs.nth(0).get_by_text("a number from 0 to 100 %").last.wait_for()
    page.keyboard.press("Control+A")
    page.keyboard.type("90 %\n")
    outputs.nth(1).get_by_text("you guessed 90 %, measured 94.5 %").wait_for()

    outputs.nth(2).get_by_role("button", name="lower").focus()
    page.keyboard.press("Space")
    outputs.nth(3).get_by_text("you guessed lower, measured higher").wait_for()
    assert notebook.errors == []


def test_the_stop_button_ends_a_check_of_an_endless_loop(course, open_cells):
    notebook = open_cells(*ENDLESS)
    notebook.page.evaluate(
        "() => void window.jupyterapp.commands.execute('notebook:run-all-cells')"
    )
    for _ in range(600):
        if (course / "notebooks" / "begun").exists():
            break
        notebook.page.wait_for_timeout(100)
    notebook.interrupt()
    notebook.page.get_by_text("Stopped before there was a verdict").wait_for(timeout=20_000)
