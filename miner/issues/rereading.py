"""Reading a whole scope again, and taking that back as a whole within 30 days.

Before the tickets are set to be read again, their issues and marks are kept as they stand. An undo puts back what the
readings changed since, and nothing else: what people corrected since stays, and so does what came in since, a ticket
with a new message as well as a new ticket.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from miner import settings
from miner.access import Actor, Role, audit, require
from miner.config import Config
from miner.errors import NotFound, RunAlreadyActive, UsageError
from miner.issues.reconcile import TAKEN_BACK
from miner.issues.scopes import check_scope, find_obstacle, model_in_force, scope_condition
from miner.models import JobRun, JobRunKey, Rereading, Trial

UNDO_DAYS = 30


def apply_rereading(
    session: Session, *, scope: str, config: Config, trial_id: int | None = None, by: Actor
) -> Rereading:
    """Set every ticket of `scope` to be read again by the next `analyze`, and keep how everything stands.

    Raises UsageError when there is nothing to read, nobody who could, or the trial was of another configuration;
    RunAlreadyActive while tickets are being read.
    """
    require(by, Role.admin, "analyse everything again")
    check_scope(scope)
    if obstacle := find_obstacle(session, config):
        raise UsageError(obstacle)
    model = model_in_force(config)
    _require_quiet(session)
    version, _ = settings.load(session)
    trial = None if trial_id is None else session.get(Trial, trial_id)
    if trial is not None and (trial.model, trial.settings_version) != (model, version):
        raise UsageError(
            f"trial {trial_id} was read by {trial.model} under settings version {trial.settings_version}, and now "
            f"{model} is in force under version {version}: try again on a sample first"
        )
    forget_old(session)
    row = Rereading(
        trial_id=trial_id,
        scope=scope,
        tickets=0,
        model=model,
        settings_version=version,
        last_issue_id=session.scalar(text("SELECT coalesce(max(id), 0) FROM issues")),
        last_analysis_id=session.scalar(text("SELECT coalesce(max(id), 0) FROM analyses")),
        created_by=str(by),
    )
    session.add(row)
    session.flush()
    values = {"id": row.id, "version": version, "model": model}
    for statement in (_KEEP_TICKETS.format(scope=scope_condition(scope)), _KEEP_ISSUES, _READ_AGAIN):
        session.execute(text(statement), {name: value for name, value in values.items() if f":{name}" in statement})
    row.tickets = session.scalar(text("SELECT count(*) FROM reread_tickets WHERE rereading_id = :id"), values) or 0
    if not row.tickets:
        raise UsageError(f"no ticket of the scope {scope} was read yet, so there is nothing to read again")
    audit(session, by, "analyses.again", "rereading", row.id, after={"scope": scope, "tickets": row.tickets})
    session.flush()
    return row


def undo_rereading(session: Session, rereading_id: int, *, by: Actor) -> Rereading:
    """Put back how everything stood before; returns the re-reading.

    Raises NotFound; UsageError when it is undone, older than 30 days, or a newer one stands; RunAlreadyActive while
    tickets are being read.
    """
    require(by, Role.admin, "take a re-reading back")
    row = session.get(Rereading, rereading_id, with_for_update=True)
    if row is None:
        raise NotFound("re-reading", rereading_id)
    newest = session.scalar(select(func.max(Rereading.id)).where(Rereading.undone_at.is_(None)))
    if row.undone_at is not None:
        raise UsageError(f"re-reading {rereading_id} was taken back already, by {row.undone_by}")
    if newest != row.id:
        raise UsageError(f"re-reading {newest} came after {rereading_id}: take that one back first")
    if not can_undo(row, now=session.scalar(select(func.now()))):
        raise UsageError(f"re-reading {rereading_id} is older than {UNDO_DAYS} days: it can no longer be taken back")
    _require_quiet(session)
    values = {"id": row.id, "issue": row.last_issue_id, "analysis": row.last_analysis_id, "why": TAKEN_BACK}
    for statement in (_LOCK, _PUT_BACK, _MEND_ORIGINALS, _RETIRE_GAINED, _UNMARK):
        session.execute(text(statement), {name: value for name, value in values.items() if f":{name}" in statement})
    row.undone_at, row.undone_by = func.now(), str(by)
    for name in ("reread_issues", "reread_tickets"):
        session.execute(text(f"DELETE FROM {name} WHERE rereading_id = :id"), {"id": row.id})  # noqa: S608
    audit(session, by, "analyses.undo", "rereading", row.id, after={"tickets": row.tickets})
    session.flush()
    return row


def can_undo(row: Rereading, *, now: dt.datetime | None) -> bool:
    """Whether it stands and is young enough; a newer one may still stand before it."""
    return row.undone_at is None and now is not None and now - row.created_at < dt.timedelta(days=UNDO_DAYS)


def list_rereadings(session: Session, *, limit: int = 10) -> Sequence[Rereading]:
    return session.scalars(select(Rereading).order_by(Rereading.id.desc()).limit(limit)).all()


def forget_old(session: Session) -> None:
    """What was kept for an undo that is no longer possible goes."""
    for name in ("reread_issues", "reread_tickets"):
        session.execute(
            text(f"""
                DELETE FROM {name} USING rereadings WHERE rereadings.id = rereading_id
                  AND rereadings.created_at < now() - make_interval(days => :days)"""),  # noqa: S608
            {"days": UNDO_DAYS},
        )


def _require_quiet(session: Session) -> None:
    """Nobody reads now, and nobody starts until the caller commits."""
    session.execute(text("LOCK TABLE job_run_keys IN SHARE ROW EXCLUSIVE MODE"))
    run = session.scalars(
        select(JobRun).join(JobRunKey, JobRunKey.run_id == JobRun.id).where(JobRunKey.key == "analyze")
    ).first()
    if run is not None:
        raise RunAlreadyActive(run.id, run.job_name, run.state)


_KEEP_TICKETS = """
    INSERT INTO reread_tickets (rereading_id, ticket_id, text_hash, analyzed_at)
    SELECT :id, id, text_hash, analyzed_at FROM ({scope}) AS chosen"""
_KEEP_ISSUES = """
    INSERT INTO reread_issues (rereading_id, issue_id, columns)
    SELECT :id, issue.id, to_jsonb(issue) FROM issues AS issue
      JOIN reread_tickets AS kept ON kept.rereading_id = :id AND kept.ticket_id = issue.ticket_id"""
# They wait, but were read before: what was never read is what a backlog holds back and what trends miss.
_READ_AGAIN = """
    UPDATE tickets SET analyzed_text_hash = 'again' FROM reread_tickets AS kept
    WHERE kept.rereading_id = :id AND tickets.id = kept.ticket_id"""

# Only tickets whose text is still the one that had been read: another text needed another reading anyway.
_SAME = """kept.rereading_id = :id AND ticket.id = kept.ticket_id AND ticket.text_hash = kept.text_hash
      AND ticket.deleted_at IS NULL"""
_LOCK = f"""
    SELECT ticket.id FROM tickets AS ticket JOIN reread_tickets AS kept ON {_SAME}
    ORDER BY ticket.source, ticket.source_id FOR NO KEY UPDATE OF ticket"""  # noqa: S608
# A person's word counts, whether it was given or taken back since: such a column stays as it is now.
_READ_COLUMNS = ", ".join(
    f"{name} = CASE WHEN issue.edited ? '{name}' OR old.edited ? '{name}' THEN issue.{name} ELSE old.{name} END"
    for name in ("type", "area", "component", "severity", "severity_phrase", "summary")
)
_SAID = "(issue.edited ? 'not_an_issue') <> (old.edited ? 'not_an_issue')"
_PUT_BACK = f"""
    UPDATE issues AS issue SET {_READ_COLUMNS},
      quote = old.quote, quote_start = old.quote_start, quote_end = old.quote_end,
      quote_verified = old.quote_verified, text_hash = old.text_hash, confidence = old.confidence, facts = old.facts,
      occurred_at = old.occurred_at, analyzer = old.analyzer, analysis_id = old.analysis_id,
      retired_at = CASE WHEN {_SAID} THEN issue.retired_at ELSE old.retired_at END,
      retired_reason = CASE WHEN {_SAID} THEN issue.retired_reason ELSE old.retired_reason END,
      updated_at = now()
    FROM reread_issues AS before
      CROSS JOIN LATERAL jsonb_populate_record(CAST(NULL AS issues), before.columns) AS old,
      tickets AS ticket, reread_tickets AS kept
    WHERE before.rereading_id = :id AND before.issue_id = issue.id AND {_SAME} AND issue.ticket_id = ticket.id
      AND NOT issue.edited ? 'missed'"""  # noqa: S608
# What an undo of a correction made since puts back is what was read before, not what is taken back now.
_MEND_ORIGINALS = """
    UPDATE corrections AS said SET original = (
      SELECT jsonb_object_agg(one.key, before.columns -> one.key) FROM jsonb_object_keys(said.original) AS one (key))
    FROM reread_issues AS before, rereadings AS row
    WHERE row.id = :id AND before.rereading_id = row.id AND before.issue_id = said.issue_id
      AND said.created_at >= row.created_at AND said.kind IN ('type', 'area', 'severity')
      AND NOT before.columns -> 'edited' ? said.kind"""
_RETIRE_GAINED = f"""
    UPDATE issues AS issue SET retired_at = now(), retired_reason = :why, updated_at = now()
    FROM tickets AS ticket, reread_tickets AS kept
    WHERE {_SAME} AND issue.ticket_id = ticket.id AND issue.id > :issue AND issue.retired_at IS NULL
      AND issue.edited = '{{}}' AND NOT issue.theme_pinned AND issue.analyzer <> 'person'
      AND issue.analysis_id > :analysis"""  # noqa: S608
_UNMARK = f"""
    UPDATE tickets AS ticket SET analyzed_at = coalesce(kept.analyzed_at, now()), analyzed_text_hash = ticket.text_hash
    FROM reread_tickets AS kept WHERE {_SAME}"""  # noqa: S608
