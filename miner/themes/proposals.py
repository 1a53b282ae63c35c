"""Groupings that would move too much: reading them, and a person's decision."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer

from miner.access import Actor, Role, audit, require
from miner.errors import InvalidArguments, NotFound
from miner.models import ThemeProposal


def find_open_proposal(session: Session) -> ThemeProposal | None:
    """The grouping that waits for a decision, or was accepted and waits for the next run."""
    return session.scalars(select(ThemeProposal).where(ThemeProposal.state.in_(("open", "accepted")))).one_or_none()


def find_waiting(session: Session) -> ThemeProposal | None:
    """As `find_open_proposal`, for pages: without its groups, which name every issue there is."""
    query = select(ThemeProposal).where(ThemeProposal.state.in_(("open", "accepted")))
    return session.scalars(query.options(defer(ThemeProposal.groups, raiseload=True))).one_or_none()


def accept_proposal(session: Session, proposal_id: int, *, by: Actor) -> ThemeProposal:
    """The next run applies it; issues that came since join themes in the run after."""
    return _decide(session, proposal_id, "accepted", by)


def reject_proposal(session: Session, proposal_id: int, *, by: Actor) -> ThemeProposal:
    """The themes stay as they are; the next grouping of all may propose again."""
    return _decide(session, proposal_id, "rejected", by)


def _decide(session: Session, proposal_id: int, state: str, by: Actor) -> ThemeProposal:
    require(by, Role.operator, "decide on a grouping")
    proposal = session.get(ThemeProposal, proposal_id, with_for_update=True)
    if proposal is None:
        raise NotFound("proposal", proposal_id)
    if proposal.state != "open":
        raise InvalidArguments({"proposal": f"proposal {proposal_id} is {proposal.state} already"})
    proposal.state, proposal.decided_by, proposal.decided_at = state, str(by), func.now()
    session.flush()
    audit(session, by, f"themes.{state}", "theme_proposal", proposal.id, after={"moved": proposal.moved})
    return proposal
