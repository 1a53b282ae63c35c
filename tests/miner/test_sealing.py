"""What is sealed opens with its key, and through a rotation."""

from __future__ import annotations

import pytest

from miner.errors import ConfigError
from miner.sealing import Sealer

OLD, NEW = "o" * 32, "n" * 32


def test_what_is_sealed_is_opened_again_and_shows_nothing() -> None:
    sealer = Sealer((OLD,))
    stored = sealer.seal("JBSWY3DP")
    assert stored.startswith("sealed:")
    assert "JBSWY3DP" not in stored
    assert stored != sealer.seal("JBSWY3DP")
    assert sealer.open(stored) == "JBSWY3DP"


def test_while_rotating_the_new_key_seals_and_both_open() -> None:
    stored = Sealer((OLD,)).seal("x")
    both = Sealer((NEW, OLD))
    assert both.open(stored) == "x"
    assert Sealer((NEW,)).open(both.seal("x")) == "x"


@pytest.mark.parametrize("keys", [(NEW,), ()])
def test_without_the_key_the_remedy_is_named(keys: tuple[str, ...]) -> None:
    stored = Sealer((OLD,)).seal("x")
    with pytest.raises(ConfigError, match="SECRET_KEY does not open"):
        Sealer(keys).open(stored)


def test_what_was_altered_does_not_open() -> None:
    stored = Sealer((OLD,)).seal("x")
    with pytest.raises(ConfigError):
        Sealer((OLD,)).open(stored[:-3] + "AAA")


def test_without_any_key_a_value_says_that_it_is_open() -> None:
    assert Sealer(()).seal("x") == "open:x"
    assert Sealer((NEW,)).open("open:x") == "x"
