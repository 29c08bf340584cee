import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings, strategies as st

from incrsim.entity import PROVIDER_ANNOTATION, Entity
from incrsim.entity_glance import plainly_valid
from incrsim.entity_rules import LOCATION_ANNOTATIONS, entity_violations
from incrsim.kinds import component

LOCATIONS = dict.fromkeys(LOCATION_ANNOTATIONS, "url:https://example.com/x")


def body(**changes: Any) -> dict[str, Any]:
    """A valid entity's body, with other root fields."""
    metadata = {"name": "website", "annotations": LOCATIONS}
    return {"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": metadata, "spec": {}} | changes


def meta(**changes: Any) -> dict[str, Any]:
    """A valid entity's body, with other metadata."""
    return body(metadata={"name": "website", "annotations": LOCATIONS} | changes)


def annotated(annotations: dict[str, Any]) -> dict[str, Any]:
    """A valid entity's body, with further annotations."""
    return meta(annotations=LOCATIONS | annotations)


def link(**fields: Any) -> dict[str, Any]:
    """A valid entity's body with one link."""
    return meta(links=[{"url": "https://example.com/"} | fields])


L = "a" * 63
GOOD: dict[str, list[dict[str, Any]]] = {
    "api-version": [body(apiVersion=v) for v in ("v1", "1", "backstage.io/v1alpha1", "a-b.c/v1", f"{L}.{L}/{L}")],
    "kind": [body(kind=k) for k in ("A", "API", "Component2", L)],
    "name": [meta(name=n) for n in ("a", "A.b_c-D", "0", L, "a--b", "a..b")],
    "namespace": [meta(namespace=n) for n in ("default", "a-b", "a--b", "0", L)],
    "label-key": [meta(labels={k: ""}) for k in ("a", "A_b.c", "example.com/a", f"{L}.{L}.{L}.{'a' * 61}/{L}")],
    "label-value": [meta(labels={"a": v}) for v in ("", "x", "A.b_c-D", L)],
    "annotation-key": [annotated({k: ""}) for k in ("a", "A_b.c", "example.com/a")],
    "annotation-value": [annotated({"a": v}) for v in ("", "any text at all: é\n\t!", "x" * 100_000)],
    "location": [annotated({k: v}) for k in LOCATION_ANNOTATIONS for v in ("url:https://x/", "a:b", "MyProvider")],
    "tag": [meta(tags=[t]) for t in ("java", "c++", "c#", "a:b", "a-b", L)],
    "title": [meta(title="Any Title!")],
    "description": [meta(description=d) for d in ("", "x\ny")],
    "link-url": [
        link(url=u)
        for u in (
            "http://foo",
            "https://foo.com:8080",
            "https://foo:8080/sub/page/?query=value&another=val",
            "https://user:pw@foo.com/page#fragment",
            "https://[::1]:80/x",
            "https://bücher.example/",
            "ftp://ftp.some.domain.com/path",
            "xyz://custom-protocol:4444/path",
            "mailto:team@example.com",
            " https://foo/ ",
            "HTTPS://FOO",
            "https://foo/a b",
        )
    ],
    "link-title": [link(title=" x ")],
    "link-icon": [link(icon="dash-board")],
    "link-type": [link(type="any type")],
    "spec": [{k: v for k, v in body().items() if k != "spec"}, body(spec={"anything": [None, 1.5, {"x": True}]})],
    "metadata": [meta(uid="x", etag="y", generation=1, custom={"a": 1})],
    "ref": [meta(name=L, namespace=L)],
    "foreign-field": [body()],
    "labels": [meta(labels={})],
    "annotations": [meta()],
    "tags": [meta(tags=[])],
    "links": [meta(links=[])],
    "uid": [meta(uid="x")],
    "etag": [meta(etag="x")],
}

