"""What a password may be, and how it is kept: argon2id hashes, checked against a list of the commonest.

Rules follow NIST SP 800-63B-4 and OWASP ASVS 5.0, 6.2: length counts, composition does not; a second factor allows a
shorter one. Cost of a hash: 46 MiB and about 60 ms, so at most two are made at once in a process of 512 MB.
"""

from __future__ import annotations

import gzip
import re
import threading
from functools import cache
from importlib.resources import files

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, SHORTEST_ALONE, LONGEST = 8, 15, 128  # characters; ALONE: without a second factor

# OWASP, Password Storage: the strongest of its equal choices that asks one pass only.
_HASHER = PasswordHasher(time_cost=1, memory_cost=46 * 1024, parallelism=1, type=Type.ID)
_AT_ONCE = threading.BoundedSemaphore(2)
_OURS = ("product", "issue", "miner", "zendesk", "claude", "password", "dashboard")


def find_fault(password: str, *, second_factor: bool, about: tuple[str, ...] = ()) -> str | None:
    """Why `password` is refused, as a sentence, or None. `about` are words of the person: name, address."""
    least = SHORTEST if second_factor else SHORTEST_ALONE
    if len(password) > LONGEST:
        return f"at most {LONGEST} characters are taken"
    if len(password) < least:
        return f"at least {least} characters are needed"
    lowered = password.lower()
    if lowered in _commonest():
        return "it is one of the commonest passwords, which are tried first"
    known = {part for one in (*about, *_OURS) for part in re.split(r"[\W_]+", one.lower()) if len(part) > 3}
    rest = lowered
    for word in sorted(known, key=len, reverse=True):
        rest = rest.replace(word, "")
    if len(re.sub(r"[\W\d_]+", "", rest)) < 4 and len(set(rest)) < 6:
        return "it is made of your name, this product's words or a few signs over and over"
    if len(set(lowered)) < 5:
        return "it repeats too few different characters"
    return None


def hash_password(password: str) -> str:
    """The argon2id hash, with its salt and parameters, as it is stored."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether `password` made `stored`. Nobody's hash (None) costs the same work and is never right."""
    if len(password) > LONGEST:
        return False
    try:
        with _AT_ONCE:
            _HASHER.verify(stored or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether `stored` was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


@cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this password")


@cache
def _commonest() -> frozenset[str]:
    """The commonest passwords of at least SHORTEST characters, in lower case."""
    packed = (files("miner") / "data" / "common_passwords.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode().split())
