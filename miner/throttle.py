"""Counting what nobody may do without end: tries to log in, starts of jobs.

Counted in Postgres, in one statement each, so that processes count alike, a restart forgets nothing and sixty tries at
once are sixty tries. A try is counted before it is judged. Functions are handed a session; the caller commits at once,
whatever comes of the try.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from ipaddress import ip_address, ip_network

from sqlalchemy import Integer, bindparam, delete, func, text
from sqlalchemy.orm import Session

from miner.errors import TooMany
from miner.models import Throttle

FREE_TRIES, LONGEST_WAIT = 5, 900  # wrong logins without a wait; then 1, 2, 4 ... seconds, never a lock for good
FORGOTTEN_AFTER = dt.timedelta(days=1)
STARTS, STARTS_SECONDS = 5, 600  # per user and job
STARTS_OF_ALL, STARTS_OF_ALL_SECONDS = 30, 3600
REFUSALS, REFUSALS_SECONDS = 60, 600  # written down per user; the audit log only grows

# The wait is that of the count after this try. Of an update that is refused nothing comes back. The clock and not the
# transaction's time: whoever waited for the row would find that the next try is allowed only after "now".
_TRY = text(
    """
    INSERT INTO throttles AS t (key, count, not_before, updated_at)
    VALUES (:key, 1, clock_timestamp(), clock_timestamp())
    ON CONFLICT (key) DO UPDATE SET
      count = CASE WHEN t.updated_at < clock_timestamp() - :forgotten THEN 1 ELSE t.count + 1 END,
      not_before = clock_timestamp() + CASE
        WHEN t.updated_at < clock_timestamp() - :forgotten OR t.count + 1 < :free THEN interval '0'
        ELSE make_interval(secs => least(:longest, power(2, least(t.count + 1 - :free, 20)))) END,
      updated_at = clock_timestamp()
    WHERE t.not_before <= clock_timestamp()
    RETURNING count
    """
).bindparams(bindparam("free", type_=Integer), bindparam("longest", type_=Integer))

_TAKE = text(
    """
    INSERT INTO throttles AS t (key, count, not_before, updated_at)
    VALUES (:key, 1, clock_timestamp() + make_interval(secs => :seconds), clock_timestamp())
    ON CONFLICT (key) DO UPDATE SET
      count = CASE WHEN t.not_before <= clock_timestamp() THEN 1 ELSE t.count + 1 END,
      not_before = CASE WHEN t.not_before <= clock_timestamp()
        THEN clock_timestamp() + make_interval(secs => :seconds) ELSE t.not_before END,
      updated_at = clock_timestamp()
    WHERE t.not_before <= clock_timestamp() OR t.count < :most
    RETURNING count
    """
).bindparams(bindparam("seconds", type_=Integer), bindparam("most", type_=Integer))


def login_keys(account: str | None, address: str | None) -> list[str]:
    """What a login is counted under: the account (as a hash, known or not) and the address."""
    keys = [f"address:{network_of(address)}"] if address else []
    if account is not None:
        keys.append("account:" + hashlib.sha256(account.encode(errors="surrogatepass")).hexdigest())
    return sorted(keys)


def network_of(address: str) -> str:
    """An IPv4 address as it is, an IPv6 one as its /64: that is what one customer of a provider has."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:64]
    mapped = getattr(found, "ipv4_mapped", None)
    if found.version == 4 or mapped:
        return str(mapped or found)
    return str(ip_network(f"{found}/64", strict=False))


def count_try(session: Session, keys: list[str]) -> None:
    """Count one try to log in under each of `keys`; raises TooMany, and then counts nothing, while one has to wait.

    After FREE_TRIES wrong ones the next must wait 1 s, then 2, 4, up to LONGEST_WAIT.
    """
    for key in keys:  # in one order, so that two tries never wait for each other
        values = {"key": key, "forgotten": FORGOTTEN_AFTER, "free": FREE_TRIES, "longest": LONGEST_WAIT}
        if session.execute(_TRY, values).one_or_none() is None:
            raise TooMany("too many tries to log in", _seconds_left(session, key))


def forgive(session: Session, keys: list[str]) -> None:
    """A try was right: its account starts anew, its address is given this one try back."""
    accounts = [key for key in keys if key.startswith("account:")]
    session.execute(delete(Throttle).where(Throttle.key.in_(accounts)))
    session.execute(
        text(
            "UPDATE throttles SET count = greatest(count - 1, 0), not_before = clock_timestamp() WHERE key = ANY(:keys)"
        ),
        {"keys": [key for key in keys if key not in accounts]},
    )


def take_start(session: Session, *, who: str, job: str) -> list[str]:
    """Count a start of `job` by `who`; raises TooMany when they, or all together, started too many of late.

    Returns the keys to `give_back` when nothing was started after all.
    """
    limits = {
        f"start:{who}:{job}": (STARTS, STARTS_SECONDS),
        "start:all": (STARTS_OF_ALL, STARTS_OF_ALL_SECONDS),
    }
    for key, (most, seconds) in limits.items():
        if session.execute(_TAKE, {"key": key, "most": most, "seconds": seconds}).one_or_none() is None:
            whose = f"{job} was started {most} times" if key != "start:all" else f"{most} runs were started"
            raise TooMany(f"{whose} within {seconds // 60} minutes", _seconds_left(session, key))
    return list(limits)


def may_note_refusal(session: Session, *, who: str) -> bool:
    """Whether one more refusal of `who` is to be written down; beyond REFUSALS only the log has them."""
    values = {"key": f"refused:{who}", "most": REFUSALS, "seconds": REFUSALS_SECONDS}
    return session.execute(_TAKE, values).one_or_none() is not None


def give_back(session: Session, keys: list[str]) -> None:
    """Uncount what came to nothing."""
    session.execute(
        text("UPDATE throttles SET count = greatest(count - 1, 0) WHERE key = ANY(:keys)"), {"keys": sorted(keys)}
    )


def forget_old(session: Session) -> int:
    """Delete what nobody has tried for FORGOTTEN_AFTER; returns how many."""
    old = delete(Throttle).where(Throttle.updated_at < func.now() - FORGOTTEN_AFTER)
    return int(session.execute(old).rowcount)  # type: ignore[attr-defined]


def _seconds_left(session: Session, key: str) -> int:
    left = session.scalar(
        text("SELECT ceil(extract(epoch FROM not_before - now())) FROM throttles WHERE key = :key"), {"key": key}
    )
    return max(1, int(left or 1))
