import gc
import os
import signal

# pytest-xdist fills the cores with processes; threads on top of that only wait for each other.
# torch reads this when it is first imported, which xdist's main process never does.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure():
    # A shell starts what runs in the background deaf to Ctrl-C, and tests press it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure():
    # pytest would look through all that torch has left five times more.
    gc.collect()
    gc.freeze()
