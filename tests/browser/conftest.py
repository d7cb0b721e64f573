"""A real JupyterLab on 127.0.0.1, in a copy of the course, and a real Chromium in front of it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect, sync_playwright

from tools.notebooks import METADATA, ROOT

# Debian's Chromium comes as root in a container, where its sandbox can not work.
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic"]
# Every cell on the page, whether in sight or not; no questions about news or kernels.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """A copy of the course that the tests may change."""
    copy = tmp_path_factory.mktemp("course")
    for name in ("course_lessons", "course_utils", "notebooks"):
        leave = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(ROOT / name, copy / name, ignore=leave)
    for name in ("pyproject.toml", "jupyter_server_config.py"):
        shutil.copy(ROOT / name, copy)
    return copy


@pytest.fixture(scope="session")
def server(course, tmp_path_factory):
    """The address of a JupyterLab in the copy; its settings and log are in temporary folders."""
    home = tmp_path_factory.mktemp("jupyter")
    for name, values in SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    env = os.environ | {
        **{f"JUPYTER_{it}_DIR": str(home / it.lower()) for it in ("CONFIG", "DATA", "RUNTIME")},
        **{f"JUPYTERLAB_{it}_DIR": str(home / it.lower()) for it in ("SETTINGS", "WORKSPACES")},
        "IPYTHONDIR": str(home / "ipython"),
        # What PYTHONPATH names already comes second: with it one tries another ipykernel.
        "PYTHONPATH": os.pathsep.join([str(course), os.environ.get("PYTHONPATH", "")]),
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        "--config=jupyter_server_config.py",  # as `make lab` says
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={course}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=None",
        "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=course, env=env, stdout=log, stderr=log)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{url}/api/status", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, (home / "log").read_text()
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()  # ends its kernels too
        process.wait(timeout=30)


@pytest.fixture(scope="session")
def browser():
    path = (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    assert path, "no chromium found: install one, or name it in CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        yield browser
        browser.close()


class Notebook:
    """A notebook open in JupyterLab."""

    def __init__(self, page, server: str, path: str):
        self.page, self.server, self.path = page, server, path
        self.errors = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console", lambda message: message.type == "error" and self.errors.append(message.text)
        )
        page.goto(f"{server}/lab/tree/{path}?reset")
        page.wait_for_function(
            """() => window.jupyterapp?.shell.currentWidget?.sessionContext
                && window.jupyterapp.commands.hasCommand('notebook:run-all-cells')""",
            timeout=60_000,
        )
        page.wait_for_function(
            """() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel
                ?.status === 'idle'""",
            timeout=60_000,
        )

    def wait_for(self, work: str, argument=None, seconds: float = 60):
        """What asynchronous work in the page ends with."""
        answer = self.page.evaluate(
            f"""([argument, ms]) => Promise.race([
                ({work})(argument).then(answer => [answer]),
                new Promise(done => setTimeout(() => done([]), ms))])""",
            [argument, seconds * 1000],
        )
        # ipykernel 7.0 to 7.3 can leave a request unread for good (ipython/ipykernel#1554).
        assert answer, f"the kernel has not answered in {seconds} s"
        return answer[0]

    def run_all(self) -> list[str]:
        """Run every cell; the errors that the outputs hold afterwards."""
        self.wait_for(
            "() => window.jupyterapp.commands.execute('notebook:run-all-cells')", seconds=300
        )
        return self.tracebacks()

    def tracebacks(self) -> list[str]:
        """The errors that the outputs hold."""
        return self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells
                .flatMap(cell => cell.toJSON().outputs ?? [])
                .filter(output => output.output_type === 'error')
                .map(output => output.ename + ': ' + output.evalue)"""
        )

    def ask(self, expression: str) -> str:
        """What the expression is in the notebook's kernel, as text."""
        answer = self.wait_for(
            """expression => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
                .requestExecute({code: '', user_expressions: {it: expression}})
                .done.then(reply => reply.content.user_expressions.it)""",
            expression,
        )
        assert answer["status"] == "ok", answer
        return answer["data"]["text/plain"]

    def formulas(self, at_least: int) -> tuple[int, list[str]]:
        """How many formulas the page shows, once they are that many, and those it refuses."""
        drawn = ".jp-MarkdownOutput mjx-container"
        self.page.wait_for_function(
            "([drawn, n]) => document.querySelectorAll(drawn).length >= n",
            arg=[drawn, at_least],
            timeout=60_000,
        )
        # What cannot be read is a node of its own; an unknown macro is drawn in red.
        refused = self.page.locator(
            f"{drawn}:has(mjx-merror, [data-mjx-error], [style*='color: red'])"
        )
        return self.page.locator(drawn).count(), refused.all_inner_texts()

    def interrupt(self) -> None:
        """What the menu's Kernel > Interrupt Kernel and the button beside Run do."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")

    def labs(self) -> list["LabOnPage"]:
        pictures = self.page.locator(".jp-OutputArea-output img.widget-image")
        pictures.first.wait_for(timeout=20_000)
        boxes = pictures.locator("xpath=ancestor::div[contains(@class, 'widget-vbox')][1]")
        return [LabOnPage(self.page, boxes.nth(i)) for i in range(boxes.count())]

    def close(self) -> None:
        """Close the page and end the kernel."""
        if not self.page.is_closed():
            self.page.evaluate(
                "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
            )
            self.page.close()


class LabOnPage:
    """A lab as a learner meets it: sliders, buttons, a picture, a line of text."""

    def __init__(self, page, box):
        self.page, self.box = page, box
        self.picture = box.locator("img.widget-image")
        self.sliders = box.get_by_role("slider")

    def source(self) -> str:
        return self.picture.get_attribute("src")

    def button(self, name: str):
        return self.box.get_by_role("button", name=name)

    def play(self) -> None:
        self.button("Play").click()
        self.button("Pause").wait_for()

    def wait_for_change(self, source: str, seconds: float = 10) -> None:
        """Until the picture is another than ``source``."""
        expect(self.picture).not_to_have_attribute("src", source, timeout=1000 * seconds)

    def wait_for_pictures(self, count: int) -> None:
        """Until so many new pictures have come; how soon is the machine's affair."""
        for _ in range(count):
            self.wait_for_change(self.source(), seconds=60)


