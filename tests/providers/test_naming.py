"""What the providers share: names that are valid and tell things apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

import incrsim
from providers.naming import entity_name, own_namespace, storable

PARTS = st.lists(
    st.one_of(
        st.sampled_from(["a", "A", "a.b", "b", "a_b", "a__b", "", "-", "é", "e\u0301", "\ud83e\udd80", "🦀", "x" * 63]),
        st.text(max_size=4),
    ),
    min_size=1,
    max_size=3,
)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("libc6", "amd64"), "libc6_amd64"),
        (("python3.11",), "python3.11"),
        (("x" * 63,), "x" * 63),
        (("0" * 32,), "0" * 32),
    ],
)
def test_plain_names_stay(parts: tuple[str, ...], name: str) -> None:
    """What is a good name in its source is that name here."""
    assert entity_name(*parts) == name


@given(one=PARTS, other=PARTS)
def test_different_things_have_different_names(one: list[str], other: list[str]) -> None:
    """Names are valid, and the same for the same parts only, also in lower case; a name of ours is no way around."""
    for ours in (one, other):
        assert not incrsim.component(entity_name(*ours), provider="x").violations
    assert (entity_name(*one).lower() == entity_name(*other).lower()) is (one == other)
    assert entity_name(entity_name("A", *one)) != entity_name("A", *one)


@given(text=st.text(st.characters(exclude_categories=[])))
def test_storable_text_is_stored(text: str) -> None:
    """Any text becomes one that breaks no rule, and stays as it is when it breaks none."""
    assert not incrsim.component("a", provider="x", description=storable(text)).violations
    if not incrsim.component("a", provider="x", description=text).violations:
        assert storable(text) == text


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a.b", "é", "x" * 64, "a\n"])
def test_name_that_is_no_namespace_is_refused(name: str) -> None:
    """A provider whose entities live in a namespace of its name says which names can be one."""
    with pytest.raises(ValueError, match="write 1 to 63 of a-z 0-9"):
        own_namespace(name)


@pytest.mark.parametrize(
    "path", sorted(Path(storable.__code__.co_filename).parent.glob("*.py")), ids=lambda each: each.name
)
def test_each_file_is_read_in_one_sitting(path: Path) -> None:
    """A provider that ships here is short."""
    assert len(path.read_text("utf-8").splitlines()) <= 150
