"""The statements: named, planned well on fresh tables, few, and writing only what has changed; memory stays flat."""

from __future__ import annotations

import ast
import gc
import json
import re
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import incrsim
from incrsim.clock import VirtualClock
from incrsim.entity import Entity
from incrsim.operators import Operators
from incrsim.options import ProviderOptions
from incrsim.store.operating import Announcement
from incrsim.store.postgres import PostgresStore
from incrsim.store.queries import query
from tests.conftest import execute
from tests.contract.driver import Driver
from tests.contract.samples import good
from tests.postgres.test_store_errors import ask

STORE = Path(incrsim.__file__).parent / "store"
SQL = {path.name: path.read_text("utf-8") for path in sorted((STORE / "sql").glob("*.sql"))}
MODULES = {path.name: path.read_text("utf-8") for path in sorted(STORE.glob("postgres*.py"))}
NAMES = re.findall(r"^-- name: (\w+)$", "".join(SQL.values()), re.MULTILINE)


# --- as texts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", SQL)
def test_each_query_has_a_name_and_a_sentence(file: str) -> None:
    """Each statement stands below its name and one sentence that says what it is for."""
    for block in SQL[file].split("\n\n"):
        name, sentence, *statement = block.strip().split("\n")
        assert re.fullmatch(r"-- name: \w+", name)
        assert re.fullmatch(r"-- [A-Z].+\.", sentence), sentence
        assert statement
        assert query(name.removeprefix("-- name: ")).split("\n") == statement


def test_no_name_is_given_twice() -> None:
    """A name leads to one statement."""
    assert len(set(NAMES)) == len(NAMES)
    with pytest.raises(KeyError):
        query("no_such_query")


@pytest.mark.parametrize("name", NAMES)
def test_each_query_is_used(name: str) -> None:
    """No statement is left over."""
    assert any(f'"{name}"' in source for source in MODULES.values())


@pytest.mark.parametrize("module", [*MODULES, "migrations.py"])
def test_no_statement_is_built_from_input(module: str) -> None:
    """What is executed is a constant or a file of the package; values travel as parameters."""
    tree = ast.parse((STORE / module).read_text("utf-8"))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("execute", "copy")
        ):
            assert _is_fixed(node.args[0]), f"{module}:{node.lineno} executes {ast.unparse(node.args[0])}"


def _is_fixed(statement: ast.expr) -> bool:
    match statement:
        case ast.Constant(value=str()) | ast.Call(func=ast.Name(id="query")):
            return True
        case ast.Name(id=name):
            # A parameter that is a LiteralString.
            return name == "question"
        case ast.Attribute(attr="sql" | "_for_session" | "_for_transaction"):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Call(args=[ast.Constant(value=str())]), attr="format"), args=names):
            # Text of ours, in which names are quoted by psycopg.
            return all(isinstance(each, ast.Call) and ast.unparse(each.func) == "sql.Identifier" for each in names)
    return False


# --- plans ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def p(store: PostgresStore, clock: VirtualClock) -> Driver:
    """A provider."""
    return Driver(store, clock, "p")


