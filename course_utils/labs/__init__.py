"""Labs: ``lab = LABS["02"]()`` makes the lab of lesson 02, and showing it lets the hand play.

A new lab is a subclass of ``Lab`` in its ``lesson_NN.py`` and a line here.
"""

from course_utils.labs.lab import Lab
from course_utils.labs.lesson_00 import TwoOutputs
from course_utils.labs.lesson_01 import Likelihood
from course_utils.labs.lesson_02 import VarianceOfPredictions
from course_utils.labs.lesson_03 import SingleSigma
from course_utils.labs.lesson_04 import NoiseShape
from course_utils.labs.lesson_05 import PriorOnY
from course_utils.labs.lesson_06 import GapInData
from course_utils.labs.lesson_07 import Walk
from course_utils.labs.lesson_08 import Pull
from course_utils.labs.lesson_09 import FewData
from course_utils.labs.lesson_10 import OtherTargets
from course_utils.labs.lesson_11 import Band
from course_utils.labs.lesson_12 import Members
from course_utils.labs.lesson_13 import RealData

LABS = {
    "00": TwoOutputs,
    "01": Likelihood,
    "02": VarianceOfPredictions,
    "03": SingleSigma,
    "04": NoiseShape,
    "05": PriorOnY,
    "06": GapInData,
    "07": Walk,
    "08": Pull,
    "09": FewData,
    "10": OtherTargets,
    "11": Band,
    "12": Members,
    "13": RealData,
}

__all__ = ["LABS", "Lab"]
