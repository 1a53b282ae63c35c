"""When all issues are grouped anew, and when that needs a person's word, pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

SMALL = 500  # issues: below, grouping anew costs nothing and nobody has got used to anything
YOUNG = dt.timedelta(days=14)  # of life: before, nobody is asked either
POOL_SHARE = 0.05  # of all issues came since the last grouping of all and fit nowhere
SETTINGS_CHANGED = "the settings changed"
TOO_MUCH = 0.3  # of the known issues would move


@dataclass(frozen=True)
class LastGrouping:
    """The newest grouping of all issues; `first_at` is when the first there ever was took place."""

    made_at: dt.datetime
    first_at: dt.datetime
    granularity: float
    smallest: int
    pool: int


def is_due(
    last: LastGrouping | None,
    *,
    now: dt.datetime,
    issues: int,
    pool: int,
    days: int,
    granularity: float,
    smallest: int,
) -> str | None:
    """Why all issues are to be grouped anew, as a part of a sentence; None: new ones are put into the themes there are.

    `pool` counts the issues without a theme now, those that came since the last grouping included.
    """
    if last is None:
        return "it is the first time"
    if issues < SMALL:
        return "there are few"
    if (last.granularity, last.smallest) != (granularity, smallest):
        return SETTINGS_CHANGED
    if now - last.made_at >= dt.timedelta(days=days) - dt.timedelta(hours=2):  # a daily run is not quite on time
        return f"{days} days have passed"
    if pool - last.pool > POOL_SHARE * issues:
        return "many new ones fit nowhere"
    return None


def must_ask(last: LastGrouping | None, *, now: dt.datetime, issues: int, known: int, moved: int) -> bool:
    """Whether a grouping that moves so much waits for a person."""
    if last is None or issues < SMALL or now - last.first_at < YOUNG or not known:
        return False
    return moved / known > TOO_MUCH