@pytest.fixture
def open_notebook(browser, server):
    """Open a notebook of the copy in a page of its own."""
    opened = []

    def open_it(path: str) -> Notebook:
        page = browser.new_page(viewport={"width": 1400, "height": 1000}, device_scale_factor=2)
        opened.append(Notebook(page, server, path))
        return opened[-1]

    yield open_it
    for notebook in opened:
        notebook.close()


@pytest.fixture
def open_cells(course, open_notebook):
    """Open a new notebook of these cells: code, or made already."""

    def open_it(*cells, name: str = "cells.ipynb") -> Notebook:
        made = [nbformat.v4.new_code_cell(it) if isinstance(it, str) else it for it in cells]
        notebook = nbformat.v4.new_notebook(cells=made, metadata=METADATA)
        path = course / "notebooks" / name
        nbformat.write(notebook, path)
        # JupyterLab saves every two minutes, and Jupytext reads cells from the pair's other half.
        path.with_suffix(".py").unlink(missing_ok=True)
        return open_notebook(f"notebooks/{name}")

    return open_it


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def serving(folder: Path):
    """The address of a server of the folder's files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@contextmanager
def watched(browser, address: str, **options):
    """A page of a site; no request may go elsewhere or fail, and no error may be logged."""
    context = browser.new_context(**options)
    page, wrong, own = context.new_page(), [], (f"{address}/", "data:", "blob:")
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda m: m.type in ("error", "warning") and wrong.append(m.text))
    page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
    page.on("request", lambda request: request.url.startswith(own) or wrong.append(request.url))
    yield page
    assert wrong == []
    context.close()
