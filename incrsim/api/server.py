"""Runs the API on a thread of its own, beside a worker or alone."""

from __future__ import annotations

import dataclasses
import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn

from incrsim.api.application import create_api
from incrsim.api.settings import ApiSettings, random_token
from incrsim.app import App
from incrsim.errors import CallerError

PATIENCE = 5
"""Seconds that requests have to end when the server stops."""


class ApiServer:
    """An API that listens, from `start` to `stop`.

    Args:
        app: whose API.
        settings: where it listens and whom it lets in; without any token, one for managing is made up.

    Attributes:
        token: the token that was made up, if one was.
        port: where it listens.

    Raises:
        CallerError: when it cannot listen there.
    """

    def __init__(self, app: App, settings: ApiSettings) -> None:
        self.token = None if settings.has_tokens else random_token()
        if self.token is not None:
            settings = dataclasses.replace(settings, manage_tokens=(self.token,))
        self._api = create_api(app, settings)
        self._socket = _listen(settings)
        self._host = settings.host
        self.port = int(self._socket.getsockname()[1])
        config = uvicorn.Config(
            self._api,
            log_config=None,  # logging is the program's
            access_log=False,
            lifespan="off",
            server_header=False,
            ws="none",
            proxy_headers=False,
            timeout_graceful_shutdown=PATIENCE,
        )
        self._server = uvicorn.Server(config)
        # The sockets are ours to close: they listen before the server runs, so that whoever calls early waits.
        run = self._server.run
        self._thread = threading.Thread(target=run, args=([self._socket],), name="incrsim api", daemon=True)

    @property
    def url(self) -> str:
        """Where it is called."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    @property
    def followers(self) -> int:
        """How many clients follow its stream of events."""
        return self._api.broadcast.followers

    @property
    def announcement(self) -> str:
        """What to say to whoever started it; holds the token that was made up: for a terminal, never for a log."""
        made_up = "" if self.token is None else f"; no token was configured, so this one may manage: {self.token}"
        return f"REST API on {self.url}{made_up}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """End event streams, let requests end, and close. Repeatable."""
        self._api.broadcast.close()
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(PATIENCE * 2)
        self._socket.close()


def serve(app: App, settings: ApiSettings | None = None) -> ApiServer:
    """Make a server for an app's API, which runs on a thread of its own while it is entered, or from `start` to `stop`.

    Args:
        app: an app that serves providers, or one that serves none and only reaches the store.
        settings: where it listens and whom it lets in.

    Raises:
        CallerError: when it cannot listen there.
    """
    return ApiServer(app, settings or ApiSettings())


def _listen(settings: ApiSettings) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise CallerError(
            f"cannot listen on {settings.host}, port {settings.port}: {error.strerror or error}; "
            "choose another port (0 takes a free one), or an address of this machine"
        ) from error
