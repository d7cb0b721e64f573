"""A page without a kernel in a real browser: every slider of every lab, by keyboard."""

from contextlib import ExitStack

import pytest

from course_utils.data import WAVE
from course_utils.labs import LABS, Rain
from course_utils.metrics import interval
from tests.browser.conftest import serving, watched
from tests.test_still_labs import ROOT, fallen, short, still, two_stops

STATIC = ROOT / "site" / "_static"
PICTURE = """lab => [...lab.querySelectorAll('.lab-picture g[clip-path] path')]
    .map(path => path.getAttribute('d')).join()"""


def rain():
    x, y = WAVE.sample(400, seed=1)
    mean, sigma = WAVE.truth(x)
    return Rain(x, y, *interval(mean, 0.7 * sigma))


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A server of a page for each lab, with two stops a slider and a small budget of training."""
    folder = tmp_path_factory.mktemp("page")
    for name in ("labs.js", "labs.css"):
        (folder / name).write_bytes((STATIC / name).read_bytes())
    (folder / "labs").mkdir()
    for key in [*LABS, "rain"]:
        if key == "rain":
            lab = rain()
            content = fallen.encoded(lab)
        else:
            lab = short(key)
            with still.undrawn(lab):
                content = still.encoded(lab, two_stops(lab))
        lab.close()
        (folder / "labs" / f"{key}.js").write_text(still.script(key, content), encoding="utf-8")
        (folder / f"{key}.html").write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Lab</title>'
            '<meta name="viewport" content="width=device-width">'
            '<link rel="icon" href="data:,"><link rel="stylesheet" href="labs.css">'
            f'<div class="lab" data-lab="{key}"><img alt="the still picture"></div>'
            '<script src="labs.js"></script>'
        )
    with serving(folder) as address:
        yield address


@pytest.fixture
def open_lab(browser, address):
    """Open the page of a lab, in which no error may be logged."""
    with ExitStack() as opened:

        def open_it(key, **options):
            page = opened.enter_context(watched(browser, address, **options))
            page.goto(f"{address}/{key}.html")
            page.wait_for_selector(".lab-live")
            return page

        yield open_it


OUTSIDE = """() => [...document.querySelectorAll('.lab-panel text')].filter(it => {
        const box = it.getBoundingClientRect();
        return box.left < 0 || box.right > innerWidth
            || box.top < it.ownerSVGElement.getBoundingClientRect().top - 1;
    }).map(it => it.textContent)"""


def nothing_is_wider_than_the_page(page):
    """On a laptop, on a phone, and soon after it is turned."""
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function(f"() => document.documentElement.scrollWidth <= {width}")
        page.wait_for_function(f"() => ({OUTSIDE})().length === 0")


def controls(page):
    return page.locator(".lab-control input, .lab-control select")


def numbers(page):
    names, values = (page.locator(f".lab-numbers {it}").all_inner_texts() for it in ("dt", "dd"))
    return still.in_words(dict(zip(names, values, strict=True)))


@pytest.mark.parametrize("key", sorted(LABS))
def test_every_slider_of_a_lab_by_keyboard(key, open_lab):
    page, lab = open_lab(key), short(key)
    nothing_is_wider_than_the_page(page)
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
            assert page.locator(".lab-live").evaluate(PICTURE) != before  # at once
            still.place(lab, {name: values[place]}, trained=name in lab.retrains)
            assert numbers(page) == still.in_words(lab.numbers())
            assert page.locator(".lab-message").text_content() == lab.message
            assert controls(page).nth(i).input_value() == str(place)
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


def test_a_slide_leaves_the_fit_before_it_pale_for_a_moment(open_lab):
    page = open_lab("00")
    pale = """() => [...document.querySelectorAll('path[stroke-opacity="0.35"]')]
        .map(path => path.getAttribute('d')).filter(Boolean)"""
    drawn = """() => [...document.querySelectorAll('path[stroke-opacity="1"]')]
        .map(path => path.getAttribute('d')).filter(Boolean)"""
    before = page.evaluate(drawn)
    assert page.evaluate(pale) == []
    slider = controls(page).first
    for _ in range(2):  # of several slides the first one's
        slider.press("ArrowRight" if slider.input_value() == "0" else "ArrowLeft")
        left = page.evaluate(pale)
        assert left and set(left) < set(before)
    page.wait_for_function(f"() => ({pale})().length === 0", timeout=5000)
    slider.press("ArrowLeft" if slider.input_value() != "0" else "ArrowRight")
    page.get_by_role("button", name="Reset").click()
    assert page.evaluate(pale) == []


def test_coverage_rains_as_in_the_notebook_by_keyboard(open_lab):
    page, lab = open_lab("rain"), rain()
    nothing_is_wider_than_the_page(page)
    try:
        assert page.locator(".lab-picture").get_attribute("aria-label") == lab.alt
        play, step, reset = (
            page.get_by_role("button", name=it) for it in ("Play", "Step", "Reset")
        )
        spoken = page.locator(".lab-numbers")

        def points_drawn():
            """Grey points and crosses in the picture, by the starts of their strokes."""
            return page.evaluate(
                """() => ['round', 'butt'].map(kind => [...document.querySelectorAll(
                    `.lab-picture g path[stroke-linecap=${kind}]`)].at(-1)
                    .getAttribute('d').split('M').length - 1)"""
            )

        def agree():
            assert numbers(page) == still.in_words(lab.numbers())
            curves = lab.curves()
            assert points_drawn() == [len(curves[name][0]) for name in ("inside", "outside")]

        agree()
        step.press("Enter")
        lab.step()
        agree()
        play.press("Enter")
        assert spoken.get_attribute("aria-live") == "off"
        page.get_by_role("button", name="Pause").press("Enter")
        assert spoken.get_attribute("aria-live") == "polite"
        lab.fallen = int(page.locator(".lab-numbers dd").first.inner_text())
        agree()
        play.press("Enter")
        play.wait_for(timeout=20_000)  # it has come to the end
        lab.fallen = 400
        agree()
        assert spoken.get_attribute("aria-live") == "polite"
        step.press("Enter")
        lab.step()
        assert lab.fallen == 1
        agree()
        reset.press("Enter")
        lab.reset()
        agree()
        page.emulate_media(reduced_motion="reduce")
        play.press("Enter")
        lab.fallen = 400
        agree()
        assert play.is_visible()
    finally:
        lab.close()


def test_without_the_script_or_the_file_the_picture_stays(address, browser):
    for script in (False, True):
        context = browser.new_context(java_script_enabled=script)
        page = context.new_page()
        page.route("**/labs/00.js", lambda route: route.abort())
        page.goto(f"{address}/00.html")
        assert page.locator("img[alt='the still picture']").count() == 1
        assert page.locator("input").count() == 0
        context.close()


def test_a_dark_page_draws_the_truth_in_white(open_lab):
    dashed = ".lab-picture g[clip-path] path[stroke-dasharray*=' ']"
    for scheme, expected in (("light", "rgb(0, 0, 0)"), ("dark", "rgb(242, 242, 242)")):
        truth = open_lab("00", color_scheme=scheme).locator(dashed).first
        assert truth.evaluate("path => getComputedStyle(path).stroke") == expected
