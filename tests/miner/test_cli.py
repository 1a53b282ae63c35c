"""The `miner` command: what it prints, and the five exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.cli import main
from miner.models import JobRun, Schedule, Ticket
from miner.runs.workers import Identity, record_beat
from miner.version import VERSION

OK, FAILED, USAGE, ACTIVE, CONFIGURATION = range(5)


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_without_a_database_it_says_how_to_get_one(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ask(capsys, "runs", "list")
    assert (code, err) == (CONFIGURATION, "miner: no database: run `miner up` or set DATABASE_URL\n")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DATABASE_URL", "mysql://me:hunter2@db/x", "postgresql:// is needed"),
        ("DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:1/x", "cannot be reached"),
        ("PORT", "http", "PORT is 'http': a whole number from 1 to 65535 is needed"),
        ("ENVIRONMENT", "staging", "choose one of development, production"),
        ("BROKER_URL", "redis://h:abc/0", "BROKER_URL: it must be an address"),
        ("BROKER_URL", "redis://[::1", "BROKER_URL: it must be an address"),
        ("DATABASE_URL", "postgresql://localhost/x?foo=1", "its options are wrong"),
        ("BROKER_URL", "kafka://x", "BROKER_URL: it must be an address that begins with redis://"),
    ],
)
def test_a_wrong_variable_is_named_with_what_it_should_be(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    from miner import db

    monkeypatch.setenv(name, value)
    db.use_engine(None)
    code, _, err = ask(capsys, "runs", "list")
    db.use_engine(None)
    assert code == CONFIGURATION
    assert words in err
    assert "hunter2" not in err
    assert "Traceback" not in err


def test_a_database_without_our_schema_says_what_to_run(
    capsys: pytest.CaptureFixture[str], server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from miner import db
    from tests.conftest import named

    monkeypatch.setenv("DATABASE_URL", named(server_url, "postgres"))
    db.use_engine(None)
    code, _, err = ask(capsys, "runs", "list")
    db.use_engine(None)
    assert (code, err) == (
        CONFIGURATION,
        "miner: the database has no schema of this release: run `miner db upgrade`\n",
    )


def test_run_queues_and_says_at_once_that_no_worker_is_there(
    capsys: pytest.CaptureFixture[str], session: Session
) -> None:
    code, out, err = ask(capsys, "run", "sync", "--backfill-days", "7")
    assert code == OK
    assert "no worker is running: run 1 stays queued" in err
    assert out == "run 1 (sync) is queued\n"
    assert session.get_one(JobRun, 1).args == {"backfill_days": 7}


def test_run_with_wait_gives_up_without_a_worker_and_leaves_the_run_queued(
    capsys: pytest.CaptureFixture[str], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("miner.commands.watch.NO_WORKER_SECONDS", 0.0)
    code, out, _ = ask(capsys, "run", "trends", "--wait")
    assert (code, out) == (FAILED, "run 1 (trends) is queued\n")
    assert session.get_one(JobRun, 1).state == "queued"


def test_run_says_nothing_of_workers_when_one_is_alive(capsys: pytest.CaptureFixture[str], session: Session) -> None:
    record_beat(session, Identity("worker"))
    session.commit()
    _, _, err = ask(capsys, "run", "trends")
    assert err == ""


def test_starting_what_is_active_ends_with_three_and_names_the_run(
    capsys: pytest.CaptureFixture[str], database: str
) -> None:
    ask(capsys, "run", "pipeline")
    code, _, err = ask(capsys, "run", "sync")
    assert code == ACTIVE
    assert "pipeline is already active: run 1 is queued" in err


def test_a_refused_argument_ends_with_two_and_names_the_field(
    capsys: pytest.CaptureFixture[str], database: str
) -> None:
    code, _, err = ask(capsys, "run", "sync", "--backfill-days", "0")
    assert code == USAGE
    assert err.startswith("miner: backfill_days: ")


def test_an_unknown_job_is_refused_by_the_parser_with_the_names_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["run", "nonsense"])
    assert end.value.code == USAGE
    assert "pipeline" in capsys.readouterr().err


def test_here_works_the_run_in_this_process_and_reports_its_failure(
    capsys: pytest.CaptureFixture[str], session: Session
) -> None:
    code, out, _ = ask(capsys, "run", "sync", "--here")
    assert code == FAILED
    assert out.startswith("run 1 (sync) failed")
    assert "ZENDESK_SUBDOMAIN" in out
    assert session.scalar(text("SELECT stopped_at IS NOT NULL FROM workers")) is True


def test_here_works_the_run_to_its_end_and_json_shows_every_field(
    capsys: pytest.CaptureFixture[str], database: str
) -> None:
    code, out, _ = ask(capsys, "run", "trends", "--here", "--json")
    found = json.loads(out)
    assert code == OK
    assert (found["state"], found["job_name"], found["steps"][0]["state"]) == ("completed", "trends", "skipped")
    assert found["steps"][0]["skip_reason"], "without a single theme there is nothing to judge"


def test_import_reads_a_file_and_its_run_is_in_the_history(
    capsys: pytest.CaptureFixture[str], session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "tickets.csv"
    path.write_text("id,subject,description,created_at\n1,Export fails,It crashes.,2026-11-01T10:00:00Z\n")
    code, out, _ = ask(capsys, "import", str(path))
    assert code == OK, out
    assert session.query(Ticket).one().source == "file:tickets.csv"
    _, listing, _ = ask(capsys, "runs", "list", "--json")
    assert [row["job"] for row in json.loads(listing)] == ["import"]
    _, shown, _ = ask(capsys, "runs", "show", "1")
    assert "import" in shown
    assert "completed" in shown


def test_import_of_a_missing_file_fails_with_its_name(
    capsys: pytest.CaptureFixture[str], session: Session, tmp_path: Path
) -> None:
    code, out, _ = ask(capsys, "import", str(tmp_path / "nothing.json"))
    assert code == FAILED
    assert "nothing.json" in out
    assert session.query(JobRun).one().state == "failed"


def test_runs_can_be_cancelled_and_repeated(capsys: pytest.CaptureFixture[str], session: Session) -> None:
    ask(capsys, "run", "sync", "--backfill-days", "7")
    assert ask(capsys, "runs", "cancel", "1")[:2] == (OK, "run 1 is cancelled\n")
    assert ask(capsys, "runs", "retry", "1")[:2] == (OK, "run 2 repeats run 1\n")
    assert session.get_one(JobRun, 2).args == {"backfill_days": 7}
    ask(capsys, "runs", "cancel", "2")
    assert ask(capsys, "runs", "retry", "1", "--args", '{"backfill_days": 9}')[0] == OK
    assert ask(capsys, "runs", "retry", "1", "--args", "nine")[0] == USAGE
    assert ask(capsys, "runs", "show", "99")[0] == USAGE


def test_schedules_are_listed_edited_and_paused(capsys: pytest.CaptureFixture[str], session: Session) -> None:
    _, out, _ = ask(capsys, "schedules", "list")
    assert "At 02:00 every day" in out
    code, out, _ = ask(capsys, "schedules", "set", "daily_sync", "--cron", "30 4 * * *", "--timezone", "Europe/Paris")
    assert code == OK
    assert "04:30" in out
    assert ask(capsys, "schedules", "set", "daily_sync", "--cron", "*/0 * * * *")[0] == USAGE
    assert ask(capsys, "schedules", "pause", "daily_sync", "--note", "holidays")[0] == OK
    assert session.get_one(Schedule, "daily_sync").pause_note == "holidays"
    assert ask(capsys, "schedules", "resume", "daily_sync")[0] == OK


def test_everything_can_be_paused_and_resuming_shows_first_what_will_run(
    capsys: pytest.CaptureFixture[str], database: str
) -> None:
    assert ask(capsys, "pause", "--reason", "maintenance")[0] == OK
    ask(capsys, "run", "sync")
    code, out, err = ask(capsys, "resume")
    assert code == USAGE, "it asks, and nobody can answer here"
    assert "run 1" in out
    assert "--yes" in err
    assert ask(capsys, "resume", "--yes")[0] == OK
    assert "nothing is paused" in ask(capsys, "resume")[2]


@pytest.mark.parametrize(
    "arguments",
    [
        ["runs", "list", "--limit", "-1"],
        ["tokens", "create", "x", "--days", "0"],
        ["tokens", "create", "x", "--days", "99999999"],
        ["up", "--port", "70000"],
        ["demo", "--port", "0"],
    ],
)
def test_a_number_out_of_bounds_is_refused_with_the_bounds(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == USAGE
    assert "is not a whole number from" in capsys.readouterr().err


def test_a_text_with_nul_is_refused_in_a_sentence(capsys: pytest.CaptureFixture[str], database: str) -> None:
    code, _, err = ask(capsys, "pause", "--reason", "a\x00b")
    assert (code, "NUL" in err) == (USAGE, True)


def test_a_pause_is_said_before_anything_is_made_to_wait(
    capsys: pytest.CaptureFixture[str], session: Session, tmp_path: Path
) -> None:
    ask(capsys, "pause", "--reason", "maintenance")
    code, _, err = ask(capsys, "import", str(tmp_path / "x.csv"))
    assert (code, "maintenance" in err, "miner resume" in err) == (FAILED, True, True)
    assert session.query(JobRun).count() == 0
    assert "maintenance" in ask(capsys, "run", "trends")[2]


def test_a_locked_row_is_no_unreachable_database(
    capsys: pytest.CaptureFixture[str], database: str, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    from miner import db

    ask(capsys, "run", "trends")
    session.execute(text("SELECT 1 FROM job_runs FOR UPDATE"))
    with monkeypatch.context() as patch:
        patch.setattr(db, "_SERVER_OPTIONS", "-c lock_timeout=100")
        impatient = db.make_engine(database)
        patch.setattr(db, "_engine", impatient)
        code, _, err = ask(capsys, "runs", "cancel", "1")
    impatient.dispose()
    assert (code, "could not do it now" in err) == (FAILED, True)


def test_tokens_are_shown_once_and_can_be_revoked(capsys: pytest.CaptureFixture[str], database: str) -> None:
    code, token, _ = ask(capsys, "tokens", "create", "ci")
    assert code == OK
    secret = token.strip().rsplit("_", 1)[1]
    _, listing, _ = ask(capsys, "tokens", "list", "--json")
    assert secret not in listing
    [row] = json.loads(listing)
    assert ask(capsys, "tokens", "revoke", row["id"])[0] == OK
    assert ask(capsys, "tokens", "revoke", "nothere")[0] == USAGE


def test_the_version_is_the_projects(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"miner {VERSION}\n"
