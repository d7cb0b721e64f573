"""A class on a hub of this machine, measured: python teach/hub/measure.py --learners 8

Starts the proxy and the hub with jupyterhub_config.py, all on the loopback interface and with a
folder of its own for state and homes. Each learner logs in, opens lesson 02, runs all of its cells
in a kernel of the server, and slides the lab's noise once a second; all at the same time. What a
browser would do besides, drawing the page, happens on the learners' own machines.

Prints per learner: seconds to log in and to run all, slide to picture in ms, memory and CPU of
server and kernel; then what 5, 30 and 300 such learners would need. With --restart the hub is ended
and started again in the middle.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import aiohttp
import nbformat
import psutil
from figures import kernel_message, sizing, table
from yarl import URL

HERE = Path(__file__).parent
COURSE = HERE.parents[1]
LESSON = "02_variance_of_predictions"


class Hub:
    """The proxy and the hub as two processes, so that the hub alone can be started again."""

    def __init__(self, bin_: Path, proxy: Path, folder: Path, port: int):
        self.bin, self.proxy, self.folder, self.port = bin_, proxy, folder, port
        self.env = os.environ | {
            "PATH": f"{bin_}:{os.environ['PATH']}",
            "CONFIGPROXY_AUTH_TOKEN": secrets.token_hex(16),
            "COURSE": str(COURSE),
            "COURSE_BIN": str(bin_),
            "HUB_STATE": str(folder),
            "HOMES": str(folder / "homes"),
            "HUB_PORT": str(port),
            "PYTHONPATH": str(COURSE),
        }
        self.address = f"http://127.0.0.1:{port}"

    def start(self, name: str, *command: str) -> subprocess.Popen:
        log = (self.folder / f"{name}.log").open("ab")
        return subprocess.Popen(
            command, env=self.env, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
        )

    def start_proxy(self) -> None:
        self.proxy_process = self.start(
            "proxy",
            str(self.proxy),
            "--ip=127.0.0.1",
            f"--port={self.port}",
            "--api-ip=127.0.0.1",
            f"--api-port={self.port + 1}",
            f"--default-target=http://127.0.0.1:{self.port + 2}",
            "--error-target",
            f"http://127.0.0.1:{self.port + 2}/hub/error",
        )

    def start_hub(self) -> None:
        config = HERE / "jupyterhub_config.py"
        self.hub_process = self.start("hub", str(self.bin / "jupyterhub"), f"--config={config}")

    async def is_up(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"{self.address}/hub/api/") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                if time.monotonic() > end:
                    raise SystemExit(f"The hub did not start: see {self.folder}/hub.log")
                await asyncio.sleep(0.3)

    def stop(self) -> None:
        """End all that works in this hub's folder, and wait: kernels write until they end."""
        for end in (psutil.Process.terminate, psutil.Process.kill):
            mine = [process for process in psutil.process_iter(["cwd"]) if self.holds(process)]
            for process in mine:
                with contextlib.suppress(psutil.NoSuchProcess):
                    end(process)
            psutil.wait_procs(mine, timeout=30)

    def holds(self, process: psutil.Process) -> bool:
        return Path(process.info["cwd"] or "/").is_relative_to(self.folder)


