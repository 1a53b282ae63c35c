from __future__ import annotations

from miner.issues.pace import Pace


def test_one_call_warms_the_cache_before_the_others_follow() -> None:
    pace = Pace(8)
    assert pace.allowed == 1
    pace.answered(100)
    assert pace.allowed == 8


def test_a_refusal_halves_and_answers_add_one() -> None:
    pace = Pace(8)
    pace.answered(100)
    pace.refused()
    assert pace.allowed == 4
    pace.answered(100)
    assert pace.allowed == 5
    for _ in range(9):
        pace.refused()
    assert pace.allowed == 1


def test_no_more_calls_than_the_limits_leave_room_for() -> None:
    pace = Pace(8)
    pace.answered(1_000, requests_left=3)
    assert pace.allowed == 3
    pace.answered(1_000, requests_left=100, tokens_left=2_500)
    assert pace.allowed == 2
    pace.answered(1_000, requests_left=0, tokens_left=0)
    assert pace.allowed == 1
    for _ in range(20):
        pace.answered(1_000, requests_left=100, tokens_left=1_000_000)
    assert pace.allowed == 8
