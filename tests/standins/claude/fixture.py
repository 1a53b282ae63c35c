"""`from tests.standins.claude.fixture import claude` in a conftest makes the stand-in available there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.standins.claude.standin import StandIn


@pytest.fixture
def claude(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A running stand-in; the environment's key and address are its own."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with StandIn() as standin:
        monkeypatch.setenv("ANTHROPIC_API_KEY", standin.key)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", standin.base_url)
        yield standin
