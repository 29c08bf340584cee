"""New entities on their way into a Postgres database."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from incrsim.entity import Entity
from incrsim.store.queries import query

if TYPE_CHECKING:
    import psycopg


class CopiedEntities(list[Entity]):
    """A list of entities that the server gets as they are appended, so that it stores some while the next are being
    validated.

    The `COPY` begins with the first one, and ends when the context is left; until then the connection does nothing
    else.

    Args:
        connection: inside a transaction.
        provider_id: of the provider that owns them.
        provider: its name.
        ingestion: the number of the ingestion that adds them.
    """

    def __init__(self, connection: psycopg.Connection[Any], provider_id: int, provider: str, ingestion: int) -> None:
        super().__init__()
        self._connection = connection
        self._owner = provider_id
        self._provider = provider
        self._ingestion = ingestion
        self._stack = ExitStack()
        self._copy: psycopg.Copy | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    def append(self, entity: Entity) -> None:
        """Send one more."""
        copy = self._copy or self._begin()
        body = entity.stored_body(self._provider).decode()
        number = self._ingestion
        copy.write_row((number, number, self._owner, entity.digest, entity.ref, entity.location_key, body))
        super().append(entity)

    def _begin(self) -> psycopg.Copy:
        cursor = self._stack.enter_context(self._connection.cursor())
        self._copy = self._stack.enter_context(cursor.copy(query("copy_entities")))
        return self._copy
