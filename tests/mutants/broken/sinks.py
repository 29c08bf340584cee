"""Sinks that are told too little, too early, out of order, or once too seldom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incrsim import engine
from incrsim.sinks import courier
from incrsim.store import outbox, transactions
from incrsim.store.memory_outbox import Outbox, Outboxes
from incrsim.store.memory_sinks import MemoryOutboxRows, MemorySinks
from incrsim.store.page import PageChanges
from incrsim.store.postgres_outbox import PostgresOutbox, PostgresOutboxRows
from tests.mutants.broken.postgres import sql
from tests.mutants.registry import mutant

if TYPE_CHECKING:
    from tests.mutants.patch import Patch

POSTGRES = ("postgres",)
SLOW = ("postgres", "slow")


# --- what is written --------------------------------------------------------------------------------------------------


@mutant("C-12", "a sink that fails in another process stops no page here")
def failing_elsewhere_is_no_matter(patch: Patch) -> None:
    patch.rewrite(courier.Courier.deliver, "{} if provider is None else self._failing_elsewhere()", "{}")


@mutant("C-12", "pages tell nothing")
def pages_tell_nothing(patch: Patch) -> None:
    patch.rewrite(transactions.write_page, "tx.outbox_upserts(written.changes.written(), ingestion.number)", "pass")


@mutant("C-12", "what was taken over is not told")
def takeovers_untold(patch: Patch) -> None:
    patch.rewrite(PageChanges.written, "(*self.update, *self.take_over)", "self.update")


@mutant("C-12", "unchanged entities are told")
def unchanged_told(patch: Patch) -> None:
    patch.rewrite(transactions.write_page, "written.changes.written()", '[each.ref or "" for each in draft.entities]')


@mutant("C-12", "removals tell nothing")
def removals_untold(patch: Patch) -> None:
    patch.rewrite(MemoryOutboxRows.removing, "self.outbox_removals(gone, ingestion)", "pass")


@mutant("C-12", "removals are told before their sweep is committed")
def removals_told_early(patch: Patch) -> None:
    patch.rewrite(
        transactions.sweep,
        "    refused_by =",
        "    tx._outbox and tx._outbox.add(['x'], ingestion.number, removed=True)\n    refused_by =",
    )


@mutant("C-12", "a page that is refused has told already")
def told_before_the_commit(patch: Patch) -> None:
    patch.rewrite(
        MemoryOutboxRows.outbox_upserts,
        "self._writes.append(partial(self._outbox.add, refs, ingestion, removed=False))",
        "self._outbox.add(refs, ingestion, removed=False)",
    )


@mutant("C-12", "an outbox is numbered anew when it is empty")
def numbered_anew(patch: Patch) -> None:
    patch.rewrite(Outbox.add, "for ref in refs:", "self.last = self.last if self.rows else 0\n        for ref in refs:")


# --- what is made of it -----------------------------------------------------------------------------------------------


@mutant("C-12", "what came back is told as removed")
def returned_is_removed(patch: Patch) -> None:
    patch.rewrite(outbox.delivery_of, "if row.removed and row.ref not in stored", "if row.removed")


@mutant("C-12", "what another provider owns by now is told as one's own")
def told_of_others(patch: Patch) -> None:
    patch.rewrite(outbox.delivery_of, " if entity.provider == turn.provider", "")


@mutant("C-12", "what is gone by now is not told as removed")
def gone_is_forgotten(patch: Patch) -> None:
    patch.rewrite(outbox.delivery_of, "tuple(gone)", "()")


@mutant("C-12", "rows of different ingestions come together")
def ingestions_mixed(patch: Patch) -> None:
    patch.rewrite(outbox.alike, "row.ingestion == rows[0].ingestion", "True")


@mutant("C-12", "the last part of a resync is left out")
def resync_ends_early(patch: Patch) -> None:
    patch.rewrite(outbox.resync_of, "part[-1].ref if len(part) == limit else None", "None")


# --- who has what -----------------------------------------------------------------------------------------------------


@mutant("C-12", "a new sink is not given what is there")
def begins_with_nothing(patch: Patch) -> None:
    patch.rewrite(
        MemorySinks.register_sink, 'outboxes.of(each).last, "", number', "outboxes.of(each).last, None, number"
    )


@mutant("C-12", "registering again begins anew")
def registered_anew(patch: Patch) -> None:
    patch.rewrite(MemorySinks.register_sink, "if name not in outboxes.sinks:", "if True:")


@mutant("C-12", "a removed sink is still there")
def removed_stays(patch: Patch) -> None:
    patch.rewrite(MemorySinks.remove_sink, "del self._tables.outboxes.sinks[name]", "pass")


@mutant("C-12", "a sink that is not registered is made")
def unknown_is_made(patch: Patch) -> None:
    patch.rewrite(
        MemorySinks._sink,
        "if name not in sinks:",
        "if name not in sinks:\n            self.register_sink(name)\n        if 0:",
    )


@mutant("C-12", "a confirmation brings a sink back that is gone")
def confirmation_registers(patch: Patch) -> None:
    patch.rewrite(
        MemorySinks.delivered, "if sink is None:", "if sink is None:\n                self.register_sink(turn.sink)"
    )


@mutant("C-12", "a resync drops what waits")
def resync_drops(patch: Patch) -> None:
    patch.rewrite(
        MemorySinks.resync,
        'replace(sink.turn(provider), resync_after=""',
        'replace(sink.turn(provider), sequence=self._tables.outboxes.of(provider).last, resync_after=""',
    )


@mutant("C-12", "what is written during a resync is taken for delivered with it")
def resync_skips(patch: Patch) -> None:
    patch.rewrite(outbox.resync_of, "None, turn.sequence, tuple(part)", "None, turn.sequence + bool(part), tuple(part)")


@mutant("C-12", "a confirmation that comes late counts")
def late_counts(patch: Patch) -> None:
    patch.rewrite(MemorySinks.delivered, "sink.turn(turn.provider).number == turn.number", "True")


@mutant("C-12", "rows go when the first sink has them")
def trimmed_by_the_fastest(patch: Patch) -> None:
    patch.rewrite(Outboxes.trim, "outbox.trim(min(", "outbox.trim(max(")


@mutant("C-12", "a provider that was added later is not told")
def latecomers_untold(patch: Patch) -> None:
    patch.rewrite(Outboxes.waiting, "in providers)", "in providers if provider in sink.turns)")


@mutant("C-12", "the same provider comes first every time")
def no_turns(patch: Patch) -> None:
    patch.rewrite(Outboxes.waiting, "(each.number, each.provider)", "each.provider")


@mutant("C-12", "two replicas may deliver at once")
def delivered_by_all(patch: Patch) -> None:
    patch.rewrite(MemorySinks.lease_sink, "if free and", "if")


@mutant("C-12", "a failure moves its beginning each time")
def failing_since_now(patch: Patch) -> None:
    patch.rewrite(MemorySinks.delivery_failed, "sink.failing_since or ", "")


@mutant("C-12", "what was read counts as delivered")
def read_is_delivered(patch: Patch) -> None:
    patch.rewrite(
        MemorySinks.next_delivery,
        "turn = waiting[0]",
        "turn = waiting[0]\n            self.delivered(Delivery(turn, None, turn.sequence + 1))",
    )


# --- how it is brought ------------------------------------------------------------------------------------------------


@mutant("C-12", "a mutation is confirmed before the sink has it: at most once", also=("slow",))
def confirmed_first(patch: Patch) -> None:
    patch.rewrite(
        courier.Courier._one,
        "self._apply(attached, delivery)\n                self._store.delivered(delivery)",
        "self._store.delivered(delivery)\n                self._apply(attached, delivery)",
    )


@mutant("C-12", "a sink is called for nothing")
def called_for_nothing(patch: Patch) -> None:
    patch.rewrite(courier.Courier._apply, "if not mutation.size and mutation.resync is None:", "if False:")


@mutant("C-12", "the right to deliver is not given back")
def right_is_kept(patch: Patch) -> None:
    patch.rewrite(courier.Courier._give_back, "self._store.release_sink(attached.name, self._holder)", "pass")


@mutant("C-12", "one sink that fails keeps all others from theirs")
def one_fails_all(patch: Patch) -> None:
    patch.rewrite(
        courier.Courier.deliver,
        "failed[attached.name] = str(error)",
        "failed[attached.name] = str(error)\n                break",
    )


@mutant("C-13", "all that waits is told at once", also=SLOW)
def told_at_once(patch: Patch) -> None:
    patch.replace(courier, "BATCH", 1_000_000)
    patch.rewrite(courier.Courier._one, "limit=BATCH", "limit=1_000_000")


@mutant("C-12", "a failing sink does not stop the next page")
def pages_go_on(patch: Patch) -> None:
    patch.rewrite(engine.Engine._deliver, "bool(report.failed)", "False")


@mutant("C-12", "a failing sink costs an attempt")
def sinks_cost_attempts(patch: Patch) -> None:
    patch.rewrite(
        engine.Engine._deliver,
        "work.blocked = bool(report.failed)",
        'work.blocked = bool(report.failed)\n        if report.failed:\n            raise OSError("the sink failed")',
    )


@mutant("C-12", "after a failing sink a burst begins at once")
def blocked_for_no_time(patch: Patch) -> None:
    patch.rewrite(engine.Engine._interval_after, "max(self.options.burst_interval, SINK_WAIT)", "SINK_WAIT * 0")


@mutant("C-12", "sinks are told after all pages")
def told_at_the_end(patch: Patch) -> None:
    patch.rewrite(engine.Engine._pages, "yield from self._deliver(work)", "pass")


# --- on a server ------------------------------------------------------------------------------------------------------


@mutant("C-12", "whoever registers a sink does not wait for pages that are under way", also=POSTGRES)
def registered_without_waiting(patch: Patch) -> None:
    sql(patch, "lock_sinks", "LOCK TABLE sink IN ACCESS EXCLUSIVE MODE", "SELECT 1")


@mutant("C-12", "rows stay although every sink has them", also=POSTGRES)
def rows_stay(patch: Patch) -> None:
    patch.rewrite(PostgresOutbox.delivered, ', "trim_outbox"', "")


@mutant("C-12", "what a sweep removes is committed to the outbox before the sweep", also=POSTGRES)
def removals_committed(patch: Patch) -> None:
    patch.rewrite(
        PostgresOutboxRows.removing,
        "ingestion=ingestion, removed=True)",
        "ingestion=ingestion, removed=True); self._connection.commit()",
    )
