"""The embedded server: a Postgres of our own for machines that have none. One owner starts it, everybody joins it.

`miner up` and `miner demo` own it through `Server`; every other process asks `find_running`. Nobody counts users: the
owner holds a lock that the kernel frees when it dies, and the next owner ends a server that was left behind.

Who may connect: there is no TCP port. The socket lies in a 0700 folder of the account that runs Postgres and has mode
0600 itself, so only that account and root come in, and both are trusted as the superuser `miner`. With the account
`nobody`, every process of `nobody` is such a process; an account `postgres` is better, a `DATABASE_URL` better still.

See docs/decisions/0004-embedded-postgres.md.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg
from psycopg import sql

from miner.postgres_account import PostgresError
from miner.postgres_binaries import bring_within_reach, find_binaries
from miner.postgres_cluster import ENVIRONMENT, ROLE, create_cluster, read_major
from miner.postgres_process import stop_leftover, stop_process
from miner.postgres_state import (
    SOCKET_NAME,
    State,
    faults_in_words,
    is_private,
    locate,
    open_socket_folder,
    open_state,
    read_record,
    take_lock,
    trim_log,
)

__all__ = ["PostgresError", "Server", "find_running"]

DATABASE = "miner"
SETTINGS: Mapping[str, str] = {
    "max_connections": "60",
    "shared_buffers": "64MB",
    "log_min_duration_statement": "500",
    "idle_in_transaction_session_timeout": "10min",
    "unix_socket_permissions": "0600",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",  # we read some of the messages
    "log_error_verbosity": "terse",  # no details: they repeat parameters and rows, which are ticket text
}
_ANSWER_SECONDS = 120.0
_SAY_SECONDS = 5.0


def find_running(home: Path) -> str | None:
    """The URL of the embedded server that runs for `home`, else None. Changes nothing and takes at most seconds.

    Files alone prove nothing: the server itself must answer, from a socket in a private folder of the database's
    owner, and name the data directory of `home`.
    """
    try:
        state_folder = locate(home)
        data = state_folder / "data"
        socket = Path(str(read_record(state_folder).get("socket", "")))
        if not is_private(socket, data.stat().st_uid) or not (socket / SOCKET_NAME).exists():
            return None
        url = _url(socket, DATABASE)
        with psycopg.connect(url, connect_timeout=2, options="-c statement_timeout=2000") as connection:
            answer = connection.execute("SHOW data_directory").fetchone()
    except psycopg.Error as error:
        full = "too many clients" in str(error) or "connection slots" in str(error)
        return url if full else None  # a full server runs; its callers wait for a free connection
    except (OSError, ValueError, PostgresError):
        return None
    return url if answer == (str(data),) else None


def _url(socket: Path, database: str) -> str:
    # The port is named so that a PGPORT in the environment has no say.
    return f"postgresql://{ROLE}@/{quote(database, safe='')}?host={quote(str(socket), safe='')}&port=5432"


def _say_nothing(_: str) -> None: ...


class Server:
    """A running server and the right to stop it. Make it with `Server.start`; use it as a context manager.

    Its process is in a session of its own, so Ctrl-C in a terminal does not reach it: its owner stops it last. An
    owner that dies by kill -9 leaves it running; other processes go on with it until the next owner ends it. (The
    kernel's parent-death signal would end it too, but it is sent when the starting *thread* ends, and setting it runs
    Python between fork and exec.) Start other processes by exec: a bare fork would share the lock.
    """

    def __init__(self, home: Path, state: State) -> None:
        self.state = state
        self._log = state.open_file(state.log.name)
        self._lock: int | None = take_lock(state, home)
        self._log_start = 0
        self._socket: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(
        cls,
        home: Path,
        *,
        binaries: Path | None = None,
        say: Callable[[str], None] = _say_nothing,
        settings: Mapping[str, str] = {},
    ) -> Server:
        """Start the server of `home` (absolute), made on first use, and wait until it takes connections.

        `binaries` is PG_BINDIR; `settings` go before SETTINGS and postgresql.conf. `say` gets sentences for people.
        Raises PostgresError: already running, no or wrong programs, no rights, no space, or Postgres's own words.
        """
        with faults_in_words(home):
            server = cls(home, open_state(home, say))
            try:
                server._start(binaries, say, {**SETTINGS, **settings})
            except BaseException as error:
                server.stop()
                if isinstance(error, psycopg.Error):
                    raise PostgresError(f"Postgres could not make the database {DATABASE}: {error}") from error
                raise
            return server

    def _start(self, given: Path | None, say: Callable[[str], None], settings: Mapping[str, str]) -> None:
        state = self.state
        trim_log(self._log)
        innocent = stop_leftover(state.data, say)
        binaries = find_binaries(given, major=read_major(state.data), data=state.data, account=state.account)
        binaries = bring_within_reach(binaries, account=state.account, state=state.folder)
        if not state.data.exists():
            say(f"Creating a database in {state.data}")
            create_cluster(state, binaries, sync=settings.get("fsync") != "off")
        self._socket = open_socket_folder(state)
        state.write_record(socket=str(self._socket), binaries=str(binaries.folder), version=binaries.version)
        command = [str(binaries.folder / "postgres"), "-D", str(state.data)]
        command += ["-h", "", "-k", str(self._socket), "-p", "5432"]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self._launch(command, innocent)
        self._wait(command, innocent, say)
        self._create_database()

    def _launch(self, command: list[str], innocent: int | None) -> None:
        self._log_start = os.fstat(self._log).st_size
        environment = dict(ENVIRONMENT)
        if innocent is not None:
            # A stale postmaster.pid names a living process that is no server. Deleting the file would also delete the
            # key of the old shared memory, which shows whether old backends still write. Told that the process is its
            # grandparent, Postgres takes the file as stale and still looks at the shared memory.
            environment["PG_GRANDPARENT_PID"] = str(innocent)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            cwd="/",
            env=environment,
            umask=0o077,
            start_new_session=True,
            **self.state.account.process_options(),
        )

    def _wait(self, command: list[str], innocent: int | None, say: Callable[[str], None]) -> None:
        """Wait for the first connection: as long as recovery goes on, else at most 120 s."""
        began = time.monotonic()
        silent_since, said = began, began
        waits_for_old = False
        while (answer := self._answer()) is not None:
            now = time.monotonic()
            if answer.startswith("the database system is"):
                silent_since = now
            if now - silent_since > _ANSWER_SECONDS:
                raise PostgresError(f"Postgres does not answer after {now - began:.0f} s: {self._last_words()}")
            if not self.alive():
                if "is still in use" not in self._last_words():
                    raise PostgresError(f"Postgres did not start: {self._last_words()}")
                if not waits_for_old:
                    say("Waiting for processes of a killed Postgres to end")
                    waits_for_old = True
                time.sleep(0.1)
                self._launch(command, innocent)
            elif now - said > _SAY_SECONDS:
                say(f"Waiting for Postgres, {now - began:.0f} s: {answer}")
                said = now
            time.sleep(0.01)

    def _answer(self) -> str | None:
        """None when the server takes connections, else its reason."""
        if not (self._folder() / SOCKET_NAME).exists():
            return "it is starting"
        try:
            psycopg.connect(self.url_for("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError as error:
            return str(error).rsplit("FATAL:", 1)[-1].strip()
        return None

    def _create_database(self) -> None:
        with psycopg.connect(self.url_for("postgres"), connect_timeout=10, autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
                statement = "CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0"
                connection.execute(sql.SQL(statement).format(sql.Identifier(DATABASE)))

    def _folder(self) -> Path:
        if self._socket is None:
            raise PostgresError("the embedded Postgres was not started")
        return self._socket

    def _last_words(self) -> str:
        """The last lines that this server wrote, and where the rest is."""
        written = self.state.log.read_bytes()
        begin = self._log_start if self._log_start < len(written) else 0  # 0: it was cut since
        lines = written[begin:][-2000:].decode("utf-8", "replace").split("\n")
        return f"{' / '.join(line.strip() for line in lines[-6:] if line.strip()) or 'no word'} (log: {self.state.log})"

    @property
    def url(self) -> str:
        """The libpq URL of the database `miner`."""
        return self.url_for(DATABASE)

    def url_for(self, database: str) -> str:
        """The libpq URL of `database` on this server, which need not exist."""
        return _url(self._folder(), database)

    @property
    def pid(self) -> int | None:
        """The process id of the postmaster; None before it was started."""
        return self._process.pid if self._process else None

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def check(self) -> None:
        """Raise PostgresError when the server has died; cut its log when it is long. Call it every few seconds."""
        if self.alive():
            trim_log(self._log)
            return
        code = self._process.returncode if self._process else 0
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise PostgresError(
            f"the embedded Postgres ended ({how}): {self._last_words()}; start it again, committed data is safe"
        )

    def stop(self) -> None:
        """Fast shutdown, then harder ones; returns when the process is gone and the lock is free. Safe to repeat."""
        if self._lock is None:
            return
        process = self._process
        if process is not None:
            stop_process(process.pid, lambda: process.poll() is not None)
        if self._socket is not None and self._socket.parent != self.state.folder:
            try:
                self._socket.rmdir()
            except OSError:  # not empty after a crash: used again by the next start
                pass
        os.close(self._log)
        os.close(self._lock)
        self._lock = None

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
