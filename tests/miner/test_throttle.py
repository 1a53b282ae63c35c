"""Tries are counted before they are judged, exactly, and nobody is locked out for good."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import db, throttle
from miner.errors import TooMany

KEYS = throttle.login_keys("ada@example.com", "203.0.113.9")


def try_once(keys: list[str] = KEYS) -> int | None:
    """None, or the seconds to wait."""
    try:
        with db.transaction() as session:
            throttle.count_try(session, keys)
    except TooMany as error:
        return error.retry_after
    return None


def let_time_pass(seconds: int) -> None:
    with db.transaction() as session:
        session.execute(
            text("UPDATE throttles SET not_before = not_before - :by, updated_at = updated_at - :by"),
            {"by": dt.timedelta(seconds=seconds)},
        )


def test_five_tries_are_free_and_then_the_wait_doubles(database: str) -> None:
    assert [try_once() for _ in range(5)] == [None] * 5
    waits = []
    for _ in range(14):
        wait = try_once()
        assert wait is not None
        waits.append(wait)
        let_time_pass(wait)
        assert try_once() is None
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == waits[-1] == 900


def test_a_refused_try_makes_nobody_wait_longer(database: str) -> None:
    for _ in range(5):
        try_once()
    assert {try_once() for _ in range(20)} == {1}


def test_sixty_tries_at_the_same_moment_are_five(database: str) -> None:
    gate = Barrier(20)

    def three(_: int) -> list[int | None]:
        gate.wait()
        return [try_once() for _ in range(3)]

    db.use_engine(db.make_engine(database, size=20))
    with ThreadPoolExecutor(20) as pool:
        found = [one for answers in pool.map(three, range(20)) for one in answers]
    assert len(found) == 60
    assert found.count(None) == 5


def test_a_try_that_waited_for_another_is_not_refused_for_having_begun_before_it(database: str) -> None:
    with db.transaction() as earlier:
        earlier.execute(text("SELECT now()"))
        assert try_once() is None
        throttle.count_try(earlier, KEYS)


def test_another_account_from_another_address_is_not_affected(database: str) -> None:
    while try_once() is None:
        pass
    assert try_once(throttle.login_keys("bob@example.com", "203.0.113.10")) is None
    assert try_once(throttle.login_keys("bob@example.com", "203.0.113.9")) is not None
    assert try_once(throttle.login_keys("ada@example.com", "203.0.113.10")) is not None


def test_a_try_that_one_key_refuses_counts_under_no_key(database: str) -> None:
    while try_once(throttle.login_keys(None, "203.0.113.9")) is None:
        pass
    for _ in range(10):
        assert try_once() is not None
    with db.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM throttles WHERE key LIKE 'account:%'")) == 0


def test_a_right_login_clears_its_account_and_gives_its_address_one_try_back(database: str) -> None:
    for _ in range(4):
        try_once()
    with db.transaction() as session:
        throttle.forgive(session, KEYS)
        rows = dict(session.execute(text("SELECT split_part(key, ':', 1), count FROM throttles")).all())
    assert rows == {"address": 3}


def test_wrong_tries_are_forgotten_after_a_day(database: str) -> None:
    for _ in range(5):
        try_once()
    let_time_pass(86_401)
    assert [try_once() for _ in range(5)] == [None] * 5


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("testclient", "testclient"),
        ("x" * 100, "x" * 64),
    ],
)
def test_what_one_customer_of_a_provider_has_counts_as_one(address: str, network: str) -> None:
    assert throttle.network_of(address) == network


def test_the_account_is_counted_as_a_hash() -> None:
    assert "ada" not in "".join(KEYS)


def start(who: str = "ada", job: str = "sync") -> bool:
    try:
        with db.transaction() as session:
            throttle.take_start(session, who=who, job=job)
    except TooMany:
        return False
    return True


def test_a_job_is_started_five_times_in_ten_minutes_by_one_user(database: str) -> None:
    assert [start() for _ in range(7)] == [True] * 5 + [False] * 2
    assert start(job="analyze")
    assert start(who="bob")
    let_time_pass(600)
    assert start()


def test_all_together_start_thirty_runs_an_hour(database: str) -> None:
    assert sum(start(who=f"user {number}") for number in range(40)) == 30


def test_what_came_to_nothing_is_given_back(database: str) -> None:
    for _ in range(10):
        with db.transaction() as session:
            throttle.give_back(session, throttle.take_start(session, who="ada", job="sync"))


def test_old_counts_are_deleted(session: Session) -> None:
    throttle.count_try(session, KEYS)
    session.commit()
    assert throttle.forget_old(session) == 0
    session.commit()
    let_time_pass(90_000)
    assert throttle.forget_old(session) == 2
