from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner.errors import InvalidArguments, NotFound, Refused, UsageError
from miner.issues import analyze
from miner.issues.checks import answer_check, draw_check, find_check, list_items, this_monday
from miner.issues.corrections import correct_issue, mark_missed, set_aside
from miner.issues.scores import find_quality, list_scores
from miner.models import Check, Issue
from miner.runs.context import StepContext
from tests.factories import TESTER, VIEWER, make_analysis, make_issue, make_theme, make_ticket
from tests.support.reading import configure


def answer_of_none(session: Session) -> None:
    make_analysis(session, make_ticket(session), outcome="no_issue", issue_count=0, reason="thanks")


def fill(session: Session, issues: int = 15, answers: int = 8) -> None:
    theme = make_theme(session)
    for number in range(issues):
        make_issue(session, theme_id=theme.id if number % 2 else None)
    for _ in range(answers):
        answer_of_none(session)
    session.commit()


def test_a_check_holds_ten_reports_and_five_answers_and_there_is_one_a_week(session: Session) -> None:
    fill(session)
    check = draw_check(session, by=TESTER)
    items = list_items(session, check.id)
    assert [item.kind for item in items] == ["issue"] * 10 + ["no_issue"] * 5
    assert [item.position for item in items] == list(range(1, 16))
    assert items[0].shown["quote"]
    assert items[-1].shown == {"reason": "thanks"}
    assert (check.monday, check.monday.weekday()) == (this_monday(session), 0)
    assert draw_check(session, by=TESTER) is check
    assert find_check(session) is check


def test_the_same_seed_draws_the_same_and_what_was_checked_is_not_drawn_again(session: Session) -> None:
    fill(session, issues=25)
    first = draw_check(session, by=TESTER, seed=7)
    drawn = [(item.issue_id, item.analysis_id) for item in list_items(session, first.id)]
    session.rollback()
    again = draw_check(session, by=TESTER, seed=7)
    assert [(item.issue_id, item.analysis_id) for item in list_items(session, again.id)] == drawn
    again.monday -= dt.timedelta(days=7)
    session.flush()
    second = draw_check(session, by=TESTER, seed=7)
    rest = {(item.issue_id, item.analysis_id) for item in list_items(session, second.id)}
    assert len(rest) == 13
    assert rest.isdisjoint(drawn)


def test_with_nothing_to_draw_it_says_so(session: Session) -> None:
    with pytest.raises(UsageError, match="read tickets first"):
        draw_check(session, by=TESTER)
    with pytest.raises(Refused):
        draw_check(session, by=VIEWER)


def test_the_newest_settings_are_checked_first_and_older_readings_fill_up(session: Session) -> None:
    fill(session, issues=12, answers=0)
    configure(session, product="A clock")
    new = []
    for _ in range(4):
        ticket = make_ticket(session)
        new.append(make_issue(session, ticket, analysis_id=make_analysis(session, ticket, settings_version=2).id).id)
    items = list_items(session, draw_check(session, by=TESTER).id)
    assert {item.issue_id for item in items[:4]} == set(new)
    assert [item.settings_version for item in items] == [2] * 4 + [1] * 6


def test_what_people_set_aside_is_judged_too_and_shown_as_it_was_read(session: Session) -> None:
    issue, other = make_issue(session), make_issue(session)
    correct_issue(session, issue.id, given={"type": "friction"}, by=TESTER)
    set_aside(session, issue.id, by=TESTER)
    mark_missed(session, other.ticket_id, passage=other.quote[5:20], type_="bug", by=TESTER)
    session.commit()
    items = {item.issue_id: item for item in list_items(session, draw_check(session, by=TESTER).id)}
    assert set(items) == {issue.id, other.id}
    assert items[issue.id].shown["type"] == "bug"


def test_what_was_read_after_a_correction_of_its_ticket_is_not_drawn(session: Session) -> None:
    issue, other = make_issue(session), make_issue(session)
    correct_issue(session, issue.id, given={"type": "friction"}, by=TESTER)
    session.commit()
    ticket = issue.ticket_id
    later = session.execute(text("SELECT now() + interval '1 hour'")).scalar_one()
    reading = make_analysis(session, session.get_one(Issue, issue.id) and _ticket(session, ticket), created_at=later)
    issue.analysis_id = reading.id
    session.commit()
    assert [item.issue_id for item in list_items(session, draw_check(session, by=TESTER).id)] == [other.id]


