from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.errors import InvalidArguments, NotFound, Refused, UsageError
from miner.issues.corrections import correct_issue, mark_missed, set_aside
from miner.issues.reconcile import NOT_AN_ISSUE, NOT_FOUND
from miner.issues.undoing import undo_correction
from miner.models import Correction, Issue, Theme, Ticket
from miner.runs.context import StepContext
from miner.tickets.starting_over import clear_source
from tests.factories import TESTER, VIEWER, make_issue, make_theme, make_ticket
from tests.miner.issues.test_analyze import change, crash, use
from tests.support.reading import configure

Steps = Callable[..., StepContext]
TEXT = "Export\n\nThe export crashes. The import fails too."


def test_each_changed_field_is_a_correction_with_before_after_and_who(session: Session) -> None:
    configure(session, areas={"Reports": ["export"]})
    issue = make_issue(session)
    made = correct_issue(
        session,
        issue.id,
        given={"type": "friction", "area": "Reports", "severity": "critical", "theme": None},
        by=TESTER,
    )
    session.commit()
    rows = [session.get_one(Correction, one) for one in made]
    assert [(row.kind, row.before, row.after) for row in rows[:2]] == [
        ("type", {"type": "bug"}, {"type": "friction"}),
        ("area", {"area": None, "component": None}, {"area": "Reports", "component": None}),
    ]
    assert [row.kind for row in rows] == ["type", "area", "severity"]
    assert {(row.created_by, row.settings_version) for row in rows} == {(str(TESTER), 2)}
    assert (issue.type, issue.area, issue.severity, issue.severity_phrase) == (
        "friction", "Reports", "critical", issue.quote,
    )  # fmt: skip
    audited = session.scalars(text("SELECT action FROM audit_log WHERE object_kind = 'issue' ORDER BY id")).all()
    assert audited == ["issue.type", "issue.area", "issue.severity"]
    assert correct_issue(session, issue.id, given={"type": "friction", "theme": None}, by=TESTER) == []


def test_what_is_not_there_or_not_allowed_is_refused_by_field(session: Session) -> None:
    issue = make_issue(session)
    for given in ({"type": "nonsense"}, {"area": "Nowhere"}, {"severity": "worst"}, {"theme": 99}):
        with pytest.raises(InvalidArguments) as refused:
            correct_issue(session, issue.id, given=given, by=TESTER)  # type: ignore[arg-type]
        assert list(refused.value.fields) == list(given)
    with pytest.raises(NotFound):
        correct_issue(session, 10**9, given={}, by=TESTER)
    with pytest.raises(Refused):
        set_aside(session, issue.id, by=VIEWER)
    set_aside(session, issue.id, by=TESTER)
    with pytest.raises(UsageError, match="does not count any more: not an issue"):
        correct_issue(session, issue.id, given={"type": "bug"}, by=TESTER)


def test_an_unclear_type_can_be_left_and_corrected_but_not_chosen(session: Session) -> None:
    issue = make_issue(session, type="unclear")
    assert correct_issue(session, issue.id, given={"type": "unclear"}, by=TESTER) == []
    (made,) = correct_issue(session, issue.id, given={"type": "bug"}, by=TESTER)
    with pytest.raises(InvalidArguments):
        correct_issue(session, issue.id, given={"type": "unclear"}, by=TESTER)
    undo_correction(session, made, by=TESTER)
    assert issue.type == "unclear"


def test_an_undone_correction_gives_way_to_the_one_before_it_and_at_last_to_what_was_read(session: Session) -> None:
    issue = make_issue(session)
    (first,) = correct_issue(session, issue.id, given={"type": "friction"}, by=TESTER)
    (second,) = correct_issue(session, issue.id, given={"type": "data_issue"}, by=TESTER)
    undo_correction(session, first, by=TESTER)
    assert (issue.type, issue.edited) == ("data_issue", {"type": "data_issue"})
    undone = undo_correction(session, second, by=TESTER)
    assert (issue.type, issue.edited, undone.undone_by) == ("bug", {}, str(TESTER))
    with pytest.raises(UsageError, match="undone already"):
        undo_correction(session, second, by=TESTER)
    with pytest.raises(NotFound):
        undo_correction(session, 10**9, by=TESTER)


