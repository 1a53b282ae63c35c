from __future__ import annotations

import json
import logging

import pytest

from miner import logs
from miner.logs import LINES, Line, LineQueue, clean_data, scrub


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ***"),
        ("Authorization: Basic dXNlcjpwdw==", "Authorization: Basic ***"),
        ("key sk-ant-api03-xyz", "key sk-ant-***"),
        ("miner_0123abcd_" + "x" * 43, "miner_0123abcd_***"),
        ("postgresql://me:hunter2@db/x", "postgresql://me:***@db/x"),
        ("nothing secret: 12:30 at a@b", "nothing secret: 12:30 at a@b"),
    ],
)
def test_what_looks_like_a_secret_is_replaced(text: str, clean: str) -> None:
    assert scrub(text) == clean


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
