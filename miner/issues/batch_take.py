"""Taking the results of a batch: judged as live answers are, stored a hundred at a time, each exactly once.

A result is known by its custom id, and one that was stored is passed over: results may be fetched again from the
start as often as it takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from miner import settings
from miner.issues import batch_rows
from miner.issues.answer import Reading, Usage, checked
from miner.issues.batch_rows import Request
from miner.issues.batching import MOST_TRIES, chunks, keep_tickets, seq_of
from miner.issues.judge import Task, judge
from miner.issues.pending import PendingTicket
from miner.issues.prompt import opaque_ids
from miner.issues.question import second_of
from miner.issues.record import Answer
from miner.issues.reply import Reply, Result
from miner.issues.storing import store_readings
from miner.issues.tally import report
from miner.issues.taxonomy_settings import taxonomy_of
from miner.models import ModelBatch
from miner.runs.context import StepContext

CHUNK = 100  # results in one unit


@dataclass(slots=True)
class BatchReader:
    """Who read, for the rows."""

    model: str
    name: str = "claude"


@dataclass
class Found:
    """What a chunk of results comes to."""

    outcomes: dict[int, str] = field(default_factory=dict)  # row id -> what became of it
    readings: list[Reading] = field(default_factory=list)
    again: list[tuple[Task, int]] = field(default_factory=list)
    calls: list[tuple[Reply, int]] = field(default_factory=list)


class Taking:
    """The results of one batch. `done` counts the run's tickets; `no_credit`, `refusal`: why requests were not worked.

    `blame` False: every request was refused as invalid, so it is not the tickets.
    """

    def __init__(self, context: StepContext, batch: ModelBatch, *, done: int, blame: bool = True) -> None:
        self.context, self.batch, self.done, self.blame = context, batch, done, blame
        self.no_credit, self.refusal = False, ""
        with context.reading() as session:
            made_under = settings.load_version(session, batch.settings_version)
        self._areas = taxonomy_of(made_under).areas
        self._second = second_of(made_under.second_model, first=batch.model)

    def take(self, results: Iterator[Result]) -> None:
        """Store `results`; raises what the iterator raises, with what came before it stored."""
        for chunk in chunks(results, CHUNK):
            self._store(chunk)

    def give_up(self) -> None:
        """The requests without a result will have none: what they cost stays unknown, and they are asked again."""
        with self.context.reading() as session:
            requests, _ = batch_rows.list_unanswered(session, self.batch.id)
        self.take(Result(f"{self.batch.token}-{request.seq:05d}", "lost") for request in requests)

    def _store(self, chunk: list[Result]) -> None:
        results: dict[int, Result] = {}
        for result in chunk:
            if (seq := seq_of(self.batch.token, result.custom_id)) is not None:
                results.setdefault(seq, result)
        with self.context.reading() as session:
            requests, tickets = batch_rows.list_unanswered(session, self.batch.id, results)
        if not requests:
            return
        found = Found()
        for request in requests:
            self._judge(request, results[request.seq or 0], tickets, found)
        readings = [one for one in found.readings if one.ticket_id in tickets]
        answers = [Answer(tickets[one.ticket_id], *checked(one, tickets[one.ticket_id].text)) for one in readings]
        with self.context.unit() as unit:
            stored = store_readings(
                unit,
                answers,
                found.calls,
                analyzer=BatchReader(self.batch.model),
                run_id=self.context.run_id,
                settings_version=self.batch.settings_version,
                done=self.done,
                question=self.batch.question,
                batch_id=self.batch.id,
                prompt_version=self.batch.prompt_version,
            )
            batch_rows.mark_outcomes(unit.session, found.outcomes)
            batch_rows.queue(unit.session, found.again, {key: one.text_hash for key, one in tickets.items()})
        self.done += len(stored)
        report(stored, found.calls)

    def _judge(self, request: Request, result: Result, tickets: Mapping[int, PendingTicket], found: Found) -> None:
        found.outcomes[request.id] = result.kind
        task, count = request.task, len(request.task.tickets)
        again: list[tuple[Task, int]] = []
        if result.reply is not None and (self.blame or result.kind == "succeeded"):
            found.calls.append((result.reply, count))
            judged = judge(task, result.reply, opaque_ids(count), self._areas, second=self._second is not None)
            found.readings += judged.readings
            again = [(one, 0) for one in judged.again]
        elif result.reply is not None or result.no_credit:
            self.no_credit |= result.no_credit
            self.refusal = (result.reply.reason if result.reply else None) or self.refusal
            again = [(task, request.tries)]
        elif result.kind == "canceled" and self.batch.cancel_sent_at is not None:
            return  # as we wished: its tickets wait for another run
        else:
            if result.kind == "lost":
                asked = (self._second if task.second else None) or self.batch.model
                found.calls.append((Reply("lost", asked), count))
            again = self._once_more(request, found)
        for one, tries in again:
            if kept := keep_tickets(one, [ticket.id in tickets for ticket in one.tickets]):
                found.again.append((kept, tries))

    def _once_more(self, request: Request, found: Found) -> list[tuple[Task, int]]:
        """A request without an answer is sent again, a few times."""
        if request.tries + 1 < MOST_TRIES:
            return [(request.task, request.tries + 1)]
        tickets = request.task.tickets
        spent = request.task.spent or (Usage(),) * len(tickets)
        reason = f"Claude gave no answer in {MOST_TRIES} batches"
        found.readings += [
            Reading(ticket.id, "failed", reason, usage=usage) for ticket, usage in zip(tickets, spent, strict=True)
        ]
        return []
