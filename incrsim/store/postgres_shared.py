"""Postgres for simulations: one run after the other over the same connections, since opening them and preparing the
statements of a session takes longer than a small run.
"""

from __future__ import annotations

from typing import Self

from incrsim.clock import Clock
from incrsim.store.postgres import PostgresStore
from incrsim.store.postgres_pool import PASSING


class SharedPostgres(PostgresStore):
    """A store of whose commits none has to outlive the server.

    Args:
        url: as for `PostgresStore`.
        clock: the store's time; the database's own unless given.
    """

    _settings = PASSING
    _lent = False

    def at(self, clock: Clock) -> Self:
        """The same store on another clock, over the same connections: closing it leaves them open.

        Args:
            clock: its time.
        """
        lent = type(self).__new__(type(self))
        vars(lent).update(vars(self), _clock=clock, _lent=True)
        return lent

    def close(self) -> None:
        """See `Store.close`."""
        if not self._lent:
            super().close()
