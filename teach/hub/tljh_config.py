"""For The Littlest JupyterHub: /opt/tljh/config/jupyterhub_config.d/course.py, then `sudo
tljh-config reload hub`. README.md says how the course gets there and to the learners."""

c = get_config()  # noqa: F821

# The course's own environment: TLJH's for users may have a Python that is too old for the course.
c.Spawner.cmd = ["/srv/course/.venv/bin/jupyterhub-singleuser"]
c.Spawner.default_url = "/lab/tree/notebooks/00_start_here.ipynb"
c.Spawner.args = ["--config=/srv/course/jupyter_server_config.py"]  # labs keep their pictures
# One thread: thirty learners times all cores would fight, and networks this small gain nothing.
c.Spawner.environment.update({"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})
# A class that logs in at once on a busy machine: a start then takes half a minute.
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
