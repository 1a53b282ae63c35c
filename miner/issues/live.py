"""Reading with Claude while the run lasts: several tickets a call, several calls at once.

Threads of a bounded pool wait for Claude and hold no connection; this thread loads tickets, sends and judges; one more
stores, whatever has come in, in one unit together with what it cost. Answers that are not stored yet count like calls
under way and are bounded, so a killed run makes again at most twice the calls that were allowed at once. Whoever asks
the run to leave is obeyed after the calls under way have been waited for, briefly.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context

from miner import settings
from miner.errors import AttentionNeeded, Interruption, RunLost
from miner.issues.answer import Reading, checked
from miner.issues.asking import Asking, Calls
from miner.issues.claude import Claude
from miner.issues.judge import Task
from miner.issues.knowledge import load_knowledge
from miner.issues.known import list_known
from miner.issues.pending import PendingTicket, list_pending
from miner.issues.prompt import pack
from miner.issues.purse import Purse
from miner.issues.question import Question
from miner.issues.record import Answer
from miner.issues.reply import Reply
from miner.issues.sorting import sort_tickets
from miner.issues.storing import store_readings
from miner.issues.tally import report
from miner.runs.context import StepContext

LOAD = 100  # tickets loaded at once, at least
IN_PLACE_SECONDS = 2.0  # a wait up to this is spent here, a longer one without a thread
DRAIN_SECONDS = 10.0  # how long a run that is asked to leave waits for the calls under way


class LiveReading:
    """The state of one step. `done` tickets were stored before, `limit` is the most the run reads."""

    def __init__(self, context: StepContext, claude: Claude, *, done: int, limit: int | None) -> None:
        self.context, self.done, self.limit = context, done, limit
        with context.reading() as session:
            _, current = settings.load(session)  # a limit that was raised meanwhile counts at once
            purse = Purse.open(session, run_id=context.run_id, model=claude.model, settings=current)
            stored = load_knowledge(session, context.settings, version=context.settings_version)
        self.knowledge = stored.prepare()
        self.question = Question(claude, self.knowledge, second=context.settings.second_model)
        self.asking = Asking(self.question, purse, at_once=context.settings.calls_at_once, patience=IN_PLACE_SECONDS)
        self.same_as: dict[int, int] = {}  # ticket id -> the reading whose answer it gets
        self.in_hand: dict[int, PendingTicket] = {}
        self.exhausted = False
        self.ready: list[Reading] = []
        self.calls: Calls = []
        self.storing: Future[int] | None = None
        self.in_store: tuple[list[Answer], Calls] = ([], [])

    def take_over(self, task: Task, tickets: Mapping[int, PendingTicket]) -> None:
        """Ask `task` too, before what is loaded; `tickets` has those of it."""
        self.asking.tasks.append(task)
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
        if self.asking.stop is not None:
            raise self.asking.stop

    def _go_on(self, pool: ThreadPoolExecutor) -> bool:
        """One turn: load, send, let what came in before be stored, take what comes in. False: it is over."""
        try:
            self.context.check()
            if self.asking.stop is None:
                self._load()
                self.asking.send(pool, unstored=len(self.calls) + len(self.in_store[1]))
        except RunLost:
            raise
        except AttentionNeeded as needed:
            self.asking.stop = needed
        except Interruption as leave:
            self._drain()
            self.asking.stop = leave
            return False
        self._store()
        if not (self.storing or self.asking.settle()):
            return False
        busy = self.storing or self.asking.under_way
        self._await(0.2 if busy else min(0.2, self.asking.seconds_left))
        return True

    def _await(self, seconds: float) -> None:
        """Take whatever comes in first: answers, or that a unit is stored."""
        for future in self.asking.wait(seconds):
            if future is self.storing:
                self._stored()
            elif future in self.asking.under_way:
                self._take(future)

    def _load(self) -> None:
        """Take more tickets in hand while fewer calls wait than could be sent."""
        most = self.asking.pace.most
        if len(self.asking.tasks) >= most or (self.exhausted and self.in_hand):
            return
        wanted = max(LOAD, 2 * most * self.context.settings.tickets_per_call)
        if self.limit is not None:
            wanted = min(wanted, self.limit - self.done - len(self.in_hand))
        if wanted <= 0:
            return
        with self.context.reading() as session:
            new = list_pending(session, limit=wanted, without=self.in_hand)
            known = list_known(session, new, question=self.question.key)
        self.exhausted = len(new) < wanted  # asked again when nothing is in hand any more
        found = sort_tickets(new, known=known, asked={ticket.text_hash for ticket in self.in_hand.values()})
        to_read = self.knowledge.with_articles(found.to_read)
        self.in_hand.update((ticket.id, ticket) for ticket in (*found.spared, *to_read))
        self.ready += found.readings
        self.same_as |= found.same_as
        texts = [ticket.text for ticket in to_read]
        self.asking.tasks.extend(Task(tuple(one)) for one in pack(texts, self.context.settings.tickets_per_call))

    def _drain(self) -> None:
        """The run leaves: what is under way is paid for, so it is waited for and stored."""
        give_up = time.monotonic() + DRAIN_SECONDS
        while self.asking.under_way and (left := give_up - time.monotonic()) > 0:
            self._await(left)
        while self.storing or self.ready or self.calls:
            self._store()
            self._stored()

    def _take(self, future: Future[Reply]) -> None:
        """Judge an answer that came in; it is stored after the next calls are sent."""
        part = self.asking.take(future)
        self.ready += part.readings
        self.calls += part.calls

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
        self.asking.watch(self.storing)

    def _stored(self) -> None:
        """Wait for the unit that is being stored; raises what it raised."""
        if self.storing:
            storing, self.storing = self.storing, None
            answers, _ = self.in_store
            self.in_store = ([], [])
            self.done += storing.result()
            for answer in answers:
                del self.in_hand[answer.ticket.id]

    def _write(self, answers: list[Answer], calls: Calls) -> int:
        """One unit; returns how many tickets it stored."""
        # Whoever wants the run to leave was asked at the turn's begin; what is paid for is stored all the same.
        with self.context.unit(leaving=True) as unit:
            stored = store_readings(
                unit,
                answers,
                calls,
                analyzer=self.question.claude,
                run_id=self.context.run_id,
                settings_version=self.context.settings_version,
                done=self.done,
                question=self.question.key,
            )
        report(stored, calls)
        return len(stored)
