"""From a key press on a slider to new pixels in the page.

    python -m pytest tests/benchmarks/test_slides.py -s

The times are printed. Run it on a machine that does nothing else.
"""

from statistics import median, quantiles

import pytest
from playwright.sync_api import TimeoutError

from course_utils.labs import LABS

KEYS = 20
LAB = 'from course_utils.labs import LABS\nlab = LABS["{}"]()\nlab'

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


@pytest.mark.parametrize("key", sorted(LABS))
def test_slide_to_pixels(open_cells, key):
    notebook = open_cells(LAB.format(key))
    assert notebook.run_all() == []
    (lab,) = notebook.labs()
    lab.box.evaluate(WATCH)
    sliders = "[name for name, c in lab.controls.items() if 'Slider' in type(c).__name__]"
    retrains = eval(notebook.ask("set(lab.retrains)"))
    print()
    for i, name in enumerate(eval(notebook.ask(sliders))):
        waits = press(notebook.page, lab.sliders.nth(i))
        kind = "retrain" if name in retrains else "refit"
        p95 = quantiles(waits, n=20)[-1]
        print(f"lesson {key}, {name} ({kind}): median {median(waits):.0f}, p95 {p95:.0f} ms")
