"""The bulk lane: conversations read from ticket events, and what is doubtful in them read singly."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.tickets import events
from tests.standins.zendesk.schedules import EXPORT_FAULTS
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import Run, config_for, differences, sync


@pytest.fixture(autouse=True)
def small_account(zendesk: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small account on a small plan, where reading in bulk is worth it all the same."""
    monkeypatch.setattr(events, "WORTH_BEGINNING", 10)
    monkeypatch.setattr(events, "WORTH_A_CALL", 1)
    zendesk.seed(tickets=150)
    zendesk.switches.page_cap = 100
    zendesk.limits.set(account=40, export=10)


def test_a_big_backfill_reads_most_conversations_in_bulk(zendesk: StandIn, session: Session) -> None:
    run = sync(zendesk, backfill_days=100)
    assert not zendesk.limits.provoked
    assert differences(session, zendesk) == {}
    assert run.counters["event_pages"] >= 2
    conversations = len([one for one in zendesk.log if one.route == "comments"])
    assert conversations < run.counters["conversations"] / 2
    assert session.scalar(text("SELECT count(*) FROM staged_comments")) == 0


def test_a_bulk_read_that_was_interrupted_goes_on(zendesk: StandIn, session: Session) -> None:
    zendesk.faults.add("429_long", "ticket_events", skip=1)
    run = Run(config_for(zendesk), backfill_days=100)
    run.work(zendesk)
    assert run.waits
    assert differences(session, zendesk) == {}


@pytest.mark.parametrize("fault", EXPORT_FAULTS)
@pytest.mark.soak
def test_each_fault_of_the_events_is_survived(zendesk: StandIn, session: Session, fault: str) -> None:
    zendesk.faults.add(fault, "ticket_events", skip=1)
    sync(zendesk, backfill_days=100, answer_seconds=0.5)
    zendesk.quiet()
    sync(zendesk)
    assert differences(session, zendesk) == {}


@pytest.mark.parametrize("originals", [False, True])
def test_comments_that_were_changed_later_are_read_singly(zendesk: StandIn, session: Session, originals: bool) -> None:
    zendesk.switches.events_keep_original = originals
    alive = [number for number, one in zendesk.truth.items() if len(one["comments"]) > 2 and not one["deleted"]]
    for number in alive[:10]:
        zendesk.ops.redact(number, 1)
    for number in alive[10:20]:
        zendesk.ops.make_private(number, 1)
    zendesk.settle()
    run = sync(zendesk, backfill_days=100)
    assert run.counters["event_pages"] >= 2
    assert differences(session, zendesk) == {}


def test_voice_comments_that_are_missing_among_the_events_are_not_missed(zendesk: StandIn, session: Session) -> None:
    zendesk.switches.voice_in_events = False
    sync(zendesk, backfill_days=100)
    assert differences(session, zendesk) == {}


def test_an_account_that_counts_only_public_comments_is_read_as_well(zendesk: StandIn, session: Session) -> None:
    zendesk.switches.comment_count = "public"
    sync(zendesk, backfill_days=100)
    assert differences(session, zendesk) == {}
    assert session.scalar(text("SELECT counts_notes FROM sync_cursors WHERE lane = 'live'")) is False


def test_a_crowded_second_of_events_does_not_pin_the_walk(zendesk: StandIn, session: Session) -> None:
    for number in sorted(zendesk.truth)[:40]:
        if not zendesk.truth[number]["deleted"]:
            zendesk.ops.comment(number, "all at once")
    zendesk.settle()
    zendesk.switches.page_cap = 20
    sync(zendesk, backfill_days=100)
    assert differences(session, zendesk) == {}


@pytest.mark.parametrize("rows", [40, 100])
def test_what_was_redacted_later_is_not_stored_from_its_old_event(
    zendesk: StandIn, session: Session, rows: int
) -> None:
    """The account is known to count notes, so that comments alone could look complete before the redaction comes."""
    zendesk.switches.events_keep_original, zendesk.switches.page_cap = True, rows
    sync(zendesk)
    assert session.scalar(text("SELECT counts_notes FROM sync_cursors WHERE lane = 'live'")) is True
    session.commit()
    for number, one in zendesk.truth.items():
        if len(one["comments"]) > 2 and not one["deleted"]:
            zendesk.ops.redact(number, 1)
    zendesk.settle()
    run = sync(zendesk, backfill_days=100)
    assert run.counters["event_pages"] >= 2
    assert differences(session, zendesk) == {}


def test_pages_of_events_that_are_too_big_are_halved_and_grow_again(zendesk: StandIn, session: Session) -> None:
    zendesk.faults.add("504", "ticket_events", per_page_over=30, times=6)
    sync(zendesk, backfill_days=100)
    sizes = [int(one.query["per_page"]) for one in zendesk.log.of("ticket_events")]
    assert sizes[:7] == [1000, 500, 250, 125, 62, 31, 15]
    assert 30 in sizes[7:], "after five good pages it tries a bigger one"
    assert differences(session, zendesk) == {}
