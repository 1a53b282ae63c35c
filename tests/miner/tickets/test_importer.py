from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner import db
from miner.errors import CancelRequested, ImportFailed
from miner.models import Customer, JobRun, JobRunStep, Ticket, TicketComment
from miner.runs import lifecycle
from miner.runs.context import StepContext
from miner.tickets import importer, sample
from miner.tickets.files import inspect, read_records
from miner.tickets.store import store_tickets

Steps = Callable[..., StepContext]


@pytest.fixture
def import_file(step: Steps, session: Session) -> Callable[..., JobRun]:
    """Import a file in a run of its own and return the run's row."""

    def run(path: Path, source: str | None = None, **changes: Any) -> JobRun:
        context = step("import", {"path": str(path)} | ({"source": source} if source else {}))
        for name, value in changes.items():
            setattr(context, name, value)
        try:
            importer.run(context)
        finally:
            with db.transaction() as own:
                lifecycle.complete(own, context.hold.claim)
        session.expire_all()
        return session.get_one(JobRun, context.run_id)

    return run


def record(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "subject": f"Crash {number}",
        "description": f"It crashes, the {number}th time.",
        "created_at": f"2026-11-{1 + number % 28:02}T10:00:00Z",
        "status": "open",
        **changes,
    }


def ndjson(path: Path, records: list[dict[str, Any]], *, ascii_only: bool = True) -> Path:
    lines = "".join(json.dumps(one, ensure_ascii=ascii_only) + "\n" for one in records)
    path.write_text(lines, encoding="utf-8")
    return path


