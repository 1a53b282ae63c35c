from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from miner.trends.counting import Coverage
from miner.trends.detection import judge_themes
from miner.trends.wording import History, Verdict, odds

TO = dt.date(2026, 11, 23)


def judge(counts: list[int], *, customers: int | None = 5, reports: int | None = None, quiet: int = 0) -> Verdict:
    """The verdict on the last of these days; `quiet` covered days before them had no report."""
    every = [0] * quiet + counts
    coverage = Coverage(TO - dt.timedelta(days=len(every) - 1), TO)
    met = [number for number, count in enumerate(every) if count] or [0]
    first, last = (coverage.first + dt.timedelta(days=met[end]) for end in (0, -1))
    history = History(first, last, sum(counts) if reports is None else reports, customers)
    return judge_themes(np.array([every], float), np.ones(len(every)), coverage, [history])[0]


def test_rising_says_what_a_person_can_check() -> None:
    verdict = judge([1, 0, 0] * 21 + [2] * 7)
    assert verdict.flag == "rising"
    assert verdict.sentence == (
        "Rising: 14 reports in the 7 days to 23 Nov 2026 against 9 in the 28 before; "
        "chance of this without a change 1 in 99,000 (each customer counts once a day)"
    )
    assert (verdict.numbers["recent"], verdict.numbers["before"], verdict.numbers["ratio"]) == (14, 9, 6.222)
    assert verdict.p == pytest.approx(verdict.numbers["rising_p"], rel=1e-3)


def test_five_reports_are_the_least_for_a_rise() -> None:
    assert judge([1] + [0] * 60 + [1, 1, 0, 1, 0, 1, 0]).flag is None
    assert judge([1] + [0] * 60 + [1, 1, 0, 1, 1, 1, 0]).flag == "rising"


def test_spike_compares_a_day_with_what_is_usual() -> None:
    verdict = judge([1, 0, 1, 0] * 20 + [7])
    assert verdict.flag == "spike"
    assert verdict.sentence.startswith("Spike: 7 reports on 23 Nov 2026 where 0.5 are usual; chance of this 1 in ")
    assert verdict.numbers["day"] == 7


def test_two_reports_on_a_day_are_never_a_spike() -> None:
    assert judge([1] + [0] * 60 + [2]).flag is None


def test_fading_is_the_mirror_of_rising() -> None:
    verdict = judge([2] * 60 + [0] * 6 + [1])
    assert verdict.flag == "fading"
    assert verdict.sentence.startswith("Fading: 1 report in the 7 days to 23 Nov 2026 against 56 in the 28 before")


def test_faded_after_twenty_eight_days_without_a_report() -> None:
    verdict = judge([2] * 60 + [0] * 28)
    assert verdict.flag == "faded"
    assert verdict.sentence == (
        "Faded: no report in the 28 days to 23 Nov 2026 after 112 reports in 56; the last one came on 26 Oct 2026"
    )
    assert judge([2] * 60 + [0] * 27).flag is None


def test_new_needs_three_customers_within_fourteen_days() -> None:
    verdict = judge([1, 1, 1, 0, 1], customers=3, quiet=40)
    assert verdict.flag == "new"
    assert verdict.sentence == "New: 4 reports from 3 customers since 19 Nov 2026, none in the 40 days before"
    assert judge([1, 1, 1, 0, 1], customers=2, quiet=40).flag is None
    assert judge([1, 1, 1] + [0] * 12, customers=3, quiet=60).flag == "new"
    assert judge([1, 1, 1] + [0] * 13, customers=3, quiet=60).flag is None


def test_without_customers_reports_are_counted_and_it_says_so() -> None:
    verdict = judge([1, 1, 1], customers=None, quiet=40)
    assert verdict.flag == "new"
    assert verdict.sentence == (
        "New: 3 reports since 21 Nov 2026, none in the 40 days before "
        "(reports are counted; this source names no customers)"
    )
    assert verdict.numbers["counted"] == "reports"
    assert judge([1, 0, 0] * 21 + [2] * 7, customers=None).sentence.endswith("this source names no customers)")


def test_below_twenty_eight_covered_days_nothing_is_judged() -> None:
    verdict = judge([1, 0] * 10 + [9] * 7)
    assert verdict.flag is None
    assert verdict.sentence == "Too few to tell: 27 covered days, 28 are needed; first seen in imported history"
    assert judge([1, 0] * 10 + [9] * 8).flag is not None


def test_new_needs_fourteen_covered_days_before_the_first_report() -> None:
    assert judge([1, 1, 1, 1], quiet=14).flag == "new"
    verdict = judge([1, 1, 1, 1], quiet=13)
    assert verdict.flag is None
    assert verdict.sentence.endswith("first seen in imported history")


def test_a_theme_first_reported_today_can_be_new() -> None:
    coverage = Coverage(TO - dt.timedelta(days=39), TO)
    today = TO + dt.timedelta(days=1)
    verdict = judge_themes(np.zeros((1, 40)), np.ones(40), coverage, [History(today, today, 3, 3)])[0]
    assert verdict.flag == "new"


def test_no_flag_says_why() -> None:
    assert (
        judge([1, 0] * 30).sentence
        == "No clear change: 3 reports in the 7 days to 23 Nov 2026 against 14 in the 28 before"
    )
    assert judge([1] + [0] * 50 + [1] + [0] * 10 + [2]).sentence == (
        "Too few to tell: 2 reports in the 7 days to 23 Nov 2026 against 1 in the 28 before"
    )


def test_no_theme_gives_no_verdict() -> None:
    assert judge_themes(np.zeros((0, 40)), np.ones(40), Coverage(TO, TO), []) == []


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (0.000247, "1 in 4,000"),
        (1e-6, "1 in 1,000,000"),
        (1e-12, "under 1 in a billion"),
        (0.0, "under 1 in a billion"),
    ],
)
def test_chances_are_said_as_people_say_them(p: float, said: str) -> None:
    assert odds(p) == said
