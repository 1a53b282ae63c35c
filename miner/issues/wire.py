"""The shape of Claude's answer, and what of an answer holds (pure).

The schema that is sent is loose: no bounds and no patterns, which the API cannot compile. What comes back is checked
ticket by ticket, so that one bad item costs its own ticket and no other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from miner.issues.answer import LONGEST_FACT, MOST_FINDINGS, Finding, article_ids
from miner.issues.taxonomy import SEVERITIES, TYPES

NO_ISSUE = {
    "question": "a question that the product answers",
    "thanks": "thanks or a greeting",
    "account_request": "a request about an account, an order or a bill",
    "agent_only": "only agents wrote",
    "spam": "spam or an automatic message",
    "not_about_product": "it is not about the product",
    "unclear": "too little is said to tell",
}
FACTS = (
    "detail", "user_segment", "platform", "version", "error_text", "related_feature", "frequency", "workaround",
    "business_impact", "root_cause_guess",
)  # fmt: skip
SENTIMENTS = ("negative", "neutral", "positive")
CONFIDENCES = {"high": 0.9, "medium": 0.6, "low": 0.3}


def answer_schema(areas: Mapping[str, Sequence[str]], *, articles: int = 0) -> dict[str, Any]:
    """The JSON schema of an answer: one entry a ticket, evidence before judgement in each issue.

    `articles`: how many a ticket may come with; 0: no Help Center is known, and none is asked for.
    """
    components = sorted({component for parts in areas.values() for component in parts})
    issue = _object(
        quote=_TEXT,
        type=_one_of(TYPES),
        area=_or_null(_one_of(areas)) if areas else _NULL,
        component=_or_null(_one_of(components)) if components else _NULL,
        severity_phrase=_or_null(_TEXT),
        severity=_one_of(SEVERITIES),
        summary=_TEXT,
        problem=_TEXT,
        sentiment=_one_of(SENTIMENTS),
        confidence=_one_of(CONFIDENCES),
        facts=_list(_object(name=_one_of(FACTS), text=_TEXT)),
        **({"article": _or_null(_one_of(article_ids(articles)))} if articles else {}),
    )
    answer = _object(ticket=_TEXT, no_issue=_or_null(_one_of(NO_ISSUE)), issues=_list(issue))
    return _object(answers=_list(answer))


_TEXT: dict[str, Any] = {"type": "string"}
_NULL: dict[str, Any] = {"type": "null"}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    required = list(properties)
    return {"type": "object", "properties": properties, "additionalProperties": False, "required": required}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _one_of(names: Iterable[str]) -> dict[str, Any]:
    return {"enum": list(names)}


def _or_null(node: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [node, _NULL]}


class _Fact(BaseModel):
    name: str
    text: str


class _Issue(BaseModel):
    model_config = ConfigDict(extra="ignore")

    quote: str
    type: Literal[
        "bug", "friction", "ux_confusion", "feature_request", "documentation_gap", "data_issue", "configuration",
        "performance", "other",
    ]  # fmt: skip
    area: str | None
    component: str | None
    severity_phrase: str | None
    severity: Literal["critical", "high", "medium", "low"]
    summary: str
    problem: str
    sentiment: Literal["negative", "neutral", "positive"]
    confidence: Literal["high", "medium", "low"]
    facts: list[_Fact]
    article: str | None = None


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    ticket: str
    no_issue: str | None
    issues: list[_Issue]


@dataclass(frozen=True, slots=True)
class Parsed:
    """What of an answer holds: for each id its findings (none: `reasons` says why), and what is wrong with the rest."""

    findings: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def parse_answer(
    text: str, ids: Sequence[str], areas: Mapping[str, Sequence[str]], *, cut: bool = False
) -> Parsed | None:
    """The entries of `text` for `ids`; every id is in `findings` or in `faults`. None: it is not such an answer.

    `cut`: the text breaks off, so the last entry may be incomplete and does not count.
    """
    rows = _rows(text, cut=cut)
    if rows is None:
        return None
    parsed, seen = Parsed(), set[str]()
    for row in rows:
        key = row.get("ticket") if isinstance(row, dict) else None
        if not isinstance(key, str) or key not in ids:
            continue  # it answers for a ticket that was not sent
        if key in seen:
            parsed.findings.pop(key, None)
            parsed.faults[key] = "it was answered twice"
            continue
        seen.add(key)
        _take(parsed, key, row, areas)
    for key in ids:
        if key not in seen:
            parsed.faults[key] = "the answer was cut off" if cut else "it was left out of the answer"
    return parsed


def _rows(text: str, *, cut: bool) -> list[Any] | None:
    try:
        found = from_json(text, allow_partial=True) if cut else json.loads(text)
    except ValueError:
        return None
    rows = found.get("answers") if isinstance(found, dict) else None
    if not isinstance(rows, list):
        return [] if cut and isinstance(found, dict) else None
    return rows[:-1] if cut else rows


def _take(parsed: Parsed, key: str, row: Any, areas: Mapping[str, Sequence[str]]) -> None:
    try:
        answer = _Answer.model_validate(row)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
        parsed.faults[key] = f"its answer has a wrong {where or 'shape'}"
        return
    if answer.issues:
        findings = tuple(_finding(issue, areas) for issue in answer.issues[:MOST_FINDINGS])
        if not all(finding.quote.strip() for finding in findings):
            parsed.faults[key] = "its answer has no quote"
            return
        parsed.findings[key] = findings
        return
    if answer.no_issue is None:
        parsed.faults[key] = "its answer has neither an issue nor a reason"
        return
    parsed.findings[key] = ()
    parsed.reasons[key] = NO_ISSUE.get(answer.no_issue, NO_ISSUE["unclear"])


def _finding(issue: _Issue, areas: Mapping[str, Sequence[str]]) -> Finding:
    """An area that the settings do not have, or a component of another area, is none."""
    area = issue.area if issue.area in areas else None
    facts = {"problem": issue.problem, "sentiment": issue.sentiment}
    facts.update((fact.name, fact.text) for fact in issue.facts if fact.name in FACTS)
    return Finding(
        type=issue.type,
        summary=issue.summary,
        quote=issue.quote,
        area=area,
        component=issue.component if area and issue.component in areas[area] else None,
        severity=issue.severity,
        severity_phrase=issue.severity_phrase,
        confidence=CONFIDENCES[issue.confidence],
        article=issue.article,
        facts={name: text[:LONGEST_FACT] for name, text in facts.items() if text.strip()},
    )
