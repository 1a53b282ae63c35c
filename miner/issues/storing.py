"""What a unit of reading stores together: the readings, the calls that were paid for them, counters and the place."""

from __future__ import annotations

from collections.abc import Sequence

from miner.issues.answer import Reader
from miner.issues.asking import Calls
from miner.issues.calls import record_calls
from miner.issues.prompt import PROMPT_VERSION
from miner.issues.record import Answer, record_answers
from miner.issues.tally import counters_of
from miner.runs.context import Unit


def store_readings(
    unit: Unit,
    answers: Sequence[Answer],
    calls: Calls,
    *,
    analyzer: Reader,
    run_id: int,
    settings_version: int,
    done: int,
    question: str | None = None,
    batch_id: int | None = None,
    prompt_version: str = PROMPT_VERSION,
) -> list[Answer]:
    """Write `answers` to `question` and their `calls` in `unit`; returns those that were stored.

    `done` tickets were stored by the step before; the checkpoint counts on from there.
    """
    record_calls(unit.session, calls, run_id=run_id, batch_id=batch_id, prompt_version=prompt_version)
    stored = record_answers(
        unit.session,
        answers,
        analyzer=analyzer,
        run_id=run_id,
        settings_version=settings_version,
        question=question,
    )
    unit.advance(len(stored))
    unit.count(**counters_of(stored, calls))
    unit.checkpoint = {"tickets": done + len(stored)}
    return stored
