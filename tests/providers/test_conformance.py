"""Every provider that ships here keeps the contract, as `incrsim check` sees it; one breaks each rule in turn."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import incrsim
from incrsim.testing import ConformanceReport, Outcome, provider_conformance
from incrsim.testing.conformance_rules import names
from providers.dpkg import Dpkg
from providers.files import Files
from providers.hostile import SINS, Hostile
from providers.hostile_habits import ALL, HABITS, SINNERS
from providers.increasing_numbers import IncreasingNumbers
from providers.python_packages import PythonPackages
from providers.sql_table import SqlTable
from tests.providers import test_github_repositories as github, test_http_pages as http, test_kubernetes as kubernetes
from tests.providers.server.control import ApiServer
from tests.providers.shelf import Shelf
from tests.providers.test_sql_table import Database

REAL_PACKAGES = Path("/var/lib/dpkg/status")
FEW_PACKAGES = "".join(
    f"Package: p{number}\nStatus: install ok installed\nArchitecture: all\nVersion: {number}\n\n" for number in range(9)
)
IMPATIENT: dict[str, Any] = {"page_timeout": "0.02s"}


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """This machine's list of packages, which does not change meanwhile; a made-up one where there is none."""
    status = tmp_path / "status"
    if REAL_PACKAGES.exists():
        shutil.copy(REAL_PACKAGES, status)
    else:
        status.write_text(FEW_PACKAGES)
    return status


@pytest.fixture
def tree(tmp_path: Path) -> Shelf:
    """Files below `tmp_path / "tree"`, some of them in directories."""
    root = tmp_path / "tree"

    def keep(numbers: list[int]) -> None:
        wanted = {root / f"{number % 3}" / f"{number:03}.txt" for number in numbers}
        for each in wanted:
            each.parent.mkdir(parents=True, exist_ok=True)
            each.touch()
        for each in set(root.rglob("*.txt")) - wanted:
            each.unlink()

    return Shelf(keep)


@pytest.fixture
def rows(sqlite_file: Database) -> Shelf:
    """A table."""
    return Shelf(table(sqlite_file))


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Database:
    """A SQLite file."""
    return Database(f"sqlite:///{tmp_path}/rows.db")


def table(database: Database) -> Callable[[list[int]], None]:
    """Keeps numbers as rows of `hosts`."""
    database("CREATE TABLE hosts (id INTEGER PRIMARY KEY, name TEXT)")

    def keep(numbers: list[int]) -> None:
        database("DELETE FROM hosts")
        database("INSERT INTO hosts VALUES (?, ?)", [(number, f"host {number}") for number in numbers])

    return keep


TestIncreasingNumbers = provider_conformance(IncreasingNumbers)
TestDpkg = pytest.mark.slow(provider_conformance(lambda packages: Dpkg(packages, page_size=200)))
TestFiles = provider_conformance(
    lambda tree, tmp_path: Files(tmp_path / "tree", page_size=12), source=lambda tree: tree
)
TestSqlTable = provider_conformance(
    lambda rows, sqlite_file: SqlTable(sqlite_file.url, "hosts", page_size=10), source=lambda rows: rows
)


@pytest.mark.slow
def test_python_packages() -> None:
    """What is installed for the Python that runs this."""
    report = incrsim.check(lambda: PythonPackages(page_size=20))
    assert_clean(report)
    assert report.pages > 2


@pytest.mark.postgres
@pytest.mark.slow
def test_a_table_on_a_server(bare_database_url: str) -> None:
    """A table on Postgres, read by key while rows vanish: nothing that stays is missed."""
    database = Database(bare_database_url)
    report = incrsim.check(lambda: SqlTable(database.url, "hosts", page_size=10), source=Shelf(table(database)))
    assert_clean(report)
    assert report["drift"].seen.startswith("missed 0 of 55 (0.00 %)")


@http.every_way
def test_http_pages(api: ApiServer, way: str) -> None:
    """Every way to number pages is fine; those that count pages or items miss some of what stays, as is measured."""
    source = Shelf(lambda numbers: api.services([{"name": f"service-{number:03}"} for number in numbers]))
    report = incrsim.check(lambda: http.pages(api, way), source=source)
    if way in ("page-number", "offset"):
        assert_clean(report, "drift")
        assert report["drift"].seen == (
            "missed 5 of 55 (9.09 %) of those that were there throughout, while 5 others vanished between 6 pages"
        )
        assert "removal_grace_cycles=1" in report["drift"].instead
    else:
        assert_clean(report)
        assert "missed 0 of 55 (0.00 %)" in report["drift"].seen


def test_grace_is_what_drift_asks_for(api: ApiServer) -> None:
    """With `removal_grace_cycles` a provider that counts has done what can be done."""
    source = Shelf(lambda numbers: api.services([{"name": f"service-{number:03}"} for number in numbers]))
    assert_clean(incrsim.check(lambda: http.pages(api, "offset"), source=source, removal_grace_cycles=1))


