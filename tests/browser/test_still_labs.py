"""A page without a kernel in a real browser: every slider of every lab, by keyboard."""

import functools
import http.server
import threading

import pytest

from course_utils.labs import LABS
from tests.test_still_labs import ROOT, exported, short, still, two_stops

STATIC = ROOT / "site" / "_static"
PICTURE = """lab => [...lab.querySelectorAll('.lab-picture g[clip-path] path')]
    .map(path => path.getAttribute('d')).join()"""
# After the slider's next input: the frame that is the first with another picture, and the ms to it.
COUNT = f"""([lab, slider]) => {{
    const picture = {PICTURE}, before = picture(lab);
    window.counted = new Promise(done => slider.addEventListener('input', () => {{
        const begun = performance.now();
        let frames = 0;
        const look = () => {{
            frames += 1;
            if (picture(lab) !== before) done([frames, performance.now() - begun]);
            else requestAnimationFrame(look);
        }};
        requestAnimationFrame(look);
    }}, {{capture: true, once: true}}));
}}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A server of a page for each lab, with two stops a slider and a small budget of training."""
    folder = tmp_path_factory.mktemp("page")
    for name in ("labs.js", "labs.css"):
        (folder / name).write_bytes((STATIC / name).read_bytes())
    (folder / "labs").mkdir()
    for key in LABS:
        lab, _, content = exported(short(key))
        lab.close()
        (folder / "labs" / f"{key}.js").write_text(still.script(key, content), encoding="utf-8")
        (folder / f"{key}.html").write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Lab</title>'
            '<meta name="viewport" content="width=device-width">'
            '<link rel="icon" href="data:,"><link rel="stylesheet" href="labs.css">'
            f'<div class="lab" data-lab="{key}"><img alt="the still picture"></div>'
            '<script src="labs.js"></script>'
        )

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=folder)
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def open_page(browser):
    pages, errors = [], []

    def open_it(address, **options):
        page = browser.new_page(**options)
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: m.type == "error" and errors.append(m.text))
        page.on("request", lambda r: r.url.startswith(address) or errors.append(r.url))
        return page

    yield open_it
    for page in pages:
        page.close()
    assert errors == []


def controls(page):
    return page.locator(".lab-control input, .lab-control select")


def numbers(page):
    names, values = (page.locator(f".lab-numbers {it}").all_inner_texts() for it in ("dt", "dd"))
    return still.in_words(dict(zip(names, values, strict=True)))


@pytest.mark.parametrize("key", sorted(LABS))
def test_every_slider_of_a_lab_by_keyboard(key, address, open_page):
    page = open_page(address)
    page.goto(f"{address}/{key}.html")
    page.wait_for_selector(".lab-live")
    lab = short(key)()
    try:
        stops = two_stops(lab)
        assert numbers(page) == still.in_words(lab.numbers())
        assert page.locator(".lab-picture").get_attribute("aria-label") == lab.alt
        assert controls(page).count() == len(stops)
        for i, (name, values) in enumerate(stops.items()):
            control = page.get_by_label(lab.controls[name].description, exact=True)
            at = values.index(lab.controls[name].value)
            key_press, place = ("ArrowRight", at + 1) if at + 1 < len(values) else ("Home", 0)
            if control.evaluate("input => input.localName") == "select":
                key_press = "ArrowDown" if key_press == "ArrowRight" else "Home"
            before = page.locator(".lab-live").evaluate(PICTURE)
            control.press(key_press)
            still.place(lab, {name: values[place]}, trained=name in lab.retrains)
            assert numbers(page) == still.in_words(lab.numbers())  # drawn before the key is let go
            assert page.locator(".lab-message").text_content() == lab.message
            assert controls(page).nth(i).input_value() == str(place)
            assert page.locator(".lab-live").evaluate(PICTURE) != before
            if control.evaluate("input => input.localName") == "input":
                text = still.Track(lab.controls[name]).text(values[place])
                assert control.get_attribute("aria-valuetext") == text
            page.get_by_role("button", name="Reset").click()
            assert page.locator(".lab-live").evaluate(PICTURE) == before
            assert controls(page).nth(i).input_value() == str(at)
            lab.reset()
            assert numbers(page) == still.in_words(lab.numbers())
    finally:
        lab.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_page(width, address, open_page):
    page = open_page(address, viewport={"width": width, "height": 800})
    for key in LABS:
        page.goto(f"{address}/{key}.html")
        page.wait_for_selector(".lab-live")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for text in page.locator(".lab-panel text").all():
            box = text.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width


def test_without_the_script_or_the_file_the_picture_stays(address, browser):
    for script in (False, True):
        context = browser.new_context(java_script_enabled=script)
        page = context.new_page()
        page.route("**/labs/00.js", lambda route: route.abort())
        page.goto(f"{address}/00.html")
        assert page.locator("img[alt='the still picture']").count() == 1
        assert page.locator("input").count() == 0
        context.close()


def test_a_dark_page_draws_the_truth_in_white(address, open_page):
    colour = "path => getComputedStyle(path).stroke"
    dashed = ".lab-picture g[clip-path] path[stroke-dasharray*=' ']"
    page = open_page(address)
    for scheme, expected in (("light", "rgb(0, 0, 0)"), ("dark", "rgb(242, 242, 242)")):
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{address}/00.html")
        page.wait_for_selector(".lab-live")
        assert page.locator(dashed).first.evaluate(colour) == expected


def test_a_key_draws_the_next_frame(address, open_page):
    """Frames are counted; how many ms one takes is the machine's affair, and printed only."""
    page = open_page(address)
    page.goto(f"{address}/00.html")
    page.wait_for_selector(".lab-live")
    slider = page.query_selector(".lab-control input")
    page.evaluate(COUNT, [page.query_selector(".lab-live"), slider])
    slider.press("ArrowLeft")
    frames, ms = page.evaluate("() => window.counted")
    print(f"another picture in frame {frames} after the key, {ms:.1f} ms")
    assert frames <= 2
