"""The second half of a rotation of SECRET_KEY: everything that is sealed is sealed anew with the first key."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import select
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.errors import ConfigError
from miner.models import AccessToken, User
from miner.sealing import Sealer


def rekey_all(session: Session, sealer: Sealer, *, by: Actor) -> int:
    """How many secrets were sealed anew; raises ConfigError, and changes nothing, if a user's cannot be opened.

    A Zendesk access token that cannot be is dropped: the next sync fetches another.
    """
    require(by, Role.admin, "seal secrets anew")
    users = session.scalars(select(User).where(User.totp_secret.is_not(None)).order_by(User.id).with_for_update()).all()
    for user in users:
        user.totp_secret = sealer.seal(sealer.open(str(user.totp_secret)))
    count = len(users)
    for row in session.scalars(select(AccessToken).where(AccessToken.token.is_not(None)).with_for_update()):
        sealed, row.token = str(row.token), None
        with suppress(ConfigError):
            row.token = sealer.seal(sealer.open(sealed))
            count += 1
    audit(session, by, "secret.rekey", "secret", "all", after={"secrets": count})
    return count
