"""Statements that have to do with long lists are planned well, whatever the server has been told of its tables."""

from __future__ import annotations

import json

import pytest

from incrsim.store.postgres import PostgresStore
from incrsim.store.queries import query
from tests.conftest import execute
from tests.contract.driver import Driver
from tests.postgres.test_sql import nodes, p

__all__ = ["p"]  # a fixture

ENTITIES = (
    "(written_in, added_in, provider_id, digest, ref, body) "
    "SELECT 1, 1, 1, decode(md5(n::text), 'hex'), 'component:default/e' || n, 'x'"
)
LONG_LISTS = {
    "marks": "mark (provider_id, ingestion, sequence, seen, counts, committed_at) SELECT 1, 1, n, '{}', '{}', now()",
    "problems": "problem (provider_id, ingestion, sequence, key, kind, message) "
    "SELECT 1, 1, 1, decode(md5(n::text), 'hex'), 'invalid', 'torn'",
    "stale": "stale (provider_id, entity_id, removable, ref) SELECT 1, n, true, 'component:default/e' || n",
}


@pytest.mark.parametrize("name", LONG_LISTS)
def test_a_page_of_a_list_reads_no_more_than_it_shows(
    store: PostgresStore, p: Driver, database_url: str, name: str
) -> None:
    """A page is read by its key: what comes behind it is neither read nor sorted."""
    p.begin()
    into, _, rows = LONG_LISTS[name].partition(" ")
    execute(database_url, f"INSERT INTO incrsim.{into} {rows} FROM generate_series(1, 10000) n")
    execute(database_url, f"ANALYZE incrsim.{into}")
    after = "component:default/e2" if name == "stale" else 2000
    with store.connection() as connection:
        explain = b"EXPLAIN (FORMAT JSON) " + query(name).encode()
        explained = connection.execute(explain, {"name": p.name, "after": after, "limit": 101}).fetchone()
    assert explained is not None
    found = list(nodes(explained[0][0]["Plan"]))
    scans = {node["Node Type"] for node in found if node.get("Relation Name") == into}
    assert scans == {"Index Scan"}, json.dumps(explained[0], indent=1)
    assert not [node for node in found if node["Node Type"] == "Sort" and node["Plan Rows"] > 101], json.dumps(
        explained[0], indent=1
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["update_entities", "mark_refs", "remove_refs"])
def test_a_few_entities_are_changed_by_their_keys(
    store: PostgresStore, p: Driver, database_url: str, name: str
) -> None:
    """When the server was told of the provider before it had entities, what changes ten of them does not read all."""
    execute(database_url, "ALTER TABLE incrsim.entity SET (autovacuum_enabled = off)")
    fill = f"INSERT INTO incrsim.entity {ENTITIES} FROM generate_series(%d, %d) n"
    execute(database_url, (fill % (1, 1000)).replace("SELECT 1, 1, 1,", "SELECT 1, 1, 2,"))
    execute(database_url, "ANALYZE incrsim.entity")
    execute(database_url, fill % (1001, 50_000))
    new = {"ids": list(range(2001, 2011)), "digests": [b"d" * 16] * 10, "keys": [None] * 10, "bodies": ["{}"] * 10}
    refs = [f"component:default/e{number}" for number in range(2001, 2011)]
    with store.connection() as connection:
        explain = b"EXPLAIN (ANALYZE, FORMAT JSON) " + query(name).encode()
        explained = connection.execute(explain, {"provider": 1, "ingestion": 2, "refs": refs, **new}).fetchone()
        connection.rollback()
    assert explained is not None
    found = list(nodes(explained[0][0]["Plan"]))
    read = sum(node["Actual Rows"] * node["Actual Loops"] for node in found if "Scan" in node["Node Type"])
    dropped = sum(node.get(f"Rows Removed by {kind}Filter", 0) for node in found for kind in ("", "Join "))
    assert read + dropped < 100, json.dumps(explained[0], indent=1)


@pytest.mark.parametrize("name", ["remove_chunk", "remove_owned_chunk"])
def test_entities_are_removed_by_their_keys(store: PostgresStore, p: Driver, database_url: str, name: str) -> None:
    """When the server was told of other providers' rows only, a chunk does not meet each entity of the provider."""
    entities = (
        "INSERT INTO incrsim.entity (written_in, added_in, provider_id, digest, ref, body) "
        "SELECT 1, 1, %s, decode(md5(n::text), 'hex'), 'component:default/e' || n, 'x' FROM generate_series(%d, %d) n"
    )
    collected = "INSERT INTO incrsim.stale (provider_id, entity_id, removable, ref) SELECT provider_id, id, true, ref "
    for table in ("entity", "stale"):
        execute(database_url, f"ALTER TABLE incrsim.{table} SET (autovacuum_enabled = off)")
    execute(database_url, entities % ("1000 + n", 1, 1000))
    execute(database_url, collected + "FROM incrsim.entity")
    execute(database_url, "ANALYZE incrsim.entity, incrsim.stale")
    execute(database_url, entities % ("1", 1001, 2000))
    execute(database_url, collected + "FROM incrsim.entity WHERE provider_id = 1")
    parameters = {"provider": 1, "ingestion": 2, "after": 0, "limit": 500}
    with store.connection() as connection:
        explain = b"EXPLAIN (ANALYZE, FORMAT JSON) " + query(name).encode()
        explained = connection.execute(explain, parameters).fetchone()
        connection.rollback()
    assert explained is not None
    dropped = sum(node.get("Rows Removed by Join Filter", 0) for node in nodes(explained[0][0]["Plan"]))
    assert dropped == 0, json.dumps(explained[0], indent=1)


@pytest.mark.parametrize(
    ("name", "table", "columns"),
    [
        ("mark_stale", "stale", "removable, ref) SELECT 1, n, true, 'component:default/e' || n"),
        ("reset_streaks", "streak", "cycles) SELECT 1, n, 1"),
    ],
    ids=["mark_stale", "reset_streaks"],
)
def test_what_is_not_kept_costs_nothing(
    store: PostgresStore, p: Driver, database_url: str, name: str, table: str, columns: str
) -> None:
    """Where no ref is kept any more, the end of an ingestion reads neither its marks nor the provider's entities."""
    p.begin()
    execute(database_url, f"INSERT INTO incrsim.entity {ENTITIES} FROM generate_series(1, 5000) n")
    execute(
        database_url,
        f"INSERT INTO incrsim.{table} (provider_id, entity_id, {columns} FROM generate_series(1, 5000) n",
    )
    execute(database_url, f"ANALYZE incrsim.{table}")
    execute(database_url, f"DELETE FROM incrsim.{table}")
    with store.connection() as connection:
        explain = b"EXPLAIN (ANALYZE, FORMAT JSON) " + query(name).encode()
        explained = connection.execute(explain, {"provider": 1, "number": 1}).fetchone()
        connection.rollback()
    assert explained is not None
    read = {
        node["Relation Name"]
        for node in nodes(explained[0][0]["Plan"])
        if node.get("Actual Loops") and "Relation Name" in node
    }
    assert not read & {"entity", "mark"}, json.dumps(explained[0], indent=1)
