"""Lesson 04: noise of another shape, and few points or many."""

from course_utils.data import WAVE, Problem
from course_utils.labs.kinds import TwoOutputs
from course_utils.labs.sliders import choice_slider, log_slider, slider


class NoiseShape(TwoOutputs):
    """Lesson 04: noise at the edges, everywhere or in the middle, and few points or many."""

    alt = (
        "Lab: a network with two outputs under noise of another shape. Left, the data with the "
        "learned mean and 95 % interval; middle, learned and true σ over x; right, the loss by "
        "step. Sliders: shape of the noise, learning rate, number of points."
    )
    y_limits = (-3, 3), (-4, 4)
    sigma_limits = (0, 1.5)
    nll_limits = (-2, 3)

    def new_controls(self):
        return {
            "shape": slider("noise: mid – edge", 1, -1, 1),
            "lr": log_slider("learning rate", 0.01, -4, 1),
            "n": choice_slider("points n", 1000, (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)),
        }

    def new_problem(self, at):
        # Shape 1 is WAVE, 0 the same noise everywhere, -1 WAVE's noise turned inside out.
        return Problem(
            WAVE.mean, lambda x: 0.525 + at.shape * 0.25 * (x.abs() - 1.5), WAVE.low, WAVE.high
        )

    def numbers(self):
        return self.nats() | {
            f"NLL on the {self.value.n:,} points": f"{self.loss_now:.3f} nats",
            "σ(3) learned": self.sigma_at(3),
        }
