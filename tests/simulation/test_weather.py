from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from incrsim.clock import EPOCH
from incrsim.errors import CursorExpired, ProviderError, RateLimited
from incrsim.simulation import FakeSource
from incrsim.simulation.weather import (
    CALM,
    Cut,
    RateLimit,
    SourceCall,
    SourcePage,
    SourceTrouble,
    TokenExpired,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Storm:
    """Always the same trouble."""

    trouble: SourceTrouble

    def page(self, call: SourceCall, answer: Callable[[], SourcePage]) -> SourcePage:
        raise self.trouble


class Lie:
    """Says of each page that it is the last."""

    def page(self, call: SourceCall, answer: Callable[[], SourcePage]) -> SourcePage:
        return replace(answer(), cursor=None, done=True)


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (Unavailable(), ConnectionError),
        (Cut(), ConnectionError),
        (RateLimit(EPOCH + timedelta(hours=1)), RateLimited),
        (TokenExpired(), CursorExpired),
    ],
    ids=lambda value: type(value).__name__,
)
def test_providers_see_trouble_as_their_own_errors(trouble: SourceTrouble, error: type[Exception]) -> None:
    """What a source does instead of answering is an error of its provider, of the class that decides what follows."""
    source = FakeSource(entities=3)
    source.weather = Storm(trouble)
    with pytest.raises(error) as caught:
        source.next(None)
    assert isinstance(caught.value, ProviderError)
    if isinstance(trouble, RateLimit):
        assert isinstance(caught.value, RateLimited)
        assert caught.value.until == trouble.until


def test_weather_alters_answers_while_it_lasts() -> None:
    """A source may lie about its end; when the weather is calm again it says the truth."""
    source = FakeSource(entities=5, page_size=2)
    source.weather = Lie()
    assert source.next(None).done
    source.weather = CALM
    assert not source.next(None).done
