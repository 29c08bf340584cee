"""Watches a database for what must never happen, while everything else happens."""

from __future__ import annotations

import json
import threading
from typing import Any

import psycopg

from tests.soak.source import PROVIDERS, SIZE, held

_WATCH = """
CREATE SCHEMA soak;
CREATE TABLE soak.mark (id bigserial, provider bigint, ingestion bigint, sequence bigint, fence bigint);
CREATE TABLE soak.lost (ref text, at timestamptz DEFAULT clock_timestamp());

CREATE FUNCTION soak.see_mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO soak.mark (provider, ingestion, sequence, fence)
    SELECT NEW.provider_id, NEW.ingestion, NEW.sequence, provider.fence
    FROM incrsim.provider WHERE provider.id = NEW.provider_id;
    RETURN NULL;
END $$;
CREATE TRIGGER soak AFTER INSERT ON incrsim.mark FOR EACH ROW EXECUTE FUNCTION soak.see_mark();

CREATE FUNCTION soak.see_loss() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO soak.lost (ref) VALUES (OLD.ref);
    RETURN NULL;
END $$;
CREATE TRIGGER soak AFTER DELETE ON incrsim.entity
FOR EACH ROW WHEN (OLD.ref LIKE '%-kept-%') EXECUTE FUNCTION soak.see_loss();
"""

_TWICE = """
SELECT provider.name, ingestion, sequence, count(*) FROM soak.mark JOIN incrsim.provider ON provider.id = provider
GROUP BY 1, 2, 3 HAVING count(*) > 1
"""

_BACKWARDS = """
SELECT provider, ingestion, sequence, fence FROM (
    SELECT *, lag(fence) OVER turns AS fence_before, lag(ingestion) OVER turns AS ingestion_before,
        lag(sequence) OVER turns AS sequence_before
    FROM soak.mark WINDOW turns AS (PARTITION BY provider ORDER BY id)
) AS marks
WHERE fence < fence_before OR ingestion < ingestion_before
   OR (ingestion = ingestion_before AND sequence <> sequence_before + 1)
"""

_KEPT = """
SELECT provider.name, count(*) FROM incrsim.entity JOIN incrsim.provider ON provider.id = entity.provider_id
WHERE ref LIKE '%-kept-%' GROUP BY 1
"""

_CATALOG = """
SELECT ref, body FROM incrsim.entity JOIN incrsim.provider ON provider.id = entity.provider_id WHERE name = %s
"""

LOOK_EVERY = 0.1


class Watcher:
    """Looks all the time, from a session of its own, and keeps what it saw that must not be.

    Args:
        url: the database, with our tables.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._ended = threading.Event()
        self._missing: list[str] = []
        self.looks = 0
        with psycopg.connect(url) as connection:
            connection.execute(_WATCH)
        self._thread = threading.Thread(target=self._look, name="soak watcher")
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def findings(self) -> list[str]:
        """Everything that must not have been."""
        with psycopg.connect(self._url) as connection:
            twice = [f"committed twice: {row}" for row in connection.execute(_TWICE)]
            backwards = [f"out of order: {row}" for row in connection.execute(_BACKWARDS)]
            lost = [f"removed: {ref}" for (ref,) in connection.execute("SELECT ref FROM soak.lost LIMIT 10")]
        return [*twice, *backwards, *lost, *self._missing[:10]]

    def pages(self) -> int:
        """How many pages were committed."""
        with psycopg.connect(self._url) as connection:
            return int(_one(connection, "SELECT count(*) FROM soak.mark"))

    def _look(self) -> None:
        whole: set[str] = set()
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._ended.wait(LOOK_EVERY):
                kept: dict[str, int] = dict(connection.execute(_KEPT).fetchall())
                for provider in whole:
                    if kept.get(provider, 0) != SIZE // 2:
                        self._missing.append(f"{provider} has {kept.get(provider, 0)} of {SIZE // 2} that were held")
                whole |= {provider for provider, count in kept.items() if count == SIZE // 2}
                self.looks += 1


def differences(url: str, step: int) -> list[str]:
    """Where catalogs differ from what the source held during a step."""
    found: list[str] = []
    with psycopg.connect(url) as connection:
        for provider in PROVIDERS:
            rows = connection.execute(_CATALOG, (provider,)).fetchall()
            stored = {ref.rpartition("/")[2]: _version(body) for ref, body in rows}
            expected = held(provider, step)
            if stored != expected:
                wrong = sorted(stored.items() ^ expected.items())
                found.append(f"{provider}: {len(wrong)} differences, for example {wrong[:3]}")
    return found


def _version(body: Any) -> int:
    entity = body if isinstance(body, dict) else json.loads(body)
    return int(entity["metadata"]["description"].rpartition(" ")[2])


def _one(connection: psycopg.Connection[Any], question: str) -> Any:
    row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]