@pytest.mark.rule("C-11")
@pytest.mark.parametrize("question", ["compare_page", "look_alike"])
def test_a_page_is_compared_by_the_index_of_refs(
    store: PostgresStore, p: Driver, database_url: str, question: str
) -> None:
    """On tables that were never analysed, and have grown to 10 000 rows, a page is looked up by its refs."""
    execute(database_url, "ALTER TABLE incrsim.entity SET (autovacuum_enabled = off)")
    execute(
        database_url,
        "INSERT INTO incrsim.entity (written_in, added_in, provider_id, digest, ref, body) "
        "SELECT 1, 1, 1, decode(md5(n::text), 'hex'), 'component:default/e' || n, repeat('x', 600) "
        "FROM generate_series(1, 10000) n",
    )
    assert ask(database_url, "SELECT last_analyze IS NULL FROM pg_stat_user_tables WHERE relname = 'entity'") is True
    refs = [f"component:default/e{n}" for n in range(1000)]
    parameters = {
        "refs": "\n".join(refs),
        "digests": b"x" * 16 * len(refs),
        "provider": 1,
        "ingestion": 1,
        "cursor": None,
        "first": refs[0],
    }
    with store.connection() as connection:
        explain = b"EXPLAIN (FORMAT JSON) " + query(question).encode()
        explained = connection.execute(explain, parameters).fetchone()
    assert explained is not None
    scans = [node for node in nodes(explained[0][0]["Plan"]) if node.get("Relation Name") == "entity"]
    assert scans
    indexes = {node["Index Name"] for node in nodes(explained[0][0]["Plan"]) if "Index Name" in node}
    assert "entity_ref_key" in indexes, json.dumps(explained[0], indent=1)
    assert not [scan for scan in scans if scan["Node Type"] == "Seq Scan"]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All nodes of a plan."""
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


@pytest.mark.rule("C-9", "C-11")
def test_what_lies_between_the_ends_of_a_page_is_seen(store: PostgresStore, p: Driver, clock: VirtualClock) -> None:
    """A page is unchanged only if nothing there is new, changed, another provider's or gone, one each."""
    q = Driver(store, clock, "q")
    q.cycle(good("e45"))
    p.cycle(*(good(f"e{number}") for number in range(10, 60) if number != 25))
    p.begin()
    alike = p.page(*(good(f"e{number}") for number in range(10, 20)))
    new = p.page(*(good(f"e{number}") for number in range(20, 30)))
    changed = p.page(*(good(f"e{number}", "changed" if number == 35 else "") for number in range(30, 40)))
    others = p.page(*(good(f"e{number}") for number in range(40, 50)))
    gone = p.page(*(good(f"e{number}") for number in range(50, 60) if number != 55))
    again = p.page(*(good(f"e{number}") for number in range(20, 30)))
    p.page(done=True)
    pages = [each.counts for each in (alike, new, changed, others, gone, again)]
    assert [counts.unchanged for counts in pages] == [10, 9, 9, 9, 9, 9]
    assert [(counts.added, counts.updated, counts.lost) for counts in pages] == [
        *((0, 0, 0), (1, 0, 0), (0, 1, 0)),
        *((0, 0, 1), (0, 0, 0), (0, 0, 0)),
    ]
    p.sweep()
    assert p.names() == [f"e{number}" for number in range(10, 60) if number not in (45, 55)]


# --- what a page costs ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cost:
    """What went over the wire.

    Args:
        round_trips: how often the client waited for an answer.
        sent: bytes.
    """

    round_trips: int
    sent: int


def cost(store: PostgresStore, work: Callable[[], object]) -> Cost:
    """Do some work on one connection, and count what it costs by libpq's own account."""
    with tempfile.TemporaryFile("w+") as trace:
        with store.connection() as connection:
            wire = connection.pgconn
        wire.trace(trace.fileno())
        try:
            work()
        finally:
            wire.untrace()
        trace.seek(0)
        lines = [line.split("\t") for line in trace]
    directions = [(line[1], int(line[2])) for line in lines if len(line) > 2 and line[1] in "FB"]
    turns = sum(one == "F" and other == "B" for (one, _), (other, _) in pairwise(directions))
    return Cost(turns, sum(size for direction, size in directions if direction == "F"))


def costs_of_pages(p: Driver, store: PostgresStore, size: int) -> dict[str, Cost]:
    """A new page, the same once more, and the same with all of it changed."""

    def entities(note: str) -> list[Entity]:
        return [good(f"of-{size}-{number}", note * 1000) for number in range(size)]

    p.begin()
    costs = {}
    for kind, note in {"new": "a", "unchanged": "a", "changed": "b"}.items():
        page = entities(note)
        costs[kind] = cost(store, lambda page=page: p.page(*page))  # type: ignore[misc]  # mypy infers no lambda with a default
    p.page(done=True)
    p.sweep()
    return costs


@pytest.mark.rule("C-11")
def test_round_trips_do_not_depend_on_the_size_of_a_page(store: PostgresStore, p: Driver) -> None:
    """A page of 300 costs as many round trips as one of 3, and no more than ten."""
    costs_of_pages(p, store, 1)  # what is prepared once is prepared now
    small, large = costs_of_pages(p, store, 3), costs_of_pages(p, store, 300)
    for kind, few in small.items():
        assert 0 < few.round_trips <= 10, (kind, few)
        # A long COPY may hear something meanwhile, without waiting for it.
        assert large[kind].round_trips <= few.round_trips + 1, (kind, few, large[kind])


