"""The newest 200 are read, the rest is asked about: once a source, and again when it may cost much."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner import cli, db, settings
from miner.access import Actor, Role
from miner.config import Config
from miner.errors import BudgetReached, InvalidArguments, NotFound, Refused
from miner.issues import backlog as backlogs
from miner.issues.backlog import FIRST_LOOK, answer_backlog, is_large, list_backlogs
from miner.issues.outlook import Outlook
from miner.issues.pending import count_pending
from miner.issues.rereading import apply_rereading
from miner.models import AuditEntry, Backlog, Ticket
from miner.runs.context import Skip, StepContext
from tests.factories import NOON, TESTER, VIEWER
from tests.standins.claude.standin import StandIn
from tests.support.batches import turns
from tests.support.reading import configure, read, sums

Steps = Callable[..., StepContext]


def pour(session: Session, count: int, *, source: str = "zendesk:acme", newest: dt.datetime = NOON) -> None:
    """`count` short tickets of `source`, a minute apart, the newest at `newest`."""
    session.execute(
        text("""
            INSERT INTO tickets (source, source_id, subject, status, text, text_hash, created_at, updated_at)
            SELECT :source, gen_random_uuid()::text, 'Export', 'open', 'Export' || chr(10) || chr(10) ||
                'The export of sheet ' || n || ' crashes.', md5(n::text), :newest - make_interval(mins => n::int),
                :newest FROM generate_series(0, :count - 1) AS n"""),
        {"source": source, "count": count, "newest": newest},
    )
    session.commit()


def held(session: Session) -> list[Backlog]:
    session.rollback()
    session.expire_all()
    return list(session.scalars(select(Backlog).order_by(Backlog.id)))


def end(session: Session, context: StepContext) -> None:
    """The run is over."""
    from miner.runs import lifecycle

    with db.transaction() as opened:
        lifecycle.complete(opened, context.hold.claim)
    session.rollback()


def run_to_end(session: Session, step: Steps, **args: int) -> int:
    """One whole analyze run; returns how many tickets it read."""
    before = count_pending(session, held=None)
    context = step("analyze", args)
    read(session, context)
    end(session, context)
    return before - count_pending(session, held=None)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule at a twentieth of its size; one test keeps it as it is."""
    monkeypatch.setattr(backlogs, "FIRST_LOOK", 10)


def test_the_first_reading_of_a_source_takes_the_newest_and_asks_with_price_and_time(
    step: Steps, session: Session, claude: StandIn
) -> None:
    pour(session, 35)
    context = step("analyze")
    read(session, context)
    assert count_pending(session) == 0
    newest = session.scalars(select(Ticket.created_at).where(Ticket.analyzed_at.is_not(None))).all()
    assert sorted(newest) == [NOON - dt.timedelta(minutes=n) for n in reversed(range(10))]
    assert list_backlogs(session) == []  # first it reads and groups, then it asks
    end(session, context)
    (one,) = list_backlogs(session)
    assert (one.reason, one.sources, one.tickets, one.answer) == ("first", ["zendesk:acme"], 25, None)
    assert one.low_usd is not None
    assert one.high_usd is not None
    assert 0 < one.low_usd < one.high_usd < Decimal("0.1")
    assert 0 < one.low_seconds < one.high_seconds


def test_two_hundred_are_read_unasked(step: Steps, session: Session, claude: StandIn) -> None:
    assert FIRST_LOOK == 200


def test_nothing_is_asked_when_the_newest_are_all(step: Steps, session: Session, claude: StandIn) -> None:
    pour(session, 10)
    assert run_to_end(session, step) == 10
    assert held(session) == []


def test_new_tickets_are_read_while_the_question_is_open_and_the_old_ones_wait(
    step: Steps, session: Session, claude: StandIn
) -> None:
    pour(session, 30)
    assert run_to_end(session, step) == 10
    pour(session, 14, newest=NOON + dt.timedelta(days=1))  # an ordinary day
    assert run_to_end(session, step) == 14
    (one,) = held(session)
    assert (one.answer, one.tickets) == (None, 20)
    asked = len(claude.calls)
    context = step("analyze")
    from miner.issues import analyze

    skipped = analyze.run(context)
    assert isinstance(skipped, Skip)
    assert "miner backlog" in skipped.reason
    assert len(claude.calls) == asked


def test_a_ticket_that_was_read_before_is_read_again_however_old_it_is(
    step: Steps, session: Session, claude: StandIn
) -> None:
    configure(session, ask_above_usd=0.001)
    pour(session, 10)
    run_to_end(session, step)
    pour(session, 100, newest=NOON + dt.timedelta(days=1))
    assert run_to_end(session, step) == 10
    (one,) = held(session)
    assert (one.reason, one.tickets) == ("large", 90)
    session.execute(text("UPDATE tickets SET text_hash = 'changed' WHERE created_at = :at"), {"at": NOON})
    session.commit()
    assert run_to_end(session, step) == 1


