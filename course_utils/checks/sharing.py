"""What a learner may hand to the class: guesses, checks passed, mistakes recognised. No name."""

import contextlib
import json
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import course_utils
from course_utils.checks.answers import Verdict
from course_utils.checks.lessons import entries
from course_utils.checks.predictions import PREDICTIONS, Note

CALLED = uuid.uuid4().hex[:8]  # of this kernel, so that sharing again replaces the file


@dataclass
class Tries:
    """What became of one exercise in this kernel: mistakes by what was said to them."""

    count: int = 0
    passed: bool = False
    mistakes: list[str] = field(default_factory=list)


TRIED: dict[str, Tries] = {}


def remember(exercise, verdict: Verdict) -> None:
    """Count an attempt, and which slip was recognised, if one."""
    if not verdict.attempted:
        return
    tries = TRIED.setdefault(verdict.key, Tries())
    tries.count, tries.passed = tries.count + 1, tries.passed or verdict.passed
    said = verdict.message.partition("\n")[0]  # without what the answer printed
    if not verdict.passed and said in exercise.says() and said not in tries.mistakes:
        tries.mistakes.append(said)


def share(lesson: str, folder: str | Path | None = None) -> Note:
    """Write what this kernel knows of a lesson to one small JSON file, and say what it holds.

    The folder is ``folder``, or the environment's COURSE_CLASS, or this one. Nothing is sent.
    """
    folder = Path(folder or os.environ.get("COURSE_CLASS", "."))
    known = [PREDICTIONS[key] for key in entries(lesson, "GUESSES") if key in PREDICTIONS]
    guesses = {p.key: p.guessed for p in known if p.guessed is not None}
    tried = {key: vars(TRIED[key]) for key in entries(lesson, "EXERCISES") if key in TRIED}
    content = {
        "course": course_utils.__version__,
        "id": CALLED,
        "lesson": lesson,
        "guesses": guesses,
        "measured": {p.key: p.measured for p in known if p.measured is not None},
        "checks": tried,
    }
    file = folder / f"lesson-{lesson}-{CALLED}.json"
    part = file.with_suffix(".part")  # on a full disk an earlier file stays as it was
    try:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        part.replace(file)
    except OSError as why:
        with contextlib.suppress(OSError):
            part.unlink()
        return Note(
            f"Not shared: {folder} cannot be written to ({why.strerror}). Nothing of yours is "
            f'lost: mend that, or name another folder, share("{lesson}", "FOLDER"), and run the '
            "cell again."
        )
    return Note(
        f"Written to {file}: {len(guesses)} guesses and what {len(tried)} checks found. "
        "No name and no code of yours; open the file to see."
    )
