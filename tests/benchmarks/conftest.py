"""The browser of the browser tests, for the benchmarks that need one."""

from tests.browser.conftest import browser, course, open_cells, open_notebook, server

__all__ = ["browser", "course", "open_cells", "open_notebook", "server"]
