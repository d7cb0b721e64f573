"""Coverage that rains, for a page without a kernel: the points and the band that a lesson draws.

``python site/rain.py OUTDIR NN …`` runs the cells of lesson NN as far as the one that shows its
``Rain``, and writes OUTDIR/NN-rain.js: what ``labs.py`` says of a lab, and the points in the order
in which they fall. A file whose lesson has not changed since is left as it is.
"""

import ast
import hashlib
import io
import sys
from contextlib import redirect_stdout
from pathlib import Path

import labs
import matplotlib
import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from course_utils.labs import Rain, rain  # noqa: E402
from tools.notebooks import called, cells  # noqa: E402

MOVING = "inside", "falling", "outside", "share"  # what a page makes of the points
NOTE = "The lesson's own points on its own band, drawn beforehand, in the order of the notebook."


def shown(lesson: Path) -> Rain:
    """What the first cell that ends with ``Rain(…)`` shows when the cells before it have run."""
    names = {"__name__": "__main__"}
    with redirect_stdout(io.StringIO()):
        for code in (code for kind, code in cells(lesson) if kind == "code"):
            body = ast.parse(code).body
            if body and called(body[-1]) == "Rain":
                last = body.pop()
                exec(compile(ast.Module(body, []), lesson.name, "exec"), names)
                return eval(compile(ast.Expression(last.value), lesson.name, "eval"), names)
            exec(code, names)
    raise ValueError(f"expected a cell that ends with Rain(…), got none in {lesson.name}")


def encoded(it: Rain) -> dict:
    """What a page needs, as ``labs.encoded`` gives it; ``frame`` has the curves that stay."""
    columns, curves = labs.panels(it)
    axes = {name: artist.axes for name, artist in it.picture.artists.items()}
    codes, stay = labs.Pool(), it.curves()

    def packed(values, axis):
        return labs.packed(labs.to_units(np.asarray(values, dtype=float).ravel(), axis))

    def curve(name):
        x, *ys = stay[name]
        x = packed(x, axes[name].xaxis)
        return [codes(x), *(codes(packed(y, axes[name].yaxis)) for y in ys)]

    left, right = axes["inside"], axes["share"]
    low, high = left.get_ylim()
    return {
        "alt": it.alt,
        "note": NOTE,
        "units": labs.UNITS,
        "missing": labs.MISSING,
        "sliders": [],
        "views": [columns],
        "curves": curves,
        "frame": [[] if each["name"] in MOVING else curve(each["name"]) for each in curves],
        "codes": list(codes.rows),
        "rain": {
            "x": packed(it.x, left.xaxis),
            "y": packed(it.y, left.yaxis),
            "n": packed(it.n, right.xaxis),
            "share": packed(it.counts / it.n, right.yaxis),
            "inside": "".join("01"[inside] for inside in it.inside.astype(int)),
            "drop": round(it.drop / (high - low) * labs.UNITS),
            "level": it.level,
            "first": it.fallen,
            "least": rain.LEAST,
            "pace": rain.PACE,
            "shown": rain.SHOWN,
        },
    }


def export(number: str, outdir: Path) -> None:
    """Write OUTDIR/NN-rain.js unless it is there already."""
    (lesson,) = (ROOT / "notebooks").glob(f"{number}_*.py")
    key = hashlib.sha256()
    mine = Path(__file__), Path(labs.__file__), lesson
    for path in [*mine, *sorted(ROOT.glob("course_*/**/*.py"))]:
        key.update(path.read_bytes())
    head, path = f"/* {key.hexdigest()[:16]} */", outdir / f"{number}-rain.js"
    if path.exists() and path.read_text(encoding="utf-8").startswith(head):
        return
    it = shown(lesson)
    outdir.mkdir(parents=True, exist_ok=True)
    text = labs.script(f"{number}-rain", encoded(it))
    path.write_text(f"{head}\n{text}\n", encoding="utf-8")
    it.close()
    print(f"rain {number}: {path.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    matplotlib.use("agg")
    torch.set_num_threads(1)
    for number in sys.argv[2:]:
        export(number, Path(sys.argv[1]))