class Learner:
    """What one browser says to the server: log in, open, run all, slide."""

    def __init__(self, hub: Hub, name: str):
        self.hub, self.name, self.figures, self.slides = hub, name, {}, []

    async def work(self, ready: asyncio.Barrier, slides: int) -> None:
        jar = aiohttp.CookieJar(unsafe=True)  # cookies of an IP address
        async with aiohttp.ClientSession(cookie_jar=jar) as self.session:
            start = time.monotonic()
            await self.log_in()
            self.figures["log in, s"] = time.monotonic() - start
            async with self.session.ws_connect(await self.kernel(), max_msg_size=0) as self.socket:
                await ready.wait()
                start = time.monotonic()
                await self.run_all()
                self.figures["Run All, s"] = time.monotonic() - start
                self.figures["Run All CPU s"] = ran = self.cpu()
                await ready.wait()
                for k in range(slides):
                    self.slides.append(await self.slide(0.5 + 0.1 * k))
                    await asyncio.sleep(max(0, 1 - self.slides[-1]))
                self.figures["slide CPU ms"] = 1000 * (self.cpu() - ran) / slides
                for called, process in self.processes().items():
                    self.figures[f"{called} MB"] = process.memory_full_info().pss / 1e6

    async def log_in(self) -> None:
        form = await self.text("get", "/hub/login")
        xsrf = re.search(r'name="_xsrf" value="([^"]+)"', form)[1]
        await self.text("post", "/hub/login", data={"username": self.name, "_xsrf": xsrf})
        cookies = self.session.cookie_jar.filter_cookies(URL(f"{self.hub.address}/hub/"))
        xsrf = {"X-XSRFToken": cookies["_xsrf"].value}
        made = await self.text(
            "post", f"/hub/api/users/{self.name}/tokens", headers=xsrf, json={"note": ""}
        )
        self.session.headers["Authorization"] = f"token {json.loads(made)['token']}"
        while not self.last.path.startswith("/user/"):  # the page that waits for the server
            await asyncio.sleep(0.5)
            await self.text("get", f"/hub/user-redirect/lab/tree/notebooks/{LESSON}.ipynb")

    async def text(self, method: str, path: str, **options) -> str:
        address = path if path.startswith("http") else f"{self.hub.address}{path}"
        async with self.session.request(method, address, **options) as answer:
            self.last = answer.url
            return await answer.text()

    async def kernel(self) -> str:
        """Start lesson 02's kernel as JupyterLab does; the address of its channel."""
        base = f"{self.hub.address}/user/{self.name}"
        await self.text("get", f"{base}/lab/tree/notebooks/{LESSON}.ipynb")
        await self.text("get", f"{base}/api/contents/notebooks/{LESSON}.ipynb?content=1")
        body = {
            "path": f"notebooks/{LESSON}.ipynb",
            "type": "notebook",
            "name": LESSON,
            "kernel": {"name": "python3"},
        }
        made = json.loads(await self.text("post", f"{base}/api/sessions", json=body))
        return f"{base}/api/kernels/{made['kernel']['id']}/channels".replace("http", "ws", 1)

    async def send(self, channel: str, kind: str, content: dict) -> str:
        message = {
            "header": {
                "msg_id": uuid.uuid4().hex,
                "msg_type": kind,
                "username": self.name,
                "session": self.name,
                "version": "5.3",
                "date": "",
            },
            "parent_header": {},
            "metadata": {},
            "content": content,
            "channel": channel,
            "buffers": [],
        }
        await self.socket.send_str(json.dumps(message))
        return message["header"]["msg_id"]

    async def receive(self) -> dict:
        frame = await asyncio.wait_for(self.socket.receive(), 300)
        if frame.type is aiohttp.WSMsgType.BINARY:
            return kernel_message(frame.data)
        if frame.type is aiohttp.WSMsgType.TEXT:
            return json.loads(frame.data)
        raise ConnectionError(f"{self.name}: the kernel's channel closed ({frame.type})")

    async def run_all(self) -> None:
        """Every code cell in order; remembers the lab's noise slider and its picture."""
        path = COURSE / "notebooks" / f"{LESSON}.ipynb"
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type != "code":
                continue
            sent = await self.send("shell", "execute_request", {"code": cell.source})
            while True:
                message = await self.receive()
                if message["msg_type"] == "error":
                    raise RuntimeError(f"{self.name}: {message['content']['evalue']}")
                if message["msg_type"] == "comm_open" and "LABS[" in cell.source:
                    self.remember(message["content"])
                mine = message["parent_header"].get("msg_id") == sent
                if mine and message["msg_type"] == "execute_reply":
                    break

    def remember(self, opened: dict) -> None:
        state = opened["data"].get("state", {})
        names = {"FloatSliderModel": "slider", "ImageModel": "image"}
        name = names.get(state.get("_model_name"))
        if name and not hasattr(self, name):  # the lab's first slider is its noise
            setattr(self, name, opened["comm_id"])

    async def slide(self, value: float) -> float:
        """Seconds from the slider's value to the new picture."""
        start = time.monotonic()
        data = {"method": "update", "state": {"value": value}, "buffer_paths": []}
        await self.send("shell", "comm_msg", {"comm_id": self.slider, "data": data})
        while True:
            message = await self.receive()
            content = message["content"]
            if message["msg_type"] == "comm_msg" and content["comm_id"] == self.image:
                return time.monotonic() - start

    def processes(self) -> dict[str, psutil.Process]:
        """This learner's server and kernel."""
        words = {"jupyterhub-singleuser": "server", "ipykernel": "kernel"}
        found = {}
        for process in psutil.process_iter(["cmdline", "environ"]):
            line = " ".join(process.info["cmdline"] or ())
            if (process.info["environ"] or {}).get("JUPYTERHUB_USER") == self.name:
                found |= {called: process for word, called in words.items() if word in line}
        return found

    def cpu(self) -> float:
        """CPU seconds of server and kernel so far."""
        times = [process.cpu_times() for process in self.processes().values()]
        return sum(time.user + time.system for time in times)


async def measure(hub: Hub, learners: int, slides: int, restart: bool) -> list[Learner]:
    hub.start_proxy()
    hub.start_hub()
    await hub.is_up()
    ready = asyncio.Barrier(learners + restart)
    people = [Learner(hub, f"u{k}") for k in range(learners)]

    async def start_again() -> None:
        await ready.wait()
        hub.hub_process.terminate()
        hub.hub_process.wait(timeout=30)
        hub.start_hub()
        await hub.is_up()
        await ready.wait()

    async def come(person: Learner, after: float) -> None:
        await asyncio.sleep(after)
        await person.work(ready, slides)

    async with asyncio.TaskGroup() as group:
        for k, person in enumerate(people):
            group.create_task(come(person, 2 * k))
        if restart:
            group.create_task(start_again())
    return people


def tell(people: list[Learner]) -> None:
    figures = [person.figures for person in people]
    print(table(figures, [1000 * seconds for person in people for seconds in person.slides]))
    print("\nBy arithmetic, for the median learner:\n")
    print(sizing({name: statistics.median(f[name] for f in figures) for name in figures[0]}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learners", type=int, default=8)
    parser.add_argument("--slides", type=int, default=20)
    parser.add_argument("--restart", action="store_true", help="restart the hub during Run All")
    parser.add_argument("--bin", type=Path, default=COURSE / ".venv" / "bin")
    parser.add_argument(
        "--proxy", type=Path, default=HERE / "node_modules" / ".bin" / "configurable-http-proxy"
    )
    parser.add_argument("--port", type=int, default=9800)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # the hub is ended, too
    folder = Path(tempfile.mkdtemp(prefix="hub-")).resolve()
    hub = Hub(options.bin.absolute(), options.proxy.absolute(), folder, options.port)
    try:
        people = asyncio.run(measure(hub, options.learners, options.slides, options.restart))
        print(f"{options.learners} learners, {os.cpu_count()} cores; lesson {LESSON[:2]}")
        tell(people)
    finally:
        hub.stop()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
