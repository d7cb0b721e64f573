"""Nothing unpickles, evaluates or fetches; JupyterLab serves this machine only, with a token."""

import ast
import json
import re
import subprocess
import sys

import pytest

from tools.licences import licence, packages
from tools.notebooks import ROOT

# What unpickles, evaluates, fetches or starts a process. What is done by other names is seen at
# work, below.
FORBIDDEN = re.compile(
    "builtins|pickle|dill|joblib|marshal|shelve|runpy|subprocess|multiprocessing|pty|socket|"
    "socketserver|ssl|http|httpx|requests|urllib|urllib3|ftplib|smtplib|webbrowser"
)


def imported(code):
    """The packages that code imports."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("place", ["course_lessons", "course_utils", "notebooks"])
def test_nothing_is_imported_that_unpickles_fetches_or_starts_a_process(place):
    code = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / place).rglob("*.py"))
    assert "torch" in set(imported(code))
    assert not list(filter(FORBIDDEN.fullmatch, imported(code)))


WATCHED = """
import sys

seen = []
EVENTS = ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system",
          "os.exec", "os.posix_spawn", "os.fork", "urllib.Request", "ftplib.connect",
          "pickle.find_class", "marshal.load")
import torch, numpy, matplotlib.pyplot, ipywidgets, IPython, tqdm.auto
sys.addaudithook(lambda event, args: seen.append(event) if event in EVENTS else None)
import importlib, json, pkgutil
import course_utils
for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
    importlib.import_module(module.name)
from functools import partial
from course_utils import check, quiz
from course_utils.data import WAVE
from course_utils.labs import LABS
from course_utils.losses import mean_nll, negative_elbo
from course_utils.models import BayesianRegressor, HeteroscedasticRegressor
from course_utils.training import fit, predict, predict_samples
x, y = WAVE.sample(20, seed=0)
model = HeteroscedasticRegressor()
fit(model, mean_nll, x, y, steps=40, held_out=(x, y), keep_best=True)
predict(model, x)
model = BayesianRegressor()
fit(model, partial(negative_elbo, n=20), x, y, steps=2)
predict_samples(model, x, 2)
check("03-3", lambda y, mu, log_var: y)
quiz("00")
LABS["00"]()
print(json.dumps(seen))
"""


def test_at_work_the_module_opens_no_socket_starts_no_process_and_unpickles_nothing():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WATCHED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []


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


def test_make_licences_lists_every_package():
    done = subprocess.run(
        [sys.executable, "-m", "tools.licences"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.split()[0] for line in done.stdout.splitlines()] == packages()
    assert "none stated" not in done.stdout
