"""Who acts and what they may do; that it was done stands in the same transaction."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from miner.access import LOCAL, SYSTEM, Actor, Role, audit, require
from miner.errors import Refused
from miner.models import AuditEntry


def test_a_role_includes_those_below_it() -> None:
    for held in Role:
        for needed in Role:
            actor = Actor("token", "ann", held)
            if held >= needed:
                require(actor, needed, "look")
            else:
                with pytest.raises(Refused, match=f"token ann may not look: it needs the role {needed.name}"):
                    require(actor, needed, "look")


def test_an_actor_is_named_by_how_it_is_known() -> None:
    assert str(Actor("token", "ann", Role.viewer)) == "token ann"
    assert (str(SYSTEM), str(LOCAL)) == ("system", "local user")


def test_the_audit_row_says_who_did_what_from_where_in_which_request(session: Session) -> None:
    by = Actor("token", "ann", Role.admin, address="203.0.113.9", request_id="r1")
    audit(session, by, "theme.rename", "theme", 7, before={"name": "a"}, after={"name": "b"}, outcome="refused")
    session.commit()
    row = session.scalars(select(AuditEntry)).one()
    assert (row.actor_kind, row.actor_name, row.address, row.request_id) == ("token", "ann", "203.0.113.9", "r1")
    assert (row.action, row.object_kind, row.object_id) == ("theme.rename", "theme", "7")
    assert (row.before, row.after, row.outcome) == ({"name": "a"}, {"name": "b"}, "refused")


def test_without_its_change_there_is_no_audit_row(session: Session) -> None:
    audit(session, SYSTEM, "theme.rename", "theme", 7)
    session.rollback()
    assert session.scalars(select(AuditEntry)).all() == []


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET action = 'x.y'", "DELETE FROM audit_log"])
def test_what_was_written_stays(session: Session, statement: str) -> None:
    from sqlalchemy import text

    audit(session, SYSTEM, "theme.rename", "theme", 7)
    session.commit()
    with pytest.raises(DBAPIError):
        session.execute(text(statement))
