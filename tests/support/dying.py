"""Ending a sync between two lines, as a lost process does, in the test's own process."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from miner.runs.context import Unit
from miner.tickets.sync import sync_account
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import Run, config_for, virtual_clock


class Killed(BaseException):
    """The process ends here."""


def killed_at(zendesk: StandIn, place: int, *, after_commit: bool, answer_seconds: float = 5, **args: Any) -> bool:
    """Sync until the unit number `place` is about to commit, or has; whether it came that far."""
    run = Run(config_for(zendesk), **args)
    count = itertools.count()
    unit = run.context.unit

    @contextmanager
    def deadly(*, last: bool = False) -> Iterator[Unit]:
        mine = next(count)
        with unit(last=last) as inner:
            yield inner
            if mine == place and not after_commit:
                raise Killed
        if mine == place and after_commit:
            raise Killed

    run.context.unit = deadly  # type: ignore[method-assign]
    zendesk.limits.budgets["account"].allowed = 1_000_000
    try:
        sync_account(run.context, clock=virtual_clock(zendesk), answer_seconds=answer_seconds)
    except Killed:
        return True
    finally:
        run.end("crash")
    return False
