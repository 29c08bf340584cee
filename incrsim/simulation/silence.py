"""What goes wrong in a simulation is meant to go wrong, and is in its trace: nobody wants it in a log as well."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ENGINE = logging.getLogger("incrsim.engine")


class _ElsewhereOnly(logging.Filter):
    """Lets through what other threads log: a live engine in the same process has its own troubles."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        return record.thread != self._thread


@contextmanager
def silent_engine() -> Iterator[None]:
    """Engines that are driven on this thread log nothing."""
    elsewhere = _ElsewhereOnly()
    _ENGINE.addFilter(elsewhere)
    try:
        yield
    finally:
        _ENGINE.removeFilter(elsewhere)
