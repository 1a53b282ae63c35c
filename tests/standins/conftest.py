"""The stand-ins' own tests use the fixtures everybody uses."""

from __future__ import annotations

from tests.standins.zendesk.fixture import zendesk

__all__ = ["zendesk"]
