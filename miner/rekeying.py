"""The second half of a rotation of SECRET_KEY: everything that is sealed is sealed anew with the first key."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from miner.access import Actor, Role, audit, require
from miner.models import User
from miner.sealing import Sealer


def rekey_all(session: Session, sealer: Sealer, *, by: Actor) -> int:
    """How many secrets were sealed anew; raises ConfigError, and changes nothing, if one cannot be opened."""
    require(by, Role.admin, "seal secrets anew")
    users = session.scalars(select(User).where(User.totp_secret.is_not(None)).order_by(User.id).with_for_update()).all()
    for user in users:
        user.totp_secret = sealer.seal(sealer.open(str(user.totp_secret)))
    audit(session, by, "secret.rekey", "secret", "all", after={"secrets": len(users)})
    return len(users)
