"""A saved notebook, opened again."""

import nbformat

CELLS = [
    "from course_utils import quiz\nfrom course_utils.labs import LABS",
    'LABS["03"]()',
    'quiz("03")',
]
LOST = "model not found"


def test_labs_and_quizzes_without_their_kernel_are_picture_and_text(course, open_notebook):
    content = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code) for code in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    path = course / "notebooks" / "reopened.ipynb"
    nbformat.write(content, path)
    first = open_notebook("notebooks/reopened.ipynb")
    assert first.run_all() == []
    first.wait_for("() => window.jupyterapp.commands.execute('docmanager:save')")
    assert "widget-view" in path.read_text(encoding="utf-8")
    first.leave()

    again = open_notebook("notebooks/reopened.ipynb")  # its kernel lives
    assert len(again.labs()) == 1
    again.close()

    page = open_notebook("notebooks/reopened.ipynb").page
    picture = page.locator(".jp-RenderedImage img")
    picture.wait_for(timeout=20_000)
    assert picture.evaluate("img => img.complete && img.naturalWidth") > 500
    assert set(page.locator(".jp-RenderedHTML summary").all_inner_texts()) == {"Answers"}  # quiz
    assert LOST not in page.locator(".jp-Notebook").inner_text()
