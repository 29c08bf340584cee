"""What takes long is done on a thread of its own, and fetched when it is there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Errand:
    """A job that is under way.

    Args:
        what: it is, for its thread's name.
        job: returns the result.

    Attributes:
        result: what came of it, once it is done.
        failure: what it ended with instead.
    """

    def __init__(self, what: str, job: Callable[[], Any]) -> None:
        self.result: Any = None
        self.failure: Exception | None = None
        self._job = job
        self._thread = threading.Thread(target=self._run, name=f"incrsim panel: {what}", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Until it is over."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self.result = self._job()
        except Exception as error:  # noqa: BLE001  # whoever fetches the result sees it
            self.failure = error
