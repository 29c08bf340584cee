"""What operators do and look at on the command line."""

from __future__ import annotations

import io
import itertools
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import incrsim as package
from incrsim.cli.looking import LISTS
from incrsim.cli.operating import CALLS
from incrsim.store import Store
from tests.cli.program import Done, finish
from tests.contract.base import everything
from tests.unit.fakes import Source

Run = Callable[..., Done]

PLAIN = [(each.name,) for each in CALLS if each.foresee is None]
DANGEROUS = [
    *((each.name,) for each in CALLS if each.foresee is not None),
    ("approve", "--verdict", "2"),
    ("retire", "--expect", "4"),
]
LOOKS = [("status",), *((each.name,) for each in LISTS)]
UNKNOWN_DATABASE = "postgresql://nobody@127.0.0.1:1/none"
WIDE = re.compile(r"^.{81,}$", re.MULTILINE)

_numbers = itertools.count(1)


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def store(shared_database_url: str) -> Iterator[Store]:
    """The database of this file."""
    from incrsim.store.postgres import PostgresStore

    opened = PostgresStore.open(shared_database_url)
    yield opened
    opened.close()


@pytest.fixture
def name(store: Store) -> str:
    """A provider of four entities, in two pages, whose last sweep was refused: two of them have vanished."""
    source = Source(["a", "b"], ["c", "d"], name=f"p{next(_numbers)}")
    source.pages = [[f"{source.name}-{each}" for each in page] for page in source.pages]
    app = package.App(store)
    app.add(source, reject_removals_above_count=1)
    app.run_cycle(source.name)
    source.pages.pop()
    app.run_cycle(source.name)
    return source.name


