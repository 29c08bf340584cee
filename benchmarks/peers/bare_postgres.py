"""What PostgreSQL itself can do with the same pages: the limits that `bench_ingestion.py` measures `incrsim` against.

No ownership, no validation, no lease, no cursor, no counts, no sweep: only entities in, or recognised as unchanged, one
transaction a page. `load` joins a page's rows into one block of `COPY`; `mark_unchanged` compares refs and digests on
the server and writes one row per page that packs the ids it saw. Both build refs, bodies and digests from the same
mappings that the provider returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import psycopg

BarePage = Sequence[Mapping[str, Any]]
"""Entities of one page, in Backstage's format."""

_TABLES = """
    DROP SCHEMA IF EXISTS bare CASCADE;
    CREATE SCHEMA bare;
    CREATE TABLE bare.entity (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        digest bytea NOT NULL,
        ref text COLLATE "C" NOT NULL UNIQUE,
        body text NOT NULL
    );
    CREATE TABLE bare.mark (sequence bigint PRIMARY KEY, seen bigint[]);
    ALTER TABLE bare.mark ALTER COLUMN seen SET STORAGE EXTERNAL;
"""

_COPY = "COPY bare.entity (digest, ref, body) FROM STDIN"

_MARK = """
    WITH page AS MATERIALIZED (
        SELECT ref COLLATE "C" AS ref, substring(%(digests)s::bytea FROM 16 * position::integer - 15 FOR 16) AS digest
        FROM string_to_table(%(refs)s::text, E'\\n') WITH ORDINALITY AS line (ref, position)
    ), found AS MATERIALIZED (
        SELECT id, ref, digest FROM bare.entity WHERE ref = ANY (string_to_array(%(refs)s::text, E'\\n') COLLATE "C")
    )
    INSERT INTO bare.mark
    SELECT %(sequence)s, array_agg(id) FROM found JOIN page USING (ref) WHERE found.digest = page.digest
    RETURNING cardinality(seen)
"""


def create_tables(connection: psycopg.Connection[Any]) -> None:
    """Begin anew, in a schema `bare` of its own.

    Args:
        connection: in autocommit mode.
    """
    connection.execute(_TABLES)


def load(connection: psycopg.Connection[Any], pages: Iterable[BarePage]) -> Iterator[int]:
    """Copy every page into the empty table, one block and one transaction each; yields how many entities it held.

    Args:
        connection: in autocommit mode.
        pages: read as they are needed.
    """
    for page in pages:
        block = b"".join(
            b"\\\\x%b\t%b\t%b\n" % (digest.hex().encode(), ref.encode(), body.replace(b"\\", b"\\\\"))
            for ref, digest, body in map(_row, page)
        )
        with connection.transaction(), connection.cursor().copy(_COPY) as copy:
            copy.write(block)
        yield len(page)


def mark_unchanged(connection: psycopg.Connection[Any], pages: Iterable[BarePage]) -> Iterator[int]:
    """Recognise every entity of the same pages by its digest, and keep one packed mark a page; yields like `load`.

    Args:
        connection: in autocommit mode.
        pages: the pages that were loaded, read as they are needed.

    Raises:
        ValueError: when an entity is not what was loaded, so that the figure would not be that of an unchanged cycle.
    """
    for sequence, page in enumerate(pages, start=1):
        rows = [_row(entity) for entity in page]
        parameters = {
            "refs": "\n".join([ref for ref, _, _ in rows]),
            "digests": b"".join([digest for _, digest, _ in rows]),
            "sequence": sequence,
        }
        marked = connection.execute(_MARK, parameters).fetchone()
        if marked is None or marked[0] != len(page):
            recognised = 0 if marked is None else marked[0]
            raise ValueError(f"page {sequence}: only {recognised} of {len(page)} entities are as they were loaded")
        yield len(page)


def _row(entity: Mapping[str, Any]) -> tuple[str, bytes, bytes]:
    metadata = entity["metadata"]
    ref = f"{entity['kind']}:{metadata.get('namespace', 'default')}/{metadata['name']}".lower()
    body = orjson.dumps(entity, option=orjson.OPT_SORT_KEYS)
    return ref, blake2b(body, digest_size=16).digest(), body
