"""A provider that reads a served source, so that its cursors are the same in every run, whatever the port (C-41)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from incrsim.provider import Page, as_page
from incrsim.simulation.served.serving import masked, unmasked


def masking(provider: Any, addresses: Mapping[str, str]) -> Any:
    """The provider as the engine has it: what it keeps of cursors holds no address of this run.

    Args:
        provider: any provider, of any shape.
        addresses: where the source is served; may change.
    """
    return (_AsyncMasked if inspect.iscoroutinefunction(provider.next) else _Masked)(provider, addresses)


class _Wrapped:
    def __init__(self, provider: Any, addresses: Mapping[str, str]) -> None:
        self.name: str = provider.name
        self.topics = getattr(provider, "topics", ())
        self.on_event = getattr(provider, "on_event", None)
        self.around = provider.around
        self._provider = provider
        self._addresses = addresses

    def _asked(self, cursor: Any) -> Any:
        return unmasked(cursor, self._addresses)

    def _answered(self, returned: Any) -> Page:
        page = as_page(returned)
        return replace(page, cursor=masked(page.cursor, self._addresses))


class _Masked(_Wrapped):
    def next(self, context: Any, cursor: Any = None) -> Page:
        """The other one's page."""
        return self._answered(self._provider.next(context, self._asked(cursor)))


class _AsyncMasked(_Wrapped):
    async def next(self, context: Any, cursor: Any = None) -> Page:
        """The other one's page."""
        return self._answered(await self._provider.next(context, self._asked(cursor)))
