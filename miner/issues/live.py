"""Reading with Claude while the run lasts: several tickets a call, several calls at once.

Threads of a bounded pool wait for Claude and hold no connection; this thread loads tickets, sends and judges; one more
stores, whatever has come in, in one unit together with what it cost. Answers that are not stored yet count like calls
under way and are bounded, so a killed run makes again at most twice the calls that were allowed at once. Whoever asks
the run to leave is obeyed after the calls under way have been waited for, briefly.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from decimal import Decimal
from typing import Any

from miner import settings
from miner.errors import AttentionNeeded, ClaudeTrouble, ConfigurationNeeded, Interruption, RateLimited, RunLost
from miner.issues.answer import Reading, checked
from miner.issues.calls import call_cost, record_calls
from miner.issues.claude import Claude
from miner.issues.judge import Task, judge
from miner.issues.knowledge import load_knowledge
from miner.issues.known import list_known
from miner.issues.pace import Pace
from miner.issues.pending import PendingTicket, list_pending
from miner.issues.prompt import opaque_ids, pack
from miner.issues.purse import Purse
from miner.issues.question import Question
from miner.issues.record import Answer, record_answers
from miner.issues.reply import Reply
from miner.issues.sorting import sort_tickets
from miner.issues.tally import counters_of, report
from miner.runs.context import StepContext

LOAD = 100  # tickets loaded at once, at least
IN_PLACE_SECONDS = 2.0  # a wait up to this is spent here, a longer one without a thread
DRAIN_SECONDS = 10.0  # how long a run that is asked to leave waits for the calls under way
TROUBLES = 5  # failures in a row after which the run waits
REFUSALS = 5  # refused requests, with none accepted so far, after which it is not the tickets


class LiveReading:
    """The state of one step. `done` tickets were stored before, `limit` is the most the run reads."""

    def __init__(self, context: StepContext, claude: Claude, *, done: int, limit: int | None) -> None:
        self.context, self.done, self.limit = context, done, limit
        self.pace = Pace(context.settings.calls_at_once)
        with context.reading() as session:
            _, current = settings.load(session)  # a limit that was raised meanwhile counts at once
            self.purse = Purse.open(session, run_id=context.run_id, model=claude.model, settings=current)
            stored = load_knowledge(session, context.settings, version=context.settings_version)
        self.knowledge = stored.prepare()
        self.question = Question(claude, self.knowledge, second=context.settings.second_model)
        self.same_as: dict[int, int] = {}  # ticket id -> the reading whose answer it gets
        self.tasks: deque[Task] = deque()
        self.under_way: dict[Future[Reply], Task] = {}
        self.reserved = Decimal(0)  # the most that the calls under way can cost
        self.in_hand: dict[int, PendingTicket] = {}
        self.ready: list[Reading] = []
        self.calls: list[tuple[Reply, int]] = []
        self.refused: list[Reading] = []  # failures that count only once a request was accepted
        self.refusal: str | None = None
        self.accepted = self.exhausted = False
        self.troubles, self.not_before = 0, 0.0
        self.stop: Exception | None = None
        self.storing: Future[int] | None = None
        self.in_store: tuple[list[Answer], list[tuple[Reply, int]]] = ([], [])

    def take_over(self, task: Task, tickets: Mapping[int, PendingTicket]) -> None:
        """Ask `task` too, before what is loaded; `tickets` has those of it."""
        self.tasks.append(task)
        self.in_hand.update((ticket.id, tickets[ticket.id]) for ticket in task.tickets)

    def run(self) -> None:
        """Read until nothing is left or something stops it; raises what stopped it."""
        pool = ThreadPoolExecutor(self.context.settings.calls_at_once, thread_name_prefix="claude")
        with ThreadPoolExecutor(1, thread_name_prefix="store") as self.store:  # its last unit is waited for
            try:
                while self._go_on(pool):
                    pass
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        if self.stop is not None:
            raise self.stop

    def _go_on(self, pool: ThreadPoolExecutor) -> bool:
        """One turn: load, send, let what came in before be stored, take what comes in. False: it is over."""
        try:
            self.context.check()
            if self.stop is None:
                self._load()
                self._send(pool)
        except RunLost:
            raise
        except AttentionNeeded as needed:
            self.stop = needed
        except Interruption as leave:
            self._drain()
            self.stop = leave
            return False
        self._store()
        if self.under_way or self.storing:
            self._await(0.2)
        elif self.stop is None and self.tasks:
            time.sleep(max(0.0, min(0.2, self.not_before - time.monotonic())))
        elif self.stop is None and self.refused:
            self._end_refused()
        else:
            return False
        return True

    def _await(self, seconds: float) -> None:
        """Take whatever comes in first: answers, or that a unit is stored."""
        pending: list[Future[Any]] = [*self.under_way, *([self.storing] if self.storing else [])]
        finished, _ = wait(pending, seconds, FIRST_COMPLETED)
        if self.storing in finished:
            self._stored()
        self._take({future for future in self.under_way if future in finished})

    def _load(self) -> None:
        """Take more tickets in hand while fewer calls wait than could be sent."""
        if len(self.tasks) >= self.pace.most or (self.exhausted and self.in_hand):
            return
        wanted = max(LOAD, 2 * self.pace.most * self.context.settings.tickets_per_call)
        if self.limit is not None:
            wanted = min(wanted, self.limit - self.done - len(self.in_hand))
        if wanted <= 0:
            return
        with self.context.reading() as session:
            waiting = list_pending(session, limit=wanted + len(self.in_hand))
            new = [ticket for ticket in waiting if ticket.id not in self.in_hand][:wanted]
            known = list_known(session, new, question=self.question.key)
        self.exhausted = len(new) < wanted  # asked again when nothing is in hand any more
        found = sort_tickets(new, known=known, asked={ticket.text_hash for ticket in self.in_hand.values()})
        to_read = self.knowledge.with_articles(found.to_read)
        self.in_hand.update((ticket.id, ticket) for ticket in (*found.spared, *to_read))
        self.ready += found.readings
        self.same_as |= found.same_as
        texts = [ticket.text for ticket in to_read]
        self.tasks.extend(Task(tuple(one)) for one in pack(texts, self.context.settings.tickets_per_call))

    def _send(self, pool: ThreadPoolExecutor) -> None:
        while self.tasks and self._may_send():
            coming = self.reserved + self.question.bound(self.tasks[0])
            if self.under_way and not self.purse.allows(coming):
                return  # what is under way may cost less than it could
            self.purse.check(coming)
            task = self.tasks.popleft()
            self.under_way[pool.submit(self.question.ask, task)] = task
            self.reserved = coming

    def _may_send(self) -> bool:
        unstored = len(self.under_way) + len(self.calls) + len(self.in_store[1])
        room = len(self.under_way) < self.pace.allowed and unstored < 2 * self.pace.allowed
        return room and time.monotonic() >= self.not_before

    def _drain(self) -> None:
        """The run leaves: what is under way is paid for, so it is waited for and stored."""
        give_up = time.monotonic() + DRAIN_SECONDS
        while self.under_way and (left := give_up - time.monotonic()) > 0:
            self._await(left)
        while self.storing or self.ready or self.calls:
            self._store()
            self._stored()

    def _take(self, finished: set[Future[Reply]]) -> None:
        """Judge the answers that came in; they are stored after the next calls are sent."""
        for future in finished:
            task = self.under_way.pop(future)
            self.reserved -= self.question.bound(task)
            try:
                reply = future.result()
            except (RateLimited, AttentionNeeded, ClaudeTrouble) as error:
                self.tasks.appendleft(task)
                self._hold_back(error, task)
            else:
                self.ready += self._judge(task, reply)

    def _judge(self, task: Task, reply: Reply) -> list[Reading]:
        self.troubles = 0
        self.calls.append((reply, len(task.tickets)))
        self.purse.spend(call_cost(reply))
        counted = reply.tokens.prompt - reply.tokens.read if reply.tokens else 0
        if not task.second:  # its limits are of another model
            self.pace.answered(counted, requests_left=reply.room.requests, tokens_left=reply.room.input_tokens)
        has_second = self.question.second is not None
        judged = judge(task, reply, opaque_ids(len(task.tickets)), self.question.areas, second=has_second)
        self.tasks.extendleft(reversed(judged.again))
        if reply.outcome != "bad_request":
            self.accepted = True
        elif not self.accepted and not task.second:
            self.refused += judged.readings
            self.refusal = reply.reason
            if len(self.refused) >= REFUSALS:
                self._end_refused()
            return []
        kept, self.refused = [*self.refused, *judged.readings], []
        return kept

    def _end_refused(self) -> None:
        """No request was accepted at all: the tickets wait, the configuration is wrong."""
        self.stop = ConfigurationNeeded(
            f"Claude refuses every request for {self.question.claude.model}: {self.refusal}; "
            "set MINER_MODEL to a model that gives structured answers"
        )

    def _hold_back(self, error: RateLimited | AttentionNeeded | ClaudeTrouble, task: Task) -> None:
        """Nothing is sent for a while, or no more at all."""
        self.pace.refused()
        if isinstance(error, RateLimited) and error.seconds <= IN_PLACE_SECONDS:
            self.not_before = time.monotonic() + error.seconds
            return
        if isinstance(error, ClaudeTrouble):
            if error.sent:
                self.calls.append((Reply("lost", self.question.reader(task).model), len(task.tickets)))
            self.troubles += 1
            if self.troubles < TROUBLES:
                self.not_before = time.monotonic() + min(IN_PLACE_SECONDS, 0.25 * 2.0**self.troubles)
                return
        # What says more about what to do wins over what came first.
        if self.stop is None or isinstance(error, AttentionNeeded):
            self.stop = error

    def _store(self) -> None:
        """Let what is ready and what it cost be stored, unless a unit is being stored."""
        if self.storing or not (self.ready or self.calls):
            return
        readings, self.ready = self.ready, []
        calls, self.calls = self.calls, []
        answers = []
        for reading in readings:
            ticket = self.in_hand[reading.ticket_id]  # until it is stored, or it would be loaded again
            same_as = self.same_as.pop(ticket.id, None)
            answers.append(Answer(ticket, *checked(reading, ticket.text), same_as))
        self.in_store = (answers, calls)
        self.storing = self.store.submit(copy_context().run, self._write, answers, calls)

    def _stored(self) -> None:
        """Wait for the unit that is being stored; raises what it raised."""
        if self.storing:
            storing, self.storing = self.storing, None
            answers, _ = self.in_store
            self.in_store = ([], [])
            self.done += storing.result()
            for answer in answers:
                del self.in_hand[answer.ticket.id]

    def _write(self, answers: list[Answer], calls: list[tuple[Reply, int]]) -> int:
        """One unit; returns how many tickets it stored."""
        # Whoever wants the run to leave was asked at the turn's begin; what is paid for is stored all the same.
        with self.context.unit(leaving=True) as unit:
            record_calls(unit.session, calls, run_id=self.context.run_id)
            stored = record_answers(
                unit.session,
                answers,
                analyzer=self.question.claude,
                run_id=self.context.run_id,
                settings_version=self.context.settings_version,
                question=self.question.key,
            )
            unit.advance(len(stored))
            unit.count(**counters_of(stored, calls))
            unit.checkpoint = {"tickets": self.done + len(stored)}
        report(stored, calls)
        return len(stored)
