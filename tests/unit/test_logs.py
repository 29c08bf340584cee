"""Logs: silent by default, readable for people, and with fields for programs."""

from __future__ import annotations

import ast
import io
import json
import logging
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import incrsim
from incrsim import logs
from tests.unit.fakes import Source

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What incrsim logs, as JSON lines."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.json_formatter())
    logger = logging.getLogger("incrsim")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def read(stream: io.StringIO) -> list[dict[str, Any]]:
    """The objects of JSON lines."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def run(*pages: Any, cycles: int = 1, **options: Any) -> None:
    """Some cycles of a source, logged."""
    with incrsim.open(clock=incrsim.VirtualClock()) as app:
        app.add(Source(*pages), **options)
        end = logs.log_events(app)
        for _ in range(cycles):
            app.run_cycle("source")
        end()
        app.run_cycle("source")


def test_events_are_lines_with_fields(lines: io.StringIO) -> None:
    """Each step is a line that names provider, ingestion and page, with the numbers of what it did."""
    run(["a", "b"], ["c"])
    found = read(lines)
    assert [(line["event"], line["level"], line.get("sequence")) for line in found] == [
        ("Claimed", "DEBUG", 1),
        ("PageCommitted", "DEBUG", 1),
        ("PageCommitted", "DEBUG", 2),
        ("SweepCommitted", "INFO", None),
    ]
    for line in found:
        assert list(line)[:4] == ["time", "level", "logger", "message"]
        assert (line["logger"], line["provider"], line["ingestion"]) == ("incrsim.events", "source", 1)
        assert datetime.fromisoformat(line["time"]).utcoffset() == timedelta(0)
    assert (found[1]["added"], found[1]["unchanged"]) == (2, 0)
    assert found[1]["message"] == ("source: page 1 committed: 2 added, 0 updated, 0 unchanged; 2 entities so far")


def test_failures_are_logged_once_with_their_traceback(lines: io.StringIO) -> None:
    """A failure is one line: what was asked for, and the error with its traceback."""
    failed = iter([ValueError("no such table"), ["b"], ["b"]])
    run(["a"], lambda: next(failed), backoff=["1s"])
    (line,) = [line for line in read(lines) if line["level"] == "ERROR"]
    assert (line["provider"], line["ingestion"], line["sequence"]) == ("source", 1, 2)
    assert (line["logger"], line["message"]) == ("incrsim.engine", "source: no such table")
    assert (line["error"]["type"], line["error"]["message"]) == ("ValueError", "no such table")
    assert "Traceback" in line["error"]["traceback"]


def test_refused_sweeps_and_lost_ingestions_are_warnings(lines: io.StringIO) -> None:
    """What somebody should look at is a warning."""
    pages = iter([["a"], [], []])
    run(lambda: next(pages), cycles=2, reject_empty_source_collections=True)
    assert [line["event"] for line in read(lines) if line["level"] == "WARNING"] == ["SweepCommitted"]
    lines.truncate(0)
    lines.seek(0)
    run(incrsim.FatalError("gone for good"), backoff=["1s"])
    assert "IngestionEnded" in [line.get("event") for line in read(lines) if line["level"] == "WARNING"]


@pytest.mark.parametrize("text", ["line\nbreak", 'quote " and \\', "NUL \0", "\ud800", "日本 🙂"])
def test_any_text_is_one_line_of_json(text: str) -> None:
    """Whatever a message or a field holds, it is one line of JSON in UTF-8."""
    # Not through a logger: pytest would keep the line, and no report can be sent with a lone surrogate in it.
    record = logging.makeLogRecord({"msg": "%s", "args": (text,), **logs.about(text), "odd": {1, 2}, "text": text})
    (line,) = logs.json_formatter().format(record).splitlines()
    line.encode()
    assert json.loads(line)["odd"] == "{1, 2}"
    if text.isprintable():
        assert json.loads(line)["provider"] == text


@pytest.mark.parametrize("path", sorted(Path(incrsim.__file__).parent.rglob("*.py")), ids=lambda path: path.stem)
def test_every_line_about_a_provider_has_its_fields(path: Path) -> None:
    """What is logged with a provider's name in front passes `extra=about(…)` too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="log")), args=[ast.Constant(value=str(text)), *_]):
                told = any(keyword.arg == "extra" for keyword in node.keywords)
                assert told or not text.startswith("%s: "), f"{path.name}:{node.lineno} needs extra=about(…)"


def test_text_stays_readable() -> None:
    """Without the formatter a line is a sentence that names the provider."""
    record = logging.makeLogRecord({"msg": "%s: %s", "args": ("p", "it failed"), **logs.about("p", 1, 2)})
    assert logging.Formatter("%(message)s (%(provider)s, %(sequence)s)").format(record) == "p: it failed (p, 2)"


def test_silent_unless_configured() -> None:
    """A program that configures no logging sees nothing of it."""
    program = (
        "import incrsim\n"
        "class P(incrsim.IncrementalEntityProvider):\n"
        "    name = 'p'\n"
        "    def next(self, context, cursor=None): raise incrsim.FatalError('no')\n"
        "app = incrsim.open(); app.add(P()); app.run_cycle('p')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
