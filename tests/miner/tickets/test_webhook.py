"""Proof 18: a call is Zendesk's, recent and untouched, or it is refused."""

from __future__ import annotations

import datetime as dt

import pytest

from miner.tickets.webhook import PUBLISHED_SECRET, fault_in
from tests.standins.zendesk.webhook import VECTOR, sign

NOW = dt.datetime(2026, 11, 23, 20, 16, tzinfo=dt.UTC)


def fault(**changes: object) -> str | None:
    given: dict[str, object] = {
        "secret": VECTOR["secret"],
        "signature": VECTOR["signature"],
        "timestamp": VECTOR["timestamp"],
        "body": VECTOR["body"].encode(),
        "now": NOW,
    }
    return fault_in(**(given | changes))  # type: ignore[arg-type]


def test_the_known_vector_is_accepted() -> None:
    assert fault() is None


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"body": b"{}"}, "does not fit"),
        ({"secret": "another"}, "does not fit"),
        ({"timestamp": "2026-11-23T20:15:05Z"}, "does not fit"),
        ({"signature": "ünfug"}, "does not fit"),
        ({"signature": None}, "missing"),
        ({"timestamp": ""}, "missing"),
        ({"now": NOW + dt.timedelta(minutes=6)}, "older"),
        ({"now": NOW - dt.timedelta(minutes=6)}, "older"),
        ({"secret": ""}, "no webhook secret"),
        ({"secret": PUBLISHED_SECRET}, "no webhook secret"),
        ({"timestamp": "then", "signature": sign(VECTOR["secret"], "then", VECTOR["body"].encode())}, "not a time"),
    ],
)
def test_everything_else_is_refused(changes: dict[str, object], word: str) -> None:
    assert word in (fault(**changes) or "")
