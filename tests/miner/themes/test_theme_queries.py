"""What pages read about themes."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from miner.errors import NotFound
from miner.models import ThemeEvent
from miner.themes import queries
from tests.factories import NOON, make_theme


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
