"""Pytest fixtures: `from tests.standins.zendesk.fixture import zendesk` in a conftest makes it available."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.standins.zendesk.standin import StandIn


@pytest.fixture
def zendesk(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    """A running stand-in with 40 tickets and a frozen clock.

    `@pytest.mark.parametrize("zendesk", [{"tickets": 1001, "seed": 3}], indirect=True)` gives other arguments.
    """
    with StandIn(**getattr(request, "param", {})) as standin:
        yield standin
