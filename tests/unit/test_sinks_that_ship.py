"""The sinks that come with the package: a file of JSON lines, and a web service on loopback."""

from __future__ import annotations

import hmac
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import incrsim
from incrsim.clock import VirtualClock
from incrsim.errors import InvalidSink, SinkRefused
from incrsim.sinks import HttpSink, JsonLinesSink, Mutation, SinkEntity
from incrsim.sinks.http import SIGNATURE
from tests.unit.fakes import Source

ONE = Mutation("p", 1, 1, [SinkEntity("component:default/a", None, b'{"kind":"Component"}')])
TWO = Mutation("p", 2, 2, removed=["component:default/a"])


# --- a file -----------------------------------------------------------------------------------------------------------


def lines(path: Path) -> list[Any]:
    """What is in the file, line by line."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_each_mutation_is_a_line(tmp_path: Path) -> None:
    """What was there before stays."""
    path = tmp_path / "changes.jsonl"
    JsonLinesSink(path).apply_mutation(ONE)
    JsonLinesSink(path).apply_mutation(TWO)
    assert lines(path) == [json.loads(ONE.to_json()), json.loads(TWO.to_json())]


def test_a_line_is_on_the_disk_before_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is synchronised after the whole line was written."""
    path, synced = tmp_path / "changes.jsonl", []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.read_bytes()))
    JsonLinesSink(path).apply_mutation(ONE)
    assert synced == [ONE.to_json() + b"\n"]


def test_a_torn_line_spoils_no_other(tmp_path: Path) -> None:
    """After a crash in the middle of a line the next one begins on a line of its own."""
    path = tmp_path / "changes.jsonl"
    path.write_bytes(ONE.to_json() + b"\n" + TWO.to_json()[:9])
    JsonLinesSink(path).apply_mutation(TWO)
    assert path.read_bytes().splitlines() == [ONE.to_json(), TWO.to_json()[:9], TWO.to_json()]


def test_a_file_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    """Nothing is lost: the mutation comes again when there is a place for it."""
    sink = JsonLinesSink(tmp_path / "missing" / "changes.jsonl")
    with incrsim.open(clock=VirtualClock()) as app:
        app.add(Source(["a"], name="p"))
        assert "No such file" in app.attach(sink).failed["changes.jsonl"]
        (tmp_path / "missing").mkdir()
        app.run_cycle("p")
    assert [each["entityRef"] for line in lines(tmp_path / "missing" / "changes.jsonl") for each in line["added"]] == [
        "component:default/a"
    ]


# --- a web service ----------------------------------------------------------------------------------------------------


class Service(ThreadingHTTPServer):
    """Notes what is posted, and answers as it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int] = []
        self.location = ""
        self.posted: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?token=hidden"


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, dict(self.headers), body))
        code = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(code)
        if 300 <= code < 400:
            self.send_header("Location", self.server.location)
        text = b"" if code == 204 else b"<p>busy</p>" * 100
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def serving() -> Iterator[Service]:
    """A service on loopback while the context lasts."""
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield service
        finally:
            service.shutdown()
            thread.join()


@pytest.fixture
def service() -> Iterator[Service]:
    """A service on loopback."""
    with serving() as started:
        yield started


def test_each_mutation_is_posted(service: Service) -> None:
    """As JSON, with the given headers, and signed as webhooks are."""
    HttpSink(service.url, secret="s3cret", headers={"Authorization": "Bearer x"}).apply_mutation(ONE)
    ((path, headers, body),) = service.posted
    assert (path, body) == ("/hook?token=hidden", ONE.to_json())
    assert (headers["Content-Type"], headers["Authorization"]) == ("application/json", "Bearer x")
    assert headers[SIGNATURE] == "sha256=" + hmac.new(b"s3cret", body, "sha256").hexdigest()


def test_without_a_secret_nothing_is_signed(service: Service) -> None:
    """No header pretends to be a signature."""
    HttpSink(service.url).apply_mutation(ONE)
    assert SIGNATURE not in service.posted[0][1]


@pytest.mark.parametrize("code", [300, 301, 302, 303, 307, 400, 401, 404, 429, 500, 503])
def test_any_other_answer_means_not_delivered(service: Service, code: int) -> None:
    """Redirects too: followed, they would ask another question, and its answer would pass for this one's."""
    service.answers, service.location = [code], service.url
    with pytest.raises(SinkRefused, match=rf"127\.0\.0\.1/hook answered {code} ") as caught:
        HttpSink(service.url).apply_mutation(ONE)
    assert len(str(caught.value)) < 300
    assert "hidden" not in str(caught.value)
    assert len(service.posted) == 1


def test_no_answer_means_not_delivered() -> None:
    """A service that is down, or does not answer in time, is told again."""
    with serving() as service:
        url = service.url
    with pytest.raises(SinkRefused, match=r"cannot be reached \(.*refused"):
        HttpSink(url).apply_mutation(ONE)
    with Service() as silent, pytest.raises(SinkRefused, match=r"cannot be reached \(.*timed out"):
        HttpSink(silent.url, timeout=0.02).apply_mutation(ONE)


def test_what_speaks_no_http_is_no_answer(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that answers nonsense has taken nothing in."""
    monkeypatch.setattr(_Handler, "do_POST", lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH\r\n"))
    with pytest.raises(SinkRefused, match="cannot be reached"):
        HttpSink(service.url).apply_mutation(ONE)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "example.org/hook",
        "ftp://x/y",
        "http://",
        "http://u:secret@x/",
        "http://x/a path?token=secret",
        "http://x/?token=secret\n",
        "http://x/ä?token=secret",
    ],
)
def test_only_web_addresses_are_taken(url: str) -> None:
    """And what may be a password in one is not shown."""
    with pytest.raises(InvalidSink, match=r"https://example\.org/hook") as caught:
        HttpSink(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", ["Bearer secret\n", "secret…"])
def test_headers_that_cannot_be_sent_are_not_shown(value: str) -> None:
    """A token with the line break of the file that it was in is refused at once; sent, it would stand in an error."""
    with pytest.raises(InvalidSink, match="Authorization holds a line break") as caught:
        HttpSink("http://localhost/", headers={"Authorization": value})
    assert "secret" not in str(caught.value)


def test_it_shows_no_secret() -> None:
    """Neither its name nor how it is shown holds what is behind the question mark, or a header."""
    sink = HttpSink("https://example.org/hook/?token=hidden", secret="hidden", headers={"Authorization": "hidden"})
    assert (sink.name, repr(sink)) == ("example.org/hook", "<HttpSink example.org/hook at example.org/hook>")


def test_a_service_that_fails_and_comes_back_gets_everything(service: Service) -> None:
    """A whole cycle against it, with answers that go wrong in between."""
    service.answers = [204, 503, 429]
    with incrsim.open(clock=VirtualClock()) as app:
        app.add(Source(["a"], ["b"], name="p"))
        app.attach(HttpSink(service.url))
        app.run_cycle("p")
        assert app.store.sinks()[0].behind == 0
    got = [json.loads(body) for _, _, body in service.posted]
    assert [each["sequence"] for each in got] == [0, 1, 1, 1, 2]
