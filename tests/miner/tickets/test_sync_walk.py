"""Proofs 1 to 5, 7 and 16: however many tickets there are and however they move, the mirror equals the account."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner.errors import RunAlreadyActive, ZendeskBadPayload, ZendeskTrouble
from miner.models import JobRunStep, SyncCursor
from miner.tickets import lanes
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import Run, config_for, differences, sync

SIZES = [0, 1, 40, 999, 1000, 1001]


@pytest.mark.parametrize(
    "zendesk",
    [*({"tickets": size} for size in SIZES), pytest.param({"tickets": 25_000}, marks=pytest.mark.soak)],
    indirect=True,
    ids=[*map(str, SIZES), "25000"],
)
def test_a_first_sync_holds_every_ticket_with_its_conversation(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    assert differences(session, zendesk) == {}
    assert not zendesk.limits.provoked


@pytest.mark.parametrize("zendesk", [{"tickets": 300}], indirect=True)
def test_the_next_sync_reads_nothing_again(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    zendesk.settle()
    before = len(zendesk.log)
    run = sync(zendesk)
    assert (run.counters["tickets"], len(zendesk.log) - before) == (0, 2)  # who are we, and one page
    zendesk.ops.comment(7, "one more")
    zendesk.settle()
    run = sync(zendesk)
    assert (run.counters["tickets"], run.counters["conversations"]) == (1, 1)
    assert differences(session, zendesk) == {}


def starts(zendesk: StandIn) -> list[int]:
    """Where lanes began, in the order in which they were walked."""
    asked = zendesk.log.of("tickets_cursor")
    return [int(one.query["start_time"]) for one in asked if "start_time" in one.query]


def assert_newest_first(live: int, windows: list[int]) -> None:
    assert windows == sorted(windows, reverse=True)
    assert live - windows[0] == lanes.DAY
    assert live - windows[-1] > 29 * lanes.DAY


@pytest.mark.parametrize("fault", ["403_scope", "500", "200_html", "200_error"])
def test_yesterday_is_stored_before_last_month_where_the_account_does_not_tell_its_size(
    zendesk: StandIn, session: Session, fault: str
) -> None:
    zendesk.faults.add(fault, "ticket_count", times=50)
    sync(zendesk)
    live, *windows = starts(zendesk)
    assert_newest_first(live, windows)


@pytest.mark.parametrize("zendesk", [{"tickets": 300}], indirect=True)
def test_a_small_account_costs_one_page_beside_the_live_one(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=1000)
    assert len(zendesk.log.of("tickets_cursor")) == 2
    assert session.scalars(select(SyncCursor.lane)).all() == ["live"]
    assert differences(session, zendesk) == {}


def test_an_account_that_holds_more_than_it_said_brings_yesterday_first_all_the_same(
    zendesk: StandIn, session: Session
) -> None:
    zendesk.switches.page_cap = 5
    sync(zendesk)
    live, whole, *windows = starts(zendesk)
    assert live - whole > 29 * lanes.DAY
    assert_newest_first(live, windows)
    sync(zendesk, backfill_days=100)
    assert differences(session, zendesk) == {}
    assert session.scalars(select(SyncCursor.lane)).all() == ["live"]


def test_what_is_left_is_unknown_while_tickets_are_walked_and_counted_after_it(
    zendesk: StandIn, session: Session
) -> None:
    zendesk.switches.page_cap = 5
    zendesk.faults.add("500", "tickets_cursor", skip=4, times=50)
    with pytest.raises(ZendeskTrouble):
        sync(zendesk, backfill_days=100)
    assert session.scalars(select(JobRunStep.total)).one() is None
    zendesk.faults.clear()
    zendesk.faults.add("500", "comments", skip=5, times=500)
    run = Run(config_for(zendesk), backfill_days=100)
    said: list[str] = []
    run.context.say = said.append  # type: ignore[method-assign]
    with pytest.raises(ZendeskTrouble):
        run.work(zendesk)
    step = session.scalars(select(JobRunStep).where(JobRunStep.run_id == run.id)).one()
    waiting = session.scalar(text("SELECT count(*) FROM due_conversations"))
    assert (step.total or 0) - step.done == waiting
    assert any("% of the time span walked" in sentence for sentence in said)
    zendesk.faults.clear()
    step = session.scalars(select(JobRunStep).where(JobRunStep.run_id == sync(zendesk).id)).one()
    assert (step.done, step.total) == (waiting, waiting)
    assert differences(session, zendesk) == {}


def test_what_is_not_known_here_is_kept_and_named_in_the_runs_last_line(
    zendesk: StandIn, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    zendesk.ops.create(overrides={"status": "resting", "mood": "fine", "<b>": 1})
    zendesk.settle()
    sync(zendesk)
    line = next(one.msg for one in caplog.records if isinstance(one.msg, dict) and one.msg["event"] == "sync_finished")
    for name in ("status resting", "field mood", "field of another form"):
        assert f"{name} (1 ticket)" in line["message"]
    assert line["unknown"] == 3
    assert "<b>" not in line["message"]


def test_a_window_that_was_not_finished_is_walked_by_the_next_run(zendesk: StandIn, session: Session) -> None:
    zendesk.switches.page_cap = 5
    zendesk.faults.add("500", "tickets_cursor", skip=4, times=50)
    with pytest.raises(ZendeskTrouble):
        sync(zendesk, backfill_days=100)
    zendesk.faults.clear()
    sync(zendesk)
    assert differences(session, zendesk) == {}
    assert session.scalars(select(SyncCursor.lane)).all() == ["live"]


def test_what_a_system_touched_is_seen_and_costs_no_second_reading(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    session.execute(text("UPDATE tickets SET analyzed_at = now(), analyzed_text_hash = text_hash"))
    session.commit()
    zendesk.ops.bulk_touch()
    zendesk.settle()
    run = sync(zendesk)
    live = sum(not one["deleted"] for one in zendesk.truth.values())
    assert (run.counters["tickets"], run.counters.get("conversations", 0)) == (live, 0)
    assert differences(session, zendesk) == {}
    assert session.scalar(_PENDING) == 0


_PENDING = text(
    "SELECT count(*) FROM tickets WHERE deleted_at IS NULL AND analyzed_text_hash IS DISTINCT FROM text_hash"
)


def test_only_a_changed_text_asks_for_a_new_reading(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    session.execute(text("UPDATE tickets SET analyzed_at = now(), analyzed_text_hash = text_hash"))
    session.commit()
    alive = [number for number, one in zendesk.truth.items() if not one["deleted"]]
    zendesk.ops.comment(alive[0], "It is back again")
    zendesk.ops.comment(alive[1], "for us only", public=False)
    zendesk.ops.agent_update(alive[2], status="solved", tags=["vip"])
    zendesk.ops.system_touch(alive[3])
    zendesk.settle()
    sync(zendesk)
    assert differences(session, zendesk) == {}
    assert session.scalar(_PENDING) == 1


@pytest.mark.parametrize("zendesk", [{"tickets": 2_500, "days": 20}], indirect=True)
def test_thousands_of_tickets_in_one_second_are_all_walked(zendesk: StandIn, session: Session) -> None:
    sync(zendesk)
    zendesk.ops.bulk_touch()
    zendesk.settle()
    sync(zendesk)
    assert differences(session, zendesk) == {}


def test_tickets_that_move_while_they_are_walked_are_never_missed(zendesk: StandIn, session: Session) -> None:
    zendesk.switches.page_cap = 1
    zendesk.pace = 31
    for page in range(50):
        operations = [{"op": "comment", "pick": page * 7}, {"op": "system_touch", "pick": page * 11}, {"op": "create"}]
        zendesk.faults.add("operate", "tickets_cursor", skip=page, operations=operations)
    sync(zendesk, backfill_days=100)
    assert zendesk.faults.fired["operate"] == 50
    zendesk.quiet()
    sync(zendesk)
    assert differences(session, zendesk) == {}


def test_a_second_sync_beside_a_running_one_is_refused(zendesk: StandIn, database: str) -> None:
    first = Run(config_for(zendesk))
    with pytest.raises(RunAlreadyActive):
        Run(config_for(zendesk))
    first.work(zendesk)


@pytest.mark.parametrize("skew", [-600, 600])
def test_a_clock_that_is_wrong_by_minutes_loses_nothing(zendesk: StandIn, session: Session, skew: int) -> None:
    zendesk.clock.skew = skew
    sync(zendesk, backfill_days=100)
    for _ in range(5):
        zendesk.clock.advance(200)
        zendesk.ops.create(comments=2)
        sync(zendesk)
    zendesk.settle()
    sync(zendesk)
    assert differences(session, zendesk) == {}


def test_a_range_fetches_what_was_changed_in_it(zendesk: StandIn, session: Session) -> None:
    now = zendesk.clock.seconds()
    days = [lanes.DAY * n for n in (10, 60)]
    first, last = (_day(now - seconds) for seconds in reversed(days))
    sync(zendesk, from_date=first, to_date=last)
    missing = differences(session, zendesk)
    assert missing
    assert all(zendesk.truth[number]["updated_at"] < first for number in missing)


def test_the_end_of_a_range_bounds_the_walk_where_the_mirror_has_the_rest(
    zendesk: StandIn, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    now = zendesk.clock.seconds()
    far, first, last = (_day(now - lanes.DAY * days) for days in (80, 40, 20))
    sync(zendesk)
    before = len(zendesk.log.of("tickets_cursor"))
    sync(zendesk, from_date=first, to_date=last)
    asked = zendesk.log.of("tickets_cursor")[before:]
    starts = [int(one.query["start_time"]) for one in asked if "start_time" in one.query]
    assert starts, "the range reaches further back than what is here"
    assert all(start < _second(last) + lanes.DAY for start in starts), "nothing after it is walked again"
    assert _missing(session, zendesk, first) == []
    sync(zendesk, from_date=far, to_date=first)
    assert _missing(session, zendesk, far) == []
    within = sum(_touched(one, far, first) for one in zendesk.truth.values())
    assert f"{within} of {within} tickets from {far} to {first} are complete" in caplog.text


def _second(day: str) -> int:
    import datetime as dt

    return int(dt.datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp())


def _touched(one: dict[str, Any], first: str, last: str) -> bool:
    return not one["deleted"] and any(first <= one[name][:10] <= last for name in ("created_at", "updated_at"))


def _missing(session: Session, zendesk: StandIn, first: str) -> list[int]:
    """Tickets created or updated since `first` that the mirror lacks or has wrong."""
    wrong = differences(session, zendesk)
    return [number for number in wrong if _touched(zendesk.truth[number], first, "9999")]


def _day(seconds: int) -> str:
    import datetime as dt

    return dt.datetime.fromtimestamp(seconds, dt.UTC).date().isoformat()


def test_an_export_that_stands_still_is_an_error_and_keeps_its_place(zendesk: StandIn, session: Session) -> None:
    zendesk.switches.page_cap = 10
    zendesk.faults.add("same_cursor", "tickets_cursor", skip=3, times=100)
    with pytest.raises(ZendeskBadPayload, match="does not move"):
        sync(zendesk, backfill_days=100)
    zendesk.faults.clear()
    sync(zendesk)
    assert differences(session, zendesk) == {}


def test_a_page_that_is_too_big_is_asked_for_in_halves_and_grows_again(zendesk: StandIn, session: Session) -> None:
    zendesk.faults.add("504", "tickets_cursor", per_page_over=3, times=None)
    sync(zendesk, backfill_days=100)
    sizes = [int(one.query["per_page"]) for one in zendesk.log.of("tickets_cursor")]
    assert sizes[:9] == [1000, 500, 250, 125, 62, 31, 15, 7, 3]
    assert 6 in sizes[9:], "after five good pages it tries a bigger one"
    assert differences(session, zendesk) == {}


def test_an_account_that_does_not_know_support_types_is_read_without(zendesk: StandIn, session: Session) -> None:
    zendesk.switches.support_scope_known = False
    sync(zendesk, backfill_days=100)
    ai_agents = {number for number, one in zendesk.truth.items() if one["ai_agent"]}
    assert set(differences(session, zendesk)) <= ai_agents


def test_a_cursor_that_is_refused_is_replaced_by_a_time(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    zendesk.ops.create(comments=2)
    session.execute(text("UPDATE sync_cursors SET cursor = 'bm90IGEgY3Vyc29y' WHERE lane = 'live'"))
    session.commit()
    zendesk.settle()
    sync(zendesk)
    assert differences(session, zendesk) == {}


def test_an_older_row_that_comes_late_changes_nothing(zendesk: StandIn, session: Session) -> None:
    zendesk.faults.add("repeat_rows", "tickets_cursor", times=None)
    zendesk.faults.add("shuffle", "tickets_cursor", times=None)
    zendesk.switches.page_cap = 7
    sync(zendesk, backfill_days=100)
    zendesk.quiet()
    sync(zendesk)
    assert differences(session, zendesk) == {}


@pytest.mark.parametrize("zendesk", [{"tickets": 0}], indirect=True)
def test_a_page_of_the_longest_tickets_is_asked_for_in_smaller_ones(zendesk: StandIn, session: Session) -> None:
    for _ in range(440):
        zendesk.ops.create(body="The page stays blank. " * 2_900)
    zendesk.settle()
    zendesk.clock.advance(1_000)
    sync(zendesk, backfill_days=1)
    sizes = [int(one.query["per_page"]) for one in zendesk.log.of("tickets_cursor")]
    assert min(sizes) < 440, "28 MB in one answer are too many"
    assert differences(session, zendesk) == {}


@pytest.mark.parametrize("fault", ["500", "504", "reset"])
def test_a_call_that_is_only_good_to_have_is_not_waited_for(zendesk: StandIn, session: Session, fault: str) -> None:
    for route in ("ticket_count", "ticket_fields", "custom_statuses"):
        zendesk.faults.add(fault, route, times=50)
    run = Run(config_for(zendesk), backfill_days=100)
    zendesk.limits.budgets["account"].allowed = 1_000_000
    run.work(zendesk)
    assert run.waits == []
    assert [len(zendesk.log.of(route)) for route in ("ticket_count", "ticket_fields", "custom_statuses")] == [1, 1, 1]
    assert differences(session, zendesk) == {}
