"""Postgres stores that are wrong in ways that only a real server shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incrsim.store import migrations, queries, transactions
from incrsim.store.postgres import PostgresStore
from incrsim.store.postgres_rows import PostgresTransaction
from tests.mutants.patch import MutantOutdated
from tests.mutants.registry import mutant

if TYPE_CHECKING:
    from tests.mutants.patch import Patch

POSTGRES = ("postgres",)
SLOW = ("postgres", "slow")


def sql(patch: Patch, name: str, old: str, new: str) -> None:
    """Let a query say something else."""
    if queries.query(name).count(old) != 1:
        raise MutantOutdated(f"the query {name} does not hold {old!r} once; copy the text from its file as it is now")
    other = f"_all_queries()[name].replace({old!r}, {new!r}) if name == {name!r} else _all_queries()[name]"
    patch.rewrite(queries.query, "_all_queries()[name]", other)


def schema(patch: Patch, old: str, new: str) -> None:
    """Let the migrations make something else."""
    if sum(each.sql.count(old) for each in migrations.all_migrations()) != 1:
        raise MutantOutdated(f"the migrations do not hold {old!r} once; copy the text from their files as it is now")
    patch.rewrite(
        migrations.all_migrations, 'file.read_text("utf-8")', f'file.read_text("utf-8").replace({old!r}, {new!r})'
    )


@mutant("C-10", "a crash of the server empties the marks", also=SLOW)
def marks_unlogged(patch: Patch) -> None:
    schema(patch, "CREATE TABLE mark (", "CREATE UNLOGGED TABLE mark (")


@mutant("C-10", "a page's mark is committed before its cursor", also=SLOW)
def mark_committed_alone(patch: Patch) -> None:
    patch.rewrite(
        PostgresTransaction.add_mark,
        "            now=self.now,\n        )",
        "            now=self.now,\n        )\n        self.commit()",
    )


@mutant("C-11", "a page is compared by reading the whole catalog", also=POSTGRES)
def catalog_scanned(patch: Patch) -> None:
    sql(patch, "compare_page", "WHERE ref = ANY", "WHERE ref || '' = ANY")


@mutant("C-11", "unchanged entities are taken for changed ones, sent and rewritten", also=POSTGRES)
def unchanged_rewritten(patch: Patch) -> None:
    sql(patch, "compare_page", "found.digest = page.digest", "found.digest <> page.digest")


@mutant("C-11", "a page of known refs is taken for unchanged", also=POSTGRES)
def digests_ignored(patch: Patch) -> None:
    sql(patch, "look_alike", "AND string_agg(digest, '') = %(digests)s::bytea ", "")


@mutant("C-9", "a page is unchanged whoever owns what lies in its place", also=POSTGRES)
def owners_ignored(patch: Patch) -> None:
    sql(patch, "look_alike", " AND bool_and(provider_id = %(provider)s)", "")


@mutant("C-11", "each entity is asked for by itself", also=POSTGRES)
def asked_one_by_one(patch: Patch) -> None:
    patch.rewrite(
        PostgresTransaction._compare_each,
        "        never_stored = ",
        '        [self._fetch("entity", ref=each.ref) for each in comparable]\n        never_stored = ',
    )


@mutant("C-13", "a sweep reads all refs that it removes into memory", also=SLOW)
def refs_in_memory(patch: Patch) -> None:
    patch.rewrite(
        PostgresTransaction.removing,
        "        after = 0\n",
        '        after, refs = 0, self._connection.execute("SELECT entity_id, ref FROM stale").fetchall()\n',
    )


@mutant("C-15", "the database lets a second open ingestion in", also=POSTGRES)
def two_open_ingestions(patch: Patch) -> None:
    schema(patch, "CREATE UNIQUE INDEX ingestion_one_open", "CREATE INDEX ingestion_one_open")


@mutant("C-27", "a renewal is not seen before the sweep commits", also=POSTGRES)
def renewal_unseen(patch: Patch) -> None:
    patch.rewrite(PostgresTransaction.renew_lease, "self._renew(lease)", "pass")


@mutant("C-27", "each chunk of a sweep is committed by itself", also=SLOW)
def chunks_committed(patch: Patch) -> None:
    patch.rewrite(PostgresTransaction.removing, "after = last", "after = last; self._connection.commit()")


@mutant("C-27", "nobody renews the lease while one statement of a sweep takes long", also=POSTGRES)
def heart_stands_still(patch: Patch) -> None:
    patch.rewrite(PostgresStore._heartbeat, "if self._clock is not None:", "if True:")


@mutant("C-37", "the fence is not looked at", also=POSTGRES)
def fence_ignored_by_sessions(patch: Patch) -> None:
    patch.rewrite(transactions.held, "tx.provider.fence != lease.fence or tx.lease is None", "False")


@mutant("C-37", "a lease that is held is granted once more", also=POSTGRES)
def lease_granted_twice(patch: Patch) -> None:
    patch.rewrite(transactions.claim, "tx.lease.expires_at > tx.now", "False")


@mutant("C-40", "the provider's row is not locked", also=POSTGRES)
def row_not_locked(patch: Patch) -> None:
    sql(
        patch,
        "lock_provider",
        "pg_advisory_xact_lock(1768645234, id)\nFROM provider WHERE name = %(name)s FOR UPDATE",
        "id FROM provider WHERE name = %(name)s",
    )


@mutant("C-40", "a session is ended although its lease is valid", also=POSTGRES)
def valid_session_ended(patch: Patch) -> None:
    sql(patch, "sessions_holding", "lease.expires_at <= coalesce(%(now)s, clock_timestamp())", "%(now)s IS NOT NULL")


@mutant("C-40", "the sessions of other providers are ended as well", also=POSTGRES)
def bystanders_ended(patch: Patch) -> None:
    sql(patch, "sessions_holding", "objid::bigint = provider.id", "true")


@mutant("C-40", "a transaction that met another is not run again", also=POSTGRES)
def never_again(patch: Patch) -> None:
    patch.rewrite(PostgresStore._transact, "if attempt == TRIES:", "if True:")


@mutant("C-40", "entities are written in the order of the page", also=POSTGRES)
def written_unsorted(patch: Patch) -> None:
    patch.rewrite(transactions.write_entities, 'sorted(draft.entities, key=attrgetter("ref"))', "draft.entities")
