from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from miner.cli import main
from miner.issues import analyze
from miner.issues.calls import list_costs
from miner.issues.estimate import estimate
from miner.issues.pending import measure_pending
from miner.issues.prompt import Taxonomy, system_text
from miner.runs.context import StepContext
from tests.standins.claude.standin import StandIn
from tests.support.batches import last_turn, turn
from tests.support.reading import configure, fill, sums


def test_no_estimate_without_a_price() -> None:
    assert estimate(10, 1_000, prefix=5_000, per_call=5, model="claude-fable-5-2") is None


def test_nothing_costs_nothing() -> None:
    ahead = estimate(0, 0, prefix=5_000, per_call=5, model="claude-haiku-5-5")
    assert ahead is not None
    assert (ahead.low, ahead.high) == (0, 0)


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("per_call", [1, 5])
def test_what_it_costs_lies_between_low_and_high(
    step: Callable[..., StepContext], session: Session, claude: StandIn, per_call: int, batch: bool
) -> None:
    configure(session, tickets_per_call=per_call, tickets_per_batch_call=per_call, reading="batch" if batch else "live")
    fill(session, 40, "Hello there, we use this every day. The export of sheet {} crashes when I press the button.")
    tickets, characters = measure_pending(session)
    session.rollback()
    prefix = len(system_text(Taxonomy()))
    ahead = estimate(tickets, characters, prefix=prefix, per_call=per_call, model="claude-haiku-5-5", batch=batch)
    context = step("analyze")
    if batch:
        turn(session, context)
        last_turn(session, context)
    else:
        analyze.run(context)
    assert ahead is not None
    assert ahead.low < sums(session)[1] < ahead.high


def test_the_command_shows_costs_by_run_and_model_and_says_what_is_not_known(
    step: Callable[..., StepContext], session: Session, claude: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(session, 5)
    claude.fail(reset="body")
    context = step("analyze")
    analyze.run(context)
    (row,) = list_costs(session, limit=5)
    assert (row["run"], row["calls"], row["tickets"], row["unpriced"]) == (context.run_id, 2, 5, 1)
    assert row["cost"] == sums(session)[1]
    session.rollback()
    fill(session, 3)
    assert main(["costs"]) == 0
    shown = capsys.readouterr()
    assert "claude-haiku-5-5" in shown.out
    assert ">= $" in shown.out
    assert "(1 calls unpriced)" in shown.out
    assert "3 tickets wait: about $" in shown.err