def _ticket(session: Session, ticket_id: int) -> object:
    from miner.models import Ticket

    return session.get_one(Ticket, ticket_id)


def judge(session: Session, check: Check, *, reports: list[str], answers: list[str]) -> None:
    items = list_items(session, check.id)
    for kind, verdicts in (("issue", reports), ("no_issue", answers)):
        for item, verdict in zip([one for one in items if one.kind == kind], verdicts, strict=False):
            answer_check(session, item.id, verdict=verdict, by=TESTER)
    session.commit()


def test_the_verdicts_give_shares_with_intervals_by_settings_version(session: Session) -> None:
    theme = make_theme(session)
    for _ in range(10):
        make_issue(session, theme_id=theme.id)
    for _ in range(5):
        answer_of_none(session)
    check = draw_check(session, by=TESTER)
    judge(session, check, reports=["right"] * 7 + ["wrong_theme"] + ["wrong"] * 2, answers=["right"] * 4 + ["wrong"])
    (score,) = list_scores(session)
    assert (score.settings_version, score.model) == (1, "local-test")
    assert score.right.sentence("right") == "80 % right, 49 to 94, 10 checked"
    assert (score.missed.hits, score.missed.of) == (1, 5)
    assert (score.in_theme.hits, score.in_theme.of) == (7, 8)
    quality = find_quality(session)
    assert quality is not None
    assert (quality.now, quality.before) == (score, None)


def test_a_new_version_is_not_checked_yet_and_the_last_score_is_told_apart(session: Session) -> None:
    assert find_quality(session) is None
    fill(session, issues=3, answers=0)
    quality = find_quality(session)
    assert quality is not None
    assert (quality.now.right.value, quality.before) == (None, None)
    judge(session, draw_check(session, by=TESTER), reports=["right"] * 3, answers=[])
    configure(session, product="A clock")
    make_analysis(session, make_ticket(session), settings_version=2)
    quality = find_quality(session)
    assert quality is not None
    assert (quality.now.settings_version, quality.now.right.of) == (2, 0)
    assert quality.before is not None
    assert (quality.before.settings_version, quality.before.right.of) == (1, 3)


def test_a_verdict_can_be_changed_and_must_be_one_that_the_item_can_have(session: Session) -> None:
    fill(session, issues=1, answers=1)
    report, answer = list_items(session, draw_check(session, by=TESTER).id)
    answer_check(session, report.id, verdict="wrong", by=TESTER)
    answer_check(session, report.id, verdict="right", by=TESTER)
    assert (report.verdict, report.answered_by) == ("right", str(TESTER))
    for item in (report, answer):
        with pytest.raises(InvalidArguments, match="choose one of right, wrong"):
            answer_check(session, item.id, verdict="wrong_theme", by=TESTER)
    with pytest.raises(NotFound):
        answer_check(session, 10**9, verdict="right", by=TESTER)
    audited = session.execute(text("SELECT before, after FROM audit_log WHERE action = 'check.answer' ORDER BY id"))
    assert [tuple(row) for row in audited] == [
        ({"verdict": None}, {"verdict": "wrong"}),
        ({"verdict": "wrong"}, {"verdict": "right"}),
    ]


def test_a_quote_that_was_not_found_is_no_report_to_check(session: Session) -> None:
    counted = make_issue(session)
    make_issue(session, quote="never said", quote_start=None, quote_end=None, quote_verified=False)
    assert [item.issue_id for item in list_items(session, draw_check(session, by=TESTER).id)] == [counted.id]


def test_the_first_reading_of_the_week_draws_the_check(session: Session, step: Callable[..., StepContext]) -> None:
    fill(session, issues=9)

    def read() -> None:
        session.execute(text("UPDATE tickets SET analyzed_at = now(), analyzed_text_hash = text_hash"))
        session.execute(text("DELETE FROM job_run_keys"))
        session.commit()
        analyze.run(step("analyze"))
        session.commit()

    read()
    assert find_check(session) is None  # too few; a person may still have them drawn
    make_issue(session)
    read()
    read()  # finds it
    (check,) = session.scalars(select(Check))
    assert (check.created_by, check.seed) == ("system", this_monday(session).toordinal())
    assert len(list_items(session, check.id)) == 15
    assert draw_check(session, by=TESTER) is check
