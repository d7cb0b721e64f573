"""Sphinx settings of the site. ``make site`` runs ``build.py``, which stages what is read here."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from stage import repository  # noqa: E402

project = "Learning the variance"
html_title = project
author = ""
language = "en"

extensions = ["myst_nb", "sphinx-mathjax-offline"]
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
nb_execution_mode = "off"  # the notebooks are committed with their outputs
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
myst_heading_slug_func = "stage.jupyter_anchor"
# Its own MathJax: the default of Sphinx is fetched from another host.
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {"options": {"enableMenu": False}}

html_theme = "sphinx_book_theme"
html_static_path = []  # the staged folder: see build.py
html_css_files = ["site.css", "labs.css"]
html_js_files = ["site.js", "labs.js"]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False
html_use_index = False
html_domain_indices = False
html_permalinks_icon = "#"
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "navbar_start": [],  # the sidebar holds what the bar at the top would repeat
    "navbar_persistent": [],
    "extra_footer": "Code: MIT. Text and figures: CC BY 4.0.",
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
if repository():
    html_theme_options |= {
        "repository_url": repository(),
        "repository_branch": "main",
        "path_to_docs": "notebooks",
        "use_repository_button": True,
        "use_issues_button": True,
        "launch_buttons": {
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
            "notebook_interface": "jupyterlab",
        },
    }
