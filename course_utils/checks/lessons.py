"""Where a lesson's exercises, guesses and questions stand: the module lesson_NN."""

import importlib
import pkgutil
from pathlib import Path
from typing import Any


def lesson(number: str):
    """The module lesson_NN; a ValueError names those that exist."""
    name = f"{__package__}.lesson_{number}"
    if isinstance(number, str) and number.isalnum():
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
    modules = pkgutil.iter_modules([str(Path(__file__).parent)])
    known = sorted(m.name[-2:] for m in modules if m.name.startswith("lesson_"))
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
