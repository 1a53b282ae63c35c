"""What becomes of the tickets of a call: a reading for each, or another call (pure).

A ticket that went wrong in company is read again alone, clean, without the history of what went wrong; the number of
calls a ticket may cost is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from miner.issues.answer import Reading, TicketText, Usage
from miner.issues.prices import cost, share, share_cost
from miner.issues.quotes import locate
from miner.issues.reply import Reply
from miner.issues.wire import parse_answer

MOST_CALLS = 4  # that one ticket may cost
TOKENS_BASE, TOKENS_A_TICKET = 300, 700  # of an answer, at most


@dataclass(frozen=True, slots=True)
class Task:
    """Tickets of one call. `calls` were made for them before; `spent` is what these cost each ticket."""

    tickets: tuple[TicketText, ...]
    calls: int = 0
    wide: bool = False  # twice the room for the answer
    spent: tuple[Usage, ...] = ()
    second: bool = False  # the second model is asked, since the first declined

    @property
    def max_tokens(self) -> int:
        return (TOKENS_BASE + TOKENS_A_TICKET * len(self.tickets)) * (2 if self.wide else 1)


@dataclass(frozen=True, slots=True)
class Judged:
    """Readings that hold, and calls that are to be made again."""

    readings: tuple[Reading, ...]
    again: tuple[Task, ...]


def judge(
    task: Task, reply: Reply, ids: Sequence[str], areas: Mapping[str, Sequence[str]], *, second: bool = False
) -> Judged:
    """What `reply` to the tickets of `task`, sent as `ids`, is worth. Usages sum to what the calls used.

    `second`: there is a second model to ask where the first declines to read a single ticket.
    """
    spent = _spent(task, reply)
    readings: list[Reading] = []
    wrong: dict[int, str] = {}  # place in the task -> what is wrong
    parsed = None
    if reply.outcome in ("ok", "cut"):
        parsed = parse_answer(reply.text, ids, areas, cut=reply.outcome == "cut")
    for place, (key, ticket, usage) in enumerate(zip(ids, task.tickets, spent, strict=True)):
        if parsed is None or key not in parsed.findings:
            fault = parsed.faults[key] if parsed else reply.reason or _REASONS[reply.outcome]
            wrong[place] = fault
            continue
        findings = parsed.findings[key]
        if task.calls == 0 and any(locate(finding.quote, ticket.text) is None for finding in findings):
            wrong[place] = "a quote does not stand in it"  # a second reading may quote better; then it is flagged
            continue
        outcome = "issues" if findings else "no_issue"
        readings.append(Reading(ticket.id, outcome, parsed.reasons.get(key), findings, usage, _who(task, reply)))
    again, failed = _again(task, reply, wrong, spent, second=second)
    return Judged((*readings, *failed), again)


_REASONS = {
    "ok": "the answer could not be understood",
    "cut": "the answer is too long",
    "too_long": "it is too long for the model",
}


def _who(task: Task, reply: Reply) -> str | None:
    """The model that answered, where it is not the one that reads the others."""
    return reply.model if task.second else None


def _spent(task: Task, reply: Reply) -> list[Usage]:
    """What each ticket has cost with this call."""
    before = task.spent or (Usage(),) * len(task.tickets)
    if reply.tokens is None:
        return list(before)
    parts = len(task.tickets)
    dollars = cost(reply.model, reply.tokens, batch=reply.batch)
    costs: Sequence[Decimal | None] = [None] * parts if dollars is None else share_cost(dollars, parts)
    now = zip(share(reply.tokens.prompt, parts), share(reply.tokens.received, parts), costs, strict=True)
    return [
        Usage(
            input_tokens=(old.input_tokens or 0) + sent,
            output_tokens=(old.output_tokens or 0) + received,
            # One call of unknown price makes the ticket's cost unknown.
            cost_usd=None if price is None or _unpriced(old) else (old.cost_usd or Decimal(0)) + price,
        )
        for old, (sent, received, price) in zip(before, now, strict=True)
    ]


def _unpriced(usage: Usage) -> bool:
    return usage.input_tokens is not None and usage.cost_usd is None


def _again(
    task: Task, reply: Reply, wrong: Mapping[int, str], spent: Sequence[Usage], *, second: bool
) -> tuple[tuple[Task, ...], tuple[Reading, ...]]:
    """The calls that are made for the tickets that went wrong, and the failures of those that had enough."""
    if not wrong:
        return (), ()
    if len(task.tickets) == 1:
        if second and reply.outcome == "refused" and not task.second and task.calls + 1 < MOST_CALLS:
            return (replace(task, calls=task.calls + 1, spent=(spent[0],), second=True),), ()
        return _alone_again(task, reply, wrong[0], spent[0])
    places = list(wrong)
    if reply.outcome in ("cut", "too_long") and task.calls == 0 and len(places) > 1:
        half = (len(places) + 1) // 2
        groups = [places[:half], places[half:]]
    else:
        groups = [[place] for place in places]
    return tuple(
        Task(tuple(task.tickets[one] for one in group), task.calls + 1, False, tuple(spent[one] for one in group))
        for group in groups
    ), ()


def _alone_again(task: Task, reply: Reply, fault: str, spent: Usage) -> tuple[tuple[Task, ...], tuple[Reading, ...]]:
    hopeless = reply.outcome in ("refused", "too_long", "bad_request") or (reply.outcome == "cut" and task.wide)
    hopeless |= task.second  # it gets one try there
    resampled = reply.outcome != "cut" and task.calls > 0
    if hopeless or resampled or task.calls + 1 >= MOST_CALLS:
        reason = "Claude refused the request" if reply.outcome == "bad_request" else fault
        return (), (Reading(task.tickets[0].id, "failed", reason, usage=spent, model=_who(task, reply)),)
    wide = task.wide or reply.outcome == "cut"
    return (replace(task, calls=task.calls + 1, wide=wide, spent=(spent,)),), ()
