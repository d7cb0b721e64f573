"""The site: built as `make site` builds it, read as files, and shown by a browser."""

import json
import re
import subprocess
import sys
from contextlib import contextmanager
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import serving, watched
from tools.notebooks import ROOT, figures, repository, sources

LESSONS = {f"{source.stem}.html": source for source in sources()}
PAGES = ["index.html", "search.html", "questions.html", *LESSONS]
each_page = pytest.mark.parametrize("name", PAGES)
PHONE, LAPTOP = {"width": 360, "height": 780}, {"width": 1280, "height": 900}
ZOOMED = {"width": 640, "height": 450}  # what a laptop's page has left at 200 %
GUESSED = "04_heteroscedastic_network.html"
TYPESET = "() => !window.MathJax || window.MathJax.startup?.promise?.then(() => true)"


class Tags(HTMLParser):
    """A page's tags with their attributes, in order."""

    def __init__(self, path: Path):
        super().__init__()
        self.tags = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def values(self, attribute, *tags):
        return [
            attrs[attribute]
            for tag, attrs in self.tags
            if attribute in attrs and (not tags or tag in tags)
        ]


@cache
def read(path: Path) -> Tags:
    return Tags(path)


def pictures(path: Path) -> list[dict]:
    """The course's pictures in a page, and not the logos in the theme's menu.

    Nor the panels of a figure, which a phone shows in its place.
    """
    images = [attrs for tag, attrs in read(path).tags if tag == "img"]
    images = [image for image in images if not image["src"].startswith("_static/images/")]
    return [image for image in images if image.get("class") != "panel"]


