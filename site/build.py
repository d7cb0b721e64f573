"""``make site``: the course as web pages in build/site/html. Needs no network.

python site/build.py [FOLDER]    build in another folder than build/site
"""

import argparse
from pathlib import Path

from sphinx.application import Sphinx
from stage import ROOT, stage

HERE = Path(__file__).parent


def build(folder: Path) -> Path:
    """Stage and build in ``folder``; the folder of pages. A warning is an error."""
    source, pages = stage(folder), folder / "html"
    app = Sphinx(
        srcdir=source,
        confdir=HERE,
        outdir=pages,
        doctreedir=folder / "doctrees",
        buildername="html",
        confoverrides={"html_static_path": [str(source / "_static")], "nitpicky": True},
        status=None,
        warningiserror=True,
        freshenv=True,
    )
    app.build(force_all=True)
    if app.statuscode:
        raise SystemExit("The site was not built: see the warnings above.")
    return pages


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build the course as web pages.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "site")
    pages = build(parser.parse_args().folder.resolve())
    print(f"The site is in {pages}; python -m http.server -d {pages} shows it.")
