"""The cluster step on a real database with the real model."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from miner import db
from miner.errors import CancelRequested
from miner.models import Embedding, Issue, JobRun, JobRunStep, Theme, ThemeEvent
from miner.runs import lifecycle
from miner.runs.context import Skip, StepContext
from miner.themes import cluster, embed, vectors
from miner.themes.queries import get_portrait
from tests.factories import NOON, make_issue, make_theme, make_ticket

EXPORT = ["CSV export fails", "Export to CSV crashes", "The CSV export gives an error", "Exporting a CSV file fails"]
LOGIN = ["Cannot log in", "Login does not work", "The login fails", "Unable to log in since the update"]

MakeStep = Callable[..., StepContext]


@pytest.fixture
def run_cluster(step: MakeStep) -> Callable[[], int]:
    """Run the step to its end, as a worker does; returns the run's id."""

    def run() -> int:
        context = step("cluster")
        cluster.run(context)
        with db.transaction() as session:
            lifecycle.complete(session, context.hold.claim)
        return context.run_id

    return run


def add(session: Session, summaries: list[str], **columns: Any) -> list[Issue]:
    """Live issues with these summaries, a day apart, committed."""
    issues = []
    for number, summary in enumerate(summaries):
        ticket = make_ticket(session, created_at=NOON + dt.timedelta(days=number))
        issues.append(make_issue(session, ticket, summary=summary, **columns))
    session.commit()
    return issues


def themes_of(session: Session, issues: list[Issue]) -> list[int | None]:
    session.commit()
    found = {row.id: row.theme_id for row in session.execute(select(Issue.id, Issue.theme_id))}
    return [found[issue.id] for issue in issues]


def events(session: Session) -> list[tuple[str, int, int | None]]:
    session.commit()
    return [
        (one.kind, one.theme_id, one.other_id) for one in session.scalars(select(ThemeEvent).order_by(ThemeEvent.id))
    ]


def state(session: Session) -> list[Any]:
    session.commit()
    themes = session.execute(select(Theme.__table__).order_by(Theme.id)).all()
    return [*themes, *session.execute(select(Issue.id, Issue.theme_id).order_by(Issue.id)).all(), *events(session)]


def test_issues_become_themes_with_their_facts(session: Session, run_cluster: Callable[[], int]) -> None:
    export = add(session, EXPORT, area="reports")
    login = add(session, LOGIN)
    lonely = add(session, ["Please add a dark theme"])
    run_id = run_cluster()
    first, second = themes_of(session, export)[0], themes_of(session, login)[0]
    assert themes_of(session, export + login + lonely) == [first] * 4 + [second] * 4 + [None]
    theme = session.get_one(Theme, first)
    assert (theme.issue_count, theme.type, theme.area, theme.run_id) == (4, "bug", "reports", run_id)
    assert (theme.first_seen_at, theme.last_seen_at) == (NOON, NOON + dt.timedelta(days=3))
    assert theme.name in EXPORT
    assert theme.name_source == "terms"
    assert theme.centroid is not None
    assert len(theme.centroid) == 768
    assert session.get_one(Theme, second).area is None
    assert events(session) == [("born", first, None), ("born", second, None)]


def test_a_theme_says_what_is_said_in_it(session: Session, run_cluster: Callable[[], int]) -> None:
    export = add(session, EXPORT)
    run_cluster()
    theme = session.scalars(select(Theme)).one()
    assert theme.portrait["by"] == "terms"
    assert {point["issue"] for point in theme.portrait["points"]} <= {one.id for one in export}
    assert len(theme.portrait["quotes"]) == 3
    late = add(session, ["The CSV export takes for ever"] * 3)
    run_cluster()
    session.refresh(theme)
    assert late[0].id in {point["issue"] for point in theme.portrait["points"]}


def test_unverified_issues_are_grouped_but_neither_counted_nor_quoted(
    session: Session, run_cluster: Callable[[], int]
) -> None:
    unverified = {"quote": "never said", "quote_start": None, "quote_end": None, "quote_verified": False}
    early = add(session, ["Cannot log in"], **unverified, area="Login", type="friction")
    counted = add(session, EXPORT[:1] + LOGIN)
    export = add(session, EXPORT[1:], **unverified, area="Export")
    run_cluster()
    session.expire_all()
    first, second = (session.get_one(Theme, one.theme_id) for one in (counted[0], counted[1]))
    assert (first.issue_count, first.area, second.issue_count, second.area) == (1, None, 4, None)
    assert (second.first_seen_at, second.type) == (counted[1].occurred_at, "bug")
    assert early[0].theme_id == second.id
    assert {one.theme_id for one in export} == {first.id}
    said = first.portrait
    assert (said["quotes"], [point["issue"] for point in said["points"]]) == ([counted[0].id], [counted[0].id])

    session.execute(update(Issue).where(Issue.id == counted[0].id).values(**unverified))
    session.commit()
    run_cluster()
    session.refresh(first)
    assert (first.retired_at, first.issue_count, first.area) == (None, 0, "Export")
    assert get_portrait(session, first.id).quotes == []


