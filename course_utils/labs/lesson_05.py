"""Lesson 05: a prior on y."""

import torch

from course_utils.labs.lesson_00 import TwoOutputs
from course_utils.labs.sliders import slider
from course_utils.losses import gaussian_kl
from course_utils.plots import WRONG


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

    def loss(self, model, cells):
        mu, log_var = model(cells.x)
        kl = (cells.weight * gaussian_kl(mu, log_var)).sum()
        return cells.nll(mu, log_var) + self.value.weight * kl

    def slopes(self, outputs):
        loss, slopes = super().slopes(outputs)
        mu, log_var = outputs.chunk(2, dim=1)
        share = self.value.weight * self.cells.weight
        kl = torch.dot(share[:, 0], gaussian_kl(mu, log_var)[:, 0]).item()
        by_outputs = torch.cat([mu, (log_var.exp() - 1) / 2], dim=1)
        return loss + kl, slopes.addcmul_(share, by_outputs)

    def best_shift(self, mu, log_var):
        # With u = exp(shift): w B u² + (1 − w) u = A, for the mean squared z-score A and σ² B.
        w, a = self.value.weight, self.cells.log_misfit(mu, log_var).exp()
        b = (self.cells.weight * log_var.exp()).sum()
        if w == 0:
            return a.log()
        return ((w - 1 + ((1 - w) ** 2 + 4 * w * a * b).sqrt()) / (2 * w * b)).log()

    def law(self):
        """The σ that this loss learns at each x of the grid, by bisection for σ² (lesson 05)."""
        m, sigma = self.problem.truth(self.x)
        w = self.value.weight
        low, high = torch.zeros_like(m), torch.full_like(m, 100.0)
        for _ in range(60):
            s = (low + high) / 2
            mu = m / (1 + w * s)
            too_small = w * s**2 + (1 - w) * s < sigma**2 + (m - mu) ** 2
            low, high = torch.where(too_small, s, low), torch.where(too_small, high, s)
        return s.sqrt()

    def _look(self):
        super()._look()
        self.predicted = self.law()

    def panels(self):
        fit, sigma, loss = super().panels()
        sigma.curves["law"] = {"color": WRONG, "linewidth": 1.3, "label": "predicted σ"}
        return [fit, sigma, loss]

    def curves(self):
        return super().curves() | {"law": (self.x, self.predicted)}

    def numbers(self):
        middle = len(self.x) // 2
        _, true = self.problem.truth(self.x)
        return [
            *super().numbers()[:2],
            f"σ(0) learned {self.sigma[middle].item():.2f}, predicted "
            f"{self.predicted[middle].item():.2f}, true {true[middle].item():.2f}",
        ]
