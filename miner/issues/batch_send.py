"""Sending batches: written first, then sent once, and found again when the answer was lost.

Claude keeps no name of ours with a batch and creates a second one for a second request. So the row is committed before
the call, the call is made once, and where its answer is lost the batch is looked for in Claude's list. What fits is a
candidate only: whose it is, the custom ids in its results tell.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal

from miner import settings
from miner.errors import AttentionNeeded, BudgetReached, ClaudeTrouble, RateLimited
from miner.issues import batch_rows
from miner.issues.answer import checked
from miner.issues.batching import LOOKS, MOST_REQUESTS, POLL_SECONDS, custom_id, keep_tickets, look_delay, new_token
from miner.issues.claude import Claude
from miner.issues.claude_batches import BatchTooLarge, ClaudeBatches
from miner.issues.judge import Task, judge
from miner.issues.knowledge import Knowledge
from miner.issues.known import list_known
from miner.issues.pending import PendingTicket, list_pending
from miner.issues.prices import BATCH, find_price
from miner.issues.prompt import PROMPT_VERSION, opaque_ids, pack
from miner.issues.purse import Purse
from miner.issues.question import Question
from miner.issues.record import Answer
from miner.issues.reply import Reply
from miner.issues.sorting import sort_tickets
from miner.issues.storing import store_readings
from miner.logs import get_logger
from miner.models import ModelBatch
from miner.runs.context import StepContext, Unit

log = get_logger(__name__)

MOST_BYTES = 24_000_000  # of one batch, for a process of 512 MB
SKEW = dt.timedelta(minutes=2)  # by which Claude's clock and the database's may differ


@dataclass(frozen=True, slots=True)
class Parcel:
    """What becomes one batch: (task, times it was sent before), what of the queue it uses up, what needs no call."""

    tasks: list[tuple[Task, int]]
    tickets: dict[int, PendingTicket]
    from_queue: list[int]
    spared: list[Answer]
    bound: Decimal

    @property
    def hashes(self) -> dict[int, str]:
        return {key: ticket.text_hash for key, ticket in self.tickets.items()}


class Sending:
    """Sends what waits, batch after batch. `done` tickets were stored before, `limit` is the most the run reads."""

    def __init__(
        self,
        context: StepContext,
        claude: Claude,
        knowledge: Knowledge,
        remote: ClaudeBatches,
        *,
        done: int,
        limit: int | None,
    ) -> None:
        self.context, self.knowledge, self.remote = context, knowledge, remote
        self.question = Question(claude, knowledge, second=context.settings.second_model)
        self.done, self.limit = done, limit
        self.most = MOST_REQUESTS

    def send_all(self) -> None:
        """Raises BudgetReached when nothing could be sent for want of money, and what Claude refuses a batch for."""
        while (parcel := self._fill()) is not None and self._send(parcel):
            pass

    def _fill(self) -> Parcel | None:
        """The next batch's worth of what waits; None: nothing does, or nothing more may be spent."""
        per_call = self.context.settings.tickets_per_batch_call
        with self.context.reading() as session:
            _, current = settings.load(session)
            purse = Purse.open(session, run_id=self.context.run_id, model=self.question.claude.model, settings=current)
            reserved = batch_rows.open_bound(session)
            queued, tickets = batch_rows.list_queued(session)
            wanted = max(0, self.most - len(queued)) * per_call
            if self.limit is not None:
                wanted = min(wanted, self.limit - self.done - batch_rows.count_tickets(session))
            new = list_pending(session, limit=wanted, free=True) if wanted > 0 else []
            known = list_known(session, new, question=self.question.key)
        kept = [(one, keep_tickets(one.task, one.kept)) for one in queued[: self.most]]
        tasks = [(task, one.tries) for one, task in kept if task is not None]
        found = sort_tickets(new, known=known, asked=())
        to_read = self.knowledge.with_articles(found.to_read)
        spared = [
            Answer(ticket, *checked(reading, ticket.text), found.same_as.get(ticket.id))
            for ticket, reading in zip(found.spared, found.readings, strict=True)
        ]
        tasks += [(Task(tuple(texts)), 0) for texts in pack([ticket.text for ticket in to_read], per_call)]
        tickets |= {ticket.id: ticket for ticket in to_read}
        count, bound = self._affordable([task for task, _ in tasks[: self.most]], purse, reserved)
        if not count and not spared:
            return None
        rest = {id(task) for task, _ in tasks[count:]}
        used = [one.id for one, task in kept if task is None or id(task) not in rest]
        return Parcel(tasks[:count], tickets, used, spared, bound)

    def _affordable(self, tasks: list[Task], purse: Purse, reserved: Decimal) -> tuple[int, Decimal]:
        """How many of `tasks` fit into one batch and under the limits on money, and the most that these can cost."""
        bound, size = Decimal(0), 0
        for count, task in enumerate(tasks):
            more = self.question.bound(task) * BATCH
            size += len(json.dumps(self.question.params(task, cached=False), ensure_ascii=False).encode())
            if size > MOST_BYTES and count:
                return count, bound
            try:
                purse.check(reserved + bound + more)
            except BudgetReached:
                if not count and not reserved:
                    raise
                return count, bound
            bound += more
        return len(tasks), bound

    def _send(self, parcel: Parcel) -> bool:
        """Write the batch, then send it; False: no further one is to be sent now."""
        if not parcel.tasks:
            self._write(parcel, None)
            return True
        token = new_token()
        self.context.say(f"Sending a batch of {len(parcel.tasks):,} requests...")
        batch_id = self._write(parcel, token)
        cached = self.context.settings.cache_in_batches
        requests = {
            custom_id(token, seq): self.question.params(task, cached=cached)
            for seq, (task, _) in enumerate(parcel.tasks)
        }
        try:
            there = self.remote.create(requests)
        except BatchTooLarge:
            self._halve(batch_id, parcel)
            return True
        except (AttentionNeeded, RateLimited) as refused:
            with self.context.unit(leaving=True) as unit:
                batch_rows.take_back(unit.session, batch_id, str(refused))
            raise
        except ClaudeTrouble as trouble:
            log.warning("batch_in_doubt", message=f"Whether Claude has got a batch is not known: {trouble}")
            with self.context.unit(leaving=True) as unit:
                batch_rows.change_batch(
                    unit.session, batch_id, state="unknown", detail=str(trouble), look_in=POLL_SECONDS
                )
            return False
        with self.context.unit(leaving=True) as unit:  # it is paid for: whoever asks to leave is heard afterwards
            batch_rows.mark_submitted(unit.session, batch_id, provider_id=there.id)
        log.info("batch_sent", message=f"Sent a batch of {len(parcel.tasks):,} requests", batch=there.id)
        return True

    def _write(self, parcel: Parcel, token: str | None) -> int:
        """One unit: the batch and its requests, and the tickets that no reader needs to see."""
        batch_id = 0
        with self.context.unit() as unit:
            if token is not None:
                batch_id = batch_rows.create_batch(
                    unit.session,
                    parcel.tasks,
                    parcel.hashes,
                    token=token,
                    run_id=self.context.run_id,
                    model=self.question.claude.model,
                    prompt_version=PROMPT_VERSION,
                    question=self.question.key,
                    settings_version=self.context.settings_version,
                    bound_usd=parcel.bound if find_price(self.question.claude.model) else None,
                )
                # A run that is lost between here and the answer leaves a batch that is looked for first.
                batch_rows.change_batch(unit.session, batch_id, look_in=POLL_SECONDS)
            batch_rows.drop_queued(unit.session, parcel.from_queue)
            self._record(unit, parcel.spared)
        return batch_id

    def _record(self, unit: Unit, answers: list[Answer]) -> None:
        stored = store_readings(
            unit,
            answers,
            [],
            analyzer=self.question.claude,
            run_id=self.context.run_id,
            settings_version=self.context.settings_version,
            done=self.done,
            question=self.question.key,
        )
        self.done += len(stored)

    def _halve(self, batch_id: int, parcel: Parcel) -> None:
        """Claude takes no body of this size: half of it next time; a single request that is too large is split."""
        self.most = max(1, len(parcel.tasks) // 2)
        with self.context.unit(leaving=True) as unit:
            if len(parcel.tasks) > 1:
                batch_rows.take_back(unit.session, batch_id, "Claude takes no body of this size")
                return
            ((task, _),) = parcel.tasks
            judged = judge(task, Reply("too_long", self.question.claude.model), opaque_ids(len(task.tickets)), {})
            batch_rows.close(unit.session, batch_id, "given_up", detail="the request is too long")
            batch_rows.queue(unit.session, [(one, 0) for one in judged.again], parcel.hashes)
            tickets = [parcel.tickets[one.ticket_id] for one in judged.readings]
            self._record(
                unit,
                [Answer(t, *checked(one, t.text)) for one, t in zip(judged.readings, tickets, strict=True)],
            )


def find_again(context: StepContext, remote: ClaudeBatches, batch: ModelBatch) -> None:
    """Look for a batch whose creation is in doubt: candidates, or once more later, or it was never made."""
    there = remote.list_since(batch.created_at - SKEW)
    with context.reading() as session:
        known = batch_rows.list_known_ids(session) | set(batch.not_ours)
    fitting = [one.id for one in there if one.requests == batch.requests and one.id not in known]
    with context.unit(leaving=True) as unit:
        if fitting:
            batch_rows.mark_submitted(unit.session, batch.id, candidates=fitting)
        elif batch.looks + 1 >= LOOKS:
            batch_rows.take_back(unit.session, batch.id, "it was never seen at Claude")
        else:
            looks = batch.looks + 1
            batch_rows.change_batch(unit.session, batch.id, state="unknown", looks=looks, look_in=look_delay(looks))
