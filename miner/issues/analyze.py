"""STEP analyze: tickets that were not read yet are read, newest first, and what is found is stored.

Fifty at a time: loaded in a short transaction, read in none, stored in one unit. A ticket that an analyzer cannot read
is an outcome of that ticket, not of the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from miner.errors import MinerError
from miner.issues.answer import Analyzer, Reading, checked
from miner.issues.local import LocalAnalyzer
from miner.issues.pending import PendingTicket, count_pending, list_pending
from miner.issues.record import Answer, record_answers
from miner.logs import get_logger
from miner.runs.context import Skip, StepContext

log = get_logger(__name__)

BATCH = 50


def run(context: StepContext) -> Skip | None:
    """Read at most `args["batch_size"]` tickets, or all that wait."""
    analyzer = choose_analyzer(context)
    done = int((context.checkpoint or {}).get("tickets", 0))
    limit = context.args.get("batch_size")
    with context.reading() as session:
        waiting = count_pending(session, limit=None if limit is None else max(0, limit - done))
    if not waiting:
        return None if done else Skip("no ticket waits to be read")
    context.expect(done + waiting)
    while size := BATCH if limit is None else min(BATCH, limit - done):
        with context.reading() as session:
            tickets = list_pending(session, limit=size)
        if not tickets:
            break
        answers = read_tickets(analyzer, tickets)
        with context.unit() as unit:
            stored = record_answers(
                unit.session,
                answers,
                analyzer=analyzer,
                run_id=context.run_id,
                settings_version=context.settings_version,
            )
            done += len(stored)
            unit.advance(len(stored))
            unit.count(**_counters(stored))
            unit.checkpoint = {"tickets": done}
        _report(stored)
    return None


def choose_analyzer(context: StepContext) -> Analyzer:
    """What `MINER_ANALYZER` asks for: `auto` and `local` are the local rules in this release."""
    return LocalAnalyzer(context.settings.areas)


def read_tickets(analyzer: Analyzer, tickets: Sequence[PendingTicket]) -> list[Answer]:
    """An answer for every ticket, whatever the analyzer does; errors of ours (a budget, a stop) go through."""
    readings = _readings(analyzer, tickets)
    answers = []
    for ticket in tickets:
        reading = readings.get(ticket.id) or Reading(ticket.id, "failed", "the analyzer gave no answer")
        reading, found = checked(reading, ticket.text)
        answers.append(Answer(ticket, reading, found))
    return answers


def _readings(analyzer: Analyzer, tickets: Sequence[PendingTicket]) -> dict[int, Reading]:
    try:
        return {reading.ticket_id: reading for reading in analyzer.read([ticket.text for ticket in tickets])}
    except MinerError:
        raise
    except Exception as error:
        if len(tickets) > 1:  # find the one that cannot be read
            return {key: reading for ticket in tickets for key, reading in _readings(analyzer, [ticket]).items()}
        # Its message may hold the ticket's text, so only its kind is told.
        kind, ticket_id = type(error).__name__, tickets[0].id
        log.warning("ticket_failed", message=f"Ticket {ticket_id} could not be read: {kind}", ticket_id=ticket_id)
        return {ticket_id: Reading(ticket_id, "failed", f"the analyzer failed: {kind}")}


def _counters(stored: Sequence[Answer]) -> dict[str, int | Decimal]:
    usages = [answer.reading.usage for answer in stored]
    counters: dict[str, int | Decimal] = {
        "tickets": len(stored),
        "issues": sum(len(answer.found) for answer in stored),
    }
    for name in ("input_tokens", "output_tokens", "cost_usd"):
        amounts = [amount for usage in usages if (amount := getattr(usage, name)) is not None]
        if amounts:
            counters[name] = sum(amounts)
    return counters


def _report(stored: Sequence[Answer]) -> None:
    outcomes = Counter(answer.reading.outcome for answer in stored)
    issues = sum(len(answer.found) for answer in stored)
    log.info(
        "tickets_read",
        message=f"Read {len(stored)} tickets: {issues} issues, {outcomes['no_issue']} without one, "
        f"{outcomes['skipped']} skipped, {outcomes['failed']} failed",
        tickets=len(stored),
        issues=issues,
        **{name: count for name, count in outcomes.items() if name != "issues"},
    )
