"""Lesson 11: another distribution for counts, and a second y that errs with the first."""

import math

import numpy as np
import torch
from torch.distributions import NegativeBinomial, Normal, Poisson

from course_utils.labs.lab import Lab
from course_utils.labs.panels import BAND, DASHED, POINTS
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import choice_slider, slider
from course_utils.metrics import interval
from course_utils.models import mlp
from course_utils.plots import ALEATORIC, MEAN, TRUTH, WRONG

COUNTS = torch.arange(200, dtype=torch.float64)  # beyond it lies less than 1e-6 of probability
FAMILIES = ("Gaussian", "Poisson", "neg. binomial")  # as wide as the slider's readout
RADIUS = math.sqrt(-2 * math.log(0.05))  # a circle that holds 95 % of N(0, I) in two dimensions
TINY = torch.finfo(torch.float64).tiny


def distribution(family: str, raw):
    """The family's distribution with the network's outputs ``raw``, (n, 2), as its parameters."""
    first, second = raw.chunk(2, dim=1)
    if family == "Gaussian":
        return Normal(first, (second / 2).exp())
    if family == "Poisson":
        return Poisson(first.exp())
    return NegativeBinomial(second.exp(), logits=first - second)


def probabilities(model):
    """P(y = 0), P(y = 1), … for each row, (n, 200); a Gaussian has that of the unit around y."""
    if not isinstance(model, Normal):
        return model.log_prob(COUNTS).exp()
    s, distance = model.stddev, (COUNTS - model.mean).abs()
    return torch.special.ndtr((0.5 - distance) / s) - torch.special.ndtr((-0.5 - distance) / s)


def limits(p):
    """The smallest counts at which 2.5 % and 97.5 % of the probability are reached, each (n, 1)."""
    reached = p.cumsum(dim=1)
    return tuple((reached < q).sum(dim=1, keepdim=True).double() for q in (0.025, 0.975))


