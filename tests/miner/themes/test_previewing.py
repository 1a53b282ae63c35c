"""The step that says how many themes a granularity would give."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from miner.models import JobRun, Theme
from miner.runs.context import StepContext
from miner.themes import cluster, previewing
from tests.factories import make_issue

EXPORT = ["CSV export fails", "Export to CSV crashes", "The CSV export gives an error", "Exporting a CSV file fails"]


def test_it_counts_themes_and_changes_none(session: Session, step: Callable[..., StepContext]) -> None:
    for summary in [*EXPORT, "Purple submarines hum"]:
        make_issue(session, summary=summary)
    session.commit()
    cluster.run(step("cluster"))
    before = session.scalar(select(func.max(Theme.updated_at)))
    context = step("preview", {"granularity": 0.5})
    previewing.run(context)
    session.expire_all()
    assert session.get_one(JobRun, context.run_id).counters == {"themes": 1, "issues_unplaced": 1}
    assert session.scalar(select(func.max(Theme.updated_at))) == before


def test_without_an_argument_it_is_the_granularity_in_force(session: Session, step: Callable[..., StepContext]) -> None:
    context = step("preview")
    previewing.run(context)
    assert session.get_one(JobRun, context.run_id).counters == {"themes": 0, "issues_unplaced": 0}
