"""nbval's kernels as forks of one process that has loaded torch: 3 CPU s less for each notebook.

A plugin for ``make test``, on Linux. A notebook run alone starts a kernel as learners do.
"""

import gc
import multiprocessing
import os
import sys
import time
from unittest.mock import patch

import nbval.kernel
from jupyter_client.provisioning import local_provisioner

LOADED = [__name__, "ipykernel.ipkernel", "matplotlib.pyplot", "torch._dynamo"]
LOADED += ["course_lessons.labs", "course_lessons.checks"]

# Else the imports look for cycles 850 times, a quarter of their time.
gc.set_threshold(100_000, 50, 1000)


class Forked:
    """As much of a subprocess.Popen as jupyter_client asks for."""

    stdin = stdout = stderr = None

    def __init__(self, process):
        self.process, self.pid = process, process.pid

    def poll(self):
        return self.process.exitcode

    def wait(self):
        self.process.join()
        return self.process.exitcode


def serve(arguments, environment, folder):
    """Become the kernel, in a session and with streams of its own, and small pictures."""
    from ipykernel.kernelapp import IPKernelApp

    from course_utils import plots
    from course_utils.labs import picture

    gc.freeze()
    plots.DRAWN_DPI, picture.DENSITY = 40, 1  # no test looks at them: 0.5 CPU s for each notebook

    os.setsid()
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    os.chdir(folder)
    os.environ.update(environment)
    IPKernelApp.launch_instance(arguments)


def pytest_configure(config):
    if sys.platform != "linux":
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)

    def launch(command, env, cwd, **streams):
        arguments = command[command.index("-f") :]
        process = context.Process(target=serve, args=(arguments, env, cwd), daemon=True)
        with patch.dict(os.environ, MPLBACKEND="module://matplotlib_inline.backend_inline"):
            process.start()  # the first starts the server, which keeps the backend
        while os.getpgid(process.pid) != process.pid:  # signals go to the group
            time.sleep(0.001)
        return Forked(process)

    usual = nbval.kernel.start_new_kernel

    def start_new_kernel(*args, **options):
        with patch.object(local_provisioner, "launch_kernel", launch):
            return usual(*args, **options)

    nbval.kernel.start_new_kernel = start_new_kernel
