"""A lab: sliders, a fit that follows them, and a picture of it, in one widget."""

import base64
import html
import math
import signal
import threading
import time
from collections import deque
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

import ipywidgets as widgets
import torch
from IPython import get_ipython
from torch import Tensor, nn
from torch.optim import LBFGS

from course_utils.data import Problem
from course_utils.draws import OwnDraws
from course_utils.labs.cells import Cells, Sample, expected_nll
from course_utils.labs.head import Head
from course_utils.labs.panels import (
    LAST_STEP,
    fit_curves,
    fit_panel,
    loss_curves,
    loss_panel,
    sigma_curves,
    sigma_panel,
)
from course_utils.labs.picture import HEIGHT, WIDTH, Panel, Picture
from course_utils.labs.quick import OneVectorAdam, Quick
from course_utils.training import Diverged, one_thread, predict
from course_utils.widgets import mimebundle, playing_trait

TICK_STEPS, TICK_SECONDS = 25, 0.02  # of live training between two pictures
WARM_UP = 100  # steps of live training after a fit until the learning rate is the slider's
UNSEEN = "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)"


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


class Lab:
    """Sliders over a model that is trained on a problem; a lesson's lab is a small subclass.

    It says which sliders (``new_controls``), what they mean (``new_problem``, ``first_weights``)
    and what is shown (``panels``, ``curves``, ``numbers``). A model returns (mu, log_var).

    A slide named in ``retrains`` trains from the first weights, by ``train_steps`` of Adam whose
    learning rate falls to 0 along a half cosine. A slide that changes the problem refits, by
    ``refit_steps`` evaluations of L-BFGS, always from the same trained weights: from the last fit,
    a hundred slides would saturate the units and overfit the points. With ``perceptron``, the name
    of the model's network, a refit moves only its last layer and what lies beside it: twenty
    evaluations find the best of these. While the lab plays, ticks from the browser train instead.

    Where a fit is done, the loss is a narrow valley, and a full step would leave it. So training
    that goes on from a fit takes the learning rate times min(t / T, √(T / t)), the warm-up of
    Vaswani et al. (2017), equation 3, with T = ``WARM_UP``. From the first weights it is constant.
    """

    alt = ""
    retrains = frozenset({"lr", "seed"})
    train_steps, refit_steps, lr = 200, 48, 0.01  # lr: unless there is a slider of that name
    perceptron, weight_decay = None, 0.0
    # A method may stand here: from the perceptron's outputs at the cells, (loss, its gradient by
    # the outputs). It puts those of other parameters in their places. Autograd takes twice as long.
    slopes = None
    hopeless = 1000.0  # nats worse than at the start: Adam rarely reaches NaN, but this is no fit
    n = 10_000
    y_limits = (-6.0, 6.0)
    nll_limits = (-1.0, 4.0)

    @interrupts_wait()
    def __init__(self):
        self.controls = self.new_controls()
        self._defaults = {name: control.value for name, control in self.controls.items()}
        self._lock, self._waiting, self._setting = threading.Lock(), deque(), False
        self._instead = {}  # values that count in the place of sliders'
        self.model = self._sample = self._optimiser = self._base = self._base_of = None
        self.losses, self.message, self._failed = [], "", False
        self._since_fit = None  # steps; None: since the first weights
        LBFGS([torch.zeros(1)])  # PyTorch's first optimiser imports for 1.4 s: not at a slide
        self.picture = Picture(self.panels())
        self._lay_out()
        close_earlier_run(self)
        self._ask("restart")

    # What a lesson's lab says

    def new_controls(self) -> dict[str, widgets.Widget]:
        """The sliders by name, at their defaults."""
        raise NotImplementedError

    def new_problem(self) -> Problem:
        """The problem at the sliders' values."""
        raise NotImplementedError

    def first_weights(self) -> nn.Module:
        """The untrained model at the sliders' values; torch is seeded by the slider ``seed``."""
        raise NotImplementedError

    def loss(self, model: nn.Module, cells: Cells) -> Tensor:
        """What training minimises, in nats per point."""
        return cells.nll(*model(cells.x))

    def log_scale(self, model: nn.Module) -> Tensor | None:
        """The parameter that shifts log σ² as a whole: a refit starts at its closed form."""
        return None

    def best_shift(self, mu: Tensor, log_var: Tensor) -> Tensor:
        """The shift of log σ² that makes the loss smallest, in closed form."""
        return self.cells.log_misfit(mu, log_var)

    def predict(self, model: nn.Module) -> tuple[Tensor, Tensor]:
        """The mean and the σ of y at ``lab.x``, as the model sees them."""
        return predict(model, self.x)

    def panels(self) -> list[Panel]:
        """Data and fit; σ(x) learned and true; the loss."""
        return [fit_panel(self), sigma_panel(self), loss_panel(self)]

    def curves(self) -> dict[str, tuple]:
        """What each curve named in the panels shows now."""
        return fit_curves(self) | sigma_curves(self) | loss_curves(self)

    def numbers(self) -> list[str]:
        """The numbers that matter, for the line of text under the picture."""
        return [f"step {len(self.losses):,}", nll_in_words(self.problem, self.expected_nll)]

    # What a learner and a notebook use

    @property
    def value(self) -> SimpleNamespace:
        """The sliders' values by name."""
        now = {name: control.value for name, control in self.controls.items()}
        return SimpleNamespace(**now | self._instead)

    @property
    def playing(self) -> bool:
        """Whether the lab trains live."""
        return getattr(self.clock, playing_trait(self.clock))

    @property
    def state(self) -> dict:
        """mu and sigma at ``lab.x``, both (200, 1); steps since the start; loss; message."""
        return {
            "mu": self.mu,
            "sigma": self.sigma,
            "steps": len(self.losses),
            "loss": self.loss_now,
            "message": self.message,
        }

    @interrupts_wait()
    def set(self, **values) -> None:
        """Do what sliding does: set controls by name, then refit or retrain, and redraw."""
        for name, value in values.items():
            if name not in self.controls:
                raise ValueError(f"expected one of {', '.join(self.controls)}, got {name!r}")
            if not allows(self.controls[name], value):
                raise ValueError(f"{name}={value} is beyond its slider: {self.controls[name]}")
        self._put(values)
        self._ask("restart" if self.retrains & values.keys() else "refit")

    def play(self) -> None:
        """Train on, live, until ``pause``; the browser asks for each picture."""
        self.buttons["play"].value = True

    def pause(self) -> None:
        """Stop the live training."""
        self.buttons["play"].value = False

    def step(self) -> None:
        """One step of training."""
        self._ask("step")

    def rewind(self) -> None:
        """Back to the first weights, untrained: the place to press play."""
        self._ask("rewind")

    @interrupts_wait()
    def reset(self) -> None:
        """Every slider to its default, and a fresh fit."""
        self.pause()
        self._base_of = None
        self._put(self._defaults)
        self._ask("restart")

    def close(self) -> None:
        """Give back every widget of the lab: closing the outermost alone would leave the rest."""
        self.pause()
        for outermost in (self.view, *self.buttons.values()):  # a lab may show no play button
            for widget in tree(outermost):
                widget.close()

    def _repr_mimebundle_(self, **_):
        """The widget and, for a page without a kernel, its picture; the alt text for both."""
        png = base64.b64encode(self.picture.png()).decode()
        return (
            {**mimebundle(self.view), "image/png": png, "text/plain": self.alt},
            {"image/png": {"alt": self.alt, "width": WIDTH, "height": HEIGHT}},
        )

    # The widget

    def _lay_out(self) -> None:
        for name, control in self.controls.items():
            control.observe(partial(self._on_slide, name), "value")
        self.image = widgets.Image(
            format="jpeg", layout={"width": f"{WIDTH}px", "max_width": "100%", "height": "auto"}
        )
        self.text = widgets.HTML(layout={"min_height": "60px"})
        # The clock is never seen. It lives in the page, so it stops when the page closes.
        self.clock = widgets.Play(max=2**31 - 1, interval=40, layout={"display": "none"})
        self.clock.observe(self._on_tick, "value")
        size = {"width": "96px"}
        self.buttons = {
            "play": widgets.ToggleButton(description="Play", icon="play", layout=size),
            "step": widgets.Button(description="Step", tooltip="One step of training", layout=size),
            "rewind": widgets.Button(
                description="Rewind", tooltip="Back to the first weights, untrained", layout=size
            ),
            "reset": widgets.Button(
                description="Reset", tooltip="Every slider to its default", layout=size
            ),
        }
        self.buttons["play"].observe(self._on_play, "value")
        for name in ("step", "rewind", "reset"):
            self.buttons[name].on_click(lambda _, name=name: getattr(self, name)())
        trains = self.train_steps > 0
        buttons = [self.buttons[name] for name in self.buttons if trains or name == "reset"]
        sliders = widgets.HBox(list(self.controls.values()), layout={"flex_flow": "row wrap"})
        self.view = widgets.VBox(
            [sliders, widgets.HBox([*buttons, self.clock]), self.image, self.text]
        )

    def _put(self, values: dict) -> None:
        """Set several sliders for one fit."""
        self._setting = True
        try:
            for name, value in values.items():
                self.controls[name].value = value
        finally:
            self._setting = False

    def _on_slide(self, name: str, _) -> None:
        if self._setting or (name == "lr" and self.playing):
            return  # playing, the next tick reads the learning rate
        self._ask("restart" if name in self.retrains else "refit")

    @interrupts_wait()
    def _on_play(self, change) -> None:
        button = self.buttons["play"]
        button.description, button.icon = ("Pause", "pause") if change.new else ("Play", "play")
        setattr(self.clock, playing_trait(self.clock), change.new)
        self._tell()

    def _on_tick(self, _) -> None:
        # One that comes after the pause, or while another thread works, is not missed.
        if self.playing and not self._lock.locked():
            self._ask("tick")

    # The work, by one thread at a time

    WORK = ("tick", "step", "refit", "rewind", "restart")  # the later makes the earlier needless

    def _ask(self, work: str) -> None:
        """Do the work; if another thread is working, it does this one when it is through.

        Depending on its version, ipykernel calls from the main thread, from another, or from both.
        """
        with interrupts_wait() as interrupts:
            self._waiting.append(work)
            while self._waiting and self._lock.acquire(blocking=False):
                try:
                    self._do([self._waiting.popleft() for _ in range(len(self._waiting))])
                finally:
                    self._lock.release()
            if interrupts and self.playing:
                self.pause()
                self.message = "Interrupted. Play goes on from here."
                self._tell()

    def _do(self, asked: list[str]) -> None:
        self.message, self._failed = "", False
        try:
            try:
                with one_thread():
                    getattr(self, f"_{max(asked, key=self.WORK.index)}")()
                    self._look()
            except Diverged as error:
                self.pause()
                self.message = f"Diverged: {error}. The fit shown is the last finite one."
            self.picture.draw(self.curves())
            self.image.value = self.picture.jpeg()
            self._tell()
        except Exception as error:  # raised in a callback it would reach only a log
            self._failed, self.message = True, f"{type(error).__name__}: {error}"
            self.pause()
            self._tell()

    def _tick(self) -> None:
        self._train(TICK_STEPS, seconds=TICK_SECONDS)
        if len(self.losses) >= LAST_STEP:
            self.pause()
            self.message = f"{LAST_STEP:,} steps: the end of the curve. Rewind, or move a slider."

    def _step(self) -> None:
        self._train(1)

    def _refit(self) -> None:
        self._pose()
        if self.playing:
            if self._since_fit is not None:  # another problem: no longer as slow as at the end
                self._since_fit = min(self._since_fit, WARM_UP)
            return  # the ticks train
        self._train_base()
        put(self.model, self._base)
        scale = self.log_scale(self.model)
        if scale is not None:
            with torch.no_grad():
                scale += self.best_shift(*self.model(self.cells.x))
        self.losses, self._optimiser = [], None
        self._settle()

    def _rewind(self) -> None:
        self._pose()
        with OwnDraws(getattr(self.value, "seed", 0)):  # the learner's stay as they are
            self.model = self.first_weights()
        self.losses, self._optimiser, self._since_fit = [], None, None

    def _restart(self) -> None:
        last = self.model
        self._rewind()
        if self.playing:
            return
        try:
            self._train(self.train_steps, decay=True)
        except Diverged:
            self.model = last or self.model
            raise
        others = self._defaults.keys() - self._begun().keys()
        if all(getattr(self.value, name) == self._defaults[name] for name in others):
            self._base, self._base_of = weights(self.model), self._begun()

    def _begun(self) -> dict:
        """What the first weights depend on: each has one set of weights that refits start from."""
        names = self.retrains & self.controls.keys() - {"lr"}
        return {name: getattr(self.value, name) for name in names}

    def _train_base(self) -> None:
        """Train the weights that refits start from, at the defaults of all other sliders.

        Those of the last training will not do: its learning rate may have blown them up.
        """
        if self._base_of == self._begun():
            return
        self._instead = self._defaults | self._begun()
        try:
            self._rewind()
            self._train(self.train_steps, decay=True)
            self._base, self._base_of = weights(self.model), self._begun()
        finally:
            self._instead = {}
            self._pose()

    def _pose(self) -> None:
        """The problem and the data that the sliders ask for."""
        self.problem = self.new_problem()
        if self._sample is None or self._sample.n != self.n:
            self._sample = Sample(self.problem, self.n)
            self.x = self.problem.grid()
        self.cells = self._sample.of(self.problem)
        self.shown = self._sample.shown(self.problem)

    def _settle(self) -> None:
        """A refit: L-BFGS, which asks for no learning rate; the loss on the cells has no noise."""
        with self._undone_on_failure(), self._last_layer_alone() as head:
            self._descend(head)
        self._since_fit = 0

    @contextmanager
    def _last_layer_alone(self):
        """Put a ``Head`` in the place of the model's perceptron, and then its fit into this."""
        name = self.perceptron
        if name is None:
            yield None
            return
        net = getattr(self.model, name)
        with torch.no_grad():
            _, log_var = self.model(self.cells.x)
            scale = torch.stack([(log_var.mean() / 2).exp(), log_var.new_tensor(math.sqrt(2))])
        head = Head(net, self.cells.x, scale[: net[-1].out_features])
        setattr(self.model, name, head)
        try:
            yield head
        finally:
            setattr(self.model, name, net)
        head.write_to(net[-1])

    def _descend(self, head: Head | None) -> None:
        optimiser = LBFGS(
            self.model.parameters(),
            max_iter=self.refit_steps,
            max_eval=self.refit_steps,
            line_search_fn="strong_wolfe",
            tolerance_grad=1e-9,
            tolerance_change=1e-12,
        )

        def evaluate():
            optimiser.zero_grad()
            loss = self.loss(self.model, self.cells)
            self.losses.append(self._finite(loss.item()))
            if head is not None:
                loss = loss + head.cost()
            loss.backward()
            return loss

        optimiser.step(evaluate)

    def _train(self, steps: int, *, decay: bool = False, seconds: float = math.inf) -> None:
        """Steps of Adam, in place."""
        if self._optimiser is None:
            self._optimiser = OneVectorAdam(self.model, self.weight_decay)
        lr = getattr(self.value, "lr", self.lr)
        end = time.perf_counter() + seconds
        with self._undone_on_failure(), self._quick() as quick:
            for i in range(steps):
                fraction = 0.5 * (1 + math.cos(math.pi * i / steps)) if decay else self._warmth()
                self._optimiser.param_groups[0]["lr"] = lr * fraction
                value = self._finite(self._descent(quick))
                if i == 0:
                    start = value
                if value > start + self.hopeless:
                    raise self._diverged(value)
                self.losses.append(value)
                self._optimiser.step()
                if time.perf_counter() > end:
                    break
        if decay:
            self._since_fit = 0

    def _warmth(self) -> float:
        """The next step's share of the learning rate."""
        if self._since_fit is None:
            return 1.0
        self._since_fit += 1
        return min(self._since_fit / WARM_UP, math.sqrt(WARM_UP / self._since_fit))

    def _descent(self, quick: Quick | None) -> float:
        """The loss; the parameters' gradients are in their places afterwards."""
        if quick and self.slopes:
            loss, gradient = self.slopes(quick.run(self.cells.x))
            quick.backward(gradient)
            return loss
        self._optimiser.zero_grad()
        loss = self.loss(self.model, self.cells)
        loss.backward()
        if quick:
            quick.backward(quick.outputs.grad)
        return loss.item()

    @contextmanager
    def _quick(self):
        """Put a ``Quick`` in the place of the model's perceptron, if there is one."""
        name = self.perceptron
        if name is None:
            yield None
            return
        quick = Quick(getattr(self.model, name))
        setattr(self.model, name, quick)
        try:
            yield quick
        finally:
            setattr(self.model, name, quick.net)

    def _diverged(self, loss: float) -> Diverged:
        return Diverged(len(self.losses), float(f"{loss:.3g}"), getattr(self.value, "lr", self.lr))

    def _finite(self, loss: float) -> float:
        if not math.isfinite(loss):
            raise self._diverged(loss)
        return loss

    @contextmanager
    def _undone_on_failure(self):
        """Put the weights back if the work inside fails, or if they are not finite after it."""
        before = weights(self.model)
        try:
            yield
            if not all(parameter.isfinite().all() for parameter in self.model.parameters()):
                raise self._diverged(math.nan)
        except BaseException:
            self._optimiser, self._since_fit = None, 0
            put(self.model, before)
            raise

    def _look(self) -> None:
        """What the model says now, at the grid."""
        mu, sigma = self.predict(self.model)
        with torch.no_grad():
            loss = self.loss(self.model, self.cells).item()
        expected = expected_nll(self.problem, self.x, mu, sigma)
        if not (math.isfinite(expected) and math.isfinite(loss)):
            raise self._diverged(loss)
        self.mu, self.sigma, self.loss_now, self.expected_nll = mu, sigma, loss, expected

    def _tell(self) -> None:
        """The text under the picture; unless it changes all the time, it is read out."""
        spoken = "" if self.playing else ' role="status" aria-live="polite"'
        # The picture itself can carry no text: ipywidgets' Image fails to show if it has a tooltip.
        lines = [f'<div style="{UNSEEN}">{html.escape(self.alt)}</div>']
        if not self._failed:
            lines.append(f"<div{spoken}>{html.escape(' · '.join(self.numbers()))}</div>")
        if self.message:
            colour = "#c00000" if self._failed else "inherit"
            lines.append(
                f'<div role="alert" style="color: {colour}; font-weight: bold">'
                f"{html.escape(self.message)}</div>"
            )
        self.text.value = "".join(lines)


