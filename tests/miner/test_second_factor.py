"""Codes of the second factor: right for their time, and once."""

from __future__ import annotations

import math

import pyotp
import pytest

from miner import second_factor

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NOW = 1_800_000_000.0
STEP = int(NOW // 30)


def code(step: int) -> str:
    return str(pyotp.TOTP(SECRET).at(step * 30))


@pytest.mark.parametrize("away", [-1, 0, 1])
def test_a_code_of_this_step_or_its_neighbours_is_right(away: int) -> None:
    assert second_factor.match_code(SECRET, code(STEP + away), last_step=None, now=NOW) == STEP + away


@pytest.mark.parametrize("away", [-2, 2, 100])
def test_a_code_of_another_time_is_wrong(away: int) -> None:
    assert second_factor.match_code(SECRET, code(STEP + away), last_step=None, now=NOW) is None


def test_a_code_works_once_and_no_older_one_after_it() -> None:
    assert second_factor.match_code(SECRET, code(STEP), last_step=STEP, now=NOW) is None
    assert second_factor.match_code(SECRET, code(STEP - 1), last_step=STEP, now=NOW) is None
    assert second_factor.match_code(SECRET, code(STEP + 1), last_step=STEP, now=NOW) == STEP + 1


def test_spaces_do_not_matter() -> None:
    shown = code(STEP)
    assert second_factor.match_code(SECRET, f" {shown[:3]} {shown[3:]}", last_step=None, now=NOW) == STEP


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12 34 5", "\x00" * 6])
def test_what_is_no_code_is_wrong(typed: str) -> None:
    assert second_factor.match_code(SECRET, typed, last_step=None, now=NOW) is None


def test_a_secret_has_160_bits_and_an_address_that_apps_read() -> None:
    secret = second_factor.new_secret()
    assert len(secret) * 5 >= 160
    assert secret != second_factor.new_secret()
    assert second_factor.address_of_secret(secret, "ada@example.com").startswith(
        "otpauth://totp/Product%20Issue%20Miner"
    )


def test_recovery_codes_differ_and_are_kept_as_hashes() -> None:
    codes = second_factor.new_recovery_codes()
    assert len(set(codes)) == second_factor.CODES
    assert all(len(code.replace("-", "")) * math.log2(31) >= 112 for code in codes), "enough for a plain hash"
    hashed = second_factor.hash_recovery_code(codes[0])
    assert codes[0] not in hashed
    assert hashed == second_factor.hash_recovery_code(f" {codes[0].upper().replace('-', ' ')} ")
