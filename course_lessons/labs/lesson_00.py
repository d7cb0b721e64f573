"""Lesson 00: a network with two outputs."""

from course_utils.labs.kinds import TwoOutputs


class Wave(TwoOutputs):
    """Lesson 00: a network with two outputs finds the mean and the noise of WAVE."""

    alt = (
        "Lab: a network learns the mean and the noise of a wave. Left, the data with the learned "
        "mean and 95 % interval; middle, learned and true σ over x; right, the loss by step. "
        "Sliders: noise, learning rate."
    )

    def numbers(self):
        return self.nats() | {"σ(0) learned": self.sigma_at(0), "σ(3) learned": self.sigma_at(3)}