@pytest.fixture
def operate(incrsim: Run, shared_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `incrsim …` on the database of this file, on 80 columns."""
    monkeypatch.setenv("INCRSIM_DATABASE", shared_database_url)
    monkeypatch.setenv("COLUMNS", "80")
    return incrsim


def arguments(command: tuple[str, ...], name: str) -> tuple[str, ...]:
    """A command on one provider."""
    return (command[0], name, *command[1:])


@pytest.mark.slow
@pytest.mark.parametrize("command", [*PLAIN, *DANGEROUS], ids=lambda command: command[0])
def test_a_call_says_what_it_did(operate: Run, store: Store, name: str, command: tuple[str, ...]) -> None:
    """In a sentence about the provider, or in a document with that sentence and the numbers; --yes asks nothing."""
    yes = () if command in PLAIN else ("--yes",)
    before = store.state(name)
    done = operate(*arguments(command, name), *yes, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.document["call"] == command[0].replace("-", " ")
    assert done.document["provider"] == name
    assert done.document["message"].startswith(f"{name}: ")
    after = store.state(name)
    assert (replace(after, now=before.now) != before) == (command != ("resume",))
    assert after.paused == (command == ("pause",))
    if command in PLAIN:
        said = operate(*arguments(command, name))
        assert (said.code, said.out.count("\n")) == (0, 1)
        assert said.out.startswith(f"{name}: ")


@pytest.mark.slow
@pytest.mark.parametrize("command", DANGEROUS, ids=lambda command: command[0])
def test_dangerous_calls_ask(
    operate: Run, store: Store, name: str, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They say what will happen, with numbers, and do it after a yes; where nobody can answer they refuse."""
    before = everything(store)[name]
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    refused = operate(*arguments(command, name))
    assert (refused.code, refused.out) == (2, "")
    assert f"{command[0]} asks before it does anything" in refused.err
    assert "add --yes" in refused.err
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    declined = operate(*arguments(command, name))
    assert (declined.code, declined.out) == (1, "")
    assert re.search(rf"^{name}: .*\d", declined.err)
    assert "nothing was done" in declined.err
    after = everything(store)[name]
    assert {**after, "state": None} == {**before, "state": None}
    assert after["state"].ingestion == before["state"].ingestion
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    done = operate(*arguments(command, name), "--json")
    assert done.document["provider"] == name


def test_the_consequence_has_the_numbers(operate: Run, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be lost, what stays, and what was refused."""

    def foretold(*command: str) -> str:
        monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
        return operate(*command).err.splitlines()[0]

    assert foretold("retire", name, "--expect", "9").startswith(
        f"{name}: 4 entities of the catalog (you expect 9) will be removed"
    )
    assert foretold("delete", name) == (
        f"{name}: 2 ingestions with all marks and problems will be forgotten: ingestion 2, which is resting (1 page, "
        "2 entities read), ends; a new one begins in 24 hours; 4 entities of the catalog stay, and stay its own"
    )
    assert foretold("delete-marks", name).startswith(f"{name}: 1 mark will be removed: ingestion 2")
    assert foretold("approve", name, "--verdict", "2") == (
        f"{name}: what verdict 2 refused to remove will be removed; its last verdict, 2, refused to remove 2 of 4 "
        "(50.00 %): above the limit of 1"
    )


@pytest.mark.slow
def test_cleanup(incrsim: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is about all providers, and says how many."""
    with package.open(database_url) as app:
        for each in ("one", "two"):
            app.add(Source([f"{each}-a"], name=each))
            app.run_cycle(each)
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    asked = incrsim("cleanup", "--database", database_url)
    assert "problems of 2 providers will be forgotten" in asked.err
    assert "2 entities stay" in asked.err
    done = incrsim("cleanup", "--yes", "--database", database_url)
    assert done.out.startswith("2 providers deleted: 2 ingestions")


@pytest.mark.slow
@pytest.mark.parametrize("command", [*LOOKS, *PLAIN, *DANGEROUS], ids=lambda command: command[0])
def test_unknown_names(operate: Run, name: str, command: tuple[str, ...]) -> None:
    """A name that nobody has is the caller's mistake, and the known ones are told."""
    yes = ("--yes",) if command in DANGEROUS else ()
    done = operate(*arguments(command, "no'bo\"dy"), *yes)
    assert (done.code, done.out) == (2, "")
    assert "no provider is called" in done.err
    assert name in done.err


@pytest.mark.parametrize(
    "command",
    [
        ("health",),
        ("providers",),
        ("cleanup", "--yes"),
        ("sinks",),
        ("resync", "s"),
        ("detach", "s", "--yes"),
        ("plan", "mine:Numbers"),
        *(arguments(each, "p") for each in LOOKS),
        *(arguments(each, "p") for each in PLAIN),
        *((*arguments(each, "p"), "--yes") for each in DANGEROUS),
    ],
    ids=lambda command: command[0],
)
def test_there_must_be_a_database(incrsim: Run, here: Path, command: tuple[str, ...]) -> None:
    """One in memory ends with its process, so that there is nothing in it to operate on; and one must be named."""
    done = incrsim(*command, "--database", "memory")
    assert (done.code, done.out) == (2, "")
    assert "a catalog in memory ends with the process that made it" in done.err
    nowhere = incrsim(*command)
    assert (nowhere.code, nowhere.out) == (2, "")
    assert "no database is named; write --database" in nowhere.err
    (here / "incrsim.toml").write_text('database = "memory"')
    assert "a catalog in memory" in incrsim(*command).err
    assert incrsim(*command, "--database", UNKNOWN_DATABASE).code == 1


@pytest.mark.slow
def test_the_configured_database(incrsim: Run, here: Path, shared_database_url: str, name: str) -> None:
    """`incrsim.toml` says which database is meant, unless the command line does."""
    (here / "other.toml").write_text(f'database = "{shared_database_url}"')
    assert incrsim("status", name, "--config", "other.toml", "--json").document["provider"] == name


@pytest.mark.slow
def test_status(operate: Run, name: str) -> None:
    """What comes next and when, what was done, what was refused, and what is wrong."""
    done = operate("status", name)
    assert done.code == 0
    assert not WIDE.search(done.out)
    told = " ".join(done.out.split())
    assert told.startswith(f"{name} resting next the rest ends at ")
    assert re.search(r"at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(in 23 h\)", told)
    assert "ingestion 2, 1 page, 2 entities: 2 unchanged" in told
    assert "2: refused to remove 2 of 4 (50.00 %): above the limit of 1" in told
    assert "health ✗ guard refused, unserved" in told
    document = operate("status", name, "--json").document
    assert (document["status"], document["next_action"], document["last_verdict"]["id"]) == ("resting", "rest", 2)


@pytest.mark.slow
def test_health(incrsim: Run, database_url: str) -> None:
    """Ends with 0 when all is well and with 1 when somebody should look, who and why is told."""
    database = ("--database", database_url)
    with package.open(database_url) as app:
        app.add(Source(["a"], name="quiet"))
        app.operators.pause("quiet")
        well = incrsim("health", *database)
        assert (well.code, well.out) == (0, "✓ healthy: no provider and no sink needs to be looked at\n")
        assert incrsim("health", *database, "--json").document == {"healthy": True, "unhealthy": []}
        app.operators.resume("quiet")
        ill = incrsim("health", *database)
        assert ill.code == 1
        assert ill.out.startswith("✗ quiet\n  unserved  no replica serves it;")
        document = incrsim("health", *database, "--json").document
        assert (document["healthy"], document["unhealthy"][0]["reasons"][0]["trouble"]) == (False, "unserved")


@pytest.mark.slow
def test_providers_in_pages(incrsim: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line for each, readable without colour and on 80 columns; a page says how the next one is asked for."""
    monkeypatch.setenv("COLUMNS", "80")
    database = ("--database", database_url)
    assert incrsim("providers", *database).out == "no providers\n"
    with package.open(database_url) as app:
        for each in ("a" * 100, "b c", "d"):
            app.add(Source([f"e{number}" for number in range(1500)], name=each))
        app.run_cycle("b c")
        app.operators.pause("d")
        first = incrsim("providers", *database, "--limit", "2")
        assert not WIDE.search(first.out)
        assert first.out.endswith("The next page: --after 'b c'\n")
        assert re.search(r"b c +resting +in 23 h +1,500 +swept +✗ unserved", first.out)
        second = incrsim("providers", *database, "--after", "b c")
        assert re.search(r"d +paused +now +0 +- +✓ healthy", second.out)
        assert "--after" not in second.out
        document = incrsim("providers", *database, "--limit", "1", "--json").document
        assert (len(document["items"]), document["next"]) == (1, "a" * 100)


@pytest.mark.slow
def test_lists(operate: Run, store: Store) -> None:
    """Marks, problems, ingestions and refused refs come in pages that say how they go on, and fit 80 columns."""
    source = Source(["a1", "a2"], ["a3"], ["a4"], name="lists")
    source.pages[2] = package.Page(
        [{"kind": "Component"}, "x" * 300, *source.pages[2]][:2], problems=["\x1b[2J is no color"], done=True
    )
    app = package.App(store)
    app.add(source, max_invalid_percentage=100, rest_length="0s")
    app.run_cycle("lists")
    app.run_cycle("lists")

    def pages(command: str, *first: str) -> list[Any]:
        shown = operate(command, "lists", "--limit", "2")
        assert shown.code == 0
        assert not WIDE.search(shown.out)
        assert "\x1b" not in shown.out
        position = re.search(r"The next page: --after (\S+)", shown.out)
        document = operate(command, "lists", "--limit", "2", "--json").document
        assert (position is not None) == (document["next"] is not None)
        if position is None:
            return [*document["items"]]
        assert position[1] == str(document["next"])
        rest = operate(command, "lists", "--after", position[1], "--json").document
        return [*document["items"], *rest["items"]]

    assert [each["sequence"] for each in pages("marks")] == [1, 2, 3]
    assert len(pages("problems")) >= 3
    assert [each["number"] for each in pages("history")] == [1]
    assert pages("stale") == []


@pytest.mark.slow
def test_stale_refs(operate: Run, name: str) -> None:
    """What was refused, then the refs, to be read by people or by other programs."""
    refs = [f"component:default/{name}-{each}" for each in "cd"]
    done = operate("stale", name)
    assert done.out.splitlines()[1:] == [
        "verdict 2 refused to remove 2 of 4 (50.00 %): above the limit of 1",
        *refs,
        "2 refs",
    ]
    assert operate("stale", name, "--json").document == {"items": refs, "next": None}


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("marks", "p", "--after", "x"), "--after 'x' is no number"),
        (("history", "p", "--limit", "0"), "limit"),
        (("retire", "p"), "Missing option '--expect'"),
        (("retire", "p", "--expect", "-1", "--yes"), "expected_count=-1 cannot be"),
        (("approve", "p", "--verdict", "x"), "verdict"),
        (("start",), "Missing argument 'NAME'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_asked(operate: Run, command: tuple[str, ...], message: str) -> None:
    """What cannot work is said in one line, with exit code 2."""
    done = operate(*command)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1


@pytest.mark.slow
def test_sinks(incrsim: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are listed, given everything again, and forgotten."""
    database = ("--database", database_url)
    assert incrsim("sinks", *database).out == "no sinks\n"
    with package.open(database_url) as app:
        app.store.register_sink("lines")
    assert "lines" in incrsim("sinks", *database).out
    assert incrsim("sinks", *database, "--json").document["sinks"][0]["name"] == "lines"
    assert incrsim("resync", "lines", *database).out.startswith("lines: it is given everything again")
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    assert incrsim("detach", "lines", *database).code == 1
    assert incrsim("detach", "lines", "--yes", *database).out.startswith("lines: forgotten, and 0 changes")
    gone = incrsim("resync", "lines", *database)
    assert (gone.code, "no sink is called 'lines'" in gone.err) == (2, True)


@pytest.mark.slow
def test_as_a_process(start: Callable[..., subprocess.Popen[str]], shared_database_url: str, name: str) -> None:
    """A real process with nobody at its terminal refuses instead of waiting for an answer."""
    done = finish(start("delete", name, "--database", shared_database_url))
    assert (done.code, done.out) == (2, "")
    assert "there is no terminal to ask on; nothing was done" in done.err


def test_help_is_in_groups(incrsim: Run) -> None:
    """Commands stand under what they are for."""
    told = incrsim("--help").out
    places = [told.index(f"─ {panel} ─") for panel in ("Run", "Look", "Operate", "Set up")]
    assert places == sorted(places)
    assert places[1] < told.index(" health ") < places[2] < told.index(" retire ") < places[3] < told.index(" db ")
    assert "1 some are not" in " ".join(incrsim("health", "--help").out.split())
