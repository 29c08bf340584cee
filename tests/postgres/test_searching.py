"""Searches on a real server: in flat memory, and by the index of refs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from incrsim import catalog
from incrsim.catalog import Catalog
from incrsim.clock import VirtualClock
from incrsim.store import postgres_searching
from incrsim.store.postgres import PostgresStore
from incrsim.store.postgres_searching import _by_body, _by_row
from incrsim.store.queries import query
from incrsim.store.searching import EntityQuery
from tests.conftest import execute
from tests.contract.driver import Driver
from tests.contract.samples import good
from tests.postgres.test_sql import nodes, peak

FILL = (
    "INSERT INTO incrsim.entity (written_in, added_in, provider_id, digest, ref, body) "
    "SELECT 1, 1, 1, decode(md5(n::text), 'hex'), 'component:default/e' || n, "
    """'{"apiVersion":"a","kind":"Component","metadata":{"annotations":{},"name":"e' || n || '",'"""
    """'"title":"t' || n || '"}}' """
    "FROM generate_series(1, %d) n; ANALYZE incrsim.entity"
)


@pytest.fixture
def filled(store: PostgresStore, clock: VirtualClock, database_url: str) -> Callable[[int], Catalog]:
    """Fills the catalog with so many entities."""
    Driver(store, clock, "p").cycle()

    def fill(count: int) -> Catalog:
        execute(database_url, "TRUNCATE incrsim.entity")
        for statement in (FILL % count).split("; "):
            execute(database_url, statement)
        return Catalog(store)

    return fill


@pytest.mark.slow
@pytest.mark.rule("C-13")
def test_memory_does_not_grow_with_the_catalog(
    store: PostgresStore, clock: VirtualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times the entities take no more memory to search for a rare text, to count and to export."""
    monkeypatch.setattr(catalog, "READ_AHEAD", 100)
    monkeypatch.setattr(postgres_searching, "CHUNK", 100)
    monkeypatch.setattr(postgres_searching, "WINDOW", 200)

    def measured(name: str, count: int) -> int:
        driver = Driver(store, clock, name)
        driver.begin()
        driver.page(*(good(f"{name}-{number}", "é") for number in range(count)))
        driver.page(done=True)
        reader = Catalog(store)
        rare = {"text": f"{name}-{count - 1}É"}

        def read() -> None:
            assert reader.count(name, text="É") == count
            assert reader.find(name, **rare).total == 0  # type: ignore[arg-type]  # keywords from a table
            assert reader.export(tmp_path / "out.yaml", name) == count

        return peak(read)

    measured("warm", 300)
    small, large = measured("small", 300), measured("large", 1_200)
    assert large < small + 200_000, (small, large)


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "component", "text": "t4999"},
        {"provider": "p"},
        {"kind": "component", "namespace": "default"},
        {},
    ],
    ids=repr,
)
def test_a_page_is_read_by_the_index_of_refs(
    store: PostgresStore, filled: Callable[[int], Catalog], asked: dict[str, Any]
) -> None:
    """A page of a search neither reads nor sorts the whole table."""
    filled(5_000)
    question = EntityQuery(**asked)
    by_row = _by_row(question, owner=1 if question.provider else None)
    parameters = by_row | _by_body(question) | {"after": "component:default/e2", "limit": 10, "window": 10}
    with store.connection() as connection:
        explain = b"EXPLAIN (FORMAT JSON) " + query("find").encode()
        explained = connection.execute(explain, parameters).fetchone()
    assert explained is not None
    found = list(nodes(explained[0][0]["Plan"]))
    assert "entity_ref_key" in {node.get("Index Name") for node in found}, found
    assert "Seq Scan" not in {node["Node Type"] for node in found if node.get("Relation Name") == "entity"}, found


@pytest.mark.parametrize("name", ["entities_of", "owned", "find"])
def test_what_a_small_provider_owns_is_not_looked_for_among_all_refs(
    store: PostgresStore, filled: Callable[[int], Catalog], clock: VirtualClock, name: str
) -> None:
    """A provider that owns a few of many entities is read by its own rows: a walk over all refs would take a second for
    a million, and a resync makes one for each provider.
    """
    filled(20_000)
    few = Driver(store, clock, "few")
    few.cycle(good("z1"), good("z2"))
    question = EntityQuery(provider="few")
    owner = store._id_of("few")
    parameters = _by_row(question, owner) | _by_body(question) | {"after": "", "limit": 500, "window": 500}
    with store.connection() as connection:
        connection.execute("ANALYZE incrsim.entity")
        explained = connection.execute(b"EXPLAIN (FORMAT JSON) " + query(name).encode(), parameters).fetchone()
    assert explained is not None
    used = {node.get("Index Name") for node in nodes(explained[0][0]["Plan"])}
    assert ("entity_pkey" in used, "entity_ref_key" in used) == (True, False), used
