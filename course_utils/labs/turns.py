"""A lab at work: what slides, buttons and the clock ask for, one thing at a time."""

import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from functools import partial

import torch
from torch.optim import LBFGS

from course_utils.labs.page import Page, allows, close_earlier_run, playing_trait
from course_utils.training import Diverged, one_thread


@contextmanager
def interrupts_wait():
    """Hold Ctrl-C and JupyterLab's Interrupt Kernel back until the work inside is done.

    Python raises them in its main thread, and there anywhere: between a fit and its picture, or
    with the lock just taken. Gives the list of those that came.
    """
    came, usual = [], signal.getsignal(signal.SIGINT)
    if usual is None or threading.current_thread() is not threading.main_thread():
        yield came
        return
    signal.signal(signal.SIGINT, lambda *_: came.append(True))
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, usual)
    if came:
        signal.raise_signal(signal.SIGINT)


class Turns:
    """Does one work after the other; of those that waited only the last in ``order``."""

    def __init__(self, order: tuple[Callable, ...], do: Callable[[Callable], None]):
        self.order, self.do = order, do  # the later makes the earlier needless
        self.lock, self.waiting = threading.Lock(), deque()

    @property
    def busy(self) -> bool:
        return self.lock.locked()

    def ask(self, work: Callable) -> None:
        """Do the work; if another thread is working, it does this one when it is through.

        Depending on its version, ipykernel calls from the main thread, from another, or from both.
        """
        self.waiting.append(work)
        while self.waiting and self.lock.acquire(blocking=False):
            try:
                asked = [self.waiting.popleft() for _ in range(len(self.waiting))]
                self.do(max(asked, key=self.order.index))
            finally:
                self.lock.release()


class PageAtWork(Page):
    """A page whose widgets ask for work: ``Lab`` says what ``tick`` to ``restart`` are.

    A slide named in ``retrains`` asks for ``restart``, another for ``refit``.
    """

    retrains = frozenset({"lr", "seed"})

    @interrupts_wait()
    def __init__(self):
        LBFGS([torch.zeros(1)])  # PyTorch's first optimizer imports for 1.4 s: not at a slide
        order = self.rest, self.tick, self.one_step, self.refit, self.untrained, self.restart
        self.turns = Turns(order, self.do)
        self.lay_out()
        if not self.train_steps:
            self.retrains = frozenset(self.controls)  # there is no fit to go on from
        self.connect()
        close_earlier_run(self)
        self.ask(self.restart)

    # What a learner and a notebook use

    @interrupts_wait()
    def set(self, **values) -> None:
        """Do what sliding does: set controls by name, then refit or retrain, and redraw."""
        for name, value in values.items():
            if name not in self.controls:
                raise ValueError(f"expected one of {', '.join(self.controls)}, got {name!r}")
            if not allows(self.controls[name], value):
                raise ValueError(f"{name}={value} is beyond its slider: {self.controls[name]}")
        self.put(values)
        self.slide(values)

    def step(self) -> None:
        """One step of training."""
        self.ask(self.one_step)

    def rewind(self) -> None:
        """Back to the first weights, untrained: the place to press play."""
        self.ask(self.untrained)

    @interrupts_wait()
    def reset(self) -> None:
        """Every slider to its default, and a fresh fit."""
        self.pause()
        self.put(self.defaults)
        self.ask(self.restart)

    # What the widgets call

    def connect(self) -> None:
        for name, control in self.controls.items():
            control.observe(partial(self.on_slide, name), "value")
        self.clock.observe(self.on_tick, "value")
        self.moment.observe(self.on_moment, playing_trait(self.moment))
        self.buttons["play"].observe(self.on_play, "value")
        self.buttons["step"].on_click(lambda _: self.step())
        self.buttons["rewind"].on_click(lambda _: self.rewind())
        self.buttons["reset"].on_click(lambda _: self.reset())

    def on_slide(self, name: str, _) -> None:
        if self.putting:
            return
        self.moved = self.controls[name]
        if not (name == "lr" and self.playing):  # else the next tick reads the learning rate
            self.slide({name})

    def on_tick(self, _) -> None:
        # One that comes after the pause, or while another thread works, is not missed.
        if self.playing and not self.turns.busy:
            self.ask(self.tick)

    def on_moment(self, change) -> None:
        if not change.new and self.slid:
            self.wait_a_moment()
        elif not change.new and self.before and not self.message:
            self.ask(self.rest)

    # The work, by one thread at a time

    def slide(self, names: Iterable[str]) -> None:
        """A fit for the sliders; the one before they began to move stays, pale, for a moment."""
        before = None if self.playing else self.before or self.last
        self.ask(self.refit if self.retrains.isdisjoint(names) else self.restart, before)
        if before:
            self.wait_a_moment()

    def rest(self) -> None:
        """Nothing but a new picture."""

    def ask(self, work: Callable, before: dict | None = None) -> None:
        """Do one of the kinds of work, now or after what is being done, and draw it."""
        with interrupts_wait() as interrupts:
            self.before = before
            self.turns.ask(work)
            if interrupts and self.playing:
                self.pause()
                self.message = "Interrupted. Play goes on from here."
                self.tell()

    def do(self, work: Callable) -> None:
        """The work, a look at the model, a picture; what fails is said on the page."""
        self.message, self.failed = "", False
        try:
            try:
                with one_thread():
                    work()
                    self.look()
            except Diverged as error:
                self.pause()
                self.message = f"Diverged: {error}. The fit shown is the last finite one."
            self.draw(self.curves())
        except Exception as error:  # raised in a callback it would reach only a log
            self.failed, self.message = True, f"{type(error).__name__}: {error}"
            self.pause()
            self.tell()
