"""What the notebooks of *Learning the variance* share.

    data -> losses -> models -> training, metrics, plots -> labs, checks

Tensors are ``(n, d)`` in float64: with float32 the printed numbers of a course would differ
from one CPU to the next.
"""

from course_utils.checks import check, guess, guesses, measured, quiz

__version__ = "0.1.0"
__all__ = ["check", "guess", "guesses", "measured", "quiz"]
