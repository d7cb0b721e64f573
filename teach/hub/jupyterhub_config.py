"""JupyterHub on one machine: up to about thirty learners. README.md beside it says how to start it.

Paths come from the environment, so that the file serves a class and the pilot that measures:
COURSE is the clone with its .venv, HUB_STATE the hub's own files, HOMES the learners' folders.
"""

import os
import shutil
from pathlib import Path

COURSE = Path(os.environ.get("COURSE", Path(__file__).parents[2]))
STATE = Path(os.environ.get("HUB_STATE", "/srv/hub"))
HOMES = Path(os.environ.get("HOMES", "/srv/homes"))
BIN = Path(os.environ.get("COURSE_BIN", COURSE / ".venv" / "bin"))
PORT = int(os.environ.get("HUB_PORT", "8000"))
SHARED = STATE / "class"

c = get_config()  # noqa: F821

# Who may come in. "dummy" with one shared password is for a room you trust, or for a trial; for a
# term set the authenticator of your institution (OAuthenticator, LTI) in its place.
c.JupyterHub.authenticator_class = os.environ.get("HUB_AUTHENTICATOR", "dummy")
c.DummyAuthenticator.password = os.environ.get("HUB_PASSWORD", "")
c.Authenticator.allow_all = True  # since JupyterHub 5 nobody may log in without it

# Learners' servers. "simple" runs all of them as the hub's own Unix user, who can read every
# answer: for a term take systemdspawner (real users, limits of memory by cgroup) or containers.
c.JupyterHub.spawner_class = os.environ.get("HUB_SPAWNER", "simple")
c.SimpleLocalProcessSpawner.home_dir_template = str(HOMES / "{username}")
c.Spawner.cmd = [str(BIN / "jupyterhub-singleuser")]
c.Spawner.args = [f"--config={COURSE / 'jupyter_server_config.py'}"]
if os.getuid() == 0:
    c.Spawner.args += ["--allow-root"]
c.Spawner.default_url = "/lab/tree/notebooks/00_start_here.ipynb"
c.Spawner.environment = {
    # Networks this small gain nothing by a second thread. Four learners on two cores without
    # these lines, in two runs: 13 and 19 % more CPU for Run All, 24 and 97 % more for a slide.
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # Where share() puts what a learner gives to the class (teach/INSTRUCTORS.md).
    "COURSE_CLASS": str(SHARED),
}
SHARED.mkdir(parents=True, exist_ok=True)
SHARED.chmod(0o1733)  # real users may write there, and not see what others wrote
# Used by systemdspawner and containers, by "simple" not. A learner with one lesson open takes
# 0.45 GB, each further kernel 0.36 GB; lesson 00 refuses less than 600 MB. Where only ulimit
# exists: -d 1000000, and never -v, since torch reserves 2 GB of addresses that it does not use.
c.Spawner.mem_limit = "2G"
c.Spawner.mem_guarantee = "600M"
# A class that logs in at once: on cores that were all at work a start took 26 s, and the defaults
# give up after 60 and 30.
c.Spawner.start_timeout = c.Spawner.http_timeout = 120

# A hub that is restarted in class: servers go on, and with a proxy of its own (README.md) the
# learners notice nothing.
c.JupyterHub.cleanup_servers = False
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.auth_token = os.environ["CONFIGPROXY_AUTH_TOKEN"]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{PORT + 1}"

c.JupyterHub.bind_url = f"http://127.0.0.1:{PORT}"  # a web server with TLS stands before it
c.JupyterHub.hub_port = PORT + 2
c.JupyterHub.db_url = f"sqlite:///{STATE}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")

# Ends servers whose page has been closed for an hour; an open page counts as at work. Below ten
# minutes it would end those at work, too: activity is written down every five.
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]
c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [str(BIN / "python"), "-m", "jupyterhub_idle_culler", "--timeout=3600"],
    }
]


def give_course(spawner):
    """A new learner's copy of the lessons; a later start leaves it, and the answers, alone.

    pyproject.toml comes along: without its setting for Jupytext a save would write the .ipynb only.
    """
    home = HOMES / spawner.user.name
    if not (home / "notebooks").exists():
        home.mkdir(parents=True, exist_ok=True)
        leave = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
        shutil.copytree(COURSE / "notebooks", home / "notebooks", ignore=leave)
        shutil.copy(COURSE / "pyproject.toml", home)


c.Spawner.pre_spawn_hook = give_course
