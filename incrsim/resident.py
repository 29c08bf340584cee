"""How much memory this process has, as its system tells it."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def rss_mb() -> float | None:
    """What this process holds now, in MB of 2²⁰ bytes; `None` where the system does not tell."""
    try:
        resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return round(resident * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def peak_rss_mb() -> float | None:
    """The most that it ever held, in MB of 2²⁰ bytes; `None` where the system does not tell."""
    try:
        # Linux hands the peak of `getrusage` down from the process that started this one; this one starts at zero.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024, 1)
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
