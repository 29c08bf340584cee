"""A provider of which an observer hears every page, and whose code goes wrong as the dice say.

It stands between the engine and any provider, whatever its shape: to the engine it is a synchronous one, and the other
one's code runs as the engine would run it, coroutines and callbacks included (`incrsim.burst`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import timedelta
from types import TracebackType
from typing import Any

from incrsim.burst import ProviderBurst
from incrsim.clock import VirtualClock
from incrsim.cursor import canonical_cursor
from incrsim.entity import Entity, EntityRef
from incrsim.errors import Fenced, InvalidCursor
from incrsim.options import ProviderOptions
from incrsim.provider import Page, Problem
from incrsim.simulation import faults
from incrsim.simulation.dice import Dice
from incrsim.simulation.faulty_pages import FaultyPages
from incrsim.simulation.observation import Observer, Returned, Seen
from incrsim.simulation.violation import halting

TOO_LATE = timedelta(milliseconds=1)
"""By how much a page that hangs is late."""

MOST_SEEN = 20_000
"""How many different entities are remembered as seen: memory does not grow with their number."""


ERRORS: tuple[type[Exception | SystemExit], ...] = (ConnectionError, KeyError, ValueError, Fenced, SystemExit)
"""What `next` may raise: the usual, and what means something else to Python or to the engine."""

_RAISED = "raised by the provider (simulated)"
_NEXT = (faults.NEXT_RAISES, faults.HANG)


class FaultyProvider:
    """Does what another provider does, and goes wrong with it.

    Args:
        provider: the other one: synchronous, asynchronous or with a callback.
        dice: of the run.
        clock: of the run.
        observer: hears of each page that the engine gets.
        replica: whose provider this is.
        options: the options that the replica runs with now: what hangs, hangs for longer than their `page_timeout`.
        is_valid: whether the source meant an entity to be valid; by default all are.

    Attributes:
        name: the other one's.
        topics: the other one's, if it takes events (`on_event`).
    """

    def __init__(
        self,
        provider: Any,
        dice: Dice,
        clock: VirtualClock,
        observer: Observer,
        replica: int = 0,
        *,
        options: Callable[[], ProviderOptions],
        is_valid: Callable[[Entity], bool] = lambda _: True,
    ) -> None:
        self.name: str = provider.name
        self.topics = getattr(provider, "topics", ())
        self.on_event: Any = getattr(provider, "on_event", None)
        self._provider = provider
        self._dice = dice
        self._next = dice.together(_NEXT)
        self._clock = clock
        self._tell = halting(observer.returned)
        self._replica = replica
        self._options = options
        self._is_valid = is_valid
        self._seen: dict[bytes, Seen] = {}

    def around(self) -> AbstractContextManager[FaultyPages]:
        """The other one's context, for one burst."""
        return _Context(ProviderBurst(self._provider), self._dice)

    def next(self, context: FaultyPages, cursor: Any = None) -> Page:
        """The other one's page, or what goes wrong on the way to it."""
        match self._next.first():
            case faults.HANG:
                self._clock.advance(self._options().page_timeout + TOO_LATE)
                # Were it taken for an answer, the next sweep would remove everything.
                return Page(done=True)
            case faults.NEXT_RAISES:
                which, asks = divmod(self._dice.choose(faults.NEXT_RAISES, 2 * len(ERRORS)), 2)
                if asks:
                    context.fetch(cursor)
                raise ERRORS[which](_RAISED)
        page = context.fetch(cursor)
        self._tell(self._returned(cursor, page))
        return page

    # --- what the observer hears --------------------------------------------------------------------------------------

    def _returned(self, cursor: Any, page: Page) -> Returned:
        lost, problems = _reported(page.problems)
        return Returned(
            provider=self.name,
            replica=self._replica,
            asked=_text(cursor),
            entities=tuple(map(self._seen_as, page.entities)),
            cursor=None if page.done else _text(page.cursor),
            done=page.done,
            lost=lost,
            problems=problems,
        )

    def _seen_as(self, entity: Any) -> Seen:
        seen = self._seen.get(entity.digest)
        if seen is None:
            if len(self._seen) >= MOST_SEEN:
                self._seen.clear()
            seen = Seen(entity.ref, entity.digest, entity.location_key, self._is_valid(entity))
            self._seen[entity.digest] = seen
        return seen


class _Context(AbstractContextManager[FaultyPages]):
    """One burst of the other provider's code."""

    def __init__(self, burst: ProviderBurst, dice: Dice) -> None:
        self._burst = burst
        self._dice = dice

    def __enter__(self) -> FaultyPages:
        try:
            if self._dice.strikes(faults.ENTER_RAISES):
                raise ConnectionError("no connection on entering (simulated)")
            self._burst.enter()
        except BaseException as error:
            self._burst.leave(error)
            raise
        return FaultyPages(self._burst, self._dice)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._burst.leave(error)
        # A process that died leaves nothing, and nothing goes wrong with that.
        alive = error is None or isinstance(error, Exception)
        if alive and self._dice.strikes(faults.LEAVE_RAISES):
            raise ConnectionError("the connection broke on leaving (simulated)")


def _text(cursor: Any) -> str | None:
    try:
        return None if cursor is None else canonical_cursor(cursor)
    except InvalidCursor:
        return None


def _reported(problems: Iterable[Problem | str]) -> tuple[int, tuple[str, ...]]:
    """How many problems name no entity, and the refs of those that do."""
    refs = [_ref(problem) for problem in problems]
    return refs.count(None), tuple(ref for ref in refs if ref is not None)


def _ref(problem: Problem | str) -> str | None:
    if isinstance(problem, str) or problem.ref is None:
        return None
    try:
        return str(EntityRef.parse(problem.ref))
    except ValueError:
        return None
