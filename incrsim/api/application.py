"""The API as an application for any ASGI server."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI

from incrsim.api import problem
from incrsim.api.access import Access
from incrsim.api.boundary import Boundary
from incrsim.api.examples import EXAMPLES
from incrsim.api.live import Live
from incrsim.api.operating import Operating
from incrsim.api.reading import Reading
from incrsim.api.routes import install
from incrsim.api.schemas import Schemas
from incrsim.api.settings import ApiSettings
from incrsim.api.stream import Broadcast
from incrsim.api.upstream import Administration
from incrsim.app import App


class Api(FastAPI):
    """FastAPI, with our components in its document, and nothing that is open to everybody.

    Args:
        schemas: the components.
        broadcast: what clients follow; a server closes it before it waits for its connections to end.
    """

    def __init__(self, schemas: Schemas, broadcast: Broadcast) -> None:
        super().__init__(
            title="incrsim",
            version=version("incrsim"),
            description="What operators ask of incremental entity providers and do to them.",
            openapi_url=None,  # the document is a route of ours, behind a token as all are
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
        )
        self.broadcast = broadcast
        self._schemas = schemas

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            document = super().openapi()
            components = document.setdefault("components", {}).setdefault("schemas", {})
            components.update(self._schemas.components, Problem=problem.SCHEMA)
            for methods in document["paths"].values():
                for operation in methods.values():
                    (content,) = operation["responses"]["200"]["content"].values()
                    content["example"] = EXAMPLES[operation["operationId"]]  # FastAPI leaves out what is null
        return super().openapi()


def create_api(app: App, settings: ApiSettings) -> Api:
    """Make the API of an app.

    Args:
        app: an app that serves providers, or one that serves none and only reaches the store.
        settings: whom to let in; without any token nobody is (`serve` makes one).
    """
    schemas, broadcast = Schemas(), Broadcast(app.events)
    api = Api(schemas, broadcast)
    routes = [
        *Administration(app.operators).routes(schemas),
        *Operating(app).routes(schemas),
        *Reading(api, app).routes(),
        *Live(app, broadcast).routes(),
    ]
    install(api, routes, Access(settings))
    problem.install(api)
    api.add_middleware(Boundary, names=settings.names)
    api.add_middleware(problem.Unexpected)
    return api
