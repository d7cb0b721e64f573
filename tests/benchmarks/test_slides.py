"""From a key press on a slider to new pixels in the page, against interact + plt.show.

    python -m pytest tests/benchmarks -s

The ratios are printed. Run it on a machine that does nothing else.
"""

from statistics import median, quantiles

import pytest
from playwright.sync_api import TimeoutError

from course_utils.labs import LABS

KEYS = 20
LAB = 'from course_utils.labs import LABS\nlab = LABS["{}"]()\nlab'

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


def press(page, handle) -> list[float]:
    """Milliseconds from each key press to the next picture."""
    handle.focus()
    ends = ("min", "now", "max")
    low, at, high = (float(handle.get_attribute(f"aria-value{end}")) for end in ends)
    there, back = "ArrowRight", "ArrowLeft"
    if high - at < at - low:
        there, back = back, there
    period = 4 if max(high - at, at - low) >= 2 else 2  # a choice may be one of two
    for i in range(KEYS):
        page.keyboard.press(there if i % period < period / 2 else back)
        try:
            page.wait_for_function("() => window.pressed === null", timeout=5_000)
        except TimeoutError:  # the same picture: where a walk diverges, the last finite fit stays
            page.evaluate("() => { window.pressed = null; }")
    return page.evaluate("() => window.waits.splice(0)")


def shown(waits: list[float]) -> str:
    return f"median {median(waits):.0f}, p95 {quantiles(waits, n=20)[-1]:.0f} ms"


@pytest.fixture(scope="module")
def plain_waits():
    return []


def test_interact_and_plt_show(open_cells, plain_waits):
    notebook = open_cells(PLAIN)
    assert notebook.run_all() == []
    output = notebook.page.locator(".jp-OutputArea-output .widget-interact")
    output.locator("img").wait_for()
    output.evaluate(WATCH)
    plain_waits += press(notebook.page, output.get_by_role("slider"))
    print(f"\ninteract + plt.show, no training: {shown(plain_waits)}")


@pytest.mark.parametrize("key", sorted(LABS))
def test_slide_to_pixels(open_cells, plain_waits, key):
    notebook = open_cells(LAB.format(key))
    assert notebook.run_all() == []
    (lab,) = notebook.labs()
    lab.box.evaluate(WATCH)
    sliders = "[name for name, c in lab.controls.items() if 'Slider' in type(c).__name__]"
    retrains = eval(notebook.ask("set(lab.retrains)"))
    print()
    for i, name in enumerate(eval(notebook.ask(sliders))):
        waits = press(notebook.page, lab.sliders.nth(i))
        ratio = f", {median(waits) / median(plain_waits):.2f} of interact" if plain_waits else ""
        kind = "retrain" if name in retrains else "refit"
        print(f"lesson {key}, {name} ({kind}): {shown(waits)}{ratio}")
