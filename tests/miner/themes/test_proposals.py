"""A grouping that would move too much waits for a person, while new issues go on joining themes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from miner import db
from miner.errors import InvalidArguments
from miner.models import Issue, JobRun, ThemeGrouping, ThemeProposal
from miner.runs import lifecycle
from miner.runs.context import StepContext
from miner.themes import cluster, modes
from miner.themes.proposals import accept_proposal, find_open_proposal, reject_proposal
from tests.factories import TESTER, make_issue, make_theme

EXPORT = ["CSV export fails", "Export to CSV crashes", "The CSV export gives an error", "Exporting a CSV file fails"]
LOGIN = ["Cannot log in", "Login does not work", "The login fails", "Unable to log in since the update"]


@pytest.fixture
def grown(session: Session, step: Callable[..., StepContext], monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Two mixed themes of an old workspace, and a function that runs the cluster step on them."""
    monkeypatch.setattr(modes, "SMALL", 5)
    first, second = make_theme(session), make_theme(session)
    for number, summary in enumerate(EXPORT + LOGIN):
        make_issue(session, summary=summary, theme_id=(first, second)[number % 2].id)
    old = dt.datetime.now(dt.UTC) - dt.timedelta(days=30)
    counts = {"issues": 8, "themes": 2, "pool": 0, "known": 8, "moved": 0}
    session.add(ThemeGrouping(mode="regrouped", granularity=1, smallest=3, created_at=old, **counts))

    def run() -> None:
        session.commit()
        context = step("cluster")
        cluster.run(context)
        with db.transaction() as other:
            lifecycle.complete(other, context.hold.claim)
        session.expire_all()

    return run


def themes(session: Session) -> list[int | None]:
    return list(session.scalars(select(Issue.theme_id).order_by(Issue.id)))


def test_too_many_moves_become_a_proposal_and_new_issues_still_join(
    session: Session, grown: Callable[[], None]
) -> None:
    before = themes(session)
    grown()
    proposal = find_open_proposal(session)
    assert proposal is not None
    assert (proposal.known, proposal.moved) == (8, 4)
    assert sum(one["went"] for one in proposal.differences) == 4
    assert themes(session) == before
    assert session.scalars(select(JobRun.state)).all() == ["completed"]
    make_issue(session, summary="CSV export crashes")
    grown()
    assert themes(session)[:8] == before
    modes_of = session.scalars(select(ThemeGrouping.mode).order_by(ThemeGrouping.id)).all()
    assert modes_of == ["regrouped", "assigned", "assigned"]


def test_an_accepted_proposal_is_applied_by_the_next_run(session: Session, grown: Callable[[], None]) -> None:
    grown()
    proposal = find_open_proposal(session)
    assert proposal is not None
    accept_proposal(session, proposal.id, by=TESTER)
    grown()
    found = themes(session)
    assert len(set(found[:4])) == len(set(found[4:])) == 1
    assert found[0] != found[4]
    assert session.get_one(ThemeProposal, proposal.id).state == "applied"
    newest = session.scalars(select(ThemeGrouping).order_by(ThemeGrouping.id.desc())).first()
    assert newest is not None
    assert (newest.mode, newest.known, newest.moved) == ("accepted", 8, 4)


def test_a_rejected_proposal_changes_nothing_and_is_not_made_again_at_once(
    session: Session, grown: Callable[[], None]
) -> None:
    grown()
    proposal = find_open_proposal(session)
    assert proposal is not None
    before = themes(session)
    reject_proposal(session, proposal.id, by=TESTER)
    grown()
    assert themes(session) == before
    assert find_open_proposal(session) is None
    with pytest.raises(InvalidArguments, match="rejected already"):
        accept_proposal(session, proposal.id, by=TESTER)


def test_a_later_proposal_supersedes_the_open_one(session: Session, grown: Callable[[], None]) -> None:
    grown()
    session.execute(update(ThemeProposal).values(created_at=dt.datetime.now(dt.UTC) - dt.timedelta(days=4)))
    grown()
    states = session.scalars(select(ThemeProposal.state).order_by(ThemeProposal.id)).all()
    assert states == ["superseded", "open"]


def test_a_young_workspace_is_regrouped_without_asking(session: Session, grown: Callable[[], None]) -> None:
    young = dt.datetime.now(dt.UTC) - dt.timedelta(days=10)
    session.execute(update(ThemeGrouping).values(created_at=young))
    grown()
    assert find_open_proposal(session) is None
    assert len(set(themes(session)[:4])) == 1
