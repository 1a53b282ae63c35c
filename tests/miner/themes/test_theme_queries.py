"""What pages read about themes."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from miner.errors import NotFound
from miner.models import ThemeEvent, ThemeLikeness
from miner.themes import edit_queries, edits, queries
from tests.factories import NOON, TESTER, make_issue, make_theme


def test_the_biggest_come_first_and_each_theme_comes_once(session: Session) -> None:
    made = [make_theme(session, issue_count=count) for count in (3, 9, 3, 3, 1, 9)]
    make_theme(session, issue_count=50, retired_at=NOON)
    expected = [theme.id for theme in sorted(made, key=lambda theme: (-theme.issue_count, theme.id))]
    seen: list[int] = []
    after: tuple[int, int] | None = None
    while found := queries.list_themes(session, after=after, limit=2):
        seen += [theme.id for theme in found]
        after = (found[-1].issue_count, found[-1].id)
    assert seen == expected


@pytest.mark.parametrize(("text", "found"), [("SEARCH", 1), ("100%", 1), ("%", 1), ("_", 0), ("\\", 0), ("", 2)])
def test_text_is_looked_for_as_it_is_written(session: Session, text: str, found: int) -> None:
    make_theme(session, name="Slow search")
    make_theme(session, name="100% wrong")
    assert len(queries.list_themes(session, text=text)) == found


def test_type_and_flag_narrow(session: Session) -> None:
    rising = make_theme(session, type="bug", flag="rising", flagged_at=NOON)
    make_theme(session, type="performance")
    assert [theme.id for theme in queries.list_themes(session, flag="rising")] == [rising.id]
    assert [theme.id for theme in queries.list_themes(session, type_="bug")] == [rising.id]


def test_the_centroid_is_not_read(session: Session) -> None:
    theme_id = make_theme(session, centroid=b"1234").id
    session.commit()
    session.expunge_all()
    with pytest.raises(InvalidRequestError, match="centroid"):
        _ = queries.get_theme(session, theme_id).centroid


def test_a_retired_theme_is_still_found_and_a_missing_one_is_not(session: Session) -> None:
    theme = make_theme(session, retired_at=NOON)
    assert queries.get_theme(session, theme.id).id == theme.id
    with pytest.raises(NotFound, match="no theme 77"):
        queries.get_theme(session, 77)


def test_a_life_is_told_from_its_end_with_the_other_themes_name(session: Session) -> None:
    theme, other = make_theme(session), make_theme(session, name="Search")
    session.add(ThemeEvent(theme_id=theme.id, kind="born"))
    session.flush()
    session.add(ThemeEvent(theme_id=theme.id, kind="merged", other_id=other.id))
    session.flush()
    told = [(event.kind, name) for event, name in queries.list_theme_events(session, theme.id)]
    assert told == [("merged", "Search"), ("born", None)]


def test_a_portrait_shows_only_what_rests_on_issues_that_are_there(session: Session) -> None:
    theme = make_theme(session)
    here = make_issue(session, theme_id=theme.id)
    gone = make_issue(session, theme_id=theme.id, retired_at=NOON, retired_reason="gone")
    theme.portrait = {
        "by": "claude",
        "sentences": [{"text": "a", "issues": [here.id, gone.id]}, {"text": "b", "issues": [gone.id]}],
        "points": [{"text": "p", "count": 2, "issue": gone.id}, {"text": "q", "count": 1, "issue": here.id}],
        "quotes": [gone.id, here.id],
    }
    session.flush()
    session.expire_all()
    found = queries.get_portrait(session, theme.id)
    assert found.sentences == [("a", [here.id])]
    assert [(point.text, point.quote) for point in found.points] == [("q", here.quote)]
    assert found.quotes == [(here.id, here.quote)]
    assert found.ticket_of == {here.id: here.ticket_id}
    assert queries.get_portrait(session, make_theme(session).id) == queries.Portrait(None, [], [], [])


def test_probably_the_same_themes_are_listed_from_both_sides(session: Session) -> None:
    one, other, third = (make_theme(session) for _ in range(3))
    session.add(ThemeLikeness(theme_id=one.id, other_id=other.id, likeness=0.7))
    session.add(ThemeLikeness(theme_id=other.id, other_id=third.id, likeness=0.75, refused_at=NOON))
    session.flush()
    assert queries.list_likenesses(session, one.id) == [(other.id, other.name, 0.7)]
    assert queries.list_likenesses(session, other.id) == [(one.id, one.name, 0.7)]
    assert queries.list_likenesses(session, third.id) == []


def test_edits_are_listed_for_every_theme_they_touch(session: Session) -> None:
    one, other, third = (make_theme(session) for _ in range(3))
    issues = [make_issue(session, theme_id=one.id) for _ in range(2)]
    merge = edits.merge_themes(session, other.id, into=one.id, by=TESTER)
    move = edits.move_issue(session, issues[0].id, theme_id=third.id, by=TESTER)
    rename = edits.rename_theme(session, third.id, name="Exports", by=TESTER)
    edits.undo_edit(session, rename.id, by=TESTER)

    def listed(**of: int) -> list[int]:
        return [line.id for line in edit_queries.list_edits(session, **of)]

    assert listed(theme_id=one.id) == [move.id, merge.id]
    assert listed(theme_id=other.id) == [merge.id]
    assert listed(theme_id=third.id) == [rename.id, move.id]
    assert listed(before=rename.id, limit=1) == [move.id]
    renamed, moved, merged = edit_queries.list_edits(session)
    assert (renamed.before, renamed.name, renamed.undone_by) == (third.name, "Exports", str(TESTER))
    assert (moved.left_name, moved.theme_name, moved.summary) == (one.name, third.name, issues[0].summary)
    assert (merged.theme_name, merged.other_name, merged.moved) == (one.name, other.name, 0)
