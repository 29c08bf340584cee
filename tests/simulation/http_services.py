"""A provider as somebody else would write it, with httpx, who knows nothing of simulations."""

from __future__ import annotations

from typing import Any

import httpx

import incrsim


class Services(incrsim.IncrementalEntityProvider):
    """Reads a page by its `Link`."""

    name = "services"

    def __init__(self, url: str) -> None:
        self.url = url

    def around(self) -> httpx.Client:
        return httpx.Client(base_url=self.url)

    def next(self, client: httpx.Client, cursor: Any = None) -> incrsim.Page:
        answer = client.get(cursor or "/services").raise_for_status()
        following = answer.links.get("next", {}).get("url")
        entities = [self.entity(each) for each in answer.json()]
        return incrsim.Page(entities, cursor=following, done=following is None)

    def entity(self, item: dict[str, Any]) -> Any:
        return incrsim.component(item["name"], namespace=item["namespace"], provider=self)
