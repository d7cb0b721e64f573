"""A lesson that cannot run here says why before torch is loaded."""

import resource
import subprocess
import sys
from contextlib import nullcontext

import pytest

import course_utils
from course_utils import machine


def test_lessons_of_another_release_are_named():
    with pytest.raises(RuntimeError, match=r"expected course_utils 99\.0, .* got 0\.1"):
        machine.ready("99.0")


@pytest.mark.parametrize("text", ["max", "500000000", "2000000000"])
@pytest.mark.parametrize(
    ("own", "group"),
    [("0::/", ""), ("0::/learners/one", "learners/one"), ("0::/learners/one", "learners")],
    ids=["container", "systemd", "the group above"],
)
def test_a_control_groups_limit_is_read(tmp_path, monkeypatch, text, own, group):
    (tmp_path / group).mkdir(parents=True, exist_ok=True)
    (tmp_path / group / "memory.max").write_text(text + "\n")
    (tmp_path / "own").write_text(own + "\n")
    monkeypatch.setattr(machine, "CGROUPS", tmp_path)
    monkeypatch.setattr(machine, "OWN", tmp_path / "own")
    refused = pytest.raises(RuntimeError, match=r"expected 600 MB .* limit of 500 MB")
    with refused if text == "500000000" else nullcontext():
        machine.ready(course_utils.__version__)


@pytest.mark.parametrize("limit", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_limit_of_the_process_is_told_before_torch_is_loaded(limit):
    code = (
        "import sys; from course_utils.machine import ready\n"
        f"try: ready({course_utils.__version__!r})\n"
        "except RuntimeError as error: print(error)\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(getattr(resource, limit), (500_000_000,) * 2),
    )
    assert limit in done.stdout and done.stdout.endswith("False\n"), done
