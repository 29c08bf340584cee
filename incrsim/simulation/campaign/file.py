"""A campaign as a file: what it is, and a line for each scenario that was run, so that it can go on another day."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import orjson

from incrsim.errors import CallerError
from incrsim.simulation.campaign.row import Row


class ResultsFile:
    """The rows of a campaign that are known by now.

    Args:
        file: each new row is written there at once.
        rows: those that it holds already.

    Attributes:
        rows: by seed.
    """

    def __init__(self, file: IO[bytes] | None = None, rows: Mapping[int, Row] | None = None) -> None:
        self._file = file
        self.rows = dict(rows or {})

    def add(self, row: Row) -> None:
        """One more."""
        self.rows[row.seed] = row
        if self._file is not None:
            self._file.write(orjson.dumps(row.to_dict()) + b"\n")
            self._file.flush()


@contextmanager
def results_file(path: Path | str | None, header: Mapping[str, Any]) -> Iterator[ResultsFile]:
    """Begin a campaign's file, or go on with it.

    Args:
        path: where; `None` for no file.
        header: what the campaign is; a file of another one is not written to.

    Raises:
        CallerError: when the file cannot be written, or is another campaign's.
    """
    if path is None:
        yield ResultsFile()
        return
    with _opened(Path(path)) as file:
        yield ResultsFile(file, _known(file, path, header))


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(path.open("a+b"))
        except OSError as error:
            raise CallerError(f"{path}: {error.strerror}") from error
        yield file


def _known(file: IO[bytes], path: Path | str, header: Mapping[str, Any]) -> dict[int, Row]:
    """The rows of a file, which afterwards ends where the last whole one does."""
    file.seek(0)
    lines = file.read().splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n"):  # whoever wrote it was killed
        file.truncate(sum(map(len, lines[:-1])))
        lines.pop()
    file.seek(0, os.SEEK_END)
    if not lines:
        file.write(orjson.dumps({"incrsim": "campaign", **header}) + b"\n")
        return {}
    try:
        _refuse_another(orjson.loads(lines[0]), header, path)
        rows = [Row.from_dict(orjson.loads(line)) for line in lines[1:]]
    except (ValueError, TypeError, AttributeError) as error:
        raise CallerError(f"{path} holds no results of a campaign ({error}); name another file") from error
    return {row.seed: row for row in rows}


def _refuse_another(found: Mapping[str, Any], wanted: Mapping[str, Any], path: Path | str) -> None:
    if found.get("incrsim") != "campaign":
        raise ValueError("its first line says nothing of one")
    differs = [
        f"{name} {found.get(name)!r}, not {wanted[name]!r}" for name in wanted if found.get(name) != wanted[name]
    ]
    if differs:
        raise CallerError(f"{path} is of another campaign, with {', '.join(differs)}; name another file, or remove it")
