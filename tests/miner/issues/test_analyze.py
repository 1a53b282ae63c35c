from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from miner import db
from miner.errors import CancelRequested, StepError
from miner.issues import analyze
from miner.issues.answer import Finding, Reading, TicketText, Usage
from miner.issues.checks import this_monday
from miner.issues.pending import list_pending
from miner.issues.reconcile import NOT_FOUND
from miner.models import Analysis, Check, Issue, JobRun, JobRunStep, Ticket, TicketComment
from miner.runs.context import Skip, StepContext
from tests.factories import NOON, make_theme, make_ticket

Steps = Callable[..., StepContext]


class Scripted:
    """An analyzer that answers what it was told to; `answers` maps a ticket's id to findings or an error."""

    name = "local"
    model = "scripted"

    def __init__(self, answers: dict[int, Any]) -> None:
        self.answers = answers
        self.asked: list[int] = []

    def read(self, tickets: Sequence[TicketText]) -> Iterator[Reading]:
        for ticket in tickets:
            answer = self.answers.get(ticket.id, [])
            if isinstance(answer, Exception):
                raise answer
            self.asked.append(ticket.id)
            usage = Usage(input_tokens=10, output_tokens=2)
            yield Reading(ticket.id, "issues" if answer else "no_issue", "nothing", tuple(answer), usage)


def use(monkeypatch: pytest.MonkeyPatch, answers: dict[int, Any]) -> Scripted:
    analyzer = Scripted(answers)
    monkeypatch.setattr(analyze, "choose_analyzer", lambda context: analyzer)
    return analyzer


def change(session: Session, ticket: Ticket, body: str) -> None:
    """Give the ticket another text, as a sync does."""
    import hashlib

    ticket.text = f"{ticket.subject}\n\n{body}"
    ticket.text_hash = hashlib.sha256(ticket.text.encode()).hexdigest()
    comment = session.scalars(select(TicketComment).where(TicketComment.ticket_id == ticket.id)).one()
    comment.body, comment.text_end = body, len(ticket.text)
    session.commit()


def crash(**changes: Any) -> Finding:
    return Finding(**{"type": "bug", "summary": "The export crashes", "quote": "The export crashes.", **changes})


def live(session: Session) -> list[Issue]:
    session.rollback()
    session.expire_all()
    return list(session.scalars(select(Issue).where(Issue.retired_at.is_(None)).order_by(Issue.id)))


def test_the_local_rules_find_issues_whose_quotes_stand_in_the_text(step: Steps, session: Session) -> None:
    make_ticket(session, text="Export\n\nHello. The export crashes when I press the button.")
    make_ticket(session, text="Thanks\n\nIt works great, thank you.")
    make_ticket(session, text="Automatic reply: Export\n\nI am out of the office.")
    session.commit()
    context = step("analyze", {"batch_size": 10})
    assert analyze.run(context) is None
    (issue,) = live(session)
    ticket = session.get_one(Ticket, issue.ticket_id)
    assert issue.quote == "The export crashes when I press the button."
    assert ticket.text[issue.quote_start : issue.quote_end] == issue.quote
    assert (issue.quote_verified, issue.text_hash, issue.analyzer) == (True, ticket.text_hash, "local")
    analyses = {row.outcome: row for row in session.scalars(select(Analysis))}
    assert set(analyses) == {"issues", "no_issue", "skipped"}
    assert analyses["skipped"].reason == "an automatic reply"
    assert (analyses["issues"].run_id, analyses["issues"].settings_version) == (context.run_id, 1)
    assert session.scalars(select(Ticket.id).where(Ticket.analyzed_text_hash != Ticket.text_hash)).all() == []
    assert session.get_one(JobRun, context.run_id).counters == {"tickets": 3, "issues": 1, "skipped": 1}


def test_nothing_to_read_is_a_skip_with_its_reason(step: Steps) -> None:
    skipped = analyze.run(step("analyze"))
    assert skipped == Skip("no ticket waits to be read")


def test_the_newest_are_read_first_and_no_more_than_asked_for(
    step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analyze, "BATCH", 2)
    tickets = [make_ticket(session, created_at=NOON - dt.timedelta(days=n)) for n in range(5)]
    session.commit()
    analyzer = use(monkeypatch, {})
    context = step("analyze", {"batch_size": 3})
    analyze.run(context)
    assert analyzer.asked == [ticket.id for ticket in tickets[:3]]
    session.rollback()
    row = session.scalars(select(JobRunStep)).one()
    assert (row.done, row.total, row.checkpoint) == (3, 3, {"tickets": 3})
    # The same run, resumed from its checkpoint, reads nothing more.
    assert analyze.run(context) is None
    assert len(analyzer.asked) == 3


