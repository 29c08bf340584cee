import copy
import dataclasses
import enum
import math
import pickle
import subprocess
import sys
import uuid
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType, SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

from incrsim import entity_rules, kinds
from incrsim.entity import PROVIDER_ANNOTATION, Entity, EntityRef
from incrsim.entity_annotation import annotated

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4))
annotations = st.dictionaries(texts | st.sampled_from(["a/b", "0", "@", "Z", "annotations"]), values, max_size=4)
metadata = st.fixed_dictionaries(
    {}, optional={"name": texts, "namespace": texts, "annotations": annotations | values, "AAA": values, "z": values}
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "apiVersion": st.just("v1") | values,
        "kind": st.just("Component") | values,
        "metadata": metadata | values,
        "spec": values,
        "AAA": values,
    },
)


def valid(**metadata: Any) -> dict[str, Any]:
    """A valid component's body."""
    locations = dict.fromkeys(entity_rules.LOCATION_ANNOTATIONS, "url:https://example.com/x")
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "website", "annotations": locations, **metadata},
        "spec": {"type": "service", "lifecycle": "production", "owner": "team-a"},
    }


def canonical(body: dict[str, Any]) -> bytes:
    """A body as JSON with sorted keys."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


# --- ref --------------------------------------------------------------------------------------------------------------


class Kind(enum.Enum):
    COMPONENT = "Component"


class Text(str):
    __slots__ = ()


class TextKind(enum.StrEnum):
    COMPONENT = "Component"


@pytest.mark.rule("C-6")
@pytest.mark.parametrize(
    ("body", "ref"),
    [
        ({"kind": "Component", "metadata": {"name": "WebSite"}}, "component:default/website"),
        ({"kind": "API", "metadata": {"name": "x", "namespace": "Other"}}, "api:other/x"),
        ({"kind": "API", "metadata": {"name": "x", "namespace": None}}, "api:default/x"),
        ({"kind": Kind.COMPONENT, "metadata": {"name": "x"}}, "component:default/x"),
        ({"kind": TextKind.COMPONENT, "metadata": {"name": "x"}}, "component:default/x"),
        ({"kind": "API", "metadata": {"name": Text("X")}}, "api:default/x"),
        ({"kind": "API", "metadata": {"name": uuid.UUID(int=7)}}, f"api:default/{uuid.UUID(int=7)}"),
        ({"kind": "API", "metadata": OrderedDict(name="x")}, "api:default/x"),
        ({"kind": "API", "metadata": {"name": "not a valid name!"}}, "api:default/not a valid name!"),
        ({"kind": "API", "metadata": {"name": "x", "bad": object()}}, "api:default/x"),
        ({"kind": "API", "metadata": {"name": "Ünï"}}, "api:default/ünï"),
    ],
)
def test_a_ref_is_read_wherever_it_can_be(body: Any, ref: str) -> None:
    """The ref is lower-cased, in `default` unless told otherwise, and survives whatever else is wrong (C-7)."""
    assert Entity(body).ref == ref


@pytest.mark.rule("C-6", "C-7")
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "API"},
        {"kind": "API", "metadata": None},
        {"kind": "API", "metadata": "x"},
        {"kind": "API", "metadata": {}},
        {"kind": "API", "metadata": {"name": ""}},
        {"kind": "API", "metadata": {"name": 7}},
        {"kind": "API", "metadata": {"name": "a\0b"}},
        {"kind": "API", "metadata": {"name": "\ud800"}},
        {"kind": "API", "metadata": {"name": "x", "namespace": ""}},
        {"kind": "API", "metadata": {"name": "x", "namespace": 1}},
        {"kind": "", "metadata": {"name": "x"}},
        {"kind": None, "metadata": {"name": "x"}},
        {"kind": ["API"], "metadata": {"name": "x"}},
    ],
)
def test_an_unreadable_ref_is_none(body: Any) -> None:
    """What has no kind or name to go by has no ref, and is not valid either."""
    entity = Entity(body)
    assert entity.ref is None
    assert entity.violations


# --- value ------------------------------------------------------------------------------------------------------------


@given(bodies, st.none() | texts)
def test_content_alone_decides(body: dict[str, Any], location_key: str | None) -> None:
    """An entity of its own body is equal to it, with the same digest and hash."""
    entity = Entity(body, location_key=location_key)
    again = Entity(entity.body, location_key=location_key)
    assert again == entity
    assert (again.digest, again.canonical, hash(again)) == (entity.digest, entity.canonical, hash(entity))
    assert len(entity.digest) == 16


@given(bodies, st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(body: dict[str, Any], random: Any) -> None:
    """A source that shuffles its keys changes nothing."""

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            items = [(key, shuffled(item)) for key, item in value.items()]
            random.shuffle(items)
            return dict(items)
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    assert Entity(shuffled(body)) == Entity(body)


@given(bodies, bodies, st.none() | texts, st.none() | texts)
def test_different_entities_have_different_digests(
    one: dict[str, Any], other: dict[str, Any], key: str | None, other_key: str | None
) -> None:
    """Digests are equal exactly when the canonical forms and the location keys are."""
    first, second = Entity(one, location_key=key), Entity(other, location_key=other_key)
    assert (first == second) == ((first.canonical, key) == (second.canonical, other_key))
    assert (first.digest == second.digest) == (first == second)


@pytest.mark.rule("C-11")
def test_the_digest_covers_the_location_key() -> None:
    """The same body under another location key, or an empty one instead of none, is another entity."""
    keys = [None, "", "a", "b", "\0", "a\0"]
    assert len({Entity(valid(), location_key=key).digest for key in keys}) == len(keys)


@pytest.mark.slow
@pytest.mark.rule("C-11")
def test_the_digest_covers_the_version_of_the_rules() -> None:
    """When the rules change, every stored entity is new to the engine and validated again."""
    program = "\n".join(
        (
            f"import sys; sys.path[:0] = {sys.path!r}",
            "import importlib; from incrsim import entity_rules",
            "entity_rules.RULES_VERSION = entity_rules.RULES_VERSION + sys.argv[1]",
            f"print(importlib.reload(sys.modules['incrsim.entity']).Entity({valid()!r}).digest.hex())",
        )
    )
    digests = [
        subprocess.run([sys.executable, "-I", "-c", program, more], capture_output=True, check=True, text=True).stdout
        for more in ("", "x")
    ]
    assert digests[0].strip() == Entity(valid()).digest.hex()
    assert digests[1] != digests[0]


@given(bodies)
def test_the_body_is_a_copy(body: dict[str, Any]) -> None:
    """Changing what went in, or what came out, changes nothing."""
    entity = Entity(body)
    before = entity.digest, entity.canonical
    entity.body["more"] = 1
    body["more"] = 2
    assert (entity.digest, entity.canonical) == before
    assert "more" not in entity.body


@pytest.mark.parametrize("name", ["ref", "canonical", "digest", "location_key", "body", "violations", "new"])
def test_an_entity_is_immutable(name: str) -> None:
    """Nothing can be set or deleted."""
    entity = Entity(valid())
    with pytest.raises(AttributeError, match="immutable"):
        setattr(entity, name, None)
    with pytest.raises(AttributeError, match="immutable"):
        delattr(entity, name)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda entity: pickle.loads(pickle.dumps(entity))])
@pytest.mark.parametrize("body", [valid(), {"kind": object()}])
def test_an_entity_can_be_copied_and_sent(duplicate: Callable[[Entity], Entity], body: Any) -> None:
    """Copies and pickles are equal in everything."""
    entity = Entity(body, location_key="k")
    same = duplicate(entity)
    assert same == entity
    assert (same.ref, same.digest, same.violations) == (entity.ref, entity.digest, entity.violations)


def test_an_entity_is_equal_only_to_an_entity() -> None:
    """It is not its body, and shows its ref."""
    assert Entity(valid()) != valid()
    assert repr(Entity(valid(), location_key="k")) == "<Entity component:default/website, location_key='k'>"
    assert repr(Entity({})) == "<Entity without a readable ref>"


@pytest.mark.parametrize("body", [None, "x", [], 7, [("kind", "API")]])
def test_only_a_mapping_is_an_entity(body: Any) -> None:
    """A wrong call, not a wrong record, is an error at once."""
    with pytest.raises(TypeError, match=r"an entity is a mapping; write Entity\(\{\"apiVersion\"") as caught:
        Entity(body)
    assert type(body).__name__ in str(caught.value)


@pytest.mark.parametrize("key", [7, b"k", Text("k"), ["k"]])
def test_a_location_key_is_text(key: Any) -> None:
    """So is a location key of another type."""
    with pytest.raises(TypeError, match=r"location key is text or None; write str\("):
        Entity(valid(), location_key=key)


def test_any_mapping_will_do() -> None:
    """The outermost mapping may be of any type."""
    assert Entity(MappingProxyType(valid())) == Entity(OrderedDict(valid())) == Entity(valid())


# --- exactness --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Data:
    a: int = 1


deep: list[Any] = []
for _ in range(300):
    deep = [deep]
holds_itself: dict[str, Any] = {}
holds_itself["again"] = holds_itself


@pytest.mark.rule("C-6")
@pytest.mark.parametrize(
    ("value", "part"),
    [
        (math.nan, "is nan, which JSON does not have"),
        (math.inf, "is inf"),
        ({"a": [None, -math.inf]}, "is -inf"),
        (
            datetime(2026, 1, 1, tzinfo=UTC),
            "type datetime, which JSON does not give back; write text, for example value.iso",
        ),
        (Decimal(1), "type Decimal"),
        (b"x", "type bytes"),
        ({1, 2}, "type set"),
        (Data(), "type Data"),
        (Text("x"), "type Text, which JSON does not give back; write a plain str"),
        (OrderedDict(a=1), "type OrderedDict, which JSON does not give back; write a plain dict"),
        ({7: 1}, "has a key of type int"),
        ({Text("k"): 1}, "has a key of type Text"),
        (2**64, "is an integer of 65 bits"),
        (-(2**63) - 1, "is an integer of 64 bits"),
        ("\ud800", "holds a lone surrogate"),
        ({"\ud800": 1}, "a lone surrogate"),
        (deep, "nested deeper than 200 levels"),
        (holds_itself, "or holds itself"),
        (object(), "type object"),
    ],
)
def test_what_json_cannot_hold_is_a_violation(value: Any, part: str) -> None:
    """The entity is built all the same, has a stable digest and says where what is wrong."""
    body = valid() | {"spec": {"value": value, "fine": "kept"}}
    entity = Entity(body)
    assert entity.canonical is None
    assert entity.ref == "component:default/website"
    assert entity.digest == Entity(body).digest
    assert entity.digest != Entity(entity.body).digest
    assert entity.body["spec"]["fine"] == "kept"
    [violation] = entity.violations
    assert violation.rule == "json"
    assert violation.field.removeprefix("a key of ").startswith("spec.value")
    assert part in violation.message


def test_the_digest_of_what_json_cannot_hold_is_the_same_in_every_process() -> None:
    """No address and no order of a set gets into it."""
    body = "{'kind': object(), 'metadata': {'x': {'a', 'b', 'c'}, 7: float('nan')}}"
    program = (
        f"import sys; sys.path[:0] = {sys.path!r}; from incrsim.entity import Entity as E; print(E({body}).digest)"
    )
    digests = {
        subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, check=True, text=True).stdout
        for _ in range(2)
    }
    assert len(digests) == 1


def test_what_has_one_json_form_is_taken_in_it() -> None:
    """Tuples are arrays; UUIDs and enum members are their values; null, and integers of 64 bits, are fine."""
    odd = {"a": (1, (2,)), "b": uuid.UUID(int=7), "c": Kind.COMPONENT, "d": None, "e": 2**64 - 1, "f": -(2**63)}
    entity = Entity(valid() | {"spec": odd})
    assert entity.violations == ()
    plain = odd | {"a": [1, [2]], "b": str(uuid.UUID(int=7)), "c": "Component"}
    assert entity == Entity(valid() | {"spec": plain})
    assert entity.body["spec"] == plain


def test_types_that_python_takes_for_equal_stay_apart() -> None:
    """`true`, `1` and `1.0` are three entities."""
    assert len({Entity({"spec": value}).digest for value in (True, 1, 1.0, "1")}) == 4


@pytest.mark.rule("C-6")
@pytest.mark.parametrize(
    ("body", "field"),
    [
        (valid() | {"spec": {"a": ["x\0"]}}, "spec.a[0]"),
        (valid() | {"spec": {"a b": "\0"}}, 'spec["a b"]'),
        (valid() | {"spec": {"x": {"\0": 1}}}, "spec.x"),
        (valid(description="a\0b"), "metadata.description"),
    ],
)
def test_nul_anywhere_is_a_violation(body: Any, field: str) -> None:
    """NUL cannot be stored, in texts and keys alike."""
    violations = Entity(body).violations
    assert [(each.field, each.rule) for each in violations] == [(field, "nul")]
    assert "remove it" in violations[0].message


def test_an_escape_of_the_sources_own_is_no_nul() -> None:
    """A backslash followed by u0000 is text like any other."""
    assert Entity(valid(description=r"a\u0000b")).violations == ()


@pytest.mark.parametrize(("key", "rule"), [("a\0", "nul"), ("\ud800", "json")])
def test_a_location_key_is_checked_too(key: str, rule: str) -> None:
    """What no store can hold is refused there as well."""
    [violation] = Entity(valid(), location_key=key).violations
    assert (violation.field, violation.rule) == ("location_key", rule)


# --- the engine's annotation ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.rule("C-6")
@given(annotations, values, texts)
def test_an_annotated_body_is_canonical(annotations: dict[str, Any], spec: Any, provider: str) -> None:
    """The catalog shows what sorted serialisation gives, with the annotation among the others."""
    body = valid()
    body["metadata"]["annotations"] = annotations
    body["spec"] = spec
    shown = annotated(canonical(body), provider)
    body["metadata"]["annotations"][PROVIDER_ANNOTATION] = provider
    assert shown == canonical(body)


@pytest.mark.parametrize("provider", ["services", 'quote"back\\slash', "Ünï", "\x1f"])
@pytest.mark.parametrize("more", [{}, {"0/first": "x"}, {"A": "x"}, {"@": "x"}])
def test_a_valid_entity_is_annotated_in_place(provider: str, more: dict[str, str]) -> None:
    """The fast way gives the same bytes as the slow one, wherever the annotation sorts."""
    body = valid()
    body["metadata"]["annotations"] |= more
    stored = annotated(canonical(body), provider)
    assert stored == canonical(orjson.loads(stored))
    assert orjson.loads(stored)["metadata"]["annotations"].pop(PROVIDER_ANNOTATION) == provider


@pytest.mark.rule("C-6", "C-11")
def test_an_exported_entity_is_the_same_entity() -> None:
    """The engine's own annotation is no part of what a source says, and does not change what it was passed in."""
    entity = Entity(valid())
    exported = orjson.loads(annotated(canonical(valid()), "services"))
    assert Entity(exported) == entity
    assert Entity(exported).violations == ()
    assert exported["metadata"]["annotations"][PROVIDER_ANNOTATION] == "services"