@pytest.mark.rule("C-11")
def test_an_unchanged_entity_is_not_sent(store: PostgresStore, p: Driver) -> None:
    """Of an unchanged entity its ref and digest travel, and nothing of its body."""
    costs = costs_of_pages(p, store, 300)
    assert costs["new"].sent > 300 * 1000
    assert costs["unchanged"].sent < 300 * 100 + 5000


@pytest.mark.rule("C-11")
def test_an_unchanged_entity_is_not_rewritten(p: Driver, database_url: str) -> None:
    """An unchanged page leaves every row's version as it was, not even locked, in this ingestion and the next."""
    versions = "SELECT array_agg((ref, xmin, xmax, ctid)::text ORDER BY ref) FROM incrsim.entity"
    page = [good(f"e{number}") for number in range(50)]
    p.cycle(*page)
    before = ask(database_url, versions)
    p.begin()
    p.page(*page)
    p.page(*reversed(page))
    p.page(*page[:25], done=True)
    assert ask(database_url, versions) == before
    p.sweep()
    assert ask(database_url, versions) == before


@pytest.mark.rule("C-11")
def test_the_marks_of_a_page_are_one_row(p: Driver, database_url: str) -> None:
    """A mark holds the ids of what its page saw; what it wrote carries the ingestion's number."""
    p.cycle(*(good(f"e{number}") for number in range(50)))
    p.begin()
    p.page(*(good(f"e{number}") for number in range(30)))
    p.page(*(good(f"e{number}") for number in range(30, 60)))
    assert ask(database_url, "SELECT array_agg(cardinality(seen) ORDER BY sequence) FROM incrsim.mark") == [30, 20]
    assert ask(database_url, "SELECT count(*) FROM incrsim.entity WHERE written_in = 2") == 10


# --- memory -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Peaks:
    """The most memory that was in use at once, in bytes beyond what was there before."""

    load: int
    sweep: int
    reading: int


def peak(work: Callable[[], object]) -> int:
    """What Python allocates at most while it works."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def measure(p: Driver, entities: int, limit: int = 500) -> Peaks:
    """Load so many entities, read them page by page, and sweep them all."""

    def load() -> None:
        p.begin()
        for first in range(0, entities, limit):
            p.page(*(good(f"e{number}") for number in range(first, first + limit)))
        p.page(done=True)
        p.sweep()

    def read() -> None:
        after, found = "", 0
        while page := p.store.entities(p.name, after=after, limit=limit):
            after, found = page[-1].ref, found + len(page)
        assert found == entities

    loaded, reading = peak(load), peak(read)
    p.begin()
    p.page(done=True)
    swept = peak(p.sweep)
    assert p.store.count(p.name) == 0
    return Peaks(loaded, swept, reading)


@pytest.mark.slow
@pytest.mark.rule("C-13")
def test_memory_does_not_grow_with_the_number_of_entities(store: PostgresStore, clock: VirtualClock) -> None:
    """Ten times the entities take no more memory to load, to read and to sweep."""
    measure(Driver(store, clock, "warm"), 500)
    small, large = measure(Driver(store, clock, "small"), 2_000), measure(Driver(store, clock, "large"), 20_000)
    room = 150_000
    assert large.load < small.load + room, (small, large)
    assert large.reading < small.reading + room, (small, large)
    assert large.sweep < small.sweep + room, (small, large)


# --- what operators ask -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_round_trips_of_operators_do_not_depend_on_the_number_of_providers(
    store: PostgresStore, clock: VirtualClock
) -> None:
    """Health, and a page of providers, cost as many round trips for 20 providers as for 2; `status` costs three."""
    operators = Operators(store)

    def ask_all() -> list[int]:
        calls = (operators.health, lambda: operators.providers(limit=1000), lambda: operators.status("p01"))
        return [cost(store, call).round_trips for call in calls]

    def serve(count: int) -> None:
        for number in range(count):
            Driver(store, clock, f"p{number:02}").cycle(good(f"e{number}"))
        names = [f"p{number:02}" for number in range(count)]
        store.announce("r1", [Announcement(name, ProviderOptions().describe(), stuck=False) for name in names])

    serve(2)
    ask_all()  # what is prepared once is prepared now
    few = ask_all()
    serve(20)
    assert len(operators.providers(limit=1000).items) == 20
    assert all(now <= before for now, before in zip(ask_all(), few, strict=True))
    assert few[-1] <= 3
