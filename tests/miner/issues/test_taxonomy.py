from __future__ import annotations

from miner.issues.taxonomy import SEVERITIES, TYPES, UNCLEAR, area_finder
from miner.models import ISSUE_TYPES
from miner.models import SEVERITIES as STORED_SEVERITIES


def test_the_words_are_those_that_the_tables_allow() -> None:
    assert {*TYPES, UNCLEAR} == set(ISSUE_TYPES)
    assert tuple(SEVERITIES) == STORED_SEVERITIES


def test_an_area_is_known_by_its_whole_words_and_the_most_frequent_wins() -> None:
    find = area_finder({"Billing": ["invoice", "C++", " "], "Login": ["sign in", "password"], "Empty": []})
    assert find("The INVOICE is wrong") == "Billing"
    assert find("invoices") is None
    assert find("C++ fails") == "Billing"
    assert find("invoice, password, sign in") == "Login"
    assert find("invoice, password") == "Billing"
    assert find("nothing of it") is None


def test_without_areas_none_is_found() -> None:
    assert area_finder({})("invoice") is None
