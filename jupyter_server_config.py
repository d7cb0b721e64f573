"""What the JupyterLab of `make lab` does besides: labs keep pictures, a lesson is listed once.

And no icon is fetched anew while a slider moves.
"""

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

VIEW = "application/vnd.jupyter.widget-view+json"


class LabsKeepTheirPictures(AsyncLargeFileManager):
    """Opens a notebook that has no kernel without the widgets of an earlier one.

    JupyterLab would show "Error displaying widget: model not found" in their place, although the
    picture of the lab, or the text of the quiz, stands beside them in the file. The file itself
    stays as it is, and a page that is loaded again while its kernel runs has its sliders back.

    A folder lists each lesson once: the script beside a notebook is not shown.
    """

    async def get(self, path, content=True, *arguments, **options):
        model = await super().get(path, content, *arguments, **options)
        if content and model["type"] == "directory":
            names = {item["name"] for item in model["content"]}
            twins = {
                f"{name.removesuffix('.ipynb')}.py" for name in names if name.endswith(".ipynb")
            }
            model["content"] = [item for item in model["content"] if item["name"] not in twins]
        if content and model["type"] == "notebook" and not await self.has_kernel(path):
            for cell in model["content"]["cells"]:
                for output in cell.get("outputs", []):
                    if {"image/png", "text/html"} & output.get("data", {}).keys():
                        output["data"].pop(VIEW, None)
        return model

    async def has_kernel(self, path):
        sessions = await self.parent.session_manager.list_sessions()
        return path.strip("/") in [session["path"].strip("/") for session in sessions]


def with_a_still_icon(handler, page):
    """JupyterLab shows a busy kernel in the tab, too: two requests to the server at each slide."""
    page["disabledExtensions"] += ["@jupyterlab/application-extension:faviconbusy"]
    return page


c = get_config()  # noqa: F821
c.ServerApp.contents_manager_class = LabsKeepTheirPictures
c.ServerApp.tornado_settings.update({"page_config_hook": with_a_still_icon})
