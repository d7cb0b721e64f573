"""What goes wrong on other people's machines, all at once in one kernel that runs a lesson."""

import asyncio
import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from jupyter_core.utils import ensure_event_loop

from tools.notebooks import ROOT

LESSON = "00_start_here.ipynb"
MEMORY = 450  # MB a kernel may hold at its peak: several fit a Binder machine of 2 GB

# Run in the kernel before the lesson: one core, a gigabyte and, where the system has a German
# locale, decimal commas. Once the libraries are loaded, what opens a socket, starts a process or
# unpickles is heard, and refused.
SPOILED = """
import contextlib, locale, os, sys

if sys.platform == "linux":
    import resource
    resource.setrlimit(resource.RLIMIT_DATA, (10**9, 10**9))
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
with contextlib.suppress(locale.Error):
    locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
import IPython, ipywidgets, matplotlib.pyplot, numpy, torch, tqdm.auto
EVENTS = ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system",
          "os.exec", "os.posix_spawn", "os.fork", "urllib.Request", "ftplib.connect",
          "pickle.find_class", "marshal.load")
heard = []
def refuse(event, args):
    if event in EVENTS:
        heard.append((event, args))
        raise OSError(f"no {event} here")
sys.addaudithook(refuse)
"""
# Run after it: what the lesson leaves out.
ALL_THE_REST = """
import importlib, pkgutil
from functools import partial
import course_lessons, course_utils
for package in (course_lessons, course_utils):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
from course_utils.losses import negative_elbo
from course_utils.models import BayesianRegressor
from course_utils.training import predict_samples
fit(bayesian := BayesianRegressor(), partial(negative_elbo, n=len(x)), x, y, steps=2)
predict_samples(bayesian, x, 2)
check("03-3", lambda y, mu, log_var: y)
"""


class Kernel:
    """A kernel in a folder and an environment of one's own, and what its cells gave.

    It is spoken to from one thread: jupyter_client would leave an event loop behind in each test.
    """

    def __init__(self, folder, environment):
        self.complaints, self.thread = "", ThreadPoolExecutor(1)
        start = partial(start_new_kernel, kernel_name="python3", cwd=folder, env=environment)
        self.manager, self.client = self.thread.submit(start).result()

    def run(self, code, error=None):
        """The texts that a cell puts out; an error is raised unless its name is expected."""
        texts = []

        def hear(message):
            content = message["content"]
            if content.get("name") == "stderr":
                self.complaints += content["text"]
            else:
                texts.append(content.get("text") or content.get("data", {}).get("text/plain"))

        job = partial(self.client.execute_interactive, code, output_hook=hear, timeout=120)
        reply = self.thread.submit(job).result()["content"]
        assert reply.get("ename") == error, "\n".join([code, *reply.get("traceback", [])])
        return "".join(text for text in texts if text)

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()
        ensure_event_loop().close()
        asyncio.set_event_loop(None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkout that cannot be written, in a path with spaces and other letters."""
    folder = tmp_path_factory.mktemp("course") / "Löwe & Söhne, 50 % größer"
    for name in ("course_lessons", "course_utils"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / LESSON, folder / "notebooks")
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)


@pytest.fixture(scope="module")
def kernel(folder, tmp_path_factory):
    """In another working directory, with a home that cannot be written, not even by root."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    home = str(elsewhere / "a file")
    Path(home).touch()
    places = r"IPYTHONDIR|MPLCONFIGDIR|XDG_.*|JUPYTER_.*"
    environment = {k: v for k, v in os.environ.items() if not re.fullmatch(places, k)}
    environment |= {"HOME": home, "USERPROFILE": home, "PYTHONPATH": str(folder)}
    environment["TQDM_DISABLE"] = "1"  # on a slow machine its bar would be a complaint
    kernel = Kernel(elsewhere, environment)
    yield kernel
    kernel.thread.submit(kernel.stop).result()


@pytest.fixture(scope="module")
def ran(kernel, folder):
    """Each code cell of the lesson, the text it gave on that machine, and the text stored."""
    kernel.run(SPOILED)
    cells = nbformat.read(folder / "notebooks" / LESSON, as_version=4).cells
    found = []
    for cell in (cell for cell in cells if cell.cell_type == "code"):
        stored = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
        found.append((cell.source, kernel.run(cell.source), "".join(stored)))
    return found


def test_a_lesson_runs_as_stored_whatever_the_machine_lacks(ran, kernel, folder):
    for source, found, expected in ran:
        assert found == expected, source
    assert kernel.run("import course_utils; print(course_utils.__file__)").startswith(str(folder))
    # Matplotlib says, once, that it caches its fonts elsewhere.
    complaints = kernel.complaints.splitlines()
    assert all("atplotlib" in line for line in complaints), complaints
    # Root can write all the same: then what is new there is no read-only copy.
    new = [path for path in folder.rglob("*") if path.stat().st_mode & 0o222]
    assert not [path for path in new if "__pycache__" not in path.parts]
    assert kernel.run("print(os.listdir())").strip() == "['a file']"


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read in /proc")
def test_a_kernel_stays_small(ran, kernel):
    peak = kernel.run("print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])")
    assert int(peak) / 1024 < MEMORY


def test_nothing_opens_a_socket_starts_a_process_or_unpickles(ran, kernel):
    kernel.run(ALL_THE_REST)
    assert kernel.run("print(heard)").strip() == "[]"
    kernel.run("import socket; socket.getaddrinfo('a.b', 80)", error="OSError")  # it is heard


def test_cells_run_twice_and_in_reverse_order(ran, kernel):
    for source, *_ in reversed(ran):
        kernel.run(source)


def test_a_fit_that_is_stopped_leaves_a_model_to_go_on_with(ran, kernel):
    kernel.run("torch.set_num_threads(2)")
    kernel.run("from course_utils.losses import mean_nll\nmodel = HeteroscedasticRegressor()")
    kernel.run(
        "import threading, _thread\nthreading.Timer(0.2, _thread.interrupt_main).start()\n"
        "fit(model, mean_nll, x, y, steps=10**8)",
        error="KeyboardInterrupt",
    )
    kernel.run("assert torch.get_num_threads() == 2")
    kernel.run("mu, sigma = predict(model, x)\nassert mu.isfinite().all() and (sigma > 0).all()")
    kernel.run("fit(model, mean_nll, x, y, steps=2)\ntorch.set_num_threads(1)")
