"""One world per test, or one per file for those that change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.world import World, world

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def here() -> Iterator[World]:
    """A world in memory, where nothing was ingested yet."""
    with world() as made:
        yield made


@pytest.fixture(scope="module")
def rested() -> Iterator[World]:
    """A world in memory whose provider rests after its first cycle; for all tests of a file that change nothing."""
    with world() as made:
        made.app.run_cycle(made.source.name)
        yield made


@pytest.fixture(scope="module")
def worn() -> Iterator[World]:
    """Another one, for all tests of a file that do not mind what others changed."""
    with world() as made:
        made.app.run_cycle(made.source.name)
        yield made


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.slow)])
def on_both(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world on each store, where nothing was ingested yet."""
    with world(request.getfixturevalue("database_url") if request.param == "postgres" else None) as made:
        yield made
