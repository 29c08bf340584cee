"""Engines, hosts and apps that break their word to providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incrsim import app, burst, draft, engine, errors_text, host, lifecycle, provider, roster
from incrsim.store import contract
from tests.mutants.registry import mutant

if TYPE_CHECKING:
    from tests.mutants.patch import Patch

Engine = engine.Engine


# --- C-1: names, and replacing ----------------------------------------------------------------------------------------


@mutant("C-1", "the longest name is refused")
def shorter_names(patch: Patch) -> None:
    patch.replace(provider, "NAME_LIMIT", 254)


@mutant("C-1", "any character will do in a name")
def unprintable_names(patch: Patch) -> None:
    patch.rewrite(provider.provider_name, " or not name.isprintable()", "")


@mutant("C-1", "a second provider of a name silently takes the place of the first")
def silent_replacement(patch: Patch) -> None:
    patch.rewrite(app.App.add, "if replace else self._roster.add", "if True else None")


@mutant("C-1", "a provider is replaced while its burst runs")
def undrained(patch: Patch) -> None:
    patch.rewrite(roster.Served.drained, "with self._alone():", "if True:")


@mutant("C-1", "a tick that waited for the old provider runs it after it was replaced")
def late_tick(patch: Patch) -> None:
    patch.rewrite(roster.Roster.driven, "if self._served.get(name) is served:", "if True:")


# --- C-2: the context and the cursor ----------------------------------------------------------------------------------


@mutant("C-2", "the context is never left")
def context_left_open(patch: Patch) -> None:
    patch.rewrite(burst.ProviderBurst.leave, "self._shape.leave(error, timeout)", "pass")


@mutant("C-2", "around never hears of the burst's error")
def error_withheld(patch: Patch) -> None:
    patch.rewrite(burst.ProviderBurst.leave, "self._shape.leave(error, timeout)", "self._shape.leave(None, timeout)")


@mutant("C-2", "a callback that does not wait for its burst is noticed when it is over")
def context_closed_meanwhile(patch: Patch) -> None:
    patch.rewrite(burst._CallbackShape._begin, "if not task.done():", "if self._calls:\n            self._task = task")


@mutant("C-2", "the context is left on the engine's thread")
def left_elsewhere(patch: Patch) -> None:
    patch.rewrite(
        host._ThreadSession.leave,
        "self._call(lambda: self._burst.leave(error, self._limit))",
        "self._burst.leave(error, self._limit)",
    )


@mutant("C-2", "coroutines meet the event loop of the caller's thread")
def nested_loops(patch: Patch) -> None:
    patch.rewrite(host._loop_is_running, "return True", "return False")


@mutant("C-2", "a cursor that is false means the first page")
def falsy_cursor(patch: Patch) -> None:
    patch.rewrite(Engine._fetch, "read_cursor(cursor))", "read_cursor(cursor) or None)")


@mutant("C-2", "each burst begins at the first page")
def forgetful_bursts(patch: Patch) -> None:
    patch.rewrite(lifecycle.burst_spent, "due_at=now + options.burst_interval", "due_at=now, cursor=None")


@mutant("C-2", "the context is left after errors only, not after Ctrl-C or a dropped tick")
def interrupted_context(patch: Patch) -> None:
    patch.rewrite(Engine._read, "except BaseException as error:", "except Exception as error:")


@mutant("C-2", "a tick whose listener failed stays where it was")
def tick_left_open(patch: Patch) -> None:
    patch.rewrite(roster.Roster.tick, "closing(engine.tick())", "nullcontext(engine.tick())")


# --- C-3, C-4: pages and cursors; what stores do with them is in store.py ---------------------------------------------


@mutant("C-3", "a page that is not done needs no cursor")
def page_without_cursor(patch: Patch) -> None:
    patch.rewrite(provider.as_page, "if returned.cursor is None and not returned.done:", "if False:")


@mutant("C-3", "a false cursor is none")
def falsy_is_no_cursor(patch: Patch) -> None:
    patch.rewrite(provider.as_page, "if returned.cursor is None and", "if not returned.cursor and")


@mutant("C-3", "the cursor of a done page is looked at")
def cursor_of_done_page(patch: Patch) -> None:
    patch.rewrite(Engine._commit, "None if page.done else", "None if page.cursor is None else")


@mutant("C-4", "whatever JSON makes of a cursor is stored")
def any_cursor(patch: Patch) -> None:
    patch.rewrite(
        Engine._commit, "canonical_cursor(page.cursor)", "__import__('json').dumps(page.cursor, default=repr)"
    )


# --- C-6, C-7, C-8: entities ------------------------------------------------------------------------------------------


@mutant("C-6", "the catalog keeps what the source said, and nothing else")
def unannotated(patch: Patch) -> None:
    patch.rewrite(contract.StoredEntity.body, "annotated(self.canonical, self.provider)", "self.canonical")


@mutant("C-7", "what has no readable ref is dropped")
def unreadable_dropped(patch: Patch) -> None:
    patch.rewrite(draft._each_once, "unreadable.append(invalid(entity))", "pass")


@mutant("C-8", "the earlier one of two wins")
def earlier_wins(patch: Patch) -> None:
    patch.rewrite(draft._each_once, "latest.pop(entity.ref, None)", "entity = latest.pop(entity.ref, entity)")


# --- C-13, C-16, C-39: memory and time --------------------------------------------------------------------------------


@mutant("C-13", "a burst keeps its pages")
def pages_are_kept(patch: Patch) -> None:
    patch.rewrite(
        Engine._commit,
        "number = work.ingestion.number",
        "number = work.ingestion.number\n        globals().setdefault('kept', []).append(page)",
    )


@mutant("C-16", "a cancelled page is an error like any other", raises=(TimeoutError,))
def nameless_timeout(patch: Patch) -> None:
    patch.rewrite(burst._within, "as error:\n        if limit.expired():", "as error:\n        if False:")


@mutant("C-16", "an around that takes too long is left to itself")
def around_goes_on(patch: Patch) -> None:
    patch.rewrite(burst._CallbackShape._begin, "task.cancel()\n            await asyncio.wait({task})", "pass")


@mutant("C-16", "virtual pages may take twice as long")
def generous_limit(patch: Patch) -> None:
    patch.rewrite(host._InlineSession._within, "> self._timeout:", "> 2 * self._timeout:")


@mutant("C-16", "nobody remembers stuck threads")
def stuck_forgotten(patch: Patch) -> None:
    patch.rewrite(host.ThreadHost.is_stuck, "return thread is not None", "return False")


@mutant("C-16", "a burst goes on when its length is just spent")
def one_page_more(patch: Patch) -> None:
    patch.rewrite(Engine._pages, ">= length", "> length")


@mutant("C-16", "entering the context is free")
def entering_is_free(patch: Patch) -> None:
    patch.rewrite(Engine._read, "session.enter()", "session.enter()\n            begun = self.clock.monotonic()")


@mutant("C-39", "burst lengths are measured by the wall clock")
def wall_clock_bursts(patch: Patch) -> None:
    patch.rewrite(Engine._pages, "self.clock.monotonic() - begun", "self.clock.now().timestamp() - begun")


# --- C-17, C-18: failures ---------------------------------------------------------------------------------------------


@mutant("C-17", "an error's text decides what follows")
def by_text(patch: Patch) -> None:
    patch.rewrite(engine.consequence_of, "case FatalError():", 'case _ if "fatal" in str(error):')


@mutant("C-17", "failures of the store are nobody's")
def store_failures_ignored(patch: Patch) -> None:
    patch.rewrite(Engine._work, "except Fenced as error:", "except StoreError as error:")


@mutant("C-18", "a failure that cannot be recorded is forgotten")
def unrecorded_forgotten(patch: Patch) -> None:
    patch.rewrite(Engine._record, "raise unrecorded from error", "return")


@mutant("C-18", "the page that failed is not recorded")
def page_withheld(patch: Patch) -> None:
    patch.rewrite(Engine._failure, "page=page,", "page=None,")


@mutant("C-18", "classes are recorded without their module")
def bare_class(patch: Patch) -> None:
    patch.rewrite(Engine._failure, 'f"{kind.__module__}.{kind.__qualname__}"', "kind.__qualname__")


@mutant("C-18", "messages may be longer than 16 kB")
def long_messages(patch: Patch) -> None:
    patch.replace(errors_text, "MESSAGE_LIMIT", 20_000)


@mutant("C-18", "the redact hook is not asked")
def secrets_kept(patch: Patch) -> None:
    patch.rewrite(Engine._redacted, "return _checked(self.options.redact(text))", "return text")


@mutant("C-18", "the traceback is not logged")
def no_traceback(patch: Patch) -> None:
    patch.rewrite(Engine._record, ", exc_info=error", "")


# --- C-20: safety -----------------------------------------------------------------------------------------------------


@mutant("C-20", "after a done page the source is read again instead of swept")
def done_forgotten(patch: Patch) -> None:
    patch.rewrite(lifecycle.source_done, "sweep_due=True", "sweep_due=False")


@mutant("C-20", "anything that is not false counts as done")
def truthy_is_done(patch: Patch) -> None:
    patch.rewrite(provider.as_page, "if not isinstance(returned.done, bool):", "if False:")
