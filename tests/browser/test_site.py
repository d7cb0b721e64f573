"""The site: built as `make site` builds it, read as files, and shown by a browser."""

import json
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import cache, partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

from tools.notebooks import repository

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
PAGES = [
    "index.html",
    "search.html",
    "questions.html",
    *(f"{path.stem}.html" for path in NOTEBOOKS),
]
each_page = pytest.mark.parametrize("name", PAGES)
each_lesson = pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
PHONE, LAPTOP = {"width": 360, "height": 780}, {"width": 1280, "height": 900}
ZOOMED = {"width": 640, "height": 450}  # what a laptop's page has left at 200 %
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


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def address(pages):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(pages)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def show(browser, address):
    """Show a page of the site; no request may go elsewhere or fail, and no error may be logged."""

    @contextmanager
    def shown(name, size, scheme="light"):
        context = browser.new_context(viewport=size, color_scheme=scheme)
        page = context.new_page()
        wrong = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda m: m.type in ("error", "warning") and wrong.append(m.text))
        page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((f"{address}/", "data:", "blob:"))
                or wrong.append(f"another host: {request.url}")
            ),
        )
        page.goto(f"{address}/{name}")
        page.wait_for_function(TYPESET)
        yield page
        assert wrong == []
        context.close()

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
def test_every_link_leads_somewhere(pages, name):
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


@each_page
def test_nothing_is_loaded_from_another_host(pages, name):
    page = read(pages / name)
    loaded = [*page.values("src"), *page.values("srcset"), *page.values("href", "link")]
    assert not [address for address in loaded if re.match("(https?:)?//", address)]


def test_no_style_sheet_loads_from_another_host(pages):
    for path in pages.rglob("*.css"):
        css = path.read_text(encoding="utf-8")
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", css), path.name


@each_page
def test_every_picture_says_what_it_shows(pages, name):
    for image in pictures(pages / name):
        assert len(image["alt"].split()) >= 8, image["src"]


