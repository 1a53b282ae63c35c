"""Sixty people at the same door at the same moment: what works once works once, what is limited is limited exactly."""

from __future__ import annotations

import math
import re
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import Barrier

import pyotp
import pytest
from sqlalchemy import select, text

from miner import db, passwords, second_factor, throttle, users
from miner.access import Role
from miner.models import User
from tests.dashboard.browsing import serve
from tests.factories import TESTER

PASSWORD = "green tea and a lot of rain"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def site(database: str) -> Iterator[str]:
    with serve({}) as address:
        yield address.removeprefix("http://")


def post(site: str, path: str, cookie: str = "", **form: str) -> tuple[int, str, str]:
    """Status, location and the session cookie of one real request on a connection of its own."""
    connection = HTTPConnection(site, timeout=60)
    headers = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
    try:
        connection.request("POST", path, urllib.parse.urlencode(form), headers | ({"cookie": cookie} if cookie else {}))
        answer = connection.getresponse()
        answer.read()
        found = re.search(r"sid=[\w-]{43}", " ".join(answer.headers.get_all("set-cookie") or []))
        return answer.status, answer.headers.get("location", ""), found[0] if found else ""
    finally:
        connection.close()


def at_once(count: int, work: Callable[[int], tuple[int, str, str]]) -> list[tuple[int, str, str]]:
    gate = Barrier(count)

    def one(number: int) -> tuple[int, str, str]:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def make_user(role: Role = Role.operator, **columns: object) -> int:
    with db.transaction() as session:
        user, _ = users.create_user(session, email="ada@example.com", name="Ada", role=role, by=TESTER)
        for name, value in {"password_hash": passwords.hash_password(PASSWORD), **columns}.items():
            setattr(user, name, value)
        if user.totp_secret:
            user.totp_confirmed_at = session.scalar(text("SELECT now()"))
        return user.id


def half_open(site: str, count: int) -> list[str]:
    """The cookies of as many browsers that have given the password."""
    cookies = []
    for _ in range(count):
        status, place, cookie = post(site, "/login", email="ada@example.com", password=PASSWORD)
        assert (status, place) == (303, "/login/code")
        cookies.append(cookie)
        with db.transaction() as session:
            session.execute(text("DELETE FROM throttles"))
    return cookies


def test_of_sixty_logins_at_once_five_are_judged(site: str) -> None:
    make_user(Role.viewer)
    began = time.monotonic()
    answers = at_once(60, lambda _: post(site, "/login", email="ada@example.com", password="x"))
    found = Counter(status for status, _, _ in answers)
    # On a slow machine the first waits (1, 2, 4 s) may be over before the last of the sixty arrive.
    more = int(math.log2(time.monotonic() - began + 1))
    assert set(found) == {403, 429}
    assert throttle.FREE_TRIES <= found[403] <= throttle.FREE_TRIES + more
    with db.transaction() as session:
        counts = session.execute(text("SELECT DISTINCT count FROM throttles")).scalars().all()
        assert counts == [found[403]], "each that was judged was counted, for the account and for the address"
        assert session.scalar(text("SELECT count(*) FROM audit_log WHERE outcome = 'refused'")) == found[403]


def test_of_browsers_that_send_the_same_code_at_once_one_comes_in(site: str) -> None:
    make_user(totp_secret=f"open:{SECRET}")
    cookies = half_open(site, 4)
    code = str(pyotp.TOTP(SECRET).at(time.time()))
    found = at_once(4, lambda number: post(site, "/login/code", cookies[number], code=code))
    assert Counter(status for status, _, _ in found) == {303: 1, 403: 3}


def test_of_browsers_that_send_the_same_recovery_code_at_once_one_comes_in(site: str) -> None:
    codes = second_factor.new_recovery_codes()
    make_user(totp_secret=f"open:{SECRET}", recovery_hashes=[second_factor.hash_recovery_code(code) for code in codes])
    cookies = half_open(site, 4)
    found = at_once(4, lambda number: post(site, "/login/code", cookies[number], code=codes[7]))
    assert Counter(status for status, _, _ in found) == {303: 1, 403: 3}
    with db.transaction() as session:
        assert len(session.scalars(select(User)).one().recovery_hashes) == len(codes) - 1


def test_of_browsers_that_use_the_same_link_at_once_one_sets_the_password(site: str) -> None:
    with db.transaction() as session:
        _, key = users.create_user(session, email="ada@example.com", name="Ada", role=Role.viewer, by=TESTER)
    words = [f"{PASSWORD} number {number}" for number in range(4)]
    found = at_once(4, lambda number: post(site, "/welcome", key=key, password=words[number], again=words[number]))
    assert Counter(status for status, _, _ in found) == {303: 1, 404: 3}
    (winner,) = [number for number, (status, _, _) in enumerate(found) if status == 303]
    with db.transaction() as session:
        assert passwords.verify_password(session.scalars(select(User.password_hash)).one(), words[winner])
        assert session.scalar(text("SELECT count(*) FROM sessions WHERE ended_at IS NULL")) == 1


def test_of_browsers_that_set_the_second_factor_up_at_once_one_does(site: str) -> None:
    make_user()
    post(site, "/login", email="ada@example.com", password=PASSWORD)
    cookies = []
    for _ in range(3):
        status, place, cookie = post(site, "/login", email="ada@example.com", password=PASSWORD)
        assert (status, place) == (303, "/login/enrol")
        cookies.append(cookie)
    with db.transaction() as session:
        secret = str(session.scalars(select(User.totp_secret)).one()).removeprefix("open:")
    code = str(pyotp.TOTP(secret).at(time.time()))
    found = at_once(3, lambda number: post(site, "/login/enrol", cookies[number], code=code))
    assert sorted((status, place) for status, place, _ in found) == [(200, ""), (303, "/login"), (303, "/login")]
