"""Proof 8: whatever the network and Zendesk do meanwhile, once it is quiet the mirror equals the account."""

from __future__ import annotations

import random

import pytest
from sqlalchemy.orm import Session

from miner.errors import MinerError
from miner.tickets import talks
from tests.standins.zendesk.schedules import CI, COMMENT_FAULTS, EXPORT_FAULTS, SOAK
from tests.standins.zendesk.standin import StandIn
from tests.support.dying import killed_at
from tests.support.emptying import empty
from tests.support.mirror import Run, config_for, differences, sync

MOST_RUNS = 12
STORMS = range(40, 100)  # schedules that the ordinary run leaves to the soak


def survive(zendesk: StandIn) -> int:
    """Sync through the faults as schedules and people would: again after every failure; returns how many failed."""
    failed = 0
    while (zendesk.faults.pending or not failed) and failed < MOST_RUNS:
        try:
            sync(zendesk, backfill_days=100, answer_seconds=0.5)
            break
        except MinerError:
            failed += 1
    zendesk.quiet()
    sync(zendesk)
    return failed


@pytest.mark.parametrize(
    "seed", [*CI, *(pytest.param(seed, marks=pytest.mark.soak) for seed in SOAK if seed not in CI)]
)
def test_after_any_schedule_of_faults_the_mirror_equals_the_account(
    zendesk: StandIn,
    session: Session,
    seed: int,
) -> None:
    zendesk.load(seed)
    survive(zendesk)
    assert differences(session, zendesk) == {}


@pytest.mark.parametrize("fault", EXPORT_FAULTS)
def test_each_fault_of_an_export_alone_is_survived_in_one_run(zendesk: StandIn, session: Session, fault: str) -> None:
    zendesk.switches.page_cap = 10
    zendesk.faults.add(fault, "tickets_cursor", skip=2)
    sync(zendesk, backfill_days=100, answer_seconds=0.5)
    assert zendesk.faults.fired[fault] == 1
    zendesk.quiet()
    sync(zendesk)
    assert differences(session, zendesk) == {}


@pytest.mark.parametrize("fault", COMMENT_FAULTS)
def test_each_fault_of_a_comment_page_alone_is_survived_in_one_run(
    zendesk: StandIn, session: Session, fault: str
) -> None:
    zendesk.switches.comment_page_cap = 2
    zendesk.faults.add(fault, "comments", skip=5)
    sync(zendesk, backfill_days=100, answer_seconds=0.5)
    assert zendesk.faults.fired[fault] == 1
    assert differences(session, zendesk) == {}


def test_a_ticket_that_cannot_be_read_today_stays_queued_and_stops_nothing(zendesk: StandIn, session: Session) -> None:
    broken = max(n for n, one in zendesk.truth.items() if len(one["comments"]) > 1 and not one["deleted"])
    zendesk.faults.add("500", "comments", ticket=broken, times=None)
    sync(zendesk, backfill_days=100)
    assert set(differences(session, zendesk)) == {broken}
    zendesk.faults.clear()
    sync(zendesk)
    assert differences(session, zendesk) == {}


def test_a_long_wait_is_a_waiting_run_and_goes_on_where_it_stopped(zendesk: StandIn, session: Session) -> None:
    zendesk.faults.add("429_long", "tickets_cursor", skip=1)
    run = Run(config_for(zendesk), backfill_days=100)
    run.work(zendesk)
    assert len(run.waits) == 1
    assert 93 <= run.waits[0] <= 97
    assert differences(session, zendesk) == {}


@pytest.mark.parametrize("stride", [4, pytest.param(1, marks=pytest.mark.soak)])
def test_a_sync_killed_before_or_after_any_commit_is_completed_by_the_next(
    zendesk: StandIn, session: Session, monkeypatch: pytest.MonkeyPatch, stride: int
) -> None:
    zendesk.switches.page_cap, zendesk.switches.comment_page_cap = 6, 2
    monkeypatch.setattr(talks, "BATCH", 5)
    deaths = 0
    for after in (False, True):
        for place in range(0, 200, stride):
            _forget_everything(session)
            if not killed_at(zendesk, place, after_commit=after, backfill_days=100):
                break
            deaths += 1
            # Only a run that died before it wrote down what it was asked for must be asked again.
            sync(zendesk, **({} if place or after else {"backfill_days": 100}))
            assert differences(session, zendesk) == {}, f"killed {'after' if after else 'before'} commit {place}"
    assert deaths > 24 / stride


@pytest.mark.parametrize("seed", [*STORMS[:6], *(pytest.param(seed, marks=pytest.mark.soak) for seed in STORMS[6:])])
def test_a_sync_killed_three_times_in_a_storm_of_faults_is_completed_once_it_is_quiet(
    zendesk: StandIn, session: Session, seed: int
) -> None:
    zendesk.load(seed)
    rng = random.Random(f"deaths {seed}")
    for _ in range(3):
        place, after = rng.randrange(1, 12), rng.random() < 0.5
        try:
            killed_at(zendesk, place, after_commit=after, answer_seconds=0.5, backfill_days=100)
        except MinerError:
            pass
    survive(zendesk)
    assert differences(session, zendesk) == {}


def _forget_everything(session: Session) -> None:
    tables = ("tickets", "customers", "sync_cursors", "due_conversations", "staged_comments", "ticket_merges")
    empty(session, *tables)
    session.commit()