@each_lesson
def test_each_picture_of_the_notebook_is_on_its_page(pages, name):
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    alts = [
        output["metadata"]["image/png"]["alt"]
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert alts
    top = re.findall(r"!\[([^]]+)\]\(images/", "".join(notebook["cells"][0]["source"]))
    assert [image["alt"] for image in pictures(pages / f"{name}.html")] == [*top, *alts]


@each_lesson
def test_its_code_can_be_opened_elsewhere_if_the_address_is_known(pages, name):
    links = read(pages / f"{name}.html").values("href", "a")
    if not repository():
        assert not [link for link in links if re.search("mybinder|colab|/learning-the-var", link)]
        return
    for place in ("mybinder.org/v2/gh/", "colab.research.google.com/github/", "github.com/"):
        of_place = [link for link in links if place in link and link.endswith(f"{name}.ipynb")]
        assert of_place, place
        assert len({unquote(link) for link in of_place}) == 1, "two links to one place differ"


def test_the_front_page_tells_what_readme_does(pages):
    front = (pages / "index.html").read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        assert f'href="{path.stem}.html"' in front
    assert 'data-lab="' in front


# In a browser


@each_page
@pytest.mark.parametrize(
    ("size", "scheme"),
    [(PHONE, "light"), (LAPTOP, "dark"), (ZOOMED, "light")],
    ids=["phone, light", "laptop, dark", "200 %, light"],
)
def test_a_page_fits_and_axe_finds_nothing_serious(show, name, size, scheme):
    with show(name, size, scheme) as page:
        assert page.evaluate("() => document.documentElement.dataset.theme") == scheme
        assert not scrolls_sideways(page)
        # As it is after reading: unfolded and answered.
        page.evaluate(
            """() => {
                document.querySelectorAll('details').forEach(it => { it.open = true; });
                document.querySelectorAll('.quiz input').forEach(it => it.click());
            }"""
        )
        page.wait_for_timeout(300)
        assert not scrolls_sideways(page)
        assert serious(page) == []


@each_lesson
def test_equations_are_typeset(show, name):
    with show(f"{name}.html", LAPTOP) as page:
        formulas = page.locator(".math").count()
        assert page.locator(".math mjx-container").count() == formulas > 0
        assert page.locator("mjx-merror").count() == 0


@each_lesson
def test_hints_and_solutions_are_folded(show, name):
    with show(f"{name}.html", PHONE) as page:
        folded = page.locator("details:has(> summary)")
        assert folded.count() >= 9  # three exercises
        assert page.locator("details[open]").count() == 0
        for i in range(folded.count()):
            folded.nth(i).locator("summary").click()
        assert page.locator("details[open]").count() == folded.count()
        assert page.locator("details .highlight").first.is_visible()


@each_lesson
def test_the_quiz_is_answered_by_keyboard(show, name):
    with show(f"{name}.html", PHONE) as page:
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


@pytest.mark.parametrize("name", ["index.html", *(f"{path.stem}.html" for path in NOTEBOOKS)])
def test_the_lab_in_the_page_lives(show, name):
    with show(name, PHONE) as page:
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


def test_previous_and_next_lead_through_all_lessons(show):
    with show("index.html", LAPTOP) as page:
        for path in NOTEBOOKS:
            page.locator("a.right-next").click()
            page.wait_for_url(f"**/{path.stem}.html")
        page.locator("a.right-next").click()
        page.wait_for_url("**/questions.html")
        assert page.locator("a.right-next").count() == 0
        page.locator("a.left-prev").click()
        page.wait_for_url(f"**/{NOTEBOOKS[-1].stem}.html")


def test_light_and_dark_by_the_menu_and_kept(show):
    theme = "() => document.documentElement.dataset.theme"
    with show("index.html", LAPTOP, "light") as page:
        assert page.evaluate(theme) == "light"
        page.locator(".theme-switch-button:visible").first.click()
        page.locator(".theme-change-button[data-mode=dark]:visible").click()
        assert page.evaluate(theme) == "dark"
        page.locator("a.right-next").click()
        page.wait_for_url(f"**/{NOTEBOOKS[0].stem}.html")
        assert page.evaluate(theme) == "dark"


def test_search_finds_a_word(show):
    with show("search.html?q=heteroscedastic", LAPTOP) as page:
        page.locator("#search-results li a").first.wait_for()
        found = page.locator("#search-results li a").evaluate_all("all => all.map(a => a.href)")
        assert any("04_heteroscedastic_network.html" in href for href in found)


def test_a_search_shows_words_and_no_tex(show):
    with show("search.html?q=sigma", LAPTOP) as page:
        page.locator("#search-results li p.context").first.wait_for()
        texts = page.locator("#search-results li p.context").all_inner_texts()
        assert texts and not [text for text in texts if "\\" in text or "Settings" in text]


def test_a_guess_unfolds_what_was_measured_and_is_in_the_tally(show):
    with show("04_heteroscedastic_network.html", PHONE) as page:
        place = page.locator(".guess").first
        key = place.get_attribute("data-key")
        measured = page.locator("details", has_text=f"{key}: what was measured")
        assert not measured.evaluate("it => it.open")
        place.get_by_role("textbox").fill("2")
        page.keyboard.press("Enter")
        assert "from 0 to 1" in place.get_by_role("status").inner_text()
        place.get_by_role("textbox").fill("95 %")
        page.keyboard.press("Enter")
        assert "0.95" in place.get_by_role("status").inner_text()
        assert page.locator("details", has_text=f"{key}: your guess").evaluate("it => it.open")
        told = page.locator(".guesses").inner_text()
        assert f"{key}: you guessed 0.95, measured " in told and "1 guessed, " in told
        # On the axis, by the keyboard alone.
        axis = place.get_by_role("slider", name=f"Guess {key}, on an axis from 0 to 1")
        axis.focus()
        for key_pressed in ("Home", "ArrowRight", "Tab", "Enter"):
            page.keyboard.press(key_pressed)
        assert "0.01" in place.get_by_role("status").inner_text()
        landed = page.locator("details", has_text=f"{key}: your guess was 0.01")
        assert landed.locator("svg.axis").is_visible()
        assert "you guessed 0.01, measured " in landed.get_by_role("status").inner_text()


def test_guesses_are_kept_until_they_are_forgotten(show):
    with show("04_heteroscedastic_network.html", PHONE) as page:
        first, second = page.locator(".guess").nth(0), page.locator(".guess").nth(1)
        first.get_by_role("textbox").fill("95 %")
        page.keyboard.press("Enter")
        word = page.locator(".guess").get_by_role("button", name="larger")
        word.click()
        tally = page.locator(".guesses")
        assert "2 guessed, " in tally.inner_text()
        told = tally.inner_text()
        page.goto(page.url.replace("04_heteroscedastic_network", "03_single_sigma"))
        assert tally.inner_text() == ""  # another lesson has its own
        page.go_back()
        assert tally.inner_text() == told
        assert first.get_by_role("textbox").input_value() == "0.95"
        assert first.get_by_role("slider").input_value() == "0.95"
        assert second.get_by_role("textbox").input_value() == ""
        assert word.get_attribute("aria-pressed") == "true"
        assert page.locator("details", has_text="04-a: your guess was 0.95").evaluate(
            "it => it.open"
        )
        tally.get_by_role("button", name="Forget my guesses").press("Enter")
        assert tally.inner_text() == "Your guesses are forgotten."
        for _ in range(2):
            assert first.get_by_role("textbox").input_value() == ""
            assert word.get_attribute("aria-pressed") != "true"
            folded = page.locator("details", has_text="04-a: what was measured")
            assert not folded.evaluate("it => it.open")
            page.reload()
        first.get_by_role("textbox").fill("0.8")
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
    page.goto(f"{address}/04_heteroscedastic_network.html")
    page.locator(".guess").first.get_by_role("textbox").fill("0.9")
    page.keyboard.press("Enter")
    assert "1 guessed, " in page.locator(".guesses").inner_text()
    page.locator(".guesses").get_by_role("button").click()
    assert page.locator(".guesses").inner_text() == "Your guesses are forgotten."
    assert not [stack for stack in wrong if "site.js" in stack or "labs.js" in stack]
    context.close()


RAINS = [path.stem for path in NOTEBOOKS if "\nRain(" in path.with_suffix(".py").read_text("utf-8")]


@pytest.mark.parametrize("name", RAINS)
def test_coverage_rains_on_the_page_to_the_last_point(show, name):
    with show(f"{name}.html", PHONE) as page:
        page.emulate_media(reduced_motion="reduce")
        rain = page.locator(f'.lab[data-lab="{name[:2]}-rain"]')
        rain.get_by_role("button", name="Play").press("Enter")
        told = rain.locator(".lab-numbers").inner_text().replace(",", "")
        n, outside, share, right = re.search(
            r"points of (\d+)\s+\1\s+outside\s+(\d+)\s+share inside\s+(.+); right: (.+) ±", told
        ).groups()
        assert abs(float(share) - 1 + int(outside) / int(n)) < 6e-4 and right == "0.950"
        assert not scrolls_sideways(page)


@each_lesson
def test_on_a_phone_nothing_that_is_printed_scrolls_and_no_letter_is_tiny(show, name):
    with show(f"{name}.html", PHONE) as page:
        page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true; })")
        page.wait_for_timeout(200)
        scroll, tiny = page.evaluate(
            """() => {
                const seen = [...document.querySelectorAll('.bd-content *')];
                const spoken = seen.filter(it => it.getClientRects().length
                    && [...it.childNodes].some(part => part.nodeType === 3 && part.data.trim()));
                return [
                    seen.filter(it => it.matches('pre') && it.scrollWidth > it.clientWidth)
                        .map(it => it.textContent),
                    spoken.filter(it => parseFloat(getComputedStyle(it).fontSize) < 9)
                        .map(it => it.outerHTML),
                ];
            }"""
        )
        assert scroll == []
        assert tiny == []


