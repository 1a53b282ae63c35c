"""Claude is played by its stand-in."""

from __future__ import annotations

from tests.standins.claude.fixture import claude

__all__ = ["claude"]
