"""Run a learner's code so that nothing it raises or prints takes the notebook down."""

import contextlib
import io
import random
import sys
import sysconfig
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

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


def run(function: Callable[[], Any], printed: Printed) -> Any:
    """function(); ``printed`` takes its output.

    Raises Complaint, with a sentence for the learner, in place of whatever went wrong. The stop
    button's KeyboardInterrupt passes.
    """
    with apart_from_the_notebook(printed):
        try:
            return function()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # exit() raises no Exception
            raise explain(error) from None


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
    what = "Your code" if own else "Using your answer"
    return Complaint(f"{what} raised {kind}{': ' if text else ''}{text}{place}")


def seed(number: int) -> None:
    """The same random numbers for everyone, of all three global streams."""
    torch.default_generator.manual_seed(number)  # without a stack trace for each kind of GPU
    np.random.seed(number)  # noqa: NPY002
    random.seed(number)


@contextlib.contextmanager
def undisturbed():
    """Set the global random streams back, whatever an answer does; show no warnings."""
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        random.setstate(states[2])
