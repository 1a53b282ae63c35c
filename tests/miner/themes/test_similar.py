"""Suggestions and search on a real database."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from miner import db
from miner.errors import NotFound
from miner.issues.queries import list_issues
from miner.issues.scope import Scope
from miner.models import Theme
from miner.runs.context import StepContext
from miner.themes import cluster, similar
from miner.themes.embed import embed_texts
from miner.themes.preview import Preview, preview
from tests.factories import make_issue

EXPORT = ["CSV export fails", "Export to CSV crashes", "The CSV export gives an error", "Exporting a CSV file fails"]
LOGIN = ["Cannot log in", "Login does not work", "The login fails", "Unable to log in since the update"]


@pytest.fixture
def grouped(session: Session, step: Callable[..., StepContext]) -> list[int]:
    ids = [make_issue(session, summary=summary, quote=summary).id for summary in EXPORT + LOGIN]
    session.commit()
    cluster.run(step("cluster"))
    session.expire_all()
    return ids


def test_similar_issues_are_those_about_the_same_thing(session: Session, grouped: list[int]) -> None:
    found = similar.similar_issues(session, grouped[0], most=3)
    assert {one.id for one in found} == set(grouped[1:4])
    assert found[0].likeness >= found[-1].likeness
    with pytest.raises(NotFound):
        similar.similar_issues(session, 999_999)


def test_an_issue_without_a_vector_or_words_has_no_suggestions(session: Session, grouped: list[int]) -> None:
    assert similar.similar_issues(session, make_issue(session, summary="?! & | !").id) == []


def test_themes_are_found_by_meaning(session: Session, grouped: list[int]) -> None:
    found = similar.search_themes(session, vector=embed_texts(["I am unable to sign in"])[0])
    assert len(found) == 2
    assert found[0].title in LOGIN
    assert [one.id for one in similar.similar_themes(session, found[0].id)] == [found[1].id]
    assert similar.similar_themes(session, 999_999) == []


def test_without_themes_the_search_finds_none(session: Session) -> None:
    assert similar.search_themes(session, vector=embed_texts(["anything"])[0]) == []


@pytest.mark.parametrize("words", ["'); DROP TABLE issues; --", "a & | ! <-> b:*", '"', "\x00", "<script>"])
def test_hostile_words_find_nothing_and_break_nothing(session: Session, grouped: list[int], words: str) -> None:
    if "\x00" not in words:  # forms and the API refuse it before it could get here
        assert list_issues(session, scope=Scope(text=words)) == []
    make_issue(session, summary=words.replace("\x00", " "))
    assert similar.any_word(words).count("'") == 0


def test_issues_are_found_by_all_their_words(session: Session, grouped: list[int]) -> None:
    assert {one.id for one in list_issues(session, scope=Scope(text="csv fails"))} == {grouped[0], grouped[3]}
    assert [one.id for one in list_issues(session, scope=Scope(text='"export to csv"'))] == [grouped[1]]
    assert grouped[0] not in {one.id for one in list_issues(session, scope=Scope(text="csv -fails"))}


def test_a_preview_says_how_many_themes_and_stores_nothing(session: Session, grouped: list[int]) -> None:
    make_issue(session, summary="Never embedded")
    session.commit()
    usual = preview(db.transaction, granularity=1.0, smallest=3)
    assert usual == Preview(1.0, themes=2, largest=4, pool=0, unread=1)
    assert preview(db.transaction, granularity=1.0, smallest=5).themes == 0
    assert session.query(Theme).count() == 2


def test_a_preview_of_nothing_is_nothing(database: str) -> None:
    assert preview(db.transaction, granularity=2.0, smallest=3) == Preview(2.0, 0, 0, 0, 0)
