"""Job cards, their buttons, the history, and one run as it happens."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from miner import db
from miner.access import Role
from miner.models import JobRun, JobRunStep, Worker
from miner.runs import creation, lifecycle
from miner.runs.events import record_event
from miner.runs.jobs import JOBS
from miner.runs.pausing import pause_all
from miner.runs.resuming import resume_all
from miner.runs.steps import mark_begun
from miner.runs.workers import Identity, record_beat
from tests.dashboard.conftest import make_client, new_session
from tests.factories import TESTER, make_run

NOW = dt.datetime.now(dt.UTC)


def start(client: TestClient, job: str, **form: str) -> Any:
    return client.post("/runs", data={"job": job, **form})


def claimed(session: Session, job: str) -> lifecycle.Claim:
    """A run of the job that a worker holds, in its first step."""
    identity = Identity("worker", threads=1)
    record_beat(session, identity)
    run_id, _ = creation.create_run(session, JOBS[job], {}, by=TESTER, trigger="code")
    session.commit()
    claim = lifecycle.claim(session, run_id, identity.id)
    assert claim is not None
    mark_begun(session, run_id, 0, name=job, saying="Begun by a test")
    session.commit()
    return claim


def all_runs() -> list[JobRun]:
    with db.transaction() as session:
        return list(session.query(JobRun).order_by(JobRun.id))


def finished(session: Session, job: str, state: str = "completed", **columns: Any) -> JobRun:
    if state in ("failed", "crashed"):
        columns |= {"error_class": "StepError", "error_message": "the file is gone"}
    columns = {"started_at": NOW, "created_at": NOW, "finished_at": NOW, "attempt": 1, **columns}
    return make_run(session, job_name=job, state=state, **columns)


def test_a_button_queues_a_run_and_leads_to_its_page(client: TestClient) -> None:
    answer = start(client, "sync", backfill_days="7")
    (run,) = all_runs()
    assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{run.id}")
    assert (run.job_name, run.args, run.trigger, run.triggered_by) == (
        "sync",
        {"backfill_days": 7},
        "button",
        "local user",
    )
    page = client.get(f"/runs/{run.id}").text
    assert "The run is queued." in page
    assert "Sync tickets is queued, started by local user with a button." in page
    assert "backfill_days=7" in page
    assert "No worker is alive" in page


def test_an_empty_field_means_what_its_hint_says(client: TestClient) -> None:
    start(client, "analyze", batch_size="")
    start(client, "sync", backfill_days="")
    assert [run.args for run in all_runs()] == [{}, {}]


@pytest.mark.parametrize("typed", ["0", "-1", "10001", "lots", "1.5", "1e3", "9" * 30, "<b>"])
def test_a_refused_field_is_named_beside_what_was_typed(client: TestClient, typed: str) -> None:
    answer = start(client, "analyze", batch_size=typed)
    assert answer.status_code == 422
    field = answer.text[answer.text.index('id="analyze-batch_size"') :].split("</div>")[0]
    assert 'aria-invalid="true"' in field
    assert 'class="fault"' in field
    assert typed.replace("<", "&lt;").replace(">", "&gt;") in field
    assert all_runs() == []


def test_a_job_that_is_active_is_refused_with_the_way_to_its_run(client: TestClient) -> None:
    start(client, "pipeline")
    answer = start(client, "trends")
    assert answer.status_code == 409
    (run,) = all_runs()
    assert "pipeline is already active" in answer.text.lower()
    assert f'href="/runs/{run.id}">Go to run {run.id}' in answer.text


@pytest.mark.parametrize("job", ["import", "nonsense", "", "x" * 300])
def test_a_job_that_no_page_may_start_is_not_found(client: TestClient, job: str) -> None:
    assert start(client, job, path="/etc/passwd").status_code == 404
    assert all_runs() == []


def test_there_is_a_card_for_each_job_that_may_be_started_in_pipeline_order(client: TestClient) -> None:
    page = client.get("/runs").text
    titles = [job.title for job in JOBS.values() if job.startable]
    cards = [page.index(f"<h2>{title}</h2>") for title in titles]
    assert cards == sorted(cards)
    assert "<h2>Import a file</h2>" not in page
    assert page.count("<button>Sync now</button>") == 1


def test_a_viewer_sees_the_cards_without_buttons(stranger: TestClient) -> None:
    page = stranger.get("/runs", headers={"cookie": f"sid={new_session(Role.viewer)}"}).text
    assert "<h2>Sync tickets</h2>" in page
    assert "Sync now" not in page


def test_a_card_counts_the_work_of_a_pipeline_as_success(client: TestClient, session: Session) -> None:
    own = finished(session, "cluster")
    pipeline = finished(session, "pipeline")
    later = dt.timedelta(minutes=5)
    for position, (name, state) in enumerate([("sync", "skipped"), ("cluster", "completed")]):
        session.add(
            JobRunStep(
                run_id=pipeline.id,
                position=position,
                name=name,
                unit="issues",
                state=state,
                started_at=NOW,
                finished_at=NOW + later,
                skip_reason="no Zendesk" if state == "skipped" else None,
            )
        )
    session.commit()
    page = client.get("/runs").text
    card = page[page.index('id="job-cluster"') :].split("</article>")[0]
    assert f'href="/runs/{pipeline.id}"' in card
    assert f'href="/runs/{own.id}"' not in card
    assert "never" in page[page.index('id="job-sync"') :].split("</article>")[0]


def test_a_card_shows_progress_and_a_last_run_that_went_wrong(client: TestClient, session: Session) -> None:
    finished(session, "trends", "failed")
    run = make_run(
        session,
        job_name="analyze",
        state="running",
        started_at=NOW,
        created_at=NOW,
        attempt=1,
        lease_owner=uuid4(),
        lease_expires_at=NOW,
        claimed_at=NOW,
        keys=["analyze"],
        progress="Analyzing tickets...",
    )
    session.add(
        JobRunStep(
            run_id=run.id,
            position=0,
            name="analyze",
            unit="tickets",
            state="running",
            done=412,
            total=1900,
            started_at=NOW,
        )
    )
    session.commit()
    page = client.get("/runs").text
    card = page[page.index('id="job-analyze"') :].split("</article>")[0]
    assert "412 of 1,900 tickets" in card
    assert 'value="0.217"' in card
    assert "Analyzing tickets..." in card
    assert "Failed" in page[page.index('id="job-trends"') :].split("</article>")[0]
    assert 'hx-trigger="every 2s"' in page


def test_an_idle_page_asks_less_often_and_the_fragment_goes_on_with_the_filter(client: TestClient) -> None:
    page = client.get("/runs?job=sync&state=failed").text
    assert 'hx-get="/runs/live?job=sync&amp;state=failed"' in page
    assert 'hx-trigger="every 15s"' in page
    fragment = client.get("/runs/live?job=sync&state=failed", headers={"hx-request": "true"}).text
    assert fragment.strip().startswith('<div id="live" hx-get="/runs/live?job=sync&amp;state=failed"')
    assert "<html" not in fragment


def test_the_history_is_filtered_and_goes_on_behind_its_last_row(client: TestClient, session: Session) -> None:
    runs = [
        finished(session, "trends" if number % 2 else "sync", "failed" if number % 3 == 0 else "completed")
        for number in range(60)
    ]
    session.commit()
    seen: list[int] = []
    address = "/runs"
    while address:
        page = client.get(address).text
        seen += [int(part.split('"')[0]) for part in page.split('<tr id="run-')[1:]]
        _, found, rest = page.partition('<a href="/runs?before=')
        address = f"/runs?before={rest.split(chr(34))[0]}" if found else ""
    assert seen == [run.id for run in reversed(runs)]
    page = client.get("/runs?job=trends&state=failed").text
    assert page.count('<tr id="run-') == 10
    assert "the file is gone" in page


def test_a_run_shows_steps_log_attempts_and_facts(client: TestClient, session: Session) -> None:
    identity = Identity("worker", threads=1, host="box")
    record_beat(session, identity)
    run_id, _ = creation.create_run(session, JOBS["analyze"], {"batch_size": 5}, by=TESTER, trigger="code")
    session.commit()
    claim = lifecycle.claim(session, run_id, identity.id)
    assert claim is not None
    record_event(session, run_id, "batch_slow", "The batch was <slow>", level="warning", step="analyze")
    session.commit()
    page = client.get(f"/runs/{run_id}").text
    for part in (
        "1. analyze",
        "The batch was &lt;slow&gt;",
        "batch_size=5",
        "Attempt 1",
        "on box (pid",
        "still at work",
        "Cancel this run",
        'hx-trigger="every 2s"',
        "has been running for",
    ):
        assert part in page
    assert "No worker is alive" not in page
    lifecycle.complete(session, claim)
    session.commit()
    fragment = client.get(f"/runs/{run_id}/live", headers={"hx-request": "true"}).text
    assert "hx-trigger" not in fragment
    assert "Cancel this run" not in fragment
    assert "Analyze tickets completed in" in fragment
    assert "<html" not in fragment


def test_a_long_log_goes_on_and_can_be_reduced_to_what_is_notable(client: TestClient, session: Session) -> None:
    run = finished(session, "sync", warning_count=1)
    for number in range(250):
        record_event(session, run.id, "line", f"Line {number:03}.", level="warning" if number == 7 else "info")
    session.commit()
    page = client.get(f"/runs/{run.id}").text
    assert (page.count('<tr id="event-'), "Line 249." in page, "Line 049." in page) == (200, True, False)
    before = page.partition(f'<a href="/runs/{run.id}?before=')[2].split('"')[0]
    older = client.get(f"/runs/{run.id}?before={before}").text
    assert (older.count('<tr id="event-'), "Line 049." in older) == (50, True)
    notable = client.get(f"/runs/{run.id}?level=notable").text
    assert (notable.count('<tr id="event-'), "Line 007." in notable) == (1, True)


def test_a_queued_run_is_cancelled_at_once_and_a_finished_one_stays(client: TestClient, session: Session) -> None:
    start(client, "sync")
    (run,) = all_runs()
    answer = client.post(f"/runs/{run.id}/cancel")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{run.id}")
    page = client.get(f"/runs/{run.id}").text
    assert "The run was cancelled." in page
    assert "Sync tickets was cancelled by local user." in page
    client.post(f"/runs/{run.id}/cancel")
    assert "The run was over already." in client.get(f"/runs/{run.id}").text
    assert client.post("/runs/999/cancel").status_code == 404
    actions = session.execute(text("SELECT action FROM audit_log ORDER BY id")).scalars().all()
    assert actions == ["run.create", "run.cancel"]


def test_a_run_that_was_asked_to_stop_says_so_in_place_of_the_button(client: TestClient, session: Session) -> None:
    claim = claimed(session, "analyze")
    client.post(f"/runs/{claim.run_id}/cancel")
    page = client.get(f"/runs/{claim.run_id}").text
    assert "Stopping: asked by local user <time" in page
    assert "</time>, ends at the next unit" in page
    assert "Cancel this run" not in page
    lifecycle.cancel_held(session, claim)
    session.commit()
    page = client.get(f"/runs/{claim.run_id}").text
    assert "Stopping:" not in page
    step = page[page.index('<th scope="row">1. analyze') :].split("</tr>")[0]
    assert '<span class="badge quiet">' in step
    assert "Cancelled" in step


@pytest.mark.parametrize(
    ("lease", "silent", "alive"), [("60", 30, True), ("60", 90, False), ("600", 400, True), ("2", 30, True)]
)
def test_a_worker_is_alive_as_long_as_its_lease(session: Session, lease: str, silent: int, alive: bool) -> None:
    run, heard = make_run(session), dt.datetime.now(dt.UTC) - dt.timedelta(seconds=silent)
    session.add(Worker(id=uuid4(), kind="worker", host="box", pid=1, version="1", heartbeat_at=heard))
    session.commit()
    with make_client({"LEASE_SECONDS": lease}) as client:
        for path in ("/runs", f"/runs/{run.id}"):
            assert ("No worker is alive" not in client.get(path).text) == alive
        assert ("Alive" if alive else "Lost") in client.get("/system").text


def test_a_run_that_waits_for_the_pause_tells_how_it_stands_now(client: TestClient, session: Session) -> None:
    claim, queued = claimed(session, "analyze"), make_run(session, job_name="trends")
    pause_all(session, "moving", by=TESTER)
    lifecycle.wait(session, claim, "paused", "Everything is paused")
    session.commit()
    page = client.get(f"/runs/{claim.run_id}").text
    assert "Analyze tickets waits: Everything is paused. It goes on once everything is resumed." in page
    assert "It starts once everything is resumed." in client.get(f"/runs/{queued.id}").text
    assert "Goes on once everything is resumed" in client.get("/runs").text
    resume_all(session, by=TESTER)
    session.commit()
    page = client.get(f"/runs/{claim.run_id}").text
    assert "was paused with everything else. It goes on as soon as a worker is free." in page
    assert "Everything is paused since" not in page
    assert "waits: Everything is paused" not in page


def test_run_now_starts_what_the_schedule_starts(client: TestClient, session: Session) -> None:
    session.execute(text("""UPDATE schedules SET args = '{"batch_size": 9}' WHERE id = 'daily_sync'"""))
    session.commit()
    answer = client.post("/schedules/daily_sync/run")
    (run,) = all_runs()
    assert answer.headers["location"] == f"/runs/{run.id}"
    assert (run.job_name, run.args, run.trigger) == ("pipeline", {"batch_size": 9}, "button")
    assert client.post("/schedules/nothing/run").status_code == 404
    assert client.post("/schedules/daily_sync/run").status_code == 409


def test_while_everything_is_paused_the_pages_say_so_and_why(client: TestClient, session: Session) -> None:
    start(client, "trends")
    pause_all(session, "moving the <database>", by=TESTER)
    session.commit()
    for path in ("/runs", "/runs/1", "/schedules", "/system"):
        assert "by code tester: moving the &lt;database&gt;" in client.get(path).text


def test_when_the_broker_is_away_the_run_is_queued_and_the_page_says_so(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr("actors.enqueue.ring_all", fail)
    answer = start(client, "trends")
    assert answer.status_code == 303
    assert "the message broker cannot be reached" in client.get(answer.headers["location"]).text


@pytest.mark.parametrize("state", ["completed", "failed", "crashed", "cancelled", "skipped"])
def test_every_way_to_end_has_its_page(client: TestClient, session: Session, state: str) -> None:
    more: dict[str, Any] = {
        "cancelled": {"cancel_requested_at": NOW, "cancel_requested_by": "ann"},
        "skipped": {"skip_reason": "Run 3 was active", "started_at": None, "attempt": 0},
    }.get(state, {})
    run = finished(session, "trends", state, **more)
    session.commit()
    answer = client.get(f"/runs/{run.id}")
    assert answer.status_code == 200
    assert "hx-get" not in answer.text
    assert client.get("/runs").status_code == 200