# --- refs in parts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("component:default/x", ("component", "default", "x")),
        ("Component:Default/X", ("component", "default", "x")),
        ("api:x", ("api", "default", "x")),
    ],
)
def test_a_ref_is_parsed(text: str, parts: tuple[str, str, str]) -> None:
    """In any case, with or without a namespace; `str()` gives the full form."""
    ref = EntityRef.parse(text)
    assert (ref.kind, ref.namespace, ref.name) == parts
    assert str(ref) == "{}:{}/{}".format(*parts)
    assert EntityRef.parse(str(ref)) == ref == EntityRef(*map(str.upper, parts))


@pytest.mark.parametrize(
    "text", ["", "x", "default/x", ":default/x", "api:", "api:/x", "api:a/", "a:b/c/d", "a:b:c", "a/b:c", None, 7]
)
def test_what_is_no_ref_is_refused(text: Any) -> None:
    """The error shows the form."""
    with pytest.raises(ValueError, match="is not an entity ref; write kind:namespace/name, for example"):
        EntityRef.parse(text)


def test_a_ref_has_no_empty_part() -> None:
    """Neither can one be built from nothing."""
    with pytest.raises(ValueError, match=r"EntityRef\(name=''\)"):
        EntityRef("api", "default", "")


# --- helpers ----------------------------------------------------------------------------------------------------------

