"""A test's hand on the server, which is a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from incrsim.clock import VirtualClock
from tests.providers.server.serving import CONTROL

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class ApiServer:
    """The running server.

    Args:
        url: its origin.
    """

    url: str

    def set(self, **given: Any) -> None:
        """Change the world; see `World` for what there is."""
        self._control(given)

    def reset(self) -> None:
        """Forget everything."""
        self._control({"reset": True})

    def services(self, items: list[dict[str, Any]]) -> None:
        """What the JSON APIs serve."""
        self.set(collections={"services": items})

    def fail(self, number: int, kind: str = "answer", **fault: Any) -> None:
        """Let the n-th request from 1 go wrong; forgets other faults."""
        self.set(faults={str(number): {"kind": kind, **fault}})

    @property
    def log(self) -> list[dict[str, Any]]:
        """What was asked since the last reset."""
        log: list[dict[str, Any]] = self._control({})["log"]
        return log

    def clock(self) -> ServedClock:
        """A clock for engine and provider; the server's time goes along."""
        return ServedClock(self)

    def _control(self, given: dict[str, Any]) -> dict[str, Any]:
        request = Request(f"{self.url}{CONTROL}", json.dumps(given).encode(), method="POST")
        with build_opener(ProxyHandler({})).open(request, timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
        return answer


class ServedClock(VirtualClock):
    """Virtual time that moves the server's along, so that it can tell who comes too early."""

    def __init__(self, server: ApiServer) -> None:
        super().__init__()
        self._server = server

    def advance(self, by: timedelta) -> None:
        """Move both."""
        super().advance(by)
        self._server.set(now=self.now().timestamp())


@contextmanager
def running() -> Iterator[ApiServer]:
    """Start the server, and end it."""
    command = [sys.executable, "-m", "tests.providers.server"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield ApiServer(f"http://127.0.0.1:{int(process.stdout.readline())}")
        process.stdin.close()
