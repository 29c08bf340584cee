"""Campaigns: many seeds, over several processes, that can be broken off and told of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from incrsim.errors import CallerError
from incrsim.ingestion import Status
from incrsim.simulation import faults
from incrsim.simulation.campaign.campaign import Campaign, Standing, as_shipped
from incrsim.simulation.campaign.coverage import Coverage
from incrsim.simulation.campaign.row import Row
from incrsim.simulation.run import Run
from incrsim.simulation.scenario import Scenario
from incrsim.simulation.violation import Finding
from incrsim.simulation.world.store import Stores

SMALL = Campaign(faults="hostile", days=2, entities=20, replicas=2)
FINDING = Finding("C-20", "main", 7, "all", "less", ("first", "then"))


def failing(scenario: Scenario, store: Stores) -> Run:
    """A run that violates a rule in some seeds, and breaks off in others."""
    if scenario.seed % 5 == 3:
        raise KeyError("nobody expected this")
    run = as_shipped(scenario, store)
    return replace(run, findings=(FINDING,)) if scenario.seed % 5 == 1 else run


def plain(rows: object) -> list[object]:
    """Rows without what two runs may differ in."""
    assert isinstance(rows, list)
    return [replace(row, seconds=0.0) for row in rows]


@pytest.mark.slow
def test_many_processes_find_what_one_finds(tmp_path: Path) -> None:
    """The rows of a campaign do not depend on how many processes run it, or in how many goes."""
    file = tmp_path / "results.jsonl"
    alone = SMALL.over(range(20), jobs=1)
    SMALL.over(range(4, 9), jobs=1, results=file)
    heard: list[tuple[int, int]] = []

    def tell(standing: Standing) -> None:
        heard.append((standing.known, standing.done))

    together = SMALL.over(range(20), jobs=2, results=file, tell=tell)
    assert plain(together.rows) == plain(alone.rows)
    assert heard == [(5, done) for done in range(5, 21)]
    assert together.ok
    assert together.median_entities == 20
    assert together.share_of_both == 1.0


def test_a_broken_line_is_run_again(tmp_path: Path) -> None:
    """A campaign that was killed while it wrote goes on from its last whole line."""
    file = tmp_path / "results.jsonl"
    whole = SMALL.over(range(3), jobs=1, results=file)
    file.write_bytes(file.read_bytes()[:-10])
    assert plain(SMALL.over(range(3), jobs=1, results=file).rows) == plain(whole.rows)
    assert [orjson.loads(line).get("seed") for line in file.read_text().splitlines()] == [None, 0, 1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"incrsim":"trace"}\n', "holds no results of a campaign"),
        ("[]\n", "holds no results of a campaign"),
        ('{"incrsim":"campaign","faults":"rough"}\n', "faults 'rough', not 'hostile'"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """A file that is not of this campaign stays as it is."""
    file = tmp_path / "results.jsonl"
    file.write_text(text)
    with pytest.raises(CallerError, match=message):
        SMALL.over(range(1), results=file)
    assert file.read_text() == text


def test_violations_are_told_and_made_small(tmp_path: Path) -> None:
    """What violates a rule, or breaks off, is a row as any other; the first one of each rule is made small."""
    file = tmp_path / "results.jsonl"
    result = replace(SMALL, run=failing).over(range(8), jobs=1, results=file, reduced=1)
    assert [row.verdict for row in result.rows] == ["ok", "C-20", "ok", "KeyError", "ok", "ok", "C-20", "ok"]
    assert not result.ok
    assert result.headline() == "a rule does not hold in 3 of 8 scenarios"
    broken = result.violations[1].finding
    assert broken is not None
    assert broken.story[-1].startswith("test_campaign.py, line ")
    assert [each.seed for each in result.reduced] == [1]
    kept = Scenario.read(tmp_path / "results-c-20-seed-1.toml")
    assert (kept, kept.days, kept.source.entities) == (result.reduced[0].scenario, 0, 0)
    violation = result.to_dict()["violations"][0]
    assert violation["again"] == "incrsim simulate --faults hostile --days 2 --entities 20 --replicas 2 --seed 1"
    assert violation["reduced"] == kept.to_dict()


def test_it_is_shown() -> None:
    """A result is a table for terminals and notebooks, and DataFrames of its scenarios and its coverage."""
    result = SMALL.over(range(2), jobs=1)
    frame = result.to_frame()
    assert list(frame["seed"]) == [0, 1]
    assert list(frame["verdict"]) == ["ok", "ok"]
    assert frame[faults.STORE_SLOW].sum() == result.faults[faults.STORE_SLOW]
    assert str(result).endswith("every rule held in 2 scenarios")
    assert all(about in result._repr_html_() for about, _ in result.sentences())
    met = result.coverage.to_frame().query("verdict == 'met'")
    assert met["times"].sum() == sum(sum(row.pairs().values()) for row in result.rows)


def row(**met: int) -> Row:
    """A row in which a slow store met these statuses."""
    return Row(
        seed=1, entities=9, pages=1, dialect="keyset", replicas=1, sink=False, lies=False, met={faults.STORE_SLOW: met}
    )


def test_coverage() -> None:
    """A pair of fault and status was met, is uncovered, or is impossible for a reason; one that is both is an error."""
    coverage = Coverage([row(resting=2), row(resting=1, complete=1)], {faults.STORE_SLOW, faults.REPLICA_PAUSED})
    assert {pair.verdict for pair in coverage if pair.fault == faults.REPLICA_PAUSED} == {"impossible"}
    slow = {pair.status: pair for pair in coverage if pair.fault == faults.STORE_SLOW}
    assert (slow[Status.RESTING].times, slow[Status.RESTING].verdict) == (3, "met")
    assert slow[Status.BURSTING].verdict == "uncovered"
    assert slow[Status.COMPLETE].verdict == "impossible, and met"
    assert str(slow[Status.COMPLETE]) == "slow store while complete"


@pytest.mark.postgres
@pytest.mark.slow
def test_on_postgres(postgres_server: str) -> None:
    """On a server of databases each process has its own, which is gone afterwards, and the traces are the same."""
    import psycopg

    there = replace(SMALL, database=postgres_server).over(range(4), jobs=2)
    assert [each.digest for each in there.rows] == [each.digest for each in SMALL.over(range(4), jobs=1).rows]
    with psycopg.connect(postgres_server) as connection:
        left = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'incrsim_campaign%'").fetchall()
    assert left == []
