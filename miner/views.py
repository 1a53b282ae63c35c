"""Views: filters of a list that somebody keeps under a name. A view is its query string, and its maker's alone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from miner.access import Actor, audit
from miner.errors import InvalidArguments, NotFound
from miner.models import LISTS, SavedView

MOST, LONGEST_NAME, LONGEST_QUERY = 100, 80, 2_000


def owner_of(by: Actor) -> str:
    """Who the views of `by` belong to: a user also by their tokens; who has no id by how they came."""
    if by.user_id is not None:
        return f"user:{by.user_id}"
    return f"token:{by.token_id}" if by.token_id else by.kind


def list_views(session: Session, *, of: Actor, list_: str | None = None) -> Sequence[SavedView]:
    """The views of one list, or of all, in the order of their names."""
    query = select(SavedView).where(SavedView.owner == owner_of(of))
    if list_ is not None:
        query = query.where(SavedView.list == list_)
    return session.scalars(query.order_by(SavedView.list, func.lower(SavedView.name), SavedView.id)).all()


def create_view(session: Session, *, list_: str, name: str, query: str, by: Actor) -> SavedView:
    """Keep `query` (a query string without ?) under a name; raises InvalidArguments."""
    mine = list_views(session, of=by)
    if list_ not in LISTS:
        raise InvalidArguments({"list": f"choose one of {', '.join(LISTS)}"})
    if len(query) > LONGEST_QUERY:
        raise InvalidArguments({"query": f"it has more than {LONGEST_QUERY:,} characters"})
    if len(mine) >= MOST:
        raise InvalidArguments({"name": f"there are {MOST} views already: delete one first"})
    view = SavedView(owner=owner_of(by), list=list_, name=_checked(name, list_, mine), query=query)
    session.add(view)
    session.flush()
    audit(session, by, "view.create", "view", view.id, after=_facts(view))
    return view


def rename_view(session: Session, view_id: int, *, name: str, by: Actor) -> SavedView:
    """Raises NotFound for what is not one's own, and InvalidArguments."""
    view = _get(session, view_id, by)
    before = _facts(view)
    others = [one for one in list_views(session, of=by) if one.id != view.id]
    view.name, view.updated_at = _checked(name, view.list, others), func.now()
    session.flush()
    audit(session, by, "view.rename", "view", view.id, before=before, after=_facts(view))
    return view


def delete_view(session: Session, view_id: int, *, by: Actor) -> None:
    """Raises NotFound for what is not one's own."""
    view = _get(session, view_id, by)
    audit(session, by, "view.delete", "view", view.id, before=_facts(view))
    session.delete(view)
    session.flush()


def _get(session: Session, view_id: int, by: Actor) -> SavedView:
    view = session.get(SavedView, view_id)
    if view is None or view.owner != owner_of(by):
        raise NotFound("view", view_id)
    return view


def _checked(name: str, list_: str, others: Sequence[SavedView]) -> str:
    clean = " ".join(name.split())
    if not clean:
        raise InvalidArguments({"name": "give it a name"})
    if len(clean) > LONGEST_NAME or not clean.isprintable():
        raise InvalidArguments({"name": f"at most {LONGEST_NAME} characters that can be printed"})
    if any(one.list == list_ and one.name == clean for one in others):
        raise InvalidArguments({"name": f"there is a view {clean!r} of the {list_} already"})
    return clean


def _facts(view: SavedView) -> dict[str, str]:
    return {"list": view.list, "name": view.name, "query": view.query}
