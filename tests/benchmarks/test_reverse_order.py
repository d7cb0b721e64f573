"""Each lesson once in order, then its code cells once more from the last to the first.

    python -m pytest tests/benchmarks/test_reverse_order.py

A name that two cells use for different things fails here. All lessons take some minutes.
"""

import copy

import pytest
from nbclient import NotebookClient

from tests.test_notebooks import built
from tools.notebooks import ROOT, sources


@pytest.mark.parametrize("source", sources(), ids=lambda s: s.stem)
def test_cells_run_once_more_in_reverse_order(source):
    notebook = built(source)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    again = copy.deepcopy(code[::-1])
    for cell in again:
        cell.id += "-again"
    notebook.cells = code + again
    folder = {"metadata": {"path": str(ROOT / "notebooks")}}
    NotebookClient(notebook, timeout=600, resources=folder).execute()  # raises at an error
