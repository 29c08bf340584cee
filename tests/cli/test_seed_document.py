"""The seed's README from top to bottom: the provider of `docs/from-backstage.md` in a worker of its own, its source
over HTTP, and its routes by curl.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.program import finish, read_until
from tests.docs.blocks import blocks_of
from tests.docs.curl import directory_of_curl
from tests.docs.running import ROOT
from tests.providers.server.control import ApiServer, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DOCUMENT = ROOT / "docs" / "from-backstage.md"
NAME = "MyIncrementalEntityProvider"
PREFIX = "/api/catalog/incremental"
SECRETS = {
    "SERVICES_TOKEN": "the-source-wants-it",
    "INCRSIM_MANAGE_TOKEN": "an-operator-has-it",
    "NO_PROXY": "127.0.0.1",
}


@dataclass(frozen=True)
class Backstage:
    """A worker that serves the document's provider.

    Args:
        source: the imaginary API.
        process: `incrsim worker --api`.
        url: where its routes are.
        curl: the command.
    """

    source: ApiServer
    process: subprocess.Popen[str]
    url: str
    curl: str

    def call(self, method: str, path: str) -> dict[str, Any]:
        """What curl prints for one of the routes."""
        token = f"Authorization: Bearer {SECRETS['INCRSIM_MANAGE_TOKEN']}"
        command = [self.curl, "-s", "-H", token, "-X", method, f"{self.url}{PREFIX}{path}"]
        answer: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return answer

    def operate(self, method: str, path: str = "") -> dict[str, Any]:
        """The same for a route of the provider, which must do what it says."""
        answer = self.call(method, f"/providers/{NAME}{path}")
        assert answer["success"] is True
        return answer

    def says(self, text: str) -> str:
        """Wait for what the worker says on its standard error."""
        return read_until(self.process, f"{NAME}: {text}")

    def trigger(self, text: str) -> None:
        """Let what comes next happen now, and wait for what the worker says then."""
        self.operate("POST", "/trigger")
        self.says(text)

    def action(self) -> str:
        """What the provider is at, in upstream's words."""
        return str(self.operate("GET")["status"]["current_action"])

    def names(self) -> list[str]:
        """What the catalog holds."""
        entities = self.call("GET", f"/entities?provider={NAME}&limit=1000")["entities"]
        return [each["metadata"]["name"] for each in entities]


