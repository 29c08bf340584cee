"""New entities on their way into a Postgres database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from incrsim.entity import Entity
from incrsim.store.page import Insert
from incrsim.store.queries import query

if TYPE_CHECKING:
    import psycopg


@contextmanager
def copying(connection: psycopg.Connection, provider_id: int, ingestion: int) -> Iterator[Insert]:
    """A `COPY` that begins with the first new entities and ends with the context; meanwhile the connection does nothing
    else.

    Args:
        connection: inside a transaction.
        provider_id: of the provider that owns the new entities.
        ingestion: the number of the ingestion that adds them.
    """
    owned = b"%d\t%d\t%d\t" % (ingestion, ingestion, provider_id)
    copy: psycopg.Copy | None = None
    with ExitStack() as stack:

        def insert(entities: Sequence[Entity]) -> None:
            nonlocal copy
            if not entities:
                return
            if copy is None:
                cursor = stack.enter_context(connection.cursor())
                copy = stack.enter_context(cursor.copy(query("copy_entities")))
            copy.write(_rows(entities, owned))

        yield insert


def _rows(entities: Sequence[Entity], owned: bytes) -> bytes:
    """The text of `COPY`, joined by hand: several times faster than to let the driver convert value by value."""
    parts: list[bytes] = []
    for entity in entities:
        parts += (
            owned,
            b"\\\\x",
            entity.digest.hex().encode(),
            b"\t",
            (entity.ref or "").encode(),  # a valid one holds nothing to escape
            b"\t",
            b"\\N" if entity.location_key is None else _escaped(entity.location_key),
            b"\t",
            # JSON holds no raw tab or line break: they are escaped already, by a backslash.
            (entity.canonical or b"").replace(b"\\", b"\\\\"),
            b"\n",
        )
    return b"".join(parts)


def _escaped(text: str) -> bytes:
    return text.translate(_ESCAPES).encode()


_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
