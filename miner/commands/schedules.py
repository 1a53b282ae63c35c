"""`miner schedules set|pause|resume`."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from miner.commands.output import json_object
from miner.commands.work import cli_actor
from miner.db import transaction
from miner.runs.cron import describe_cron, next_fire_times
from miner.runs.schedule_edits import pause_schedule, resume_schedule, set_schedule


def change(options: Namespace) -> int:
    changes: dict[str, Any] = {
        "cron": options.cron,
        "timezone": options.timezone,
        "job_name": options.job,
        "args": json_object(options.args, "--args") if options.args is not None else None,
        "title": options.title,
        "misfire_grace_seconds": options.grace,
        "coalesce": options.coalesce,
    }
    with transaction() as session:
        row = set_schedule(
            session, options.id, {name: value for name, value in changes.items() if value is not None}, by=cli_actor()
        )
        times = next_fire_times(row.cron, row.timezone, row.evaluated_until)
        print(f"{row.id}: {describe_cron(row.cron)} ({row.timezone}), job {row.job_name}")
    print("next: " + ", ".join(f"{time:%Y-%m-%d %H:%M} UTC" for time in times))
    return 0


def pause(options: Namespace) -> int:
    with transaction() as session:
        pause_schedule(session, options.id, options.note, by=cli_actor())
    print(f"{options.id} is paused")
    return 0


def resume(options: Namespace) -> int:
    with transaction() as session:
        row = resume_schedule(session, options.id, by=cli_actor())
        print(f"{row.id} starts runs again")
    return 0
