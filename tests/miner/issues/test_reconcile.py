from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from miner.issues.answer import Finding, Located
from miner.issues.reconcile import NOT_FOUND, Known, reconcile


def known(number: int, **changes: Any) -> Known:
    given: dict[str, Any] = {
        "type": "bug", "summary": f"summary number {number} of it", "quote": f"quote {number}",
        "start": number * 100, "end": number * 100 + 50, "text_hash": "v1",
    }  # fmt: skip
    return Known(number, **{**given, **changes})


def found(quote: str = "other", place: tuple[int, int] | None = None, **changes: Any) -> Located:
    return Located(Finding(**{"type": "bug", "summary": "nothing alike", "quote": quote, **changes}), place)


def pairs(*args: Any, text_hash: str = "v1") -> list[tuple[int, str]]:
    return [(issue.id, answer.finding.quote) for issue, answer in reconcile(*args, text_hash=text_hash).matched]


def test_an_overlapping_quote_is_the_same_issue_whatever_its_type() -> None:
    answer = found("longer", (140, 220), type="performance")
    assert pairs([known(1), known(3)], [answer]) == [(1, "longer")]
    assert pairs([known(1)], [found(place=(150, 200))]) == []


def test_offsets_in_another_version_of_the_text_do_not_count_but_the_words_do() -> None:
    assert pairs([known(1)], [found("longer", (100, 150))], text_hash="v2") == []
    assert pairs([known(1)], [found("quote 1", (900, 907))], text_hash="v2") == [(1, "quote 1")]


def test_without_a_common_quote_type_and_summary_decide() -> None:
    issue = known(1, summary="Export to CSV drops the last column")
    alike = found(summary="Export to CSV drops last column")
    assert pairs([issue], [alike]) == [(1, "other")]
    assert pairs([issue], [found(summary="Export to CSV drops column", type="data_issue")]) == []
    assert pairs([issue], [found(summary=issue.summary, type="data_issue")]) == [(1, "other")]


def test_the_best_pair_is_taken_first_and_nothing_twice() -> None:
    answers = [found("near", (140, 160)), found("exact", (100, 150)), found("new", (800, 810))]
    plan = reconcile([known(1), known(2)], answers, text_hash="v1")
    assert [(issue.id, answer.finding.quote) for issue, answer in plan.matched] == [(1, "exact")]
    assert [answer.finding.quote for answer in plan.new] == ["near", "new"]
    assert [issue.id for issue in plan.gone] == [2]


def test_a_retired_issue_is_matched_again_but_not_retired_twice() -> None:
    retired = known(1, retired_reason=NOT_FOUND)
    assert pairs([retired], [found("quote 1")]) == [(1, "quote 1")]
    assert reconcile([retired], [], text_hash="v1").gone == ()


def test_a_living_issue_is_preferred_to_a_retired_one_with_the_same_words() -> None:
    twins = [known(1, retired_reason=NOT_FOUND, quote="same"), known(2, quote="same", start=100, end=150)]
    assert pairs(twins, [found("same", (100, 150))]) == [(2, "same")]


places = st.tuples(st.integers(0, 30), st.integers(1, 20)).map(lambda pair: (pair[0], pair[0] + pair[1]))
answers = st.lists(
    st.builds(
        found,
        st.sampled_from(["a", "b", "c", "d"]),
        st.none() | places,
        type=st.sampled_from(["bug", "other"]),
        summary=st.sampled_from(["the export fails", "the export fails now", "slow"]),
    ),
    max_size=4,
)


@settings(deadline=None, derandomize=True)
@given(answers, answers)
def test_each_issue_and_each_answer_is_used_once_and_the_same_answers_again_change_nothing(
    first: list[Located], second: list[Located]
) -> None:
    issues = [
        known(n, type=one.finding.type, summary=one.finding.summary, quote=one.finding.quote,
              start=one.place[0] if one.place else None, end=one.place[1] if one.place else None)
        for n, one in enumerate(first)
    ]  # fmt: skip
    again = reconcile(issues, first, text_hash="v1")
    assert len(again.matched) == len(first)
    assert (again.new, again.gone) == ((), ())
    plan = reconcile(issues, second, text_hash="v1")
    assert len(plan.matched) + len(plan.new) == len(second)
    assert len(plan.matched) + len(plan.gone) == len(issues)
    assert len({issue.id for issue, _ in plan.matched}) == len(plan.matched)
