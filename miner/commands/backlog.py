"""`miner backlog`: what Claude reads only once somebody says so, and saying so."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from miner.commands.output import say, show_json, show_table
from miner.commands.work import cli_actor, say_what_holds_it
from miner.db import transaction
from miner.errors import UsageError
from miner.issues.backlog import list_backlogs, outlook_of
from miner.models import Backlog

COLUMNS = ("id", "tickets", "price", "time", "model", "sources", "run", "answer")


def list_all(options: Namespace) -> int:
    with transaction() as session:
        found = list_backlogs(session)
    if options.json:
        show_json([_facts(one) for one in found])
        return 0
    if not found:
        say("no backlog waits: everything is read, or will be by the next run")
        return 0
    show_table([_line(one) for one in found], COLUMNS)
    return 0


def _facts(one: Backlog) -> dict[str, Any]:
    names = ("id", "tickets", "low_usd", "high_usd", "low_seconds", "high_seconds", "model", "sources", "answer")
    return {name: getattr(one, name) for name in names} | {"run": one.run_id, "answered_by": one.answered_by}


def _line(one: Backlog) -> dict[str, Any]:
    ahead = outlook_of(one)
    said = f"{one.answer} ({one.answered_by})" if one.answer else "asked"
    shown = {"price": ahead.price, "time": ahead.time, "sources": ", ".join(one.sources), "answer": said}
    return _facts(one) | shown


def answer(options: Namespace) -> int:
    """Answer one backlog, or all that wait for an answer."""
    from actors.enqueue import settle_backlog

    ids = [options.id] if options.id is not None else _open()
    if not ids:
        raise UsageError("no backlog waits for an answer: `miner backlog list` shows those that were left")
    for backlog_id in ids:
        started = settle_backlog(backlog_id, options.answer, by=cli_actor(), trigger="cli")
        if started is not None:
            say(f"backlog {backlog_id}: run {started.run_id} reads it")
            say_what_holds_it(started)
        else:
            later = "the run at work, or the next one, reads it"
            say(f"backlog {backlog_id}: {later if options.answer == 'read' else 'it stays unread'}")
    return 0


def _open() -> list[int]:
    with transaction() as session:
        return [one.id for one in list_backlogs(session) if one.answer is None]
