"""The command: see the package."""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import signal
import sys
from collections import Counter
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.automatic import changes, sql
from tests.automatic.hunt import Caught, Raised, change_query, hunt, load_changed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.automatic.changes import Change

PACKAGE = Path(__file__).parents[2] / "incrsim"
SURVIVORS = PACKAGE.parent / "docs" / "automatic-mutation.md"
"""Explains them; each stands as a line of a block there."""

SWEEP = PACKAGE / "store" / "sql" / "sweep.sql"
PLANNER = frozenset({"plan_sweep", "plan_removal"})
"""Queries that decide how fast a sweep is, and nothing else."""


LEAST = 90
"""Of a hundred changes so many are to be caught."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a change.

    Args:
        key: which one.
        fate: `caught`; `survived`; `broken` when it raises where no oracle looks, or never ends.
        rule: that the oracle named.
        scenarios: how many it took.
        error: what it raised.
    """

    key: str
    fate: str
    rule: str = ""
    scenarios: int = 0
    error: str = ""


def main() -> int:
    """Try all changes; returns 1 when fewer than 90 % are caught, or one that is not is not explained."""
    options = _options()
    results = []
    # The sweep's turn comes last: for it this process loads incrsim itself, and no child could load another one then.
    for where in sorted(options.only, key="sweep".__eq__):
        with _server(options.database) if where == "sweep" else nullcontext() as server:
            for change in _changes(where, options.like):
                with _database(server) as database:
                    result = _tried(change, where, options.seeds, database)
                results.append(result)
                print(json.dumps(asdict(result), ensure_ascii=False), flush=True)
    return _judged(results, least=0 if options.like else LEAST)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.automatic", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=("guards", "lifecycle", "sweep"), default=["guards", "lifecycle"])
    parser.add_argument("--like", default="", help="only changes that have this text: say, survivors over more seeds")
    parser.add_argument("--seeds", type=int, default=300, help="scenarios for each change, at most")
    parser.add_argument(
        "--database", default="embedded", help="for the sweep's SQL: embedded, or the URL of a server with databases"
    )
    return parser.parse_args()


@contextmanager
def _server(database: str) -> Iterator[str]:
    """Where databases may be created, for as long as the sweep's SQL is tried."""
    from incrsim.store.embedded import start

    with nullcontext() if database != "embedded" else start() as embedded:
        yield database if embedded is None else embedded.url


@contextmanager
def _database(server: str | None) -> Iterator[str | None]:
    """An empty one for each change: who is stopped in the middle leaves something behind."""
    if server is None:
        yield None
        return
    from incrsim.store.postgres_databases import dropped_afterwards

    with dropped_afterwards(server, [f"incrsim_automatic_{os.getpid()}"]) as (url,):
        yield url


def _changes(where: str, like: str) -> Iterator[Change]:
    return (change for change in _all_changes(where) if like in change.key)


def _all_changes(where: str) -> Iterator[Change]:
    if where != "sweep":
        yield from changes.changes(where, (PACKAGE / f"{where}.py").read_text("utf-8"))
        return
    _, *parts = re.split(r"^-- name: (\w+)\n", SWEEP.read_text("utf-8"), flags=re.MULTILINE)
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        if name not in PLANNER:
            query = "\n".join(line for line in text.strip().splitlines() if not line.startswith("--"))
            yield from sql.changes(name, query)


def _tried(change: Change, where: str, seeds: int, database: str | None) -> Result:
    """In a child that loads the changed code and nothing that was loaded before."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(readable)
            with os.fdopen(writable, "w") as pipe:
                json.dump(asdict(_in_child(change, where, seeds, database)), pipe)
        finally:
            os._exit(0)  # nothing of the parent's is to be ended here
    os.close(writable)
    with os.fdopen(readable) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if said:
        return Result(**json.loads(said))
    endless = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
    return Result(change.key, "broken", error="it never ends" if endless else "its process ended without a word")


def _in_child(change: Change, where: str, seeds: int, database: str | None) -> Result:
    logging.disable()  # what the engine logs of a flaw
    try:
        if where == "sweep":
            change_query(change)
        else:
            load_changed(change)
        caught = hunt(range(1, seeds + 1), database)
    except Exception as error:  # noqa: BLE001 -- broken code may raise anything
        return Result(change.key, "broken", error=f"{type(error).__name__}: {error}"[:200])
    match caught:
        case Caught(rule, scenarios):
            return Result(change.key, "caught", rule, scenarios)
        case Raised(first):
            return Result(change.key, "broken", scenarios=seeds, error=first)
    return Result(change.key, "survived", scenarios=seeds)


def _judged(results: list[Result], least: float) -> int:
    explained = set(SURVIVORS.read_text("utf-8").splitlines())
    fates = Counter(result.fate for result in results)
    unexplained = [result.key for result in results if result.fate != "caught" and result.key not in explained]
    share = 100 * fates["caught"] / max(1, len(results))
    print(f"{len(results)} changes: {dict(fates)}; caught {share:.1f} %", file=sys.stderr)
    for key in unexplained:
        print(f"  not explained in {SURVIVORS.name}: {key}", file=sys.stderr)
    return int(share < least or bool(unexplained))


if __name__ == "__main__":
    sys.exit(main())
