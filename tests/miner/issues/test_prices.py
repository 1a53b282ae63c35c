from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner.config import Config
from miner.issues.prices import Tokens, cost, find_price, share, share_cost


def test_every_kind_of_token_has_its_price() -> None:
    tokens = Tokens(sent=1_000_000, written=1_000_000, written_1h=1_000_000, read=1_000_000, received=1_000_000)
    assert cost("claude-haiku-4-5", tokens) == Decimal("9.35")
    assert cost("claude-haiku-4-5", tokens, batch=True) == Decimal("4.675")


def test_a_model_without_a_price_costs_unknown_and_not_nothing() -> None:
    assert cost("claude-fable-5-2", Tokens(sent=10)) is None
    assert cost("claude-haiku-6", Tokens(sent=10)) is None


def test_the_default_model_has_a_price() -> None:
    assert find_price(Config.from_environment({}).model) is not None


def test_a_dated_id_has_the_price_of_its_plain_one() -> None:
    assert find_price("claude-haiku-4-5-20251001") == find_price("claude-haiku-4-5")
    assert find_price("claude-haiku-4-5-2025") is None


def test_a_price_counts_from_its_day_on() -> None:
    reads = [find_price("claude-sonnet-5-5", on=day) for day in (dt.date(2026, 10, 6), dt.date(2026, 10, 7))]
    assert [price and price.read for price in reads] == [Decimal("0.20"), Decimal("0.10")]


@pytest.mark.parametrize(("sent", "dollars"), [(100_000, "0.01"), (100_001, "0.0500005")])
def test_a_long_prompt_is_priced_by_its_own_rates(sent: int, dollars: str) -> None:
    assert cost("claude-haiku-5-5", Tokens(sent=sent)) == Decimal(dollars)


def test_the_cached_part_counts_towards_a_long_prompt() -> None:
    dear, plain = (cost("claude-haiku-5-5", Tokens(sent=1, read=read)) for read in (100_000, 99_999))
    assert dear is not None
    assert plain is not None
    assert dear > 4 * plain


@given(st.integers(0, 10**9), st.integers(1, 50))
def test_shares_sum_to_the_whole(amount: int, parts: int) -> None:
    assert sum(share(amount, parts)) == amount
    dollars = Decimal(amount) / 10**9
    assert sum(share_cost(dollars, parts)) == dollars
