"""For The Littlest JupyterHub: /opt/tljh/config/jupyterhub_config.d/course.py, then `sudo
tljh-config reload hub`. README.md says how the course gets there and to the learners."""

c = get_config()  # noqa: F821

# The course's own environment: TLJH's for users may have a Python that is too old for the course.
c.Spawner.cmd = ["/srv/course/.venv/bin/jupyterhub-singleuser"]
c.Spawner.default_url = "/lab/tree/notebooks/00_start_here.ipynb"
c.Spawner.args = ["--config=/srv/course/jupyter_server_config.py"]  # labs keep their pictures
# Networks this small gain nothing by a second thread, and learners' threads fight (README.md).
c.Spawner.environment.update({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})
# A class that logs in at once: on cores that were all at work a start took 26 s, and the defaults
# give up after 60 and 30.
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
