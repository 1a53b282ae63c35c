from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest

from miner.issues.taxonomy import SEVERITIES, TYPES
from miner.issues.wire import FACTS, LONGEST_FACT, NO_ISSUE, answer_schema, parse_answer
from miner.settings import IssueType, Severity
from tests.standins.claude.contract import check_schema

AREAS = {"Clock": ["Terminal"], "Reports": ["PDF"]}


def issue(**changes: Any) -> dict[str, Any]:
    return {
        "quote": "It crashes.", "type": "bug", "area": "Clock", "component": "Terminal", "severity_phrase": None,
        "severity": "medium", "summary": "Clock crashes", "problem": "It should not.", "sentiment": "negative",
        "confidence": "high", "facts": [], **changes,
    }  # fmt: skip


def entry(key: str = "t1", *issues: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"ticket": key, "no_issue": None if issues else "thanks", "issues": list(issues), **changes}


def parse(*entries: Any, ids: tuple[str, ...] = ("t1", "t2")) -> Any:
    return parse_answer(json.dumps({"answers": entries}), ids, AREAS)


@pytest.mark.parametrize("areas", [{}, AREAS, {"Alone": []}])
def test_the_schema_is_one_that_the_api_compiles(areas: dict[str, list[str]]) -> None:
    schema = answer_schema(areas)
    check_schema(schema)
    # The package, which moves what is not supported into descriptions, finds nothing to move.
    assert anthropic.transform_schema(schema) == schema


def test_evidence_is_asked_for_before_judgement() -> None:
    properties = list(
        answer_schema(AREAS)["properties"]["answers"]["items"]["properties"]["issues"]["items"]["properties"]
    )
    assert properties[0] == "quote"
    assert properties.index("severity_phrase") < properties.index("severity")


def test_the_words_of_the_schema_are_those_of_the_tables() -> None:
    from typing import get_args

    assert set(get_args(IssueType)) == set(TYPES)
    assert set(get_args(Severity)) == set(SEVERITIES)
    for kind in TYPES:
        assert parse(entry("t1", issue(type=kind)), ids=("t1",)).findings["t1"][0].type == kind


def test_a_good_answer_gives_findings_and_reasons() -> None:
    facts = [
        {"name": "platform", "text": "iOS 19"},
        {"name": "detail", "text": "x" * 900},
        {"name": "mood", "text": "?"},
    ]
    parsed = parse(entry("t1", issue(facts=facts)), entry("t2"))
    (finding,) = parsed.findings["t1"]
    assert (finding.area, finding.component, finding.confidence) == ("Clock", "Terminal", 0.9)
    assert finding.facts == {
        "problem": "It should not.", "sentiment": "negative", "platform": "iOS 19", "detail": "x" * LONGEST_FACT,
    }  # fmt: skip
    assert set(finding.facts) - {"problem", "sentiment"} <= set(FACTS)
    assert (parsed.findings["t2"], parsed.reasons["t2"], parsed.faults) == ((), NO_ISSUE["thanks"], {})


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (entry("t1", issue(type="catastrophe")), "wrong issues.0.type"),
        (entry("t1", issue(severity="urgent")), "wrong issues.0.severity"),
        (entry("t1", issue(quote="  ")), "no quote"),
        (entry("t1", issue(summary=None)), "wrong issues.0.summary"),
        (entry("t1", no_issue=None), "neither"),
        ({"ticket": "t1"}, "wrong"),
    ],
)
def test_a_bad_item_costs_its_own_ticket_and_no_other(wrong: dict[str, Any], fault: str) -> None:
    parsed = parse(wrong, entry("t2", issue()))
    assert fault in parsed.faults["t1"]
    assert list(parsed.findings) == ["t2"]


def test_unknown_doubled_and_missing_ids_are_told_apart() -> None:
    parsed = parse(
        entry("t9", issue()), entry("t1", issue()), entry("t1"), "nonsense", entry("t2"), ids=("t1", "t2", "t3")
    )
    assert list(parsed.findings) == ["t2"]
    assert parsed.faults == {"t1": "it was answered twice", "t3": "it was left out of the answer"}


def test_an_area_or_component_that_does_not_exist_is_none() -> None:
    parsed = parse(entry("t1", issue(area="Coffee")), entry("t2", issue(component="PDF")))
    assert [parsed.findings[key][0].area for key in ("t1", "t2")] == [None, "Clock"]
    assert [parsed.findings[key][0].component for key in ("t1", "t2")] == [None, None]


def test_of_an_answer_that_breaks_off_the_complete_entries_count() -> None:
    text = json.dumps({"answers": [entry("t1", issue()), entry("t2", issue()), entry("t3", issue())]})
    at = text.index('"t3"')
    for end in (at + 30, at - 5, len(text) - 1):
        parsed = parse_answer(text[:end], ("t1", "t2", "t3"), AREAS, cut=True)
        assert parsed is not None
        assert "t1" in parsed.findings
        assert parsed.faults["t3"] == "the answer was cut off"
        assert {*parsed.findings, *parsed.faults} == {"t1", "t2", "t3"}
    assert parse_answer('{"ans', ("t1",), AREAS, cut=True).faults == {"t1": "the answer was cut off"}  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["", "I cannot help.", "[]", '{"answers": 3}', '{"answers": ['])
def test_what_is_no_such_answer_is_none(text: str) -> None:
    assert parse_answer(text, ("t1",), AREAS) is None
