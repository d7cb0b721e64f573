"""The module taken home: without the extras it installs, imports, and runs README's example."""

import contextlib
import os
import re
import subprocess
import sys
import zipfile

import pytest
from hatchling import build

from tools.notebooks import README, ROOT

# What the extras bring, and what that brings: not there in an environment of the module alone.
EXTRAS = ["IPython", "comm", "hypothesis", "ipykernel", "ipywidgets", "jupyter_client"]
EXTRAS += ["jupyter_core", "jupyterlab", "jupytext", "nbclient", "nbformat", "pandas", "pytest"]
EXTRAS += ["scipy", "sklearn", "traitlets"]
ALONE = f"""
import sys
class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {EXTRAS}:
            return self.finder.find_spec(name, path, target)
sys.meta_path = [Without(finder) for finder in sys.meta_path]
import course_utils
assert course_utils.__file__.startswith(sys.argv[1]), course_utils.__file__

import numpy as np
rng = np.random.default_rng(0)
x = np.column_stack([rng.uniform(30, 200, 2000), rng.integers(1, 7, 2000)])
y = 50_000 + 3_000 * x[:, 0] + rng.normal(size=2000) * (5_000 + 200 * x[:, 0])
"""
REST = """
assert 'course_utils.checks' not in sys.modules
import importlib, pkgutil
for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
    if not module.name.startswith(("course_utils.labs", "course_utils.regressor")):
        importlib.import_module(module.name)
assert "course_lessons" not in sys.modules
from course_utils.data import diabetes, engel, motorcycle
assert [len(load()[1]) for load in (motorcycle, engel, diabetes)] == [133, 235, 442]
from course_utils.report import report
found = report(motorcycle(), steps=5)
assert "133 rows" in repr(found) and found.figure()
from course_utils import check, guess, quiz
assert not check("00-1", ...) and "( )" in repr(quiz("00"))
"""


def test_readme_s_example_and_all_but_the_labs_run_with_the_module_alone(tmp_path):
    """In a fresh process that has the wheel and its dependencies; what is no check loads none."""
    with contextlib.chdir(ROOT):
        wheel = build.build_wheel(str(tmp_path))
    zipfile.ZipFile(tmp_path / wheel).extractall(tmp_path)
    example, _ = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    example = example.replace("steps=2000", "steps=500")
    done = subprocess.run(
        [sys.executable, "-c", ALONE + example + REST, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    share, n, honest = re.match(r"([\d.]+)% of (\d+) .* ± ([\d.]+)$", done.stdout.strip()).groups()
    assert int(n) == 400 and float(honest) == pytest.approx(2.1, abs=0.1)
    assert abs(float(share) - 95) < 2 * float(honest)  # a fit is not the truth
