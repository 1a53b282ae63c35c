"""Whole ways through the product, with real steps and a real worker process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from miner import db
from miner.supervisor import PERIODIQ
from tests.support.processes import Process, eventually, scalar, state_of, worker

pytestmark = pytest.mark.faults

TICKETS = "\n".join(
    f'{{"id": {number}, "subject": "{subject} ({number})", "description": "{subject}. {detail}",'
    f' "created_at": "2026-11-{1 + number % 20:02d}T10:00:00Z", "requester": "r{number}"}}'
    for number, (subject, detail) in enumerate(
        [("Export to CSV crashes", "The export crashes every time I press the button.")] * 6
        + [("Login page is slow", "It takes a minute until the login page opens.")] * 6
    )
)


def test_from_a_file_to_themes_and_trends(database: str, tmp_path: Path) -> None:
    from miner.cli import main

    path = tmp_path / "tickets.ndjson"
    path.write_text(TICKETS)
    assert main(["import", str(path)]) == 0
    with worker(tmp_path / "worker.log") as process:
        assert main(["run", "pipeline", "--wait"]) == 0, process.output()
    with db.transaction() as session:
        themes = session.execute(text("SELECT issue_count, trend_sentence FROM themes WHERE retired_at IS NULL")).all()
        lying = session.scalar(
            text("""
                SELECT count(*) FROM issues JOIN tickets ON tickets.id = ticket_id WHERE quote_verified
                    AND quote <> substr(text, quote_start + 1, quote_end - quote_start)""")
        )
        steps = session.execute(
            text("SELECT name, state, skip_reason FROM job_run_steps WHERE run_id = 2 ORDER BY position")
        )
        found = [tuple(row) for row in steps]
    assert sorted(theme.issue_count for theme in themes) == [6, 6]
    assert all(theme.trend_sentence != "not judged yet" for theme in themes)
    assert lying == 0
    assert [(name, state) for name, state, _ in found] == [
        ("sync", "skipped"),
        ("analyze", "completed"),
        ("cluster", "completed"),
        ("trends", "completed"),
    ]
    assert "ZENDESK_SUBDOMAIN" in str(found[0][2])


def test_running_the_pipeline_twice_changes_no_row(database: str, tmp_path: Path) -> None:
    from miner.cli import main

    path = tmp_path / "tickets.ndjson"
    path.write_text(TICKETS)
    main(["import", str(path)])
    main(["run", "pipeline", "--here"])

    def rows() -> list[object]:
        with db.transaction() as session:
            return [
                tuple(row)
                for table in (
                    "tickets",
                    "ticket_comments",
                    "issues",
                    "themes",
                    "theme_events",
                    "theme_days",
                    "analyses",
                )
                for row in session.execute(text(f"SELECT to_jsonb({table}) - 'judged_at' FROM {table} ORDER BY 1"))
            ]

    before = rows()
    main(["import", str(path)])
    main(["run", "pipeline", "--here"])
    assert rows() == before


def test_from_the_cron_beat_to_rows(database: str, tmp_path: Path) -> None:
    with db.transaction() as session:
        session.execute(
            text("""
                UPDATE schedules SET cron = '* * * * *', next_fire_at = NULL,
                    evaluated_until = now() - interval '1 minute' WHERE id = 'hourly_trends'""")
        )
    scheduler = Process([sys.executable, "-c", PERIODIQ, "actors"], tmp_path / "scheduler.log")
    try:
        with worker(tmp_path / "worker.log", lease=60):
            eventually(lambda: scalar("SELECT count(*) FROM workers WHERE kind = 'scheduler'"), why=scheduler.output)
            run_id = eventually(lambda: scalar("SELECT max(run_id) FROM schedule_ticks WHERE outcome = 'launched'"))
            eventually(lambda: state_of(run_id) == "completed")
    finally:
        scheduler.kill()
    assert scalar("SELECT triggered_by FROM job_runs WHERE id = :id", id=run_id) == "schedule hourly_trends"


def test_from_actor_send_to_a_row_that_a_worker_finished(database: str, tmp_path: Path) -> None:
    from actors.jobs import trends

    with worker(tmp_path / "worker.log"):
        [run_id] = trends.send().args
        eventually(lambda: state_of(run_id) == "completed")


def test_a_worker_killed_in_mid_analysis_leaves_the_same_rows_as_an_undisturbed_run(
    database: str, tmp_path: Path
) -> None:
    from actors.enqueue import start_run
    from miner.cli import main
    from miner.tickets.sample import sample_path
    from tests.factories import TESTER

    def analysed() -> list[object]:
        with db.transaction() as session:
            rows = session.execute(
                text("""
                    SELECT tickets.source_id, issues.type, issues.summary, issues.quote_start, issues.quote_end
                    FROM issues JOIN tickets ON tickets.id = ticket_id WHERE retired_at IS NULL ORDER BY 1, 4, 2""")
            )
            return [tuple(row) for row in rows]

    main(["import", str(sample_path()), "--source", "sample"])
    with worker(tmp_path / "first.log") as first:
        run_id = start_run("analyze", {"batch_size": 500}, by=TESTER, trigger="cli").run_id
        eventually(lambda: scalar("SELECT count(*) FROM analyses") >= 100)
        first.kill()
        read = scalar("SELECT count(*) FROM analyses")
        with worker(tmp_path / "second.log") as second:
            eventually(lambda: state_of(run_id) != "running", why=second.output)
            eventually(lambda: state_of(run_id) == "completed", why=second.output)
    assert read < 500, "it was killed in the middle"
    disturbed = analysed()
    assert scalar("SELECT count(*) FROM analyses") == 500
    assert scalar("SELECT count(DISTINCT ticket_id) FROM analyses") == 500, "no ticket was read twice"
    with db.transaction() as session:
        session.execute(text("DELETE FROM tickets"))
    main(["import", str(sample_path()), "--source", "sample"])
    main(["run", "analyze", "--here"])
    assert analysed() == disturbed
