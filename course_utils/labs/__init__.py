"""Labs: ``lab = LABS["02"]()`` makes the lab of lesson 02, and showing it lets the hand play.

A lesson's lab is a subclass of ``Lab`` in ``course_lessons.labs``. It has an ``alt`` text and
says, where ``at`` holds the sliders' values by name, and what is in brackets has a default:

- ``new_controls()``: the sliders by name (``sliders.py``); [``retrains``]: which train anew;
- ``problem`` or ``new_problem(at)``; or ``new_data(at)``, which sets ``problem``, ``x``, ``cells``;
- ``first_weights(at)``: the model, untrained; or, with ``train_steps = 0``, as it is to be shown;
- [``new_loss(at)``]: the Gaussian NLL on ``cells``; others stand in ``likelihoods.py``;
- [``outputs``]: ``TWO_OUTPUTS`` or ``ONE_SIGMA``, to train at half the price of autograd;
- [``new_fit(model, at)``]: a ``Fit`` of one's own (``fitting.py``); [``refits``]: False, if no
  refit can take the place of a training; [``predict(model)``]: the mean and σ at ``x``;
- [``look()``]: after each change: keep what ``curves`` and ``numbers`` need of the model;
- [``panels()``], [``curves()``]: the axes with their named curves, and the arrays of each curve;
  or only those in the middle, [``middle_panel()``], [``middle_curves()``];
- ``numbers()``: at most three, by what they are; ``nats()`` is the usual first.

A learner has ``controls``, ``value``, ``set``, ``play``, ``pause``, ``step``, ``rewind``,
``reset``, ``state``, ``close``. One floor above the other: ``picture``, ``page`` (widgets),
``turns`` (their work, one at a time), ``lab``, ``kinds`` (shared by lessons); beside them ``cells``
(sufficient statistics), ``likelihoods``, ``perceptron``, ``last_layer``, ``fitting``: no widgets.
``Rain`` stands on ``turns`` as ``Lab`` does: new points fall on a band and are counted.
"""

from course_utils.labs.lab import Lab
from course_utils.labs.rain import Rain

__all__ = ["LABS", "Lab", "Rain"]


def __getattr__(name: str):
    """The lessons' labs stand on this package: they are loaded when they are asked for."""
    if name == "LABS":
        from course_lessons.labs import LABS

        return LABS
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
