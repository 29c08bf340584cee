"""A program that ran or runs, and the providers that it is given."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest

PROVIDERS = """
import os, sys
from pathlib import Path
import incrsim


class Numbers(incrsim.IncrementalEntityProvider):
    '''Four pages of two entities; tells which page it is asked for.'''

    def __init__(self, last: int = 8, name: str = "numbers", where: Path = Path("."), strict: bool = False):
        self.last, self.name, self.where, self.strict = last, name, where, strict

    def next(self, context, cursor=None):
        first = cursor or 1
        print(f"asked for {first}", flush=True)
        entities = [incrsim.component(f"n{n}", provider=self) for n in (first, first + 1)]
        return incrsim.Page(entities, cursor=first + 2, done=first + 2 > self.last)


class Slow(Numbers):
    '''Waits for a byte on standard input before its second page, and says so.'''

    def next(self, context, cursor=None):
        page = super().next(context, cursor)
        if cursor == 3:
            os.write(2, b"waiting\\n")
            os.read(0, 1)
        return page


class Hangs(Numbers):
    def next(self, context, cursor=None):
        import threading
        threading.Event().wait()


class Invalid(Numbers):
    def next(self, context, cursor=None):
        return incrsim.Page([{"kind": "Component"}, incrsim.component("good", provider=self)], done=True)


class Broken(Numbers):
    def next(self, context, cursor=None):
        raise incrsim.FatalError("the source is gone for good")


class Picky(Numbers):
    def __init__(self, root):
        raise ValueError(f"root={root!r} will not do")


def factory(last: int = 2):
    return Numbers(last)


ready = Numbers()
nothing = object()
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        document: dict[str, Any] = json.loads(self.out)
        return document


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Read standard error up to the line that contains a text, and return that line."""
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return line
    pytest.fail(f"the process ended without saying {text!r}")


def finish(process: subprocess.Popen[str], typed: str = "") -> Done:
    """Type something, and wait for the end."""
    out, err = process.communicate(typed, timeout=60)
    return Done(process.returncode, out, err)
