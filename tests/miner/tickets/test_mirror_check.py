"""The reconcile job: what differs is found, repaired and told."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner.config import Config
from miner.models import JobRunStep, MirrorCheck, Ticket
from miner.runs import lifecycle
from miner.runs.context import Skip, StepContext
from miner.tickets import reconcile
from miner.tickets.completeness import UNKNOWN, completeness_line, list_lines
from miner.tickets.reconcile import reconcile_account
from miner.tickets.starting_over import clear_source
from tests.factories import TESTER, make_issue
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import SOURCE, Run, config_for, differences, sync, virtual_clock


def compare(zendesk: StandIn) -> Any:
    """One run of the job; returns what the step gave back."""
    run = Run(config_for(zendesk), job="reconcile")
    zendesk.limits.budgets["account"].allowed = 1_000_000
    result = reconcile_account(run.context, clock=virtual_clock(zendesk), answer_seconds=5)
    run.end_with(lifecycle.complete)
    return result


def test_a_whole_mirror_says_so(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    compare(zendesk)
    check = session.scalars(select(MirrorCheck)).one()
    live = sum(not one["deleted"] for one in zendesk.truth.values())
    assert (check.expected, check.stored, check.missing, check.vanished, check.waiting) == (live, live, 0, 0, 0)
    line = completeness_line(session, SOURCE)
    assert line is not None
    assert line.startswith("mirror complete through ")
    assert "; 0 missing" in line


def test_what_the_mirror_lost_comes_back_and_is_counted(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    lost = sorted(number for number, one in zendesk.truth.items() if not one["deleted"])[3:8]
    session.execute(text("DELETE FROM tickets WHERE zendesk_ticket_id = ANY(:lost)"), {"lost": lost})
    session.commit()
    compare(zendesk)
    check = session.scalars(select(MirrorCheck)).one()
    assert (check.missing, check.expected - check.stored) == (5, 0)
    assert differences(session, zendesk) == {}
    line = completeness_line(session, SOURCE)
    assert line is not None
    assert "; 5 missing when compared" in line


def test_what_vanished_without_a_trace_is_buried_after_it_was_asked_for(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    alive = sorted(number for number, one in zendesk.truth.items() if not one["deleted"])
    for number in alive[2:4]:
        zendesk.ops.purge(number)
    zendesk.ops.system_touch(alive[5])  # moved on, not vanished
    compare(zendesk)
    asked = {int(one.path.split("/")[4].removesuffix(".json")) for one in zendesk.log.of("ticket")}
    assert asked == {*alive[2:4], alive[5]}
    assert session.scalars(select(MirrorCheck.vanished)).one() == 2
    zendesk.settle()
    sync(zendesk)
    assert differences(session, zendesk) == {}


def test_a_redaction_that_moved_no_version_is_found_within_four_weeks(zendesk: StandIn, session: Session) -> None:
    zendesk.switches.redaction_moves_version = False
    sync(zendesk, backfill_days=100)
    recent = max((one["updated_at"], number) for number, one in zendesk.truth.items() if len(one["comments"]) > 1)[1]
    zendesk.ops.redact(recent, 1)
    zendesk.settle()
    sync(zendesk)
    assert set(differences(session, zendesk)) == {recent}
    for _ in range(4):
        zendesk.clock.advance(7 * 86_400)
        compare(zendesk)
    assert differences(session, zendesk) == {}


def test_before_the_first_comparison_it_is_unknown_whether_any_is_missing(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    ((source, line),) = list_lines(session)
    assert (source, "; whether any is missing is unknown until the first comparison" in line) == (SOURCE, True)
    session.execute(text("DELETE FROM sync_cursors"))
    assert list_lines(session) == [(SOURCE, UNKNOWN)]


def test_a_line_says_what_is_still_to_come(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    compare(zendesk)
    session.execute(text("INSERT INTO sync_cursors (source, lane) VALUES (:source, 'window 1-2')"), {"source": SOURCE})
    assert ", older tickets are still to come; 0 missing" in (completeness_line(session, SOURCE) or "")


def test_what_was_cleared_and_is_gone_from_the_account_loses_its_issues_too(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    number = next(number for number, one in zendesk.truth.items() if not one["deleted"])
    ticket = session.scalars(select(Ticket).where(Ticket.zendesk_ticket_id == number)).one()
    issue = make_issue(session, ticket)
    session.commit()
    clear_source(session, SOURCE, by=TESTER)
    session.commit()
    zendesk.ops.purge(number)
    sync(zendesk)
    compare(zendesk)
    session.expire_all()
    assert (ticket.gone_reason, issue.quote, issue.summary) == ("missing", "", "(removed)")


def test_before_anything_was_synced_there_is_nothing_to_compare(zendesk: StandIn, session: Session) -> None:
    assert isinstance(compare(zendesk), Skip)
    assert completeness_line(session, SOURCE) is None


def test_without_an_account_the_weekly_job_is_skipped(database: str) -> None:
    run = Run(Config.from_environment(), job="reconcile")
    skipped = reconcile.run(run.context)
    assert isinstance(skipped, Skip)
    assert "ZENDESK_SUBDOMAIN" in skipped.reason


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_comparison_that_was_interrupted_goes_on(
    zendesk: StandIn, session: Session, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    sync(zendesk, backfill_days=100)
    zendesk.switches.page_cap = 10
    zendesk.faults.add("429_long", "tickets_cursor", skip=place)
    run = Run(config_for(zendesk), job="reconcile")

    def again(context: StepContext, **rest: Any) -> None:
        reconcile_account(context, **rest)

    monkeypatch.setattr("tests.support.mirror.sync_account", again)
    run.work(zendesk)
    assert len(run.waits) == 1
    check = session.scalars(select(MirrorCheck)).one()
    assert (check.expected, check.missing) == (check.stored, 0)


def test_pages_of_a_comparison_grow_again_after_they_were_halved(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    zendesk.log.clear()
    zendesk.switches.page_cap = 4
    zendesk.faults.add("504", "tickets_cursor")
    compare(zendesk)
    sizes = [int(one.query["per_page"]) for one in zendesk.log.of("tickets_cursor")]
    assert sizes[:2] == [1000, 500]
    assert sizes[-1] == 1000
    assert differences(session, zendesk) == {}


def test_a_comparison_says_how_much_there_is(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    compare(zendesk)
    step = session.scalars(select(JobRunStep).order_by(JobRunStep.run_id.desc())).first()
    assert step is not None
    assert step.total
    assert step.done == step.total