def test_github_repositories(api: ApiServer) -> None:
    """GitHub's connection, while repositories vanish."""
    source = Shelf(lambda numbers: github.serve(api, [github.repository(number) for number in numbers]))
    assert_clean(incrsim.check(lambda: github.provider(api), source=source))


def test_kubernetes(api: ApiServer) -> None:
    """The cluster's lists, while objects vanish."""
    every = kubernetes.objects(100)
    kubernetes.serve(api, services=kubernetes.objects(12))
    source = Shelf(lambda numbers: kubernetes.serve(api, deployments=[every[number] for number in numbers]))
    assert_clean(incrsim.check(lambda: kubernetes.provider(api), source=source))


def assert_clean(report: ConformanceReport, *advised: str) -> None:
    """Every rule holds, but those that are advised; only drift may have been left open."""
    assert {row.rule for row in report.of(Outcome.NOT_APPLICABLE)} <= {"drift"}, str(report)
    assert sins_told(report) == set(advised), str(report)


# --- one who sins ---------------------------------------------------------------------------------------------------

UNSEEN = {
    "slow": "in time",
    "mutates-the-page-before": "what a page holds is read before the next one is asked for",
    "leaves-a-thread": "it does no harm",
    "async-leaves-a-task": "it ends with the burst",
    "claims-what-another-owns": "there is no other provider here",
    "truncated-and-done": "a lie that only guards can notice",
}
"""Sins that nobody can see who looks at the provider alone, and why."""

SEEN: dict[str, set[str]] = {
    **{sin: {"pages"} for sin in SINS},
    **{sin: {"cursor"} for sin in SINS if sin.startswith("cursor-")},
    **{sin: {"around"} for sin in SINS if sin.startswith(("around-", "callback-", "enter-", "leave-", "async-around"))},
    **{sin: {"entities-valid", "refs-unique"} for sin in SINS if sin.startswith(("entity-with-", "entity-holds-"))},
    **{sin: {"entities-valid"} for sin in ("invalid-name", "name-is-a-number", "no-name", "not-an-entity")},
    **{sin: set() for sin in UNSEEN},
    "cursor-expired": {"pages"},
    "cursor-missing": {"pages"},
    "repeated-page": {"refs-unique"},
    "duplicate-in-page": {"refs-unique"},
    "says-that-another-owns-it": {"refs-unique"},
    "entity-of-ten-megabytes": {"page-size"},
    "problem-without-ref": {"no-problems"},
    "renames-itself": {"name", "repeatable"},
    "empty-success": {"not-empty"},
    "goes-by-many-names": {"name"},
    "next-needs-more": {"shape"},
    "cleans-up-in-good-times-only": {"survives"},
    "keeps-its-place": {"stateless", "repeatable"},
    "gives-each-page-once": {"repeatable"},
    "says-when-it-was-asked": {"repeatable"},
    "never-ends": {"ends", "refs-unique", "page-size"},
    "counts-its-pages": {"drift", "page-size"},
}
"""Sin → the rules that are told."""


@pytest.fixture
def sinners() -> Iterator[list[Hostile]]:
    """Those that were made, to be let go of."""
    made: list[Hostile] = []
    yield made
    for each in made:
        each.free.set()


def sins_told(report: ConformanceReport) -> set[str]:
    """The rules that failed, or had an advice."""
    return {row.rule for row in report if row.outcome in (Outcome.FAILED, Outcome.ADVICE)}


@pytest.mark.parametrize("sin", [sin for sin in (*SINS, *HABITS) if sin != "raises-keyboard-interrupt"])
def test_each_sin_is_told(sin: str, sinners: list[Hostile]) -> None:
    """Whatever a provider does wrong and can be seen is told by the rules that it breaks, and by no others."""

    def sinner() -> Hostile:
        sinners.append(Hostile(sin, seconds=0))
        return sinners[-1]

    shared = sinner()
    given: dict[str, Any] = {"source": shared} if sin == SINNERS["drift"] else {}
    patience = IMPATIENT if "hang" in sin or "cancelled" in sin else {}
    report = incrsim.check((lambda: shared) if given else sinner, **given, **patience)
    assert sins_told(report) == SEEN[sin], str(report)


def test_each_rule_has_a_sinner() -> None:
    """No rule is without a provider that breaks it, and each sin is seen, or there is a reason."""
    assert tuple(SINNERS) == names()
    assert all(rule in SEEN[sin] for rule, sin in SINNERS.items())
    assert {sin for sin, told in SEEN.items() if not told} == set(UNSEEN)


def test_many_sins_at_once() -> None:
    """Sins that leave room for one another are told one by one."""
    report = incrsim.check(lambda: Hostile("all"))
    assert sins_told(report) == {rule for rule, sin in SINNERS.items() if sin in ALL}
    assert not report.ok


def test_a_wish_to_end_is_no_sin() -> None:
    """Ctrl-C while a provider works ends the check."""
    with pytest.raises(KeyboardInterrupt):
        incrsim.check(lambda: Hostile("raises-keyboard-interrupt"))


def test_a_good_provider_is_told_so() -> None:
    """Without a sin there is nothing to tell, whichever shape the provider has."""
    assert_clean(incrsim.check(Hostile))
