"""Real trees, also hostile ones; each page is read as a new process would, with nothing but its cursor."""

from __future__ import annotations

import os
import socket
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, settings, strategies as st

import incrsim
from incrsim.clock import VirtualClock
from incrsim.cursor import JSONValue, canonical_cursor, read_cursor
from providers import files
from providers.files import Files, walk

Tree = dict[bytes, "Tree | None"]
"""Name → what is in that directory, or `None` for a file."""

NAMES = st.one_of(
    st.sampled_from([b"a", b"b", b"a.b", b"a b", b"B", b"-", b"\xff", "é".encode()]),
    st.binary(min_size=1, max_size=6).filter(lambda name: not set(name) & {0, 47} and name not in (b".", b"..")),
)
TREES: st.SearchStrategy[Tree] = st.recursive(
    st.dictionaries(NAMES, st.none(), max_size=6),
    lambda below: st.dictionaries(NAMES, st.one_of(st.none(), below), max_size=5),
    max_leaves=12,
)


def make(directory: bytes, tree: Tree) -> None:
    """Write a tree to disk."""
    for name, below in tree.items():
        path = Path(os.fsdecode(directory), os.fsdecode(name))
        if below is None:
            path.touch()
        else:
            path.mkdir()
            make(os.fsencode(path), below)


def paths(tree: Tree, above: tuple[bytes, ...] = ()) -> Iterator[tuple[bytes, ...]]:
    """The files of a tree, as names from the root on."""
    for name, below in tree.items():
        if below is None:
            yield (*above, name)
        else:
            yield from paths(below, (*above, name))


def names_of(page: incrsim.Page) -> list[tuple[bytes, ...]]:
    """The files of a page, in its order."""
    bodies = [each.body for each in page.entities if isinstance(each, incrsim.Entity)]
    return [tuple(unquote_to_bytes(body["spec"]["path"]).split(b"/")) for body in bodies]


def read(provider: Files, between: Callable[[], None] = lambda: None) -> list[tuple[bytes, ...]]:
    """All files, page by page, each in a burst of its own."""
    found: list[tuple[bytes, ...]] = []
    cursor: JSONValue = None
    while True:
        with provider.around() as context:
            page = provider.next(context, cursor)  # type: ignore[arg-type]  # a cursor is any JSON value
        found += names_of(page)
        if page.done:
            return found
        cursor = read_cursor(canonical_cursor(page.cursor))
        between()


@pytest.fixture
def app() -> Iterator[incrsim.App]:
    """An app whose waiting is free."""
    with incrsim.open(clock=VirtualClock()) as opened:
        yield opened


