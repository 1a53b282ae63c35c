"""One engine a process, one session type, and transactions that keep all or nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from miner import db


def names() -> set[str]:
    with db.transaction() as session:
        return set(session.scalars(text("SELECT name FROM beats")))


def test_a_transaction_keeps_what_was_done_in_it(database: str) -> None:
    with db.transaction() as session:
        session.execute(text("INSERT INTO beats (name) VALUES ('one')"))
    assert names() == {"one"}


def test_an_error_leaves_nothing_behind_and_goes_through(database: str) -> None:
    def fail() -> None:
        with db.transaction() as session:
            session.execute(text("INSERT INTO beats (name) VALUES ('one')"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert names() == set()


def test_the_engine_is_made_once_and_again_after_it_was_replaced(database: str) -> None:
    db.use_engine(None)
    first = db.engine()
    assert db.engine() is first
    db.use_engine(None)
    assert db.engine() is not first


def test_a_process_says_its_name_and_holds_as_many_connections_as_it_was_given(database: str) -> None:
    db.use_engine(None)
    db.set_up("miner-tested", size=2)
    try:
        with db.transaction() as session:
            assert session.scalar(text("SHOW application_name")) == "miner-tested"
        assert db.engine().pool.size() == 2  # type: ignore[attr-defined]
    finally:
        db.set_up("miner")
        db.use_engine(None)


def test_what_stands_in_a_statement_stands_in_no_error(database: str) -> None:
    with pytest.raises(DBAPIError) as raised, db.transaction() as session:
        session.execute(text("SELECT CAST(:word AS int)"), {"word": "secret words of a ticket"})
    shown = str(raised.value).split("[SQL")[1]
    assert "secret words" not in shown


def test_statements_locks_and_idle_transactions_end_by_themselves(database: str) -> None:
    with db.transaction() as session:
        limits = {
            name: session.scalar(text(f"SHOW {name}"))
            for name in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout")
        }
    assert limits == {
        "statement_timeout": "1min",
        "idle_in_transaction_session_timeout": "2min",
        "lock_timeout": "15s",
    }
