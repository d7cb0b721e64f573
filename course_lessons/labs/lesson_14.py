"""Lesson 14: an ensemble, its two parts of the variance, and a gap in the data."""

import torch
from torch import nn

from course_utils.data import WAVE
from course_utils.labs.cells import Cells
from course_utils.labs.lab import Lab
from course_utils.labs.likelihoods import Gaussian
from course_utils.labs.panels import BAND, POINTS, UNDER
from course_utils.labs.picture import Panel
from course_utils.labs.sliders import choice_slider, slider, whole_slider
from course_utils.plots import ALEATORIC, EPISTEMIC, MEAN
from course_utils.randomness import OwnDraws
from course_utils.training import split_variance

MOST, UNITS, PRIOR_SD, ROUNDS = 20, 20, 1.0, 20


def hidden_layers():
    """The random tanh units of ``MOST`` members and their first output weights, always the same.

    Slopes and biases (members, 1, units); first weights (members, units + 1, 1), N(0, PRIOR_SD²).
    """
    with OwnDraws(12):
        slopes = 1.5 * torch.randn(MOST, 1, UNITS, dtype=torch.float64)
        centres = 6 * torch.rand(MOST, 1, UNITS, dtype=torch.float64) - 3
        first = PRIOR_SD * torch.randn(MOST, UNITS + 1, 1, dtype=torch.float64)
    return slopes, -slopes * centres, first


class RandomUnits(nn.Module):
    """``members`` networks whose hidden layers stay as they were drawn.

    x (n, 1) -> mu and log_var, both (members, n, 1).
    """

    def __init__(self, members: int):
        super().__init__()
        self.members = members
        self.slopes, self.biases, self.first = (value[:members] for value in hidden_layers())
        self.mean = nn.Parameter(self.first.clone())
        self.log_var = nn.Parameter(torch.zeros_like(self.first))

    def features(self, x):
        """(n, 1) -> (members, n, units + 1), the last a constant."""
        h = torch.tanh(x * self.slopes + self.biases)
        return torch.cat([h, torch.ones_like(h[..., :1])], dim=2)

    def forward(self, x):
        h = self.features(x)
        return h @ self.mean, h @ self.log_var

    @torch.no_grad()
    def fit(self, cells: Cells, n: float):
        """The output weights of each member, by turns: for μ by weighted least squares, pulled to
        its first weights; for log σ² by Fisher scoring, pulled to 0. ``n`` points in all."""
        h, counts = self.features(cells.x), n * cells.weight
        prior = torch.eye(h.shape[2], dtype=h.dtype) / PRIOR_SD**2
        for turn in range(ROUNDS):
            log_var = h @ self.log_var
            weighted = h * counts * torch.exp(-log_var)
            right = weighted.mT @ cells.y.expand_as(log_var) + prior @ self.first
            self.mean.copy_(torch.linalg.solve(weighted.mT @ h + prior, right))
            squares = (cells.y - h @ self.mean) ** 2 + cells.spread
            step = squares * torch.exp(-log_var) - 1
            if turn < ROUNDS // 2:
                step = step.clamp(max=2)  # from far below: no leap
            weighted = h * counts / 2
            right = weighted.mT @ (log_var + step)
            self.log_var.lerp_(torch.linalg.solve(weighted.mT @ h + prior, right), 0.7)
        for parameter in self.parameters():  # LAPACK's last digits depend on memory addresses
            parameter.copy_(parameter.round(decimals=9))


