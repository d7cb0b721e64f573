"""The old names of ``course_utils.validation``, until the last of its users has moved."""

from functools import partial

from course_utils.losses import same_shape  # noqa: F401
from course_utils.validation import (
    DTYPE,  # noqa: F401
    array,
    column,  # noqa: F401
    function,  # noqa: F401
    integer,
    number,
    probability,
    refuse_where,
    sigma_column,  # noqa: F401
    sigmas,  # noqa: F401
    validated,
    what_came,  # noqa: F401
    word,
    x_and_y,
)

door, values, data, share, text, whole = validated, array, x_and_y, probability, word, integer
above, refuse, number, partial = number, refuse_where, number(), partial