def weights(model: nn.Module) -> list[Tensor]:
    """A copy of the model's parameters."""
    return [parameter.detach().clone() for parameter in model.parameters()]


def put(model: nn.Module, values: list[Tensor]) -> None:
    """Set the model's parameters."""
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), values, strict=True):
            parameter.copy_(value)


def nll_in_words(problem: Problem, expected: float) -> str:
    """The expected NLL as the noise floor and what the model adds to it."""
    floor = problem.noise_floor()
    if not math.isfinite(floor):
        return f"expected NLL {expected:.4g} nats (without noise there is no floor)"
    return f"expected NLL {expected:.3f} nats = noise floor {floor:.3f} + {expected - floor:.3f}"


def allows(control: widgets.Widget, value) -> bool:
    """Whether the slider can stand at the value."""
    if hasattr(control, "options"):
        return value in control.options
    low, high = control.min, control.max
    if isinstance(control, widgets.FloatLogSlider):
        low, high = control.base**low, control.base**high
    return low <= value <= high


def tree(widget: widgets.Widget):
    """The widget, its children, and the layout and style that each of them has."""
    for child in getattr(widget, "children", ()):
        yield from tree(child)
    yield from (getattr(widget, name) for name in ("layout", "style") if widget.has_trait(name))
    yield widget


# The labs that each cell of the notebook made last, and the run of the cell that made them.
_made_by: dict[str, tuple[str, list[Lab]]] = {}


def close_earlier_run(lab: Lab) -> None:
    """Close the labs of an earlier run of the same cell, else they would pile up."""
    shell = get_ipython()
    if not hasattr(shell, "get_parent"):
        return  # no notebook
    request = shell.get_parent()
    code = request.get("content", {}).get("code", "")
    cell = request.get("metadata", {}).get("cellId") or code
    run = request.get("header", {}).get("msg_id", "")
    last_run, labs = _made_by.get(cell, ("", []))
    if last_run != run:
        for old in labs:
            old.close()
        labs = []
    _made_by[cell] = run, [*labs, lab]
