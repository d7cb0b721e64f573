"""A saved notebook, opened again."""

CELLS = [
    "from course_utils import quiz\nfrom course_utils.labs import LABS",
    'LABS["03"]()',
    'quiz("03")',
]


def test_labs_and_quizzes_without_their_kernel_are_picture_and_text(open_cells, open_notebook):
    first = open_cells(*CELLS, name="reopened.ipynb")
    assert first.run_all() == []
    first.wait_for("() => window.jupyterapp.commands.execute('docmanager:save')")
    first.page.close()

    again = open_notebook("notebooks/reopened.ipynb")  # its kernel lives
    assert len(again.labs()) == 1
    again.close()

    page = open_notebook("notebooks/reopened.ipynb").page
    picture = page.locator(".jp-RenderedImage img")
    picture.wait_for(timeout=20_000)
    assert picture.evaluate("img => img.complete && img.naturalWidth") > 500
    assert set(page.locator(".jp-RenderedHTML summary").all_inner_texts()) == {"Answers"}  # quiz
    assert "model not found" not in page.locator(".jp-Notebook").inner_text()