def test_read_lets_the_rest_go_and_is_remembered_with_who_said_so(
    step: Steps, session: Session, claude: StandIn
) -> None:
    pour(session, 30)
    run_to_end(session, step)
    (one,) = held(session)
    answer_backlog(session, one.id, "read", by=TESTER)
    session.commit()
    assert run_to_end(session, step) == 20
    (one,) = held(session)
    assert (one.answer, one.answered_by) == ("read", "code tester")
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "backlog.answer")).one()
    assert (entry.object_id, entry.before, entry.actor_name) == (str(one.id), {"answer": None, "by": None}, "tester")
    assert entry.after is not None
    assert (entry.after["answer"], entry.after["tickets"]) == ("read", 20)
    assert Decimal(entry.after["high_usd"]) == one.high_usd
    pour(session, 25, newest=NOON + dt.timedelta(days=1))
    assert run_to_end(session, step) == 25  # the source was asked about once
    assert len(held(session)) == 1


def test_leave_keeps_the_rest_unread_until_somebody_changes_it(step: Steps, session: Session, claude: StandIn) -> None:
    pour(session, 30)
    run_to_end(session, step)
    (one,) = held(session)
    answer_backlog(session, one.id, "leave", by=TESTER)
    session.commit()
    assert [found.id for found in list_backlogs(session)] == [one.id]
    pour(session, 3, newest=NOON + dt.timedelta(days=1))
    assert run_to_end(session, step) == 3
    answer_backlog(session, one.id, "read", by=TESTER)
    session.commit()
    assert run_to_end(session, step) == 20


def test_another_source_is_asked_about_by_itself(step: Steps, session: Session, claude: StandIn) -> None:
    pour(session, 30)
    run_to_end(session, step)
    pour(session, 30, source="file:old", newest=NOON - dt.timedelta(days=300))
    assert run_to_end(session, step) == 10
    first, second = held(session)
    assert (first.sources, first.tickets, second.sources, second.tickets) == (["zendesk:acme"], 20, ["file:old"], 20)


def test_a_run_that_was_stopped_in_its_first_look_goes_on_with_it_and_asks_once(
    step: Steps, session: Session, claude: StandIn
) -> None:
    pour(session, 30)
    assert run_to_end(session, step, batch_size=4) == 4  # so few are read unasked
    assert held(session) == []
    context = step("analyze")
    claude.fail(401, when=lambda body: "sheet 4 " in body["messages"][-1]["content"], times=1)
    from miner.errors import ConfigurationNeeded

    with pytest.raises(ConfigurationNeeded):
        read(session, context)
    pour(session, 8, newest=NOON + dt.timedelta(days=1))  # more than a first look wait now
    read(session, context)
    session.rollback()
    assert count_pending(session) == 0
    (one,) = held(session)
    assert one.tickets == 30 - 4 - 10


def test_a_later_reading_that_may_cost_much_asks_and_one_of_the_usual_size_does_not(
    step: Steps, session: Session, claude: StandIn
) -> None:
    configure(session, ask_above_usd=0.02)
    pour(session, 30)
    run_to_end(session, step)
    (first,) = held(session)
    answer_backlog(session, first.id, "read", by=TESTER)
    session.commit()
    assert run_to_end(session, step) == 20
    pour(session, 100, newest=NOON + dt.timedelta(days=1))
    assert run_to_end(session, step) == 10
    _, second = held(session)
    assert (second.reason, second.tickets) == ("large", 90)
    answer_backlog(session, second.id, "read", by=TESTER)
    session.commit()
    assert run_to_end(session, step) == 90
    pour(session, 150, newest=NOON + dt.timedelta(days=2))
    assert run_to_end(session, step) == 150  # less than twice what was agreed to
    assert len(held(session)) == 2


@pytest.mark.parametrize(
    ("high", "tickets", "agreed", "agreed_tickets", "asks"),
    [
        ("4.99", 900, None, 0, False),
        ("5.01", 900, None, 0, True),
        ("12", 1_000, "6.50", 7_000, False),
        ("13.5", 1_000, "6.50", 7_000, True),
        (None, 2_000, None, 0, False),
        (None, 2_001, None, 0, True),
        (None, 2_001, None, 1_500, False),
    ],
)
def test_a_reading_is_large_above_the_setting_and_twice_what_was_agreed_to(
    high: str | None, tickets: int, agreed: str | None, agreed_tickets: int, asks: bool
) -> None:
    ahead = Outlook(tickets, "some-model", high and Decimal(1), high and Decimal(high), 1, 2)  # type: ignore[arg-type]
    found = is_large(ahead, above=Decimal(5), agreed=Decimal(agreed) if agreed else None, agreed_tickets=agreed_tickets)
    assert found is asks


def test_the_setting_read_never_asks_and_releases_what_is_open(step: Steps, session: Session, claude: StandIn) -> None:
    pour(session, 30)
    run_to_end(session, step)
    configure(session, backlog="read")
    assert run_to_end(session, step) == 20
    assert [(one.answer, one.answered_by) for one in held(session)] == [("read", "the setting backlog")]
    pour(session, 30, source="file:more")
    assert run_to_end(session, step) == 30
    assert len(held(session)) == 1


