"""Reading with Claude, live or in batches: what one turn of a run does.

    open batches are looked after | one is left: the run waits without a thread | else the next round: a batch, or live

A turn takes up wherever the last one ended, whoever it was: every call to Claude stands between two commits that say
what is known, and what a lost answer leaves open is looked up, never assumed.
"""

from __future__ import annotations

from sqlalchemy import select

from miner.errors import BatchUnderWay, BudgetReached, ClaudeTrouble, ConfigurationNeeded
from miner.issues import batch_rows
from miner.issues.batch_send import Sending, find_again
from miner.issues.batch_take import Taking
from miner.issues.batching import POLL_CANCELLED, describe, keep_tickets, poll_delay, seq_of, takes_batches
from miner.issues.claude import Claude
from miner.issues.claude_batches import ClaudeBatches
from miner.issues.knowledge import load_knowledge
from miner.issues.live import LiveReading
from miner.issues.pending import count_pending
from miner.issues.reply import RemoteBatch
from miner.logs import get_logger
from miner.models import ModelBatch, ModelCall
from miner.runs.context import Skip, StepContext

log = get_logger(__name__)


def settle(context: StepContext) -> Skip | None:
    """STEP of the job `batches`: batches of runs that are over are brought to their end, those of cancelled runs soon.

    Raises BatchUnderWay while one is open. Without a key they are left for later, and others may read meanwhile.
    """
    with context.reading() as session:
        if not batch_rows.has_open(session):
            return Skip("no batch is open")
    if not context.config.anthropic_api_key:
        with context.unit() as unit:
            batch_rows.adopt_open(unit.session, context.run_id, cancel=True)
        return Skip("a batch is open at Claude and there is no key: set ANTHROPIC_API_KEY; looked at again in an hour")
    settle_open(context, done=int((context.checkpoint or {}).get("tickets", 0)), cancel=True)
    return None


def settle_open(context: StepContext, *, done: int, cancel: bool) -> int:
    """`Reading.settle` with a client of its own; returns how many tickets the run has stored by now."""
    config = context.config
    claude = Claude(api_key=str(config.anthropic_api_key), base_url=config.anthropic_base_url, model=config.model)
    try:
        reading = Reading(context, claude, done=done, limit=None)
        reading.settle(cancel=cancel)
        return reading.done
    finally:
        claude.close()


