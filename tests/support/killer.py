"""Loaded into a worker process, it kills that process with SIGKILL at one chosen moment of its work.

`KILL_AT` is `<before|after>:<event>:<n>` (around the commit that writes the n-th event of that name) or
`<before|after>:commit:<n>` (around the n-th commit of the runs' threads).
"""

from __future__ import annotations

import os
import signal
from typing import Any

from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.orm import Session

from miner import logs
from miner.runs import creation, lifecycle, steps
from miner.runs import events as run_events

_when, _name, _number = os.environ["KILL_AT"].split(":")
_seen = {"events": 0, "commits": 0}
_armed = {"on": False}
_record = run_events.record_event


def _recording(session: Session, run_id: int, name: str, message: str, **more: Any) -> None:
    _record(session, run_id, name, message, **more)
    if name == _name:
        _seen["events"] += 1
        if _seen["events"] == int(_number):
            _armed["on"] = True


for _module in (run_events, creation, lifecycle, steps):
    _module.record_event = _recording  # type: ignore[attr-defined]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@sqlalchemy_event.listens_for(Session, "before_commit")
def _before(session: Session) -> None:
    if _name == "commit" and logs.current_run.get() is not None:
        _seen["commits"] += 1
        _armed["on"] = _seen["commits"] == int(_number)
    if _armed["on"] and _when == "before":
        session.flush()
        _die()


@sqlalchemy_event.listens_for(Session, "after_commit")
def _after(session: Session) -> None:
    if _armed["on"] and _when == "after":
        _die()
