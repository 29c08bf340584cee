"""Who is alive, read off file locks and never off process numbers.

The kernel lets go of a lock when its last holder dies, however it dies; a process number may belong to a stranger by
then, or mean nothing in this container.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def hold(path: Path) -> int:
    """Lock a file, made if need be, once whoever has it lets go.

    Returns:
        The descriptor; the lock ends when this one and all that were inherited from it are closed.
    """
    descriptor = _open(path)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


@contextmanager
def holding(path: Path) -> Iterator[None]:
    """Hold a file's lock for a while."""
    descriptor = hold(path)
    try:
        yield
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether anybody holds a file's lock; ask only while nobody may take it, since asking takes it for an instant."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
