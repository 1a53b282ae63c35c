"""The stand-ins of Zendesk and Claude, which are tested for real."""

from __future__ import annotations

from tests.standins.claude.fixture import claude
from tests.standins.zendesk.fixture import zendesk

__all__ = ["claude", "zendesk"]