def test_a_second_run_changes_nothing(session: Session, run_cluster: Callable[[], int]) -> None:
    add(session, EXPORT + LOGIN + ["Please add a dark theme"])
    run_cluster()
    before = state(session)
    run_cluster()
    assert state(session) == before


def test_the_run_counts_issues_and_themes(session: Session, run_cluster: Callable[[], int]) -> None:
    add(session, EXPORT + LOGIN + EXPORT[:1])  # one summary twice: embedded once
    run_id = run_cluster()
    step = session.scalars(select(JobRunStep).where(JobRunStep.run_id == run_id)).one()
    assert (step.done, step.total) == (9, 9)
    assert session.get_one(JobRun, run_id).counters == {"themes": 2}
    assert session.scalar(select(func.count()).select_from(Embedding)) == 8


def test_a_new_issue_joins_a_known_theme(session: Session, run_cluster: Callable[[], int]) -> None:
    export = add(session, EXPORT)
    run_cluster()
    known = themes_of(session, export)[0]
    late = add(session, ["CSV export crashes every time"])
    run_cluster()
    assert themes_of(session, export + late) == [known] * 5
    assert session.get_one(Theme, known).issue_count == 5
    assert [kind for kind, _, _ in events(session)] == ["born"]


def test_an_interrupted_run_keeps_its_vectors_and_resumes(
    session: Session, step: MakeStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(session, EXPORT + LOGIN)
    monkeypatch.setattr(cluster, "embed_in_batches", lambda texts: vectors.embed_in_batches(texts, size=3))
    context = step("cluster")
    real = cluster.record_vectors

    def record_then_cancel(session: Session, **given: Any) -> None:
        real(session, **given)
        context.hold.cancel.set()

    monkeypatch.setattr(cluster, "record_vectors", record_then_cancel)
    with pytest.raises(CancelRequested):
        cluster.run(context)
    assert session.scalar(select(func.count()).select_from(Embedding)) == 3
    assert session.scalar(select(func.count()).select_from(Theme)) == 0
    session.commit()

    context.hold.cancel.clear()
    monkeypatch.setattr(cluster, "record_vectors", real)
    cluster.run(context)
    found = session.scalars(select(JobRunStep).where(JobRunStep.run_id == context.run_id)).one()
    assert (found.done, found.total) == (8, 8)
    assert session.scalar(select(func.count()).select_from(Embedding)) == 8
    assert session.scalar(select(func.count()).select_from(Theme)) == 2


def test_no_transaction_is_open_while_texts_are_embedded(
    session: Session, run_cluster: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(session, EXPORT)
    real, open_transactions = embed.embed_texts, []

    def embed_and_look(texts: list[str]) -> vectors.Vectors:
        with db.transaction() as other:
            query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
            open_transactions.append(other.scalar(text(query)))
        return real(texts)

    monkeypatch.setattr(embed, "embed_texts", embed_and_look)
    run_cluster()
    assert open_transactions == [0]


def test_a_theme_without_issues_is_retired_and_comes_back_with_them(
    session: Session, run_cluster: Callable[[], int]
) -> None:
    export = add(session, EXPORT)
    run_cluster()
    known = themes_of(session, export)[0]
    session.execute(update(Theme).values(flag="rising", flagged_at=NOON))
    session.execute(update(Issue).values(retired_at=NOON, retired_reason="no longer found"))
    session.commit()
    run_cluster()
    gone = session.get_one(Theme, known)
    assert gone.retired_at is not None
    assert (gone.issue_count, gone.flag, gone.heir_id) == (0, None, None)

    session.execute(update(Issue).values(retired_at=None, retired_reason=None))
    session.commit()
    run_cluster()
    session.refresh(gone)
    assert (gone.retired_at, gone.issue_count) == (None, 4)
    assert themes_of(session, export) == [known] * 4
    assert [kind for kind, _, _ in events(session)] == ["born", "retired", "revived"]


def test_a_theme_that_dissolved_into_the_pool_comes_back_under_its_id(
    session: Session, run_cluster: Callable[[], int]
) -> None:
    export = add(session, EXPORT[:3])
    run_cluster()
    known = themes_of(session, export)[0]
    session.execute(update(Issue).where(Issue.id == export[0].id).values(retired_at=NOON, retired_reason="gone"))
    session.commit()
    run_cluster()
    assert themes_of(session, export[1:]) == [None, None]
    late = add(session, EXPORT[3:])
    run_cluster()
    assert themes_of(session, export[1:] + late) == [known] * 3


def test_themes_about_one_thing_are_merged_and_the_lost_one_leads_to_its_heir(
    session: Session, run_cluster: Callable[[], int]
) -> None:
    kept, lost = make_theme(session), make_theme(session)
    add(session, EXPORT, theme_id=kept.id)
    add(session, EXPORT[:3], theme_id=lost.id)
    run_cluster()
    session.refresh(lost)
    session.refresh(kept)
    assert lost.heir_id == kept.id
    assert lost.retired_at is not None
    assert events(session) == [("merged", lost.id, kept.id)]
    assert kept.issue_count == 7


def test_a_theme_about_two_things_is_split(session: Session, run_cluster: Callable[[], int]) -> None:
    mixed = make_theme(session)
    export, login = add(session, EXPORT, theme_id=mixed.id), add(session, LOGIN[:3], theme_id=mixed.id)
    run_cluster()
    new = themes_of(session, login)[0]
    assert themes_of(session, export) == [mixed.id] * 4
    assert new != mixed.id
    assert events(session) == [("born", new, None), ("split", mixed.id, new)]


def test_pinned_issues_and_human_names_stay(session: Session, run_cluster: Callable[[], int]) -> None:
    mine = make_theme(session, name="Money", name_source="human")
    pinned = add(session, EXPORT[:1], theme_id=mine.id, theme_pinned=True)
    out = add(session, LOGIN[:1], theme_pinned=True)
    export = add(session, EXPORT[1:], theme_id=mine.id)
    others = add(session, LOGIN * 2)
    run_cluster()
    assert themes_of(session, pinned + out + export) == [mine.id, None] + [mine.id] * 3
    session.execute(update(Issue).where(Issue.id.in_([one.id for one in export])).values(summary="The login fails"))
    session.commit()
    run_cluster()
    session.refresh(mine)
    assert (mine.name, mine.issue_count, mine.retired_at) == ("Money", 1, None)
    assert themes_of(session, export) == [themes_of(session, others)[0]] * 3


def test_a_theme_is_renamed_once_most_of_it_changed(session: Session, run_cluster: Callable[[], int]) -> None:
    first = add(session, ["Export fails", "Export fails", "Export fails"])
    run_cluster()
    known = themes_of(session, first)[0]
    add(session, ["Export to PDF fails"] * 9)
    run_cluster()
    theme = session.get_one(Theme, known)
    assert (theme.name, theme.issue_count) == ("Export to PDF fails", 12)
    assert [kind for kind, _, _ in events(session)] == ["born", "renamed"]
    event = session.scalars(select(ThemeEvent).where(ThemeEvent.kind == "renamed")).one()
    assert (event.detail["from"], event.detail["to"]) == ("Export fails", "Export to PDF fails")


def test_settings_decide_how_many_issues_make_a_theme(session: Session, step: MakeStep) -> None:
    export = add(session, EXPORT[:2])
    context = step("cluster")
    context.settings = context.settings.model_copy(update={"smallest_theme": 2})
    cluster.run(context)
    assert themes_of(session, export)[0] is not None


def test_retired_issues_are_not_grouped(session: Session, run_cluster: Callable[[], int]) -> None:
    add(session, EXPORT[:2])
    gone = add(session, EXPORT[2:], retired_at=NOON, retired_reason="no longer found")
    run_cluster()
    assert themes_of(session, gone) == [None, None]
    assert session.scalar(select(func.count()).select_from(Theme)) == 0


def test_without_issues_the_step_is_skipped(step: MakeStep) -> None:
    assert cluster.run(step("cluster")) == Skip("there are no issues to group yet")


def test_a_hostile_summary_is_text_like_any_other(session: Session, run_cluster: Callable[[], int]) -> None:
    hostile = ["'); DROP TABLE issues; --", "<script>alert(1)</script> crash", "{{ 7 * 7 }} %s :name crash"]
    issues = add(session, [*hostile, *hostile, *hostile])
    run_cluster()
    assert len(themes_of(session, issues)) == 9
    assert session.scalar(select(func.count()).select_from(Theme)) > 0
