"""What people say about a theme's work, each line of which can be taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from miner.errors import Conflict, InvalidArguments, NotFound, Refused
from miner.models import AuditEntry, Theme, ThemeEpisode, ThemeLink, ThemeLogLine
from miner.themes import edits, follow, following
from tests.factories import NOON, TESTER, VIEWER, make_issue, make_theme

JIRA = "https://jira.example.com/browse/APP-7"
MISSING = 999


@pytest.fixture
def theme(session: Session) -> Theme:
    made = make_theme(session)
    make_issue(session, theme_id=made.id)
    session.commit()
    return made


def log(session: Session, theme: Theme) -> list[tuple[str, str | None]]:
    return [(line.kind, line.undone_by) for line in following.list_log(session, theme.id)]


def test_a_fix_has_a_time_and_a_version_and_goes_with_the_status(session: Session, theme: Theme) -> None:
    line = follow.set_status(session, theme.id, status="fixed", fixed_at=NOON, fixed_version=" 7.2.1 ", by=TESTER)
    assert line is not None
    assert (theme.status, theme.fixed_at, theme.fixed_version) == ("fixed", NOON, "7.2.1")
    assert line.before == {"status": "new", "fixed_at": None, "fixed_version": None, "came_back_at": None}
    assert follow.set_status(session, theme.id, status="fixed", fixed_version="7.2.1", by=TESTER) is None
    follow.set_status(session, theme.id, status="fixed", by=TESTER)
    assert (theme.fixed_at != NOON, theme.fixed_version) == (True, None)
    follow.set_status(session, theme.id, status="in_progress", by=TESTER)
    assert (theme.status, theme.fixed_at) == ("in_progress", None)
    actions = [entry.action for entry in session.query(AuditEntry)]
    assert actions == ["theme.status"] * 3


def test_every_line_is_taken_back_by_setting_back(session: Session, theme: Theme) -> None:
    follow.set_owner(session, theme.id, owner="Ada Lovelace", by=TESTER)
    follow.set_status(session, theme.id, status="fixed", fixed_at=NOON, fixed_version="7", by=TESTER)
    follow.set_status(session, theme.id, status="in_progress", by=TESTER)
    owned, fixed, reopened = (line.id for line in session.query(ThemeLogLine).order_by(ThemeLogLine.id))
    with pytest.raises(Conflict, match="the status was changed since"):
        follow.set_back(session, fixed, by=TESTER)
    follow.set_back(session, reopened, by=TESTER)
    assert (theme.status, theme.fixed_at, theme.fixed_version) == ("fixed", NOON, "7")
    assert following.list_fixes(following.list_log(session, theme.id)) == [(NOON, "7")]
    follow.set_back(session, fixed, by=TESTER)
    follow.set_back(session, owned, by=TESTER)
    assert (theme.status, theme.fixed_at, theme.owner) == ("new", None, None)
    assert log(session, theme)[-3:] == [("status", "code tester"), ("status", "code tester"), ("owner", "code tester")]
    with pytest.raises(Conflict, match="taken back already"):
        follow.set_back(session, owned, by=TESTER)
    with pytest.raises(NotFound):
        follow.set_back(session, MISSING, by=TESTER)


def test_a_note_stays_in_the_log_and_out_of_the_audit(session: Session, theme: Theme) -> None:
    line = follow.add_note(session, theme.id, note="Waits for the\r\nnew parser ", by=TESTER)
    assert line.after == {"note": "Waits for the\nnew parser"}
    follow.set_back(session, line.id, by=TESTER)
    assert log(session, theme) == [("note", None), ("note", "code tester")]
    assert "parser" not in str([(entry.before, entry.after) for entry in session.query(AuditEntry)][:1])


def test_a_tracker_item_belongs_to_one_theme(session: Session, theme: Theme) -> None:
    other = make_theme(session)
    link = follow.add_link(session, theme.id, url=f" {JIRA}/ ", title="APP-7  Export", by=TESTER)
    assert (link.url, link.title) == (JIRA, "APP-7 Export")
    with pytest.raises(Conflict, match=f"linked to theme {theme.id} already"):
        follow.add_link(session, other.id, url="HTTPS://Jira.Example.com:443/browse/APP-7", by=TESTER)
    assert following.find_by_link(session, JIRA) == theme.id
    removed = follow.remove_link(session, link.id, by=TESTER)
    assert following.find_by_link(session, JIRA) is None
    follow.set_back(session, removed.id, by=TESTER)
    assert following.find_by_link(session, JIRA) == theme.id
    with pytest.raises(NotFound):
        follow.remove_link(session, link.id, by=TESTER)
    added = session.query(ThemeLogLine).filter_by(kind="link").order_by(ThemeLogLine.id).first()
    assert added is not None
    follow.set_back(session, added.id, by=TESTER)
    assert session.query(ThemeLink).count() == 0


def test_what_is_said_of_a_theme_follows_it_into_the_one_it_is_merged_with(session: Session, theme: Theme) -> None:
    kept, last = make_theme(session, owner="Bo"), make_theme(session)
    make_issue(session, theme_id=kept.id)
    make_issue(session, theme_id=last.id)
    follow.add_link(session, theme.id, url=JIRA, by=TESTER)
    edit = edits.merge_themes(session, theme.id, into=kept.id, by=TESTER)
    further = edits.merge_themes(session, kept.id, into=last.id, by=TESTER)
    session.expire_all()
    found = following.list_following(session, [theme.id, kept.id, last.id, MISSING])
    assert {one: len(row.links) for one, row in found.items()} == {theme.id: 1, kept.id: 1, last.id: 1}
    assert (found[kept.id].status, found[kept.id].owner, found[last.id].owner) == ("new", "Bo", None)
    assert found[last.id].links[0].label == "jira.example.com/browse/APP-7"
    assert following.find_by_link(session, JIRA) == last.id
    assert following.list_owners(session) == []
    with pytest.raises(Conflict, match=f"merged into theme {kept.id}"):
        follow.set_owner(session, theme.id, owner="x", by=TESTER)
    edits.undo_edit(session, edit.id, by=TESTER)  # its issues were moved on: it leads where it led
    session.expire_all()
    assert following.find_by_link(session, JIRA) == last.id
    edits.undo_edit(session, further.id, by=TESTER)
    session.expire_all()
    assert following.find_by_link(session, JIRA) == kept.id


def test_a_new_fix_ends_what_was_said_of_the_one_before(session: Session, theme: Theme) -> None:
    theme.flag, theme.flagged_at = "came_back", NOON
    session.add(ThemeEpisode(theme_id=theme.id, kind="came_back", started_on=NOON, last_on=NOON, sentence="Came back"))
    session.flush()
    follow.set_status(session, theme.id, status="fixed", by=TESTER)
    assert (theme.flag, theme.flagged_at) == (None, None)
    assert session.query(ThemeEpisode).filter(ThemeEpisode.ended_on.is_(None)).count() == 0


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"status": "done"}, "status"),
        ({"status": "planned", "fixed_at": NOON}, "fixed_at"),
        ({"status": "planned", "fixed_version": "7"}, "fixed_version"),
        ({"status": "fixed", "fixed_version": "the newest"}, "fixed_version"),
        ({"status": "fixed", "fixed_version": "7" * 101}, "fixed_version"),
        ({"status": "fixed", "fixed_at": dt.datetime(2999, 1, 1, tzinfo=dt.UTC)}, "fixed_at"),
    ],
)
def test_a_status_that_cannot_be_is_refused_by_field(
    session: Session, theme: Theme, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArguments) as refused:
        follow.set_status(session, theme.id, **given, by=TESTER)
    assert list(refused.value.fields) == [field]


@pytest.mark.parametrize(
    "url",
    [
        "", "http://jira.example.com/1", "javascript:alert(1)", "https://", "https://ada:secret@example.com/1",
        "https://example.com/a b", "https://[::1", "https://example.com:x/", "//example.com", "https://example.com/\n1",
        "https://e.example/" + "x" * 500,
    ],
)  # fmt: skip
def test_only_addresses_that_a_browser_may_open_are_links(session: Session, theme: Theme, url: str) -> None:
    with pytest.raises(InvalidArguments) as refused:
        follow.add_link(session, theme.id, url=url, by=TESTER)
    assert list(refused.value.fields) == ["url"]


def test_nobody_below_an_operator_says_anything(session: Session, theme: Theme) -> None:
    link = follow.add_link(session, theme.id, url=JIRA, by=TESTER)
    line = session.query(ThemeLogLine).one()
    acts: list[Callable[[], object]] = [
        lambda: follow.set_status(session, theme.id, status="planned", by=VIEWER),
        lambda: follow.set_owner(session, theme.id, owner="x", by=VIEWER),
        lambda: follow.add_note(session, theme.id, note="x", by=VIEWER),
        lambda: follow.add_link(session, theme.id, url=JIRA, by=VIEWER),
        lambda: follow.remove_link(session, link.id, by=VIEWER),
        lambda: follow.set_back(session, line.id, by=VIEWER),
    ]
    for act in acts:
        with pytest.raises(Refused):
            act()


def test_what_a_theme_was_said_to_be_cannot_be_rewritten(session: Session, theme: Theme) -> None:
    follow.add_note(session, theme.id, note="x", by=TESTER)
    session.commit()
    for change in ("UPDATE theme_log SET kind = 'owner'", "DELETE FROM theme_log"):
        with pytest.raises(DBAPIError, match="append-only"):
            session.execute(text(change))
        session.rollback()
    with pytest.raises(InvalidArguments):
        follow.add_note(session, theme.id, note=" ", by=TESTER)
    with pytest.raises(NotFound):
        follow.add_note(session, MISSING, note="x", by=TESTER)
    session.execute(text("UPDATE themes SET retired_at = now()"))
    with pytest.raises(Conflict, match="retired"):
        follow.add_note(session, theme.id, note="x", by=TESTER)
