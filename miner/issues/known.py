"""Answers that are known already: the same text was asked about in the same way, in another ticket."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from miner.issues.answer import Finding, Reading
from miner.issues.pending import PendingTicket
from miner.issues.profiles import profile_of
from miner.issues.prompt import PROMPT_VERSION
from miner.models import Analysis, Issue


def question_key(model: str, system: str, schema: dict[str, Any], digest: str) -> str:
    """A hash of everything but the ticket that decides an answer: model, profile, instructions, schema, articles."""
    profile = profile_of(model)
    parts = [PROMPT_VERSION, model, system, schema, digest, dict(profile.output_config), profile.thinking]
    return sha256(json.dumps(parts, sort_keys=True, default=dict).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """The answer of an earlier reading, `analysis_id`, of the ticket `of`."""

    analysis_id: int
    of: int
    outcome: str
    reason: str | None
    findings: tuple[Finding, ...]

    def reading(self, ticket_id: int) -> Reading:
        """The answer for another ticket; it cost nothing."""
        return Reading(ticket_id, self.outcome, self.reason, self.findings)


def list_known(session: Session, tickets: Sequence[PendingTicket], *, question: str) -> dict[int, KnownAnswer]:
    """For those of `tickets` whose text another ticket had when it was asked `question`: that answer.

    A reading counts only while all that it found is there: what people set aside since says that it was wrong.
    """
    hashes = {ticket.text_hash for ticket in tickets}
    rows = session.execute(
        select(
            Analysis.id, Analysis.ticket_id, Analysis.text_hash, Analysis.outcome, Analysis.reason, Analysis.issue_count
        )
        .where(
            Analysis.text_hash.in_(hashes),
            Analysis.question == question,
            Analysis.outcome.in_(("issues", "no_issue")),
        )
        .order_by(Analysis.id)
    ).all()
    if not rows:
        return {}
    found: dict[int, list[Finding]] = {}
    for issue in session.scalars(
        select(Issue)
        .where(Issue.analysis_id.in_([row.id for row in rows]), Issue.retired_at.is_(None))
        .order_by(Issue.id)
    ):
        found.setdefault(issue.analysis_id, []).append(_finding(issue))
    answers: dict[str, list[KnownAnswer]] = {}
    for row in rows:
        findings = tuple(found.get(row.id, ()))
        if len(findings) == row.issue_count:
            answers.setdefault(row.text_hash, []).append(
                KnownAnswer(row.id, row.ticket_id, row.outcome, row.reason, findings)
            )
    known: dict[int, KnownAnswer] = {}
    for ticket in tickets:
        others = [one for one in answers.get(ticket.text_hash, ()) if one.of != ticket.id]
        if others:
            known[ticket.id] = others[-1]
    return known


def _finding(issue: Issue) -> Finding:
    return Finding(
        type=issue.type,
        summary=issue.summary,
        quote=issue.quote,
        area=issue.area,
        component=issue.component,
        severity=issue.severity,
        severity_phrase=issue.severity_phrase,
        confidence=issue.confidence,
        quote_hint=issue.quote_start,
        facts=dict(issue.facts),
    )