class Reading:
    """The state of one turn. `done` tickets were stored before, `limit` is the most the run reads."""

    def __init__(self, context: StepContext, claude: Claude, *, done: int, limit: int | None) -> None:
        self.context, self.claude, self.done, self.limit = context, claude, done, limit
        self.remote = ClaudeBatches(claude)

    def run(self) -> None:
        """Read until nothing is left; raises BatchUnderWay while a batch is open, and what stops live reading."""
        self.settle(cancel=False)
        while waiting := self._count_waiting():
            if not self._takes_batches(waiting):
                self._read_live(self.limit)
                return
            if not self._was_tried():
                # The parameters of a batch are looked at only when it is worked, so one call is made live before.
                first = self.done + self.context.settings.tickets_per_call
                self._read_live(first if self.limit is None else min(first, self.limit))
            self._send()
            self.settle(cancel=False)

    def _count_waiting(self) -> int:
        with self.context.reading() as session:
            return count_pending(session, limit=None if self.limit is None else max(0, self.limit - self.done))

    def _send(self) -> None:
        with self.context.reading() as session:
            stored = load_knowledge(session, self.context.settings, version=self.context.settings_version)
        sending = Sending(self.context, self.claude, stored.prepare(), self.remote, done=self.done, limit=self.limit)
        try:
            sending.send_all()
        finally:
            self.done = sending.done

    def settle(self, *, cancel: bool) -> None:
        """Bring all open batches as far as they are; raises BatchUnderWay while one is left.

        `cancel`: those whose run was cancelled are cancelled at Claude, and what was finished is stored.
        """
        with self.context.reading() as session:
            anything = batch_rows.has_open(session)
        if anything:
            with self.context.unit() as unit:
                batch_rows.adopt_open(unit.session, self.context.run_id, cancel=cancel)
            with self.context.reading() as session:
                due = batch_rows.list_open(session, due=True)
            for batch in due:
                self.context.check()
                self._look_after(batch)
        self._tidy()
        with self.context.reading() as session:
            left = batch_rows.list_open(session)
            seconds = batch_rows.seconds_until_next_look(session)
        if left:
            in_doubt = sum(batch.requests for batch in left if batch.state != "submitted")
            sentence = describe(sum(batch.requests for batch in left), in_doubt=in_doubt)
            raise BatchUnderWay(sentence, max(1.0, seconds))

    def _takes_batches(self, waiting: int) -> bool:
        current = self.context.settings
        return takes_batches(current.reading, current.batch_above, waiting)

    def _was_tried(self) -> bool:
        """Whether Claude has answered a call of this run."""
        with self.context.reading() as session:
            which = (ModelCall.run_id == self.context.run_id) & ModelCall.input_tokens.is_not(None)
            return session.scalar(select(ModelCall.id).where(which).limit(1)) is not None

    def _read_live(self, limit: int | None) -> None:
        live = LiveReading(self.context, self.claude, done=self.done, limit=limit)
        with self.context.reading() as session:
            queued, tickets = batch_rows.list_queued(session)
        room = len(tickets) if limit is None else limit - self.done
        taken = []
        for one in queued:
            task = keep_tickets(one.task, one.kept)
            if task is not None and len(task.tickets) <= room:
                room -= len(task.tickets)
                live.take_over(task, tickets)
            elif task is not None:
                continue
            taken.append(one.id)
        try:
            live.run()
        finally:
            self.done = live.done
        if taken:
            with self.context.unit(leaving=True) as unit:
                batch_rows.drop_queued(unit.session, taken)

    def _look_after(self, batch: ModelBatch) -> None:
        try:
            if batch.state != "submitted":
                find_again(self.context, self.remote, batch)
            elif batch.cancel and batch.cancel_sent_at is None and batch.provider_id:
                self._cancel(batch, batch.provider_id)
            else:
                self._poll(batch)
        except ClaudeTrouble as trouble:
            log.warning("batch_not_reached", message=f"A batch could not be asked for: {trouble}")
            self._ask_later(batch, detail=str(trouble))

    def _cancel(self, batch: ModelBatch, provider_id: str) -> None:
        """Only what is proven to be ours is ever cancelled."""
        self.remote.cancel(provider_id)
        with self.context.unit(leaving=True) as unit:
            batch_rows.mark_cancelled(unit.session, batch.id, look_in=POLL_CANCELLED)

    def _poll(self, batch: ModelBatch) -> None:
        for provider_id in [batch.provider_id] if batch.provider_id else list(batch.candidates):
            there = self.remote.find(provider_id)
            if there is None or not there.ended:
                continue
            if batch.provider_id is None and not self._prove(batch, there):
                continue
            self._take(batch, there)
            return
        with self.context.reading() as session:
            overdue = batch_rows.is_overdue(session, batch.id)
        if overdue:
            self._give_up(batch)
        else:
            self._ask_later(batch)

    def _ask_later(self, batch: ModelBatch, *, detail: str | None = None) -> None:
        polls = batch.polls + 1
        look_in = POLL_CANCELLED if batch.cancel_sent_at else poll_delay(polls)
        with self.context.unit(leaving=True) as unit:
            batch_rows.change_batch(unit.session, batch.id, polls=polls, detail=detail, look_in=look_in)

    def _prove(self, batch: ModelBatch, there: RemoteBatch) -> bool:
        """Whether the results of a candidate bear our ids; one whose do not is never touched again."""
        first = next(iter(self.remote.results(there)), None)
        if first is not None and seq_of(batch.token, first.custom_id) is not None:
            with self.context.unit(leaving=True) as unit:
                batch_rows.change_batch(unit.session, batch.id, provider_id=there.id, candidates=[])
            batch.provider_id, batch.candidates = there.id, []
            return True
        batch.candidates = [one for one in batch.candidates if one != there.id]
        batch.not_ours = [*batch.not_ours, there.id]
        state = "submitted" if batch.candidates else "unknown"
        with self.context.unit(leaving=True) as unit:
            batch_rows.change_batch(
                unit.session, batch.id, state=state, candidates=batch.candidates, not_ours=batch.not_ours
            )
        return False

    def _take(self, batch: ModelBatch, there: RemoteBatch) -> None:
        """Store the results of an ended batch; closed once each of its requests has one."""
        blame = not (there.succeeded == 0 and there.errored == there.requests > 1)
        taking = Taking(self.context, batch, done=self.done, blame=blame)
        try:
            taking.take(self.remote.results(there))
        finally:
            self.done = taking.done
        with self.context.reading() as session:
            left = batch_rows.count_unanswered(session, batch.id)
            overdue = batch_rows.is_overdue(session, batch.id)
        if left and overdue:
            self._give_up(batch)
        elif left:
            self._ask_later(batch, detail=f"{left:,} results were missing")
        else:
            self._close(batch, taking)

    def _close(self, batch: ModelBatch, taking: Taking) -> None:
        with self.context.unit(leaving=True) as unit:
            batch_rows.close(unit.session, batch.id, "ingested")
        log.info("batch_taken", message=f"Took the results of a batch of {batch.requests:,} requests", batch=batch.id)
        if taking.no_credit:
            raise BudgetReached(
                "The Claude account has no credit left, so requests of a batch were not worked; add credit in the "
                "Claude Console"
            )
        if not taking.blame:
            raise ConfigurationNeeded(
                f"Claude refuses every request of a batch ({taking.refusal}): set the setting reading to live"
            )

    def _give_up(self, batch: ModelBatch) -> None:
        """Its results will not come any more: gone, or of another workspace."""
        log.warning("batch_given_up", message="A batch did not end, or its results are not kept any more")
        taking = Taking(self.context, batch, done=self.done)
        taking.give_up()
        self.done = taking.done
        with self.context.unit(leaving=True) as unit:
            batch_rows.close(unit.session, batch.id, "given_up", detail="its results did not come within a day")

    def _tidy(self) -> None:
        """What is stored here is deleted there: it holds what customers wrote."""
        with self.context.reading() as session:
            ingested = batch_rows.list_undeleted(session)
        for batch_id, provider_id in ingested:
            if self.remote.delete(provider_id):
                with self.context.unit(leaving=True) as unit:
                    batch_rows.mark_deleted(unit.session, batch_id)