HELPERS: dict[str, tuple[Callable[..., Entity], dict[str, Any], dict[str, Any]]] = {
    "Component": (kinds.component, {}, {"type": "service", "lifecycle": "production", "owner": "unknown"}),
    "Resource": (kinds.resource, {}, {"type": "resource", "owner": "unknown"}),
    "API": (
        kinds.api,
        {"definition": "x"},
        {"type": "openapi", "lifecycle": "production", "owner": "unknown", "definition": "x"},
    ),
    "System": (kinds.system, {}, {"owner": "unknown"}),
    "Domain": (kinds.domain, {}, {"owner": "unknown"}),
    "Group": (kinds.group, {}, {"type": "team", "children": []}),
    "User": (kinds.user, {}, {"memberOf": []}),
    "Location": (kinds.location, {"target": "x"}, {"type": "url", "target": "x"}),
}


@pytest.mark.rule("C-6")
@pytest.mark.parametrize("kind", HELPERS)
def test_a_helper_fills_in_what_its_kind_requires(kind: str) -> None:
    """A name and the provider are enough for a valid entity with both locations."""
    helper, given, spec = HELPERS[kind]
    entity = helper("x", provider=SimpleNamespace(name="services"), **given)
    assert entity.violations == ()
    assert entity.body == {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": kind,
        "metadata": {
            "name": "x",
            "annotations": {
                "backstage.io/managed-by-location": "incremental:services",
                "backstage.io/managed-by-origin-location": "incremental:services",
            },
        },
        "spec": spec,
    }