def test_a_theme_that_a_person_chose_is_pinned_and_counted_at_once(session: Session) -> None:
    here, there = make_theme(session, issue_count=1), make_theme(session)
    issue = make_issue(session, theme_id=here.id)
    make_issue(session, theme_id=there.id, quote_start=None, quote_end=None, quote_verified=False)  # is not counted
    (made,) = correct_issue(session, issue.id, given={"theme": there.id}, by=TESTER)
    assert (issue.theme_id, issue.theme_pinned) == (there.id, True)
    assert counts(session, here, there) == [0, 1]
    assert session.execute(text("SELECT theme_id, reports FROM theme_days")).all() == [(there.id, 1)]
    undo_correction(session, made, by=TESTER)
    assert (issue.theme_id, issue.theme_pinned, issue.edited) == (here.id, False, {})
    assert counts(session, here, there) == [1, 0]


def counts(session: Session, *themes: Theme) -> list[int]:
    session.flush()
    for theme in themes:
        session.refresh(theme)
    return [theme.issue_count for theme in themes]


def test_what_is_no_issue_leaves_the_counts_and_comes_back_when_it_is_undone(session: Session) -> None:
    theme = make_theme(session, issue_count=1)
    issue = make_issue(session, theme_id=theme.id)
    made = set_aside(session, issue.id, by=TESTER)
    session.flush()
    session.refresh(issue)
    assert (issue.retired_reason, issue.retired_at is not None) == (NOT_AN_ISSUE, True)
    assert counts(session, theme) == [0]
    undo_correction(session, made, by=TESTER)
    session.flush()
    session.refresh(issue)
    assert (issue.retired_at, issue.retired_reason, issue.edited) == (None, None, {})
    assert counts(session, theme) == [1]


def read(step: Steps, session: Session) -> None:
    from miner.issues import analyze

    analyze.run(step("analyze", {"batch_size": 100}))
    session.rollback()
    session.expire_all()
    session.execute(text("DELETE FROM job_run_keys"))
    session.commit()


def live(session: Session, ticket: Ticket) -> Sequence[Issue]:
    session.expire_all()
    return [one for one in session.query(Issue).order_by(Issue.id) if one.retired_at is None]


