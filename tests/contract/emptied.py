"""Databases used again: emptying one takes a tenth of the time that it takes to copy one."""

from __future__ import annotations

import psycopg
from psycopg import sql


def emptied(url: str) -> str:
    """Remove all rows from our tables, save those that say which migrations have run.

    Args:
        url: a database with our tables.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'incrsim' AND tablename <> 'migration'"
        ).fetchall()
        tables = sql.SQL(", ").join(sql.Identifier("incrsim", name) for (name,) in rows)
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))
    return url
