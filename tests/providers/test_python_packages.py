"""Environments made by hand: metadata as wheels and eggs leave it, whole and broken."""

from __future__ import annotations

import os
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

import incrsim
from providers.python_packages import PythonPackages, normalized
from tests.providers.cycles import cycles, page_by_page, refs


def install(site: Path, name: str, version: str = "1.0", *requires: str, metadata: str | bytes | None = None) -> Path:
    """What a wheel leaves behind."""
    place = site / f"{name.replace('-', '_')}-{version}.dist-info"
    place.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", f"Summary: about {name}"]
    written = "\n".join([*lines, *(f"Requires-Dist: {each}" for each in requires)]) if metadata is None else metadata
    (place / "METADATA").write_bytes(written if isinstance(written, bytes) else written.encode())
    return place


def uninstall(place: Path) -> None:
    """Take it away again."""
    (place / "METADATA").unlink(missing_ok=True)
    place.rmdir()


def test_distributions_come_change_and_go(tmp_path: Path) -> None:
    """Installed, unchanged, upgraded, uninstalled: the catalog follows the directory, however fast that changes."""
    a, b, _ = (install(tmp_path, name) for name in "abc")
    with cycles(PythonPackages([tmp_path], page_size=2)) as cycle:
        assert cycle() == (3, 0, 0, 0)
        assert cycle() == (0, 0, 3, 0)
        uninstall(a)
        uninstall(b)
        install(tmp_path, "b", "2.0")
        assert cycle() == (0, 1, 1, 1)
        assert cycle.names == ["b", "c"]
        assert cycle.spec("b")["version"] == "2.0"


def test_requirements_become_relations(tmp_path: Path) -> None:
    """Requirements that are installed are refs, whatever their spelling; those of extras, and absent ones, are not."""
    requires = ["Some_Lib[fast]>=2", "absent", 'tool; extra == "dev"', 'zope.x ; python_version > "3"', "???", "-x"]
    install(tmp_path, "app", "1", *requires)
    for name in ("some-lib", "tool", "Zope.X"):
        install(tmp_path, name)
    with cycles(PythonPackages([tmp_path])) as cycle:
        cycle()
        body = cycle.app.catalog.get("component:python-packages/app") or {}
    assert (body["metadata"]["title"], body["metadata"]["description"]) == ("app", "about app")
    assert body["spec"]["dependsOn"] == ["component:python-packages/some-lib", "component:python-packages/zope-x"]
    assert body["spec"]["requires"] == sorted(set(requires) - {requires[2]})


def test_eggs_count(tmp_path: Path) -> None:
    """Old installs, with their metadata in a directory or in one file, are distributions as well."""
    (tmp_path / "old.egg-info").mkdir()
    (tmp_path / "old.egg-info" / "PKG-INFO").write_text("Name: old\nVersion: 1\n")
    (tmp_path / "older.egg-info").write_text("Name: older\nVersion: 1\n")
    assert refs(page_by_page(PythonPackages(str(tmp_path)))) == ["old", "older"]


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ("Version: 1\n", "it has no name"),
        ("Name: \nVersion: 1\n", "it has no name"),
        ("", "it has no name"),
        (b"Name: caf\xe9\n", "codec can't decode"),
    ],
)
@pytest.mark.parametrize("page_size", [1, 100])
def test_broken_metadata_refuses_the_sweep(tmp_path: Path, metadata: str | bytes, told: str, page_size: int) -> None:
    """What cannot be read is told, the others are read, and nothing is removed until it is whole again."""
    gone = [install(tmp_path, name) for name in ("a", "b", "c")][1]
    with cycles(PythonPackages([tmp_path], page_size)) as cycle:
        cycle()
        uninstall(gone)
        broken = install(tmp_path, "broken", metadata=metadata)
        assert cycle("refused") == (0, 0, 2, 0)
        (problem,) = cycle.problems
        assert told in problem
        assert str(tmp_path) in problem
        uninstall(broken)
        assert cycle() == (0, 0, 2, 1)


def test_metadata_that_is_missing_is_no_name(tmp_path: Path) -> None:
    """An install that was interrupted leaves a directory without metadata."""
    (tmp_path / "half-1.0.dist-info").mkdir()
    with cycles(PythonPackages([tmp_path])) as cycle:
        cycle("refused")


def test_distribution_that_vanishes_fails_its_page(tmp_path: Path) -> None:
    """One that is uninstalled after its burst began is not taken for one without a name; the next burst knows."""
    place = install(tmp_path, "a")
    provider = PythonPackages([tmp_path])
    with provider.around() as context:
        uninstall(place)
        with pytest.raises(ValueError, match="no name"):
            provider.next(context)
    assert refs(page_by_page(provider)) == []


def test_first_on_the_path_wins(tmp_path: Path) -> None:
    """A distribution that hides another one is the one that Python imports."""
    install(tmp_path / "one", "Some.Lib", "1.0")
    install(tmp_path / "two", "some-lib", "2.0")
    path = os.pathsep.join([str(tmp_path / "one"), str(tmp_path / "two")])
    with cycles(PythonPackages(path)) as cycle:
        assert cycle() == (1, 0, 0, 0)
        assert cycle.spec("some-lib")["version"] == "1.0"


@pytest.mark.parametrize("what", ["missing", "a file"])
def test_missing_directory_is_not_empty(tmp_path: Path, what: str) -> None:
    """A directory that is not there is an error, for an environment that is gone is no empty one."""
    site = tmp_path / "site"
    if what == "a file":
        site.touch()
    with pytest.raises(OSError, match="site"), PythonPackages([tmp_path, site]).around():
        pass


def test_odd_names_are_valid_entities(tmp_path: Path) -> None:
    """Names that no index would take come in all the same, each under a name of its own."""
    names = ["A", "a b", "é", "E\u0301", "x" * 80, "a\\b", "nul\0", "🦀"]
    for number, name in enumerate(names):
        install(tmp_path, f"n{number}", metadata=f"Name: {name}\nVersion: 1\0\nSummary: \0\n")
    with cycles(PythonPackages([tmp_path], page_size=3)) as cycle:
        assert cycle() == (len(names), 0, 0, 0)
        assert not cycle.problems


def test_a_burst_resumes_with_its_cursor_alone(tmp_path: Path) -> None:
    """Pages of any burst put together are all distributions, also when the one that the cursor names is gone."""
    places = {name: install(tmp_path, name) for name in "dbcea"}
    pages = page_by_page(PythonPackages([tmp_path], page_size=2))
    found = [next(pages)]
    uninstall(places["b"])
    install(tmp_path, "aa")
    found += pages
    assert refs(found) == list("abcde")


def test_this_python_by_default() -> None:
    """Without a path it is the environment that runs this, and nothing in that is invalid."""
    pages = list(page_by_page(PythonPackages()))
    here = {normalized(each.metadata["Name"]) for each in distributions(path=[each for each in sys.path if each])}
    assert set(refs(pages)) == here
    assert not [
        each for page in pages for each in page.entities if isinstance(each, incrsim.Entity) and each.violations
    ]


@pytest.mark.parametrize("arguments", [{"page_size": 0}, {"name": "My env"}])
def test_wrong_arguments_say_what_to_write(arguments: dict[str, Any]) -> None:
    """An impossible page size or name is refused with an example of what works."""
    with pytest.raises(ValueError, match="write "):
        PythonPackages(**arguments)
