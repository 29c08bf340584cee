"""`incrsim entities` and `incrsim export`: what the catalog holds, as a user asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import incrsim as package
from tests.cli.program import Done, finish

Run = Callable[..., Done]

PEOPLE = [
    package.component("a", provider="p", owner="team-a", labels={"tier": "1"}, title="[bold]The first[/bold]"),
    package.component("b", provider="p", owner="team-b", labels={"tier": "2"}, annotations={"example.com/n": "1"}),
    package.resource("c", provider="p", namespace="other", description="A first try"),
]


class People(package.IncrementalEntityProvider):
    name = "p"

    def next(self, context: object, cursor: object = None) -> package.Page:
        return package.Page(PEOPLE, done=True)


@pytest.fixture
def database(database_url: str) -> str:
    """A catalog of three entities."""
    with package.open(database_url) as app:
        app.add(People())
        app.run_cycle("p")
    return database_url


@pytest.mark.slow
def test_entities_in_pages(incrsim: Run, database: str) -> None:
    """--json is one document: how many there are, a page of bodies, and where the next one begins."""
    first = incrsim("entities", "--database", database, "--json", "--limit", "2").document
    assert (first["total"], first["next"]) == (3, "component:default/b")
    assert [each["metadata"]["name"] for each in first["entities"]] == ["a", "b"]
    assert first["entities"][0]["metadata"]["annotations"]["@backstage/incremental-entity-provider"] == "p"
    last = incrsim("entities", "--database", database, "--json", "--after", first["next"]).document
    assert (last["total"], last["next"], len(last["entities"])) == (3, None, 1)


@pytest.mark.slow
def test_filters(incrsim: Run, database: str) -> None:
    """Every filter narrows what is shown, and all that are given must hold."""
    for arguments, expected in [
        (("--kind", "Component"), "ab"),
        (("--namespace", "other"), "c"),
        (("--provider", "nobody"), ""),
        (("--owner", "team-a"), "a"),
        (("--label", "tier"), "ab"),
        (("--label", "tier=1", "--kind", "component"), "a"),
        (("--annotation", "example.com/n=1"), "b"),
        (("--text", "FIRST"), "ac"),
        (("--text", "first", "--kind", "resource"), "c"),
    ]:
        document = incrsim("entities", "--database", database, "--json", *arguments).document
        assert "".join(each["metadata"]["name"] for each in document["entities"]) == expected, arguments
        assert document["total"] == len(expected)


@pytest.mark.slow
def test_table(incrsim: Run, database: str) -> None:
    """For people it is a table that shows texts as they are, and says how to go on."""
    done = incrsim("entities", "--database", database, "--limit", "1")
    assert "component:default/a" in done.out
    assert "[bold]The first[/bold]" in done.out
    assert "1 of 3 entities" in done.out
    assert "--after component:default/a" in done.out
    assert incrsim("entities", "--database", database, "--kind", "none").out.strip() == "0 of 0 entities"


@pytest.mark.slow
def test_export(incrsim: Run, start: Callable[..., object], here: Path, database: str) -> None:
    """A real YAML parser reads back a document per entity, from a file and from the output of a real process."""
    done = incrsim("export", "out.yaml", "--database", database, "--kind", "component")
    assert (done.code, done.out) == (0, "")
    assert "2 entities written to out.yaml" in done.err
    documents = list(yaml.safe_load_all((here / "out.yaml").read_text("utf-8")))
    assert [each["metadata"]["title"] for each in documents if "title" in each["metadata"]] == [
        "[bold]The first[/bold]"
    ]
    printed = finish(start("export", "--database", database))  # type: ignore[arg-type]  # `start` is the fixture's function
    assert printed.code == 0
    assert list(yaml.safe_load_all(printed.out))[:2] == documents
    assert "3 entities written to standard output" in printed.err


@pytest.mark.slow
def test_file_that_cannot_be_written(incrsim: Run, here: Path, database: str) -> None:
    """A place that cannot be written to is a mistake of the caller's, and leaves nothing behind."""
    done = incrsim("export", "no/such/directory.yaml", "--database", database)
    assert done.code == 2
    assert "no/such/directory.yaml: cannot be written" in done.err
    assert [each.name for each in here.iterdir()] == ["mine.py"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--label", "=1"), "--label '=1' names no key; write for example --label tier=1"),
        (("--label", "a=1", "--label", "a=2"), "--label a comes twice"),
        (("--limit", "0"), "limit"),
        (("--database", "memory"), "a catalog in memory ends with the process that made it"),
    ],
    ids=["no key", "twice", "limit", "memory"],
)
def test_what_cannot_be_asked(incrsim: Run, arguments: tuple[str, ...], message: str) -> None:
    """What cannot work is said in one line, with exit code 2."""
    database = () if "--database" in arguments else ("--database", "postgresql://nobody@127.0.0.1:1/none")
    done = incrsim("entities", *database, *arguments)
    assert done.code == 2
    assert message in done.err
