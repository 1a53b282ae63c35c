"""The second factor: time-based codes (RFC 6238, six digits, 30 s) and recovery codes that work once.

Pure apart from randomness. A code is good for the step it belongs to and its neighbours (clocks differ), and only if
it is newer than the last one that was used.
"""

from __future__ import annotations

import hashlib
import secrets
import time

import pyotp

STEP, CODES = 30, 10
GROUPS, GROUP = 4, 6  # 24 letters: 118 random bits, enough for a plain hash (OWASP ASVS 5.0, 6.5.2: 112)
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that reads like something else


def new_secret() -> str:
    """160 random bits in base 32, as authenticator apps take them."""
    return pyotp.random_base32()


def address_of_secret(secret: str, email: str) -> str:
    """The otpauth:// address that a QR code holds."""
    return str(pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Product Issue Miner"))


def match_code(secret: str, code: str, *, last_step: int | None, now: float | None = None) -> int | None:
    """The step that `code` belongs to, or None if it is wrong, too old or was used (`last_step`)."""
    digits = "".join(code.split())
    if len(digits) != 6 or not digits.isascii() or not digits.isdecimal():
        return None
    totp, current = pyotp.TOTP(secret), int((time.time() if now is None else now) // STEP)
    for step in (current - 1, current, current + 1):
        if secrets.compare_digest(totp.at(step * STEP), digits):
            return step if last_step is None or step > last_step else None
    return None


def new_recovery_codes() -> list[str]:
    """Ten codes like `h3kx9w-w2m4qp-7rj5tn-ab8cde`."""

    def group() -> str:
        return "".join(secrets.choice(_LETTERS) for _ in range(GROUP))

    return ["-".join(group() for _ in range(GROUPS)) for _ in range(CODES)]


def hash_recovery_code(code: str) -> str:
    """SHA-256 in hex, of what was typed without spaces, hyphens and case."""
    return hashlib.sha256(code.lower().replace("-", "").replace(" ", "").encode(errors="surrogatepass")).hexdigest()
