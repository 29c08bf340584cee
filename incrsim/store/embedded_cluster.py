"""The directory of one embedded Postgres: making its data, starting and stopping its server, counting its users.

data/              the database cluster, of the user that the server runs as
lock               held while somebody joins or leaves, so that one at a time decides to start or to stop
users/             a file per user, locked for as long as the user lives
server.lock        locked by the server and its children, for as long as any of them lives
server.log         what the server has to say
binaries-*/        where the server's user cannot reach the installed ones
(and what `embedded_access` keeps)
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from incrsim.clock import SystemClock
from incrsim.errors import StoreUnavailable, StoreUnusable
from incrsim.store.embedded_access import DATABASE, ROLE, Access
from incrsim.store.embedded_binaries import NAMED_BY, Account, Binaries
from incrsim.store.embedded_locks import hold, holding, is_held

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

READY_WITHIN = STOPPED_WITHIN = 300.0
"""Seconds for recovery after a crash, and for the checkpoint before an orderly end: a slow disk takes minutes."""
CONNECT_TRIES = 500
LOOK_AGAIN = 0.02
LOG_KEPT = 10_000_000

_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class User:
    """One use of the server: a file that stays locked until its descriptor is closed, by whatever death."""

    path: Path
    descriptor: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """One directory of data, its server, and the rules of sharing it. All but `changing` is called while that is held.

    Args:
        directory: absolute, owned by the caller, and one that `account` can enter.
        binaries: as installed; they are copied where `account` cannot run them.
        account: the user that the server runs as.
        settings: for `postgres -c`, should this call be the one that starts the server.
    """

    directory: Path
    binaries: Binaries
    account: Account
    settings: Mapping[str, str]

    @property
    def data(self) -> Path:
        """What Postgres calls its data directory."""
        return self.directory / "data"

    @property
    def log(self) -> Path:
        """Where the server writes what it has to say."""
        return self.directory / "server.log"

    @property
    def access(self) -> Access:
        """Where the server listens, and to whom."""
        return Access(self.directory, self.account)

    def changing(self) -> AbstractContextManager[None]:
        """Keep everybody else from joining or leaving meanwhile."""
        return holding(self.directory / "lock")

    def join(self) -> User:
        """Become one of the server's users."""
        users = self.directory / "users"
        users.mkdir(mode=0o700, exist_ok=True)
        path = users / f"{os.getpid()}-{secrets.token_hex(8)}"
        return User(path, hold(path))

    def leave(self, user: User) -> None:
        """Be a user no longer; the last one stops the server.

        Raises:
            StoreUnavailable: the server does not stop.
        """
        user.path.unlink(missing_ok=True)
        os.close(user.descriptor)
        if not self._has_users():
            self._stop()

    def _has_users(self) -> bool:
        alive = False
        for path in (self.directory / "users").iterdir():
            if is_held(path):
                alive = True
            else:
                path.unlink()  # of a user that died without a word
        return alive

    def make_data(self) -> None:
        """Create the database cluster, or see that the one that is there can be used.

        Raises:
            StoreUnusable: `initdb` failed, or the data is of another major version or user.
        """
        if self.data.is_dir():
            self._check_data()
            return
        for leftover in self.directory.glob("data.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        # Under another name until it is whole: what was interrupted half way must not be taken for a database.
        unfinished = Path(tempfile.mkdtemp(prefix="data.new-", dir=self.directory))
        self.account.give(unfinished)
        # `peer` is only what a server started by hand would go by: ours brings its own rules (`Access`).
        command: list[str | Path] = [self._reachable("initdb"), "-D", unfinished, f"--username={ROLE}", "--auth=peer"]
        command += ["--encoding=UTF8", "--locale=C"]
        if self.binaries.have_builtin_locale:
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if self.settings.get("fsync") == "off":
            command += ["--no-sync"]
        made = self.account.run(command, capture_output=True)
        if made.returncode != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise StoreUnusable(f"`initdb` could not make a database in {self.directory}: {made.stderr.strip()}")
        unfinished.rename(self.data)

    def _check_data(self) -> None:
        owner = self.data.stat().st_uid
        if owner != self.account.uid:
            raise StoreUnusable(
                f"{self.data} belongs to user {owner}, and its server would run as {self.account.name}; "
                f"give it away with `chown -R {self.account.name} {self.data}`, or name another directory"
            )
        kept = (self.data / "PG_VERSION").read_text().strip()
        if kept != str(self.binaries.major):
            raise StoreUnusable(
                f"{self.data} holds data of Postgres {kept}, and the binaries in {self.binaries.directory} are of "
                f"{self.binaries.version}, which cannot read it; set {NAMED_BY} to the binaries of a Postgres {kept}, "
                "or name another directory, to begin with an empty database (`pg_dump` and `pg_restore` move data)"
            )

    def ensure_running(self) -> str:
        """Start the server unless it runs, wait until it answers, and see to its database.

        Returns:
            The server's version.

        Raises:
            StoreUnavailable: it does not start, or does not answer in time.
        """
        log_from: int | None = None
        tries = CONNECT_TRIES
        begun = _CLOCK.monotonic()
        while _CLOCK.monotonic() - begun < READY_WITHIN:
            if not is_held(self._server_lock):
                if log_from is not None:
                    raise StoreUnavailable(f"Postgres does not start in {self.directory}: {self._said_since(log_from)}")
                log_from = self._spawn()
            elif self._postmaster_file()[7:8] == ["ready"]:
                try:
                    return self._open_database()
                except psycopg.OperationalError as error:
                    # What a killed server left behind says "ready" too, until its last child has died.
                    tries -= 1
                    if tries == 0:
                        raise StoreUnavailable(f"Postgres runs in {self.directory} and refuses: {error}") from error
            _CLOCK.wait(LOOK_AGAIN)
        raise StoreUnavailable(
            f"Postgres runs in {self.directory} and is not ready after {READY_WITHIN:.0f} s; see {self.log}, and end "
            "the process that its `data/postmaster.pid` names if it is one of another machine or container"
        )

    @property
    def _server_lock(self) -> Path:
        return self.directory / "server.lock"

    def _open_database(self) -> str:
        with psycopg.connect(self.access.url("postgres"), autocommit=True, connect_timeout=10) as connection:
            there = connection.execute("select from pg_database where datname = %s", [DATABASE]).fetchone()
            if there is None:
                connection.execute(f"create database {DATABASE}".encode())
            major, minor = divmod(connection.info.server_version, 10_000)
        return f"{major}.{minor}"

    def _spawn(self) -> int:
        self._clear_after_crash()
        self.access.prepare()
        if self.log.exists() and self.log.stat().st_size > LOG_KEPT:
            self.log.replace(self.log.with_suffix(".log.1"))
        # The shell ends at once: the server is nobody's child (no zombie to reap), in a session of its own (no Ctrl-C
        # reaches it), and what it inherits is the log and the lock that says that it lives.
        command: list[str | Path] = ["/bin/sh", "-c", '"$0" "$@" &', self._reachable("postgres"), "-D", self.data]
        for name, value in (dict(self.settings) | self.access.settings).items():
            command += ["-c", f"{name}={value}"]
        lock = hold(self._server_lock)
        try:
            with self.log.open("ab") as log:
                begins = log.tell()
                self.account.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    pass_fds=[lock],
                )
        finally:
            os.close(lock)
        return begins

    def _said_since(self, offset: int) -> str:
        said = self.log.read_bytes()[offset:].decode(errors="replace").strip().splitlines()
        return " | ".join(said[-20:]) or f"it said nothing; see {self.log}"

    def _stop(self) -> None:
        for order in (signal.SIGINT, signal.SIGQUIT):  # Postgres' own words for "roll back, then end" and "end now"
            postmaster = self._postmaster()
            if postmaster is not None:
                os.kill(postmaster, order)
            if postmaster is None or self._ends():
                break
        if self._ends():
            self.access.clear()
            return
        raise StoreUnavailable(f"the Postgres in {self.directory} has no user left and does not stop; see {self.log}")

    def _ends(self) -> bool:
        begun = _CLOCK.monotonic()
        while is_held(self._server_lock):
            if _CLOCK.monotonic() - begun > STOPPED_WITHIN:
                return False
            _CLOCK.wait(LOOK_AGAIN)
        return True

    def _postmaster_file(self) -> list[str]:
        try:
            return [line.strip() for line in (self.data / "postmaster.pid").read_text().splitlines()]
        except FileNotFoundError:
            return []

    def _postmaster(self) -> int | None:
        """The server's process, once its number is known to be no stranger's."""
        number = int((self._postmaster_file() or ["0"])[0] or 0)
        return number if number and f"postgres -D {self.data} " in _command_line(number) else None

    def _clear_after_crash(self) -> None:
        """Remove the number of a dead server: a stranger may have it by now, whom Postgres would take for a server."""
        number = int((self._postmaster_file() or ["0"])[0] or 0)
        command = _command_line(number) if number else ""
        of_another = "-D /" in command and f"-D {self.data}" not in command
        if re.match(r"\S*(postgres|postmaster)( |$)", command) and not of_another:
            raise StoreUnusable(
                f"a Postgres that was not started by incrsim (process {number}: {command.strip()}) uses {self.data}; "
                "stop it, or pass its URL"
            )
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _reachable(self, program: str) -> Path:
        if self.account.can_run(self.binaries):
            return self.binaries.directory / program
        return self.binaries.copied_into(self.directory) / program


def _command_line(process: int) -> str:
    """A process's program and arguments, empty for a dead one; any user may read them, unlike its working directory."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    command = ["/bin/ps", "-ww", "-o", "command=", "-p", str(process)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603 -- all of it is ours
