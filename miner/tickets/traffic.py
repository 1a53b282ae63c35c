"""Calls to Zendesk in flight: within the budgets, in parallel where that helps, each tried again when that helps.

Threads only talk; everything else, the database above all, happens in the step's own thread. Nothing sleeps longer
than `LONGEST_SLEEP`: beyond it the run waits instead, without a thread.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Protocol

from miner.errors import (
    RateLimited,
    ZendeskAuthentication,
    ZendeskError,
    ZendeskLimited,
    ZendeskTooBig,
    ZendeskTrouble,
)
from miner.logs import get_logger
from miner.runs.context import StepContext
from miner.tickets.pace import CLOCK, Budgets, Clock
from miner.tickets.zendesk import Call, Zendesk
from miner.tickets.zendesk_answers import Answer
from miner.tickets.zendesk_login import Credential, Login

log = get_logger(__name__)

IN_FLIGHT = 8
LONGEST_SLEEP = 20.0
MOST_TRIES = 6  # of one call
MOST_FAILURES = 12  # in a row, whatever was asked: then Zendesk is down, not one ticket
# After this many exports in a row that had not to wait they are no scarce good: each brings a thousand rows, so single
# calls, which bring one ticket, stand back for them.
PLENTY = 3
MOST_CREDIT = 32
DEFAULT_WAIT = 10.0  # after a 429 that does not say


@dataclass
class Task:
    """A call and what becomes of it. `failed` returns whether it dealt with the error; else the step ends with it.

    `follows` names the call that is likely to come next: where exports are plenty it is sent before this answer is
    stored, and its answer is used if that very call is then asked for.
    """

    call: Call
    done: Callable[[Answer], None]
    failed: Callable[[ZendeskError], bool] = lambda error: False
    follows: Callable[[Answer], Call | None] = lambda answer: None
    tries: int = 0
    not_before: float = 0.0
    renewed: bool = False


class Work(Protocol):
    """Something that needs calls."""

    def next_task(self) -> Task | None:
        """The next call that could be made now; None: nothing at present."""

    def flush(self, *, everything: bool) -> None:
        """Store what is finished: all of it, or only when there is much."""


class Traffic:
    """One step's calls. `exports` are asked one at a time, `talks` up to `in_flight` at once."""

    def __init__(
        self,
        context: StepContext,
        client: Zendesk,
        login: Login,
        budgets: Budgets,
        *,
        clock: Clock = CLOCK,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        self._context, self._client, self._login, self._budgets = context, client, login, budgets
        self._clock, self._in_flight = clock, in_flight
        self._flying: dict[Future[Answer], tuple[Task, Credential]] = {}
        self._parked: list[Task] = []
        self._failures = 0
        self._ahead: tuple[Call, Future[Answer], Credential] | None = None
        self._credit = 0  # calls that the account's budget has granted already
        self._unhindered = 0  # exports in a row that had not to wait for their budget
        self.calls = self.limited = 0

    def ask(self, call: Call) -> Answer:
        """The answer to one call, when nothing else is going on."""
        answers: list[Answer] = []
        self._parked.append(Task(call, answers.append))
        self.run((), None)
        return answers[0]

    def find(self, call: Call) -> Answer | None:
        """The answer to a call that is good to have; None: it cannot be had now, and is not tried again."""
        answers: list[Answer] = []
        self._parked.append(Task(call, answers.append, lambda error: True, tries=MOST_TRIES - 1))
        self.run((), None)
        return answers[0] if answers else None

    def run(self, exports: tuple[Work, ...], talks: Work | None) -> None:
        """Work until none of them has anything left; raises ZendeskError, RateLimited and what units raise."""
        with ThreadPoolExecutor(self._in_flight + 1, thread_name_prefix="zendesk") as pool:
            try:
                while self._turn(pool, exports, talks):
                    pass
            finally:
                self._flying.clear()
                self._ahead = None
                pool.shutdown(wait=True, cancel_futures=True)

    def _turn(self, pool: ThreadPoolExecutor, exports: tuple[Work, ...], talks: Work | None) -> bool:
        self._context.check()
        pause = self._submit(pool, exports, talks)
        works = [*exports, *([talks] if talks else [])]
        if not self._flying:
            for work in works:
                work.flush(everything=pause > LONGEST_SLEEP)
            if pause == math.inf:
                return False
            self._sleep(pause)
            return True
        done, _ = wait(self._flying, timeout=min(pause, 1.0), return_when=FIRST_COMPLETED)
        for future in done:
            self._settle(pool, *self._flying.pop(future), future)
        for work in works:
            work.flush(everything=False)
        return True

    def _submit(self, pool: ThreadPoolExecutor, exports: tuple[Work, ...], talks: Work | None) -> float:
        """Send what may go; returns the seconds until more may, infinity when there is nothing more."""
        pauses = [self._submit_export(pool, exports)]
        exporting = any(task.call.export for task, _ in self._flying.values())
        if not (exporting and self._unhindered >= PLENTY):
            pauses.append(self._submit_calls(pool, talks))
        now = self._clock.seconds()
        pauses += [max(0.05, task.not_before - now) for task in self._parked]
        return min(pauses)

    def _submit_export(self, pool: ThreadPoolExecutor, exports: tuple[Work, ...]) -> float:
        if any(task.call.export for task, _ in self._flying.values()):
            return math.inf
        task = self._unpark(export=True)
        if task is None:
            if any(parked.call.export for parked in self._parked):
                return math.inf  # its time is among the parked
            task = next((found for work in exports if (found := work.next_task())), None)
        if task is None:
            return math.inf
        if self._ahead and self._ahead[0] == task.call:
            self._flying[self._ahead[1]] = task, self._ahead[2]
            self._ahead = None
            return math.inf
        grant = self._budgets.take("export")
        if not grant.calls:
            self._unhindered = 0
            self._parked.append(task)
            task.not_before = self._clock.seconds() + grant.delay
            return grant.delay
        self._unhindered += 1
        self._budgets.take("account", ahead=60.0)
        self._send(pool, task, self._login.credential())
        return math.inf

    def _submit_calls(self, pool: ThreadPoolExecutor, talks: Work | None) -> float:
        free = self._in_flight - sum(not task.call.export for task, _ in self._flying.values())
        tasks: list[Task] = []
        while len(tasks) < free and (task := self._unpark(export=False)):
            tasks.append(task)
        # Those that wait count too: what is begun later is chosen later, and by then the order may be another.
        room = free - sum(not task.call.export for task in self._parked)
        while talks and len(tasks) < room and (task := talks.next_task()):
            tasks.append(task)
        if not tasks:
            return math.inf
        if self._credit < len(tasks):
            grant = self._budgets.take("account", most=MOST_CREDIT, ahead=0.05)
            self._credit += grant.calls
            if self._credit < len(tasks):
                for task in tasks[self._credit :]:
                    self._park(task, grant.spacing if grant.calls else grant.delay)
                tasks = tasks[: self._credit]
        self._credit -= len(tasks)
        for task in tasks:
            self._send(pool, task, self._login.credential())
        return math.inf

    def _unpark(self, *, export: bool) -> Task | None:
        now = self._clock.seconds()
        for place, task in enumerate(self._parked):
            if task.call.export == export and task.not_before <= now:
                return self._parked.pop(place)
        return None

    def _send(self, pool: ThreadPoolExecutor, task: Task, credential: Credential) -> None:
        self.calls += 1
        future = pool.submit(self._client.get, task.call, authorization=credential.header)
        self._flying[future] = task, credential

    def _send_ahead(self, pool: ThreadPoolExecutor, call: Call | None) -> None:
        """Let Zendesk work on the next page while this one is stored; one that is not wanted after all is dropped."""
        self._ahead = None
        if call is None or self._unhindered < PLENTY or not self._budgets.take("export").calls:
            return
        self.calls += 1
        credential = self._login.credential()
        self._ahead = call, pool.submit(self._client.get, call, authorization=credential.header), credential

    def _settle(self, pool: ThreadPoolExecutor, task: Task, credential: Credential, future: Future[Answer]) -> None:
        """Hand the answer over, or decide about the error."""
        try:
            answer = future.result()
            self._budgets.learn(limit=answer.limit, remaining=answer.remaining, reset=answer.reset)
            if task.call.export:
                self._send_ahead(pool, task.follows(answer))
            task.done(answer)
            self._failures = 0
        except ZendeskLimited as limited:
            self.limited += 1
            seconds = (DEFAULT_WAIT if limited.retry_after is None else limited.retry_after) + 1 + random.random()  # noqa: S311
            self._budgets.refused(seconds)
            self._credit = 0
            log.warning("zendesk_rate_limited", message=f"{limited}; nothing is asked for {seconds:.0f} s")
            self._park(task, seconds)
        except ZendeskAuthentication:
            if task.renewed or self._login.after_refusal(credential) is None:
                raise
            task.renewed = True
            self._park(task, 0)
        except ZendeskTrouble as trouble:
            self._troubled(task, trouble)
        except ZendeskError as error:
            if not task.failed(error):
                raise

    def _troubled(self, task: Task, trouble: ZendeskTrouble) -> None:
        if isinstance(trouble, ZendeskTooBig) and task.call.export and task.failed(trouble):
            return  # a smaller page is asked for instead
        task.tries += 1
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            raise trouble
        if task.tries >= MOST_TRIES:
            if not task.failed(trouble):
                raise trouble
            return
        backoff = min(60.0, 0.5 * 2.0**task.tries) * (0.5 + random.random())  # noqa: S311 - spreads load
        log.info("zendesk_trouble", message=f"{trouble}; tried again", tries=task.tries)
        self._park(task, max(backoff, trouble.retry_after or 0.0))

    def _park(self, task: Task, seconds: float) -> None:
        task.not_before = self._clock.seconds() + seconds
        self._parked.append(task)

    def _sleep(self, seconds: float) -> None:
        if seconds > LONGEST_SLEEP:
            raise RateLimited(f"Zendesk asks to wait {seconds:.0f} s", seconds)
        if self._clock.now is not None:
            self._clock.sleep(seconds)
            return
        until = self._clock.seconds() + seconds
        while (left := until - self._clock.seconds()) > 0:
            self._context.check()
            self._clock.sleep(min(left, 0.5))
