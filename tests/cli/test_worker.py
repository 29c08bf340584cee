"""`incrsim worker` and `incrsim config check` as their users meet them."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.program import Done, finish, read_until

CONFIG = """\
database = "memory"
concurrency = 2

[providers.one]
object = "mine:Numbers"
arguments = { name = "one", last = 2 }
rest_length = "1h"

[providers.two]
object = "mine:Slow"
arguments = { name = "two" }
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_worker_at_the_next_page(
    here: Path, start: Callable[..., subprocess.Popen[str]], database_url: str, number: signal.Signals
) -> None:
    """SIGTERM and Ctrl-C let the running page be committed, give the lease back, and end with 143 and 130."""
    from incrsim.store.postgres import PostgresStore

    process = start("worker", "mine:Slow", "--set", "name=p", "--database", database_url)
    read_until(process, "waiting")
    process.send_signal(number)
    read_until(process, "stopping at the next pages; a second signal stops at once")
    done = finish(process, ".")
    assert (done.code, done.err.splitlines()[-1]) == (
        128 + number,
        "incrsim: stopped at page boundaries; the leases are given back",
    )
    store = PostgresStore(database_url)
    state = store.state("p")
    store.close()
    assert (state.lease, state.ingestion.pages, str(state.ingestion.status)) == (None, 2, "interstitial")


@pytest.mark.slow
def test_a_second_signal_ends_a_worker_at_once(here: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    """Whoever cannot wait for a page does not have to."""
    process = start("worker", "mine:Slow")
    read_until(process, "waiting")
    process.send_signal(signal.SIGTERM)
    read_until(process, "a second signal stops at once")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130


@pytest.mark.slow
def test_a_worker_without_a_free_slot_ends_with_75(here: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    """When a call that never returns holds the only slot, the worker says so and ends."""
    arguments = ("--concurrency", "1", "--set", "page_timeout=50ms", "--set", "burst_interval=0s")
    done = finish(start("worker", "mine:Hangs", *arguments))
    assert done.code == 75
    assert "all 1 slots of this worker are held by calls that did not return" in done.err


@pytest.mark.slow
def test_a_worker_serves_what_is_configured(here: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    """Providers, options and concurrency come from `incrsim.toml`."""
    (here / "incrsim.toml").write_text(CONFIG)
    process = start("worker")
    assert read_until(process, "serving") == "incrsim: serving one, two on memory, 2 bursts at once\n"
    assert "one: ingestion 1 swept" in read_until(process, "swept")
    process.send_signal(signal.SIGTERM)
    read_until(process, "stopping")
    assert finish(process, ".").code == 143


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "there is nothing to serve; name providers, for example providers.files:Files"),
        (["--set", "a=b"], "--set is for the providers that are named beside it"),
        (["mine:Numbers", "--concurrency", "0"], "Invalid value for '--concurrency'"),
        (["mine:Numbers", "--config", "none.toml"], "none.toml cannot be read: No such file or directory"),
        (["mine:nothing"], "object"),
    ],
)
def test_a_worker_that_was_called_wrongly(incrsim: Callable[..., Done], arguments: list[str], said: str) -> None:
    """What cannot work is told in one line, with exit code 2."""
    done = incrsim("worker", *arguments)
    assert done.code == 2
    assert said in done.err


def test_run_takes_a_configured_provider(here: Path, incrsim: Callable[..., Done]) -> None:
    """`incrsim run NAME` is the provider of that name in the file, and flags go before what the file says."""
    (here / "incrsim.toml").write_text(CONFIG)
    done = incrsim("run", "one", "--once", "--json", "--set", "rest_length=2h")
    assert (done.code, done.document["entities"]) == (0, 2)
    done = incrsim("run", "three", "--once")
    assert done.code == 2
    assert "'three' is neither MODULE:OBJECT nor a provider of incrsim.toml, which has: one, two" in done.err


def test_the_environment_goes_before_the_file(
    here: Path, incrsim: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`INCRSIM_DATABASE` and `INCRSIM_CONFIG` are as good as flags."""
    (here / "other.toml").write_text(CONFIG)
    monkeypatch.setenv("INCRSIM_CONFIG", "other.toml")
    monkeypatch.setenv("INCRSIM_DATABASE", "nonsense")
    done = incrsim("run", "one", "--once")
    assert done.code == 2
    assert "'nonsense' is not a database that incrsim knows" in done.err


def test_config_check_makes_everything(
    here: Path, incrsim: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`config check` says what the file names once it was imported and made, and which secrets are not there."""
    (here / "incrsim.toml").write_text(CONFIG + '[api]\nread_token_env = "NOT_THERE"\n')
    monkeypatch.delenv("NOT_THERE", raising=False)
    done = incrsim("config", "check")
    assert (done.code, done.out.splitlines()) == (
        0,
        [
            "provider one: mine:Numbers, rest_length 1h",
            "provider two: mine:Slow",
            "the environment variable NOT_THERE is not set here",
            "incrsim.toml: fine",
        ],
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[providers.p]\nobject = "mine:absent"', "incrsim.toml, line 1: 'mine:absent': mine has no 'absent'"),
        (
            '\n[providers.p]\nobject = "mine:Numbers"',
            "line 2: mine:Numbers makes a provider called 'numbers'",
        ),
        (
            '[providers.p]\nobject = "mine:Numbers"\narguments.lst = 1',
            "line 1: arguments.lst: unknown; mine:Numbers",
        ),
        ('[providers.p]\nobject = "mine:Numbers"\narguments.last = "x"', "line 1: arguments.last=x: last must be int"),
        (
            '[providers.p]\nobject = "mine:Numbers"\narguments.last = { env = "NOT_THERE" }',
            "line 1: arguments.last: the environment variable NOT_THERE is not set",
        ),
        ('[sinks.s]\nobject = "mine:nothing"', "incrsim.toml, line 1: "),
        ('database = "postgresql://me:s3cret@a@b/c"', "incrsim.toml, database: the database's URL holds two @"),
    ],
)
def test_config_check_finds_what_is_wrong(here: Path, incrsim: Callable[..., Done], text: str, said: str) -> None:
    """What cannot be imported, made or served is told with the line where it is named, and without secrets."""
    (here / "incrsim.toml").write_text(text)
    done = incrsim("config", "check")
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "s3cret" not in done.err
