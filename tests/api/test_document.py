"""The OpenAPI document tells everything, and what it tells is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

import incrsim
from incrsim.api import create_api
from tests.api.world import MANAGE, NAME, SETTINGS, World

if TYPE_CHECKING:
    from collections.abc import Iterator


def document() -> dict[str, Any]:
    """The document, as the application makes it."""
    with incrsim.open() as app:
        return create_api(app, SETTINGS).openapi()


def operations() -> Iterator[Any]:
    """Every operation in it."""
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield pytest.param(method, operation, id=f"{method.upper()} {path}")


def missing(schema: dict[str, Any], example: Any) -> Iterator[str]:
    """What a schema asks for and an example lacks, at any depth."""
    if "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for each in schema.get("allOf", ()):
        yield from missing(each, example)
    yield from (name for name in schema.get("required", ()) if name not in example)
    for name, part in schema.get("properties", {}).items():
        yield from missing(part, example.get(name))
    if "items" in schema:
        for each in example:
            yield from missing(schema["items"], each)


@pytest.mark.parametrize(("method", "operation"), [*operations()])
def test_operation_is_told_whole(method: str, operation: dict[str, Any]) -> None:
    """An operation has a summary, its permission, its answer's schema, and a problem for all that can go wrong."""
    assert operation["summary"]
    assert operation["x-permission"] == ("read" if method == "get" else "manage")
    assert {"token": []} in operation["security"]
    answers = operation["responses"]
    (good,) = answers["200"]["content"].values()
    assert good["schema"]
    assert list(missing(good["schema"], good["example"])) == []
    assert {"400", "401", "403", "404", "413", "421", "422", "500", "503"} <= answers.keys()
    for status, each in answers.items():
        if status != "200":
            assert list(each["content"]) == ["application/problem+json"]
    for parameter in operation.get("parameters", ()):
        assert parameter["description"]


def test_document_is_served(rested: World) -> None:
    """`/openapi.json` is the document."""
    assert rested.call("GET", "/openapi.json") == document()


DOCUMENT = document()
DOCUMENT["paths"].pop("/api/catalog/incremental/events/stream")  # never ends; test_events.py reads it
DOCUMENT["paths"].pop("/openapi.json")
for _operations in DOCUMENT["paths"].values():  # so that most requests get to the provider that there is
    for _operation in _operations.values():
        for _parameter in _operation.get("parameters", ()):
            if _parameter["in"] == "path" and _parameter["name"] == "provider":
                _parameter["schema"] = {"anyOf": [{"const": NAME}, {"type": "string", "minLength": 1}]}

# 400 is for what no schema can tell from good values, say a ref with a NUL in it.
_ACCEPTED = ["2xx", "400", "404", "409"]
CONFIG = schemathesis.Config.from_dict({"checks": {"positive_data_acceptance": {"expected-statuses": _ACCEPTED}}})
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)


@pytest.mark.slow
@SCHEMA.parametrize()
@settings(max_examples=8, suppress_health_check=list(HealthCheck), deadline=None, derandomize=True, database=None)
def test_schemathesis_finds_nothing(case: schemathesis.Case[Any], worn: World) -> None:
    """Requests made up from the document, right and wrong, get answers that the document tells."""
    case.call_and_validate(base_url=worn.server.url, headers={"Authorization": f"Bearer {MANAGE}"})
