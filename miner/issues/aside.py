"""Reading tickets with Claude aside: for a trial or an evaluation, which store no issue.

The same questions, checks, limits on money and repeated calls as in a run (`live.py`), but what comes in is handed to
the caller, who stores what it cost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from miner.errors import BudgetReached, Interruption
from miner.issues.answer import Reading, TicketText
from miner.issues.asking import Asking, Part
from miner.issues.judge import Task
from miner.issues.live import DRAIN_SECONDS, IN_PLACE_SECONDS
from miner.issues.prompt import pack
from miner.issues.purse import Purse
from miner.issues.question import Question
from miner.issues.skips import skip_reason


class AsideReading:
    """One reading of `tickets`; `check` raises when the caller wants to leave, `patience` is the longest wait in place.

    `parts` yields until all are read, then raises what stopped it, after what was under way has come in.
    """

    def __init__(
        self,
        question: Question,
        tickets: Sequence[TicketText],
        *,
        per_call: int,
        at_once: int,
        purse: Purse,
        check: Callable[[], None] = lambda: None,
        patience: float = IN_PLACE_SECONDS,
    ) -> None:
        self.check = check
        self.skipped = [Reading(one.id, "skipped", reason) for one in tickets if (reason := skip_reason(one))]
        self.asking = Asking(question, purse, at_once=at_once, patience=patience)
        self.asking.tasks.extend(
            Task(tuple(one)) for one in pack([one for one in tickets if not skip_reason(one)], per_call)
        )

    def parts(self) -> Iterator[Part]:
        asking = self.asking
        pool = ThreadPoolExecutor(asking.pace.most, thread_name_prefix="claude")
        give_up: float | None = None
        try:
            if self.skipped:
                yield Part(self.skipped)
            while asking.settle():
                try:
                    self.check()
                    asking.send(pool)
                except (BudgetReached, Interruption) as leave:
                    asking.stop = asking.stop or leave
                if asking.stop is not None and give_up is None:
                    give_up = time.monotonic() + DRAIN_SECONDS
                if give_up is not None and time.monotonic() > give_up:
                    break
                for future in asking.wait(0.2 if asking.under_way else min(0.2, asking.seconds_left)):
                    yield asking.take(future)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if asking.stop is not None:
            raise asking.stop