def test_what_is_printed_fits_after_a_phone_is_turned(show):
    wide = """() => [...document.querySelectorAll('.bd-content .cell_output pre')]
        .filter(it => it.scrollWidth > it.clientWidth).map(it => it.textContent)"""
    with show("15_real_data.html", PHONE) as page:
        for size in (LAPTOP, PHONE):
            page.set_viewport_size(size)
            page.wait_for_timeout(500)
            assert page.evaluate(wide) == []


@each_lesson
def test_no_sentence_asks_for_what_a_page_lacks(pages, name):
    text = (pages / f"{name}.html").read_text(encoding="utf-8")
    assert not re.search("<em>Rewind</em>|Press <em>play</em>|Play goes on|Run them as", text)


def test_an_exercise_with_a_number_takes_it_on_the_page(show):
    with show("04_heteroscedastic_network.html", PHONE) as page:
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


@each_lesson
def test_on_a_phone_the_letters_of_a_figure_have_nine_pixels(show, name):
    with show(f"{name}.html", PHONE) as page:
        small = page.evaluate(
            """() => [...document.querySelectorAll('a.figure img')].filter(it => it.offsetWidth)
                .filter(it => 14 * it.offsetWidth < 9 * it.getAttribute('width'))
                .map(it => it.src)"""
        )
        assert small == []


def test_what_is_too_wide_is_reached_by_keyboard(show):
    with show(f"{NOTEBOOKS[3].stem}.html", PHONE) as page:
        wide = page.evaluate(
            """() => [...document.querySelectorAll('mjx-container[display], .bd-content pre')]
                .filter(box => box.scrollWidth > box.clientWidth).map(box => box.tabIndex)"""
        )
        assert wide
        assert set(wide) == {0}
