"""From counted days to a verdict for each theme, pure: the arrays, and which days are looked at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from miner.trends.counting import Coverage, Floats, estimate_weekday_factors, fill_days, spread_factors
from miner.trends.detection import judge_hours, judge_themes
from miner.trends.measures import RECENT
from miner.trends.wording import History, Verdict

Voices = Mapping[int, Mapping[dt.date, int]]  # {theme: {day: who reported it}}

FACTOR_DAYS = 182  # half a year of tickets tells the shape of the week
COUNTED_DAYS = 400  # how far back a theme's own days are looked at
CATCH_UP = 7  # judged days that a late look goes through, one by one


def list_days(coverage: Coverage, *, judged: dt.date | None) -> list[dt.date]:
    """The days to judge, oldest first: those since the last look whose week counts, then the last day in any case.

    Without the days between, a spike during an outage of ours would never be told.
    """
    last = coverage.last
    since = last if judged is None else max(judged + dt.timedelta(days=1), last - dt.timedelta(days=CATCH_UP - 1))
    between = [since + dt.timedelta(days=number) for number in range((last - since).days)]
    return [day for day in between if day >= coverage.first and is_week_known(coverage, day)] + [last]


def is_week_known(coverage: Coverage, day: dt.date) -> bool:
    """Whether each of the 7 days to `day` counts."""
    return coverage.count(day - dt.timedelta(days=RECENT - 1), day) == RECENT


def judge_day(
    day: dt.date,
    histories: Mapping[int, History],
    voices: Voices,
    total: Mapping[dt.date, int],
    coverage: Coverage,
) -> dict[int, Verdict]:
    """{theme: verdict} at the end of `day`; `total` says who wrote on each day, whatever about."""
    seen = histories if day == coverage.last else _seen_until(day, histories, voices)
    coverage = coverage.until(day)
    counts, factors, totals = _arrays(list(seen), voices, total, coverage)
    return dict(zip(seen, judge_themes(counts, factors, coverage, list(seen.values()), totals=totals), strict=True))


def judge_hour(
    until: str,
    histories: Mapping[int, History],
    voices: Voices,
    total: Mapping[dt.date, int],
    coverage: Coverage,
) -> dict[int, Verdict]:
    """{theme: SPIKE} of the last 24 hours, where `voices` and `total` are counted in days that end as these do."""
    themes = list(histories)
    counts, factors, totals = _arrays(themes, voices, total, coverage)
    found = judge_hours(counts, factors, coverage, list(histories.values()), totals, until)
    return {themes[row]: verdict for row, verdict in found.items()}


def add_hourly(verdicts: Mapping[int, Verdict], hourly: Mapping[int, Verdict]) -> dict[int, Verdict]:
    """Verdicts of the day, where a spike of the last hours stands before everything but CAME BACK and NEW."""
    joined = dict(verdicts)
    for theme, spike in hourly.items():
        day = joined.get(theme)
        if day is None:
            continue
        holds = day.holds | {"spike"}
        stays = day.flag in ("came_back", "new", "spike")
        joined[theme] = (
            replace(day, holds=holds) if stays else replace(spike, numbers=day.numbers | spike.numbers, holds=holds)
        )
    return joined


def _arrays(
    themes: Sequence[int], voices: Voices, total: Mapping[dt.date, int], coverage: Coverage
) -> tuple[Floats, Floats, Floats]:
    """Counts, weekday factors and totals of the latest days, as `judge_themes` takes them."""
    shape, judged = coverage.latest(FACTOR_DAYS), coverage.latest(COUNTED_DAYS)
    # Without the judged day: one on which everything jumps would make its weekday look busy.
    weekdays = estimate_weekday_factors(fill_days(total, shape)[:-1], shape.first, shape.known()[:-1])
    counts = np.array([fill_days(voices.get(theme, {}), judged) for theme in themes])
    return counts, spread_factors(weekdays, judged), fill_days(total, judged)


def _seen_until(day: dt.date, histories: Mapping[int, History], voices: Voices) -> dict[int, History]:
    """What was known of each theme at the end of `day`; themes that came later are left out."""
    seen = {}
    for theme, history in histories.items():
        if history.first <= day:
            last = max((one for one in voices.get(theme, {}) if one <= day), default=history.first)
            seen[theme] = replace(history, last=max(last, history.first))
    return seen
