"""`miner run` and `miner import`: starting a run, waiting for it, or working it in this process."""

from __future__ import annotations

import getpass
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from miner.access import Actor, Role
from miner.commands.output import say, show_json
from miner.commands.watch import look, pause_sentence, watch
from miner.config import Config
from miner.db import transaction
from miner.errors import MinerError
from miner.runs.jobs import get_job
from miner.runs.workers import has_live_worker

if TYPE_CHECKING:
    from actors.enqueue import StartedRun


def cli_actor() -> Actor:
    """Whoever can run commands on this machine can read its database: the command line is an admin."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # an arbitrary uid has no name
        name = "command line"
    return Actor("cli", name, Role.admin)


def run(options: Namespace) -> int:
    job = get_job(options.job)
    given = {name: getattr(options, name) for name in job.arguments.model_fields}
    args = {name: value for name, value in given.items() if value is not None}
    if getattr(options, "estimate", False):
        from miner.commands.estimate import show_estimate

        return show_estimate(job, args, as_json=options.json)
    if options.here:
        return _report(work_here(options.job, args), options.json)
    from actors.enqueue import start_run

    started = start_run(options.job, args, by=cli_actor(), trigger="cli")
    say_what_holds_it(started)
    if not options.wait:
        return _report(look(started.run_id), options.json, final=False)
    return _report(watch(started.run_id, say=say), options.json)


def say_what_holds_it(started: StartedRun) -> None:
    """Say at once what keeps a new run from starting: the broker, a missing worker, a pause."""
    if not started.rung:
        say(f"run {started.run_id} is queued, but the broker cannot be reached; it starts when it is back")
    if paused := pause_sentence():
        say(f"run {started.run_id} stays queued: {paused}")
    with transaction() as session:
        alive = has_live_worker(session, lease_seconds=Config.from_environment().lease_seconds)
    if not alive:
        say(f"no worker is running: run {started.run_id} stays queued until one is (start one with `miner up`)")


def import_files(options: Namespace) -> int:
    """Import each file in this process, since it is this machine that can read it."""
    worst = 0
    for path in options.files:
        args: dict[str, Any] = {"path": str(Path(path).absolute())}
        if options.source:
            args["source"] = options.source
        if options.columns:
            args["columns"] = options.columns
        worst = max(worst, _report(work_here("import", args), options.json))
    return worst


def work_here(job_name: str, args: dict[str, Any]) -> dict[str, Any]:
    """Start a run and work it to its end in this process, waits and retries included."""
    from actors.enqueue import start_run
    from actors.wiring import Runtime

    if paused := pause_sentence():
        raise MinerError(paused)
    runtime = Runtime(threads=1, ring=lambda runs: None, follow=False)
    runtime.start()
    try:
        run_id = start_run(job_name, args, by=cli_actor(), trigger="cli", bell=False).run_id
        while True:
            runtime.work(run_id)
            found = look(run_id)
            if found["finished_at"] is not None:
                return found
            time.sleep(0.2)
    except KeyboardInterrupt:
        say("stopped; the run goes on when a worker is there")
        runtime.begin_stopping()
        raise
    finally:
        runtime.stop()


def _report(found: dict[str, Any], as_json: bool, *, final: bool = True) -> int:
    if as_json:
        show_json(found)
    else:
        print(sentence(found))
    if not final:
        return 0
    return 0 if found["state"] == "completed" else 1


def sentence(found: dict[str, Any]) -> str:
    """The run in one line: "run 7 (analyze) completed in 3.2 s: tickets 500, issues 410"."""
    line = f"run {found['id']} ({found['job_name']}) {'is ' if found['finished_at'] is None else ''}{found['state']}"
    if found["finished_at"] and found["started_at"]:
        line += f" in {(found['finished_at'] - found['started_at']).total_seconds():.1f} s"
    if found["error_message"]:
        return f"{line}: {found['error_message']}"
    if found["counters"]:
        line += ": " + ", ".join(f"{name} {amount:,}" for name, amount in sorted(found["counters"].items()))
    return line