def test_a_helper_takes_everything() -> None:
    """Metadata and relations land where Backstage looks for them; iterables become lists; what is None is left out."""
    entity = kinds.component(
        "x",
        provider="services",
        type="library",
        system="s",
        subcomponent_of="c",
        provides_apis=("a",),
        consumes_apis=iter(["b"]),
        depends_on={"d": 1}.keys(),
        namespace="other",
        title="X",
        description=None,
        labels=MappingProxyType({"tier": "1"}),
        annotations={"backstage.io/managed-by-location": "url:https://x/", "a/b": "c"},
        tags=("java",),
        links=({"url": "https://x/"},),
        spec={"owner": "team-a", "extra": 1},
        api_version="backstage.io/v1beta1",
        location_key="k",
    )
    assert entity.location_key == "k"
    assert entity.ref == "component:other/x"
    body = entity.body
    assert body["apiVersion"] == "backstage.io/v1beta1"
    assert body["metadata"] == {
        "name": "x",
        "namespace": "other",
        "title": "X",
        "labels": {"tier": "1"},
        "annotations": {
            "backstage.io/managed-by-location": "url:https://x/",
            "backstage.io/managed-by-origin-location": "incremental:services",
            "a/b": "c",
        },
        "tags": ["java"],
        "links": [{"url": "https://x/"}],
    }
    assert body["spec"] == {
        "type": "library",
        "lifecycle": "production",
        "owner": "team-a",
        "system": "s",
        "subcomponentOf": "c",
        "providesApis": ["a"],
        "consumesApis": ["b"],
        "dependsOn": ["d"],
        "extra": 1,
    }
    assert entity.violations == ()


