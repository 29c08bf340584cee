"""Entities as YAML: what a parser reads back, of YAML 1.1 as well as 1.2."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, strategies as st

import incrsim
from incrsim.catalog_export import EXPORTED_ANNOTATION, export_entities, for_backstage
from incrsim.entity import PROVIDER_ANNOTATION, Entity
from incrsim.entity_rules import is_key
from incrsim.errors import MissingExtra
from incrsim.testing.strategies import json_values, texts


def body(**spec: Any) -> dict[str, Any]:
    """An entity as the catalog has it."""
    made = incrsim.component("a", provider="me", spec=spec).body
    made["metadata"]["annotations"][PROVIDER_ANNOTATION] = "me"
    return made


def exported(*bodies: dict[str, Any]) -> str:
    """The text of an export."""
    stream = io.StringIO()
    assert export_entities(bodies, stream) == len(bodies)
    return stream.getvalue()


@given(st.dictionaries(texts(), json_values(), max_size=3), texts())
def test_a_parser_reads_back_what_was_written(spec: dict[str, Any], title: str) -> None:
    """Whatever values and texts an entity has, a YAML parser gives them back, of the same types."""
    made = body(**spec)
    made["metadata"]["title"] = title
    first, second = yaml.safe_load_all(exported(made, body()))
    assert first == for_backstage(made)
    assert repr(first["spec"]) == repr(made["spec"])
    assert second == for_backstage(body())


@pytest.mark.rule("C-6")
def test_the_engine_s_annotation_gets_a_valid_key() -> None:
    """Backstage reads the provider's name under the key that its own module writes, and the result is valid."""
    made = body()
    made["metadata"]["annotations"]["zzz"] = "last"
    document = yaml.safe_load(exported(made))
    annotations = document["metadata"]["annotations"]
    assert annotations.get(EXPORTED_ANNOTATION) == "me"
    assert PROVIDER_ANNOTATION not in annotations
    assert list(annotations) == sorted(annotations)
    assert all(map(is_key, annotations))
    assert not Entity(document).violations
    assert PROVIDER_ANNOTATION in made["metadata"]["annotations"]


@pytest.mark.parametrize(
    "text", ["1e5", "12345e7", "0o17", "0x1f", "1.", "+1", "012", "yes", "~", "2024-01-01", "=", ""]
)
def test_texts_that_look_like_something_else_are_quoted(text: str) -> None:
    """A text that a parser of YAML 1.1 or 1.2 could take for a number, a date or a switch stands in quotes."""
    assert re.search(rf"value: (['\"]){re.escape(text)}\1\n", exported(body(value=text)))


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    """An export that fails leaves the file that was there before, and nothing beside it."""
    path = tmp_path / "catalog-info.yaml"
    export_entities([body()], path)
    before = path.read_text("utf-8")

    def failing() -> Any:
        yield body()
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError):
        export_entities(failing(), str(path))
    assert path.read_text("utf-8") == before
    assert list(tmp_path.iterdir()) == [path]


def test_without_pyyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyYAML the error holds the command that installs it, and no file is touched."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtra, match=r"pip install 'incrsim\[export\]'"):
        export_entities([], "never.yaml")