def test_the_setting_leave_asks_nobody_and_reads_the_newest(step: Steps, session: Session, claude: StandIn) -> None:
    configure(session, backlog="leave")
    pour(session, 30)
    assert run_to_end(session, step) == 10
    (one,) = held(session)
    assert (one.answer, one.answered_by, one.tickets) == ("leave", "the setting backlog", 20)
    configure(session, backlog="read")
    assert run_to_end(session, step) == 20


def test_what_the_local_analyzer_reads_waits_for_nobody(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    pour(session, 30)
    run_to_end(session, step)
    monkeypatch.setenv("MINER_ANALYZER", "local")
    assert run_to_end(session, step) == 20


def test_a_price_that_is_unknown_is_asked_about_as_unknown(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINER_MODEL", "claude-fable-5-2")
    pour(session, 30)
    run_to_end(session, step)
    (one,) = held(session)
    assert (one.low_usd, one.high_usd, one.tickets) == (None, None, 20)
    assert "unknown price" in backlogs.outlook_of(one).sentence


def test_who_may_not_operate_may_not_answer_and_nonsense_is_refused(
    step: Steps, session: Session, claude: StandIn
) -> None:
    pour(session, 30)
    run_to_end(session, step)
    (one,) = held(session)
    with pytest.raises(Refused):
        answer_backlog(session, one.id, "read", by=VIEWER)
    with pytest.raises(InvalidArguments, match="read, leave"):
        answer_backlog(session, one.id, "perhaps", by=TESTER)
    with pytest.raises(NotFound):
        answer_backlog(session, one.id + 1, "read", by=Actor("code", "x", Role.operator))


def read_locally(session: Session, step: Steps, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """`count` tickets that the local rules have read, and that are to be read again by Claude."""
    pour(session, count)
    monkeypatch.setenv("MINER_ANALYZER", "local")
    assert run_to_end(session, step) == count
    monkeypatch.setenv("MINER_ANALYZER", "auto")
    apply_rereading(session, scope="all", config=Config.from_environment(), by=TESTER)
    session.commit()


def test_a_reading_again_asks_nothing_and_leaves_no_empty_backlog(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_locally(session, step, monkeypatch, 35)
    assert run_to_end(session, step) == 35
    assert (held(session), list_backlogs(session)) == ([], [])
    assert session.scalars(select(AuditEntry.id).where(AuditEntry.action == "backlog.ask")).all() == []


def test_what_is_read_again_does_not_count_among_the_newest_that_are_read_unasked(
    step: Steps, session: Session, claude: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_locally(session, step, monkeypatch, 35)
    pour(session, 35, newest=NOON - dt.timedelta(days=9))
    assert run_to_end(session, step) == 35 + 10
    assert [(one.reason, one.tickets) for one in list_backlogs(session)] == [("first", 25)]


@pytest.mark.parametrize("reading", ["live", "batch"])
@pytest.mark.parametrize("how", ["changed", "again"])
def test_what_was_read_before_is_priced_announced_and_limited_like_everything_else(
    step: Steps,
    session: Session,
    claude: StandIn,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    reading: str,
    how: str,
) -> None:
    pour(session, 30)
    configure(session, backlog="read", reading="live", tickets_per_call=1)
    assert run_to_end(session, step) == 30
    if how == "again":
        apply_rereading(session, scope="all", config=Config.from_environment(), by=TESTER)
    else:
        session.execute(text("UPDATE tickets SET text = text || ' Still.', text_hash = md5(text || ' Still.')"))
    session.commit()
    limits = {"run_budget_usd": 0.003, "month_budget_usd": 5}
    configure(session, reading=reading, tickets_per_call=1, tickets_per_batch_call=1, **limits)
    ahead = backlogs.find_outlook(session, settings=settings.load(session)[1], model="claude-haiku-5-5")
    assert (ahead.tickets, ahead.low is not None) == (30, True)
    context = step("analyze")
    spent = sums(session)[1]
    with pytest.raises(BudgetReached, match="run_budget_usd"):
        turns(session, context)
    session.rollback()
    assert 0 < count_pending(session) < 30
    assert Decimal(0) < sums(session)[1] - spent <= Decimal("0.003")
    assert "30 of them were read before" in caplog.text
    assert list_backlogs(session) == []
    end_waiting(session, context)
    configure(session, reading=reading, month_budget_usd=float(sums(session)[1]))
    with pytest.raises(BudgetReached, match="month_budget_usd"):
        turns(session, step("analyze"))


def end_waiting(session: Session, context: StepContext) -> None:
    """Another run may begin, and what the limits cut short is not under way any more."""
    session.execute(text("DELETE FROM job_run_keys"))
    session.execute(text("DELETE FROM model_batch_requests"))
    session.execute(text("DELETE FROM model_batches WHERE state <> 'ingested'"))
    session.commit()


def test_an_estimate_tells_of_texts_that_are_to_be_made_again(
    step: Steps, session: Session, claude: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    pour(session, 3)  # their rules are of no release
    assert cli.main(["run", "analyze", "--estimate"]) == 0
    assert "3 texts are made again first" in capsys.readouterr().err
