"""What all HTTP providers share, where no answer of a server is needed."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

import incrsim
from incrsim.entity_rules import is_name
from incrsim.errors import MissingExtra
from providers.http_pages import HttpPages
from providers.http_session import MAX_BYTES
from providers.naming import readable_name
from tests.docs.running import ROOT
from tests.providers.server.control import ApiServer


def test_without_httpx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error holds the command that installs it."""
    monkeypatch.setitem(sys.modules, "httpx", None)
    monkeypatch.delitem(sys.modules, "providers.http_session")
    with pytest.raises(MissingExtra, match=r"pip install 'incrsim\[http\]'"):
        importlib.import_module("providers.http_session")


@pytest.mark.parametrize("path", sorted((ROOT / "providers").glob("*.py")), ids=lambda path: path.name)
def test_a_provider_is_read_in_one_sitting(path: Path) -> None:
    """No file in `providers/` is longer than 150 lines."""
    assert path.read_text("utf-8").count("\n") <= 150


@pytest.mark.parametrize("text", ["a", "A.b-c_d", "", "-", "ü", "a" * 64, "a" * 62 + "--", "\ud800", "\0", "x/y"])
def test_any_text_becomes_a_name(text: str) -> None:
    """Valid ones stay, all others become valid, and two texts never become the same."""
    name = readable_name(text)
    assert is_name(name)
    assert (name == text) == (is_name(text) is not None)
    assert readable_name(f"{text}!") != name


def test_an_answer_without_end_is_given_up(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory holds one page, and no more than that."""
    assert MAX_BYTES == 64 * 1024 * 1024
    monkeypatch.setattr("providers.http_session.MAX_BYTES", 1000)
    api.services([{"name": f"service-{number}"} for number in range(100)])
    provider = HttpPages(f"{api.url}/services")
    with provider.around() as session, pytest.raises(incrsim.ProviderError, match="ask for smaller pages"):
        provider.next(session)
