"""Reading tickets with Claude aside: for a trial or an evaluation, which store no issue.

The same questions, checks, limits on money and repeated calls as in a run (`live.py`), but what comes in is handed to
the caller, who stores what it cost.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from decimal import Decimal

from miner.errors import AttentionNeeded, BudgetReached, ClaudeTrouble, ConfigurationNeeded, Interruption, RateLimited
from miner.issues.answer import Reading, TicketText
from miner.issues.calls import call_cost
from miner.issues.judge import Task, judge
from miner.issues.live import DRAIN_SECONDS, REFUSALS, TROUBLES
from miner.issues.prompt import opaque_ids, pack
from miner.issues.purse import Purse
from miner.issues.question import Question
from miner.issues.reply import Reply
from miner.issues.skips import skip_reason

Calls = list[tuple[Reply, int]]


@dataclass
class Part:
    """What came in at once: finished readings, and the calls that were made for them or for others."""

    readings: list[Reading] = field(default_factory=list)
    calls: Calls = field(default_factory=list)


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
        patience: float = 2.0,
    ) -> None:
        self.question, self.at_once, self.purse = question, at_once, purse
        self.check, self.patience = check, patience
        self.skipped = [Reading(one.id, "skipped", reason) for one in tickets if (reason := skip_reason(one))]
        self.tasks = deque(Task(tuple(one)) for one in pack([one for one in tickets if not skip_reason(one)], per_call))
        self.under_way: dict[Future[Reply], Task] = {}
        self.accepted = False
        self.refused = self.troubles = 0
        self.not_before = 0.0
        self.stop: Exception | None = None

    def parts(self) -> Iterator[Part]:
        pool = ThreadPoolExecutor(self.at_once, thread_name_prefix="claude")
        give_up: float | None = None
        try:
            if self.skipped:
                yield Part(self.skipped)
            while self.under_way or (self.tasks and self.stop is None):
                self._turn(pool)
                if self.stop is not None and give_up is None:
                    give_up = time.monotonic() + DRAIN_SECONDS
                if give_up is not None and time.monotonic() > give_up:
                    break
                if not self.under_way:
                    time.sleep(max(0.0, min(0.2, self.not_before - time.monotonic())))
                    continue
                for future in wait(self.under_way, timeout=0.2, return_when=FIRST_COMPLETED).done:
                    yield self._take(future)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if self.stop is not None:
            raise self.stop

    def _turn(self, pool: ThreadPoolExecutor) -> None:
        """Send what may be sent; the first call alone, so that it fills the cache for the others."""
        if self.stop is not None:
            return
        try:
            self.check()
            most = self.at_once if self.accepted else 1
            while self.tasks and len(self.under_way) < most and time.monotonic() >= self.not_before:
                tasks = [*self.under_way.values(), self.tasks[0]]
                coming = sum(map(self.question.bound, tasks), Decimal(0))
                if self.under_way and not self.purse.allows(coming):
                    return  # what is under way may cost less than it could
                self.purse.check(coming)
                task = self.tasks.popleft()
                self.under_way[pool.submit(self.question.ask, task)] = task
        except (BudgetReached, Interruption) as leave:
            self.stop = leave

    def _take(self, future: Future[Reply]) -> Part:
        task = self.under_way.pop(future)
        try:
            reply = future.result()
        except (RateLimited, AttentionNeeded, ClaudeTrouble) as error:
            self.tasks.appendleft(task)
            return Part(calls=self._hold_back(error, task))
        self.troubles = 0
        self.purse.spend(call_cost(reply))
        has_second = self.question.second is not None
        judged = judge(task, reply, opaque_ids(len(task.tickets)), self.question.areas, second=has_second)
        self.tasks.extendleft(reversed(judged.again))
        if reply.outcome != "bad_request":
            self.accepted = True
        elif not self.accepted and not task.second:
            self.refused += 1
            if self.refused >= REFUSALS or not self.tasks:
                self.stop = ConfigurationNeeded(
                    f"Claude refuses every request for {self.question.claude.model}: {reply.reason}; choose a model "
                    "that gives structured answers"
                )
        return Part(list(judged.readings), [(reply, len(task.tickets))])

    def _hold_back(self, error: RateLimited | AttentionNeeded | ClaudeTrouble, task: Task) -> Calls:
        """Nothing is sent for a while, or no more at all; a call that was lost on its way is told."""
        if isinstance(error, RateLimited) and error.seconds <= self.patience:
            self.not_before = time.monotonic() + error.seconds
            return []
        if isinstance(error, ClaudeTrouble):
            self.troubles += 1
            if self.troubles < TROUBLES:
                self.not_before = time.monotonic() + min(self.patience, 0.25 * 2.0**self.troubles)
            else:
                self.stop = error
            return [(Reply("lost", self.question.reader(task).model), len(task.tickets))] if error.sent else []
        self.stop = error
        return []
