"""What people change: done, audited, obeyed by every later run, undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from miner import db
from miner.errors import InvalidArguments, NotFound, Refused
from miner.models import AuditEntry, Issue, Theme, ThemeEdit, ThemeLikeness
from miner.runs import lifecycle
from miner.runs.context import StepContext
from miner.themes import cluster, edits
from tests.factories import TESTER, VIEWER, make_issue, make_theme

EXPORT = ["CSV export fails", "Export to CSV crashes", "The CSV export gives an error", "Exporting a CSV file fails"]
LOGIN = ["Cannot log in", "Login does not work", "The login fails", "Unable to log in since the update"]
MakeStep = Callable[..., StepContext]


@pytest.fixture
def group(step: MakeStep, session: Session) -> Callable[[], None]:
    """Run the cluster step on what is there."""

    def run() -> None:
        session.commit()
        context = step("cluster")
        cluster.run(context)
        with db.transaction() as other:
            lifecycle.complete(other, context.hold.claim)
        session.expire_all()

    return run


def add(session: Session, summaries: list[str], **columns: Any) -> list[int]:
    return [make_issue(session, summary=summary, **columns).id for summary in summaries]


def themes_of(session: Session, issues: list[int]) -> list[int | None]:
    session.expire_all()
    return [session.get_one(Issue, issue).theme_id for issue in issues]


def test_a_name_that_a_person_gave_stays_until_it_is_undone(session: Session, group: Callable[[], None]) -> None:
    issues = add(session, EXPORT)
    group()
    theme = session.get_one(Theme, themes_of(session, issues)[0])
    before = theme.name
    edit = edits.rename_theme(session, theme.id, name="  Export \x00 breaks ", by=TESTER)
    add(session, ["Export to PDF fails"] * 9)
    group()
    assert (theme.name, theme.name_source) == ("Export breaks", "human")
    edits.undo_edit(session, edit.id, by=TESTER)
    assert (theme.name, theme.name_source) == (before, "terms")


def test_merged_themes_stay_merged_and_come_apart_when_it_is_undone(
    session: Session, group: Callable[[], None]
) -> None:
    export, login = add(session, EXPORT), add(session, LOGIN)
    group()
    kept, lost = themes_of(session, export)[0], themes_of(session, login)[0]
    assert kept is not None
    assert lost is not None
    edit = edits.merge_themes(session, lost, into=kept, by=TESTER)
    late = add(session, ["The login fails again"])
    group()
    assert themes_of(session, export + login + late) == [kept] * 9
    gone = session.get_one(Theme, lost)
    assert (gone.heir_id, gone.retired_at is None) == (kept, False)
    edits.undo_edit(session, edit.id, by=TESTER)
    assert themes_of(session, export + login) == [kept] * 4 + [lost] * 4
    group()
    assert themes_of(session, export + login) == [kept] * 4 + [lost] * 4
    assert session.get_one(Theme, lost).retired_at is None


def test_split_themes_stay_split_and_come_together_when_it_is_undone(
    session: Session, group: Callable[[], None]
) -> None:
    issues = add(session, EXPORT + ["CSV export fails on Mondays", "CSV export fails on Sundays"])
    group()
    theme = themes_of(session, issues)[0]
    assert theme is not None
    edit = edits.split_theme(session, theme, issue_ids=issues[4:], name="Export on some days", by=TESTER)
    group()
    assert themes_of(session, issues) == [theme] * 4 + [edit.other_id] * 2
    new = session.get_one(Theme, edit.other_id)
    assert (new.name, new.issue_count) == ("Export on some days", 2)
    edits.undo_edit(session, edit.id, by=TESTER)
    group()
    assert themes_of(session, issues) == [theme] * 6
    assert session.get_one(Theme, edit.other_id).heir_id == theme


def test_a_moved_issue_stays_where_it_was_put(session: Session, group: Callable[[], None]) -> None:
    export, login = add(session, EXPORT), add(session, LOGIN)
    group()
    home, away = themes_of(session, export)[0], themes_of(session, login)[0]
    edit = edits.move_issue(session, export[0], theme_id=away, by=TESTER)
    group()
    assert themes_of(session, export[:1]) == [away]
    assert session.get_one(Theme, away).issue_count == 5
    edits.undo_edit(session, edit.id, by=TESTER)
    assert themes_of(session, export[:1]) == [home]
    assert not session.get_one(Issue, export[0]).theme_pinned


def test_a_theme_that_loses_its_last_issue_leads_to_where_it_went(session: Session) -> None:
    first, second = make_theme(session), make_theme(session)
    (issue,) = add(session, EXPORT[:1], theme_id=first.id)
    edit = edits.move_issue(session, issue, theme_id=second.id, by=TESTER)
    session.refresh(first)
    assert (first.heir_id, first.issue_count) == (second.id, 0)
    edits.undo_edit(session, edit.id, by=TESTER)
    session.refresh(first)
    session.refresh(second)
    assert (first.retired_at, first.heir_id, second.heir_id) == (None, None, first.id)


def test_a_pin_holds_and_lets_go(session: Session) -> None:
    theme = make_theme(session)
    (issue,) = add(session, EXPORT[:1], theme_id=theme.id)
    edit = edits.pin_issue(session, issue, pinned=True, by=TESTER)
    assert session.get_one(Issue, issue).theme_pinned
    edits.undo_edit(session, edit.id, by=TESTER)
    session.expire_all()
    assert not session.get_one(Issue, issue).theme_pinned


def test_every_edit_is_audited_and_kept(session: Session) -> None:
    theme = make_theme(session)
    edit = edits.rename_theme(session, theme.id, name="Exports", by=TESTER)
    edits.undo_edit(session, edit.id, by=TESTER)
    session.flush()
    actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions[-2:] == ["theme.rename", "theme.undo"]
    row = session.scalars(select(ThemeEdit)).one()
    assert (row.created_by, row.undone_by) == (str(TESTER), str(TESTER))


def test_what_cannot_be_is_refused_in_words(session: Session) -> None:
    theme, gone = make_theme(session), make_theme(session)
    (issue,) = add(session, EXPORT[:1], theme_id=theme.id)
    edits.merge_themes(session, gone.id, into=theme.id, by=TESTER)
    edit = edits.pin_issue(session, issue, pinned=True, by=TESTER)
    edits.undo_edit(session, edit.id, by=TESTER)
    for refused in (
        lambda: edits.rename_theme(session, theme.id, name=" ", by=TESTER),
        lambda: edits.rename_theme(session, gone.id, name="x", by=TESTER),
        lambda: edits.merge_themes(session, theme.id, into=theme.id, by=TESTER),
        lambda: edits.split_theme(session, theme.id, issue_ids=[issue], name="x", by=TESTER),
        lambda: edits.split_theme(session, theme.id, issue_ids=[issue + 999], name="x", by=TESTER),
        lambda: edits.undo_edit(session, edit.id, by=TESTER),
    ):
        with pytest.raises(InvalidArguments):
            refused()
    with pytest.raises(NotFound):
        edits.move_issue(session, 999_999, theme_id=theme.id, by=TESTER)
    with pytest.raises(Refused):
        edits.rename_theme(session, theme.id, name="x", by=VIEWER)


def test_themes_that_a_person_told_apart_are_not_offered_again(session: Session) -> None:
    one, other = make_theme(session), make_theme(session)
    session.add(ThemeLikeness(theme_id=one.id, other_id=other.id, likeness=0.7))
    session.flush()
    edits.refuse_likeness(session, other.id, other_id=one.id, by=TESTER)
    session.flush()
    assert session.scalars(select(ThemeLikeness.refused_at)).one() is not None