def refuse(monkeypatch: pytest.MonkeyPatch, *refused: Path, error: type[OSError] = PermissionError) -> None:
    """Make directories unreadable, also for root, whom permission bits do not stop."""
    listdir, secret = os.listdir, {os.fsencode(path) for path in refused}

    def fake(path: bytes) -> list[bytes]:
        if path in secret:
            raise error(13, "Permission denied", path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", fake)


HOSTILE = (
    *(
        b" ",
        b"  ",
        b"a b",
        b"\n",
        b"\x01",
        b"\\",
        b"-",
        b"...",
        b".hidden",
        b"%41",
        b"a%2Fb",
        b"A",
        b"a",
        b"#?&",
        b"'\"",
    ),
    *(b"\xff\xfe", b"\xed\xa0\x80", "новый".encode(), "é".encode(), "e\u0301".encode(), "🦀".encode(), b"x" * 255),
)


@pytest.mark.parametrize("page_size", [1, 7, 1000])
def test_every_name_is_a_valid_entity(tmp_path: Path, app: incrsim.App, page_size: int) -> None:
    """Whatever bytes a path is made of, its file comes in under a name of its own, and nothing is quarantined."""
    tree: Tree = {name + b".d": {name: None} for name in HOSTILE[:-1]}
    make(os.fsencode(tmp_path), tree | dict.fromkeys(HOSTILE))
    app.add(Files(tmp_path, page_size))
    assert app.run_cycle("files").verdict == "swept"
    assert app.catalog.count() == 2 * len(HOSTILE) - 1
    assert not app.store.problems("files")


@pytest.mark.slow
def test_a_deep_tree_is_read(tmp_path: Path) -> None:
    """A tree that is deeper than Python's stack is read like any other, also from the middle on."""
    directories = [tmp_path.joinpath(*["d"] * depth) for depth in range(1, 1101)]
    for each in directories:
        each.mkdir()
    (directories[-1] / "f").touch()
    try:
        assert read(Files(tmp_path, page_size=400)) == [(*[b"d"] * 1100, b"f")]
    finally:
        (directories[-1] / "f").unlink()
        for each in reversed(directories):
            each.rmdir()


@settings(max_examples=60)
@given(tree=TREES, page_size=st.integers(1, 8))
def test_pages_of_any_size_give_every_file_once(tree: Tree, page_size: int) -> None:
    """Pages put together are the files of the tree in the order of their paths, each exactly once."""
    with tempfile.TemporaryDirectory() as root:
        make(os.fsencode(root), tree)
        assert read(Files(root, page_size)) == sorted(paths(tree))


@settings(max_examples=60)
@given(tree=TREES, passing=TREES, page_size=st.integers(1, 4), data=st.data())
def test_what_comes_and_goes_hides_nothing(tree: Tree, passing: Tree, page_size: int, data: st.DataObject) -> None:
    """A file that is there all the while is read exactly once, whatever is added and removed between the pages."""
    with tempfile.TemporaryDirectory() as root:
        make(os.fsencode(root), tree)
        loose = [Path(root, *map(os.fsdecode, each)) for each in paths(passing)]

        def change() -> None:
            for path in data.draw(st.lists(st.sampled_from(loose), unique=True)) if loose else ():
                if path.is_file() and tuple(map(os.fsencode, path.relative_to(root).parts)) not in steady:
                    path.unlink()
                elif not path.exists() and path.parent.is_dir():
                    path.touch()

        steady = set(paths(tree))
        found = read(Files(root, page_size), change)
        assert [each for each in found if each in steady] == sorted(steady)
        assert len(found) == len(set(found))


def test_one_burst_goes_on_where_it_was(tmp_path: Path) -> None:
    """Within a burst a directory is listed once, and a file that is gone by the time it is reached is skipped."""
    make(os.fsencode(tmp_path), dict.fromkeys([b"a", b"b", b"c"]))
    provider = Files(tmp_path, page_size=1)
    with provider.around() as context:
        first = provider.next(context, None)
        (tmp_path / "b").unlink()
        second = provider.next(context, first.cursor)  # type: ignore[arg-type]  # a cursor is any JSON value
    assert [names_of(first), names_of(second)] == [[(b"a",)], [(b"c",)]]
    assert not second.problems


def test_resuming_lists_only_what_is_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A burst that resumes lists the directories on the way to its cursor, and none that was read before."""
    make(os.fsencode(tmp_path), {b"%d" % n: {b"f": None, b"g": None} for n in range(5)})
    listed: list[bytes] = []
    listdir = os.listdir

    def listing(path: bytes) -> list[bytes]:
        listed.append(path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", listing)
    found = [names for names, _ in walk(os.fsencode(tmp_path), (b"3", b"f"))]
    assert found == [(b"3", b"g"), (b"4",), (b"4", b"f"), (b"4", b"g")]
    assert listed == [os.fsencode(tmp_path / each) for each in ("", "3", "4")]


def test_only_regular_files_count(tmp_path: Path) -> None:
    """Links, also to directories and in circles, pipes, sockets and empty directories are no entities."""
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "circle").symlink_to(".")
    (tmp_path / "broken").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))
        assert read(Files(tmp_path)) == [(b"file",)]


def test_unreadable_directory_refuses_the_sweep(
    tmp_path: Path, app: incrsim.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in a directory that cannot be read stays, and so does everything else until it can be read again."""
    make(os.fsencode(tmp_path), {b"a": None, b"secret": {b"b": None}, b"z": None})
    app.add(Files(tmp_path, page_size=2))
    assert app.run_cycle("files").verdict == "swept"
    (tmp_path / "z").unlink()
    with monkeypatch.context() as patch:
        refuse(patch, tmp_path / "secret")
        assert app.run_cycle("files").verdict == "refused"
        (problem,) = app.store.problems("files")
        assert (problem.ref, problem.message) == (None, "secret cannot be read: Permission denied")
        assert app.catalog.count() == 3
    assert app.run_cycle("files").verdict == "swept"
    assert app.catalog.count() == 2


def test_unreadable_for_a_real_user(tmp_path: Path) -> None:
    """A directory without permission, met by a user whom that stops, is a problem of its page."""
    make(os.fsencode(tmp_path), {b"a": None, b"secret": {b"b": None}, b"z": None})
    for directory in takewhile(lambda each: each != Path(tempfile.gettempdir()), tmp_path.parents):
        directory.chmod(0o711)  # pytest keeps it to its owner
    tmp_path.chmod(0o755)
    (tmp_path / "secret").chmod(0)
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setuid(65534)
            provider = Files(tmp_path)
            with provider.around() as context:
                page = provider.next(context, None)
            told = list(page.problems) == ["secret cannot be read: Permission denied"]
            os._exit(0 if told and names_of(page) == [(b"a",), (b"z",)] else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_directory_that_becomes_unreadable_does_not_turn_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the directory that is being read becomes unreadable, that is a problem, and the cursor goes on past it."""
    make(os.fsencode(tmp_path), {b"a": {b"1": None, b"2": None}, b"b": None, b"c": None})
    provider = Files(tmp_path, page_size=1)
    refuse(monkeypatch, tmp_path / "a")
    with provider.around() as context:
        page = provider.next(context, "a/1")
    assert list(page.problems) == ["a cannot be read: Permission denied"]
    assert (names_of(page), page.cursor) == ([(b"b",)], "b")


def test_file_that_cannot_be_looked_at_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose size and time cannot be read is not taken for one that is gone."""
    make(os.fsencode(tmp_path), {b"a": None, b"\xff": None})
    lstat = os.lstat

    def fake(path: bytes) -> os.stat_result:
        if path.endswith(b"\xff"):
            raise OSError(5, "Input/output error", path)
        return lstat(path)

    monkeypatch.setattr(os, "lstat", fake)
    provider = Files(tmp_path)
    with provider.around() as context:
        page = provider.next(context, None)
    assert (names_of(page), list(page.problems)) == ([(b"a",)], ["%FF cannot be read: Input/output error"])


@pytest.mark.parametrize("what", ["missing", "a file"])
def test_missing_root_is_an_error(tmp_path: Path, what: str) -> None:
    """A root that is not there, or no directory, is an error that says what to do, and no empty source."""
    root = tmp_path / "root"
    if what == "a file":
        root.touch()
    expected = {"missing": FileNotFoundError, "a file": NotADirectoryError}[what]
    with pytest.raises(expected, match=r"which is not the same as empty.*mount it"), Files(root).around():
        pass


def test_root_that_vanishes_is_not_empty(tmp_path: Path, app: incrsim.App) -> None:
    """When the root goes away in the middle, the page fails; nothing is taken for deleted."""
    root = tmp_path / "root"
    make(os.fsencode(tmp_path), {b"root": {b"a": None, b"b": {b"c": None}}})
    provider = Files(root)
    with provider.around() as context:
        root.rename(tmp_path / "elsewhere")
        with pytest.raises(FileNotFoundError):
            provider.next(context, None)
        root.mkdir()
        with pytest.raises(OSError, match="became another directory while it was read"):
            provider.next(context, None)


def test_walk_that_failed_is_not_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is asked for again after an error is read from its cursor on, not taken for the end."""
    make(os.fsencode(tmp_path), dict.fromkeys([b"a", b"b"]))
    provider = Files(tmp_path)
    with provider.around() as context:
        with monkeypatch.context() as patch:
            refuse(patch, tmp_path)
            with pytest.raises(PermissionError):
                provider.next(context, None)
        assert names_of(provider.next(context, None)) == [(b"a",), (b"b",)]


def test_only_what_matters_changes_an_entity(tmp_path: Path) -> None:
    """Size, modification time and mode change the digest; being read and another link do not."""
    path = tmp_path / "f"
    path.write_text("one")
    provider = Files(tmp_path)

    def digest() -> bytes:
        with provider.around() as context:
            entities = [each for each in provider.next(context).entities if isinstance(each, incrsim.Entity)]
        return entities[0].digest

    digests = [digest()]
    os.utime(path, ns=(1, path.stat().st_mtime_ns))
    os.link(path, tmp_path / "g")
    assert digest() == digests[0]
    os.utime(path, (1, 1))
    digests.append(digest())
    path.chmod(0o600)
    digests.append(digest())
    os.truncate(path, 1)
    os.utime(path, (1, 1))
    digests.append(digest())
    assert len(set(digests)) == 4


def test_impossible_times_are_kept() -> None:
    """A modification time that no calendar holds does not cost the file."""
    assert files._instant(10**24) == "1000000000000000000000000 ns"
    assert files._instant(-1_000_000_000) == "1969-12-31T23:59:59+00:00"


def test_two_trees_share_a_catalog(tmp_path: Path, app: incrsim.App) -> None:
    """Two providers with files of the same paths do not take each other's entities."""
    make(os.fsencode(tmp_path), {b"README": None})
    for name in ("one", "two"):
        app.add(Files(tmp_path, name=name))
        assert app.run_cycle(name).verdict == "swept"
    assert (app.catalog.count("one"), app.catalog.count("two")) == (1, 1)


@pytest.mark.parametrize("arguments", [{"root": ""}, {"root": ".", "page_size": 0}, {"root": ".", "page_size": -1}])
def test_wrong_arguments_say_what_to_write(arguments: dict[str, Any]) -> None:
    """No directory or an impossible page size is refused with an example of what works."""
    with pytest.raises(ValueError, match=r"write a directory and 1 or more, as in Files\(root="):
        Files(**arguments)


def test_memory_is_that_of_one_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten times as many directories take no more memory."""
    directory, file = os.lstat(tmp_path), os.lstat(__file__)
    monkeypatch.setattr(os, "lstat", lambda path: file if path.count(b"/") > 2 else directory)

    def peak(directories: int) -> int:
        count = {b"/r": directories}
        monkeypatch.setattr(os, "listdir", lambda path: [b"%06d" % n for n in range(count.get(path, 200))])
        tracemalloc.start()
        try:
            assert sum(1 for _ in walk(b"/r", ())) == directories * 201
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(100) < peak(10) + 100 * 100
