"""STEP trial: a sample of the tickets that were read is read once more, as everything would be now, and stored apart.

No issue is touched. What it says of the whole stands in `trial_report.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from miner.issues.answer import Reading, checked
from miner.issues.calls import record_calls, was_claude_used
from miner.issues.comparison import row_of
from miner.issues.knowledge import load_knowledge
from miner.issues.local import LocalAnalyzer
from miner.issues.pending import PendingTicket, list_by_id
from miner.issues.readers import LOCAL_VERSION, is_claude_to_read
from miner.issues.scopes import list_ids, list_reaches
from miner.issues.shares import draw
from miner.issues.tally import count_calls
from miner.logs import get_logger
from miner.models import Issue, JobRun, Trial, TrialReading
from miner.runs.context import Skip, StepContext

log = get_logger(__name__)

SAMPLE = 50
BATCH = 50
GONE = "the ticket is gone"


def run(context: StepContext) -> Skip | None:
    """Draw, read, store apart; resumes with what is not read yet."""
    with context.reading() as session:
        used = context.config.analyzer == "auto" and was_claude_used(session)
    claude = is_claude_to_read(context.config, used_before=used)
    trial_id = (context.checkpoint or {}).get("trial") or _begin(context, claude=claude)
    if trial_id is None:
        return Skip("no ticket of this kind was read yet")
    with context.reading() as session:
        tickets = list_by_id(session, _unread(session, trial_id))
        size = session.scalar(select(func.count()).where(TrialReading.trial_id == trial_id))
    context.expect(size)
    (_read_with_claude if claude else _read_locally)(context, trial_id, tickets)
    with context.unit(last=True) as unit:
        gone = _unread(unit.session, trial_id)
        values = {"outcome": "failed", "reason": GONE, "before": [], "found": []}
        unit.session.execute(_of(trial_id, gone).values(**values))
        unit.session.execute(update(Trial).where(Trial.id == trial_id).values(finished_at=func.now()))
        unit.advance(len(gone))
    log.info("trial_read", message=f"Trial {trial_id}: {size} tickets were read once more, apart", trial=trial_id)
    return None


def _begin(context: StepContext, *, claude: bool) -> int | None:
    model = context.config.model if claude else LOCAL_VERSION
    scope, sample = context.args.get("scope", "all"), context.args.get("sample", SAMPLE)
    with context.unit() as unit:
        session = unit.session
        ids = list_ids(session, scope, version=context.settings_version, model=model)
        if not ids:
            return None
        reaches = list_reaches(
            session, version=context.settings_version, settings=context.settings, config=context.config
        )
        reach = next(one for one in reaches if one.scope == scope)
        seed = secrets.randbits(31)
        drawn = draw(ids, sample, seed=seed)
        trial = Trial(
            run_id=context.run_id,
            scope=scope,
            tickets=reach.tickets,
            characters=reach.characters,
            sample=len(drawn),
            seed=seed,
            analyzer="claude" if claude else "local",
            model=model,
            settings_version=context.settings_version,
            created_by=session.get_one(JobRun, context.run_id).triggered_by,
        )
        session.add(trial)
        session.flush()
        session.execute(insert(TrialReading), [{"trial_id": trial.id, "ticket_id": one} for one in drawn])
        unit.checkpoint = {"trial": trial.id}
        return trial.id


def _read_locally(context: StepContext, trial_id: int, tickets: Sequence[PendingTicket]) -> None:
    analyzer = LocalAnalyzer(context.settings.areas)
    for start in range(0, len(tickets), BATCH):
        batch = tickets[start : start + BATCH]
        readings = list(analyzer.read([ticket.text for ticket in batch]))
        with context.unit() as unit:
            _store(unit.session, trial_id, batch, readings)
            unit.advance(len(readings))
            unit.count(tickets=len(readings))


def _read_with_claude(context: StepContext, trial_id: int, tickets: Sequence[PendingTicket]) -> None:
    from miner import settings
    from miner.issues.aside import AsideReading
    from miner.issues.claude import Claude
    from miner.issues.purse import Purse
    from miner.issues.question import Question

    config = context.config
    with context.reading() as session:
        _, current = settings.load(session)
        purse = Purse.open(session, run_id=context.run_id, model=config.model, settings=current)
        stored = load_knowledge(session, context.settings, version=context.settings_version)
    knowledge = stored.prepare()
    claude = Claude(api_key=str(config.anthropic_api_key), base_url=config.anthropic_base_url, model=config.model)
    try:
        reading = AsideReading(
            Question(claude, knowledge, second=context.settings.second_model),
            [ticket.text for ticket in knowledge.with_articles(tickets)],
            per_call=context.settings.tickets_per_call,
            at_once=context.settings.calls_at_once,
            purse=purse,
            check=context.check,
        )
        for part in reading.parts():
            with context.unit(leaving=True) as unit:
                record_calls(unit.session, part.calls, run_id=context.run_id)
                _store(unit.session, trial_id, tickets, part.readings)
                unit.advance(len(part.readings))
                unit.count(tickets=len(part.readings), **count_calls(part.calls))
    finally:
        claude.close()


def _store(session: Session, trial_id: int, tickets: Sequence[PendingTicket], readings: Sequence[Reading]) -> None:
    by_id = {ticket.id: ticket for ticket in tickets}
    before = _issues(session, [reading.ticket_id for reading in readings])
    for reading in readings:
        held, found = checked(reading, by_id[reading.ticket_id].text)
        session.execute(
            _of(trial_id, [reading.ticket_id]).values(
                outcome=held.outcome,
                reason=held.reason,
                before=before.get(reading.ticket_id, []),
                found=[row_of(one) for one in found],
                cost_usd=held.usage.cost_usd,
            )
        )


def _of(trial_id: int, ticket_ids: Sequence[int]) -> Any:
    return update(TrialReading).where(TrialReading.trial_id == trial_id, TrialReading.ticket_id.in_(ticket_ids))


def _unread(session: Session, trial_id: int) -> Sequence[int]:
    return session.scalars(
        select(TrialReading.ticket_id).where(TrialReading.trial_id == trial_id, TrialReading.outcome.is_(None))
    ).all()


def _issues(session: Session, ticket_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """The live issues of each ticket as they stand, as rows."""
    rows = session.execute(
        select(
            Issue.id, Issue.ticket_id, Issue.type, Issue.area, Issue.component, Issue.severity, Issue.summary,
            Issue.quote, Issue.quote_start, Issue.quote_end, Issue.quote_verified, Issue.edited,
        ).where(Issue.ticket_id.in_(ticket_ids), Issue.retired_at.is_(None)).order_by(Issue.id)
    ).all()  # fmt: skip
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        columns = dict(row._mapping)
        columns["start"], columns["end"] = columns.pop("quote_start"), columns.pop("quote_end")
        columns["verified"], columns["edited"] = columns.pop("quote_verified"), sorted(columns["edited"])
        found.setdefault(columns.pop("ticket_id"), []).append(columns)
    return found