@pytest.fixture
def backstage(
    start: Callable[..., subprocess.Popen[str]], here: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Backstage]:
    """The worker after its first cycle over 250 services."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with running() as source:
        source.set(token=SECRETS["SERVICES_TOKEN"])
        source.services(services(250))
        for block in blocks_of(DOCUMENT):
            if block.file is not None:
                (here / block.file).write_text(block.text.replace("https://api.example.com", source.url))
        with (here / "incrsim.toml").open("a") as configuration:
            configuration.write("\n[api]\nport = 0\n")
        process = start("worker", "--api")
        (url,) = re.findall(r"http://127\.0\.0\.1:\d+", read_until(process, "REST API on"))
        made = Backstage(source, process, url, f"{directory_of_curl(here / '.commands')}/curl")
        made.says("ingestion 1 swept")
        yield made


@pytest.mark.slow
def test_provider_and_routes(backstage: Backstage) -> None:
    """Three pages come in, and each of the ten routes does what the README says of it, also while nobody rests."""
    assert backstage.call("GET", "/providers")["providers"] == [NAME]
    assert backstage.operate("GET")["status"]["current_action"] == "resting"
    marks = backstage.operate("GET", "/marks")["records"]
    assert [each["cursor"] for each in marks] == ['{"page":2}', '{"page":3}', None]
    assert backstage.call("GET", "/health") == {"healthy": True, "duplicateIngestions": [], "unhealthy": []}

    backstage.source.services(services(245))
    backstage.trigger("ingestion 2 swept: removed 5 of 250 (2.00 %)")
    assert backstage.names() == [each["name"] for each in services(245)]
    backstage.operate("POST", "/start")
    backstage.says("ingestion 3 swept: removed 0 of 245")

    backstage.operate("POST", "/cancel")
    status = backstage.call("GET", f"/providers/{NAME}/status")
    in_24_hours(status)
    assert backstage.action() == "resting"
    assert backstage.operate("DELETE", "/marks")["message"].startswith(f"{NAME}: ingestion 4, which was scheduled, ")
    backstage.says("ingestion 5 swept: removed 0 of 245")

    deleted = backstage.operate("DELETE")
    assert (deleted["ingestionsDeleted"], deleted["marksDeleted"]) == (5, 3)
    in_24_hours(backstage.call("GET", f"/providers/{NAME}/status"))
    assert backstage.operate("GET", "/marks")["records"] == []
    assert backstage.call("POST", "/cleanup")["message"].startswith("1 provider deleted")
    assert len(backstage.names()) == 245
    backstage.source.services(services(240))
    backstage.trigger("ingestion 7 swept: removed 5 of 245")
    assert len(backstage.names()) == 240

    unknown = backstage.call("POST", "/providers/nobody/trigger")
    assert (unknown["success"], unknown["status"], unknown["detail"].endswith(f"known: {NAME}")) == (False, 404, True)
    backstage.process.terminate()
    assert finish(backstage.process).code == 143


@pytest.mark.slow
def test_options(backstage: Backstage) -> None:
    """More than 5 % do not go, and an empty answer removes nothing; health says so, and a good cycle heals it."""
    backstage.source.services(services(237))
    backstage.trigger("ingestion 2 refused to remove 13 of 250 (5.20 %)")
    backstage.source.services([])
    backstage.trigger("ingestion 3 refused")
    assert len(backstage.names()) == 250
    health = backstage.call("GET", "/health")
    assert (health["healthy"], [each["provider"] for each in health["unhealthy"]]) == (False, [NAME])
    backstage.source.services(services(240))
    backstage.trigger("ingestion 4 swept: removed 10 of 250 (4.00 %)")
    assert backstage.call("GET", "/health")["healthy"] is True


@pytest.mark.slow
def test_error_handling(backstage: Backstage) -> None:
    """A failure waits and goes on with its page; after the last wait the ingestion is canceled and a new one begins."""
    asked = len(backstage.source.log)
    backstage.source.fail(asked + 2, status=503)
    backstage.trigger("httpx.HTTPStatusError: Server error '503 Service Unavailable'")
    assert backstage.action() == "backing off"
    assert str(backstage.operate("GET")["last_error"]).startswith("httpx.HTTPStatusError: Server error '503")
    backstage.trigger("ingestion 2 swept: removed 0 of 250")
    assert [each["query"]["page"] for each in backstage.source.log[asked:]] == ["1", "2", "2", "3"]

    backstage.source.set(token="another one")
    for number in ("", " (failure 2 in a row)", " (failure 3 in a row)", " (failure 4 in a row)"):
        backstage.operate("POST", "/trigger")
        assert f"at page 1{number}; goes on at" in backstage.says(
            "httpx.HTTPStatusError: Client error '401 Unauthorized'"
        )
    backstage.trigger("ingestion 3 ended without a sweep (canceled); the next one may begin at")
    status = backstage.call("GET", f"/providers/{NAME}/status")
    assert (status["status"], status["ingestion"]) == ("scheduled", 4)
    assert until(status) <= timedelta(hours=3)
    backstage.source.set(token=SECRETS["SERVICES_TOKEN"])
    backstage.trigger("ingestion 4 swept: removed 0 of 250")


def services(count: int) -> list[dict[str, Any]]:
    """Some of the source's services."""
    return [{"name": f"service-{number:03}"} for number in range(count)]


def until(status: dict[str, Any]) -> timedelta:
    """How long it is, by the store's clock, until the next thing happens."""
    return datetime.fromisoformat(status["next_action_at"]) - datetime.fromisoformat(status["now"])


def in_24_hours(status: dict[str, Any]) -> None:
    """A new ingestion is due in 24 hours from a moment ago."""
    assert status["status"] == "scheduled"
    assert timedelta(hours=23) < until(status) <= timedelta(hours=24)
