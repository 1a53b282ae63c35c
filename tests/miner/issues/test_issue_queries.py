"""What pages read about issues."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from miner.issues import queries
from miner.issues.scope import Scope
from miner.models import Issue
from miner.paging import Count, count_rows
from tests.factories import NOON, make_issue, make_theme, make_ticket


def test_a_line_holds_its_ticket_and_its_theme(session: Session) -> None:
    theme = make_theme(session, name="Slow search")
    issue = make_issue(session, theme_id=theme.id, area="Search")
    (line,) = queries.list_issues(session)
    assert (line.id, line.theme_name, line.ticket_id, line.area) == (issue.id, "Slow search", issue.ticket_id, "Search")
    assert line.ticket_subject.startswith("Export fails")


def test_filters_narrow_and_retired_issues_are_left_out(session: Session) -> None:
    theme = make_theme(session)
    bug = make_issue(session, theme_id=theme.id)
    slow = make_issue(session, type="performance", severity="high")
    make_issue(session, theme_id=theme.id, retired_at=NOON, retired_reason="gone")
    assert {line.id for line in queries.list_issues(session)} == {bug.id, slow.id}
    assert [line.id for line in queries.list_issues(session, scope=Scope(theme=theme.id))] == [bug.id]
    assert [line.id for line in queries.list_issues(session, scope=Scope(type="performance"))] == [slow.id]
    assert [line.id for line in queries.list_issues(session, scope=Scope(severity="high"))] == [slow.id]


def test_issues_of_the_same_moment_are_each_listed_once(session: Session) -> None:
    ticket = make_ticket(session)
    made = [make_issue(session, ticket).id for _ in range(7)]
    seen: list[int] = []
    after: tuple[dt.datetime, int] | None = None
    while lines := queries.list_issues(session, after=after, limit=3):
        seen += [line.id for line in lines]
        after = (lines[-1].occurred_at, lines[-1].id)
    assert seen == sorted(made, reverse=True)


def test_the_issues_of_a_ticket_are_in_the_order_of_their_quotes(session: Session) -> None:
    ticket = make_ticket(session)
    nowhere = make_issue(session, ticket, quote_start=None, quote_end=None, quote_verified=False)
    late = make_issue(session, ticket, quote="crashes", quote_start=30, quote_end=37)
    early = make_issue(session, ticket, quote="Export", quote_start=0, quote_end=6)
    make_issue(session)
    assert [line.id for line in queries.list_issues_of_ticket(session, ticket.id)] == [early.id, late.id, nowhere.id]


def test_a_scope_is_counted_up_to_a_bound_and_summed_up(session: Session) -> None:
    for severity, area in (("high", "Export"), ("high", None), ("low", None)):
        make_issue(session, severity=severity, area=area)
    make_issue(session, type="performance", quote_verified=False)
    make_issue(session, type="performance")
    assert queries.count_issues(session) == Count(4)
    assert queries.count_issues(session, scope=Scope(type="bug")) == Count(3)
    assert count_rows(session, select(Issue.id), most=4) == Count(4, exact=False)
    summary = queries.sum_up_issues(session)
    assert summary.total == 4
    assert summary.type == {"bug": 3, "performance": 1}
    assert summary.area == {None: 3, "Export": 1}
    assert summary.severity == {"high": 2, "low": 1, "medium": 1}
    assert queries.sum_up_issues(session, scope=Scope(type="data_issue")) == queries.Summary()
