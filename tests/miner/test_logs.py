from __future__ import annotations

import json
import logging

import pytest
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import logs
from miner.config import VARIABLES, secret_values
from miner.logs import LINES, Line, LineQueue, clean_data, scrub


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ***"),
        ("Authorization: Basic dXNlcjpwdw==", "Authorization: Basic ***"),
        ("key sk-ant-api03-xyz", "key sk-ant-***"),
        ("miner_0123abcd_" + "x" * 43, "miner_0123abcd_***"),
        ("postgresql://me:hunter2@db/x", "postgresql://me:***@db/x"),
        ("nothing secret: 12:30 at a@b", "nothing secret: 12:30 at a@b"),
    ],
)
def test_what_looks_like_a_secret_is_replaced(given: str, clean: str) -> None:
    assert scrub(given) == clean


def test_fields_of_a_runs_page_are_plain_clean_and_storable() -> None:
    found = clean_data(
        {
            "count": 3,
            "error": ValueError("postgresql://u:hunter2@h/db"),
            "share": float("nan"),
            "text": "a\x00b\ud800",
            "none": None,
        }
    )
    assert found == {"count": 3, "error": "postgresql://u:***@h/db", "share": "nan", "text": "ab?", "none": None}
    json.dumps(found, allow_nan=False)


def test_secrets_and_ticket_text_stay_out_of_every_line_also_of_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("INFO", json=True)
    try:
        logs.get_logger("ours").info(
            "event", message="m", payload={"password": "hunter3", "inner": {"token": "t0p"}}, quote="my own words",
            listed=["Bearer abc.def"],
        )  # fmt: skip
        logging.getLogger("library").warning("connecting to %s", "redis://u:hunter4@h/0")
        try:
            raise RuntimeError("postgresql://u:hunter5@h/db")
        except RuntimeError:
            logging.getLogger("library").exception("it failed")
    finally:
        logs.setup("WARNING")
    output = capsys.readouterr().err
    assert len(output.splitlines()) == 3
    for secret in ("hunter3", "t0p", "my own words", "abc.def", "hunter4", "hunter5"):
        assert secret not in output


def test_a_runs_page_has_its_lines_whatever_the_terminal_shows(capsys: pytest.CaptureFixture[str]) -> None:
    LINES.take(100_000)
    logs.setup("ERROR")
    try:
        with logs.bound_to_run(7, "analyze", "analyze"):
            logs.get_logger("miner.test").info("page_stored", message="Stored", tickets=2)
    finally:
        logs.setup("WARNING")
    assert capsys.readouterr().err == ""
    [line] = LINES.take()
    assert (line.run_id, line.step, line.name, line.data) == (7, "analyze", "page_stored", {"tickets": 2})


def test_a_full_queue_loses_the_oldest_and_counts_them() -> None:
    queue = LineQueue(limit=3)
    lines = [Line(1, "info", "line", str(number), None) for number in range(5)]
    for line in lines:
        queue.put(line)
    assert queue.take() == lines[2:]
    assert queue.take_dropped() == 2
    assert queue.take_dropped() == 0
    queue.put(lines[1])
    queue.put_back([lines[0]])
    assert queue.take() == lines[:2]


def test_every_secret_of_the_environment_and_a_tickets_text_stay_out_of_every_logger(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {variable.name: f"hush-{number}-{variable.name}" for number, variable in enumerate(VARIABLES)
               if variable.secret}  # fmt: skip
    environ["DATABASE_URL"] = "postgresql://me:p%40ss-hush@db.example.com/x"
    environ["SECRET_KEY"] = "hush-new-" + "n" * 32 + ",hush-old-" + "o" * 32
    text_of_ticket = "My card 4111 was charged twice, says Jane Roe"
    logs.hide(secret_values(environ))
    logs.setup("DEBUG", json=True)
    loggers = ("miner.x", "uvicorn.error", "uvicorn.access", "dramatiq.worker", "sqlalchemy.engine.Engine", "httpx",
               "anthropic", "periodiq", "alembic")  # fmt: skip
    try:
        for name in loggers:
            for value in [*environ.values(), "p@ss-hush", "hush-old-" + "o" * 32]:
                logging.getLogger(name).warning("value %s", value)
                logs.get_logger(name).warning("event", message=f"it was {value}", data={"inner": [value]})
            try:
                raise RuntimeError(f"failed with {environ['ANTHROPIC_API_KEY']}")
            except RuntimeError:
                logging.getLogger(name).exception("with a traceback")
            for refused in (_row_that_is_refused, _value_that_is_refused):
                try:
                    refused(session, text_of_ticket)
                except Exception:
                    logging.getLogger(name).exception("a ticket could not be stored")
                    logs.get_logger(name).exception("ticket_refused", text=text_of_ticket)
    finally:
        logs.setup("WARNING")
        logs.hide(())
    output = capsys.readouterr().err
    assert len(output.splitlines()) >= len(loggers) * (2 * len(environ) + 5)
    assert "CheckViolation" in output
    assert "ValidationError" in output
    for secret in ("hush", "4111", "Jane Roe"):
        assert secret not in output


def _row_that_is_refused(session: Session, words: str) -> None:
    with session.begin_nested():
        session.execute(text("CREATE TEMP TABLE IF NOT EXISTS refused (words TEXT CHECK (words = 'no'))"))
        session.execute(text("INSERT INTO refused VALUES (:words)"), {"words": words + "\nHe said so."})


def _value_that_is_refused(session: Session, words: str) -> None:
    class Count(BaseModel):
        count: int

    Count.model_validate({"count": words})