def test_corrections_survive_readings_that_say_otherwise(
    step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = make_ticket(session, text=TEXT)
    session.commit()
    failing = crash(quote="The import fails too.", summary="The import fails")
    use(monkeypatch, {ticket.id: [crash(), failing]})
    read(step, session)
    export, imports = live(session, ticket)
    correct_issue(session, export.id, given={"type": "friction", "severity": "low"}, by=TESTER)
    set_aside(session, imports.id, by=TESTER)
    session.commit()
    change(session, ticket, "Please help! The export crashes. The import fails too.")
    use(monkeypatch, {ticket.id: [crash(severity="high", severity_phrase="crashes"), failing]})
    read(step, session)
    (again,) = live(session, ticket)
    assert (again.id, again.type, again.severity) == (export.id, "friction", "low")
    assert session.get_one(Issue, imports.id).retired_reason == NOT_AN_ISSUE


def test_a_marked_passage_is_an_issue_with_a_verified_quote_that_no_reading_retires(
    step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = make_ticket(session, text=TEXT)
    session.commit()
    use(monkeypatch, {ticket.id: [crash()]})
    read(step, session)
    made = mark_missed(session, ticket.id, passage="the IMPORT  fails too", type_="data_issue", by=TESTER)
    session.commit()
    marked = session.get_one(Issue, session.get_one(Correction, made).issue_id)
    assert (marked.quote, marked.quote_verified, marked.analyzer) == ("The import fails too", True, "person")
    assert ticket.text[marked.quote_start : marked.quote_end] == marked.quote
    # Another text, and readings that see nothing there: its place moves with the words.
    change(session, ticket, "Good morning. The export crashes. The import fails too.")
    read(step, session)
    assert [issue.id for issue in live(session, ticket)][-1] == marked.id
    marked = session.get_one(Issue, marked.id)
    assert ticket.text[marked.quote_start : marked.quote_end] == marked.quote
    assert marked.text_hash == ticket.text_hash
    # A reading that finds it says what it thinks of it, but the person's words and type stay.
    change(session, ticket, "The export crashes. The import fails too.")
    use(monkeypatch, {ticket.id: [crash(), crash(quote="The import fails too.", type="other", area="X")]})
    read(step, session)
    found = session.get_one(Issue, marked.id)
    assert (found.type, found.quote, found.area, found.analyzer) == (
        "data_issue",
        "The import fails too",
        None,
        "local",
    )
    assert ticket.text[found.quote_start : found.quote_end] == found.quote
    undo_correction(session, made, by=TESTER)
    session.commit()
    assert len(live(session, ticket)) == 2, "a reading has found it as well"


def test_a_mark_that_is_undone_takes_its_issue_away_until_a_reading_finds_it(
    step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = make_ticket(session, text=TEXT)
    session.commit()
    use(monkeypatch, {ticket.id: []})
    read(step, session)
    made = mark_missed(session, ticket.id, passage="The import fails too.", type_="bug", severity="high", by=TESTER)
    undo_correction(session, made, by=TESTER)
    session.commit()
    (issue,) = session.query(Issue)
    assert (issue.retired_reason, issue.edited) == (NOT_FOUND, {})


def test_a_passage_must_stand_in_a_ticket_that_was_read(session: Session) -> None:
    ticket = make_ticket(session, text=TEXT)
    with pytest.raises(UsageError, match="was not read yet"):
        mark_missed(session, ticket.id, passage="The import fails too.", type_="bug", by=TESTER)
    make_issue(session, ticket)
    with pytest.raises(InvalidArguments, match="word for word"):
        mark_missed(session, ticket.id, passage="Nobody wrote this.", type_="bug", by=TESTER)
    with pytest.raises(NotFound):
        mark_missed(session, 10**9, passage="x", type_="bug", by=TESTER)


def test_an_issue_that_was_set_aside_and_not_found_since_does_not_count_when_that_is_undone(
    step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = make_ticket(session, text=TEXT)
    session.commit()
    use(monkeypatch, {ticket.id: [crash()]})
    read(step, session)
    (issue,) = live(session, ticket)
    made = set_aside(session, issue.id, by=TESTER)
    session.commit()
    use(monkeypatch, {ticket.id: []})
    change(session, ticket, "It works now.")
    read(step, session)
    undo_correction(session, made, by=TESTER)
    session.commit()
    assert session.get_one(Issue, issue.id).retired_reason == NOT_FOUND


def test_clearing_a_source_keeps_corrections_and_marks_come_back_with_the_words(
    step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = make_ticket(session, text=TEXT, source="zendesk:acme")
    aside, _ = make_issue(session, ticket, quote="The export crashes."), make_issue(session, ticket, quote_start=None,
        quote_end=None, quote_verified=False, quote="nowhere")  # fmt: skip
    set_aside(session, aside.id, by=TESTER)
    made = mark_missed(session, ticket.id, passage="The import fails too.", type_="bug", by=TESTER)
    marked = session.get_one(Correction, made).issue_id
    session.commit()
    clear_source(session, "zendesk:acme", by=TESTER)
    session.commit()
    assert {aside.id, marked} <= {issue.id for issue in session.query(Issue)}
    assert live(session, ticket) == []
    session.execute(text("UPDATE tickets SET deleted_at = NULL, gone_reason = NULL, subject = 'Export'"))
    session.expire_all()
    ticket.text, ticket.text_hash = TEXT, session.get_one(Issue, marked).text_hash
    session.commit()
    use(monkeypatch, {ticket.id: []})
    read(step, session)
    assert [issue.id for issue in live(session, ticket)] == [marked]
    assert session.get_one(Issue, aside.id).retired_reason == NOT_AN_ISSUE
