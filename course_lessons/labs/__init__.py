"""One lab a lesson: a subclass of ``Lab``, and a line here."""

from course_lessons.labs.lesson_00 import Wave
from course_lessons.labs.lesson_01 import Likelihood
from course_lessons.labs.lesson_02 import VarianceOfPredictions
from course_lessons.labs.lesson_03 import SingleSigma
from course_lessons.labs.lesson_04 import NoiseShape
from course_lessons.labs.lesson_05 import PriorOnY
from course_lessons.labs.lesson_06 import UncertainWeights
from course_lessons.labs.lesson_07 import GapInData
from course_lessons.labs.lesson_08 import Walk
from course_lessons.labs.lesson_09 import Pull
from course_lessons.labs.lesson_10 import FewData
from course_lessons.labs.lesson_11 import OtherTargets
from course_lessons.labs.lesson_12 import Forecast
from course_lessons.labs.lesson_13 import Promise
from course_lessons.labs.lesson_14 import Members
from course_lessons.labs.lesson_15 import RealData

LABS = {
    "00": Wave,
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
    "12": Forecast,
    "13": Promise,
    "14": Members,
    "15": RealData,
}
