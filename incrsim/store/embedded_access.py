"""Where an embedded Postgres listens, and to whom: a Unix socket in a private directory, its owner and nobody else.

What it keeps in the server's directory:

    socket/            where it listens, unless that path does not do
    socket-directory   then this names another
    pg_hba.conf        who may connect: nobody is trusted, the kernel says who it is (`peer`)
    pg_ident.conf      and it must be the user who owns the directory
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from incrsim.errors import StoreUnusable
from incrsim.store.embedded_binaries import Account, account_of

ROLE = DATABASE = "incrsim"
PORT = 5432
"""Names the socket's file; no TCP port is opened."""
LONGEST_SOCKET = 103
"""Bytes of a Unix socket's path on macOS; Linux takes 107."""
RESERVED_SETTINGS = frozenset(
    {
        "data_directory",
        "hba_file",
        "ident_file",
        "listen_addresses",
        "port",
        "unix_socket_directories",
        "unix_socket_permissions",
    }
)
"""What keeps the server private, and is therefore nobody's to set."""


@dataclass(frozen=True, slots=True)
class Access:
    """The way to one server.

    Args:
        directory: the server's, owned by the caller.
        account: the user that the server runs as.
    """

    directory: Path
    account: Account

    @property
    def settings(self) -> dict[str, str]:
        """For `postgres -c`; of a user's own settings none may be among them."""
        return {
            "hba_file": str(self.directory / "pg_hba.conf"),
            "ident_file": str(self.directory / "pg_ident.conf"),
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": str(self.socket_directory),
            "unix_socket_permissions": "0700",
        }

    @property
    def socket_directory(self) -> Path:
        """Where the server listens."""
        return Path(self._record.read_text()) if self._record.exists() else self._inside

    @property
    def _inside(self) -> Path:
        return self.directory / "socket"

    @property
    def _record(self) -> Path:
        return self.directory / "socket-directory"

    def url(self, database: str = DATABASE) -> str:
        """A database of the server, for libpq; SQLAlchemy wants `postgresql+psycopg` for the scheme."""
        return f"postgresql://{ROLE}@/{database}?host={quote(str(self.socket_directory))}&port={PORT}"

    def prepare(self) -> None:
        """Write the rules and make the socket's directory, for a server that is about to start.

        Raises:
            StoreUnusable: no place for the socket has a path that is short and plain enough.
        """
        caller = account_of(os.geteuid()).name
        self._write("pg_hba.conf", "local all all peer map=incrsim\n")
        # Root alone, where the server runs as `nobody`: other programs that run as `nobody` are strangers.
        self._write("pg_ident.conf", f'incrsim "{caller}" {ROLE}\n')
        self.clear()
        if _fits(self._inside):
            self._inside.mkdir(mode=0o700)
        else:
            self._record.write_text(tempfile.mkdtemp(prefix="incrsim-", dir=self._place_elsewhere()))
        self.account.give(self.socket_directory)

    def clear(self) -> None:
        """Remove the socket's directory, once no server uses it."""
        shutil.rmtree(self.socket_directory, ignore_errors=True)
        self._record.unlink(missing_ok=True)

    def _write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.write_text(text)
        if self.account.is_another:
            os.chown(path, -1, self.account.gid)
        path.chmod(0o640)

    def _place_elsewhere(self) -> Path:
        for base in map(Path, (tempfile.gettempdir(), "/tmp", "/var/tmp")):  # noqa: S108 -- mkdtemp keeps it private
            if base.is_dir() and _fits(base / "incrsim-01234567") and self.account.can_enter(base):
                return base
        raise StoreUnusable(
            f"the path {self.directory} is too long for a Unix socket, and no temporary directory will do either; "
            f"name a directory of at most {LONGEST_SOCKET - 25} plain characters"
        )


def _fits(directory: Path) -> bool:
    # To libpq and Postgres a comma ends the host, to SQLAlchemy a colon does.
    text = str(directory)
    return bool(re.fullmatch(r"[\w./+@-]+", text, re.ASCII)) and len(f"{text}/.s.PGSQL.{PORT}") <= LONGEST_SOCKET
