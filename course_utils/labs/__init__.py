"""Labs: ``lab = LABS["02"]()`` makes the lab of lesson 02, and showing it lets the hand play.

A new lab is a subclass of ``Lab`` in its ``lesson_NN.py`` and a line here. It has an ``alt`` text
and says, where ``at`` holds the sliders' values by name, and what is in brackets has a default:

- ``new_controls()``: the sliders by name (``sliders.py``); ``retrains``: which of them train anew;
- ``new_problem(at)``: a ``Problem``; or ``new_data(at)``, which sets ``problem``, ``x``, ``cells``;
- ``first_weights(at)``: the model, untrained; or, with ``train_steps = 0``, as it is to be shown;
- [``new_loss(at)``]: the Gaussian NLL on ``cells``; others stand in ``likelihoods.py``;
- [``outputs``]: ``TWO_OUTPUTS`` or ``ONE_SIGMA``, to train at half the price of autograd;
- [``new_fit(model, at)``]: a ``Fit`` of one's own (``fitting.py``); [``refits``]: False, if no
  refit can take the place of a training; [``predict(model)``]: the mean and σ at ``x``;
- [``look()``]: after each change: keep what ``curves`` and ``numbers`` need of the model;
- [``panels()``], [``curves()``]: the axes with their named curves, and the arrays of each curve;
- ``numbers()``: at most three, by what they are; ``nats()`` is the usual first.

A learner has ``controls``, ``value``, ``set``, ``play``, ``pause``, ``step``, ``rewind``,
``reset``, ``state``, ``close``. One floor above the other: ``picture``, ``page`` (widgets),
``turns`` (their work, one at a time), ``lab``, ``kinds`` (shared by lessons); beside them ``cells``
(sufficient statistics), ``likelihoods``, ``perceptron``, ``last_layer``, ``fitting``: no widgets.
``Rain`` stands on ``turns`` as ``Lab`` does: new points fall on a band and are counted.
"""

from course_utils.labs.lab import Lab
from course_utils.labs.lesson_00 import Wave
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
from course_utils.labs.lesson_12 import Forecast
from course_utils.labs.lesson_13 import Promise
from course_utils.labs.lesson_14 import Members
from course_utils.labs.lesson_15 import RealData
from course_utils.labs.rain import Rain

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

__all__ = ["LABS", "Lab", "Rain"]
