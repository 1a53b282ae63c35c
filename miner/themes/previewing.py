"""STEP preview: how many themes a granularity would give. Nothing is changed; the run and its log hold the answer."""

from __future__ import annotations

from miner.logs import get_logger
from miner.runs.context import Skip, StepContext
from miner.themes.preview import preview

log = get_logger(__name__)


def run(context: StepContext) -> Skip | None:
    """Group what is stored as the arguments say; the granularity in force when they say nothing."""
    granularity = context.args.get("granularity") or context.settings.granularity
    context.expect(1)
    found = preview(context.transaction, granularity=granularity, smallest=context.settings.smallest_theme)
    grouped = f"the largest of {found.largest:,}; {found.pool:,} issues would not yet be part of one"
    unread = f"; {found.unread:,} new issues are not counted" if found.unread else ""
    with context.unit(last=True) as unit:
        unit.advance(1)
        unit.count(themes=found.themes, issues_unplaced=found.pool)
    log.info(
        "granularity_previewed",
        message=f"Granularity {granularity:g} would give {found.themes:,} themes, {grouped}{unread}",
        themes=found.themes,
    )
    return None
