"""What operators do to live providers: `incrsim trigger`, `start`, … `retire`.

Each is `Operators`' call of the same name; what differs between those on one provider is a row of a table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from incrsim.cli import consequences
from incrsim.cli.asking import Before, Yes, no_question, question
from incrsim.cli.kept import KeptDatabase, kept_database
from incrsim.cli.options import Config, Json

if TYPE_CHECKING:
    from incrsim.app import App
    from incrsim.operators import Done, Operators

Name = Annotated[str, typer.Argument(metavar="NAME", help="A provider, as `incrsim providers` shows it.")]

APPROVE_HELP = (
    "Let through what a guard refused to remove.\n\n"
    "Look first: `incrsim status NAME` shows the verdict and its id, `incrsim stale NAME` the refs. What was marked or "
    "added since, or is another provider's by now, stays. While the ingestion rests it happens at once, else with the "
    "next sweep."
)
CLEANUP_HELP = (
    "Forget all ingestions, marks and problems of all providers, as `delete` does for one; all entities stay."
)
RETIRE_HELP = (
    "Remove a provider's entities from the catalog, and its records.\n\n"
    "Stop the workers that serve it first; --expect says how many entities it owns, and another number changes nothing."
)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is told nothing but whom it is about.

    Args:
        name: of the command.
        help: what its users read.
        do: the call itself.
        foresee: what it will do, in a sentence with numbers; `None` when it needs no question.
    """

    name: str
    help: str
    do: Callable[[Operators, str], Done]
    foresee: Callable[[App, str], str] | None = None


CALLS = (
    Call(
        "trigger",
        "Do what comes next now: a wait or a rest ends. What runs already is left alone.",
        lambda operators, name: operators.trigger(name),
    ),
    Call(
        "pause",
        "Begin nothing until `incrsim resume`; a running burst ends at its next page. Lasts, whatever restarts.",
        lambda operators, name: operators.pause(name),
    ),
    Call("resume", "Go on after `incrsim pause`.", lambda operators, name: operators.resume(name)),
    Call(
        "start",
        "End this ingestion, also a running burst, and begin a new one now.",
        lambda operators, name: operators.start(name),
        consequences.of_start,
    ),
    Call(
        "cancel",
        "End this ingestion, also a running burst; a new one begins in 24 hours.",
        lambda operators, name: operators.cancel(name),
        consequences.of_cancel,
    ),
    Call(
        "delete-marks",
        "Forget how far this ingestion came, and begin a new one at the first page now.",
        lambda operators, name: operators.delete_marks(name),
        consequences.of_delete_marks,
    ),
    Call(
        "delete",
        "Forget a provider's ingestions, marks and problems; its entities stay, and a new one begins in 24 hours.",
        lambda operators, name: operators.delete(name),
        consequences.of_delete,
    ),
)


def command_of(call: Call) -> Callable[..., None]:
    """The command of a row of the table."""
    return _plain(call) if call.foresee is None else _asking(call, call.foresee)


def _plain(call: Call) -> Callable[..., None]:
    def command(name: Name, database: KeptDatabase = None, config: Config = None, as_json: Json = False) -> None:
        act(kept_database(database, config), lambda it: call.do(it, name), as_json=as_json)

    return command


def _asking(call: Call, foresee: Callable[[App, str], str]) -> Callable[..., None]:
    def command(
        name: Name, yes: Yes = False, database: KeptDatabase = None, config: Config = None, as_json: Json = False
    ) -> None:
        before = question(call.name, lambda app: foresee(app, name), yes=yes)
        act(kept_database(database, config), lambda it: call.do(it, name), before, as_json=as_json)

    return command


def approve(
    name: Name,
    verdict: Annotated[int, typer.Option(metavar="ID", help="The verdict that is approved, as `status` shows it.")],
    yes: Yes = False,
    database: KeptDatabase = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """The command; `APPROVE_HELP` is what its users read."""
    before = question("approve", lambda app: consequences.of_approve(app, name, verdict), yes=yes)
    act(kept_database(database, config), lambda it: it.approve(name, verdict), before, as_json=as_json)


def cleanup(yes: Yes = False, database: KeptDatabase = None, config: Config = None, as_json: Json = False) -> None:
    """The command; `CLEANUP_HELP` is what its users read."""
    before = question("cleanup", consequences.of_cleanup, yes=yes)
    act(kept_database(database, config), lambda it: it.cleanup(), before, as_json=as_json)


def retire(
    name: Name,
    expect: Annotated[int, typer.Option(metavar="N", help="How many entities it owns.")],
    yes: Yes = False,
    database: KeptDatabase = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """The command; `RETIRE_HELP` is what its users read."""
    before = question("retire", lambda app: consequences.of_retire(app, name, expect), yes=yes)
    act(kept_database(database, config), lambda it: it.retire(name, expect), before, as_json=as_json)


def act(database: str, do: Callable[[Operators], Done], before: Before = no_question, *, as_json: bool) -> None:
    """Make a call, and say what it did.

    Args:
        database: a Postgres.
        do: the call.
        before: asks whether to.
        as_json: say it as a document.
    """
    from incrsim.opening import open as open_app

    with open_app(database) as app:
        before(app)
        done = do(app.operators)
    if as_json:
        from incrsim.cli.output import print_json

        print_json(done.to_dict())
    else:
        typer.echo(str(done))  # one line, whatever the width