BAD: dict[str, list[tuple[dict[str, Any], str, str]]] = {
    "api-version": [
        (body(apiVersion=v), "apiVersion", "backstage.io/v1alpha1")
        for v in (
            None,
            "",
            1,
            "a/b/c",
            "/v1",
            "a/",
            "v-1",
            "v.1",
            "A.io/v1",
            "a..b/v1",
            "-a/v1",
            L + "a",
            f"{L}a/v1",
            "v1\n",
        )
    ],
    "kind": [(body(kind=k), "kind", "as in Component") for k in (None, "", 1, "2a", "a-b", "a b", L + "a", "é", "A\n")],
    "name": [
        (meta(name=n), "metadata.name", "1 to 63 of A-Z a-z 0-9")
        for n in (None, "", 1, "-a", "a-", ".a", "a_", "a b", "a/b", "é", L + "a", "a\n")
    ],
    "namespace": [
        (meta(namespace=n), "metadata.namespace", "1 to 63 of a-z 0-9")
        for n in (None, "", 1, "A", "a_b", "a.b", "-a", "a-", L + "a", "a\n")
    ],
    "labels": [(meta(labels=v), "metadata.labels", "write a mapping") for v in (None, ["x"], "a", 1)],
    "label-key": [
        (meta(labels={k: ""}), "metadata.labels", "example.com/team")
        for k in (
            "",
            "a/b/c",
            "/a",
            "a/",
            "A.com/a",
            "a b",
            "-a",
            L + "a",
            f"{L}a.com/a",
            "é",
            f"{'a.' * 127}a/a",
            "@a/b",
        )
    ],
    "label-value": [
        (meta(labels={"a": v}), "metadata.labels.a", "belongs into an annotation")
        for v in (None, 1, True, "a b", "-a", L + "a", "a\n", ["a"])
    ],
    "annotations": [(meta(annotations=v), "metadata.annotations", "write a mapping") for v in (None, ["x"], "a")],
    "annotation-key": [
        (annotated({k: ""}), "metadata.annotations", "example.com/team")
        for k in ("", "a b", "a/b/c", "@backstage/x", "@other/incremental-entity-provider")
    ],
    "annotation-value": [
        (annotated({"a": v}), "metadata.annotations.a", "write text") for v in (None, 1, True, ["x"], {"x": 1})
    ],
    "location": [
        (annotated({k: v}), f'metadata.annotations["{k}"]', "write for example")
        for k in LOCATION_ANNOTATIONS
        for v in ("", " ")
    ],
    "tags": [(meta(tags=v), "metadata.tags", "write a list") for v in (None, "java", {"a": 1})],
    "tag": [
        (meta(tags=["ok", t]), "metadata.tags[1]", "single - only inside")
        for t in (None, "", 1, "A", "a_b", "a.b", "a--b", "-a", "a-", "a b", L + "a", "a\n")
    ],
    "links": [
        *[(meta(links=v), "metadata.links", "write a list") for v in (None, "x", {"url": "https://x/"})],
        (meta(links=["https://x/"]), "metadata.links[0]", "write a mapping"),
    ],
    "link-url": [
        (link(url=u), "metadata.links[0].url", "write a whole URL")
        for u in (
            None,
            "",
            1,
            "abc",
            "   abc",
            "/path",
            "//host/x",
            "http://",
            "https:///",
            "https://?x",
            "https://a b/",
            "1a:x",
        )
    ],
    "link-title": [(link(title=v), "metadata.links[0].title", "text that is not empty") for v in (None, "", "  ", 1)],
    "link-icon": [(link(icon=v), "metadata.links[0].icon", "1 to 63") for v in (None, "", "a b", 1)],
    "link-type": [(link(type=v), "metadata.links[0].type", "text that is not empty") for v in (None, "", 1)],
    "title": [(meta(title=v), "metadata.title", "text that is not empty") for v in (None, "", 1)],
    "description": [(meta(description=v), "metadata.description", "write text") for v in (None, 1, ["x"])],
    "uid": [(meta(uid=v), "metadata.uid", "text") for v in (None, "", 1)],
    "etag": [(meta(etag=v), "metadata.etag", "text") for v in (None, "", 1)],
    "metadata": [(body(metadata=v), "metadata", "mapping with a name") for v in (None, "x", ["x"])],
    "spec": [(body(spec=v), "spec", "write a mapping, or leave it out") for v in (None, "x", ["x"])],
    "foreign-field": [
        (body(**{k: []}), f, "only apiVersion, kind, metadata and spec")
        for k, f in (("relations", "relations"), ("status", "status"), ("a b", '["a b"]'), ("Spec", "Spec"))
    ],
}


@pytest.mark.rule("C-6")
@pytest.mark.parametrize(("rule", "good"), [(rule, each) for rule, many in GOOD.items() for each in many])
def test_what_backstage_takes_is_valid(rule: str, good: dict[str, Any]) -> None:
    """Everything at the edge of a rule, inside it, is valid."""
    assert Entity(good).violations == ()


