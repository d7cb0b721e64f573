"""A lesson's pair of files, as JupyterLab opens it: through Jupytext's own contents manager."""

import asyncio
import json
import os
import shutil

import nbformat
import pytest
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from jupytext.async_contentsmanager import build_async_jupytext_contents_manager_class
from jupytext.sync_contentsmanager import build_sync_jupytext_contents_manager_class
from tornado.web import HTTPError
from traitlets.config import PyFileConfigLoader

from course_utils.widgets import VIEW
from tools import notebooks
from tools.notebooks import ROOT, foreign, is_built, is_folded, reword, sources

FIRST = "notebooks/00_start_here.ipynb"
STUB, ANSWER = "fraction = ...", "fraction = 0.25"


@pytest.fixture
def notebook(tmp_path):
    """The first lesson's .ipynb in a copy of its pair and of the course's settings."""
    (tmp_path / "notebooks").mkdir()
    for name in ("pyproject.toml", FIRST, FIRST.replace(".ipynb", ".py")):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path / FIRST


@pytest.fixture
def files(tmp_path):
    """What serves the files to JupyterLab."""
    manager = build_sync_jupytext_contents_manager_class(LargeFileManager)()
    manager.root_dir = str(tmp_path)
    return manager


def set_age(path, hours):
    time = path.stat().st_mtime - 3600 * hours
    os.utime(path, (time, time))


def test_jupyterlab_s_list_of_files_shows_each_lesson_once(notebook):
    config = PyFileConfigLoader(str(ROOT / "jupyter_server_config.py")).load_config()
    files = build_async_jupytext_contents_manager_class(config.ServerApp.contents_manager_class)()
    files.root_dir = str(notebook.parents[1])
    names = [item["name"] for item in asyncio.run(files.get("notebooks"))["content"]]
    assert names == [notebook.name]


@pytest.mark.parametrize("hours", [-500_000, -1, 0, 0.01, 1000])
def test_an_answer_typed_outside_jupyterlab_is_never_replaced(notebook, files, hours):
    """An editor writes the .ipynb alone: the pair is refused until the script is deleted."""
    script, text = notebook.with_suffix(".py"), notebook.read_text(encoding="utf-8")
    assert text.count(STUB) == 1
    notebook.write_text(text.replace(STUB, ANSWER), encoding="utf-8")
    shutil.copystat(notebook, script)
    set_age(script, hours)
    with pytest.raises(HTTPError, match=r"(?s)fraction = \.\.\.") as refused:
        files.get(FIRST)
    assert refused.value.status_code == 400 and "0.25" in str(refused.value)
    assert ANSWER in notebook.read_text(encoding="utf-8")
    script.unlink()  # which the refusal advises; a save writes it anew, with the answer
    files.save(files.get(FIRST), FIRST)
    assert ANSWER in script.read_text(encoding="utf-8")


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_a_pair_saved_by_jupyterlab_opens_again_with_its_folds(notebook, files, hours):
    model = files.get(FIRST)
    (cell,) = (c for c in model["content"]["cells"] if STUB in c["source"])
    cell["source"] = cell["source"].replace(STUB, ANSWER)
    files.save(model, FIRST)
    saved = nbformat.read(notebook, as_version=4).cells
    folded = [cell for cell in saved if cell.metadata.get("jupyter") == notebooks.FOLDED["jupyter"]]
    assert folded and all(is_folded(cell.source) for cell in folded)
    assert "source_hidden" not in notebook.with_suffix(".py").read_text(encoding="utf-8")
    set_age(notebook.with_suffix(".py"), hours)
    assert cell["source"] in [it["source"] for it in files.get(FIRST)["content"]["cells"]]


