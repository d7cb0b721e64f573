"""From a key press on a slider to new pixels in the page, against interact + plt.show.

    python -m pytest tests/benchmarks -s

The ratios are printed. Run it on a machine that does nothing else.
"""

from statistics import median, quantiles

import nbformat
import pytest
from playwright.sync_api import TimeoutError

from course_utils.labs import LABS

KEYS, FEWER_KEYS = 40, 16
MAIN_LABS = ["00", "02", "03", "04"]  # the plain ones, whose sliders are the most dragged

# What a notebook would do without labs: it draws, and trains nothing.
PLAIN = """
import matplotlib.pyplot as plt, numpy as np, ipywidgets
x = np.linspace(-3, 3, 200)
points = np.random.default_rng(0).uniform(-3, 3, (500, 2))

def draw(noise):
    fig, axes = plt.subplots(1, 3, figsize=(10, 3.5))
    axes[0].scatter(*points.T, s=6, alpha=.5)
    axes[0].fill_between(x, np.sin(x) - noise, np.sin(x) + noise, alpha=.3)
    for ax in axes:
        ax.plot(x, np.sin(x) * noise)
        ax.set(xlim=(-3, 3), ylim=(-4, 4), xlabel="x", ylabel="y")
    plt.show()

ipywidgets.interact(draw, noise=ipywidgets.FloatSlider(1, min=0, max=4, step=.05));
"""

# A key press comes in; the time until the first image under ``root`` has loaded and been painted.
WATCH = """root => {
    window.waits = []; window.pressed = null;
    root.addEventListener('keydown', () => { window.pressed ??= performance.now(); }, true);
    const painted = () => requestAnimationFrame(() => setTimeout(() => {
        if (window.pressed !== null) window.waits.push(performance.now() - window.pressed);
        window.pressed = null;
    }));
    root.addEventListener('load', event => {
        if (event.target.tagName === 'IMG') painted();
    }, true);
}"""


WHERE, RETURN = ("min", "now", "max"), ("ArrowLeft", "ArrowRight")


def press(page, handle, keys: int) -> list[float]:
    """Milliseconds from each key press to the next picture."""
    handle.focus()
    low, at, high = (float(handle.get_attribute(f"aria-value{end}")) for end in WHERE)
    there, back = ("ArrowRight", "ArrowLeft") if high - at >= at - low else RETURN
    period = 4 if max(high - at, at - low) >= 2 else 2  # a choice may be one of two
    for i in range(keys):
        page.keyboard.press(there if i % period < period / 2 else back)
        try:
            page.wait_for_function("() => window.pressed === null", timeout=5_000)
        except TimeoutError:  # the same picture: where a walk diverges, the last finite fit stays
            page.evaluate("() => { window.pressed = null; }")
    return page.evaluate("() => window.waits.splice(0)")


def shown(waits: list[float]) -> str:
    return f"median {median(waits):.0f}, p95 {quantiles(waits, n=20)[-1]:.0f} ms"


def open_cells(course, open_notebook, *cells: str):
    content = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code) for code in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(content, course / "notebooks" / "slides.ipynb")
    notebook = open_notebook("notebooks/slides.ipynb")
    assert notebook.run_all() == []
    return notebook


@pytest.fixture(scope="session")
def plain_waits():
    return []


def test_interact_and_plt_show(course, open_notebook, plain_waits):
    page = open_cells(course, open_notebook, PLAIN).page
    output = page.locator(".jp-OutputArea-output .widget-interact")
    output.locator("img").wait_for()
    output.evaluate(WATCH)
    plain_waits += press(page, output.get_by_role("slider"), KEYS)
    print(f"\ninteract + plt.show, no training: {shown(plain_waits)}")


@pytest.mark.parametrize("key", [*MAIN_LABS, *sorted(LABS.keys() - MAIN_LABS)])
def test_slide_to_pixels(course, open_notebook, plain_waits, key):
    notebook = open_cells(
        course, open_notebook, f'from course_utils.labs import LABS\nlab = LABS["{key}"]()\nlab'
    )
    (lab,) = notebook.labs()
    lab.box.evaluate(WATCH)
    sliders = "[name for name, c in lab.controls.items() if 'Slider' in type(c).__name__]"
    names = eval(notebook.ask(sliders))
    retrains = eval(notebook.ask("set(lab.retrains)"))
    print()
    for i, name in enumerate(names):
        keys = KEYS if key in MAIN_LABS else FEWER_KEYS
        waits = press(notebook.page, lab.sliders.nth(i), keys)
        ratio = f", {median(waits) / median(plain_waits):.2f} of interact" if plain_waits else ""
        kind = "retrain" if name in retrains else "refit"
        print(f"lesson {key}, {name} ({kind}): {shown(waits)}{ratio}")
    if key not in MAIN_LABS:
        return
    lab.button("Rewind").click()
    notebook.page.wait_for_timeout(500)
    lab.button("Play").click()
    lab.button("Pause").wait_for()
    frames = lab.pictures_in(3) / 3
    waits = press(notebook.page, lab.sliders.first, KEYS)
    print(f"lesson {key}, playing: {frames:.0f} pictures a second, slide {shown(waits)}")


# The last time the hand moved, and the last time a picture arrived.
WATCH_DRAG = """root => {
    window.moved = window.arrived = 0;
    document.addEventListener('pointermove', () => { window.moved = performance.now(); }, true);
    document.addEventListener('mousemove', () => { window.moved = performance.now(); }, true);
    root.addEventListener('load', event => {
        if (event.target.tagName === 'IMG') window.arrived = performance.now();
    }, true);
}"""


@pytest.mark.parametrize("key", MAIN_LABS)
def test_ten_seconds_of_dragging(course, open_notebook, key):
    notebook = open_cells(
        course, open_notebook, f'from course_utils.labs import LABS\nlab = LABS["{key}"]()\nlab'
    )
    (lab,) = notebook.labs()
    lab.box.evaluate(WATCH_DRAG)
    page, handle = notebook.page, lab.sliders.first
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
    reach = -60 if at_end else 60
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(600):
        page.mouse.move(x + reach * abs((i / 60) % 2 - 1), y)
        page.wait_for_timeout(16)
    page.mouse.move(x + reach / 2, y)  # a last slide to another value
    page.wait_for_timeout(2000)  # the hand rests: what arrives now had piled up
    settled = page.evaluate("() => window.arrived - window.moved")
    page.mouse.up()
    print(f"\nlesson {key}: settled {settled:.0f} ms after the last move of a 10 s drag")
