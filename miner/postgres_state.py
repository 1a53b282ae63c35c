"""The files of one embedded server: where they are, who owns them, and the lock that makes its owner the only one.

    <MINER_HOME>/location      only when the files are elsewhere: the path of their folder
    <MINER_HOME>/pg/           or /var/lib/product-issue-miner/<hash of MINER_HOME>/
        data/                  the database, 0700, owned by the account that runs Postgres
        socket/                0700, same owner; in the temporary folder when this path is too long for a socket
        lock  server.log  server.json  binaries-*/

As root the folder belongs to root and only `data` and `socket` are given away, so that the service account cannot
trick root into writing elsewhere.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from miner.postgres_account import Account, PostgresError, choose_account, find_closed

SHARED = Path("/var/lib/product-issue-miner")
SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_LIMIT = 103  # bytes of the whole path: macOS; Linux allows 107
_PLAIN = re.compile(r"[\w./-]+", re.ASCII)  # a comma would be a second folder, a space does not survive every URL
_LOG_LIMIT = 10_000_000
_LOG_KEPT = 1_000_000


@dataclass(frozen=True)
class State:
    """The folder of one server and the account that runs it."""

    folder: Path
    account: Account

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def open_file(self, name: str) -> int:
        """A descriptor on `name`, made when missing, append-only, closed in programs that are started."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.folder / name, flags, 0o600)
        if os.geteuid() == 0:  # so that the owner of the folder can run it next time
            owner = self.folder.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        return descriptor

    def write_record(self, **facts: str) -> None:
        """Replace `server.json`, which other processes read to join the server."""
        fresh = self.folder / "server.json.new"
        fresh.unlink(missing_ok=True)
        fresh.write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
        fresh.replace(self.folder / "server.json")


def read_record(folder: Path) -> dict[str, Any]:
    """What the last start wrote; empty when there is nothing or nonsense."""
    try:
        found = json.loads((folder / "server.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def locate(home: Path) -> Path:
    """The folder of the server's files for `home`, whether or not it exists."""
    pointer = home / "location"
    if not pointer.is_file():
        return (home / "pg").resolve()
    folder = Path(pointer.read_text("utf-8", "replace").strip())
    if folder.parent != SHARED:
        raise PostgresError(f"{pointer} names {folder}, which is not a folder in {SHARED}: remove or correct that file")
    return folder


def open_state(home: Path, say: Callable[[str], None]) -> State:
    """Make the folders that are missing and choose the account. Modes of folders that exist are never changed."""
    home.mkdir(parents=True, exist_ok=True)
    folder = locate(home)
    if (home / "location").is_file() and not folder.is_dir():
        say(f"The database that {home / 'location'} names, {folder}, is gone: starting with an empty one")
    account = choose_account(folder / "data")
    if not (folder / "data").exists() and not account.is_me and find_closed(home, account):
        folder = SHARED / hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
        _make_folder(SHARED, 0o755)
        (home / "location").write_text(f"{folder}\n", "utf-8")
        say(f"The account {account.name} cannot reach {home}: the database is in {folder}")
    _make_folder(folder, 0o700 if account.is_me else 0o711)
    if closed := find_closed(folder, account):
        raise PostgresError(
            f"the account {account.name}, which runs Postgres, cannot reach {folder}: {closed} is closed to it; "
            f"open it with `chmod o+x {closed}`, or set MINER_HOME to another folder"
        )
    return State(folder, account)


def _make_folder(folder: Path, mode: int) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)  # two may start at once
        folder.chmod(mode)  # the umask may have taken away what the account needs


def take_lock(state: State, home: Path) -> int:
    """The lock of the server's owner, as a descriptor to close at the end; the kernel frees it if the owner dies.

    Programs started later do not inherit it. Raises PostgresError when another process holds it.
    """
    descriptor = state.open_file("lock")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if not isinstance(error, BlockingIOError):
            raise
        raise PostgresError(
            f"the embedded Postgres is already running for {home}: stop it first, or use it: "
            "other commands join it by themselves"
        ) from None
    for leftover in state.folder.glob("new-*"):  # of a start that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    return descriptor


def open_socket_folder(state: State) -> Path:
    """A folder for the socket that nobody but the account (and root) can enter, short enough for the kernel."""
    inside = state.folder / "socket"
    if _fits(inside):
        if not inside.is_dir():
            inside.mkdir(mode=0o700)
            state.account.own(inside)
        (inside / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)  # we hold the flock: whatever it names is gone
        return inside
    previous = Path(str(read_record(state.folder).get("socket", "")))
    if previous.name.startswith("miner-") and is_private(previous, state.account.uid):
        (previous / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
        return previous
    for base in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp makes a fresh 0700 folder of its own
        if _fits(Path(base) / "miner-12345678") and os.access(base, os.W_OK | os.X_OK):
            folder = Path(tempfile.mkdtemp(prefix="miner-", dir=base))
            state.account.own(folder)
            return folder
    raise PostgresError(
        f"no folder for the database's socket: the path of {inside} is too long or has unusual characters, "
        "and the temporary folder cannot be used; set MINER_HOME to a short path or TMPDIR to a writable folder"
    )


def _fits(folder: Path) -> bool:
    return bool(_PLAIN.fullmatch(str(folder))) and len(os.fsencode(folder / SOCKET_NAME)) <= _SOCKET_LIMIT


def is_private(folder: Path, uid: int) -> bool:
    """Whether `folder` is a real folder (no link) of `uid` that is closed to everybody else."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and not found.st_mode & 0o077


def trim_log(descriptor: int, limit: int = _LOG_LIMIT) -> None:
    """Cut the log to its last megabyte once it is longer than `limit` bytes; the server goes on appending to it."""
    size = os.fstat(descriptor).st_size
    if size > limit:
        tail = os.pread(descriptor, _LOG_KEPT, size - _LOG_KEPT)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, tail)


@contextmanager
def faults_in_words(home: Path) -> Iterator[None]:
    """Turn an OSError about the server's files into a PostgresError that names the file and the remedy."""
    try:
        yield
    except OSError as error:
        where, reason = error.filename or home, error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise PostgresError(
                f"no space left for the embedded Postgres ({where}): free some, "
                "or set MINER_HOME to a folder on another disk"
            ) from error
        if error.errno == errno.EPERM and os.geteuid() == 0:
            raise PostgresError(
                f"root may not change owners or accounts here ({reason}: {where}), and Postgres does not run as root: "
                "run as an ordinary account, or set DATABASE_URL"
            ) from error
        raise PostgresError(
            f"the embedded Postgres cannot use {where} ({reason}): make MINER_HOME ({home}) a writable folder, "
            "set it to another one, or set DATABASE_URL"
        ) from error
