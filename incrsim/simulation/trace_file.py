"""A trace as a file: first the scenario, then a line for each thing that happened, and last their digest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from incrsim.errors import CallerError
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.trace import DIGEST, Trace

VERSION = 1
"""Of the format."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line says.

    Args:
        scenario: what was run.
        mutant: the name of the broken engine that it was run with; `None` for the engine as it is.
    """

    scenario: Scenario
    mutant: str | None = None


@contextmanager
def writing(path: Path, scenario: Scenario, mutant: str | None = None) -> Iterator[Trace]:
    """A trace that is written to a file; its last line comes when the run is over, also when it ended with an error.

    Raises:
        CallerError: when the file cannot be written.
    """
    header = {
        "incrsim": "trace",
        "version": VERSION,
        "digest": DIGEST,
        "scenario": scenario.to_dict(),
        "mutant": mutant,
    }
    with _opened(path, "wb") as file:

        def write(line: bytes) -> None:
            file.write(line + b"\n")

        write(orjson.dumps(header))
        trace = Trace(write)
        try:
            yield trace
        finally:
            write(orjson.dumps({"digest": trace.digest, "lines": trace.length}))


@contextmanager
def reading(path: Path) -> Iterator[tuple[Header, Iterator[bytes]]]:
    """The header of a trace file, and its lines, which end before the last one of the file.

    Raises:
        CallerError: when it is none.
    """
    with _opened(path, "rb") as file:
        yield _header(path, file.readline()), _lines(file)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    last = None
    for line in file:
        if last is not None:
            yield last
        last = line.rstrip(b"\n")


def _header(path: Path, line: bytes) -> Header:
    try:
        values: Any = orjson.loads(line)
        if values["incrsim"] != "trace" or values["version"] != VERSION:
            raise ValueError("another format")
    except (ValueError, TypeError, KeyError) as error:
        raise CallerError(
            f"{path} does not begin as a trace of this version does ({error}); write one with incrsim simulate --trace"
        ) from error
    return Header(Scenario.from_dict(values["scenario"]), values.get("mutant"))


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[IO[bytes]]:
    try:
        file = path.open(mode)
    except OSError as error:
        raise CallerError(f"{path}: {error.strerror}") from error
    with file:
        yield file