@pytest.mark.rule("C-6")
@pytest.mark.parametrize(
    ("rule", "bad", "field", "instead"), [(rule, *each) for rule, many in BAD.items() for each in many]
)
def test_what_backstage_refuses_is_a_violation(rule: str, bad: dict[str, Any], field: str, instead: str) -> None:
    """Everything just outside a rule breaks that rule, at its field, and says what to write instead."""
    found = [each for each in Entity(bad).violations if each.rule == rule]
    assert len(found) == 1
    assert found[0].field.startswith(field)
    assert instead in found[0].message
    assert str(found[0]) == f"{found[0].field}: {found[0].message}"


@pytest.mark.rule("C-6")
@pytest.mark.parametrize("good", [each for rule, many in GOOD.items() if not rule.startswith("link") for each in many])
def test_a_glance_knows_what_is_valid(good: dict[str, Any]) -> None:
    """No valid entity needs a walk over every rule, unless it has links."""
    assert plainly_valid(orjson.dumps(good, option=orjson.OPT_SORT_KEYS))


edges = [each for many in GOOD.values() for each in many] + [each for many in BAD.values() for each, *_ in many]
odd: st.SearchStrategy[Any] = st.sampled_from([None, True, 1, [], [1], {}, {"a": None}]) | st.text()


@pytest.mark.slow
@pytest.mark.rule("C-6")
@settings(max_examples=500)
@given(st.sampled_from(edges), st.sampled_from(edges), st.data())
def test_a_glance_never_contradicts_the_walk(one: dict[str, Any], other: dict[str, Any], data: st.DataObject) -> None:
    """What is plainly valid breaks no rule, however fields are mixed and whatever stands in the place of one."""
    mixed = _mixed(one, other)
    holders = [holder for holder in (mixed, mixed["metadata"]) if isinstance(holder, dict)]
    if data.draw(st.booleans()):
        holder = data.draw(st.sampled_from(holders))
        holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(odd)
    text = orjson.dumps(mixed, option=orjson.OPT_SORT_KEYS)
    assert not (plainly_valid(text) and entity_violations(orjson.loads(text), None))


def _mixed(one: Any, other: Any) -> Any:
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return other
    return {**one, **{key: _mixed(one.get(key, value), value) for key, value in other.items()}}


@pytest.mark.rule("C-6")
@pytest.mark.parametrize("missing", LOCATION_ANNOTATIONS)
def test_both_locations_must_be_there(missing: str) -> None:
    """Backstage cannot process an entity that does not say where it came from; a helper fills that in."""
    rest = {key: value for key, value in LOCATIONS.items() if key != missing}
    [violation] = Entity(meta(annotations=rest)).violations
    assert violation.field == f'metadata.annotations["{missing}"]'
    assert violation.message.startswith("is missing")
    no_annotations = Entity(body(metadata={"name": "x"})).violations
    assert [each.rule for each in no_annotations] == ["location", "location"]
    assert component("x", provider="services").violations == ()


@pytest.mark.rule("C-6")
def test_the_engines_own_key_is_exempt() -> None:
    """It breaks the key rule, and is no violation, since it is no part of what the source says."""
    assert Entity(annotated({PROVIDER_ANNOTATION: "services"})).violations == ()


@pytest.mark.rule("C-6")
def test_a_ref_has_255_characters_at_most() -> None:
    """A longer ref cannot be stored, whatever it is made of."""
    fits, longer = ("x" * n for n in (255 - len("component:default/"), 256 - len("component:default/")))
    assert [each.rule for each in Entity(meta(name=fits)).violations] == ["name"]
    [_, violation] = Entity(meta(name=longer)).violations
    assert (violation.rule, violation.field) == ("ref", "metadata.name")
    assert "has 256 characters; at most 255 can be stored: shorten" in violation.message


def test_every_violation_is_told() -> None:
    """One look shows everything that is wrong."""
    bad = meta(name="-", namespace="A", tags=["X", "Y"], labels={"a b": 1}) | {"kind": "1", "x": 1}
    rules = [each.rule for each in Entity(bad).violations]
    assert sorted(rules) == sorted(
        ["foreign-field", "kind", "name", "namespace", "tag", "tag", "label-key", "label-value"]
    )


def test_messages_stay_short_and_printable() -> None:
    """A hostile value can neither flood a log nor hide in it."""
    for violation in entity_violations(meta(name="\x1b[2J" * 10_000, labels={"\u202e" * 10_000: "x"}), None):
        assert len(str(violation)) < 1_000
        assert str(violation).replace("…", "").isascii()
        assert str(violation).isprintable()


def test_the_documented_rules_are_these() -> None:
    """The table in the docs names every enforced rule, and no other."""
    table = (Path(__file__).parents[2] / "docs" / "entity-rules.md").read_text()
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE))
    assert documented == {*GOOD, *BAD, "json", "nul"}
