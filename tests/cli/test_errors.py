"""Every mistake is one clear line on standard error, and an exit code that says whose it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.program import Done

Run = Callable[..., Done]

USAGE = {
    "mine": "'mine' is neither MODULE:OBJECT nor a provider of incrsim.toml, which has: none",
    ":x": "':x' does not name a module",
    "absent:X": "there is no module 'absent', neither in {here} nor installed",
    "mine.inner:X": "there is no module 'mine.inner'",
    "needy:X": "needy cannot be imported: No module named 'not_there_at_all'; install that first",
    "broken:X": "broken cannot be imported: SyntaxError:",
    "mine:Number": "'mine:Number': mine has no 'Number'; it has Broken, Hangs, Invalid, Leaky, Numbers, Picky, Slow",
    "mine:nothing": "has name=None; a provider needs a stable, unique name",
    "mine:os.path": "a provider needs a stable, unique name",
    "mine:Picky --set root=x": "mine:Picky(root='x') failed: ValueError: root='x' will not do",
    "mine:Leaky --set token=secret-1 --set url=postgresql://me:secret-2@host/x": (
        "mine:Leaky(token=…, url='postgresql://me:…@host/x') failed: ValueError: … or postgresql://me:…@host/x is wrong"
    ),
    "mine:Leaky --set api_key=secret-1 --set api_key=secret-2": "--set api_key=… comes twice: … and …; leave one out",
    "mine:Leaky --set token=x --set url=x --set key=secret": "--set key=…: key must be int",
    "mine:Picky": "mine:Picky needs --set root=…",
    "mine:Numbers --set lst=3": "--set lst: unknown; mine:Numbers takes last, name, where, strict, and the options are",
    "mine:ready --set last=3": "mine:ready is an object that exists already, so that only options can be set",
    "mine:Numbers --set last": "--set 'last' is not name=value",
    "mine:Numbers --set last=1 --set last=2": "--set last=… comes twice",
    "mine:Numbers --set last=many": "--set last=many: last must be int; write for example --set last=10",
    "mine:Numbers --set strict=maybe": "--set strict=maybe: strict must be bool; write for example --set strict=true",
    "mine:Numbers --set burst_length=soon": "burst_length",
    "mine:Numbers --set max_pages=0": "max_pages=0 is too small",
    "mine:Numbers --set name=": "the provider name '' has 0 characters",
    "mine:Numbers --database mysql://me:secret@host/x": "'mysql://…' is not a database that incrsim knows",
    "mine:Numbers --set": "Option '--set' requires an argument",
    "mine:Numbers --often": "No such option: --often",
    "": "Missing argument 'MODULE:OBJECT'",
}


@pytest.mark.parametrize("arguments", USAGE)
def test_usage(incrsim: Run, here: Path, arguments: str) -> None:
    """A call that cannot work is exit code 2, and one line that says what was passed and what to write instead."""
    (here / "needy.py").write_text("import not_there_at_all")
    (here / "broken.py").write_text("def (")
    done = incrsim("run", "--once", "--json", *arguments.split())
    expected = USAGE[arguments].format(here=here)
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("incrsim: ")
    assert done.err.count("\n") == 1
    assert expected in done.err
    assert "secret" not in done.err


@pytest.mark.parametrize("command", [["demo"], ["run", "mine:Numbers", "--once"], ["db", "check"], ["db", "upgrade"]])
def test_unreachable_database(incrsim: Run, command: list[str]) -> None:
    """A database that does not answer is exit code 1, named without its password."""
    done = incrsim(*command, "--database", "postgresql://me:secret@127.0.0.1:1/nowhere")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("incrsim: postgresql://me:…@127.0.0.1:1/nowhere cannot be reached")
    assert done.err.count("\n") == 1
    assert "secret" not in done.err


def test_debug(incrsim: Run) -> None:
    """--debug shows the traceback above the line."""
    done = incrsim("--debug", "run", "absent:X")
    assert done.code == 2
    assert "Traceback" in done.err
    assert done.err.splitlines()[-1].startswith("incrsim: there is no module 'absent'")


def test_unexpected(incrsim: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw is one line too, exit code 1, and says how to see more."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr("incrsim.cli.run_demo.demonstrate", fail)
    done = incrsim("demo")
    assert (done.code, done.out) == (1, "")
    assert done.err == "incrsim: RuntimeError: nobody foresaw this (unexpected; `incrsim --debug …` shows where)\n"


@pytest.mark.parametrize("arguments", [["--nothing"], ["nothing"], ["db", "nothing"], ["demo", "--entities", "-1"]])
def test_unknown_words(incrsim: Run, arguments: list[str]) -> None:
    """Words that no command knows are exit code 2, in one line."""
    done = incrsim(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("incrsim: ")
    assert done.err.count("\n") == 1


def test_version(incrsim: Run) -> None:
    """--version says the version."""
    assert incrsim("--version").out.startswith("incrsim 0.")


@pytest.mark.parametrize("command", ["demo", "run", "db"])
def test_help_tells_exit_codes(incrsim: Run, command: str) -> None:
    """Each command's help ends with the exit codes."""
    told = " ".join(incrsim(command, "--help").out.split())
    assert "Exit codes: 0 it worked" in told
    assert "130 interrupted by Ctrl-C" in told
