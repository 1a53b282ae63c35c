"""Budgets: what may go in a minute, for all workers together."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.tickets.pace import Budgets, Clock
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import differences, sync


class Time:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def clock(self) -> Clock:
        return Clock(now=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def grants(time: Time, *budgets: Budgets, name: str, seconds: float) -> list[float]:
    """When calls were granted within `seconds`, by workers that ask in turn and wait as they are told."""
    end, found, turn = time.now + seconds, [], 0
    while time.now < end:
        grant = budgets[turn % len(budgets)].take(name)
        turn += 1
        if grant.calls:
            found.append(time.now)
        else:
            time.now += grant.delay
    return found


def most_in_a_minute(moments: list[float]) -> int:
    return max(sum(start <= one < start + 60 for one in moments) for start in moments)


def test_no_minute_holds_more_exports_than_allowed_and_few_less(database: str) -> None:
    time = Time()
    two = [Budgets("zendesk:acme", clock=time.clock()) for _ in range(2)]
    found = grants(time, *two, name="export", seconds=1_200)
    assert most_in_a_minute(found) == 10
    assert len(found) >= 0.95 * 10 * 20


def test_a_fifth_of_the_account_is_left_to_others(database: str) -> None:
    time = Time()
    budgets = Budgets("zendesk:acme", clock=time.clock())
    budgets.learn(limit=700, remaining=690, reset=None)
    found = grants(time, budgets, name="account", seconds=120)
    assert 560 <= most_in_a_minute(found) < 0.85 * 700
    assert 0.95 * 560 <= len(found) / 2 <= 1.02 * 560 + 20


def test_a_bigger_plan_may_export_more_often(database: str, session: Session) -> None:
    Budgets("zendesk:acme").learn(limit=2_500, remaining=2_400, reset=None)
    assert session.execute(text("SELECT name, per_minute FROM rate_budgets ORDER BY 1")).all() == [
        ("account", 2_500),
        ("export", 30),
    ]


def test_the_calls_of_this_minute_and_the_one_before_are_counted(database: str, session: Session) -> None:
    time = Time()
    time.now -= time.now % 60
    budgets = Budgets("zendesk:acme", clock=time.clock())

    def counted() -> tuple[int, int]:
        session.rollback()
        row = session.execute(text("SELECT minute_before, minute_calls FROM rate_budgets WHERE name = 'export'")).one()
        return row[0], row[1]

    assert counted() == (0, 0)
    budgets.take("export")
    budgets.take("export")  # must wait, and counts nothing
    assert counted() == (0, 1)
    time.now += 59
    budgets.take("export")
    assert counted() == (0, 2)
    time.now += 10
    budgets.take("export")
    assert counted() == (2, 1)
    time.now += 120
    budgets.take("export")
    assert counted() == (0, 1)


def test_a_refusal_holds_back_every_worker_and_every_kind_of_call(database: str) -> None:
    time = Time()
    one, other = (Budgets("zendesk:acme", clock=time.clock()) for _ in range(2))
    one.refused(93)
    for name in ("export", "account"):
        grant = other.take(name)
        assert (grant.calls, round(grant.delay)) == (0, 93)
    time.now += 94
    assert other.take("export").calls == 1


def test_when_others_have_used_the_minute_up_we_wait_for_the_next(database: str) -> None:
    time = Time()
    budgets = Budgets("zendesk:acme", clock=time.clock())
    budgets.learn(limit=700, remaining=20, reset=17)
    assert round(budgets.take("account").delay) == 17
    assert budgets.take("export").calls == 1


def test_a_busy_account_is_synced_without_provoking_a_refusal(zendesk: StandIn, session: Session) -> None:
    zendesk.limits.set(account=200, export=10)
    zendesk.limits.other_tools = 60
    sync(zendesk, backfill_days=100)
    zendesk.ops.create(comments=3)
    zendesk.settle()
    sync(zendesk)
    assert not zendesk.limits.provoked
    assert differences(session, zendesk) == {}
