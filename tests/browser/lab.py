"""A real JupyterLab, and a real browser that looks at it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"

_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
_KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
_READY = """async () => {
    await window.jupyterapp.restored;
    const panel = window.jupyterapp.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
}"""
_RUN = """async cell => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = cell;
    notebook.deselectAll();
    await window.jupyterapp.commands.execute('notebook:run-cell');
}"""


def chromium() -> str | None:
    """Where the distribution's Chromium is, if it is installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def server(root: Path) -> Iterator[str]:
    """A JupyterLab over a folder; gives its address."""
    for name, values in _SETTINGS.items():
        file = root / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    port = _free_port()
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={root}",
        "--LabApp.expose_app_in_browser=True", f"--LabApp.user_settings_dir={root / 'settings'}",
        f"--LabApp.workspaces_dir={root / 'workspaces'}", "--LabApp.extension_manager=readonly",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(root / "config"),
        "JUPYTER_RUNTIME_DIR": str(root / "runtime"),
        "IPYTHONDIR": str(root / "ipython"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    with (root / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process, root / "server.log")
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        try:
            with urlopen(f"{url}/api", timeout=5):
                return
        except URLError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)  # a process that starts can only be asked again
    raise AssertionError(log.read_text())


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def notebook(cells: Sequence[str]) -> str:
    """The JSON of a notebook with these cells."""
    empty: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    made = [{**empty, "id": f"cell-{number}", "source": cell} for number, cell in enumerate(cells)]
    return json.dumps({"cells": made, "metadata": _KERNEL, "nbformat": 4, "nbformat_minor": 5})


class Notebook:
    """A notebook that is open in the browser.

    Args:
        page: Playwright's.
        url: of the server.
        root: the server's folder.
        name: of the notebook.
        cells: their sources.
    """

    def __init__(self, page: Any, url: str, root: Path, name: str, cells: Sequence[str]) -> None:
        self.page = page
        self.name = name
        (root / f"{name}.ipynb").write_text(notebook(cells))
        page.goto(f"{url}/doc/tree/{name}.ipynb")
        page.wait_for_function("window.jupyterapp?.shell.currentWidget?.context !== undefined")
        page.evaluate(_READY)

    def run(self, cell: int) -> None:
        """Run a cell, and wait until it has ended."""
        self.page.evaluate(_RUN, cell)

    def begin(self, cell: int) -> None:
        """Run a cell, and wait for nothing."""
        self.page.evaluate(f"cell => {{ ({_RUN})(cell); }}", cell)

    def prompt(self, cell: int, text: str) -> Any:
        """The number of a cell when it is this one; `[*]:` while it runs."""
        return self._cell(cell).locator(".jp-InputPrompt", has_text=text)

    def press(self, cell: int, name: str) -> None:
        """Press a button of what a cell shows, as soon as it can be pressed."""
        decorated = re.compile(rf"^(\W )?{re.escape(name)}( \W)?$")  # with an arrow before or behind it
        self.output(cell).get_by_role("button", name=decorated).last.click()

    def until(self, true: Callable[[], bool]) -> None:
        """Wait for something that no single element tells."""
        for _ in range(300):
            if true():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError("it does not come to that")

    def command(self, name: str, **arguments: Any) -> None:
        """Have JupyterLab do something."""
        self.page.evaluate("([name, given]) => window.jupyterapp.commands.execute(name, given)", [name, arguments])

    @contextmanager
    def dark(self) -> Iterator[None]:
        """Turn the lights off for a while."""
        self._change_theme("JupyterLab Dark", "false")
        yield
        self._change_theme("JupyterLab Light", "true")

    def _change_theme(self, name: str, light: str) -> None:
        self.command("apputils:change-theme", theme=name)
        self.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

    def output(self, cell: int) -> Any:
        """What a cell shows."""
        return self._cell(cell).locator(".jp-Cell-outputArea")

    def _cell(self, cell: int) -> Any:
        return self.page.locator(".jp-Cell").nth(cell)

    def screenshot(self, name: str, cell: int = 0) -> None:
        """Keep how the panel looks that a cell shows."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.output(cell).locator(".incrsim").screenshot(path=SCREENSHOTS / f"{name}.png")
