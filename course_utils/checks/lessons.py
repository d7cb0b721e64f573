"""Where a lesson's exercises, guesses and questions stand: ``course_lessons.checks.lesson_NN``."""

import importlib
import pkgutil
from typing import Any


def lesson(number: str):
    """The module lesson_NN; a ValueError names those that exist."""
    import course_lessons.checks as lessons  # which stand on this package

    name = f"{lessons.__name__}.lesson_{number}"
    if isinstance(number, str) and number.isalnum():
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
    known = sorted(m.name[-2:] for m in pkgutil.iter_modules(lessons.__path__))
    raise ValueError(f"no lesson {number!r} has exercises; there are {', '.join(known)}")


def entries(number: str, name: str) -> dict[str, Any]:
    """The EXERCISES or GUESSES (``name``) of a lesson."""
    return getattr(lesson(number), name)


def entry(key: str, name: str) -> Any:
    """What ``key``, as '03-1', names in them."""
    known = entries(str(key)[:2], name)
    if key not in known:
        raise ValueError(f"no {key!r} in {name}; there are {', '.join(known)}")
    return known[key]
