"""A lab: sliders, a fit that follows them, and a picture of it."""

import math
from types import SimpleNamespace

from torch import Tensor, nn

from course_utils.data import Problem
from course_utils.labs.cells import Sample, expected_nll
from course_utils.labs.fitting import Fit, weights
from course_utils.labs.likelihoods import Gaussian, Outputs
from course_utils.labs.panels import (
    LAST_STEP,
    fit_curves,
    fit_panel,
    loss_curves,
    loss_panel,
    sigma_curves,
    sigma_panel,
)
from course_utils.labs.picture import Panel
from course_utils.labs.turns import PageAtWork
from course_utils.randomness import OwnDraws
from course_utils.training import Diverged, predict

TICK_STEPS, TICK_SECONDS = 25, 0.02  # at most, of live training between two pictures
SLOW = 40  # but no more than a 40th of the steps so far: an even pace on the axis of steps


class Lab(PageAtWork):
    """A model that follows the sliders; a lesson's lab is a small subclass.

    A slide named in ``retrains`` trains from the first weights, by ``train_steps`` steps, and so
    does every slide if not ``refits``. Another slide changes the problem and refits, by
    ``refit_steps`` evaluations, always from the same trained weights: from the last fit, a hundred
    slides would saturate the units and overfit the points. While the lab plays, ticks from the
    browser train instead.
    """

    refits = True
    train_steps, refit_steps = 200, 48
    lr = 0.01  # unless there is a slider of that name
    outputs: Outputs | None = None
    n = 10_000
    y_limits = ((-6.0, 6.0),)  # a few stages, from narrow to wide
    nll_limits = (-1.0, 4.0)
    fit = _base = _sample = None  # so far

    # What a lesson's lab says besides new_controls; ``at`` has the sliders' values by name

    def new_problem(self, at: SimpleNamespace) -> Problem:
        """The problem at these values; without another word always the class's own."""
        return self.problem

    def new_data(self, at: SimpleNamespace) -> None:
        """Set ``problem``, ``x`` (its grid), ``cells`` and ``shown``: at most 500 of the points."""
        self.problem = self.new_problem(at)
        n = getattr(at, "n", self.n)
        if self._sample is None or self._sample.n != n:
            self._sample = Sample(self.problem, n)
            self.x = self.problem.grid()
        self.cells = self._sample.of(self.problem)
        self.shown = self._sample.shown(self.problem)

    def first_weights(self, at: SimpleNamespace) -> nn.Module:
        """The untrained model; torch is seeded by the slider ``seed``."""
        raise NotImplementedError

    def new_loss(self, at: SimpleNamespace):
        """What training minimises: of a model, in nats per point."""
        return Gaussian(self.cells)

    def new_fit(self, model: nn.Module, at: SimpleNamespace) -> Fit:
        """How the model is trained."""
        return Fit(model, self.new_loss(at), getattr(at, "lr", self.lr), self.outputs)

    def predict(self, model: nn.Module) -> tuple[Tensor, Tensor]:
        """The mean and the σ of y at ``lab.x``, as the model sees them."""
        return predict(model, self.x)

    def look(self) -> None:
        """Keep what the model says now; if it is not finite, keep nothing and raise Diverged."""
        mu, sigma = self.predict(self.model)
        loss, expected = self.fit.value(), expected_nll(self.problem, self.x, mu, sigma)
        self.fit.must_be_finite(loss, expected)
        self.mu, self.sigma, self.loss_now, self.expected_nll = mu, sigma, loss, expected

    def middle_panel(self) -> Panel:
        """σ(x), learned and true."""
        return sigma_panel(self)

    def middle_curves(self) -> dict[str, tuple]:
        """What each curve of the middle panel shows now."""
        return sigma_curves(self)

    def panels(self) -> list[Panel]:
        """Data and fit; the panel in the middle; the loss."""
        return [fit_panel(self), self.middle_panel(), loss_panel(self)]

    def curves(self) -> dict[str, tuple]:
        """What each curve named in the panels shows now."""
        return fit_curves(self) | self.middle_curves() | loss_curves(self)

    # What a learner and a notebook use

    @property
    def model(self) -> nn.Module:
        return self.fit.model

    @property
    def losses(self) -> list[float]:
        """The loss at each step since the start, or at each evaluation of a refit."""
        return self.fit.losses

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

    def nats(self) -> dict[str, str]:
        """The expected NLL as the noise floor and what the model adds to it."""
        floor, expected = self.problem.noise_floor(), self.expected_nll
        if not math.isfinite(floor):
            return {"expected NLL (no noise, no floor)": f"{expected:.4g} nats"}
        return {"expected NLL above the noise floor": f"{expected - floor:.3f} nats"}

    # The work

    def tick(self) -> None:
        self._go_on_with(min(TICK_STEPS, math.ceil((len(self.losses) + 1) / SLOW)), TICK_SECONDS)
        if len(self.losses) >= LAST_STEP:
            self.pause()
            self.message = f"{LAST_STEP:,} steps: the end of the curve. Rewind, or move a slider."

    def one_step(self) -> None:
        self._go_on_with(1)

    def _go_on_with(self, steps: int, seconds: float = math.inf) -> None:
        self.fit.lr = getattr(self.value, "lr", self.lr)
        self.fit.go_on(steps, seconds)

    def _pose(self, at: SimpleNamespace) -> None:
        self.new_data(at)
        if self.fit:
            self.fit.loss = self.new_loss(at)

    def _begin(self, at: SimpleNamespace) -> None:
        self.new_data(at)
        with OwnDraws(getattr(at, "seed", 0)):  # the learner's stay as they are
            model = self.first_weights(at)
        self.fit = self.new_fit(model, at)

    def untrained(self) -> None:
        self._begin(self.value)

    def restart(self) -> None:
        last = self.fit
        self._begin(self.value)
        if self.playing:
            return
        try:
            self.train_anew()
        except Diverged:
            if last:
                self.fit.model, self.fit.outputs = last.model, last.outputs
            raise
        if vars(self.value) == self.defaults | self._begun():
            self._base = self._begun(), weights(self.model)

    def train_anew(self) -> None:
        """From the first weights to a fit."""
        self.fit.train(self.train_steps)

    def refit(self) -> None:
        self._pose(self.value)
        if self.playing:
            self.fit.wake()  # the ticks train
        elif self.refits:
            self._train_base()
            self.fit.begin(self._base[1])
            self.fit.refit(self.refit_steps)
        else:
            self.restart()

    def _begun(self) -> dict:
        """What the first weights depend on: each has one set of weights that refits start from."""
        begun = self.retrains & self.controls.keys() - {"lr"}
        return {name: self.controls[name].value for name in begun}

    def _train_base(self) -> None:
        """Train the weights that refits start from, at the defaults of all other sliders.

        Those of the last training will not do: its learning rate may have blown them up.
        """
        begun = self._begun()
        if self._base and self._base[0] == begun:
            return
        try:
            self._begin(SimpleNamespace(**self.defaults | begun))
            self.train_anew()
            self._base = begun, weights(self.model)
        finally:
            self._pose(self.value)
