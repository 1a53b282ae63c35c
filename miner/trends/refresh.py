"""The trends step: counts the days of every theme anew, judges each theme at the last complete day, keeps episodes.

All history is counted by today's membership, so that a re-cluster is no fall of one theme and rise of another; one
statement does it and touches only what differs. Days that are not covered or not read enter nothing; when they lie in
the last week nothing is judged, and the look says why.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from miner.logs import get_logger
from miner.runs.context import Skip, StepContext
from miner.trends import reading, records
from miner.trends.counting import Coverage
from miner.trends.covering import choose_sources, find_coverage, group_readings
from miner.trends.detection import LEAST_COVERED
from miner.trends.episodes import Episode, advance, inherit
from miner.trends.judging import Voices, add_hourly, is_week_known, judge_day, judge_hour, list_days
from miner.trends.wording import History, Verdict

log = get_logger(__name__)

NO_DAY = "Too few to tell: no complete day is covered yet"


@dataclass(frozen=True)
class Counts:
    """What is judged: who reported, who wrote at all, and the days that count.

    `not_judged`: why the last week cannot be.
    """

    voices: Voices
    writers: Mapping[dt.date, int]
    coverage: Coverage
    not_judged: str | None


@dataclass(frozen=True)
class Seen:
    """What one look reads; `day` None: nothing is covered. `hours` are the same counts in days that end at `until`."""

    histories: Mapping[int, History]
    day: Counts | None
    hours: Counts | None
    until: str
    filling: bool
    judged: dt.date | None
    standing: dict[int, list[Episode]]


def run(context: StepContext) -> Skip | None:
    zone = context.settings.zone
    with context.unit() as unit:
        records.mark_fixed(unit.session)
        records.refresh_days(unit.session, zone=zone.key)
    with context.reading() as session:
        seen = read(session, zone)
    if not seen.histories:
        return Skip("there are no themes to judge yet")
    context.expect(len(seen.histories))
    why = explain(seen)
    if why:
        with context.unit(last=True) as unit:
            records.record_look(unit.session, judged_day=None, covered_days=None, not_judged=why)
            unit.skipped = why
        log.info("trends_not_judged", message=f"Trends were {why}")
        return Skip(f"trends were {why}")
    verdicts = judge(seen)
    with context.unit(last=True) as unit:
        raised = store(unit.session, seen=seen, verdicts=verdicts, run_id=context.run_id)
        unit.advance(len(verdicts))
        if context.job_name == "trends":  # elsewhere the cluster step has counted the same themes
            unit.count(themes=len(verdicts))
    log.info(
        "trends_judged",
        message=f"Judged {len(verdicts):,} themes; {raised:,} flags were raised",
        themes=len(verdicts),
        raised=raised,
    )
    return None


def explain(seen: Seen) -> str | None:
    """Why nothing is judged now, in words; None: it is."""
    if seen.filling and seen.judged and (seen.day is None or seen.day.coverage.days < LEAST_COVERED):
        return "not judged: older tickets are being fetched, and the mirror is not complete until then"
    return f"not judged: {seen.day.not_judged}" if seen.day and seen.day.not_judged else None


def read(session: Session, zone: ZoneInfo) -> Seen:
    """Everything a look needs, from one transaction."""
    now, mirrors = reading.list_mirrors(session)
    names = [mirror.source for mirror in mirrors]
    day, with_files = _read_days(session, zone, mirrors, now, hour=0)
    hours, until = None, ""
    ends = [min(mirror.ends, now) for mirror in mirrors if mirror.ends]
    if day is not None and len(ends) == len(mirrors) > 0:
        end = min(ends).astimezone(zone)
        until = f"{end.day} {end:%b %Y} {end.hour}:00"
        if end.hour and end.date() - dt.timedelta(days=1) == day.coverage.last:
            hours, _ = _read_days(session, zone, mirrors, now, hour=end.hour)
    return Seen(
        histories=reading.list_histories(session, zone=zone.key, mirrors=names, with_files=with_files),
        day=day,
        hours=hours,
        until=until,
        filling=any(mirror.filling for mirror in mirrors),
        judged=records.find_judged_day(session),
        standing=records.list_standing(session),
    )


def _read_days(
    session: Session, zone: ZoneInfo, mirrors: list[reading.Mirror], now: dt.datetime, *, hour: int
) -> tuple[Counts | None, bool]:
    """Counts in days that begin at `hour`, and whether imported files are in them."""
    names = [mirror.source for mirror in mirrors]
    spans = [mirror.span(zone, hour=hour, now=now) for mirror in mirrors]
    files = reading.find_files_span(session, zone=zone.key, hour=hour, mirrors=names)
    sources = choose_sources(spans, files)
    if sources is None:
        return None, not mirrors
    which: dict[str, Any] = {"zone": zone.key, "hour": hour, "mirrors": names, "with_files": sources.with_files}
    readings = group_readings(reading.list_readings(session, **which))
    coverage, not_judged = find_coverage(sources.span, readings)
    voices, writers = reading.list_voices(session, **which), reading.count_writers(session, **which)
    return Counts(voices, writers, coverage, not_judged), sources.with_files


def judge(seen: Seen) -> dict[int, Verdict]:
    """{theme: verdict} at the last covered day; `seen.standing` becomes what each judged day made of it."""
    if seen.day is None:
        return dict.fromkeys(seen.histories, Verdict(None, NO_DAY, None, {}))
    day, verdicts = seen.day, {}
    for date in list_days(day.coverage, judged=seen.judged):
        verdicts = judge_day(date, seen.histories, day.voices, day.writers, day.coverage)
        if date == day.coverage.last and seen.hours and is_week_known(seen.hours.coverage, seen.hours.coverage.last):
            hours = seen.hours
            verdicts = add_hourly(
                verdicts, judge_hour(seen.until, seen.histories, hours.voices, hours.writers, hours.coverage)
            )
        for theme, verdict in verdicts.items():
            advance(seen.standing.setdefault(theme, []), verdict, theme_id=theme, day=date)
    return verdicts


def store(session: Session, *, seen: Seen, verdicts: Mapping[int, Verdict], run_id: int) -> int:
    """Write episodes, verdicts and the look; returns how many flags are news."""
    if seen.day is None:
        records.record_look(session, judged_day=None, covered_days=None, not_judged=None)
        records.record_verdicts(session, verdicts=verdicts, episodes=seen.standing)
        return 0
    last, episodes = seen.day.coverage.last, seen.standing
    heirs = records.list_heirs(session, theme_ids=episodes)
    for gone in (theme for theme, heir in heirs.items() if heir is None):
        for one in episodes[gone]:
            one.ended_on = max(last, one.last_on)
    parents = records.list_parents(session, theme_ids=episodes)
    inherit(episodes, heirs={gone: heir for gone, heir in heirs.items() if heir}, parents=parents, day=last)
    new = records.record_episodes(session, episodes=episodes, run_id=run_id)
    records.record_verdicts(session, verdicts=verdicts, episodes=episodes)
    records.record_look(session, judged_day=last, covered_days=seen.day.coverage.days, not_judged=None)
    return sum(one.continues_id is None for one in new)
