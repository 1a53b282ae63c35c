"""What the stand-in knows of the models: limits, what they refuse, how they count. Data of November 2026."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """`tokenizer` is the factor on the older count; `least_cached` the shortest prefix that is cached, in tokens."""

    most_output: int
    thinking: tuple[str, ...]  # accepted values of thinking.type
    effort: bool
    least_cached: int
    tokenizer: float = 1.3
    lifecycle: str = "active"


MODELS = {
    "claude-haiku-5-5": Model(128_000, ("adaptive", "disabled"), True, 512),
    "claude-haiku-4-5": Model(64_000, ("enabled",), False, 4_096, tokenizer=1.0),
    "claude-sonnet-5-5": Model(128_000, ("adaptive", "between_tools"), True, 1_024),
    "claude-sonnet-4-6": Model(128_000, ("adaptive", "enabled"), True, 1_024, tokenizer=1.0),
    "claude-opus-5-5": Model(128_000, ("adaptive",), True, 1_024),
    "claude-fable-5-2": Model(128_000, ("adaptive",), True, 1_024),
}
EXTRA_TURNS_OFF = ("temperature", "top_p", "top_k")
