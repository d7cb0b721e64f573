"""Run a learner's code so that nothing it does takes the notebook down.

The code runs in a thread of its own. When its time is up, or the learner presses stop, an exception
is raised in that thread, again and again, because a loop around ``except:`` swallows some. It works
the same from the main thread, from a kernel's subshell, and on every operating system.

What it can't stop is a call into C that doesn't return, or a loop that swallows every exception and
loops again inside its ``try``. The thread is left behind, the verdict says so, and
the kernel goes on. Only a C call that never lets other threads run holds up the kernel.
"""

import contextlib
import ctypes
import gc
import io
import sys
import sysconfig
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from course_utils.draws import streams_by_thread

GRACE = 1.0  # seconds in which a thread must end once it is told to

# raise_in_thread(thread's ident, id of an exception class, or None to take it back)
raise_in_thread = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)(
    ("PyThreadState_SetAsyncExc", ctypes.pythonapi)
)

PATHS = sysconfig.get_paths()
LIBRARIES = tuple(
    {PATHS["stdlib"], PATHS["platstdlib"], PATHS["purelib"], PATHS["platlib"]}
    | {str(Path(__file__).parents[1]), str(Path(torch.__file__).parent), "<frozen"}
)


class Complaint(Exception):
    """Why an answer can't be compared at all; ``attempted`` is False for an untouched stub."""

    def __init__(self, message: str, attempted: bool = True):
        super().__init__(message)
        self.attempted = attempted


class TimeIsUp(BaseException):
    """Raised in the learner's thread; not an Exception, which learners do catch."""


class Printed(io.TextIOBase):
    """Stands in for stdout and stderr: keeps the first characters and counts the rest."""

    KEPT = 200

    def __init__(self):
        self.start, self.length = "", 0

    def write(self, text: str) -> int:
        self.start += text[: self.KEPT - len(self.start)]
        self.length += len(text)
        return len(text)

    def note(self) -> str:
        """What was printed, in a sentence; nothing if nothing was."""
        if not self.start.strip():
            return ""
        more = f" … ({self.length:,} characters in all)" if self.length > self.KEPT else ""
        return f"\nWhile it was checked, your code printed: {self.start.strip()}{more}"


def run(function: Callable[[], Any], seconds: float, printed: Printed) -> Any:
    """function(), in a thread of its own and for at most ``seconds``; ``printed`` takes its output.

    Raises Complaint, with a sentence for the learner, in place of whatever went wrong, and
    KeyboardInterrupt, once the thread is stopped, if the learner presses stop.
    """
    begun, ended, outcome = threading.Event(), threading.Event(), {}

    def work():
        calm = partial(raise_in_thread, threading.get_ident(), None)
        try:
            begun.set()
            outcome["value"] = function()
        except BaseException as error:
            outcome["error"] = error
        calm()  # drops an exception that is on its way; from here on `stop` sends no other
        if "error" in outcome:
            outcome["complaint"] = explain(outcome["error"])
        ended.set()

    thread = threading.Thread(target=work, daemon=True)
    with apart_from_the_notebook(printed):
        thread.start()
        try:
            begun.wait()
            deadline = time.monotonic() + seconds
            while not ended.is_set() and time.monotonic() < deadline:
                ended.wait(0.05)  # briefly: on Windows a long wait is deaf to the stop button
        finally:
            in_time = ended.is_set()
            stopped = in_time or stop(thread.ident, outcome, ended)
    if not stopped:
        raise Complaint(
            f"Your code still runs after {seconds:g} s and can't be stopped: restart the kernel "
            "when convenient. Does every loop end?"
        )
    if not in_time:
        raise Complaint(
            f"Your code was still running after {seconds:g} s and was stopped. Does every loop end?"
        )
    if "complaint" in outcome:
        raise outcome["complaint"]
    return outcome["value"]


@contextlib.contextmanager
def apart_from_the_notebook(printed: Printed):
    """Output goes to ``printed``; display() and exit() do nothing to a notebook."""
    shell = "IPython" in sys.modules and sys.modules["IPython"].get_ipython()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        if not shell:
            yield
            return
        shell.ask_exit = sys.exit  # its own stops the kernel a moment later
        shell.display_pub.publish = lambda *args, **kwargs: None
        try:
            yield
        finally:
            vars(shell).pop("ask_exit", None)
            vars(shell.display_pub).pop("publish", None)


def stop(ident: int, outcome: dict, ended: threading.Event) -> bool:
    """Raise TimeIsUp in the thread until it has an outcome; whether it ended within the grace."""
    strike = partial(raise_in_thread, ident, id(TimeIsUp))
    deadline = time.monotonic() + GRACE
    patience = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns quickly: some turn falls outside of a `try`
    collecting = gc.isenabled()
    gc.disable()  # an exception that is raised within a destructor reaches nobody
    try:
        while not ended.is_set() and time.monotonic() < deadline:
            if not outcome:  # no thread switch between this line and the next
                strike()
            ended.wait(1e-4)
    finally:
        sys.setswitchinterval(patience)
        if collecting:
            gc.enable()
    return ended.is_set()


def explain(error: BaseException) -> Complaint:
    """An exception as a sentence: its type, its message, and the learner's own line."""
    if isinstance(error, Complaint):
        return error
    try:
        kind, text = type(error).__name__, " ".join(str(error).split())[:300]
    except Exception:
        kind, text = "an exception", "its own message can't be shown"
    if "ellipsis" in text or type(error) is NotImplementedError:
        return Complaint("Not attempted yet: a `...` is still to be replaced.", attempted=False)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(LIBRARIES)]
    place = f" (in line {own[-1].lineno}: {own[-1].line[:120]})" if own and own[-1].line else ""
    return Complaint(f"Your code raised {kind}{': ' if text else ''}{text}{place}")


@contextlib.contextmanager
def undisturbed():
    """Leave the global random streams alone, whatever an answer does; show no warnings."""
    with streams_by_thread(), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
