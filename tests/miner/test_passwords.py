"""Which passwords are taken, and how they are kept."""

from __future__ import annotations

import pytest

from miner import passwords

ABOUT = ("Ada Lovelace", "ada@example.com")


@pytest.mark.parametrize(
    ("password", "second_factor", "why"),
    [
        ("short7!", True, "at least 8"),
        ("fourteen chars", False, "at least 15"),
        ("x" * 129, True, "at most 128"),
        ("password1", True, "commonest"),
        ("PassWord1", True, "commonest"),
        ("adalovelace1815", False, "your name"),
        ("product-issue-miner", False, "this product's words"),
        ("abababababababab", False, "too few different"),
        ("1111111111111111", False, "over and over"),
    ],
)
def test_a_password_that_would_be_guessed_is_refused(password: str, second_factor: bool, why: str) -> None:
    fault = passwords.find_fault(password, second_factor=second_factor, about=ABOUT)
    assert fault is not None
    assert why in fault


@pytest.mark.parametrize(
    ("password", "second_factor"),
    [
        ("correct horse battery", False),
        ("Zq7$mv2x", True),
        ("ünïcödé sätze gehen", False),
        ("x7 " * 42 + "q!", False),
        ("ada likes green tea and rain", False),
    ],
)
def test_length_is_what_counts(password: str, second_factor: bool) -> None:
    assert passwords.find_fault(password, second_factor=second_factor, about=ABOUT) is None


def test_the_list_of_the_commonest_is_long_enough() -> None:
    assert len(passwords._commonest()) >= 3000
    assert all(len(word) >= passwords.SHORTEST for word in passwords._commonest())


def test_a_hash_is_argon2id_with_the_stated_cost_and_a_salt_of_its_own() -> None:
    one, other = passwords.hash_password("correct horse"), passwords.hash_password("correct horse")
    assert one.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert one != other
    assert passwords.verify_password(one, "correct horse")
    assert not passwords.verify_password(one, "correct horsf")
    assert not passwords.needs_rehash(one)


def test_a_hash_made_with_less_is_made_anew() -> None:
    assert passwords.needs_rehash(passwords._HASHER.__class__(time_cost=1, memory_cost=1024).hash("x"))


def test_nobody_is_checked_against_a_hash_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            checked.append(stored)
            return True

    passwords._nobody()
    monkeypatch.setattr(passwords, "_HASHER", Counting())
    assert not passwords.verify_password(None, "anything")
    assert len(checked) == 1


def test_what_is_too_long_is_not_hashed_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_HASHER", None)
    assert not passwords.verify_password("$argon2id$", "x" * 129)


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$broken"])
def test_a_damaged_hash_lets_nobody_in(stored: str) -> None:
    assert not passwords.verify_password(stored or "x", "anything")
