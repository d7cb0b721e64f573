"""What a lesson asks of its machine, before torch is loaded: one sentence, not a dead kernel."""

import sys
from pathlib import Path

import course_utils

MEMORY = 600e6  # bytes that a lesson's kernel takes; with a notebook server beside it 1 GB
ADDRESSES = 2.5e9  # bytes of addresses: torch reserves 2 GB that it does not use
CGROUPS, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def ready(version: str) -> None:
    """Raise a RuntimeError if this ``course_utils`` or limit of memory is none to learn with.

    ``version`` is that of the lessons: on a hub new lessons may meet an old module.
    """
    if course_utils.__version__ != version:
        raise RuntimeError(
            f"expected course_utils {version}, which these lessons were written with, got "
            f"{course_utils.__version__}: update both from the same branch"
        )
    for name, needed, limit in limits():
        if limit < needed:
            raise RuntimeError(
                f"expected {needed / 1e6:,.0f} MB for a lesson, got a limit of {limit / 1e6:,.0f} "
                f"MB ({name}): torch would fail to load or the kernel die"
            )


def limits() -> list[tuple[str, float, float]]:
    """(name, bytes that are needed, bytes that are allowed) of each limit that is set here."""
    texts = {str(path): path.read_text().strip() for path in control_groups() if path.exists()}
    found = [(name, MEMORY, float(text)) for name, text in texts.items() if text.isdigit()]
    if sys.platform != "win32":
        import resource

        for name, needed in (("RLIMIT_AS", ADDRESSES), ("RLIMIT_DATA", MEMORY)):
            soft, _ = resource.getrlimit(getattr(resource, name))
            if soft != resource.RLIM_INFINITY:
                found.append((name, needed, float(soft)))
    return found


def control_groups() -> list[Path]:
    """The files with the limits of this process's control group and of those above it.

    systemd gives each learner a group of its own; a container sees its group as the topmost.
    """
    lines = OWN.read_text().splitlines() if OWN.exists() else ()
    own = [Path(line.removeprefix("0::/")) for line in lines if line.startswith("0::/")]
    return [CGROUPS / part / "memory.max" for path in own for part in (path, *path.parents)]
