"""Reading everything again, and taking that back: what people said and what came in since stays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.cli import main
from miner.config import Config
from miner.errors import NotFound, Refused, RunAlreadyActive, UsageError
from miner.issues.checks import draw_check
from miner.issues.corrections import correct_issue, mark_missed, set_aside
from miner.issues.forgetting import forget_words
from miner.issues.pending import count_pending
from miner.issues.readers import LOCAL_VERSION
from miner.issues.reconcile import NOT_AN_ISSUE, TAKEN_BACK
from miner.issues.rereading import apply_rereading, forget_old, list_rereadings, undo_rereading
from miner.issues.undoing import undo_correction
from miner.models import Issue, Rereading, Ticket
from miner.runs.context import StepContext
from tests.factories import TESTER, VIEWER, make_theme, make_ticket
from tests.miner.issues.test_analyze import change, crash, use
from tests.miner.issues.test_corrections import read

Steps = Callable[..., StepContext]
TEXT = "Export\n\nThe export crashes. The import fails. Printing is slow."
IMPORT = {"quote": "The import fails.", "summary": "The import fails"}
SLOW = {"quote": "Printing is slow.", "summary": "Printing is slow", "type": "performance"}
READ = (
    "id", "type", "area", "severity", "severity_phrase", "summary", "quote", "quote_start", "quote_end", "facts",
    "theme_id", "retired_reason", "edited", "analysis_id",
)  # fmt: skip


@pytest.fixture
def ticket(step: Steps, session: Session, monkeypatch: pytest.MonkeyPatch) -> Ticket:
    """Read once: the export and the import."""
    ticket = make_ticket(session, text=TEXT)
    session.commit()
    use(monkeypatch, {ticket.id: [crash(), crash(**IMPORT)]})
    read(step, session)
    return ticket


def issues(session: Session) -> dict[str, Issue]:
    session.rollback()
    session.expire_all()
    return {issue.quote: issue for issue in session.query(Issue).order_by(Issue.id)}


def rows(session: Session) -> list[tuple[Any, ...]]:
    return [tuple(getattr(issue, name) for name in READ) for issue in issues(session).values()]


def again(session: Session, **columns: Any) -> Rereading:
    made = apply_rereading(session, **{"scope": "all", "config": Config.from_environment(), "by": TESTER, **columns})
    session.commit()
    return made


def undo(session: Session, made: Rereading) -> None:
    undo_rereading(session, made.id, by=TESTER)
    session.commit()


def test_what_was_read_again_is_put_back_as_a_whole(
    step: Steps, session: Session, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(session)
    made = again(session)
    assert (made.tickets, count_pending(session)) == (1, 1)
    other = crash(summary="Crash!", type="data_issue", severity="high", severity_phrase="crashes", facts={"a": "b"})
    use(monkeypatch, {ticket.id: [other, crash(**SLOW)]})
    read(step, session)
    found = issues(session)
    assert found["The export crashes."].type == "data_issue"
    assert found["The import fails."].retired_at is not None
    assert found["Printing is slow."].retired_at is None
    undo(session, made)
    found = issues(session)
    gained = found.pop("Printing is slow.")
    assert gained.retired_reason == TAKEN_BACK
    assert [tuple(getattr(issue, name) for name in READ) for issue in found.values()] == before
    assert count_pending(session) == 0
    assert [row.undone_by for row in list_rereadings(session)] == [str(TESTER)]


def test_an_undo_before_anything_was_read_changes_nothing_but_the_marks(session: Session, ticket: Ticket) -> None:
    before, read_at = rows(session), ticket.analyzed_at
    made = again(session)
    undo(session, made)
    session.expire_all()
    assert rows(session) == before
    assert (ticket.analyzed_at, ticket.analyzed_text_hash) == (read_at, ticket.text_hash)


def test_corrections_made_since_stay_and_their_undo_gives_what_was_read_first(
    step: Steps, session: Session, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    theme = make_theme(session)
    made = again(session)
    use(monkeypatch, {ticket.id: [crash(type="data_issue"), crash(**IMPORT), crash(**SLOW)]})
    read(step, session)
    found = issues(session)
    (typed,) = correct_issue(session, found["The export crashes."].id, given={"type": "friction"}, by=TESTER)
    set_aside(session, found["The import fails."].id, by=TESTER)
    correct_issue(session, found["Printing is slow."].id, given={"theme": theme.id}, by=TESTER)
    mark_missed(session, ticket.id, passage="slow", type_="other", by=TESTER)
    session.commit()
    undo(session, made)
    found = issues(session)
    assert found["The export crashes."].type == "friction"
    assert found["The import fails."].retired_reason == NOT_AN_ISSUE
    assert (found["Printing is slow."].retired_at, found["Printing is slow."].theme_id) == (None, theme.id)
    assert found["slow"].retired_at is None
    undo_correction(session, typed, by=TESTER)
    session.commit()
    assert issues(session)["The export crashes."].type == "bug"


def test_a_correction_that_was_undone_since_stays_undone(
    step: Steps, session: Session, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = issues(session)
    (typed,) = correct_issue(session, found["The export crashes."].id, given={"type": "friction"}, by=TESTER)
    aside = set_aside(session, found["The import fails."].id, by=TESTER)
    session.commit()
    made = again(session)
    read(step, session)
    undo_correction(session, typed, by=TESTER)
    undo_correction(session, aside, by=TESTER)
    session.commit()
    undo(session, made)
    found = issues(session)
    assert (found["The export crashes."].type, found["The export crashes."].edited) == ("bug", {})
    assert found["The import fails."].retired_at is None


def test_what_came_in_since_is_not_lost(
    step: Steps, session: Session, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = make_ticket(session, text=f"{TEXT} Please.")
    session.commit()
    read(step, session)
    made = again(session)
    new = make_ticket(session, text=f"{TEXT} Thanks.")
    change(session, ticket, "The export crashes. And the menu is gone.")
    menu = crash(quote="And the menu is gone.", summary="The menu is gone")
    use(monkeypatch, {ticket.id: [crash(), menu], new.id: [crash()], still.id: [crash(**SLOW)]})
    read(step, session)
    undo(session, made)
    live = [(issue.ticket_id, issue.quote) for issue in session.query(Issue) if issue.retired_at is None]
    assert sorted(live) == sorted(
        [(ticket.id, "The export crashes."), (ticket.id, "And the menu is gone."), (new.id, "The export crashes.")]
    )
    assert count_pending(session) == 0


def test_a_gained_issue_that_was_taken_back_counts_again_when_it_is_found_again(
    step: Steps, session: Session, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = again(session)
    use(monkeypatch, {ticket.id: [crash(**SLOW)]})
    read(step, session)
    undo(session, made)
    gained = issues(session)["Printing is slow."].id
    again(session)
    read(step, session)
    assert [issue.id for issue in issues(session).values() if issue.retired_at is None] == [gained]


def test_a_ticket_that_is_gone_since_stays_gone(session: Session, ticket: Ticket) -> None:
    made = again(session)
    session.execute(text("UPDATE tickets SET deleted_at = now(), gone_reason = 'brand'"))
    session.execute(text("UPDATE issues SET retired_at = now(), retired_reason = 'hidden'"))
    session.commit()
    undo(session, made)
    assert {issue.retired_reason for issue in issues(session).values()} == {"hidden"}


def test_only_the_newest_is_taken_back_once_and_within_thirty_days(session: Session, ticket: Ticket) -> None:
    first = again(session)
    undo(session, first)
    with pytest.raises(UsageError, match="taken back already"):
        undo(session, first)
    session.rollback()
    second = again(session)
    session.execute(text("UPDATE tickets SET analyzed_at = now(), analyzed_text_hash = text_hash"))
    third = again(session)
    with pytest.raises(UsageError, match=f"{third.id} came after {second.id}"):
        undo(session, second)
    session.rollback()
    third.created_at -= dt.timedelta(days=31)
    session.commit()
    with pytest.raises(UsageError, match="older than 30 days"):
        undo(session, third)
    session.rollback()
    forget_old(session)
    assert session.scalar(text("SELECT count(*) FROM reread_issues WHERE rereading_id = :id"), {"id": third.id}) == 0
    assert session.scalar(text("SELECT count(*) FROM reread_issues WHERE rereading_id = :id"), {"id": second.id}) == 2
    with pytest.raises(NotFound):
        undo_rereading(session, 10**9, by=TESTER)


def test_nothing_is_applied_or_taken_back_while_tickets_are_read(step: Steps, session: Session, ticket: Ticket) -> None:
    made = again(session)
    step("analyze")
    with pytest.raises(RunAlreadyActive, match="analyze is already active"):
        again(session)
    session.rollback()
    with pytest.raises(RunAlreadyActive):
        undo(session, made)


def test_it_needs_an_admin_and_something_to_read(session: Session) -> None:
    with pytest.raises(UsageError, match="nothing to read again"):
        again(session)
    session.rollback()
    for act in (lambda: again(session, by=VIEWER), lambda: undo_rereading(session, 1, by=VIEWER)):
        with pytest.raises(Refused):
            act()


def test_the_command_says_the_price_tries_applies_and_takes_back(
    session: Session, ticket: Ticket, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session.commit()
    assert main(["analyze-again"]) == 0
    shown = capsys.readouterr()
    assert f"{LOCAL_VERSION} would read" in shown.err
    assert "older  1" in shown.out
    assert main(["analyze-again", "--sample", "5", "--here"]) == 0
    assert f"1 of 1 tickets read by {LOCAL_VERSION}" in capsys.readouterr().out
    assert main(["analyze-again", "--report", "1", "--json"]) == 0
    assert '"gained"' in capsys.readouterr().out
    assert main(["analyze-again", "--apply"]) == 2
    assert "confirm with --yes" in capsys.readouterr().err
    assert main(["analyze-again", "--apply", "--yes", "--here"]) == 0
    session.rollback()
    (made,) = list_rereadings(session)
    assert (made.trial_id, count_pending(session)) == (1, 0)
    assert main(["analyze-again", "--undo", str(made.id), "--yes"]) == 0
    session.rollback()
    session.expire_all()
    assert made.undone_at is not None


def test_nothing_is_set_to_be_read_again_that_nobody_could_read(session: Session, ticket: Ticket) -> None:
    session.execute(
        text("INSERT INTO model_calls (model, prompt_version, outcome, tickets) VALUES ('x', '1', 'ok', 1)")
    )
    with pytest.raises(UsageError, match="there is no key any more"):
        again(session)
    session.rollback()
    assert count_pending(session) == 0


def test_what_is_kept_beside_the_issues_goes_with_the_words_of_a_ticket(session: Session, ticket: Ticket) -> None:
    correct_issue(session, issues(session)["The export crashes."].id, given={"type": "friction"}, by=TESTER)
    draw_check(session, by=TESTER)
    again(session)
    forget_words(session, [ticket.id], corrections=True)
    kept = {
        name: session.scalar(text(f"SELECT count(*) FROM {name}"))
        for name in ("corrections", "reread_issues", "reread_tickets", "check_items")
    }
    assert kept == {"corrections": 0, "reread_issues": 0, "reread_tickets": 0, "check_items": 2}
    assert session.scalars(text("SELECT shown FROM check_items")).all() == [{}, {}]
