"""Lesson 11: another distribution for counts."""

import math

import numpy as np
import torch
from torch.distributions import NegativeBinomial, Normal, Poisson

from course_utils.labs.lab import Lab
from course_utils.labs.panels import BAND, POINTS, UNDER
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import choice, slider
from course_utils.metrics import interval
from course_utils.models import mlp
from course_utils.plots import MEAN, TRUTH

COUNTS = torch.arange(200, dtype=torch.float64)  # beyond it lies less than 1e-6 of probability
FAMILIES = ("Gaussian", "Poisson", "negative binomial")
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
    """Lesson 11: counts under three distributions."""

    alt = (
        "Lab: counts of bicycles by the hour, and a network whose outputs are the parameters of a "
        "distribution. Left, the counts with the learned mean and 95 % interval; right, the "
        "learned and the true probability of each count at 15 h. Controls: distribution, extra "
        "spread of the counts."
    )
    retrains = frozenset({"family", "spread"})  # another family would not know the old weights
    train_steps, refit_steps, lr = 200, 45, 0.03
    n = 400

    def new_controls(self):
        return {
            "family": choice("distribution", "Poisson", FAMILIES),
            "spread": slider("extra spread 1/r", 0.5, 0, 1),
        }

    def first_weights(self, at):
        return mlp(1, (16,), 2, torch.nn.Tanh)

    def train_anew(self):
        self.fit.refit(self.refit_steps)

    def rate(self, hour):
        """The true mean count at an hour (n, 1)."""
        return torch.exp(1 + 1.5 * torch.sin((hour - 9) * 2 * math.pi / 24))

    def truth(self, hour, spread):
        """Poisson, or negative binomial with variance rate + spread · rate²."""
        rate = self.rate(hour)
        if spread == 0:
            return Poisson(rate)
        r = torch.full_like(rate, 1 / spread)
        return NegativeBinomial(r, logits=(rate * spread).log())

    def new_data(self, at):
        rng = np.random.default_rng(0)
        hour, level = (torch.from_numpy(rng.uniform(size=(self.n, 1))) for _ in range(2))
        self.hour, self.x = 24 * hour, torch.linspace(0, 24, 200, dtype=torch.float64)[:, None]
        reached = probabilities(self.truth(self.hour, at.spread)).cumsum(dim=1)
        self.y = (reached < level).sum(dim=1, keepdim=True).double()  # they climb with the spread
        self.p = probabilities(self.truth(self.x, at.spread))

    def at_hour(self, model, hour):
        return distribution(self.value.family, model(hour / 12 - 1))

    def new_loss(self, at):
        return lambda model: -self.at_hour(model, self.hour).log_prob(self.y).mean()

    def look(self):
        with torch.no_grad():
            model = self.at_hour(self.model, self.x)
        q, loss = probabilities(model), self.fit.value()
        expected = -(self.p * q.clamp(min=TINY).log()).sum(dim=1).mean().item()
        self.fit.must_be_finite(loss, expected, model.stddev.sum().item())
        self.mu, self.sigma, self.loss_now, self.q = model.mean, model.stddev, loss, q
        self.expected_nll = expected
        is_gaussian = isinstance(model, Normal)
        self.low, self.high = interval(self.mu, self.sigma) if is_gaussian else limits(q)
        inside = (self.low <= COUNTS) & (self.high >= COUNTS)
        self.covered = (self.p * inside).sum(dim=1).mean().item()

    def panels(self):
        line = {"color": MEAN, "linewidth": 1.4, "marker": "o", "markersize": 4}
        dots = {"color": TRUTH, "linestyle": "", "marker": ".", "markersize": 5}
        return [
            Panel(
                {
                    "xlim": (0, 24),
                    "ylim": (-8, 45),
                    "xticks": range(0, 25, 6),
                    "xlabel": "hour of the day",
                    "ylabel": "bicycles in ten minutes",
                },
                {
                    "band": BAND | {"label": "learned 95 % interval", "at": (0, "above")},
                    "data": POINTS | {"label": "counts", "alpha": 0.6},
                    "true mean": UNDER | {"label": "true mean", "at": (1, "below")},
                    "mean": {"color": MEAN, "label": "learned mean", "at": (0.6, "above")},
                    "zero": {"color": TRUTH, "linewidth": 0.8},
                },
                width=1.4,
            ),
            Panel(
                {
                    "xlim": (-0.5, 40),
                    "ylim": (0, 0.15),
                    "xlabel": "count at 15 h",
                    "ylabel": "probability",
                },
                {"p": line | {"label": "learned"}, "true p": dots | {"label": "true"}},
            ),
        ]

    def curves(self):
        hour = (self.x - 15).abs().argmin()
        return {
            "data": (self.hour, self.y),
            "band": (self.x, self.low, self.high),
            "mean": (self.x, self.mu),
            "true mean": (self.x, self.rate(self.x)),
            "zero": ((0, 24), (0, 0)),
            "true p": (COUNTS, self.p[hour]),
            "p": (COUNTS, self.q[hour]),
        }

    def numbers(self):
        floor = -(self.p * self.p.clamp(min=TINY).log()).sum(dim=1).mean().item()
        return {
            "expected NLL above that of the truth": f"{self.expected_nll - floor:.3f} nats",
            "counts inside the 95 % interval": f"{self.covered:.0%}",
        }
