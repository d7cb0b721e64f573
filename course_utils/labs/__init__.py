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
from course_utils.labs.lesson_06 import UncertainWeights
from course_utils.labs.lesson_07 import GapInData
from course_utils.labs.lesson_08 import Walk
from course_utils.labs.lesson_09 import Pull
from course_utils.labs.lesson_10 import FewData
from course_utils.labs.lesson_11 import OtherTargets
from course_utils.labs.lesson_12 import Band
from course_utils.labs.lesson_13 import Promise
from course_utils.labs.lesson_14 import Members
from course_utils.labs.lesson_15 import RealData

LABS = {
    "00": TwoOutputs,
    "01": Likelihood,
    "02": VarianceOfPredictions,
    "03": SingleSigma,
    "04": NoiseShape,
    "05": PriorOnY,
    "06": UncertainWeights,
    "07": GapInData,
    "08": Walk,
    "09": Pull,
    "10": FewData,
    "11": OtherTargets,
    "12": Band,
    "13": Promise,
    "14": Members,
    "15": RealData,
}

__all__ = ["LABS", "Lab"]
