"""Listening to a store in memory: whoever commits calls whoever listens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from incrsim.store.listening import Heard


class Listeners:
    """Those who listen to one store."""

    def __init__(self) -> None:
        self._all: tuple[Heard, ...] = ()

    @contextmanager
    def listening(self, heard: Heard) -> Iterator[None]:
        """See `Store.listen`."""
        self._all += (heard,)
        try:
            heard(None)
            yield
        finally:
            self._all = tuple(each for each in self._all if each is not heard)

    def tell(self, provider: str) -> None:
        """Let all of them hear of a provider."""
        for heard in self._all:
            heard(provider)