@pytest.mark.parametrize("address", ["", "https://github.com/somebody/course"])
def test_links_and_the_hint_for_colab_follow_the_repository(address, monkeypatch):
    lesson = "# %% [markdown]\n# # 08 · A\n#\n# **Time.** About 9 minutes; runs in about 8 s.\n"
    before = notebooks.with_hint(f"{lesson}\n# %%\nx = 1\n")
    monkeypatch.setattr(notebooks, "repository", lambda: address)
    hint, table, told = notebooks.hint(), notebooks.lesson_table(), notebooks.with_hint(before)
    assert told == f"{lesson}#\n# {hint}\n\n# %%\nx = 1\n" == notebooks.with_hint(told)
    assert f"git+{address}<" in hint if address else "course.zip" in hint
    for place in ("mybinder.org/v2/gh/somebody/course/", ".com/github/somebody/course/"):
        assert table.count(place) == len(sources()) * bool(address)
    assert ("sets `Repository`" in table) == (not address)
    assert len({row.count("|") for row in table.splitlines() if row.startswith("|")}) == 1


@pytest.mark.parametrize(
    ("code", "folded"),
    [
        ("import math\nfrom torch import nn\n\nuse_course_style()", True),
        ("import math\n\nx = 1", False),
        ("fig, ax = plt.subplots()\nax.plot(x, y)\nshow(fig, alt='a line')", True),
        ("for a in b:\n    show(fig, alt=a)", False),
        ("print(x)\nshow(fig, alt='a line')", False),
        ("def f():\n    pass\n\nshow(fig, alt='a line')", False),
        ("assert x\nshow(fig, alt='a line')", False),
        ("x = 1", False),
        ("x = ", False),
        ("", False),
    ],
)
def test_only_cells_that_import_or_draw_are_folded(code, folded):
    assert is_folded(code) is folded


@pytest.mark.parametrize("suffix", [".py", ".ipynb"])
def test_a_merge_that_left_two_versions_is_named_or_built_anew(notebook, monkeypatch, suffix):
    monkeypatch.setattr("tools.notebooks.ROOT", notebook.parents[1])
    source, path = notebook.with_suffix(".py"), notebook.with_suffix(suffix)
    lines = path.read_text(encoding="utf-8").splitlines()
    both = ["<<<<<<< mine", lines[6], "=======", "theirs", ">>>>>>> theirs"]
    path.write_text("\n".join([*lines[:6], *both, *lines[7:]]), encoding="utf-8")
    assert notebooks.conflict(path) == 7
    if suffix == ".py":
        with pytest.raises(SystemExit, match=r"00_start_here\.py, line 7"):
            notebooks.repeated(source)
    else:
        assert not is_built(source) and not reword(source)  # so `make notebooks` runs it anew


# What is saved elsewhere


def by_colab(notebook):
    """Cells with ids in their metadata, the older format that has none of its own."""
    notebook["nbformat_minor"] = 0
    notebook["metadata"]["colab"] = {"provenance": [], "toc_visible": True}
    for number, cell in enumerate(notebook["cells"]):
        del cell["id"]
        cell["metadata"] = {"id": f"x{number}"}


def by_vs_code(notebook):
    notebook["metadata"]["kernelspec"]["display_name"] = ".venv (3.12.1)"
    notebook["metadata"]["language_info"] |= {"version": "3.12.1", "file_extension": ".py"}


def run_out_of_order(notebook):
    next(c for c in notebook["cells"] if c["cell_type"] == "code")["execution_count"] = 7


def after_a_run(notebook):
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    next(o for o in outputs if "data" in o)["data"][VIEW] = {"model_id": "abc"}


@pytest.mark.parametrize("saved", [by_colab, by_vs_code, run_out_of_order, after_a_run])
def test_a_notebook_saved_elsewhere_is_named_and_repaired(notebook, saved):
    source, kept = notebook.with_suffix(".py"), notebook.read_text(encoding="utf-8")
    document = json.loads(kept)
    saved(document)
    notebook.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
    assert foreign(notebook)
    assert not is_built(source) and not reword(source)  # so `make notebooks` runs it anew
    repaired = nbformat.read(notebook, as_version=4)
    notebooks.tidy(repaired)
    if saved is not run_out_of_order:  # there a run gives the counts back
        notebooks.write(repaired, source)
        assert notebook.read_text(encoding="utf-8") == kept
        assert is_built(source)
