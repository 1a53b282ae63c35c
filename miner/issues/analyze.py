"""STEP analyze: tickets that were not read yet are read, newest first, and what is found is stored.

By Claude (see `batch.py` and `live.py`) where it is configured, else by the local rules, fifty at a time: loaded in a
short transaction, read in none, stored in one unit. A ticket that cannot be read is an outcome of that ticket, not of
the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from miner.access import SYSTEM
from miner.errors import MinerError
from miner.issues.announce import announce_reading
from miner.issues.answer import Analyzer, Reading, checked
from miner.issues.batch_rows import has_open
from miner.issues.calls import was_claude_used
from miner.issues.checks import draw_check, is_due
from miner.issues.local import LocalAnalyzer
from miner.issues.pending import PendingTicket, count_pending, list_pending
from miner.issues.readers import is_claude_to_read
from miner.issues.record import Answer
from miner.issues.storing import store_readings
from miner.logs import get_logger
from miner.runs.context import Skip, StepContext
from miner.tickets.rebuild import rebuild_texts

log = get_logger(__name__)

BATCH = 50


def run(context: StepContext) -> Skip | None:
    """Read what waits, and draw the week's check if it is not there yet; see `_read`."""
    skipped = _read(context)
    with context.reading() as session:
        due = is_due(session)
    if due:
        with context.unit() as unit:
            draw_check(unit.session, by=SYSTEM)
        log.info("check_drawn", message="Drew this week's check: ten reports to be judged on the page Check ten")
    return skipped


def _read(context: StepContext) -> Skip | None:
    """Read at most `args["batch_size"]` tickets, or all that wait.

    Raises ConfigurationNeeded when Claude is to read, or has read before, and there is no key: the two readers' issues
    are not alike, so one never stands in for the other unasked.
    """
    rebuild_texts(context)
    done = int((context.checkpoint or {}).get("tickets", 0))
    limit = context.args.get("batch_size")
    with context.reading() as session:
        batches = has_open(session)
        used = context.config.analyzer == "auto" and was_claude_used(session)
    if batches and is_claude_to_read(context.config, used_before=used):
        done = _settle_batches(context, done=done)
    with context.reading() as session:
        waiting = count_pending(session, limit=None if limit is None else max(0, limit - done), held=None)
    if not waiting:
        return None if done else Skip("no ticket waits to be read")
    if not is_claude_to_read(context.config, used_before=used):
        context.expect(done + waiting)
        _read_locally(context, done=done, limit=limit)
        return None
    tickets = announce_reading(context, limit=None if limit is None else max(0, limit - done))
    if not tickets:
        return None if done else Skip("only tickets wait that are read once somebody says so: see `miner backlog list`")
    context.expect(done + tickets)
    _read_with_claude(context, done=done, limit=limit)
    return None


def _settle_batches(context: StepContext, *, done: int) -> int:
    """Take what open batches have ready; raises BatchUnderWay while one is left. What is done then."""
    from miner.issues.batch import settle_open

    return settle_open(context, done=done, cancel=False)


def _read_with_claude(context: StepContext, *, done: int, limit: int | None) -> None:
    from miner.issues.batch import Reading as ClaudeReading
    from miner.issues.claude import Claude  # the package behind it is slow to load

    config = context.config
    claude = Claude(api_key=str(config.anthropic_api_key), base_url=config.anthropic_base_url, model=config.model)
    try:
        ClaudeReading(context, claude, done=done, limit=limit).run()
    finally:
        claude.close()


def _read_locally(context: StepContext, *, done: int, limit: int | None) -> None:
    analyzer = choose_analyzer(context)
    while size := BATCH if limit is None else min(BATCH, limit - done):
        with context.reading() as session:
            tickets = list_pending(session, limit=size, held=None)  # what costs nothing waits for nobody
        if not tickets:
            break
        answers = read_tickets(analyzer, tickets)
        with context.unit() as unit:
            stored = store_readings(
                unit,
                answers,
                [],
                analyzer=analyzer,
                run_id=context.run_id,
                settings_version=context.settings_version,
                done=done,
            )
            unit.count(**_usage(stored))
        done += len(stored)
        _report(stored)


def choose_analyzer(context: StepContext) -> Analyzer:
    """The local rules, looking for the areas of the settings."""
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


def _usage(stored: Sequence[Answer]) -> dict[str, int | Decimal]:
    """What an analyzer of whatever kind says that it used."""
    counters: dict[str, int | Decimal] = {}
    for name in ("input_tokens", "output_tokens", "cost_usd"):
        amounts = [amount for one in stored if (amount := getattr(one.reading.usage, name)) is not None]
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
