"""A sixth job, as anybody would add one; worker processes load it with `dramatiq actors tests.support.jobs`.

It writes one row a unit into `beats` (name `unit:<run>:<number>`), so that a test can see what was kept, doubled or
lost, and misbehaves as its arguments say.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Annotated

from pydantic import Field
from sqlalchemy import text

from actors.jobs import declare
from miner.errors import StepError, TransientStepError
from miner.logs import get_logger
from miner.runs.arguments import Arguments
from miner.runs.context import StepContext
from miner.runs.jobs import Job, Step, register

log = get_logger(__name__)
# Tests in this process hold a unit open here; a worker process never waits on it.
GATE = threading.Event()
GATE.set()


class CountArguments(Arguments):
    to: Annotated[int, Field(ge=1, le=10_000, description="How far to count.")] = 3
    pause_ms: Annotated[int, Field(ge=0, le=60_000, description="Work outside the transaction, per unit.")] = 0
    trouble: Annotated[str, Field(description="none, fail, retry, hang, kill, crash or spam.")] = "none"
    at: Annotated[int, Field(ge=0, description="The unit at which the trouble comes.")] = 0


def count(context: StepContext) -> None:
    context.expect(context.args.get("to", 3))
    number = (context.checkpoint or {"number": 0})["number"]
    while number < context.args.get("to", 3):
        _trouble(context, number)
        time.sleep(context.args.get("pause_ms", 0) / 1000)
        GATE.wait(30)
        with context.unit() as unit:
            unit.session.execute(
                text("INSERT INTO beats (name) VALUES (:name)"), {"name": f"unit:{context.run_id}:{number}"}
            )
            unit.advance(1)
            unit.count(tickets=1)
            unit.checkpoint = {"number": number + 1}
        log.info("unit_done", message=f"Counted {number}", number=number)
        number += 1


def _trouble(context: StepContext, number: int) -> None:
    trouble = context.args.get("trouble", "none")
    if number != context.args.get("at", 0) or trouble == "none":
        return
    if trouble == "fail":
        raise StepError("the count cannot go on: ask for a smaller number")
    if trouble == "retry" and context.hold.claim.attempt == 1:
        raise TransientStepError("the counter was busy", retry_after=0.1)
    if trouble == "retry_always":
        raise TransientStepError("the counter is always busy", retry_after=0.1)
    if trouble == "crash":
        raise ZeroDivisionError("a mistake")
    if trouble == "hang" or (trouble == "hang_once" and context.hold.claim.token == 1):
        threading.Event().wait(600)
    if trouble == "kill":
        os.killpg(os.getpgid(0), signal.SIGKILL)
    if trouble == "spam":
        for line in range(6_000):
            log.info("spam", message=f"line {line}")


COUNT = register(
    Job(
        name="count",
        title="Count",
        button="Count",
        sentence="Counts, for tests.",
        steps=(Step("count", "tests.support.jobs:count", "numbers", "Counting"),),
        arguments=CountArguments,
        keys=("count",),
    )
)
count_actor = declare(COUNT)
