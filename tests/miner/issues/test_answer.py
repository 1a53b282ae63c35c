from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from miner.issues.answer import LONGEST_SUMMARY, Finding, Reading, TicketText, checked, shorten
from miner.issues.taxonomy import SEVERITIES, TYPES, UNCLEAR

TICKET = TicketText(1, "Export\n\nThe export loses all my data. It’s slow.", subject_end=6)


def one(**changes: Any) -> Finding:
    given: dict[str, Any] = {"type": "bug", "summary": "Export loses data", "quote": "The export loses all my data."}
    finding = Finding(**{**given, **changes})
    _, found = checked(Reading(1, "issues", findings=(finding,)), TICKET)
    return found[0].finding


def place(**changes: Any) -> tuple[int, int] | None:
    given: dict[str, Any] = {"type": "bug", "summary": "s", "quote": "x"}
    _, found = checked(Reading(1, "issues", findings=(Finding(**{**given, **changes}),)), TICKET)
    return found[0].place


def test_a_quote_becomes_the_words_that_stand_in_the_text() -> None:
    assert one(quote="it's slow").quote == "It’s slow"
    assert place(quote="it's slow") == (38, 47)


def test_a_quote_that_is_not_in_the_text_is_marked_unverified() -> None:
    assert place(quote="It is fast.") is None
    assert one(quote="It is fast.").quote == "It is fast."


def test_a_severity_counts_only_with_its_words_in_the_text() -> None:
    assert one(severity="critical", severity_phrase="LOSES ALL MY DATA").severity_phrase == "loses all my data"
    for changes in (
        {"severity": "critical"},
        {"severity": "critical", "severity_phrase": "the house burned down"},
        {"severity": "apocalyptic", "severity_phrase": "slow"},
    ):
        finding = one(**changes)
        assert (finding.severity, finding.severity_phrase) == ("medium", None)


def test_words_outside_the_taxonomy_and_lengths_are_corrected() -> None:
    finding = one(type="catastrophe", area=" ", component="x" * 500, summary="word " * 500, confidence=7.0)
    assert (finding.type, finding.area, finding.confidence) == ("other", None, 1.0)
    assert len(finding.component or "") <= 100
    assert len(finding.summary) <= LONGEST_SUMMARY
    assert one(confidence=float("nan")).confidence is None
    assert one(summary="\x00 ").summary == "The export loses all my data."


def test_an_answer_of_issues_without_one_is_no_issue_with_a_reason() -> None:
    reading, found = checked(Reading(1, "issues", findings=(Finding("bug", "s", " \x00"),)), TICKET)
    assert (reading.outcome, found) == ("no_issue", ())
    assert reading.reason
    reading, _ = checked(Reading(1, "splendid"), TICKET)
    assert reading.outcome == "failed"
    reading, _ = checked(Reading(1, "skipped"), TICKET)
    assert reading.reason


def test_a_line_is_cut_between_words() -> None:
    assert shorten("one two  three", 9) == "one two…"
    assert shorten("x" * 20, 5) == "xxxx…"
    assert shorten(" a\n b ") == "a b"


findings = st.builds(
    Finding,
    type=st.sampled_from([*TYPES, UNCLEAR, "x"]),
    summary=st.text(max_size=400),
    quote=st.text(max_size=20) | st.sampled_from(["Export", "data. It's", "\ud800", "\x00"]),
    severity=st.sampled_from([*SEVERITIES, ""]),
    severity_phrase=st.none() | st.sampled_from(["slow", "SLOW", "x"]),
    confidence=st.none() | st.floats(),
    quote_hint=st.none() | st.integers(-5, 60),
)


@settings(deadline=None, derandomize=True)
@given(st.sampled_from(["issues", "no_issue", "skipped", "failed", "?"]), st.lists(findings, max_size=3))
def test_whatever_is_answered_can_be_stored(outcome: str, given_findings: list[Finding]) -> None:
    """The CHECK constraints of `analyses` and `issues`, in words of Python."""
    reading, found = checked(Reading(1, outcome, findings=tuple(given_findings)), TICKET)
    assert (reading.outcome == "issues") == bool(found)
    assert reading.outcome == "issues" or reading.reason
    for located in found:
        finding = located.finding
        assert finding.type in (*TYPES, UNCLEAR)
        assert finding.severity in SEVERITIES
        assert finding.severity == "medium" or finding.severity_phrase
        assert finding.confidence is None or 0 <= finding.confidence <= 1
        assert finding.summary
        assert "\x00" not in finding.summary + finding.quote
        assert (finding.summary + finding.quote).encode()
        if located.place:
            assert TICKET.text[slice(*located.place)] == finding.quote
