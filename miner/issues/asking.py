"""Asking Claude several questions at once: what may be sent, what came of it, what holds it back, what ends it.

Runs that read live (`live.py`) and readings aside (`aside.py`) differ in what they do with the answers, not in this.
Threads of a pool wait for Claude; everything here is called by the one thread that owns the object.
"""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from queue import Empty, SimpleQueue
from typing import Any

from miner.errors import AttentionNeeded, ClaudeTrouble, ConfigurationNeeded, RateLimited
from miner.issues.answer import Reading
from miner.issues.calls import call_cost
from miner.issues.judge import Task, judge
from miner.issues.pace import Pace
from miner.issues.prompt import opaque_ids
from miner.issues.purse import Purse
from miner.issues.question import Question
from miner.issues.reply import Reply

TROUBLES = 5  # failures in a row after which it ends
REFUSALS = 5  # refused requests, with none accepted so far, after which it is not the tickets
LONGEST_PAUSE = 2.0  # seconds after a failure that is not yet one too many

Calls = list[tuple[Reply, int]]


@dataclass
class Part:
    """What came in at once: finished readings, and the calls that were made for them or for others."""

    readings: list[Reading] = field(default_factory=list)
    calls: Calls = field(default_factory=list)


class Asking:
    """`tasks` wait, `under_way` are asked; once `stop` is set nothing more is sent.

    `patience`: the longest wait in seconds that a rate limit may ask for without ending it.
    """

    def __init__(self, question: Question, purse: Purse, *, at_once: int, patience: float) -> None:
        self.question, self.purse, self.patience = question, purse, patience
        self.pace = Pace(at_once)
        self.tasks: deque[Task] = deque()
        self.under_way: dict[Future[Reply], Task] = {}
        self.stop: Exception | None = None
        self.not_before = 0.0  # by time.monotonic
        self._reserved = Decimal(0)  # the most that the calls under way can cost
        self._refused: list[Reading] = []  # failures that count only once a request was accepted
        self._refusal = ""
        self._accepted = False
        self._troubles = 0
        self._came_in: SimpleQueue[Future[Any]] = SimpleQueue()

    @property
    def seconds_left(self) -> float:
        """Until something may be sent again."""
        return max(0.0, self.not_before - time.monotonic())

    def send(self, pool: ThreadPoolExecutor, *, unstored: int = 0) -> None:
        """Send what may be sent; `unstored` answers are not stored yet, and with the calls under way they are bounded.

        Raises BudgetReached when the next call could pass a limit and none is under way that may cost less than it can.
        """
        while self.stop is None and self.tasks and self._may_send(unstored):
            coming = self._reserved + self.question.bound(self.tasks[0])
            if self.under_way and not self.purse.allows(coming):
                return
            self.purse.check(coming)
            task = self.tasks.popleft()
            future = pool.submit(self.question.ask, task)
            self.under_way[future] = task
            self._reserved = coming
            self.watch(future)

    def _may_send(self, unstored: int) -> bool:
        asked, allowed = len(self.under_way), self.pace.allowed
        return asked < allowed and asked + unstored < 2 * allowed and not self.seconds_left

    def watch(self, future: Future[Any]) -> None:
        """Let `wait` return `future`, too, once it is done."""
        # A queue rather than concurrent.futures.wait, which touches every future at each turn.
        future.add_done_callback(self._came_in.put)

    def wait(self, seconds: float) -> list[Future[Any]]:
        """What is done by now, in that order; where nothing is, what is done first within `seconds`, if anything."""
        done: list[Future[Any]] = []
        try:
            done.append(self._came_in.get(timeout=max(0.0, seconds)))
            while True:
                done.append(self._came_in.get_nowait())
        except Empty:
            return done

    def take(self, future: Future[Reply]) -> Part:
        """What a call that is done brought."""
        task = self.under_way.pop(future)
        self._reserved -= self.question.bound(task)
        try:
            reply = future.result()
        except (RateLimited, AttentionNeeded, ClaudeTrouble) as error:
            self.tasks.appendleft(task)
            return Part(calls=self._hold_back(error, task))
        return Part(self._judge(task, reply), [(reply, len(task.tickets))])

    def settle(self) -> bool:
        """Whether anything is still to be waited for or sent; requests that were all refused end it here."""
        if self.under_way or (self.tasks and self.stop is None):
            return True
        if self._refused and self.stop is None:
            self._end_refused()
        return False

    def _judge(self, task: Task, reply: Reply) -> list[Reading]:
        self._troubles = 0
        self.purse.spend(call_cost(reply))
        counted = reply.tokens.prompt - reply.tokens.read if reply.tokens else 0
        if not task.second:  # its limits are of another model
            self.pace.answered(counted, requests_left=reply.room.requests, tokens_left=reply.room.input_tokens)
        has_second = self.question.second is not None
        judged = judge(task, reply, opaque_ids(len(task.tickets)), self.question.areas, second=has_second)
        self.tasks.extendleft(reversed(judged.again))
        if reply.outcome != "bad_request":
            self._accepted = True
        elif not self._accepted and not task.second:
            self._refused += judged.readings
            self._refusal = reply.reason or ""
            if len(self._refused) >= REFUSALS:
                self._end_refused()
            return []
        kept, self._refused = [*self._refused, *judged.readings], []
        return kept

    def _end_refused(self) -> None:
        """No request was accepted at all: the tickets wait, the configuration is wrong."""
        self.stop = ConfigurationNeeded(
            f"Claude refuses every request for {self.question.claude.model}: {self._refusal}; set MINER_MODEL, or what "
            "was asked to read, to a model that gives structured answers"
        )

    def _hold_back(self, error: RateLimited | AttentionNeeded | ClaudeTrouble, task: Task) -> Calls:
        """Nothing is sent for a while, or no more at all; a call that was lost on its way is told."""
        self.pace.refused()
        if isinstance(error, RateLimited) and error.seconds <= self.patience:
            self.not_before = time.monotonic() + error.seconds
            return []
        lost: Calls = []
        if isinstance(error, ClaudeTrouble):
            if error.sent:
                lost = [(Reply("lost", self.question.reader(task).model), len(task.tickets))]
            self._troubles += 1
            if self._troubles < TROUBLES:
                self.not_before = time.monotonic() + min(LONGEST_PAUSE, self.patience, 0.25 * 2.0**self._troubles)
                return lost
        # What says more about what to do wins over what came first.
        if self.stop is None or isinstance(error, AttentionNeeded):
            self.stop = error
        return lost
