import gc
import os
import signal

import pytest

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


@pytest.fixture(scope="module")
def quick_pictures():
    """Labs' pictures with a quarter of the pixels and bare axes, the same for labs of a kind.

    To lay out axes takes 0.2 s, to draw them 0.05, and all pixels as long as half of a fit.
    """
    from matplotlib.axes import Axes
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    from course_utils import labs
    from course_utils.labs import picture

    known = {}

    def on_known_axes(panels):
        if repr(panels) not in known:
            known[repr(panels)] = picture.Picture(panels)
        return known[repr(panels)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(picture, "DENSITY", 1)
        patch.setattr(Axes, "draw", lambda axes, renderer: None)
        patch.setattr(ConstrainedLayoutEngine, "execute", lambda engine, figure: None)
        patch.setattr(labs.page, "Picture", on_known_axes)
        yield
