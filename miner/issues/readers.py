"""Who reads tickets here: Claude or the local analyzer. Light, so that a page can ask without loading either."""

from __future__ import annotations

from miner.config import Config
from miner.errors import ConfigurationNeeded

LOCAL_VERSION = "local-3"  # changes with the local analyzer's rules or weights


def is_claude_to_read(config: Config, *, used_before: bool) -> bool:
    """Whether Claude reads; raises ConfigurationNeeded when it should and cannot."""
    if config.analyzer == "local":
        return False
    if config.anthropic_api_key:
        return True
    if config.analyzer == "claude":
        raise ConfigurationNeeded("MINER_ANALYZER is claude and there is no key: set ANTHROPIC_API_KEY")
    if used_before:
        raise ConfigurationNeeded(
            "Claude has read tickets here and there is no key any more: set ANTHROPIC_API_KEY, or MINER_ANALYZER=local "
            "to go on with the local analyzer"
        )
    return False
