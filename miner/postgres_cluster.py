"""Data directories: which version wrote one, and how a new one is made."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from miner.postgres_account import PostgresError
from miner.postgres_binaries import Binaries
from miner.postgres_state import State

ROLE = "miner"  # the superuser; the only role of an embedded server
ENVIRONMENT = {"PATH": os.defpath}  # of initdb and postgres: no secret and no PG* variable of ours


def read_major(data: Path) -> int | None:
    """The major version that wrote `data`, None when there is no database yet."""
    if not data.exists():
        return None
    try:
        return int((data / "PG_VERSION").read_text("ascii"))
    except (FileNotFoundError, ValueError):
        raise PostgresError(
            f"{data} is not a Postgres data directory (it has no PG_VERSION): move it away, "
            "or set MINER_HOME to another folder"
        ) from None


def create_cluster(state: State, binaries: Binaries, *, sync: bool) -> None:
    """Make the data directory of `state`, synced to the disk unless `sync` is off (0.1 s).

    It is made beside its final place, so that a killed initdb leaves nothing half-made.
    """
    account = state.account
    if not account.has_entry:
        raise PostgresError(
            f"this process runs as uid {account.uid}, which has no passwd entry, and Postgres makes no database for "
            "an account without a name: run as an account of this system, or set DATABASE_URL"
        )
    fresh = Path(tempfile.mkdtemp(prefix="new-", dir=state.folder))
    account.own(fresh)
    command = [str(binaries.folder / "initdb"), "-D", str(fresh), "-U", ROLE, "-E", "UTF8", "--no-instructions"]
    command += ["--data-checksums", "--auth-local=trust", "--auth-host=reject", *_locale(binaries.major)]
    done = subprocess.run(
        command + ([] if sync else ["--no-sync"]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        env=ENVIRONMENT,
        check=False,
        **account.process_options(),
    )
    if done.returncode:
        words = " / ".join(done.stdout.decode("utf-8", "replace").strip().split("\n")[-6:])
        if "No space left on device" in words:
            words = f"no space left in {state.folder}: free some, or set MINER_HOME to a folder on another disk"
        raise PostgresError(f"Postgres could not make a database: {words}")
    fresh.rename(state.data)


def _locale(major: int) -> list[str]:
    """C.UTF-8: the same order on every machine. macOS has it only inside Postgres 17 and later."""
    if sys.platform == "darwin":
        builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return ["--locale=C", *(builtin if major >= 17 else [])]
    return ["--locale=C.UTF-8"]
