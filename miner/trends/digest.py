"""The week as one thing: its sections with everything that a row says, for the page, the API and the rows that last.

A row names the issue whose quote it shows and never holds the quote itself, so that a deleted ticket leaves no word.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.themes.following import Following, list_following
from miner.themes.windows import Figures, Window, count_windows
from miner.trends.queries import count_by_week
from miner.trends.quotes import find_quoted
from miner.trends.sections import SECTIONS, Placed, place_themes
from miner.weeks import DAY, Days, Week

ROWS = 5  # of a section
SPARK_WEEKS = 13


@dataclass(frozen=True)
class Totals:
    """Live issues with a verified quote in the days and in those before, and how many themes they are in."""

    reports: int
    before: int
    themes: int


@dataclass(frozen=True)
class Affected:
    """Who is affected, in the days that `Digest.affected` names. `plans` are (plan or None, customers), the biggest
    first; `revenue` is a year's, None: of no customer is it known.
    """

    customers: int
    without_customer: int
    plans: tuple[tuple[str | None, int], ...]
    revenue: Decimal | None
    currency: str | None
    revenue_unknown: int
    open_tickets: int


@dataclass(frozen=True)
class Line:
    """A theme on the page. `issue_id` is where its quote stands (None: it has none yet).

    `weeks_in_top` counts the weeks in which it was among the five biggest, this one included; `spark` are the reports
    of each of the last 13 weeks; `links` are (address, title) at trackers.
    """

    theme_id: int
    name: str
    flag: str | None
    sentence: str | None
    raised_at: dt.datetime | None
    status: str
    owner: str | None
    links: tuple[tuple[str, str], ...]
    issue_id: int | None
    reports: int
    reports_before: int
    customers: int
    customers_before: int
    without_customer: int
    affected: Affected
    weeks_in_top: int
    spark: tuple[int, ...]


@dataclass(frozen=True)
class Section:
    """At most five of the `total` themes of a section; `flags` says how many have which flag."""

    name: str
    total: int
    flags: dict[str, int]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Digest:
    """What a page of the week says. `top` are the five biggest themes, in whatever section.

    `affected` are the days whose customers, plans, revenue and open tickets a row tells: those of `now`, and while
    these go on, those right before too, or Monday's page would know nobody.
    """

    now: Days
    before: Days
    affected: Days
    totals: Totals
    sections: tuple[Section, ...]
    top: tuple[int, ...]

    def theme_ids(self) -> list[int]:
        return [line.theme_id for section in self.sections for line in section.lines]

    @property
    def knows_customers(self) -> bool:
        """Whether any customer is known of what is shown."""
        lines = (line for section in self.sections for line in section.lines)
        return any(line.customers or line.customers_before or line.affected.customers for line in lines)

    def count(self, *names: str) -> int:
        """Themes in these sections."""
        return sum(section.total for section in self.sections if section.name in names)


def read_digest(session: Session, *, now: Days, before: Days, present: bool, just_judged: bool = False) -> Digest:
    """The sections of the days `now` against `before`, in a fixed number of statements; as `place_themes`."""
    placed = place_themes(session, now=now, before=before, present=present, just_judged=just_judged)
    candidates = list(dict.fromkeys(one.id for one in placed))
    figures = count_windows(session, candidates, now=_window(now), before=_window(before))
    ranked = sorted(placed, key=lambda one: _size(figures[one.id], present=present), reverse=True)
    top = tuple(dict.fromkeys(one.id for one in ranked if figures[one.id].reports or present))[:ROWS]
    chosen = {name: [one for one in ranked if one.section == name] for name in SECTIONS}
    ids = [one.id for ones in chosen.values() for one in ones[:ROWS]]
    affected = Days(before.first, now.last, now.zone) if present and before.last + DAY == now.first else now
    parts = _Parts(
        figures=figures,
        affected=count_windows(session, ids, now=_window(affected), before=None) if affected != now else figures,
        issues=find_quoted(session, ids, until=now.ends),
        following=list_following(session, ids),
        weeks=count_weeks_in_top(session, ids, now=now, top=top),
        sparks=count_by_week(
            session, ids, first_monday=Week.of(now.last, now.zone).shift(1 - SPARK_WEEKS).monday, weeks=SPARK_WEEKS
        ),
    )
    return Digest(
        now=now,
        before=before,
        affected=affected,
        totals=count_totals(session, now=now, before=before),
        sections=tuple(
            Section(name, ones[0].total, _by_flag(ones), tuple(parts.line(one) for one in ones[:ROWS]))
            for name, ones in chosen.items()
            if ones
        ),
        top=top,
    )


@dataclass(frozen=True)
class _Parts:
    """What the statements found, by theme."""

    figures: Mapping[int, Figures]
    affected: Mapping[int, Figures]
    issues: Mapping[int, int]
    following: Mapping[int, Following]
    weeks: Mapping[int, int]
    sparks: Mapping[int, Sequence[int]]

    def line(self, one: Placed) -> Line:
        found = self.figures[one.id]
        _, owner, links = self.following[one.id]
        return Line(
            theme_id=one.id,
            name=one.name,
            flag=one.flag,
            sentence=_sentence(one),
            raised_at=one.raised_at,
            status=one.status,
            owner=owner,
            links=tuple((link.url, link.label) for link in links),
            issue_id=self.issues.get(one.id),
            reports=found.reports,
            reports_before=found.reports_before,
            customers=found.customers,
            customers_before=found.customers_before,
            without_customer=found.reports_without_customer,
            affected=_affected(self.affected[one.id]),
            weeks_in_top=self.weeks.get(one.id, 0),
            spark=tuple(self.sparks[one.id]),
        )


def _size(found: Figures, *, present: bool) -> tuple[int, ...]:
    """The most customers first, then the most reports; the days before count too while the present ones go on."""
    if present:
        return (found.customers + found.customers_before, found.reports + found.reports_before, found.reports)
    return (found.customers, found.reports, found.reports_before)


def _by_flag(ones: Sequence[Placed]) -> dict[str, int]:
    return {one.flag: one.alike for one in ones if one.flag}


def _window(days: Days) -> Window:
    return Window(days.starts, days.ends)


def _affected(found: Figures) -> Affected:
    return Affected(
        customers=found.customers,
        without_customer=found.reports_without_customer,
        plans=tuple(found.plans),
        revenue=found.revenue,
        currency=found.currency,
        revenue_unknown=found.revenue_unknown,
        open_tickets=found.open_tickets,
    )


def _sentence(one: Placed) -> str | None:
    """What was said of the theme; of one without a mark in those days, why it is in its section."""
    if one.section == "fading" and one.fixed_on and one.flag not in ("fading", "faded"):
        return f"Marked as fixed on {_day(one.fixed_on)}" + (f". {one.sentence}" if one.sentence else "")
    if one.section == "new" and one.sentence is None and one.first_on:
        return f"First reported on {_day(one.first_on)}; nothing was judged then"
    return one.sentence


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%b %Y}"


def count_totals(session: Session, *, now: Days, before: Days) -> Totals:
    """Live issues with a verified quote in both ranges, those without a theme too, and the themes of the first."""
    row = session.execute(
        text("""
            SELECT count(*) FILTER (WHERE occurred_at >= :starts AND occurred_at < :ends) AS reports,
              count(*) FILTER (WHERE occurred_at >= :before_starts AND occurred_at < :before_ends) AS before,
              count(DISTINCT theme_id) FILTER (WHERE occurred_at >= :starts AND occurred_at < :ends) AS themes
            FROM issues
            WHERE retired_at IS NULL AND quote_verified AND (occurred_at >= :starts AND occurred_at < :ends
              OR occurred_at >= :before_starts AND occurred_at < :before_ends)"""),
        {
            "starts": now.starts,
            "ends": now.ends,
            "before_starts": before.starts,
            "before_ends": before.ends,
        },
    ).one()
    return Totals(row.reports, row.before, row.themes)


def count_weeks_in_top(session: Session, theme_ids: Sequence[int], *, now: Days, top: Sequence[int]) -> dict[int, int]:
    """{theme: weeks among the five biggest}: those kept, and when `now` is a week, that one for those in `top`."""
    week = Week.of(now.first, now.zone)
    is_week = now == week.days
    rows = session.execute(
        text("""
            SELECT theme_id, count(*) AS weeks FROM closed_weeks, unnest(top) AS theme_id
            WHERE theme_id = ANY(:ids) AND monday < :before GROUP BY theme_id"""),
        {"ids": list(theme_ids), "before": now.first if is_week else now.last},
    )
    counts = {row.theme_id: row.weeks for row in rows}
    return {one: counts.get(one, 0) + (is_week and one in top) for one in theme_ids}
