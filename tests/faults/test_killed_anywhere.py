"""A pipeline's worker is killed at every kind of moment; all rows are those of an undisturbed run.

CI takes each kind of event once and ten seeded random commits; `make soak` takes every commit, before and after.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from actors.enqueue import start_run
from miner import db
from miner.cli import main
from tests.factories import TESTER
from tests.support.emptying import empty
from tests.support.processes import Process, eventually, python, scalar, state_of, worker

pytestmark = pytest.mark.faults

EVENTS = [
    "after:run_started:1",
    "after:step_started:1",
    "after:step_skipped:1",
    "after:step_started:2",
    "after:step_completed:1",
    "after:step_started:3",
    "after:step_completed:2",
    "before:step_completed:2",
    "after:step_started:4",
    "after:step_completed:3",
    "before:run_completed:1",
    "after:run_completed:1",
]
# Counted once on an undisturbed run; the exhaustive form asserts that it is not too small.
COMMITS = 24
RANDOM = [f"{random.Random(number).choice(['before', 'after'])}:commit:{number}"
          for number in sorted(random.Random(3).sample(range(1, COMMITS + 1), 10))]  # fmt: skip
EVERY = [f"{when}:commit:{number}" for number in range(1, COMMITS + 1) for when in ("before", "after")]

SUBJECTS = [
    ("Export to CSV crashes", "The export crashes every time I press the button."),
    ("Login page is slow", "It takes a minute until the login page opens."),
    ("Invoice shows the wrong total", "The total on the invoice is wrong since the update."),
    ("Please add a dark mode", "I would like to have a dark mode in the app."),
]


def write_tickets(path: Path) -> None:
    lines = []
    for number in range(130):
        subject, detail = SUBJECTS[number % len(SUBJECTS)]
        lines.append(
            json.dumps(
                {
                    "id": number,
                    "subject": f"{subject} on screen {number}",
                    "description": detail,
                    "created_at": f"2026-11-{1 + number % 20:02d}T10:00:00Z",
                    "requester": f"r{number}",
                }
            )
        )
    path.write_text("\n".join(lines))


def rows() -> dict[str, list[Any]]:
    """Everything that a pipeline makes, by what lasts: no ids, since a rolled back unit uses some up."""
    queries = {
        "analyses": "SELECT source_id, outcome, a.text_hash FROM analyses a JOIN tickets t ON t.id = ticket_id",
        "tickets": "SELECT source_id, analyzed_text_hash FROM tickets",
        "issues": """
            SELECT source_id, issues.type, summary, quote_start, quote_end, issues.occurred_at, themes.name
            FROM issues JOIN tickets ON tickets.id = ticket_id LEFT JOIN themes ON themes.id = theme_id
            WHERE issues.retired_at IS NULL""",
        "themes": """
            SELECT name, terms, type, issue_count, first_seen_at, last_seen_at, flag, trend_sentence, trend_numbers
            FROM themes WHERE retired_at IS NULL""",
        "theme_days": "SELECT name, day, reports, customers FROM theme_days JOIN themes ON themes.id = theme_id",
        "theme_events": "SELECT kind, name FROM theme_events JOIN themes ON themes.id = theme_id",
        "counters": "SELECT counters FROM job_runs WHERE job_name = 'pipeline'",
        "steps": "SELECT name, state, done, total, counters FROM job_run_steps WHERE run_id = "
        "(SELECT id FROM job_runs WHERE job_name = 'pipeline')",
        "keys": "SELECT key FROM job_run_keys",
    }
    with db.transaction() as session:
        return {
            name: [
                json.loads(row[0])
                for row in session.execute(text(f"SELECT to_jsonb(q)::text FROM ({query}) q ORDER BY 1"))
            ]
            for name, query in queries.items()
        }


def pipeline_run(tmp_path: Path) -> int:
    path = tmp_path / "tickets.ndjson"
    write_tickets(path)
    assert main(["import", str(path)]) == 0
    return start_run("pipeline", {}, by=TESTER, trigger="cli").run_id


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, dict[str, list[Any]]]:
    """Filled by the first test of this module that needs it, on a database of its own."""
    return {}


def expected(undisturbed: dict[str, dict[str, list[Any]]], tmp_path: Path) -> dict[str, list[Any]]:
    if not undisturbed:
        pipeline_run(tmp_path)
        with worker(tmp_path / "undisturbed.log") as process:
            eventually(lambda: scalar("SELECT state FROM job_runs ORDER BY id DESC LIMIT 1") == "completed",
                       why=process.output)  # fmt: skip
        undisturbed["rows"] = rows()
        assert undisturbed["rows"]["themes"], "the comparison is of something"
        with db.transaction() as session:
            empty(session, "tickets", "themes", "job_runs", "embeddings", "customers")
            session.execute(text("DELETE FROM dramatiq.queue"))
    return undisturbed["rows"]


def kill_and_compare(moment: str, undisturbed: dict[str, dict[str, list[Any]]], tmp_path: Path) -> bool:
    """Whether the moment came; if so the rows were compared."""
    should_be = expected(undisturbed, tmp_path)
    run_id = pipeline_run(tmp_path)
    victim = Process(
        python("dramatiq", "actors", "tests.support.killer", "--processes", "1", "--threads", "2"),
        tmp_path / "victim.log",
        LEASE_SECONDS="2",
        KILL_AT=moment,
    )
    try:
        eventually(lambda: victim.popen.poll() is not None or state_of(run_id) == "completed", why=victim.output)
        killed = victim.popen.poll() is not None
    finally:
        victim.kill()
    if not killed and "run_completed" not in moment:
        return False
    with worker(tmp_path / "heir.log") as heir:
        eventually(lambda: state_of(run_id) == "completed", why=heir.output)
    assert rows() == should_be
    return True


@pytest.mark.parametrize("moment", [*EVENTS, *RANDOM])
def test_a_kill_at_any_moment_leaves_the_rows_of_an_undisturbed_run(
    database: str, undisturbed: dict[str, dict[str, list[Any]]], tmp_path: Path, moment: str
) -> None:
    assert kill_and_compare(moment, undisturbed, tmp_path), f"the moment {moment} never came: lower COMMITS"


@pytest.mark.soak
@pytest.mark.parametrize("moment", EVERY)
def test_a_kill_at_every_commit(
    database: str, undisturbed: dict[str, dict[str, list[Any]]], tmp_path: Path, moment: str
) -> None:
    assert kill_and_compare(moment, undisturbed, tmp_path), f"the moment {moment} never came: lower COMMITS"


@pytest.mark.soak
def test_no_commit_of_the_pipeline_is_left_out_of_the_exhaustive_form(
    database: str, undisturbed: dict[str, dict[str, list[Any]]], tmp_path: Path
) -> None:
    assert not kill_and_compare(f"after:commit:{COMMITS + 1}", undisturbed, tmp_path), "raise COMMITS"
