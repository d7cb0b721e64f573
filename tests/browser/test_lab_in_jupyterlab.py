"""What an impatient learner does to a lab, and to a check that would never end.

The times are generous: benchmarks/ measures them.
"""

import random
import time

import psutil
import pytest

CELLS = ["from course_utils.labs import LABS", 'lab = LABS["03"]()\nlab']
WIDGETS = "len(__import__('ipywidgets').widgets.widget._instances)"
UP_TO_DATE = "lab.picture.draw(lab.curves(), lab.before) or lab.image.value == lab.picture.jpeg()"
THREADS = "__import__('threading').active_count()"


@pytest.fixture
def notebook(open_cells):
    """A notebook that holds nothing but a lab, run once; no error may be logged."""
    notebook = open_cells(*CELLS)
    assert notebook.run_all() == []
    yield notebook
    assert notebook.errors == []


def test_a_cell_run_five_times_holds_one_lab(notebook):
    widgets = notebook.ask(WIDGETS)
    for _ in range(4):
        assert notebook.run_all() == []
    assert notebook.ask(WIDGETS) == widgets
    assert len(notebook.labs()) == 1


def test_a_drag_ends_at_its_last_position(notebook):
    (lab,) = notebook.labs()
    box = lab.sliders.first.bounding_box()
    page = notebook.page
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(120):
        page.mouse.move(x + 60 * abs((i / 30) % 2 - 1), y)
        page.wait_for_timeout(16)
    page.mouse.up()
    assert notebook.ask("lab.before is None") == "False"  # the fit from before the drag, pale
    page.wait_for_timeout(3000)
    assert notebook.ask("lab.before is None") == "True"
    shown = float(lab.box.locator(".widget-readout").first.inner_text())
    assert float(notebook.ask("lab.value.noise")) == pytest.approx(shown)
    assert float(notebook.ask("lab.sigma[0].item()")) == pytest.approx(shown, rel=0.1)
    before = lab.source()
    page.wait_for_timeout(500)
    assert lab.source() == before


def test_a_slide_leaves_the_tab_s_icon_alone(notebook):
    """JupyterLab's busy icon is two requests to the server at each slide."""
    (lab,) = notebook.labs()
    before = lab.source()
    notebook.page.evaluate(
        """() => { window.changes = [];
            new MutationObserver(seen => window.changes.push(...seen)).observe(
                document.head, {subtree: true, childList: true, attributeFilter: ['rel']}); }"""
    )
    lab.sliders.first.press("ArrowRight")
    lab.wait_for_change(before)
    notebook.page.wait_for_timeout(1000)
    assert notebook.page.evaluate("() => window.changes.length") == 0


def test_at_200_per_cent_all_of_a_lab_can_be_reached(notebook):
    (lab,) = notebook.labs()
    notebook.page.set_viewport_size({"width": 700, "height": 500})  # half of what it had
    panel = notebook.page.locator(".jp-NotebookPanel")
    within = panel.bounding_box()
    handles = [lab.sliders.nth(i) for i in range(lab.sliders.count())]
    buttons = [lab.button(name) for name in ("Play", "Step", "Rewind", "Reset")]
    for part in (*handles, *buttons, lab.picture, lab.box.locator(".widget-readout").first):
        part.scroll_into_view_if_needed()
        box = part.bounding_box()
        assert box["x"] >= within["x"]
        assert box["x"] + box["width"] <= within["x"] + within["width"]
    before = lab.source()
    handles[0].focus()
    notebook.page.keyboard.press("ArrowRight")
    lab.wait_for_change(before)
    before = lab.source()
    buttons[1].click()
    lab.wait_for_change(before)


def test_two_labs_play_at_once(notebook):
    notebook.page.evaluate(
        """() => {
            const model = window.jupyterapp.shell.currentWidget.content.model.sharedModel;
            model.addCell({cell_type: 'code', source: 'LABS["00"]()'});
        }"""
    )
    assert notebook.run_all() == []
    first, second = notebook.labs()
    for lab in (first, second):
        lab.play()
    first.wait_for_pictures(3)
    second.wait_for_pictures(3)


def test_interrupts_leave_a_lab_that_works(notebook):
    (lab,) = notebook.labs()
    chance = random.Random(0)

    def play():
        if lab.button("Play").count():  # an interrupt may have paused it
            lab.play()

    def pause():
        notebook.page.wait_for_timeout(500)
        if lab.button("Pause").count():
            lab.button("Pause").click()
            lab.button("Play").wait_for()

    def slide(key="ArrowRight"):
        lab.sliders.first.focus()
        notebook.page.keyboard.press(key)

    slide()
    play()
    before = notebook.ask(WIDGETS), notebook.ask(THREADS)
    for act in (play, slide):
        for _ in range(10):
            act()
            notebook.page.wait_for_timeout(chance.uniform(0, 200))
            notebook.interrupt()
        pause()
        assert notebook.ask(UP_TO_DATE) == "True"
        source = lab.source()
        slide("ArrowLeft")
        lab.wait_for_change(source)
    play()
    lab.wait_for_pictures(3)
    assert (notebook.ask(WIDGETS), notebook.ask(THREADS)) == before
    assert notebook.tracebacks() == []
    assert "Traceback" not in notebook.page.content()


def test_a_restarted_kernel_takes_the_lab_up_again(notebook):
    (lab,) = notebook.labs()
    lab.play()
    notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    assert notebook.run_all() == []
    (lab,) = notebook.labs()
    before = lab.source()
    lab.sliders.first.focus()
    notebook.page.keyboard.press("ArrowRight")
    lab.wait_for_change(before)


def test_a_closed_page_leaves_the_kernel_idle(notebook):
    (lab,) = notebook.labs()
    kernel = psutil.Process(int(notebook.ask("__import__('os').getpid()")))
    lab.play()
    notebook.page.close()
    time.sleep(2)
    before = sum(kernel.cpu_times()[:2])
    time.sleep(2)
    assert sum(kernel.cpu_times()[:2]) - before < 0.2


ENDLESS = [
    "from course_utils import check",
    "def endless(*given):\n    open('begun', 'w').close()\n    while True:\n        pass",
    'check("00-3", endless)',
]


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
