from __future__ import annotations

from miner.issues.answer import Finding, Located, Reading, TicketText
from miner.issues.comparison import compare, row_of
from miner.issues.evaluation import Answer, differences, evaluate
from miner.issues.labels import Case, Label

TEXT = "The export crashes. It is slow."
CRASH = Label((0, 19), "The export crashes.", {"type": "bug", "area": None, "severity": "high"})


def case(key: str = "1", *labels: Label, complete: bool = True, has_issue: bool | None = True) -> Case:
    return Case(key, TicketText(int(key), TEXT), labels, complete, has_issue)


def found(quote: str, type_: str = "bug", **columns: str) -> Located:
    start = TEXT.find(quote)
    return Located(Finding(type_, quote, quote, **columns), None if start < 0 else (start, start + len(quote)))  # type: ignore[arg-type]


def answer(*findings: Located, outcome: str | None = None) -> Answer:
    return Reading(1, outcome or ("issues" if findings else "no_issue")), findings


def shares(cases: list[Case], answers: dict[str, Answer]) -> dict[str, tuple[int, int]]:
    result = evaluate("one", cases, answers)
    return {name: (result.share(name).hits, result.share(name).of) for name in result.marks}


def test_what_is_found_is_marked_by_the_words_it_shares_with_a_label() -> None:
    marks = shares([case("1", CRASH)], {"1": answer(found("export crashes", severity="low"), found("It is slow."))})
    assert marks == {
        "tickets": (1, 1), "found": (1, 1), "right": (1, 2), "type": (1, 1), "area": (1, 1), "severity": (0, 1),
        "quotes": (2, 2),
    }  # fmt: skip


def test_what_was_not_labelled_is_not_compared_and_what_may_be_more_is_not_wrong() -> None:
    partial = case("1", Label((0, 19), "The export crashes.", {"type": "friction"}), complete=False)
    marks = shares([partial], {"1": answer(found("crashes"), found("It is slow."), found("never said"))})
    assert marks["type"] == (0, 1)
    assert marks["area"] == (0, 0)
    assert marks["right"] == (1, 1)
    assert marks["quotes"] == (2, 3)


def test_words_that_are_no_issue_are_wrong_when_they_are_found() -> None:
    negative = case("1", Label((0, 19), "The export crashes.", issue=False), complete=False, has_issue=None)
    assert shares([negative], {"1": answer(found("crashes"))})["right"] == (0, 1)
    assert shares([negative], {"1": answer()})["right"] == (0, 0)
    assert shares([negative], {"1": answer()})["found"] == (0, 0)


def test_a_ticket_that_was_not_read_is_wrong_and_counted() -> None:
    quiet = case("1", has_issue=False)
    result = evaluate("one", [quiet, case("2", CRASH)], {"1": answer(outcome="failed")})
    assert result.failed == 2
    assert (result.share("tickets").hits, result.share("tickets").of) == (0, 2)
    assert result.share("found").hits == 0


def test_two_readers_are_compared_on_the_same_cases() -> None:
    cases = [case(str(n), CRASH) for n in range(1, 9)]
    good, bad = answer(found("crashes")), answer()
    first = evaluate("a", cases, {one.key: bad if one.key in "123456" else good for one in cases})
    second = evaluate("b", cases, {one.key: bad if one.key == "7" else good for one in cases})
    difference = differences(first, second)["found"]
    assert (difference.better, difference.worse) == (6, 1)
    assert difference.chance == 0.125
    assert "right" not in differences(first, second)


def test_two_readings_are_matched_as_a_second_one_is_to_the_issues_there() -> None:
    before = [row_of(found("The export crashes.")), row_of(found("It is slow.", "performance"))]
    after = [row_of(found("export crashes", "data_issue", severity="high")), row_of(found("nowhere"))]
    sides = compare([(7, before, after), (8, [], [])])
    assert [(pair.before or {}).get("quote") for pair in sides.lost] == ["It is slow."]
    assert [(pair.after or {}).get("quote") for pair in sides.gained] == ["nowhere"]
    assert [(pair.key, pair.changed) for pair in sides.changed] == [(7, ("type", "severity"))]
    assert sides.totals == (2, 2)
    assert sides.counts("type") == [("bug", 1, 1), ("data_issue", 0, 1), ("performance", 1, 0)]
    assert sides.counts("area") == [("none", 2, 2)]