class Members(Lab):
    """Lesson 14: members with random hidden layers, fitted in closed form, and a gap."""

    alt = (
        "Lab: an ensemble on data with a gap in the middle. Left, the data with the members' means "
        "and the 95 % band of their mixture; middle, the aleatoric and the epistemic sd, drawn "
        "apart, beside the true noise; right, the share of the variance that is epistemic. "
        "Sliders: number of members, number of points, half-width of the gap."
    )
    problem = WAVE
    train_steps = 0

    def new_controls(self):
        return {
            "members": whole_slider("members M", 5, 2, MOST),
            "n": choice_slider("points n", 300, (30, 100, 300, 1000, 3000, 10_000)),
            "gap": slider("half of the gap", 1, 0, 1.5),
        }

    def new_data(self, at):
        super().new_data(at)
        self.wide = self.problem.grid(91, margin=0.25)
        kept = (self.cells.x.abs() > at.gap)[:, 0]
        self.kept = self.cells.weight[kept].sum().item() * at.n  # points left outside the gap
        self.cells = self.cells.only(kept)
        seen = (self.shown[0].abs() > at.gap)[:, 0]
        self.shown = tuple(values[seen] for values in self.shown)

    def first_weights(self, at):
        model = RandomUnits(at.members)
        model.fit(self.cells, self.kept)
        return model

    def new_loss(self, at):
        nll = Gaussian(self.cells)

        def mean_of_members(model):
            pairs = zip(*model(self.cells.x), strict=True)
            return sum(nll.value(*pair) for pair in pairs) / model.members

        return mean_of_members

    def predict(self, model):
        with torch.no_grad():
            self.mus, log_vars = model(self.wide)
            self.parts = split_variance(self.mus, log_vars)
            mu, aleatoric, epistemic = split_variance(*model(self.x))
        return mu, torch.hypot(aleatoric, epistemic)

    def panels(self):
        wide = {"xlim": (-4.5, 4.5), "xlabel": "x"}
        members = {
            f"member {i}": {"color": EPISTEMIC, "linewidth": 0.9, "alpha": 0.8} for i in range(MOST)
        }
        members["member 0"] |= {"label": "members", "at": (0.55, "below")}
        fit = Panel(
            wide | {"ylim": (-3.5, 3.5), "ylabel": "y"},
            {
                "band": BAND | {"label": "mean ± 1.96 total sd", "at": (0, "above")},
                "data": POINTS | {"label": "data", "alpha": 0.5},
                "true mean": UNDER | {"label": "true mean", "at": (1, "below")},
                **members,
                "mean": {"color": MEAN, "label": "mean", "at": (0.75, "above")},
            },
            width=1.7,
        )
        parts = Panel(
            wide | {"ylabel": "sd (units of y)"},
            {
                "true sigma": UNDER | {"label": "true σ", "at": (1, "below")},
                "aleatoric": {"color": ALEATORIC, "label": "aleatoric", "at": (0, "below")},
                "epistemic": {"color": EPISTEMIC, "label": "epistemic", "at": (0.5, "above")},
            },
            stages={"ylim": ("epistemic", ((0, 1.4), (0, 2)))},
        )
        share = Panel(
            wide | {"ylim": (0, 1), "ylabel": "share of the variance"},
            {"share": {"color": EPISTEMIC, "label": "epistemic² / total²", "at": (0.5, "above")}},
        )
        return [fit, parts, share]

    def curves(self):
        mean, sigma = self.problem.truth(self.wide)
        mu, aleatoric, epistemic = self.parts
        total = torch.hypot(aleatoric, epistemic)
        members = {f"member {i}": (self.wide, mu) for i, mu in enumerate(self.mus)}
        return {
            "data": self.shown,
            "band": (self.wide, mu - 1.96 * total, mu + 1.96 * total),
            **members,
            "mean": (self.wide, mu),
            "true mean": (self.wide, mean),
            "aleatoric": (self.wide, aleatoric),
            "epistemic": (self.wide, epistemic),
            "true sigma": (self.wide, sigma),
            "share": (self.wide, epistemic**2 / total**2),
        }

    def numbers(self):
        def sds(x):
            row = (self.wide - x).abs().argmin()
            _, aleatoric, epistemic = (value[row].item() for value in self.parts)
            return f"{aleatoric:.2f}, {epistemic:.2f}"

        return {
            f"aleatoric, epistemic sd at 0 ({self.kept:,.0f} points)": sds(0),
            "aleatoric, epistemic sd at 2": sds(2),
            "aleatoric, epistemic sd at 4, outside": sds(4),
        }
