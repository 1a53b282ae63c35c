"""Every dollar is accounted for: shares of themes and of what brought nothing sum to the run's cost."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from miner.cli import main
from miner.issues.prices import share_cost
from miner.issues.spending import (
    find_theme_spending,
    list_run_shares,
    list_theme_costs,
)
from miner.models import Analysis, Issue, ModelCall
from miner.runs.context import StepContext
from tests.factories import make_analysis, make_issue, make_run, make_theme, make_ticket
from tests.standins.claude.standin import StandIn
from tests.support.reading import fill, read


@given(st.decimals(0, 1_000, places=12), st.integers(1, 50))
def test_the_parts_of_a_cost_sum_to_it_and_none_is_negative(amount: Decimal, parts: int) -> None:
    found = share_cost(amount, parts)
    assert len(found) == parts
    assert sum(found) == amount
    assert min(found) >= 0
    assert max(found) - min(found) <= Decimal(parts).scaleb(-12)


def call(session: Session, run_id: int, cost: Decimal | None, outcome: str = "ok") -> None:
    session.add(
        ModelCall(
            run_id=run_id, model="claude-haiku-5-5", prompt_version="1", outcome=outcome, tickets=1, input_tokens=10,
            output_tokens=5, cost_usd=cost,
        )
    )  # fmt: skip


def reading(session: Session, run_id: int, cost: Decimal | None, themes: list[int | None]) -> None:
    """A ticket that Claude read in the run for `cost`, with an issue in each of `themes`."""
    ticket = make_ticket(session)
    analysis = make_analysis(
        session,
        ticket,
        run_id=run_id,
        analyzer="claude",
        input_tokens=10,
        cost_usd=cost,
        outcome="issues" if themes else "no_issue",
        reason=None if themes else "not_about_product",
        issue_count=len(themes),
    )
    for theme in themes:
        make_issue(session, ticket, analysis_id=analysis.id, analyzer="claude", theme_id=theme)


@pytest.mark.parametrize("seed", range(6))
def test_the_shares_of_a_run_sum_to_its_cost_exactly(session: Session, seed: int) -> None:
    chance = random.Random(seed)
    runs = [make_run(session).id for _ in range(2)]
    themes: list[int | None] = [None, *(make_theme(session, issue_count=1).id for _ in range(4))]
    totals = dict.fromkeys(runs, Decimal(0))
    expected: dict[int | None, Decimal] = {}
    for _ in range(40):
        run, cost = chance.choice(runs), Decimal(chance.randrange(1, 10**9)).scaleb(-12)
        chosen = chance.choices(themes, k=chance.randrange(0, 8))
        reading(session, run, cost, chosen)
        call(session, run, cost)
        totals[run] += cost
        for theme, part in zip(chosen, share_cost(cost, len(chosen)) if chosen else [], strict=True):
            expected[theme] = expected.get(theme, Decimal(0)) + part
    wasted = Decimal("0.000123456789")
    call(session, runs[0], wasted, "unusable")
    totals[runs[0]] += wasted
    session.commit()
    for run, total in totals.items():
        assert sum(share.dollars for share in list_run_shares(session, run)) == total
    assert [share.dollars for share in list_run_shares(session, runs[0]) if share.kind == "not_kept"] == [wasted]
    for theme in themes[1:]:
        assert theme is not None
        assert find_theme_spending(session, theme).dollars == expected.get(theme, Decimal(0))
    listed = {row["theme"]: row["cost"] for row in list_theme_costs(session, limit=99)}
    assert listed == {theme: amount for theme, amount in expected.items() if theme is not None}


def test_a_reading_of_unknown_cost_is_counted_and_never_added_as_nothing(session: Session) -> None:
    run, theme = make_run(session).id, make_theme(session, issue_count=2).id
    reading(session, run, None, [theme])
    call(session, run, None)
    reading(session, run, Decimal("0.5"), [theme])
    call(session, run, Decimal("0.5"))
    call(session, run, None, "lost")
    session.commit()
    spent = find_theme_spending(session, theme)
    assert (spent.dollars, spent.tickets, spent.unpriced) == (Decimal("0.5"), 2, 1)
    kinds = [(share.kind, share.dollars, share.unpriced) for share in list_run_shares(session, run)]
    assert kinds == [("theme", Decimal("0.5"), 1), ("not_kept", Decimal(0), 1)]


def test_an_issue_that_no_longer_counts_takes_no_part(session: Session) -> None:
    run, theme, other = make_run(session).id, make_theme(session).id, make_theme(session).id
    reading(session, run, Decimal("0.3"), [theme, other])
    call(session, run, Decimal("0.3"))
    retired = update(Issue).where(Issue.theme_id == other).values(retired_at=Issue.created_at, retired_reason="not one")
    session.execute(retired)
    session.commit()
    assert find_theme_spending(session, theme).dollars == Decimal("0.3")
    assert find_theme_spending(session, other).dollars == 0
    assert [share.theme_id for share in list_run_shares(session, run)] == [theme]


def test_what_claude_really_used_sums_up_with_refusals_and_repeats(
    step: Callable[..., StepContext], session: Session, claude: StandIn
) -> None:
    fill(session, 12)
    claude.fail(change=lambda message: message.update(stop_reason="refusal", content=[]))
    claude.fail(raw=b"<html>502</html>", status=502)
    context = step("analyze")
    read(session, context)
    theme = make_theme(session)
    session.execute(update(Issue).where(Issue.id % 2 == 0).values(theme_id=theme.id))
    session.commit()
    total = sum(cost for cost in session.scalars(select(ModelCall.cost_usd)) if cost is not None)
    shares = list_run_shares(session, context.run_id)
    assert sum(share.dollars for share in shares) == total > 0
    assert {share.kind for share in shares} >= {"theme", "no_theme"}
    assert session.scalars(select(Analysis.id)).all()


@pytest.mark.parametrize(
    ("by", "shown"),
    [
        ("run", "RUN"),
        ("model", "claude-haiku-5-5"),
        ("month", "MONTH"),
        ("theme", "Export fails"),
    ],
)
def test_the_command_shows_costs_by_run_model_month_and_theme(
    session: Session, capsys: pytest.CaptureFixture[str], by: str, shown: str
) -> None:
    run, theme = make_run(session).id, make_theme(session).id
    reading(session, run, Decimal("0.25"), [theme])
    call(session, run, Decimal("0.25"))
    session.commit()
    assert main(["costs", "--by", by]) == 0
    said = capsys.readouterr()
    assert shown in said.out
    assert "$0.2500" in said.out
    assert "(prices of 2026-11-23)" in said.err


def test_a_sum_of_unknown_costs_is_unknown(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    run, theme = make_run(session).id, make_theme(session).id
    reading(session, run, None, [theme])
    call(session, run, None)
    session.commit()
    for by in ("run", "model", "month", "theme"):
        assert main(["costs", "--by", by]) == 0
        said = capsys.readouterr().out
        assert "unknown" in said
        assert "$0" not in said


def estimate(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, str]:
    assert main(["run", *options, "--estimate"]) == 0
    said = capsys.readouterr()
    return said.out.strip(), said.err


def test_an_estimate_says_tickets_dollars_and_minutes_and_starts_nothing(
    session: Session, claude: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(session, 30)
    said, _ = estimate(capsys, "analyze")
    assert said.startswith("30 tickets: about $0.")
    assert "minute" in said
    assert "with claude-haiku-5-5 (prices of 2026-11-23)" in said
    assert estimate(capsys, "analyze", "--batch-size", "7")[0].startswith("7 tickets: about")
    assert "comes on top" in estimate(capsys, "pipeline")[1]
    from miner.models import JobRun

    assert session.scalars(select(JobRun)).all() == []
    assert claude.calls == []


def test_an_estimate_without_a_price_says_so(
    session: Session, claude: StandIn, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINER_MODEL", "claude-fable-5-2")
    fill(session, 3)
    said: Any = estimate(capsys, "analyze")[0]
    assert "an unknown price" in said
    assert "$" not in said
