"""A trial reads a sample once more and touches nothing: local rules, and Claude through its stand-in."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import settings
from miner.config import Config
from miner.errors import CancelRequested, ConfigurationNeeded, InvalidArguments, NotFound, RateLimited
from miner.issues import trial
from miner.issues.scopes import list_ids, list_reaches
from miner.issues.trial_report import get_report, list_trials, project
from miner.models import JobRun
from miner.runs.context import Skip, StepContext
from tests.standins.claude.standin import StandIn
from tests.support.reading import configure, fill, has, read

Steps = Callable[..., StepContext]


def read_locally(step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("MINER_ANALYZER", "local")
        read(session, step("analyze"))
    session.execute(text("DELETE FROM job_run_keys"))
    session.commit()


def state(session: Session) -> list[tuple[Any, ...]]:
    """Everything that a trial must leave alone."""
    session.rollback()
    rows = []
    for table in ("issues", "analyses", "tickets"):
        rows += [tuple(row) for row in session.execute(text(f"SELECT to_jsonb({table}) FROM {table} ORDER BY id"))]
    return rows


def test_a_sample_is_read_apart_and_no_issue_is_touched(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(session, 12)
    read_locally(step, session, monkeypatch)
    before = state(session)
    context = step("trial", {"sample": 7, "scope": "local"})
    assert trial.run(context) is None
    assert state(session) == before
    (made,) = list_trials(session)
    assert (made.sample, made.tickets, made.analyzer, made.model) == (7, 12, "claude", "claude-haiku-5-5")
    assert made.finished_at is not None
    report = get_report(session, made.id)
    assert (report.read, report.failed) == (7, 0)
    assert report.comparison.totals == (7, 7)
    assert report.dollars == session.scalar(text("SELECT sum(cost_usd) FROM model_calls"))
    assert report.price is not None
    assert report.price.low <= (report.dollars or 0) / 7 * 12 <= report.price.high
    counters = session.get_one(JobRun, context.run_id).counters
    assert counters["tickets"] == 7
    assert counters["cost_usd"] > 0
    assert session.scalar(text("SELECT count(*) FROM model_calls WHERE run_id = :id"), {"id": context.run_id}) == 2


def test_what_would_change_stands_side_by_side(step: Steps, session: Session, claude: StandIn) -> None:
    fill(session, 4)
    read(session, step("analyze"))
    session.execute(text("DELETE FROM job_run_keys"))
    first, second = session.scalars(text("SELECT id FROM issues ORDER BY id LIMIT 2")).all()
    session.execute(text("UPDATE issues SET type = 'performance' WHERE id = :id"), {"id": first})
    session.execute(text("UPDATE issues SET retired_at = now(), retired_reason = 'not an issue' WHERE id = :id"),
                    {"id": second})  # fmt: skip
    session.commit()
    trial.run(step("trial", {"sample": 50}))
    report = get_report(session, list_trials(session)[0].id)
    assert report.counts["type"] == [("bug", 2, 4), ("performance", 1, 0)]
    assert [pair.changed for pair in report.comparison.changed] == [("type",)]
    assert len(report.comparison.gained) == 1
    assert report.comparison.lost == []


def test_a_trial_by_the_local_rules_costs_nothing(step: Steps, session: Session) -> None:
    fill(session, 3)
    read(session, step("analyze"))
    session.execute(text("DELETE FROM job_run_keys"))
    session.commit()
    trial.run(step("trial"))
    report = get_report(session, list_trials(session)[0].id)
    assert (report.read, report.dollars, report.comparison.gained) == (3, Decimal(0), [])


def test_with_nothing_read_there_is_nothing_to_try(step: Steps, session: Session) -> None:
    fill(session, 2)
    assert trial.run(step("trial")) == Skip("no ticket of this kind was read yet")
    with pytest.raises(NotFound):
        get_report(session, 99)


def test_a_trial_that_is_stopped_goes_on_with_what_is_left_and_keeps_what_was_paid(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(session, tickets_per_call=1, calls_at_once=1)
    fill(session, 6)
    read_locally(step, session, monkeypatch)
    context = step("trial", {"sample": 6})
    answer = claude.answer

    def stop_at_the_third(body: dict[str, Any]) -> dict[str, Any]:
        if len(claude.calls) == 2:
            context.hold.cancel.set()
        return answer(body)

    claude.answer = stop_at_the_third
    with pytest.raises(CancelRequested):
        trial.run(context)
    context.hold.cancel.clear()
    trial.run(context)
    assert len(claude.calls) == 6
    assert session.scalar(text("SELECT count(*) FROM model_calls")) == 6
    assert get_report(session, list_trials(session)[0].id).read == 6


def test_what_stops_all_calls_makes_the_run_wait(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(session, 2)
    read_locally(step, session, monkeypatch)
    context = step("trial")
    claude.fail(429, kind="rate_limit_error", headers={"retry-after": "60"})
    with pytest.raises(RateLimited):
        trial.run(context)
    claude.fail(401, kind="authentication_error")
    with pytest.raises(ConfigurationNeeded):
        trial.run(context)
    assert len(list_trials(session)) == 1


def test_a_ticket_that_fails_is_left_out_of_the_comparison(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(session, 5)
    read_locally(step, session, monkeypatch)
    claude.fail(say=lambda body: "{}", times=20, when=has("sheet 3"))
    trial.run(step("trial"))
    report = get_report(session, list_trials(session)[0].id)
    assert (report.read, report.failed, report.comparison.totals) == (5, 1, (4, 4))


def test_a_scope_is_what_the_local_rules_read_or_what_was_read_otherwise(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = fill(session, 3)
    read_locally(step, session, monkeypatch)
    new = fill(session, 2)
    read(session, step("analyze"))
    config, model = Config.from_environment(), "claude-haiku-5-5"
    version, current = settings.load(session)
    sizes = {one.scope: one.tickets for one in list_reaches(session, version=1, settings=current, config=config)}
    assert sizes == {"all": 5, "local": 3, "older": 3}
    assert set(list_ids(session, "local", version=1, model=model)) == {ticket.id for ticket in old}
    configure(session, product="A clock")
    version, current = settings.load(session)
    reaches = {one.scope: one for one in list_reaches(session, version=version, settings=current, config=config)}
    assert reaches["older"].tickets == 5
    price = reaches["all"].price
    assert price is not None
    assert 0 < price.low < price.high
    assert set(list_ids(session, "older", version=version, model=model)) == {one.id for one in [*old, *new]}
    with pytest.raises(InvalidArguments, match="choose one of all, local, older"):
        list_ids(session, "some", version=1, model=model)


def test_the_price_of_all_is_projected_with_its_interval() -> None:
    assert project([], 100) is None
    one = project([Decimal("0.01")], 100)
    assert one is not None
    assert (one.low, one.high) == (0, Decimal("2.0"))
    some = project([Decimal("0.01"), Decimal("0.02"), Decimal("0.03")], 100)
    assert some is not None
    assert float(some.low) == pytest.approx(2 - 1.96 / 3**0.5, abs=1e-9)
    assert float(some.high) == pytest.approx(2 + 1.96 / 3**0.5, abs=1e-9)
