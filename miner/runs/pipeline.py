"""A run from its claim to its end:

    claim | load settings | for each step not done: begin, run, end | complete

Whatever happens on the way becomes a state with a sentence: done, failed, waiting to be tried again, given back.
`work()` returns the ids of runs to ring; ringing is the caller's, since this package knows no broker.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import settings as settings_module
from miner.config import Config
from miner.db import transaction
from miner.errors import (
    AttentionNeeded,
    BatchUnderWay,
    CancelRequested,
    Interruption,
    KeyHeld,
    MinerError,
    PauseRequested,
    RateLimited,
    RunLost,
    ShutdownRequested,
    YieldDue,
)
from miner.logs import bound_to_run, get_logger
from miner.runs import keys, lifecycle, steps
from miner.runs.context import Skip, StepContext
from miner.runs.failures import Failure, is_passing, retry_delay, sentence_of, where
from miner.runs.holds import Hold, Holds
from miner.runs.jobs import Job, Step, get_job
from miner.runs.lifecycle import Claim

log = get_logger(__name__)

# A database that restarts is back within this; past it the lease runs out and the run is rescued.
SETTLE_SECONDS = 30.0


def work(run_id: int, *, worker_id: UUID, holds: Holds, config: Config, lease_seconds: float) -> list[int]:
    """Claim the run and do it; return the ids of runs whose bell is to be rung now.

    Returns at once when the run is not to be had: a duplicate bell is harmless. Never raises for what the run did;
    an error of the database while claiming is raised, and the bell is rung again later.
    """
    with transaction() as session:
        claim = lifecycle.claim(session, run_id, worker_id, lease_seconds=lease_seconds)
    if claim is None:
        log.debug("bell_ignored", message=f"Run {run_id} is not to be had", run=run_id)
        return []
    hold = holds.add(claim)
    try:
        with bound_to_run(claim.run_id, claim.job_name):
            try:
                outcome = _attempt(hold, holds, config)
            except BaseException:
                # Ctrl-C, SystemExit: no failure of the work. Another holder goes on, and whoever interrupted is obeyed.
                _settle(hold, lambda session: _waiting(session, claim, "released", "Interrupted; it goes on later"))
                raise
            return _settle(hold, outcome)
    finally:
        holds.drop(hold)


Outcome = Callable[[Session], list[int]]


def _attempt(hold: Hold, holds: Holds, config: Config) -> Outcome:
    """Walk the steps; return what is to be written about how it ended."""
    claim = hold.claim
    try:
        _walk(hold, holds, config, get_job(claim.job_name))
    except RunLost as lost:
        log.warning("run_lost", message=str(lost))
        return lambda session: []
    except CancelRequested:
        return lambda session: _ended(session, claim, lifecycle.cancel_held)
    except PauseRequested:
        return lambda session: _waiting(session, claim, "paused", "Everything is paused; it goes on when that ends")
    except ShutdownRequested:
        return lambda session: _waiting(session, claim, "released", "Given back by a process that is stopping")
    except RateLimited as limited:
        sentence, seconds = str(limited), limited.seconds
        return lambda session: _waiting(session, claim, "rate_limit", sentence, seconds)
    except (AttentionNeeded, BatchUnderWay) as needed:
        reason, sentence, seconds, keep = needed.reason, str(needed), needed.seconds, hold.key
        return lambda session: _waiting(session, claim, reason, sentence, seconds, keep=keep)
    except KeyHeld as held:
        detail, later = str(held), held.seconds
        return lambda session: _waiting(session, claim, KeyHeld.reason, detail, later)
    except YieldDue:
        return lambda session: [*_waiting(session, claim, "yield", "Gave others a turn"), claim.run_id]
    except MinerError as error:
        return _failed(claim, error, retryable=error.retryable, retry_after=error.retry_after)
    except Exception as error:
        return _failed(claim, error, retryable=is_passing(error), retry_after=None)
    return lambda session: _ended(session, claim, lifecycle.complete)


def _walk(hold: Hold, holds: Holds, config: Config, job: Job) -> None:
    with transaction() as session:
        version = session.scalar(
            text("SELECT settings_version FROM job_runs WHERE id = :id"), {"id": hold.claim.run_id}
        )
        settings = settings_module.load_version(session, version)
        states = {
            row.position: row
            for row in session.execute(
                text("SELECT position, state, checkpoint FROM job_run_steps WHERE run_id = :id"),
                {"id": hold.claim.run_id},
            )
        }
    for position, step in enumerate(job.steps):
        if states[position].state in ("completed", "skipped"):
            continue  # done by an earlier holder of this run
        context = StepContext(
            hold=hold,
            holds=holds,
            config=config,
            settings=settings,
            settings_version=version,
            position=position,
            checkpoint=states[position].checkpoint,
            in_pipeline=len(job.steps) > 1,
        )
        with bound_to_run(hold.claim.run_id, job.name, step.name):
            _run_step(context, step)


def _run_step(context: StepContext, step: Step) -> None:
    context.say(f"{step.saying}{_arguments_note(context)}...")
    context.hold.key = step.key
    with context.unit() as unit:
        if step.key is not None:
            keys.take_again(unit.session, context.run_id, step.key)
        steps.mark_begun(unit.session, context.run_id, context.position, name=step.name, saying=step.saying)
    result = step.load()(context)
    if not context.completed:
        with context.unit(last=True) as unit:
            unit.skipped = result.reason if isinstance(result, Skip) else None


def _arguments_note(context: StepContext) -> str:
    days = context.args.get("backfill_days")
    return f" (backfill: {days})" if days is not None else ""


def _failed(claim: Claim, error: Exception, *, retryable: bool, retry_after: float | None) -> Outcome:
    failure = Failure(type(error).__name__, sentence_of(error), where(error))

    def write(session: Session) -> list[int]:
        if retryable and claim.attempt < claim.max_attempts:
            delay = retry_delay(claim.attempt, retry_after)
            detail = (
                f"Attempt {claim.attempt} of {claim.max_attempts} failed ({failure.message}); "
                f"tried again in {delay:.0f} s"
            )
            lifecycle.wait(session, claim, "retry", detail, delay_seconds=delay, failure=failure)
        else:
            lifecycle.fail(session, claim, failure)
        return []

    return write


def _settle(hold: Hold, outcome: Outcome) -> list[int]:
    """Write how the attempt ended; a database that is away for a moment is waited for, the lease bounds how long."""
    give_up = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            with transaction() as session:
                return outcome(session)
        except Interruption as lost:
            log.warning("run_lost", message=str(lost))
            return []
        except Exception as error:
            if time.monotonic() > give_up or not is_passing(error):
                log.error(
                    "settle_failed",
                    message=f"How run {hold.claim.run_id} ended could not be written",
                    error=sentence_of(error),
                )
                return []
            time.sleep(0.5)


def _ended(session: Session, claim: Claim, end: Callable[[Session, Claim], None]) -> list[int]:
    end(session, claim)
    return []


def _waiting(
    session: Session, claim: Claim, reason: str, detail: str, delay_seconds: float = 0, *, keep: str | None = None
) -> list[int]:
    lifecycle.wait(session, claim, reason, detail, delay_seconds=delay_seconds, keep=keep)
    return []