def state(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of tickets, comments and customers, with the transaction that wrote it last."""
    session.rollback()
    return {
        table: [tuple(row) for row in session.execute(text(f"SELECT xmin::text, * FROM {table} ORDER BY id"))]
        for table in ("tickets", "ticket_comments", "customers")
    }


def test_a_file_is_stored_with_its_comments_and_customers(
    import_file: Callable[..., JobRun], session: Session, tmp_path: Path
) -> None:
    path = ndjson(
        tmp_path / "acme.ndjson",
        [
            record(1, organization_id=7, requester_id=3, tags=["a", "b"],
                   comments=[{"id": 5, "author_id": 9, "body": "Look", "public": False}]),
            record(2, requester="kim@acme.example"),
            record(3),
        ],
    )  # fmt: skip
    run = import_file(path)
    assert run.counters == {"tickets": 3, "tickets_new": 3, "tickets_changed": 0, "rejected": 0}
    first, second, third = session.scalars(select(Ticket).order_by(Ticket.source_id)).all()
    assert (first.source, first.source_id, first.tags) == ("file:acme.ndjson", "1", ["a", "b"])
    assert (first.zendesk_ticket_id, first.analyzed_at, first.original_created_at) == (None, None, None)
    customers = {one.id: (one.kind, one.external_key) for one in session.scalars(select(Customer))}
    assert customers[first.customer_id or 0] == ("organization", "7")
    assert customers[second.customer_id or 0] == ("domain", "acme.example")
    assert third.customer_id is None
    note = session.scalars(select(TicketComment).where(TicketComment.position == 1)).one()
    assert (note.body, note.public, note.text_start, note.author_kind) == ("Look", False, None, "agent")


def test_importing_twice_touches_no_row(import_file: Callable[..., JobRun], session: Session, tmp_path: Path) -> None:
    path = ndjson(tmp_path / "a.ndjson", [record(n, organization="Acme", comments=[{"body": "x"}]) for n in range(20)])
    import_file(path)
    before = state(session)
    assert import_file(path).counters["tickets_changed"] == 0
    after = state(session)
    assert after == before


def test_a_changed_text_makes_the_ticket_pending_again_and_replaces_its_comments(
    import_file: Callable[..., JobRun], session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "a.ndjson"
    long = [record(1, comments=[{"body": "one"}, {"body": "two"}]), record(2)]
    import_file(ndjson(path, long))
    session.execute(text("UPDATE tickets SET analyzed_at = now(), analyzed_text_hash = text_hash"))
    session.commit()
    run = import_file(ndjson(path, [record(1, comments=[{"body": "one, changed"}]), record(2, status="solved")]))
    assert (run.counters["tickets_new"], run.counters["tickets_changed"]) == (0, 2)
    first, second = session.scalars(select(Ticket).order_by(Ticket.source_id)).all()
    assert first.analyzed_text_hash != first.text_hash
    assert (second.status, second.analyzed_text_hash) == ("solved", second.text_hash)
    bodies = session.scalars(select(TicketComment.body).where(TicketComment.ticket_id == first.id)).all()
    assert sorted(bodies) == ["It crashes, the 1th time.", "one, changed"]


def test_a_private_note_alone_is_stored_though_the_text_stays(
    import_file: Callable[..., JobRun], session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "a.ndjson"
    import_file(ndjson(path, [record(1)]))
    import_file(ndjson(path, [record(1, comments=[{"body": "note", "public": False}])]))
    assert session.scalars(select(TicketComment.body).where(~TicketComment.public)).all() == ["note"]


def test_of_the_same_id_twice_in_a_file_the_last_wins(
    import_file: Callable[..., JobRun], session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH", 2)
    records = [record(1, subject="a"), record(1, subject="b"), record(2), record(1, subject="c")]
    import_file(ndjson(tmp_path / "a.ndjson", records))
    assert session.scalars(select(Ticket.subject).where(Ticket.source_id == "1")).all() == ["c"]


def test_broken_lines_are_counted_and_told_and_the_rest_is_stored(
    import_file: Callable[..., JobRun], session: Session, tmp_path: Path
) -> None:
    path = ndjson(tmp_path / "a.ndjson", [record(1), record(2, created_at="yesterday"), record(3)])
    with path.open("a") as file:
        file.write('{"id": 4, "subject": "cut\n[]\n')
    run = import_file(path)
    assert (run.counters["tickets"], run.counters["rejected"]) == (2, 3)
    assert session.scalars(select(Ticket.source_id).order_by(Ticket.source_id)).all() == ["1", "3"]


def test_an_import_that_was_stopped_goes_on_after_its_last_batch(
    step: Steps, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH", 10)
    path = ndjson(tmp_path / "a.ndjson", [record(n) for n in range(35)])
    context = step("import", {"path": str(path)})
    stored = store_tickets

    def stop_after_two(*args: Any, **kwargs: Any) -> Any:
        if session.scalars(select(JobRunStep.done)).one() == 20:
            context.hold.cancel.set()
        session.rollback()
        return stored(*args, **kwargs)

    monkeypatch.setattr(importer, "store_tickets", stop_after_two)
    with pytest.raises(CancelRequested):
        importer.run(context)
    checkpoint = session.scalars(select(JobRunStep.checkpoint)).one()
    assert checkpoint is not None
    assert checkpoint["records"] == 30

    seen: list[int] = []

    def count(own: Session, tickets: Any, **kwargs: Any) -> Any:
        seen.append(len(tickets))
        return stored(own, tickets, **kwargs)

    monkeypatch.setattr(importer, "store_tickets", count)
    context.hold.cancel.clear()
    context.checkpoint = checkpoint
    importer.run(context)
    assert seen == [5]
    session.rollback()
    assert len(session.scalars(select(Ticket.id)).all()) == 35
    assert session.scalars(select(JobRunStep.done)).one() == 35


def test_a_file_that_changed_since_the_checkpoint_is_read_from_its_start(
    import_file: Callable[..., JobRun], session: Session, tmp_path: Path
) -> None:
    path = ndjson(tmp_path / "a.ndjson", [record(1), record(2)])
    old = {"file": [1, 1], "records": 2, "tickets": 2, "rejected": 0, "first_fault": ""}
    import_file(path, checkpoint=old)
    assert len(session.scalars(select(Ticket.id)).all()) == 2


def test_a_document_that_breaks_keeps_what_came_before(
    import_file: Callable[..., JobRun], session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([record(n) for n in range(3)])[:-20])
    with pytest.raises(ImportFailed, match=r"a\.json: line 1: .* the tickets before it are stored"):
        import_file(path)
    session.rollback()
    assert session.scalars(select(Ticket.source_id).order_by(Ticket.source_id)).all() == ["0", "1"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.ndjson", b'{"id": 1}\n{"x": 2}\n', r"a\.ndjson holds no usable ticket: line 1: created_at is missing"),
        ("a.csv", b"id,subject,created_at\n", r"a\.csv holds no usable ticket: it has no records"),
        ("a.ndjson", b'{"id": "\xff"}', "not UTF-8"),
    ],
)
def test_a_file_without_a_usable_ticket_fails_and_stores_nothing(
    import_file: Callable[..., JobRun], session: Session, tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ImportFailed, match=sentence):
        import_file(path)
    assert session.scalars(select(Ticket.id)).all() == []


def test_hostile_texts_are_stored(import_file: Callable[..., JobRun], session: Session, tmp_path: Path) -> None:
    records = [
        record(1, description="a\x00b \ud800 c", requester="\x00", tags=["\udfff", "x\x00y"],
               custom_fields=[{"id": 1, "value": "\x00\ud800z"}, {"id": 2, "value": float("nan")}]),
        record(2, description="é" * 65_000, comments=[{"body": "'; DROP TABLE tickets; --"}]),
        record(3, custom_fields=[{"id": 10**300, "value": [[[1]]]}], organization={"id": "\x00", "name": "\x00"}),
    ]  # fmt: skip
    import_file(ndjson(tmp_path / "a.ndjson", records))
    tickets = session.scalars(select(Ticket).order_by(Ticket.source_id)).all()
    assert tickets[0].text == "Crash 1\n\nab  c"
    assert tickets[0].raw["custom_fields"] == [{"id": 1, "value": "z"}, {"id": 2, "value": None}]
    assert len(tickets[1].text) > 65_000
    stored = session.execute(
        text(
            "SELECT count(*) FROM ticket_comments c JOIN tickets t ON t.id = c.ticket_id"
            " WHERE substr(t.text, c.text_start + 1, c.text_end - c.text_start) = c.body"
        )
    ).scalar_one()
    assert stored == 4


def test_csv_is_imported_under_common_names(
    import_file: Callable[..., JobRun], session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "export.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Ticket ID", "Title", "Body", "Created", "Company"])
        writer.writerow(["T-1", "Slow", "It is\nslow", "2026-11-20 10:00", "Acme"])
    import_file(path, "crm")
    ticket = session.scalars(select(Ticket)).one()
    assert (ticket.source, ticket.source_id, ticket.text) == ("file:crm", "T-1", "Slow\n\nIt is\nslow")
    assert session.scalars(select(Customer.name)).one() == "Acme"


def test_the_name_of_the_sample_is_not_for_other_files(import_file: Callable[..., JobRun], tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="belongs to the sample data"):
        import_file(ndjson(tmp_path / "a.ndjson", [record(1)]), "sample")


def test_a_zendesk_source_keeps_the_numbers_of_its_tickets(
    import_file: Callable[..., JobRun], session: Session, tmp_path: Path
) -> None:
    import_file(ndjson(tmp_path / "a.ndjson", [record(7)]), "zendesk:acme")
    assert session.scalars(select(Ticket.zendesk_ticket_id)).one() == 7


def test_long_tickets_make_short_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "BATCH_CHARACTERS", 100_000)
    path = ndjson(tmp_path / "a.ndjson", [record(n, description="x" * 60_000) for n in range(5)])
    batches = list(importer._batches(read_records(inspect(path)), "file:a"))
    assert [batch.records for batch in batches] == [2, 2, 1]


def test_a_column_map_reads_a_file_in_any_language(
    step: Steps, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Nr;Betreff;Angelegt am\n7;Export geht nicht;2026-11-20\n", encoding="utf-8")
    columns = "id=Nr,subject=Betreff,created_at=Angelegt am"
    importer.run(step("import", {"path": str(path), "columns": columns}))
    assert session.scalars(select(Ticket.subject)).all() == ["Export geht nicht"]


@pytest.mark.parametrize(
    ("columns", "word"),
    [("subject", "subject=Title"), ("wrong=Nr", "ours are id"), ("subject=Titel", "no column Titel")],
)
def test_a_column_map_that_does_not_fit_is_refused(
    step: Steps, database: str, tmp_path: Path, columns: str, word: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,subject,created_at\n7,x,2026-11-20\n", encoding="utf-8")
    with pytest.raises(ImportFailed, match=word):
        importer.run(step("import", {"path": str(path), "columns": columns}))


def test_rejected_records_are_kept_with_their_place_and_reason(step: Steps, database: str, tmp_path: Path) -> None:
    path = ndjson(tmp_path / "a.ndjson", [record(1), {"id": 2, "subject": "no date"}, record(3)])
    path.write_text(path.read_text(encoding="utf-8") + '{"id": 4, "subj\n', encoding="utf-8")
    context = step("import", {"path": str(path)})
    importer.run(context)
    (kept,) = (context.config.home / "rejected").glob(f"run-{context.run_id}-*")
    lines = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    expected = {"line": 2, "reason": "created_at is missing", "record": {"id": 2, "subject": "no date"}}
    assert lines == [expected, {"line": 4, "reason": lines[1]["reason"], "record": '{"id": 4, "subj'}]
    assert lines[1]["reason"].startswith("it is not JSON")


def test_the_sample_comes_along_and_is_imported_as_a_step_of_a_longer_run(
    step: Callable[..., StepContext], session: Session
) -> None:
    context = step("sample", step_name="sample")
    importer.run_sample(context)
    session.rollback()
    counted = session.execute(
        text("SELECT count(*), sum(char_length(text)) FROM tickets WHERE source = 'sample'")
    ).one()
    assert counted[0] == sample.TICKETS
    assert counted[1] == pytest.approx(sample.CHARACTERS, rel=0.05)
    counters = session.scalar(text("SELECT counters FROM job_runs WHERE id = :id"), {"id": context.run_id})
    assert counters["tickets_new"] == sample.TICKETS
    assert not counters.get("tickets"), "reading them counts them"
