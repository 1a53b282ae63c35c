"""Views that people keep of lists."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from miner import views
from miner.access import LOCAL, Actor, Role
from miner.errors import InvalidArguments, NotFound
from miner.models import AuditEntry

ANN = Actor("user", "ann", Role.viewer, user_id=1)
HER_TOKEN = Actor("token", "script", Role.viewer, user_id=1, token_id="t1")
TOKEN = Actor("token", "admin", Role.admin, token_id="t2")


def names(session: Session, of: Actor, list_: str | None = None) -> list[str]:
    return [view.name for view in views.list_views(session, of=of, list_=list_)]


def test_a_view_is_its_makers_alone_also_by_their_tokens(session: Session) -> None:
    made = views.create_view(session, list_="themes", name=" Big   bugs ", query="type=bug", by=ANN)
    views.create_view(session, list_="themes", name="Big bugs", query="type=bug", by=LOCAL)
    views.create_view(session, list_="issues", name="Big bugs", query="", by=HER_TOKEN)
    views.create_view(session, list_="themes", name="a view", query="", by=TOKEN)
    assert names(session, ANN) == names(session, HER_TOKEN) == ["Big bugs", "Big bugs"]
    assert names(session, ANN, "themes") == ["Big bugs"]
    assert names(session, TOKEN) == ["a view"]
    for change in (
        lambda: views.rename_view(session, made.id, name="mine", by=TOKEN),
        lambda: views.delete_view(session, made.id, by=LOCAL),
        lambda: views.delete_view(session, 10**12, by=ANN),
    ):
        with pytest.raises(NotFound):
            change()


def test_making_renaming_and_deleting_are_written_down(session: Session) -> None:
    view = views.create_view(session, list_="themes", name="Bugs", query="type=bug", by=ANN)
    views.rename_view(session, view.id, name="All bugs", by=ANN)
    assert names(session, ANN) == ["All bugs"]
    views.delete_view(session, view.id, by=ANN)
    assert names(session, ANN) == []
    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(one.action, one.actor_name) for one in entries] == [
        (f"view.{verb}", "ann") for verb in ("create", "rename", "delete")
    ]
    assert entries[1].before == {"list": "themes", "name": "Bugs", "query": "type=bug"}


@pytest.mark.parametrize(
    ("list_", "name", "query", "field"),
    [
        ("runs", "x", "", "list"),
        ("themes", "  ", "", "name"),
        ("themes", "x" * 81, "", "name"),
        ("themes", "a\u202eb", "", "name"),
        ("themes", "there", "", "name"),
        ("themes", "x", "x" * 2_001, "query"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(
    session: Session, list_: str, name: str, query: str, field: str
) -> None:
    views.create_view(session, list_="themes", name="there", query="", by=ANN)
    with pytest.raises(InvalidArguments) as refused:
        views.create_view(session, list_=list_, name=name, query=query, by=ANN)
    assert list(refused.value.fields) == [field]


def test_a_view_keeps_its_own_name_and_there_is_an_end_to_them(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MOST", 1)
    view = views.create_view(session, list_="themes", name="one", query="", by=ANN)
    assert views.rename_view(session, view.id, name="one", by=ANN).name == "one"
    with pytest.raises(InvalidArguments, match="delete one first"):
        views.create_view(session, list_="themes", name="two", query="", by=ANN)
