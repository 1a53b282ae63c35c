"""Claude names themes in the cluster step: the real package, real HTTP, real Postgres."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from miner import db, settings
from miner.models import Issue, JobRun, ModelCall, Theme
from miner.runs import lifecycle
from miner.runs.context import StepContext
from miner.themes import cluster
from miner.themes.queries import get_portrait
from tests.factories import TESTER, make_issue
from tests.standins.claude.fixture import claude
from tests.standins.claude.standin import StandIn

__all__ = ["claude"]
EXPORT = ["CSV export fails", "Export to CSV crashes", "The CSV export gives an error", "Exporting a CSV file fails"]
LOGIN = ["Cannot log in", "Login does not work", "The login fails", "Unable to log in since the update"]


@pytest.fixture
def group(session: Session, step: Callable[..., StepContext], claude: StandIn) -> Callable[[], int]:
    for summary in EXPORT + LOGIN:
        make_issue(session, summary=summary, quote=f"Quote: {summary}")

    def run() -> int:
        session.commit()
        context = step("cluster")
        cluster.run(context)
        with db.transaction() as other:
            lifecycle.complete(other, context.hold.claim)
        session.expire_all()
        return context.run_id

    return run


def test_themes_are_named_and_told_by_claude_and_the_cost_is_kept(
    session: Session, group: Callable[[], int], claude: StandIn
) -> None:
    run = group()
    themes = session.scalars(select(Theme).order_by(Theme.id)).all()
    assert [theme.name_source for theme in themes] == ["claude", "claude"]
    assert all(theme.name.endswith("(told)") for theme in themes)
    for theme in themes:
        assert theme.portrait["by"] == "claude"
        for point in get_portrait(session, theme.id).points:
            assert point.quote in {f"Quote: {summary}" for summary in EXPORT + LOGIN}
            assert session.get_one(Issue, point.issue_id).theme_id == theme.id
    (call,) = session.scalars(select(ModelCall)).all()
    assert (call.run_id, call.outcome, call.tickets, call.prompt_version) == (run, "ok", 0, "theme-1")
    assert session.get_one(JobRun, run).counters["cost_usd"] == pytest.approx(float(call.cost_usd or 0))
    document = claude.calls[0].body["messages"][-1]["content"]
    assert '"outside"' in document


def test_a_theme_is_told_again_only_when_a_third_changed(
    session: Session, group: Callable[[], int], claude: StandIn
) -> None:
    group()
    make_issue(session, summary="CSV export fails again")
    group()
    assert len(claude.calls) == 1
    for _ in range(4):
        make_issue(session, summary="CSV export is broken")
    group()
    assert len(claude.calls) == 2


@pytest.mark.parametrize("fault", [{"status": 529}, {"status": 429}, {"status": 401}, {"say": lambda body: "no JSON"}])
def test_without_an_answer_the_terms_name_the_themes_and_the_next_run_asks_again(
    session: Session, group: Callable[[], int], claude: StandIn, fault: dict[str, object]
) -> None:
    claude.fail(**fault)  # type: ignore[arg-type]
    group()
    assert set(session.scalars(select(Theme.name_source))) == {"terms"}
    assert set(session.scalars(select(Theme.portrait["by"].astext))) == {"terms"}
    group()
    assert set(session.scalars(select(Theme.name_source))) == {"claude"}


def test_a_limit_on_money_is_kept(session: Session, group: Callable[[], int], claude: StandIn) -> None:
    settings.save(session, settings.parse({"run_budget_usd": 0.0001}), by=TESTER)
    group()
    assert claude.calls == []
    assert set(session.scalars(select(Theme.name_source))) == {"terms"}


def test_a_name_that_a_person_gave_stays(session: Session, group: Callable[[], int], claude: StandIn) -> None:
    claude.fail(401)
    group()
    theme = session.scalars(select(Theme).order_by(Theme.id)).first()
    assert theme is not None
    theme.name, theme.name_source = "Money", "human"
    group()
    session.refresh(theme)
    assert (theme.name, theme.name_source, theme.portrait["by"]) == ("Money", "human", "claude")
