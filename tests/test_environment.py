"""The environment's files agree with each other, and with the environment that runs."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DIRECT = [
    Requirement(text)
    for group in [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    for text in group
    if not text.startswith(f"{PROJECT['name']}[")  # an extra that includes another
]
LOCK = [
    Requirement(line)
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    if line.strip() and not line.lstrip().startswith("#")
]
PINS = {canonicalize_name(pin.name): pin for pin in LOCK}


def run(*command, cwd=ROOT):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_the_lock_is_exact_inside_each_range_without_cuda_and_what_is_installed():
    assert len(PINS) == len(LOCK)
    for pin in LOCK:
        assert re.fullmatch(r"==[^*]+", str(pin.specifier)), f"{pin} is not exact"
        assert not re.match("nvidia|cuda|triton", pin.name), f"{pin.name} weighs gigabytes"
        if pin.marker is None or pin.marker.evaluate():
            # Without a build's label, as in 2.13.0+cpu.
            installed = metadata.version(pin.name).partition("+")[0]
            assert f"=={installed}" == str(pin.specifier), pin.name
    for direct in DIRECT:
        pin = PINS[canonicalize_name(direct.name)]
        assert pin.marker is None
        assert direct.specifier.contains(str(pin.specifier).removeprefix("==")), pin


def test_environment_yml_takes_a_supported_python_and_the_lock():
    *conda, pip = CONDA["dependencies"]
    python, *rest = conda
    assert rest == ["pip"]
    version = re.fullmatch(r"python=(\d+\.\d+)", python)[1]
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{version}.0")
    # Another package named here would have a version that no lock holds.
    cpu_index = "--extra-index-url https://download.pytorch.org/whl/cpu"
    assert pip == {"pip": [cpu_index, "-r requirements.lock", "-e ."]}
    assert cpu_index in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_workflows_validate_against_githubs_schema():
    assert WORKFLOWS
    schema = ("--builtin-schema", "vendor.github-workflows")
    done = run(sys.executable, "-m", "check_jsonschema", *schema, *map(str, WORKFLOWS))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_pins_actions_and_may_only_read_but_for_the_job_that_publishes(path):
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        if "permissions" in job:
            assert job["permissions"] == {"pages": "write", "id-token": "write"}
            (step,) = job["steps"]  # it runs nothing of ours
            assert step["uses"].startswith("actions/deploy-pages@")
    uses = re.findall(r"^\W*uses:\s*(.+)$", text, re.MULTILINE)
    assert uses
    for action in uses:
        if action.startswith("./"):  # this repository's own, at the same commit
            assert (ROOT / action).is_file()
        else:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", action), action


def test_workflows_run_the_oldest_and_newest_python():
    matrix = yaml.safe_load((ROOT / ".github/workflows/pull-request.yml").read_text("utf-8"))
    versions = matrix["jobs"]["test"]["strategy"]["matrix"]["python"]
    supported = SpecifierSet(PROJECT["requires-python"])
    minors = [f"3.{minor}" for minor in range(30) if supported.contains(f"3.{minor}.0")]
    assert versions == [minors[0], minors[-1]]


def test_uv_takes_on_linux_the_torch_that_needs_no_cuda():
    uv = PYPROJECT["tool"]["uv"]
    assert uv["sources"]["torch"] == {"index": "pytorch-cpu", "marker": "sys_platform == 'linux'"}
    (index,) = uv["index"]
    assert index["name"] == "pytorch-cpu" and index["explicit"]
    assert index["url"] in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert uv["constraint-dependencies"] == [str(PINS["torch"])]
    # Leaving out what a package needs is for `make lock` alone: an import would fail.
    assert not [name for name in uv["exclude-dependencies"] if re.match("nvidia|cuda|triton", name)]


def make_install(folder, stand_in):
    """What `make install` does where this shell script is Python."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{stand_in}")
    python.chmod(0o755)
    return run("make", "install", f"PYTHON={python}", cwd=folder)


REFUSED = {
    "3.14": ("3.14", "Linux x86_64", "The course needs Python 3.11, 3.12 or 3.13"),
    "Intel Mac": ("3.13", "Darwin x86_64", "torch has no build for a Mac with an Intel processor"),
}


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for Python is a shell script")
@pytest.mark.parametrize(("version", "machine", "told"), REFUSED.values(), ids=REFUSED)
def test_make_refuses_in_one_sentence_before_it_downloads(tmp_path, version, machine, told):
    answers = f'*version_info*) echo {version};; *platform*) echo "{machine}";;'
    done = make_install(tmp_path, f'case "$2" in {answers} esac\n')
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert done.returncode and len(said) == 1 and said[0].startswith(told), done.stderr
    assert not (tmp_path / ".venv").exists()


WITHOUT_A_CPU_BUILD = """
case "$*" in
    *version_info*) echo 3.12;; *platform*) echo Linux x86_64;;
    "-m venv .venv") mkdir -p .venv/bin; cp "$0" .venv/bin/python;;
    *+cpu*) exit 1;; *) echo "$*" >> asked;;
esac
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one build of torch")
def test_make_takes_the_usual_torch_where_no_cpu_build_is_in_reach(tmp_path):
    done = make_install(tmp_path, WITHOUT_A_CPU_BUILD)
    assert done.returncode == 0 and "taking the one with CUDA (3 GB more)" in done.stdout
    asked = (tmp_path / "asked").read_text().splitlines()
    alone, lock = [line for line in asked if "pip install" in line][:2]
    assert alone.endswith(f" {PINS['torch']}") and "--no-deps" not in alone  # CUDA comes with it
    assert lock.endswith("-r requirements.lock") and "--no-deps" in lock


@pytest.mark.parametrize("command", ["check", "format --check"])
def test_the_code_is_as_ruff_wants_it(command):
    done = run(sys.executable, "-m", "ruff", *command.split(), ".")
    assert done.returncode == 0, done.stdout


def test_every_target_of_the_makefile_is_told_and_is_no_file():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (help .+)$", makefile, re.M)
    told = re.findall(r"^([\w-]+):.* ## .", makefile, re.M)
    assert sorted(phony.split()) == sorted(["help", *told])
    assert set(re.findall(r"^([\w-]+):(?!=)", makefile, re.M)) == set(phony.split())
    assert len(makefile.splitlines()) <= 100