def test_a_deleted_ticket_is_not_read(step: Steps, session: Session) -> None:
    make_ticket(session, deleted_at=NOON)
    session.commit()
    assert isinstance(analyze.run(step("analyze")), Skip)


def test_an_issue_occurred_when_its_message_was_written(
    step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = NOON + dt.timedelta(days=3)
    ticket = make_ticket(session, text="Export\n\nHello.\n\nThe export crashes.")
    first = session.scalars(select(TicketComment)).one()
    first.body, first.text_end = "Hello.", 14
    session.add(
        TicketComment(ticket_id=ticket.id, position=1, author_kind="customer", public=True, body="The export crashes.",
                      created_at=later, text_start=16, text_end=35)
    )  # fmt: skip
    session.commit()
    use(monkeypatch, {ticket.id: [crash(), crash(quote="Export", summary="In the subject"),
                                  crash(quote="nowhere to be found", summary="Not in the text")]})  # fmt: skip
    analyze.run(step("analyze"))
    times = {issue.quote: (issue.occurred_at, issue.quote_verified) for issue in live(session)}
    assert times == {
        "The export crashes.": (later, True), "Export": (NOON, True), "nowhere to be found": (NOON, False),
    }  # fmt: skip


def test_reading_again_keeps_ids_themes_and_corrections(
    step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = make_ticket(session, text="Export\n\nThe export crashes. The import fails.")
    session.commit()
    failing = crash(quote="The import fails.", summary="The import fails")
    analyzer = use(monkeypatch, {ticket.id: [crash(), failing]})
    context = step("analyze", {"batch_size": 100})
    analyze.run(context)
    export, imports = live(session)
    theme = make_theme(session)
    export.theme_id, export.edited, export.type, export.severity = theme.id, {"type": "friction"}, "friction", "low"
    session.commit()

    analyzer.answers = {ticket.id: [crash(summary="Crash on export", severity="high", severity_phrase="crashes")]}
    change(session, ticket, "Since Monday: The export crashes.")
    context.checkpoint = None
    analyze.run(context)
    (again,) = live(session)
    assert (again.id, again.theme_id, again.type, again.severity) == (export.id, theme.id, "friction", "high")
    assert (again.quote_start, again.summary, again.text_hash) == (22, "Crash on export", ticket.text_hash)
    gone = session.get_one(Issue, imports.id)
    assert gone.retired_at is not None
    assert gone.retired_reason == NOT_FOUND

    analyzer.answers = {ticket.id: [crash(), failing]}
    change(session, ticket, "The export crashes. The import fails.")
    context.checkpoint = None
    analyze.run(context)
    assert [issue.id for issue in live(session)] == [export.id, imports.id]
    assert session.scalars(select(Analysis.outcome)).all() == ["issues"] * 3


def test_what_a_person_set_aside_stays_so(step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = make_ticket(session, text="Export\n\nThe export crashes.")
    session.commit()
    use(monkeypatch, {ticket.id: [crash()]})
    context = step("analyze")
    analyze.run(context)
    session.execute(text("UPDATE issues SET retired_at = now(), retired_reason = 'not an issue'"))
    session.execute(text("UPDATE tickets SET analyzed_text_hash = 'old'"))
    session.commit()
    context.checkpoint = None
    analyze.run(context)
    assert live(session) == []
    assert len(session.scalars(select(Issue.id)).all()) == 1


def test_one_ticket_that_cannot_be_read_does_not_fail_the_run(
    step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    tickets = [make_ticket(session, text=f"Export\n\nThe export crashes. {n}") for n in range(3)]
    session.commit()
    secret = ValueError("The export crashes.")
    use(monkeypatch, {tickets[0].id: [crash()], tickets[1].id: secret, tickets[2].id: [crash()]})
    analyze.run(step("analyze"))
    assert {issue.ticket_id for issue in live(session)} == {tickets[0].id, tickets[2].id}
    failed = session.scalars(select(Analysis).where(Analysis.outcome == "failed")).one()
    assert (failed.ticket_id, failed.reason) == (tickets[1].id, "the analyzer failed: ValueError")
    assert session.scalars(select(Ticket.id).where(Ticket.analyzed_at.is_(None))).all() == []


def test_a_failed_reading_leaves_the_issues_that_are_there(
    step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = make_ticket(session, text="Export\n\nThe export crashes.")
    session.commit()
    analyzer = use(monkeypatch, {ticket.id: [crash()]})
    context = step("analyze")
    analyze.run(context)
    analyzer.answers = {ticket.id: ValueError()}
    change(session, ticket, "It changed.")
    context.checkpoint = None
    analyze.run(context)
    assert len(live(session)) == 1


def test_an_error_of_ours_stops_the_run(step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = make_ticket(session)
    session.commit()
    use(monkeypatch, {ticket.id: StepError("the budget is used up")})
    with pytest.raises(StepError, match="budget"):
        analyze.run(step("analyze"))
    session.rollback()
    assert session.scalars(select(Analysis.id)).all() == []


def test_an_analyzer_that_forgets_a_ticket_has_failed_on_it(
    step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_ticket(session)
    session.commit()
    analyzer = use(monkeypatch, {})
    monkeypatch.setattr(analyzer, "read", lambda tickets: iter(()))
    analyze.run(step("analyze"))
    assert session.scalars(select(Analysis.reason)).all() == ["the analyzer gave no answer"]


def test_a_ticket_that_changes_or_vanishes_while_it_is_read_is_not_marked_as_read(
    step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed, deleted, quiet = (make_ticket(session, text=f"Export\n\nThe export crashes. {n}") for n in range(3))
    session.commit()
    analyzer = use(monkeypatch, {ticket.id: [crash()] for ticket in (changed, deleted, quiet)})
    plain = analyzer.read

    def meanwhile(tickets: Sequence[TicketText]) -> Iterator[Reading]:
        readings = list(plain(tickets))
        if len(tickets) == 3:
            change(session, changed, "Never mind. The export crashes.")
            session.delete(session.get_one(Ticket, deleted.id))
            session.commit()
        return iter(readings)

    monkeypatch.setattr(analyzer, "read", meanwhile)
    analyze.run(step("analyze"))
    assert analyzer.asked == [quiet.id, deleted.id, changed.id, changed.id]
    issues = {issue.ticket_id: issue for issue in live(session)}
    assert set(issues) == {changed.id, quiet.id}
    assert issues[changed.id].text_hash == changed.text_hash
    assert issues[changed.id].quote_start == len("Export\n\nNever mind. ")


def test_tokens_are_counted_where_a_model_was_asked(
    step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = make_ticket(session, text="Export\n\nThe export crashes.")
    session.commit()
    use(monkeypatch, {ticket.id: [crash()]})
    context = step("analyze")
    analyze.run(context)
    session.rollback()
    counters = session.get_one(JobRun, context.run_id).counters
    assert counters == {"tickets": 1, "issues": 1, "input_tokens": 10, "output_tokens": 2}
    assert session.scalars(select(Analysis.cost_usd)).one() is None


def test_a_stopped_run_keeps_whole_batches_and_resumes_with_the_rest(
    step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analyze, "BATCH", 2)
    for _ in range(5):
        make_ticket(session)
    session.commit()
    context = step("analyze", {"batch_size": 100})
    read = analyze.read_tickets

    def stop_at_the_second(*args: Any) -> Any:
        if len(calls := [*calls_made, 1]) == 2:
            context.hold.cancel.set()
        calls_made[:] = calls
        return read(*args)

    calls_made: list[int] = []
    monkeypatch.setattr(analyze, "read_tickets", stop_at_the_second)
    with pytest.raises(CancelRequested):
        analyze.run(context)
    assert len(list_pending(session, limit=10)) == 3
    session.rollback()
    context.hold.cancel.clear()
    analyze.run(context)
    session.rollback()
    assert list_pending(session, limit=10) == []
    assert len(session.scalars(select(Analysis.id)).all()) == 5


def test_the_number_of_statements_does_not_grow_with_the_tickets(step: Steps, session: Session) -> None:
    context = step("analyze", {"batch_size": 100})
    session.add(Check(monday=this_monday(session), seed=1, created_by="tester"))  # once a week one is drawn

    def statements(tickets: int) -> int:
        for _ in range(tickets):
            make_ticket(session)
        session.commit()
        seen: list[str] = []

        def note(*args: Any) -> None:
            seen.append(args[2])

        event.listen(db.engine(), "before_cursor_execute", note)
        context.checkpoint = None
        analyze.run(context)
        event.remove(db.engine(), "before_cursor_execute", note)
        return len(seen)

    assert statements(2) == statements(40)
