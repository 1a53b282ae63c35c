"""What a run says before it spends anything: how much it reads, for how much, within which limits, what it leaves."""

from __future__ import annotations

from miner import settings
from miner.issues.backlog import outlook_of, prepare_reading
from miner.issues.pending import count_again
from miner.logs import get_logger
from miner.runs.context import StepContext
from miner.settings import Settings

log = get_logger(__name__)


def announce_reading(context: StepContext, *, limit: int | None) -> int:
    """Hold back what nobody agreed to, tell the run's log what lies ahead, and return how many tickets it reads."""
    with context.unit() as unit:
        unit.checkpoint = context.checkpoint
        _, current = settings.load(unit.session)
        again = count_again(unit.session, limit=limit)
        ahead, held = prepare_reading(
            unit.session, run_id=context.run_id, settings=current, model=context.config.model, limit=limit
        )
    if ahead.tickets:
        log.info(
            "reading_ahead",
            message=f"To be read: {ahead.sentence}; "
            f"{f'{again:,} of them were read before; ' if again else ''}{limits_sentence(current)}",
            tickets=ahead.tickets,
            again=again,
            low_usd=str(ahead.low),
            high_usd=str(ahead.high),
        )
    if held is not None:
        why = "the first reading of this source" if held.reason == "first" else "a reading that may cost much"
        left = "are left, as the setting backlog says" if held.answer else "wait for your word when this run is over"
        log.info("backlog_held", message=f"Since it is {why}, the older ones {left}: {outlook_of(held).sentence}")
    return ahead.tickets


def limits_sentence(values: Settings) -> str:
    """`limits: $2.00 a run, none a month`."""
    run, month = ("none" if cap is None else f"${cap:,.2f}" for cap in (values.run_budget_usd, values.month_budget_usd))
    return f"limits: {run} a run, {month} a month"
