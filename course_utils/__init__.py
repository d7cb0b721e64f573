"""What the notebooks of *Learning the variance* share.

    doors -> data, losses -> models -> training, metrics, plots -> labs, checks
    look, rivals -> forecaster, report (a table of one's own)
    (these two and report draw: draws)

``doors`` says what may come in: what has one reading is converted, the rest is a ValueError of one
sentence.
Tensors are ``(n, d)`` in float64: with float32 the printed numbers of a course would differ
from one CPU to the next.
"""

from course_utils.checks import check, guess, guesses, measured, quiz

__version__ = "0.1.0"
__all__ = ["check", "guess", "guesses", "measured", "quiz"]
