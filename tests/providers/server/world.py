"""What the server knows: its data, its time, its limits, and what is to go wrong."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields
from typing import Any

EPOCH = 1_735_689_600.0
"""Where `VirtualClock` starts, too: 2025-01-01T00:00Z."""


@dataclass(slots=True)
class Request:
    """One request, read.

    Args:
        origin: scheme, host and port, as the client wrote them.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    origin: str


@dataclass(slots=True)
class Reply:
    """One answer: `body` is JSON unless it is text already."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class World:
    """State that a test may set by name; `reset` is a new one.

    Args:
        collections: name → items: `services` for the JSON APIs, `repositories`, and `group/version/plural`.
        now: the server's time in seconds since 1970; it stands still until a test moves it.
        token: what must be in the header `Authorization`, behind `Bearer`; empty lets everybody in.
        denied: paths that the token may not read: 403.
        largest_page: what larger pages are cut to.
        lifetime: seconds that a continuation is valid.
        expiry_status: with which an expired token is refused, 410 or 400.
        budget: requests (or GraphQL points) in a window; `None` for no limit.
        points: what a page of GraphQL costs at least.
        window: its seconds.
        retry_after: how a refusal says when to come back: `seconds`, `date`, `reset` or `nothing`.
        heavy_above: pages larger than that are too much for GraphQL: 502.
        faults: number of a request, from 1 → what goes wrong with it; see `faults.py`.
        log: what was asked.
        revision: grows with each change; Kubernetes' `resourceVersion`.
        snapshots: what was listed at a revision, and when.
    """

    collections: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    now: float = EPOCH
    token: str = ""
    denied: list[str] = field(default_factory=list)
    largest_page: int = 100
    lifetime: float = 300
    expiry_status: int = 410
    budget: int | None = None
    points: int = 1
    window: float = 3600
    retry_after: str = "seconds"
    heavy_above: int = 100
    faults: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    revision: int = 1000
    snapshots: dict[int, tuple[float, dict[str, list[dict[str, Any]]]]] = field(default_factory=dict)
    used: int = 0
    resets_at: float = 0

    def change(self, given: dict[str, Any]) -> None:
        """Set what is given; collections one by one."""
        known = {each.name for each in fields(self)}
        for name, value in given.items():
            assert name in known, f"a world has no {name!r}"
            if name == "collections":
                self.collections.update(value)
                self.revision += 1
            else:
                setattr(self, name, value)

    def spend(self, cost: int = 1) -> bool:
        """Take from the budget of the current window; says whether there was enough."""
        if self.budget is None:
            return True
        if self.now >= self.resets_at:
            self.used, self.resets_at = 0, self.now + self.window
        if self.used + cost > self.budget:
            return False
        self.used += cost
        return True

    def limits(self) -> dict[str, str]:
        """The headers that tell of the budget, as GitHub writes them."""
        if self.budget is None:
            return {}
        return {
            "X-RateLimit-Limit": str(self.budget),
            "X-RateLimit-Remaining": str(self.budget - self.used),
            "X-RateLimit-Used": str(self.used),
            "X-RateLimit-Reset": str(int(self.resets_at)),
        }

    def date(self, at: float) -> str:
        """An instant as HTTP writes it (RFC 9110, 5.6.7)."""
        return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(at))
