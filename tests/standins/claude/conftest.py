"""The stand-in's own tests use the fixture everybody uses."""

from __future__ import annotations

from tests.standins.claude.fixture import claude

__all__ = ["claude"]
