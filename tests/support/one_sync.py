"""`python -m tests.support.one_sync DAYS`: one sync in a process of its own, which prints its peak memory in MB.

Account and database come from the environment. Waiting for budgets costs nothing: it is the memory that is measured.
"""

from __future__ import annotations

import sys
import time

from miner import logs
from miner.config import Config
from miner.runs import lifecycle
from miner.tickets import pace
from miner.tickets.pace import Clock
from miner.tickets.sync import sync_account
from tests.support.memory import peak_mb
from tests.support.mirror import Run


def main(days: int) -> None:
    logs.setup("ERROR")
    config = Config.from_environment()
    skipped = [0.0]

    def skip(seconds: float) -> None:
        skipped[0] += seconds

    pace.EXPORT_HIGH_VOLUME = 1_000_000
    run = Run(config, backfill_days=days)
    sync_account(run.context, clock=Clock(now=lambda: time.time() + skipped[0], sleep=skip))
    run.end_with(lifecycle.complete)
    print(round(peak_mb()))


if __name__ == "__main__":
    main(int(sys.argv[1]))
