"""Secrets that must be read again (TOTP secrets, access tokens), sealed with SECRET_KEY before they are stored.

Fernet (AES-128-CBC with HMAC-SHA256) under a key derived by HKDF. During a rotation SECRET_KEY holds two keys, the new
one first: it seals, both open, and `miner users rekey` seals everything anew. In development there may be no key; then
values are kept as they are and say so, and open still works after a key was set.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from miner.errors import ConfigError

_OPEN, _SEALED = "open:", "sealed:"


class Sealer:
    """Seals with the first of `keys` and opens with any; without keys it seals nothing."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._fernet = MultiFernet([_fernet(key) for key in keys]) if keys else None

    def seal(self, secret: str) -> str:
        """`secret` as it may be stored."""
        if self._fernet is None:
            return _OPEN + secret
        return _SEALED + self._fernet.encrypt(secret.encode()).decode()

    def open(self, stored: str) -> str:
        """What `seal` was given; raises ConfigError when no key of SECRET_KEY opens it."""
        if stored.startswith(_OPEN):
            return stored.removeprefix(_OPEN)
        if self._fernet is not None:
            try:
                return self._fernet.decrypt(stored.removeprefix(_SEALED).encode()).decode()
            except InvalidToken:
                pass
        raise ConfigError(
            "SECRET_KEY does not open what was sealed before: set it back, or during a rotation to the new and the old "
            "key, separated by a comma"
        )


def _fernet(key: str) -> Fernet:
    derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"product-issue-miner sealing").derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
