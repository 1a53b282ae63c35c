"""Which account runs the embedded server, and what that account can reach.

Postgres refuses to run as root. Root therefore hands it to the owner of an existing data directory, else to `postgres`,
else to `nobody`; no account is ever created and no mode of an existing folder is ever changed. Everybody else runs it
as themselves.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from miner.errors import ConfigError

SERVICE_ACCOUNTS = ("postgres", "nobody")


class PostgresError(ConfigError):
    """The embedded server cannot be used; the sentence names what is wrong and what to do. Exit code 4."""


@dataclass(frozen=True)
class Account:
    """An account as processes and files know it; `name` is the number when it has no passwd entry."""

    name: str
    uid: int
    gid: int

    @property
    def is_me(self) -> bool:
        return self.uid == os.geteuid()

    @property
    def has_entry(self) -> bool:
        try:
            pwd.getpwuid(self.uid)
        except KeyError:
            return False
        return True

    def process_options(self) -> dict[str, Any]:
        """Arguments of `subprocess` that make the child run as this account with no other rights."""
        return {} if self.is_me else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give this one file or folder to the account."""
        if not self.is_me:
            os.chown(path, self.uid, self.gid)


def account_of(uid: int, gid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Account(str(uid), uid, gid)
    return Account(entry.pw_name, uid, entry.pw_gid)


def choose_account(data: Path) -> Account:
    """The account that runs the server on the folder `data`, which need not exist yet.

    Raises PostgresError when the folder belongs to an account that this process cannot become.
    """
    me = account_of(os.geteuid(), os.getegid())
    found = data.stat() if data.exists() else None
    owner = account_of(found.st_uid, found.st_gid) if found else None
    if me.uid != 0:
        if owner and owner.uid != me.uid:
            raise PostgresError(
                f"the database in {data} belongs to the account {owner.name}: run as {owner.name} or root, "
                "or set MINER_HOME to another folder"
            )
        return me
    if owner and owner.uid == 0:
        raise PostgresError(
            f"the database in {data} belongs to root, and Postgres does not run as root: "
            f"give it to an account that may, for example `chown -R {SERVICE_ACCOUNTS[0]} {data}`"
        )
    return owner or _service_account()


def _service_account() -> Account:
    for name in SERVICE_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise PostgresError(
        "Postgres does not run as root, and there is neither an account postgres nor nobody to run it: "
        "run as an ordinary account, or set DATABASE_URL"
    )


def find_closed(path: Path, account: Account) -> Path | None:
    """The outermost of `path` and its parents that `account` cannot pass (a folder) or execute (a file), else None.

    Judged by the mode bits. Access lists are not read: where they grant more, the answer is only too careful.
    """
    if account.is_me:
        return None if os.access(path, os.X_OK) else path
    resolved = path.resolve()
    for part in reversed((resolved, *resolved.parents)):
        found = part.stat()
        if found.st_uid == account.uid:
            needed = stat.S_IXUSR
        elif found.st_gid == account.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not found.st_mode & needed:
            return part
    return None