@pytest.mark.rule("C-7")
@pytest.mark.parametrize(
    "bad",
    [
        {"labels": 3},
        {"annotations": 4},
        {"annotations": ["a"]},
        {"tags": 5},
        {"tags": "java"},
        {"links": [7]},
        {"spec": [1]},
        {"spec": {1: 2}},
        {"title": 7},
        {"namespace": 7},
        {"owner": object()},
    ],
)
def test_a_bad_record_does_not_blow_up_a_helper(bad: dict[str, Any]) -> None:
    """Whatever the source said becomes an entity with violations, for the engine to quarantine."""
    assert kinds.component("x", provider="services", **bad).violations
    assert kinds.component(None, provider="services").violations  # type: ignore[arg-type]  # wrong on purpose


def test_a_wrong_call_of_a_helper_is_an_error() -> None:
    """An unknown argument and a provider without a name are the caller's fault."""
    with pytest.raises(TypeError, match=r"Component 'x' takes no lable; fields of its own go into spec=\{…\}"):
        kinds.component("x", provider="services", lable="y")  # type: ignore[call-arg]  # wrong on purpose
    with pytest.raises(TypeError, match=r"provider=None has no name; pass the provider itself \(provider=self\)"):
        kinds.component("x", provider=None)  # type: ignore[arg-type]  # wrong on purpose


def test_any_kind_can_be_built() -> None:
    """`entity` builds kinds that have no helper, without a spec when there is none."""
    assert kinds.entity("Widget", "x", provider="services").body.keys() == {"apiVersion", "kind", "metadata"}
    assert kinds.entity("Widget", "x", provider="services", spec={"a": (1,)}).body["spec"] == {"a": [1]}


@pytest.mark.slow
def test_entity_takes_little_more_than_its_json() -> None:
    """An entity that is kept takes its JSON and a few hundred bytes, not the buffer that it was written in."""
    program = (
        "from incrsim.entity import Entity; from incrsim.resident import rss_mb\n"
        "body = {'kind': 'Component', 'metadata': {'name': 'a', 'description': 'x' * 500}}\n"
        "before = rss_mb(); kept = [Entity(body) for _ in range(10_000)]; print(rss_mb() - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(done.stdout) * 2**20 / 10_000 < 1_500
