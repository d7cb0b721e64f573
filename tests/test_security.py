"""Nothing unpickles, evaluates or fetches; JupyterLab serves this machine only, with a token."""

import re
import runpy

import pytest

from tools.licences import licence, packages
from tools.notebooks import ROOT

# What unpickles, evaluates, fetches or starts a process. What is done by other names is heard by
# tests/test_faults.py, at work.
FORBIDDEN = (
    "builtins|pickle|dill|joblib|marshal|shelve|runpy|subprocess|multiprocessing|pty|socket|"
    "socketserver|ssl|http|httpx|requests|urllib|urllib3|ftplib|smtplib|webbrowser"
)


@pytest.mark.parametrize("place", ["course_lessons", "course_utils", "notebooks"])
def test_nothing_is_imported_that_unpickles_fetches_or_starts_a_process(place):
    code = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / place).rglob("*.py"))
    assert re.search(r"^import torch$", code, re.M)
    assert not re.findall(rf"^\s*(?:import|from) (?:{FORBIDDEN})\b.*", code, re.M)
    assert not re.findall(r"torch\.hub|model_zoo|from_url", code)


def test_make_lab_listens_on_this_machine_only_and_keeps_its_token():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"^lab:.*\n((?:\t.*\n)+)", makefile, re.M)
    assert re.findall(r"[.]ip=(\S+)", recipe) == ["127.0.0.1"]
    assert not re.search(
        r"token|password|disable_check_xsrf|allow_(origin|remote|credentials)|allow_unauthenticated",
        makefile,
    )


@pytest.mark.parametrize("name", packages())
def test_a_package_states_a_licence_that_lets_the_course_use_it(name):
    said = licence(name)
    assert said, f"{name} states no licence"
    free = r"MIT|BSD|Apache|PSF|Python Software Foundation|ISC|MPL|Mozilla|HPND|Zlib|CC0|Unlicense"
    assert re.search(free, said), f"{name} is under {said}"


def test_make_licences_lists_every_package(capsys):
    runpy.run_path(str(ROOT / "tools" / "licences.py"), run_name="__main__")
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == packages()
