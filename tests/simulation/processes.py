"""The same in other processes, whose sets and hashes have an order of their own."""

from __future__ import annotations

import os
import subprocess
import sys


def told_by_processes(code: str) -> set[str]:
    """What a program prints in processes that hash differently: one text, if nothing depends on that.

    Args:
        code: the program; it logs nothing.
    """
    return {
        subprocess.run(
            [sys.executable, "-c", f"import logging\nlogging.disable()\n{code}"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