class OtherTargets(Lab):
    """Lesson 11: counts under three distributions, and two errors with a correlation."""

    alt = (
        "Lab: counts of bicycles by the hour, and a network whose outputs are the parameters of a "
        "distribution. Left, the counts with the learned mean and 95 % interval; middle, the "
        "learned and the true probability of each count at 15 h; right, pairs of errors with the "
        "95 % regions of a diagonal and of a full covariance. Sliders: distribution, extra "
        "spread of the counts, correlation."
    )
    retrains = frozenset()
    train_steps, refit_steps, lr = 200, 45, 0.03
    n = 400

    def new_controls(self):
        return {
            "family": choice_slider("distribution", "Poisson", FAMILIES),
            "spread": slider("extra spread 1/r", 0.5, 0, 1),
            "rho": slider("correlation ρ", 0.8, -0.95, 0.95),
        }

    def first_weights(self):
        return mlp(1, (16,), 2, torch.nn.Tanh)

    def _restart(self):
        """A fit from the first weights: another family would not know the old ones."""
        self._rewind()
        if not self.playing:
            self._settle()

    def _refit(self):
        """As a restart, unless the pairs alone changed: the network never sees them."""
        if self.counts_of == (self.value.family, self.value.spread):
            self._pose()
        else:
            self._restart()

    def rate(self, hour):
        """The true mean count at an hour (n, 1)."""
        return torch.exp(1 + 1.5 * torch.sin((hour - 9) * 2 * math.pi / 24))

    def truth(self, hour):
        """Poisson, or negative binomial with variance rate + spread · rate²."""
        rate, spread = self.rate(hour), self.value.spread
        if spread == 0:
            return Poisson(rate)
        r = torch.full_like(rate, 1 / spread)
        return NegativeBinomial(r, logits=(rate * spread).log())

    def _pose(self):
        self.counts_of = self.value.family, self.value.spread
        rng = np.random.default_rng(0)
        hour, level = (torch.from_numpy(rng.uniform(size=(self.n, 1))) for _ in range(2))
        z = torch.from_numpy(rng.standard_normal((2, 300)))
        self.hour, self.x = 24 * hour, torch.linspace(0, 24, 200, dtype=torch.float64)[:, None]
        reached = probabilities(self.truth(self.hour)).cumsum(dim=1)
        self.y = (reached < level).sum(dim=1, keepdim=True).double()  # they climb with the spread
        self.p = probabilities(self.truth(self.x))
        self.cells, rho = None, self.value.rho
        self.errors = torch.stack([z[0], rho * z[0] + math.sqrt(1 - rho**2) * z[1]])
        self.covariance = self.errors @ self.errors.T / 300  # the best full one; mean 0 is known

    def at(self, model, hour):
        return distribution(self.value.family, model(hour / 12 - 1))

    def loss(self, model, cells):
        return -self.at(model, self.hour).log_prob(self.y).mean()

    def _look(self):
        with torch.no_grad():
            model = self.at(self.model, self.x)
            q, loss = probabilities(model), self.loss(self.model, None).item()
        expected = -(self.p * q.clamp(min=TINY).log()).sum(dim=1).mean().item()
        if not (math.isfinite(loss) and math.isfinite(expected) and model.stddev.isfinite().all()):
            raise self._diverged(loss)
        self.mu, self.sigma, self.loss_now, self.q = model.mean, model.stddev, loss, q
        self.expected_nll = expected
        is_gaussian = isinstance(model, Normal)
        self.low, self.high = interval(self.mu, self.sigma) if is_gaussian else limits(q)
        inside = (self.low <= COUNTS) & (self.high >= COUNTS)
        self.covered = (self.p * inside).sum(dim=1).mean().item()

    def correlation_cost(self):
        """Mean NLL of the pairs under the best diagonal Gaussian minus that under the best full."""
        variances = self.covariance.diagonal()
        return 0.5 * (variances.log().sum() - torch.logdet(self.covariance)).item()

    def panels(self):
        line = {"color": MEAN, "linewidth": 1.4, "marker": "o", "markersize": 3}
        return [
            Panel(
                {
                    "xlim": (0, 24),
                    "ylim": (-22, 45),
                    "xticks": range(0, 25, 6),
                    "xlabel": "hour of the day",
                    "ylabel": "bicycles in ten minutes",
                },
                {
                    "data": POINTS | {"label": "counts", "alpha": 0.5},
                    "band": BAND | {"label": "learned 95 % interval"},
                    "mean": {"color": MEAN, "label": "learned mean"},
                    "true mean": DASHED | {"label": "true mean"},
                    "zero": {"color": TRUTH, "linewidth": 0.8},
                },
                width=1.6,
            ),
            Panel(
                {
                    "xlim": (-0.5, 40),
                    "ylim": (0, 0.15),
                    "xlabel": "count at 15 h",
                    "ylabel": "probability",
                },
                {"true p": DASHED | {"label": "true"}, "p": line | {"label": "learned"}},
            ),
            Panel(
                {
                    "xlim": (-4, 4),
                    "ylim": (-4, 4),
                    "xlabel": "error of the first y",
                    "ylabel": "error of the second y",
                },
                {
                    "pairs": POINTS | {"label": "pairs", "alpha": 0.5},
                    "diagonal": {"color": WRONG, "label": "diagonal"},
                    "full": {"color": ALEATORIC, "label": "full, 95 %"},
                },
            ),
        ]

    def curves(self):
        hour = (self.x - 15).abs().argmin()
        angle = torch.linspace(0, 2 * math.pi, 100, dtype=torch.float64)
        circle = RADIUS * torch.stack([angle.cos(), angle.sin()])
        sd = self.covariance.diagonal().sqrt()[:, None]
        return {
            "data": (self.hour, self.y),
            "band": (self.x, self.low, self.high),
            "mean": (self.x, self.mu),
            "true mean": (self.x, self.rate(self.x)),
            "zero": ((0, 24), (0, 0)),
            "true p": (COUNTS, self.p[hour]),
            "p": (COUNTS, self.q[hour]),
            "pairs": tuple(self.errors),
            "diagonal": tuple(sd * circle),
            "full": tuple(torch.linalg.cholesky(self.covariance) @ circle),
        }

    def numbers(self):
        floor = -(self.p * self.p.clamp(min=TINY).log()).sum(dim=1).mean().item()
        return [
            f"step {len(self.losses):,}",
            f"expected NLL {self.expected_nll:.3f} nats = truth {floor:.3f} + "
            f"{self.expected_nll - floor:.3f}",
            f"counts inside the 95 % interval: {self.covered:.0%}",
            f"a diagonal covariance costs {self.correlation_cost():.2f} nats per pair, "
            f"by −½ log(1 − ρ²) {0.5 * abs(math.log(1 - self.value.rho**2)):.2f}",
        ]
