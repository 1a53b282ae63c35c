"""`miner up` and `miner demo`: everything on this machine, in one terminal."""

from __future__ import annotations

import dataclasses
import signal
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from sqlalchemy import text

from miner import db, schema
from miner.commands.output import say
from miner.commands.watch import watch
from miner.commands.work import cli_actor, sentence
from miner.config import Config
from miner.errors import ConfigError, MinerError, RunAlreadyActive
from miner.postgres import Server
from miner.runs.workers import has_live_worker
from miner.supervisor import Supervisor, check_port


def up(options: Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    config = _config(options)
    with _everything(config) as supervisor:
        say(f"Dashboard: {address(config)}   (Ctrl-C stops everything)")
        _serve(supervisor)
    return 0


def demo(options: Namespace) -> int:
    """Import the sample, run the pipeline on it, print the top themes; serve until Ctrl-C unless `--exit`."""
    config = _config(options)
    if options.remove:
        return _remove(config)
    began = time.monotonic()
    with _everything(config, quiet=True) as supervisor:
        try:
            _wait_for_worker(supervisor)
            from miner.tickets.sample import sample_path

            say("Importing 1,076 SeaMonkey user reports (GitBugs, CC-BY-4.0) and running the pipeline on them ...")
            runs = [
                _run_through("import", {"path": str(sample_path()), "source": "sample"}, supervisor),
                _run_through("pipeline", {}, supervisor),
            ]
        except MinerError as error:
            say(f"The demo could not run: {error}")
            return 1
        themes = _print_themes()
        say(f"\n{address(config)}   ready after {time.monotonic() - began:.0f} s")
        if options.exit:
            return 0 if themes and all(run["state"] == "completed" for run in runs) else 1
        say("Ctrl-C stops everything; `miner demo --remove` takes the sample out again.")
        _serve(supervisor)
    return 0


def address(config: Config) -> str:
    host = "localhost" if config.host in ("127.0.0.1", "0.0.0.0", "::", "::1") else config.host  # noqa: S104 - compared
    return config.public_url or f"http://{host}:{config.port}"


def _config(options: Namespace) -> Config:
    config = Config.from_environment()
    if options.port is not None:
        config = dataclasses.replace(config, port=options.port)
    return config


@contextmanager
def database(config: Config) -> Iterator[Callable[[], None]]:
    """The database of `config` for this process, at this release's schema; the embedded server is ours to run.

    Yields a check that raises when the embedded server has died.
    """
    if config.given_database_url is not None:
        schema.upgrade(config.given_database_url)
        yield lambda: None
        return
    say(f"Starting Postgres under {config.home}")
    with Server.start(config.home, say=say, binaries=config.pg_bindir) as server:
        schema.upgrade(config.database_url())
        try:
            yield server.check
        finally:
            db.use_engine(None)


@contextmanager
def _everything(config: Config, *, quiet: bool = False) -> Iterator[Supervisor]:
    check_port(config)
    supervisor = Supervisor(config, say=say, quiet=quiet)
    with _ends_on_signals(supervisor), database(config) as server:
        supervisor.also_watch(server)
        say("Starting web, worker and scheduler")
        try:
            supervisor.start()
            yield supervisor
        finally:
            say("Stopping")
            supervisor.stop()


@contextmanager
def _ends_on_signals(supervisor: Supervisor) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the loops; a handler may only be set in the main thread."""

    def end(number: int, frame: FrameType | None) -> None:
        supervisor.ending.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _serve(supervisor: Supervisor) -> None:
    while not supervisor.ending.wait(0.5):
        supervisor.watch()


def _wait_for_worker(supervisor: Supervisor) -> None:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        supervisor.watch()
        _check_not_ending(supervisor)
        with db.transaction() as session:
            if has_live_worker(session, lease_seconds=60):
                return
        time.sleep(0.1)
    raise ConfigError("no worker came up within 60 s: see its messages above")


def _run_through(job_name: str, args: dict[str, Any], supervisor: Supervisor) -> dict[str, Any]:
    """Start the run, or join one that is active already, and watch it to its end."""
    from actors.enqueue import start_run

    def between() -> None:
        supervisor.watch()
        _check_not_ending(supervisor)

    while True:
        try:
            run_id = start_run(job_name, args, by=cli_actor(), trigger="cli").run_id
        except RunAlreadyActive as active:  # a schedule was faster: its run serves if it is the same job
            say(f"  {active}")
            found = watch(active.run_id, say=say, between=between)
            if active.job_name != job_name:
                continue
        else:
            found = watch(run_id, say=say, between=between)
        say(sentence(found))
        return found


def _check_not_ending(supervisor: Supervisor) -> None:
    if supervisor.ending.is_set():
        raise MinerError("it was stopped")


def _print_themes(*, show: Callable[[str], None] = print) -> int:
    with db.transaction() as session:
        rows = session.execute(
            text("""
                SELECT name, issue_count, flag, trend_sentence FROM themes WHERE retired_at IS NULL
                ORDER BY issue_count DESC, id LIMIT 10""")
        ).all()
        count = session.scalar(text("SELECT count(*) FROM themes WHERE retired_at IS NULL")) or 0
    show(f"\nThe largest of {count:,} themes:\n")
    for row in rows:
        show(f"  {row.issue_count:>4}  {row.name}" + (f"   [{row.flag}] {row.trend_sentence}" if row.flag else ""))
    return count


def _remove(config: Config) -> int:
    from miner.tickets.sample import remove_sample

    try:
        config.database_url()
        running = True
    except ConfigError:
        running = False
    if running:
        with db.transaction() as session:
            remove_sample(session, by=cli_actor())
    else:
        with database(config), db.transaction() as session:
            remove_sample(session, by=cli_actor())
    print("The sample is removed; run history and the audit log stay.")
    return 0
