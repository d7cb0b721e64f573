"""Run a learner's code so that nothing it does takes the notebook down.

The code runs in a thread of its own. When its time is up, or the learner presses stop, an exception
is raised in that thread, again and again, because ``except:`` in a loop swallows a few of them. It
works the same from the main thread, from a kernel's subshell, and on every operating system.

What it can't stop is a call into C that never returns. One that lets other threads run (a sleep, a
wait) is left behind and the verdict says so; one that doesn't holds up the whole kernel.
"""

import contextlib
import ctypes
import io
import random
import sysconfig
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

GRACE = 1.0  # seconds in which a thread must end once it is told to

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
    outcome = {}

    def work():
        try:
            try:
                outcome["value"] = function()
            except BaseException as error:
                outcome["complaint"] = explain(error)
        except TimeIsUp:
            pass

    thread = threading.Thread(target=work, daemon=True)
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        thread.start()
        try:
            deadline = time.monotonic() + seconds
            while thread.is_alive() and time.monotonic() < deadline:
                thread.join(0.05)  # short waits: on Windows a long one is deaf to the stop button
        finally:
            in_time = not thread.is_alive()
            stopped = in_time or stop(thread)
    if not in_time:
        left = "" if stopped else (
            " It could not be stopped and still runs behind the notebook: restart the kernel when "
            "convenient."
        )
        raise Complaint(
            f"Your code was still running after {seconds:g} s, so the check stopped waiting. Does "
            f"every loop end?{left}"
        )
    if "value" in outcome:
        return outcome["value"]
    raise outcome.get("complaint") or Complaint("Your code ended without a result.")


def stop(thread: threading.Thread) -> bool:
    """Raise TimeIsUp in the thread until it ends; whether it did within the grace."""
    deadline = time.monotonic() + GRACE
    while thread.is_alive() and time.monotonic() < deadline:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(TimeIsUp)
        )
        thread.join(0.005)
    return not thread.is_alive()


def explain(error: BaseException) -> Complaint:
    """An exception as a sentence: its type, its message, and the learner's own line."""
    if isinstance(error, Complaint):
        return error
    kind = type(error).__name__
    try:
        text = " ".join(str(error).split())[:300]
        frames = traceback.extract_tb(error.__traceback__)
    except Exception:
        text, frames = "", []
    if "ellipsis" in text or isinstance(error, NotImplementedError):
        return Complaint("Not attempted yet: a `...` is still to be replaced.", attempted=False)
    own = [frame for frame in frames if not frame.filename.startswith(LIBRARIES)]
    place = f", in line {own[-1].lineno}: {own[-1].line[:120]}" if own else ""
    return Complaint(f"Your code raised {kind}{': ' if text else ''}{text}{place}")


@contextlib.contextmanager
def undisturbed():
    """Leave the global random generators as they were, and show no warnings."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002
            torch.set_rng_state(states[2])
