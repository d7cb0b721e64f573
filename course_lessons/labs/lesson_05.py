"""Lesson 05: a prior on y."""

import torch

from course_utils.labs.kinds import TwoOutputs
from course_utils.labs.likelihoods import GaussianWithKL
from course_utils.labs.sliders import slider
from course_utils.plots import TRUTH


class PriorOnY(TwoOutputs):
    """Lesson 05: the network of lesson 04 with w times the KL to N(0, 1) added to its NLL."""

    alt = (
        "Lab: a network trained by the NLL plus a weight times the KL to a standard normal. Left, "
        "the data with the learned mean and 95 % interval; middle, σ over x: learned, true, and "
        "predicted by the closed form; right, the loss by step. Sliders: noise, KL weight, "
        "learning rate."
    )

    refit_steps = 40  # the KL and a quiet NLL pull at very different scales

    def new_controls(self):
        controls = super().new_controls()
        return {
            "noise": controls["noise"],
            "weight": slider("KL weight", 1, 0, 1),
            "lr": controls["lr"],
        }

    def new_loss(self, at):
        return GaussianWithKL(self.cells, at.weight)

    def law(self):
        """The σ that this loss learns at each x of the grid, by bisection for σ² (lesson 05)."""
        m, sigma = self.problem.truth(self.x)
        w = self.value.weight
        low, high = torch.zeros_like(m), torch.full_like(m, 100.0)
        for _ in range(60):
            v = (low + high) / 2
            mu = m / (1 + w * v)
            too_small = w * v**2 + (1 - w) * v < sigma**2 + (m - mu) ** 2
            low, high = torch.where(too_small, v, low), torch.where(too_small, high, v)
        return v.sqrt()

    def look(self):
        super().look()
        self.predicted = self.law()

    def middle_panel(self):
        sigma = super().middle_panel()
        sigma.curves["law"] = {
            "color": TRUTH,
            "linestyle": ":",
            "label": "predicted σ",
            "at": (0.59, "above"),
        }
        return sigma

    def curves(self):
        return super().curves() | {"law": (self.x, self.predicted)}

    def numbers(self):
        return self.nats() | {
            "σ(0) learned": self.sigma_at(0),
            "σ(0) predicted": f"{self.predicted[(self.x**2).argmin()].item():.2f}",
        }
