"""The step that keeps weeks: each one that is over is written once, as its page shows it, and stays so."""

from __future__ import annotations

from miner.logs import get_logger
from miner.runs.context import Skip, StepContext
from miner.trends.kept import list_missing, record_week

log = get_logger(__name__)


def run(context: StepContext) -> Skip | None:
    with context.reading() as session:
        missing = list_missing(session, zone=context.settings.zone)
    if not missing:
        return Skip("every week that is over is kept")
    written = (context.checkpoint or {}).get("written", 0)  # before another worker took this run over
    context.expect(written + len(missing))
    for number, week in enumerate(missing, written + 1):
        with context.unit() as unit:
            record_week(unit.session, week, settings_version=context.settings_version, run_id=context.run_id)
            unit.advance(1)
            unit.checkpoint = {"written": number}
    log.info("weeks_kept", message=f"Kept {missing[0].name} to {missing[-1].name}", weeks=len(missing))
    return None
