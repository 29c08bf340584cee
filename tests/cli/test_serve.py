"""`incrsim serve`: tokens from the environment or made up, providers beside the API, and an orderly end."""

from __future__ import annotations

import re
import signal
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.cli.program import Done, finish, read_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Incrsim = Callable[..., Done]
    Start = Callable[..., subprocess.Popen[str]]

PREFIX = "/api/catalog/incremental"
READ, MANAGE, SECRET = "a-token-for-reading-only", "a-token-for-managing-too", "what-the-source-signs-with"


def called(url: str, token: str, path: str, method: str = "GET") -> httpx.Response:
    """A request to the program."""
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
        return client.request(method, f"{PREFIX}{path}")


@pytest.mark.slow
def test_made_up_token_is_printed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without tokens one is printed that may manage; the provider is served beside the API; Ctrl-C ends both."""
    for name in ("INCRSIM_READ_TOKEN", "INCRSIM_MANAGE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    process = start("serve", "mine:Numbers", "--port", "0")
    said = re.search(r"on (http://127\.0\.0\.1:\d+);.* may manage: (\S+);", read_until(process, "REST API on"))
    assert said is not None
    url, token = said.groups()
    assert called(url, token, "/providers").json()["providers"] == ["numbers"]
    assert called(url, token, "/providers/numbers/trigger", "POST").status_code == 200
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.code == 130
    assert token not in done.err + done.out


@pytest.mark.slow
def test_tokens_of_the_environment_are_not_printed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configured tokens and secrets let in as they should, and are printed nowhere, also when a client follows."""
    for name, value in {"INCRSIM_READ_TOKEN": READ, "INCRSIM_MANAGE_TOKEN": MANAGE, "HOOK": SECRET}.items():
        monkeypatch.setenv(name, value)
    process = start("serve", "mine:Numbers", "--port", "0", "--event-secret", "numbers=HOOK")
    line = read_until(process, "REST API on")
    (url,) = re.findall(r"http://127\.0\.0\.1:\d+", line)
    assert called(url, READ, "/providers").status_code == 200
    assert called(url, READ, "/cleanup", "POST").status_code == 403
    with (
        httpx.Client(headers={"Authorization": f"Bearer {READ}"}, trust_env=False) as client,
        client.stream("GET", f"{url}{PREFIX}/events/stream") as response,
    ):
        next(response.iter_lines())
        process.send_signal(signal.SIGTERM)
        done = finish(process)
    assert done.code == 143
    assert not [each for each in (READ, MANAGE, SECRET) if each in line + done.err + done.out]


@pytest.mark.slow
def test_worker_serves_it_too(start: Start, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`incrsim worker --api` serves what the configuration says, with the tokens that it names."""
    monkeypatch.setenv("MINE", READ)
    (here / "incrsim.toml").write_text('[api]\nport = 0\nread_token_env = "MINE"\n')
    process = start("worker", "mine:Numbers", "--api")
    (url,) = re.findall(r"http://127\.0\.0\.1:\d+", read_until(process, "REST API on"))
    assert called(url, READ, "/providers").json()["providers"] == ["numbers"]
    assert called(url, READ, "/cleanup", "POST").status_code == 403
    process.send_signal(signal.SIGTERM)
    assert finish(process).code == 143


def test_named_token_must_be_there(incrsim: Incrsim, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token's variable that the configuration names and nobody has set is an error, and no open door."""
    monkeypatch.delenv("MINE", raising=False)
    (here / "incrsim.toml").write_text('[api]\nport = 0\nread_token_env = "MINE"\n')
    done = incrsim("serve", "mine:ready")
    assert (done.code, "environment variable MINE, which is not set" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--host", "127.0.0.1"), "a catalog in memory is empty"),
        (("mine:ready", "--event-secret", "topic"), "is not TOPIC=VARIABLE"),
        (("mine:ready", "--event-secret", "topic=NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE, which is not set"),
        (("mine:ready", "--host", "192.0.2.1"), "cannot listen on 192.0.2.1"),
    ],
)
def test_what_cannot_be_served(incrsim: Incrsim, arguments: tuple[str, ...], told: str) -> None:
    """A call that cannot work ends with 2 and says what to write instead."""
    done = incrsim("serve", *arguments)
    assert done.code == 2
    assert told in done.err


def test_short_token_is_refused(incrsim: Incrsim, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that could be guessed is refused, and not shown."""
    monkeypatch.setenv("INCRSIM_READ_TOKEN", "guess me")
    done = incrsim("serve", "mine:ready")
    assert (done.code, "at least 16" in done.err, "guess me" in done.err) == (2, True, False)


def test_missing_extra_says_what_to_install(incrsim: Incrsim, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without FastAPI the error has the command that installs it."""
    for name in [each for each in sys.modules if each.startswith(("incrsim.api", "incrsim.cli.run_serve"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    done = incrsim("serve", "mine:ready")
    assert done.code == 2
    assert "pip install 'incrsim[api]'" in done.err
