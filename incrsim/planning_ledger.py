"""What a plan has seen, kept beside memory: a source may be larger than that (C-13)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from incrsim.store.mutating import OwnedRef
from incrsim.store.page import FoundProblem, ProblemKind, Stored

TABLES = """
CREATE TABLE seen (ref TEXT PRIMARY KEY, before BLOB, after BLOB, location_key TEXT) WITHOUT ROWID;
CREATE TABLE owned (ref TEXT PRIMARY KEY, stale_cycles INTEGER, marked INTEGER, approved INTEGER) WITHOUT ROWID;
CREATE TABLE cursor (digest BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE problem (key BLOB UNIQUE, kind TEXT, ref TEXT, message TEXT);
CREATE TABLE change (ref TEXT PRIMARY KEY, sign TEXT) WITHOUT ROWID;
"""
MOST_VALUES = 10_000
"""How many values one statement looks up; SQLite takes three times as many."""

STALE = "FROM owned LEFT JOIN seen USING (ref) WHERE seen.ref IS NULL AND NOT (marked AND :marks_count)"


class Ledger:
    """A temporary database of SQLite's own, without a name: it spills to disk when it grows, and ends with its
    connection.
    """

    def __init__(self) -> None:
        # An empty name is a private file that is gone once it is closed. Plans are made on one thread and may be shown
        # on another.
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._connection.executescript(TABLES)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("BEGIN")

    def close(self) -> None:
        """Give the file back. Repeatable."""
        self._connection.close()

    # --- pages --------------------------------------------------------------------------------------------------------

    def written(self, refs: Sequence[str], provider: str, ingestion: int) -> dict[str, Stored]:
        """Which of these refs earlier pages would have written, and how."""
        found = self._among("SELECT ref, after, location_key FROM seen WHERE after IS NOT NULL AND ref IN", refs)
        return {ref: Stored(0, provider, key, digest, ingestion) for ref, digest, key in found}

    def write(self, rows: Iterable[tuple[str, bytes | None, bytes, str | None]]) -> None:
        """A page would write, or find unchanged, what these rows say: ref, digest before if owned, after, key."""
        self._connection.executemany(
            "INSERT INTO seen (ref, before, after, location_key) VALUES (?, ?, ?, ?) ON CONFLICT (ref) DO UPDATE SET "
            "before = iif(seen.after IS NULL, excluded.before, seen.before), "
            "after = excluded.after, location_key = excluded.location_key",
            rows,
        )

    def mark(self, refs: Iterable[str]) -> None:
        """A page would mark these without writing them: quarantined, lost, or reported by the provider."""
        self._connection.executemany("INSERT INTO seen (ref) VALUES (?) ON CONFLICT DO NOTHING", ((r,) for r in refs))

    def add_cursor(self, digest: bytes) -> bool:
        """Note a cursor; `False` when it was there before."""
        return self._connection.execute("INSERT OR IGNORE INTO cursor VALUES (?)", (digest,)).rowcount == 1

    def known_problems(self, keys: Sequence[bytes]) -> set[bytes]:
        """Which of these problems were recorded already."""
        return {key for (key,) in self._among("SELECT key FROM problem WHERE key IN", keys)}

    def add_problems(self, problems: Iterable[FoundProblem]) -> None:
        """Record problems, each once."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO problem (key, kind, ref, message) VALUES (?, ?, ?, ?)",
            ((each.key, each.kind, each.problem.ref, _storable(each.problem.message)) for each in problems),
        )

    def problems(self) -> Iterator[tuple[ProblemKind, str | None, str]]:
        """Kind, ref and message of each problem, in the order in which they were found."""
        for kind, ref, message in self._connection.execute("SELECT kind, ref, message FROM problem ORDER BY rowid"):
            yield ProblemKind(kind), ref, message

    # --- what the provider owns ---------------------------------------------------------------------------------------

    def own(self, owned: Iterable[OwnedRef]) -> None:
        """Note what the provider owns now."""
        rows = ((each.ref, each.stale_cycles, each.marked, each.approved) for each in owned)
        self._connection.executemany("INSERT INTO owned VALUES (?, ?, ?, ?)", rows)

    def settle(self, grace: int, *, marks_count: bool) -> None:
        """Work out what changes, once everything is noted.

        Args:
            grace: how many sweeps may find an entity stale and keep it (C-25).
            marks_count: whether what is marked now is marked for the sweep that is planned.
        """
        self._connection.execute(
            "INSERT INTO change SELECT ref, iif(before IS NULL, '+', '~') FROM seen "
            "WHERE after IS NOT NULL AND before IS NOT after"
        )
        self._connection.execute(
            f"INSERT INTO change SELECT ref, '-' {STALE} AND (approved OR stale_cycles >= :grace)",  # a constant
            {"grace": grace, "marks_count": marks_count},
        )

    def count_stale(self, grace: int, *, marks_count: bool) -> tuple[int, int, int]:
        """How many owned entities would be stale; of these, how many are approved, and how many of the others are past
        their grace.
        """
        asked = {"grace": grace, "marks_count": marks_count}
        row: tuple[int, int, int] = self._connection.execute(
            f"SELECT count(*), count(*) FILTER (WHERE approved), "  # a constant
            f"count(*) FILTER (WHERE NOT approved AND stale_cycles >= :grace) {STALE}",
            asked,
        ).fetchone()
        return row

    def count_owned(self) -> int:
        """How many entities the provider owns now."""
        return self._count("SELECT count(*) FROM owned")

    def count_distinct(self, *, marks_count: bool) -> int:
        """How many distinct entities the ingestion would have (C-7)."""
        return self._count(
            "SELECT (SELECT count(*) FROM seen) + (SELECT count(*) FROM problem WHERE kind = ? AND ref IS NULL) + "
            "(SELECT count(*) FROM owned LEFT JOIN seen USING (ref) WHERE seen.ref IS NULL AND marked AND ?)",
            ProblemKind.INVALID,
            marks_count,
        )

    def count_unchanged(self) -> int:
        """How many entities were seen as they are."""
        return self._count("SELECT count(*) FROM seen WHERE before = after")

    # --- changes ------------------------------------------------------------------------------------------------------

    def count_changes(self, sign: str) -> int:
        """How many changes of one kind there are."""
        return self._count("SELECT count(*) FROM change WHERE sign = ?", sign)

    def changes(self, sign: str | None, after: str, limit: int) -> list[tuple[str, str]]:
        """Signs and refs in the order of refs, of one kind or of all."""
        return self._connection.execute(
            "SELECT sign, ref FROM change WHERE ref > ? AND (? IS NULL OR sign = ?) ORDER BY ref LIMIT ?",
            (after, sign, sign, limit),
        ).fetchall()

    def _among(self, question: str, values: Sequence[str] | Sequence[bytes]) -> Iterator[Any]:
        for start in range(0, len(values), MOST_VALUES):
            some = values[start : start + MOST_VALUES]
            yield from self._connection.execute(f"{question} ({', '.join('?' * len(some))})", some)

    def _count(self, question: str, *parameters: object) -> int:
        row: tuple[int] = self._connection.execute(question, parameters).fetchone()
        return row[0]


def _storable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
