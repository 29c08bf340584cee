"""The garbage collector and programs of ours."""

from __future__ import annotations

import gc


def settle() -> None:
    """Take what has been imported out of the collector's sight: it stays anyway, and walking over it at every full
    collection is a seventh of the time of a first load (benchmarks/README.md).

    For programs only: a library must not decide so about its host's objects.
    """
    gc.collect()
    gc.freeze()
