"""What pages, the API and the command line read about runs, schedules and the processes behind them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from miner.errors import NotFound
from miner.models import Beat, JobRun, JobRunAttempt, JobRunEvent, JobRunStep, Schedule, ScheduleTick, Worker

# Written out, not bound: the planner matches partial indexes by the words of their predicate.
_WAITING = text("job_runs.state IN ('queued', 'waiting')")
_RUNNING = text("job_runs.state = 'running'")
_ACTIVE = select(JobRun).where(or_(_WAITING, _RUNNING)).order_by(JobRun.id)
_NOT_LATER = text("NOT (job_runs.state = 'queued' AND job_runs.run_after > clock_timestamp())")


@dataclass(frozen=True)
class Success:
    """The last time a job's work was done: by a run of its own or as a step of a run of several."""

    run_id: int
    at: dt.datetime


@dataclass(frozen=True)
class DatabaseFacts:
    """The database as the system page shows it; `tables` are (name, bytes, rows by the planner's estimate)."""

    version: str
    size_bytes: int
    schema: str
    tables: list[tuple[str, int, int | None]]


def list_runs(
    session: Session,
    *,
    job: str | None = None,
    state: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[JobRun]:
    """The newest runs first; `before` is the id of the last run of the page before."""
    query = select(JobRun).order_by(JobRun.id.desc()).limit(limit)
    if job is not None:
        query = query.where(JobRun.job_name == job)
    if state is not None:
        query = query.where(JobRun.state == state)
    if before is not None:
        query = query.where(JobRun.id < before)
    return list(session.scalars(query))


def list_active_runs(session: Session, *, with_later: bool = True) -> list[JobRun]:
    """Runs that are queued, running or waiting, the oldest first.

    `with_later=False` leaves out those that are queued for a later time, by the database's clock.
    """
    return list(session.scalars(_ACTIVE if with_later else _ACTIVE.where(_NOT_LATER)))


def find_newest_finished_run(session: Session) -> JobRun | None:
    """The run that ended last, a deliberately skipped one included."""
    return session.scalars(
        select(JobRun).where(JobRun.finished_at.is_not(None)).order_by(JobRun.finished_at.desc()).limit(1)
    ).one_or_none()


def find_last_completed_run(session: Session, job: str) -> JobRun | None:
    return session.scalars(
        select(JobRun).where(JobRun.job_name == job, JobRun.state == "completed").order_by(JobRun.id.desc()).limit(1)
    ).one_or_none()


def get_run(session: Session, run_id: int) -> JobRun:
    """The run; raises NotFound."""
    run = session.get(JobRun, run_id)
    if run is None:
        raise NotFound("run", run_id)
    return run


def list_steps(session: Session, run_ids: Iterable[int]) -> dict[int, list[JobRunStep]]:
    """The steps of each of these runs, in order."""
    steps: dict[int, list[JobRunStep]] = {run_id: [] for run_id in run_ids}
    if steps:
        query = select(JobRunStep).where(JobRunStep.run_id.in_(steps)).order_by(JobRunStep.run_id, JobRunStep.position)
        for step in session.scalars(query):
            steps[step.run_id].append(step)
    return steps


def list_attempts(session: Session, run_id: int, *, limit: int = 50) -> list[tuple[JobRunAttempt, Worker | None]]:
    """Who held the run, the latest hold first; the worker is None once its row was tidied away."""
    rows = session.execute(
        select(JobRunAttempt, Worker)
        .outerjoin(Worker, Worker.id == JobRunAttempt.worker_id)
        .where(JobRunAttempt.run_id == run_id)
        .order_by(JobRunAttempt.lease_token.desc())
        .limit(limit)
    )
    return [(attempt, worker) for attempt, worker in rows]


def list_events(
    session: Session, run_id: int, *, before: int | None = None, limit: int = 200, notable: bool = False
) -> list[JobRunEvent]:
    """The run's story, the latest line first; `notable` leaves only warnings and errors.

    Pages go by id, lines within one by time: a step's lines are written up to a second after they were logged.
    """
    query = select(JobRunEvent).where(JobRunEvent.run_id == run_id).order_by(JobRunEvent.id.desc()).limit(limit)
    if before is not None:
        query = query.where(JobRunEvent.id < before)
    if notable:
        query = query.where(JobRunEvent.level.in_(("warning", "error")))
    return sorted(session.scalars(query), key=lambda event: (event.at, event.id), reverse=True)


def find_last_successes(session: Session, jobs: Sequence[str]) -> dict[str, Success]:
    """For each job the last time its work was done; a step of the last 20 pipelines counts like a run of its own."""
    rows = session.execute(
        text("""
            SELECT DISTINCT ON (job) job, run_id, at FROM (
              SELECT own.job_name AS job, own.id AS run_id, own.finished_at AS at
              FROM unnest(CAST(:jobs AS text[])) AS wanted(name) CROSS JOIN LATERAL (
                SELECT id, job_name, finished_at FROM job_runs
                WHERE job_name = wanted.name AND state = 'completed' ORDER BY id DESC LIMIT 1) AS own
              UNION ALL
              SELECT step.name, step.run_id, step.finished_at
              FROM (SELECT id FROM job_runs WHERE job_name = 'pipeline' ORDER BY id DESC LIMIT 20) AS pipeline
              JOIN job_run_steps AS step ON step.run_id = pipeline.id
              WHERE step.state = 'completed' AND step.finished_at IS NOT NULL AND step.name = ANY(:jobs)) AS done
            ORDER BY job, at DESC"""),
        {"jobs": list(jobs)},
    )
    return {row.job: Success(row.run_id, row.at) for row in rows}


def find_last_runs(session: Session, jobs: Sequence[str]) -> dict[str, JobRun]:
    """The newest run of each job that has one."""
    query = text("""
        SELECT newest.* FROM unnest(CAST(:jobs AS text[])) AS wanted(name) CROSS JOIN LATERAL (
          SELECT * FROM job_runs WHERE job_name = wanted.name ORDER BY id DESC LIMIT 1) AS newest""")
    rows = session.scalars(select(JobRun).from_statement(query), {"jobs": list(jobs)})
    return {run.job_name: run for run in rows}


def list_schedules(session: Session) -> list[Schedule]:
    return list(session.scalars(select(Schedule).order_by(Schedule.id)))


def get_schedule(session: Session, schedule_id: str) -> Schedule:
    """The schedule; raises NotFound."""
    schedule = session.get(Schedule, schedule_id)
    if schedule is None:
        raise NotFound("schedule", schedule_id)
    return schedule


def list_ticks(session: Session, schedule_ids: Sequence[str], *, most: int = 8) -> dict[str, list[ScheduleTick]]:
    """The latest decisions about each schedule, at most `most` each."""
    ticks: dict[str, list[ScheduleTick]] = {schedule_id: [] for schedule_id in schedule_ids}
    query = text("""
        SELECT tick.* FROM unnest(CAST(:ids AS text[])) AS wanted(id) CROSS JOIN LATERAL (
          SELECT * FROM schedule_ticks WHERE schedule_id = wanted.id ORDER BY fire_at DESC LIMIT :most) AS tick
        ORDER BY tick.schedule_id, tick.fire_at DESC""")
    rows = session.scalars(select(ScheduleTick).from_statement(query), {"ids": list(ticks), "most": most})
    for tick in rows:
        ticks[tick.schedule_id].append(tick)
    return ticks


def list_workers(session: Session, *, most: int = 20) -> list[Worker]:
    """Processes by their last sign of life, the latest first."""
    return list(session.scalars(select(Worker).order_by(Worker.heartbeat_at.desc()).limit(most)))


def find_beat(session: Session, name: str) -> dt.datetime | None:
    """When the thing of that name last happened; None: never."""
    beat = session.get(Beat, name)
    return beat.at if beat else None


def get_database_facts(session: Session) -> DatabaseFacts:
    row = session.execute(
        text("""
            SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS size,
              (SELECT version_num FROM alembic_version LIMIT 1) AS schema""")
    ).one()
    tables = session.execute(
        text("""
            SELECT relname AS name, pg_total_relation_size(oid) AS bytes,
                nullif(reltuples, -1)::bigint AS rows -- -1: never counted
            FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
            ORDER BY bytes DESC, name LIMIT 8""")
    )
    return DatabaseFacts(
        version=row.version,
        size_bytes=row.size,
        schema=row.schema or "unknown",
        tables=[(table.name, table.bytes, table.rows) for table in tables],
    )
