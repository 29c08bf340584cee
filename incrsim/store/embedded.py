"""A real Postgres with nothing installed beforehand, started by its first user and stopped by its last."""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import platformdirs

from incrsim.errors import CallerError, StoreUnusable
from incrsim.store.embedded_access import RESERVED_SETTINGS
from incrsim.store.embedded_binaries import Account, account_of, find_binaries, inspect, server_account
from incrsim.store.embedded_cluster import Cluster, User

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

__all__ = ["EmbeddedPostgres", "find_binaries", "start"]

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "shared_buffers": "160MB",
        # A first load writes gigabytes: by Postgres' own 1 GB and 5 minutes it would be checkpointing all the time.
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
)
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
FOR_ROOT = Path("/var/lib/incrsim")
"""Where root's data lies when the server's user cannot enter root's home."""


class EmbeddedPostgres:
    """One use of an embedded server, made by `start`; the last one to `close` stops the server.

    A process that ends in order closes by itself; one that is killed is noticed by the next that comes or goes.

    Args:
        cluster: the directory and its server.
        user: this use, already counted.
        version: the server's.
    """

    def __init__(self, cluster: Cluster, user: User, version: str) -> None:
        self._cluster = cluster
        self._user: User | None = user
        self._process = os.getpid()
        self.url = cluster.access.url()
        """For `psycopg.connect` as it is; SQLAlchemy wants `postgresql+psycopg` for the scheme."""
        self.directory = cluster.directory
        self.version = version
        atexit.register(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave; the last user waits until the server has stopped. Twice is once.

        Raises:
            StoreUnavailable: the server does not stop.
        """
        user, self._user = self._user, None
        # A forked child has a copy of this object, and no use of its own to give up.
        if user is None or self._process != os.getpid():
            return
        atexit.unregister(self.close)
        with self._cluster.changing():
            self._cluster.leave(user)

    def describe(self) -> str:
        """Say in one line what runs where."""
        cluster = self._cluster
        return (
            f"Postgres {self.version} in {self.directory}, run by {cluster.account.name}, "
            f"listening in {cluster.access.socket_directory} only"
        )


def start(
    directory: Path | None = None, *, binaries: Path | None = None, settings: Mapping[str, str] = NO_SETTINGS
) -> EmbeddedPostgres:
    """Start a server on a directory, or become one more user of the one that runs there.

    Args:
        directory: where the data lives: new, empty, or used so before; by default the platform's place for user data.
        binaries: the directory of `initdb` and `postgres`; by default see `find_binaries`.
        settings: Postgres' own, such as `{"fsync": "off"}`; they count for the call that starts the server.

    Raises:
        CallerError: the directory, the binaries or a setting cannot be used.
        MissingExtra: there are no binaries.
        StoreUnusable: the data is of another major version or user, or this machine cannot run it.
        StoreUnavailable: the server does not start.
    """
    if sys.platform == "win32":
        raise StoreUnusable(
            "an embedded Postgres needs Unix sockets and file locks; pass the URL of a running database"
        )
    _check_settings(settings)
    chosen = inspect(find_binaries(binaries))
    account = server_account()
    home = default_directory(chosen.major, account) if directory is None else directory.expanduser().resolve()
    account = _keeper(home, account)
    _prepare(home, account)
    cluster = Cluster(home, chosen, account, {**SETTINGS, **settings})
    with cluster.changing():
        cluster.make_data()
        user = cluster.join()
        try:
            version = cluster.ensure_running()
        except BaseException:
            cluster.leave(user)
            raise
    return EmbeddedPostgres(cluster, user, version)


def default_directory(major: int, account: Account) -> Path:
    """Where the data lives unless told otherwise.

    Args:
        major: the binaries' version; data of another one is another directory.
        account: the user that the server runs as, and who must be able to get there.
    """
    home = Path(platformdirs.user_data_dir("incrsim")).resolve()
    return (home if account.can_enter(home) else FOR_ROOT) / f"postgres-{major}"


def _check_settings(settings: Mapping[str, str]) -> None:
    reserved = sorted(RESERVED_SETTINGS & set(settings))
    if reserved:
        raise CallerError(
            f"settings={dict(settings)!r}: {', '.join(reserved)} keep the server private and are not for changing; "
            "leave them out, or run a Postgres of your own and pass its URL"
        )


def _keeper(home: Path, account: Account) -> Account:
    """Whoever has the data keeps it: a `postgres` who came to the machine later does not own what `nobody` made."""
    data = home / "data"
    owner = data.stat().st_uid if account.is_another and data.is_dir() else 0
    return account_of(owner) if owner else account


def _prepare(home: Path, account: Account) -> None:
    """Make the directory the caller's, open to nobody but the server's user; what lies above it is left as it is."""
    if not account.can_enter(home.parent):
        raise CallerError(
            f"directory={str(home)!r}: Postgres does not run as root but here as {account.name}, who cannot enter "
            f"{home.parent}; name a directory below one that is open to all, such as {FOR_ROOT / home.name}"
        )
    try:
        for missing in [above for above in home.parents if not above.exists()][::-1]:
            missing.mkdir(exist_ok=True)
            if account.is_another:  # who must get through, whatever the caller's umask says
                missing.chmod(0o711)
        home.mkdir(mode=0o700, exist_ok=True)
        content = {path.name for path in home.iterdir()}
        owner = home.stat().st_uid
    except OSError as error:
        raise CallerError(f"directory={str(home)!r} cannot be used: {error}; name one that you may write to") from error
    if owner != os.geteuid():
        raise CallerError(
            f"directory={str(home)!r} belongs to user {owner}, and you are {os.geteuid()}; "
            "name another directory, or run as its owner"
        )
    if content and "lock" not in content:
        raise CallerError(
            f"directory={str(home)!r} holds something else already ({', '.join(sorted(content)[:3])}); "
            "name a new or an empty directory"
        )
    if account.is_another:
        os.chown(home, -1, account.gid)
    home.chmod(0o710 if account.is_another else 0o700)
