"""What the notebooks of *Learning the variance* share.

    validation -> losses -> models -> diagnosis, training; data -> metrics -> plots -> labs, checks
    reading -> look -> columns, rivals -> forecaster, judge -> told -> report (a table of one's own)

``validation`` says what may come in: what has one reading is converted, the rest is a ValueError of
one sentence.
Tensors are ``(n, d)`` in float64: with float32 the printed numbers of a course would differ
from one CPU to the next.
"""

__version__ = "0.1.0"
__all__ = ["check", "guess", "guesses", "measured", "quiz"]


def __getattr__(name: str):
    """What the notebooks type stands in ``checks``, which is loaded when it is asked for."""
    if name in __all__:
        from course_utils import checks

        return getattr(checks, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
