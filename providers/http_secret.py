"""A token that is sent and never shown."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import incrsim


class Secret:
    """A token from an argument, an environment variable or a file; with none of them, requests carry none.

    Args:
        value: the token itself.
        env: the environment variable that holds it.
        file: the file that holds it; read anew for each burst, since such files are rotated.
    """

    def __init__(self, value: str | None = None, *, env: str | None = None, file: Path | None = None) -> None:
        self._value = value
        self._env = env
        self._file = file
        self._last: str | None = None

    def __repr__(self) -> str:
        origin = f"from {self._env}" if self._env else f"from {self._file}" if self._file else "given"
        return f"<Secret {origin if self._is_wanted() else 'none'}>"

    def read(self) -> str | None:
        """The token; `None` when none is wanted.

        Raises:
            ProviderError: it is wanted and not there, or no header can carry it.
        """
        token = self._found() if self._is_wanted() else None
        # An HTTP library would show the value that it refuses to send.
        if token is not None and not (token.isascii() and token.isprintable() and token and " " not in token):
            raise incrsim.ProviderError(
                f"{self!r} is empty, or holds a space or what is not ASCII: no header can carry it"
            )
        self._last = token
        return token

    def is_in(self, text: str) -> bool:
        """Whether a text shows the token, in whatever form."""
        return any(each in text for each in self._forms())

    def hidden_in(self, text: str) -> str:
        """A text without the token."""
        for each in self._forms():
            text = text.replace(each, "***")
        return text

    def _is_wanted(self) -> bool:
        return any(each is not None for each in (self._value, self._env, self._file))

    def _found(self) -> str:
        if self._value is not None:
            return self._value.strip()
        if self._env is not None:
            if self._env not in os.environ:
                raise incrsim.ProviderError(f"the environment variable {self._env} is not set; put the token into it")
            return os.environ[self._env].strip()
        return Path(self._file or "").read_text("utf-8").strip()

    def _forms(self) -> tuple[str, ...]:
        # Plain, as a URL writes it, and as some write JSON.
        return (self._last, quote(self._last, safe=""), self._last.replace("/", "\\/")) if self._last else ()