@pytest.fixture(scope="session")
def pages():
    """The folder of pages, built anew; what the labs show is computed only where a lab changed."""
    command = [sys.executable, ROOT / "site" / "build.py"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return ROOT / "build" / "site" / "html"


@pytest.fixture(scope="session")
def address(pages):
    with serving(pages) as address:
        yield address


@pytest.fixture
def show(browser, address):
    """Show a page of the site."""

    @contextmanager
    def shown(name, size, scheme="light"):
        with watched(browser, address, viewport=size, color_scheme=scheme) as page:
            page.goto(f"{address}/{name}")
            page.wait_for_function(TYPESET)
            yield page

    return shown


def serious(page) -> list[str]:
    """What axe calls serious or critical."""
    # Without preload: it would ask for the parts of a style sheet at a wrong address.
    options = {"resultTypes": ["violations"], "preload": False}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def bottom(locator) -> float:
    box = locator.bounding_box()
    return box["y"] + box["height"]


def scrolls_sideways(page) -> bool:
    """Whether the page, and not a table or a formula in it, is wider than the window."""
    return page.evaluate(
        "() => document.scrollingElement.scrollWidth > document.scrollingElement.clientWidth"
    )


# As files


def test_there_is_a_page_for_every_lesson_and_none_is_left_over(pages):
    assert {path.name for path in pages.glob("*.html")} == set(PAGES)


@each_page
def test_links_lead_somewhere_nothing_comes_from_another_host_pictures_are_told(pages, name):
    page = read(pages / name)
    links = [*page.values("href"), *page.values("src")]
    inside = [link for link in links if not re.match(r"https?:|data:|mailto:", link)]
    assert len(inside) > 10
    for link in inside:
        path, anchor = urldefrag(link)
        target = pages / unquote(urlsplit(path).path) if path else pages / name
        assert target.is_file(), link
        if anchor and target.suffix == ".html":
            assert unquote(anchor) in read(target).values("id"), link
    loaded = [*page.values("src"), *page.values("srcset"), *page.values("href", "link")]
    assert not [address for address in loaded if re.match("(https?:)?//", address)]
    for image in pictures(pages / name):
        assert len(image["alt"].split()) >= 8, image["src"]


def test_no_style_sheet_loads_from_another_host(pages):
    for path in pages.rglob("*.css"):
        css = path.read_text(encoding="utf-8")
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", css), path.name


@pytest.mark.parametrize("name", LESSONS)
def test_a_page_has_the_lessons_pictures_its_addresses_and_nothing_that_needs_a_kernel(pages, name):
    source, page = LESSONS[name], pages / name
    top = re.findall(r"!\[([^]]+)\]\(images/", source.read_text(encoding="utf-8"))
    assert [image["alt"] for image in pictures(page)] == [*top, *figures(source)]
    text = page.read_text(encoding="utf-8")
    assert not re.search("<em>Rewind</em>|Press <em>play</em>|Play goes on|Run them as", text)
    links = read(page).values("href", "a")
    if not repository():
        assert not [link for link in links if re.search("mybinder|colab|/learning-the-var", link)]
        return
    for place in ("mybinder.org/v2/gh/", "colab.research.google.com/github/", "github.com/"):
        own = {unquote(it) for it in links if place in it and it.endswith(f"{source.stem}.ipynb")}
        assert len(own) == 1, place


# In a browser: each page once on a phone, where all is tried, and once for what depends on size


@each_page
def test_a_page_on_a_phone(show, name):
    with show(name, PHONE) as page:
        assert not scrolls_sideways(page)
        if name in ("index.html", *LESSONS):
            the_lab_lives(page)
        if name in LESSONS:
            what_is_wide_is_reached_by_keyboard(page)
            equations_are_typeset(page)
            hints_and_solutions_are_folded(page)
            the_quiz_is_answered_by_keyboard(page)
            nothing_printed_scrolls_and_no_letter_is_tiny(page)
            if "\nRain(" in LESSONS[name].read_text("utf-8"):
                coverage_rains_to_the_last_point(page)
        is_accessible(page, "light")


@each_page
def test_a_page_in_the_dark_zoomed_and_on_a_phone_that_is_turned(show, name):
    with show(name, LAPTOP, "dark") as page:
        is_accessible(page, "dark")
        for size in (ZOOMED, PHONE):
            page.set_viewport_size(size)
            page.wait_for_timeout(500)
            assert not scrolls_sideways(page)
        assert page.evaluate(PRINTED_TOO_WIDE) == []


def is_accessible(page, scheme):
    """Nor wider than the window, as it is and as after reading: unfolded and answered."""
    assert page.evaluate("() => document.documentElement.dataset.theme") == scheme
    assert not scrolls_sideways(page)
    page.evaluate(
        """() => {
            document.querySelectorAll('details').forEach(it => { it.open = true; });
            document.querySelectorAll('.quiz input').forEach(it => it.click());
        }"""
    )
    for top in (2000, 1500):  # upwards: the button that leads back to the top appears
        page.evaluate("top => scrollTo({top, behavior: 'instant'})", top)
        page.wait_for_timeout(150)
    assert not scrolls_sideways(page)
    assert serious(page) == []


def equations_are_typeset(page):
    formulas = page.locator(".math").count()
    assert page.locator(".math mjx-container").count() == formulas > 0
    assert page.locator("mjx-merror").count() == 0


def hints_and_solutions_are_folded(page):
    folded = page.locator("details:has(> summary)")
    assert folded.count() >= 9  # three exercises
    assert page.locator("details[open]").count() == 0
    for i in range(folded.count()):
        folded.nth(i).locator("summary").click()
    assert page.locator("details[open]").count() == folded.count()
    assert page.locator("details .highlight").first.is_visible()


def the_quiz_is_answered_by_keyboard(page):
    groups = page.locator(".quiz [role=radiogroup]")
    assert groups.count() == 3
    for i in range(groups.count()):
        radios, reply = groups.nth(i).get_by_role("radio"), page.locator(".quiz .reply").nth(i)
        assert not reply.is_visible()
        assert page.get_by_role("radiogroup", name=f"{i + 1}. ").count() >= 1
        radios.first.focus()
        page.keyboard.press("Space")
        seen = [reply.inner_text()]
        for _ in range(radios.count() - 1):
            page.keyboard.press("ArrowDown")
            seen.append(reply.inner_text())
        labels = groups.nth(i).locator("label").all_inner_texts()
        for label, text in zip(labels, seen, strict=True):
            assert text[0] in "✓✗"
            assert label.strip() in text and len(text) > len(label) + 10
        assert sum(text.startswith("✓") for text in seen) == 1


def the_lab_lives(page):
    lab = page.locator(".lab[data-lab]:not([data-lab$=rain])")
    lab.locator("svg").first.wait_for()
    assert lab.locator(".still").count() == 0
    before = lab.inner_html()
    slider = lab.get_by_role("slider").first
    at_end = slider.evaluate("it => it.value === it.max")
    slider.press("ArrowLeft" if at_end else "ArrowRight")
    assert lab.inner_html() != before
    assert not scrolls_sideways(page)
    controls, picture = lab.locator(".lab-controls"), lab.locator(".lab-picture")
    page.evaluate("() => scrollTo({top: 0, behavior: 'instant'})")
    assert bottom(controls) <= picture.bounding_box()["y"] + 1
    # Scrolled to the foot of the picture, the sliders stand below the page's header.
    foot = bottom(picture)
    page.evaluate("y => scrollTo({top: y - 400, behavior: 'instant'})", foot)
    header = page.locator(".bd-header-article")
    assert abs(controls.bounding_box()["y"] - bottom(header)) < 2


def coverage_rains_to_the_last_point(page):
    page.emulate_media(reduced_motion="reduce")
    rain = page.locator(".lab[data-lab$=rain]")
    rain.get_by_role("button", name="Play").press("Enter")
    told = rain.locator(".lab-numbers").inner_text()
    assert re.search(r"points, of ([\d,]+)\s+\1\s+outside", told) and "right: 0.950" in told


def what_is_wide_is_reached_by_keyboard(page):
    wide = page.evaluate(
        """() => [...document.querySelectorAll('mjx-container[display], .bd-content pre')]
            .filter(box => box.scrollWidth > box.clientWidth).map(box => box.tabIndex)"""
    )
    assert set(wide) <= {0} and (wide or "03_" not in page.url)


PRINTED_TOO_WIDE = """() => [...document.querySelectorAll('.bd-content pre')]
    .filter(it => it.scrollWidth > it.clientWidth).map(it => it.textContent)"""
# 14 pixels high are the letters of a figure in its own size.
TINY = """() => [
    ...[...document.querySelectorAll('.bd-content *')].filter(it => it.getClientRects().length
        && [...it.childNodes].some(part => part.nodeType === 3 && part.data.trim())
        && parseFloat(getComputedStyle(it).fontSize) < 9).map(it => it.outerHTML),
    ...[...document.querySelectorAll('a.figure img')].filter(it => it.offsetWidth
        && 14 * it.offsetWidth < 9 * it.getAttribute('width')).map(it => it.src),
]"""


def nothing_printed_scrolls_and_no_letter_is_tiny(page):
    assert page.evaluate(PRINTED_TOO_WIDE) == []
    assert page.evaluate(TINY) == []


def test_previous_and_next_lead_through_all_lessons_in_the_theme_of_the_menu(show):
    theme = "() => document.documentElement.dataset.theme"
    with show("index.html", LAPTOP, "light") as page:
        assert page.evaluate(theme) == "light"
        page.locator(".theme-switch-button:visible").first.click()
        page.locator(".theme-change-button[data-mode=dark]:visible").click()
        for name in [*LESSONS, "questions.html"]:
            assert page.evaluate(theme) == "dark"
            page.locator("a.right-next").click()
            page.wait_for_url(f"**/{name}")
        assert page.locator("a.right-next").count() == 0
        page.locator("a.left-prev").click()
        page.wait_for_url(f"**/{list(LESSONS)[-1]}")


def test_search_finds_a_word_and_shows_no_tex(show):
    for word, lesson in [("heteroscedastic", "04_"), ("sigma", "03_")]:
        with show(f"search.html?q={word}", LAPTOP) as page:
            page.locator("#search-results li p.context").first.wait_for()
            found = page.locator("#search-results li a").evaluate_all("all => all.map(a => a.href)")
            assert any(f"/{lesson}" in href for href in found)
            texts = page.locator("#search-results li p.context").all_inner_texts()
            assert texts and not [text for text in texts if "\\" in text or "Settings" in text]


def test_a_guess_unfolds_what_was_measured_and_is_kept_until_it_is_forgotten(show):
    with show(GUESSED, PHONE) as page:
        first, second = page.locator(".guess").nth(0), page.locator(".guess").nth(1)
        box, axis = first.get_by_role("textbox"), first.get_by_role("slider")
        status, tally = first.get_by_role("status"), page.locator(".guesses")
        word = page.locator(".guess").get_by_role("button", name="larger")
        covered = page.locator("details", has_text="04-a: what was measured")

        def landed(guess):
            return page.locator("details", has_text=f"04-a: your guess was {guess}")

        assert not covered.evaluate("it => it.open")
        for typed, answer in [("2", "from 0 to 1"), ("95 %", "0.95")]:
            box.fill(typed)
            page.keyboard.press("Enter")
            assert answer in status.inner_text()
        assert landed("0.95").evaluate("it => it.open")
        assert "04-a: you guessed 0.95, measured " in tally.inner_text()
        # On the axis, by the keyboard alone.
        assert axis.get_attribute("aria-label") == "Guess 04-a, on an axis from 0 to 1"
        axis.focus()
        for key in ("Home", "ArrowRight", "Tab", "Enter"):
            page.keyboard.press(key)
        assert "0.01" in status.inner_text() and landed("0.01").locator("svg.axis").is_visible()
        assert "you guessed 0.01, measured " in landed("0.01").get_by_role("status").inner_text()

        word.click()
        told = tally.inner_text()
        assert "2 guessed, " in told
        page.goto(page.url.replace(GUESSED, "03_single_sigma.html"))
        assert tally.inner_text() == ""  # another lesson has its own
        page.go_back()
        assert tally.inner_text() == told
        assert box.input_value() == axis.input_value() == "0.01"
        assert second.get_by_role("textbox").input_value() == ""
        assert word.get_attribute("aria-pressed") == "true"
        assert landed("0.01").evaluate("it => it.open")
        tally.get_by_role("button", name="Forget my guesses").press("Enter")
        assert tally.inner_text() == "Your guesses are forgotten."
        for _ in range(2):
            assert box.input_value() == ""
            assert word.get_attribute("aria-pressed") != "true"
            assert not covered.evaluate("it => it.open")
            page.reload()
        box.fill("0.8")
        page.keyboard.press("Enter")
        assert "04-a: you guessed 0.8, measured " in tally.inner_text()


def test_where_nothing_can_be_stored_a_guess_still_counts(browser, address):
    """The theme's own scripts complain there; the course's do not."""
    context, wrong = browser.new_context(viewport=PHONE), []
    context.add_init_script(
        """Object.defineProperty(window, 'localStorage', {
            get() { throw new DOMException('blocked', 'SecurityError'); }})"""
    )
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(error.stack))
    page.goto(f"{address}/{GUESSED}")
    page.locator(".guess").first.get_by_role("textbox").fill("0.9")
    page.keyboard.press("Enter")
    assert "1 guessed, " in page.locator(".guesses").inner_text()
    page.locator(".guesses").get_by_role("button").click()
    assert page.locator(".guesses").inner_text() == "Your guesses are forgotten."
    assert not [stack for stack in wrong if "site.js" in stack or "labs.js" in stack]
    context.close()


def test_an_exercise_with_a_number_takes_it_on_the_page(show):
    with show(GUESSED, PHONE) as page:
        place = page.locator(".answer").first
        known = json.loads(place.get_attribute("data-it"))
        said = place.get_by_role("status")
        for typed, told in [
            (known["right"], "✓"),
            (known["slips"][0][0], known["slips"][0][1]),
            (123.4, "Not this number"),
            ("x", "A number is wanted"),
        ]:
            place.get_by_role("textbox").fill(str(typed))
            page.keyboard.press("Enter")
            assert told in said.inner_text()
