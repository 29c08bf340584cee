"""dpkg's database as small files: what is in it, what is broken in it, and what a burst sees of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

import incrsim
from providers.dpkg import Dpkg
from tests.providers.cycles import cycles, page_by_page, refs

GUARDS: dict[str, Any] = {"reject_empty_source_collections": True}


def stanza(name: str, architecture: str = "amd64", **fields: str) -> str:
    """An installed package, as dpkg writes it."""
    written = {"Package": name, "Status": "install ok installed", "Architecture": architecture, "Version": "1"} | fields
    return "".join(f"{field.replace('_', '-')}: {value}\n" for field, value in written.items()) + "\n"


@pytest.fixture
def status(tmp_path: Path) -> Path:
    """Where a test writes its database."""
    return tmp_path / "status"


def test_packages_come_change_and_go(status: Path) -> None:
    """Loaded, unchanged, upgraded, removed: the catalog follows the file."""
    status.write_text(stanza("a") + stanza("b") + stanza("c"))
    with cycles(Dpkg(status, page_size=2)) as cycle:
        assert cycle() == (3, 0, 0, 0)
        assert cycle() == (0, 0, 3, 0)
        status.write_text(stanza("a") + stanza("b", Version="2"))
        assert cycle() == (0, 1, 1, 1)
        assert cycle.names == ["a_amd64", "b_amd64"]
        assert cycle.spec("b_amd64")["version"] == "2"


def test_a_stanza_becomes_an_entity(status: Path) -> None:
    """Version, state and the first line of the description are kept; dependencies are refs."""
    description = "one line\n and more\n ."
    status.write_text(stanza("b", "all") + stanza("a", Section="admin", Depends="b (>= 2), c", Description=description))
    with cycles(Dpkg(status)) as cycle:
        cycle()
        body = cycle.app.catalog.get("component:dpkg/a_amd64") or {}
    assert (body["metadata"]["title"], body["metadata"]["description"]) == ("a", "one line")
    kind = {"type": "debian-package", "lifecycle": "production", "owner": "unknown"}
    package = {"version": "1", "architecture": "amd64", "status": "install ok installed", "section": "admin"}
    assert body["spec"] == kind | package | {"provides": [], "dependsOn": ["component:dpkg/b_all"]}


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("lib", ["lib_amd64"]),
        ("lib:i386", ["lib_i386"]),
        ("lib:any (>= 1), lib (<< 9)", ["lib_amd64"]),
        ("absent | tool | lib", ["tool_all"]),
        ("absent | virtual", ["lib_amd64", "lib_i386"]),
        ("absent, also-absent", []),
        ("only-foreign", ["only-foreign_arm64"]),
        ("", []),
        (" , |, (>= 1),,", []),
        ("lib [amd64] <!nocheck>,\n tool", ["lib_amd64", "tool_all"]),
    ],
)
def test_dependencies_are_what_is_installed(status: Path, field: str, expected: list[str]) -> None:
    """Alternatives, provided names, architectures and versions lead to packages that are there, and to no others."""
    there = [stanza("tool", "all"), stanza("only-foreign", "arm64")]
    there += [stanza("lib", each, Provides="virtual (= 1), other") for each in ("amd64", "i386")]
    status.write_text("".join(there) + stanza("a", Depends=field))
    with cycles(Dpkg(status)) as cycle:
        cycle()
        assert cycle.spec("a_amd64")["dependsOn"] == [f"component:dpkg/{each}" for each in expected]
        assert cycle.spec("lib_i386")["provides"] == ["other", "virtual"]


def test_what_is_gone_is_no_package(status: Path) -> None:
    """Packages of which only the configuration is left do not count, even without version; half-installed ones do."""
    gone = "Package: gone\nStatus: deinstall ok config-files\n\nPackage: never\nStatus: unknown ok not-installed\n\n"
    status.write_text(gone + stanza("half", Status="install reinstreq half-installed"))
    with cycles(Dpkg(status)) as cycle:
        assert cycle() == (1, 0, 0, 0)
        assert not cycle.problems


BROKEN = {
    "Status: install ok installed\nVersion: 1\nArchitecture: all\n\n": "line 1 cannot be read: it has no package",
    "Package: b\n\n": "it has no status and no version and no architecture",
    "Package: b\nStatus: install ok installed\nVersion: 1\n\n": "it has no architecture",
    " continued\nPackage: b\n\n": "' continued' is no field",
    "Package: b\nnonsense\n\n": "'nonsense' is no field",
    ": b\n\n": "': b' is no field",
    stanza("b").rstrip("\n") + "\n" + stanza("c"): "'Package: c' is there twice",
    stanza("a"): "a:amd64 stands there twice",
    "\0\n\n": "is no field",
}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("page_size", [1, 100])
def test_broken_stanza_refuses_the_sweep(status: Path, broken: str, page_size: int) -> None:
    """What cannot be read is told, the others are read, and nothing is removed until the file is whole again."""
    status.write_text(stanza("a") + stanza("b") + stanza("z"))
    with cycles(Dpkg(status, page_size)) as cycle:
        cycle()
        status.write_text(broken + stanza("a", Version="2") + stanza("new"))
        added, updated, _, removed = cycle("refused")
        assert (added, removed) == (1, 0)
        assert updated == (broken != stanza("a"))
        (problem,) = cycle.problems
        assert BROKEN[broken] in problem
        status.write_text(stanza("a"))
        assert cycle()[3] == 3


def test_file_that_was_cut_off_refuses_the_sweep(status: Path) -> None:
    """A file that ends within a line was not written to its end."""
    status.write_text(stanza("a") + stanza("b"))
    with cycles(Dpkg(status)) as cycle:
        cycle()
        status.write_text((stanza("a") + stanza("b")).rstrip("\n"))
        cycle("refused")
        assert cycle.problems == ["the stanza at line 6 cannot be read: the file ends in the middle of it"]


def test_problem_is_told_by_every_burst(status: Path) -> None:
    """A stanza that is mended while the ingestion runs may have been passed already: nothing is removed either."""
    status.write_text(stanza("a") + "broken\n\n" + stanza("c"))
    pages = page_by_page(Dpkg(status, page_size=1))
    assert list(next(pages).problems)
    status.write_text(stanza("a") + stanza("b") + stanza("c"))
    assert not any(list(page.problems) for page in pages)


def test_missing_is_not_empty(status: Path) -> None:
    """No file is an error of the burst; an empty one is what the guard is for."""
    with pytest.raises(FileNotFoundError), Dpkg(status).around():
        pass
    status.write_text(stanza("a"))
    with cycles(Dpkg(status), **GUARDS) as cycle:
        cycle()
        status.write_text("")
        assert cycle("refused") == (0, 0, 0, 0)
        assert cycle.names == ["a_amd64"]


NAMES = st.one_of(
    st.sampled_from(["a", "A", "a+", "a-", "lib.so", "é", "e\u0301", "a_b", "b", "x" * 200, "a:b", "🦀", "\x01", "-"]),
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1, max_size=5),
).filter(lambda name: name.strip() == name)


@pytest.mark.slow
@given(names=st.lists(NAMES, unique=True, max_size=12), page_size=st.integers(1, 5))
def test_every_name_is_a_valid_entity(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], page_size: int
) -> None:
    """Whatever packages are called, each comes in once, under a name of its own, whatever the page size."""
    status = tmp_path_factory.mktemp("dpkg") / "status"
    status.write_bytes("".join(stanza(each, Depends=each) for each in names).encode())
    found = [each for page in page_by_page(Dpkg(status, page_size)) for each in page.entities]
    assert len({str(each.ref).lower() for each in found if isinstance(each, incrsim.Entity)}) == len(names)
    assert not [each.violations for each in found if isinstance(each, incrsim.Entity) and each.violations]


def test_bytes_that_are_no_text_are_kept_readable(status: Path) -> None:
    """A description in some old encoding, or with NUL, does not cost its package."""
    status.write_bytes(stanza("a", Description="X").encode().replace(b"X", b"caf\xe9 \0"))
    with cycles(Dpkg(status)) as cycle:
        cycle()
        body = cycle.app.catalog.get("component:dpkg/a_amd64") or {}
    assert body["metadata"]["description"] == "caf\\xe9 \\x00"


def test_a_burst_resumes_with_its_cursor_alone(status: Path) -> None:
    """Pages of any burst put together are all packages, also when the one that the cursor names is gone."""
    everything = "".join(map(stanza, "dbcea"))
    status.write_text(everything)
    pages = page_by_page(Dpkg(status, page_size=2))
    found = [next(pages)]
    status.write_text(everything.replace(stanza("b"), "") + stanza("aa"))
    found += pages
    assert refs(found) == [f"{each}_amd64" for each in "abcde"]


def test_a_burst_sees_one_state(status: Path) -> None:
    """When a new file takes the place of the old one, a burst that runs reads the old one to its end."""
    status.write_text(stanza("a") + stanza("b"))
    provider = Dpkg(status, page_size=1)
    with provider.around() as context:
        first = provider.next(context)
        status.with_name("status-new").write_text(stanza("a"))
        status.with_name("status-new").rename(status)
        assert refs([first, provider.next(context, ["a", "amd64"])]) == ["a_amd64", "b_amd64"]


@pytest.mark.parametrize("arguments", [{"page_size": 0}, {"name": "Web 1"}, {"name": ""}, {"name": "x" * 64}])
def test_wrong_arguments_say_what_to_write(arguments: dict[str, Any]) -> None:
    """An impossible page size or name is refused with an example of what works."""
    with pytest.raises(ValueError, match="write "):
        Dpkg(**arguments)
