"""Labs: ``lab = LABS["02"]()`` makes the lab of lesson 02, and showing it lets the hand play.

A new lab is a subclass of ``Lab`` in ``lessons.py`` and a line here.
"""

from course_utils.labs import lessons, variational
from course_utils.labs.lab import Lab

LABS = {
    "00": lessons.TwoOutputs,
    "01": lessons.Likelihood,
    "02": lessons.VarianceOfPredictions,
    "03": lessons.SingleSigma,
    "04": lessons.NoiseShape,
    "05": variational.PriorOnY,
    "06": variational.Doubt,
}

__all__ = ["LABS", "Lab"]
