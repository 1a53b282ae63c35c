"""What the page of a week and its API say of a digest: the sentence on top, and where each number leads (pure)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from dashboard.render import day, plural, query
from dashboard.weeks import Compared, Week
from dashboard.words import THEME_STATUSES
from miner.trends.digest import SPARK_WEEKS, Digest, Line, Section
from miner.trends.kept import Since
from miner.trends.state import DataState
from miner.weeks import Days

NEWS = (("new", "new"), ("worse", "getting worse"), ("back", "back after a fix"))


@dataclass(frozen=True)
class To:
    """Addresses of the lists whose totals are the numbers of a digest."""

    digest: Digest

    def issues(self, *, before: bool = False, **filters: object) -> str:
        return self._list("issues", self.digest.before if before else self.digest.now, filters)

    def customers(self, *, before: bool = False, **filters: object) -> str:
        return self._list("customers", self.digest.before if before else self.digest.now, filters)

    def themes(self, **filters: object) -> str:
        return self._list("themes", self.digest.now, filters)

    def affected(self, name: str, **filters: object) -> str:
        """The list `name` in the days whose customers and open tickets a row tells."""
        return self._list(name, self.digest.affected, filters)

    def _list(self, name: str, days: Days, filters: dict[str, object]) -> str:
        return f"/{name}{query(**filters, **{'from': days.first, 'to': days.last})}"


@dataclass(frozen=True)
class Headline:
    """The sentence on top, around the numbers of reports and themes: `opening`, the numbers, `ending`."""

    opening: str
    ending: str

    def whole(self, digest: Digest) -> str:
        """With its numbers, as text."""
        counted = f"{plural(digest.totals.reports, 'report')}, {plural(digest.totals.themes, 'theme')}"
        return f"{self.opening}{counted}{self.ending}"


def headline(digest: Digest, *, period: str, state: DataState | None) -> Headline:
    """`period` is `this week` or `in week 47`; `state` None: nobody looked whether these days were usual."""
    news = [f"{digest.count(name):,} {word}" for name, word in NEWS if digest.count(name)]
    if news:
        told = f"{', '.join(news)} {period}"
        return Headline(f"{told[:1].upper()}{told[1:]}: ", ".")
    if not digest.totals.reports:
        return Headline(f"Nothing {period}: ", ".")
    if state is None:
        return Headline(f"Nothing new {period}: ", "; whether that was usual was not judged then.")
    if state.why_not_usual:
        return Headline(f"Nothing new {period}: ", f"; whether that is usual cannot be said ({state.why_not_usual}).")
    if digest.count("fading"):
        return Headline(f"Nothing new and nothing worse {period}: ", ".")
    return Headline(f"Nothing new {period}: ", ", all within their usual range.")


def period_of(compared: Compared) -> str:
    """The days in a sentence: `this week`, `in week 47`, `from 1 to 28 Nov 2026`."""
    week = compared.week
    if week is None:
        return f"from {span(compared.now)}"
    return "this week" if compared.is_present else f"in week {week.number}"


def span(days: Days) -> str:
    """`16 to 22 Nov 2026`, with as much of the first day as differs."""
    first, last = days.first, days.last
    if first == last:
        return day(last)
    start = f"{first.day}" if (first.year, first.month) == (last.year, last.month) else f"{first.day} {first:%b}"
    return f"{start if first.year == last.year else day(first)} to {day(last)}"


def more(section: Section, to: To, *, present: bool) -> list[tuple[str, str]]:
    """(words, address) of the lists that hold the rest of a section; a number only where the list has just as many."""
    if section.total <= len(section.lines):
        return []
    if section.name == "biggest":
        return [("All themes of these days", to.themes())]
    if not present:
        return [("More in the list of themes", to.themes())]
    counted = section.name != "fading"  # what faded long ago is in the list, not in the section
    return [
        (f"All {number:,} {flag.replace('_', ' ')}" if counted else f"All {flag}", f"/themes{query(flag=flag)}")
        for flag, number in section.flags.items()
    ]


def corrections(line: Line, today: Since) -> list[str]:
    """What is otherwise by now with a theme of a closed week, each as the end of "since then ..."."""
    said = ["retired"] if today.retired else []
    if today.name != line.name:
        said.append(f"renamed “{today.name}”")
    if today.status != line.status:
        said.append(f"marked as {THEME_STATUSES[today.status][0].lower()}")
    found = today.figures
    if not today.retired and (found.reports, found.customers) != (line.reports, line.customers):
        whose = f" of {plural(found.customers, 'customer')}" if found.customers or line.customers else ""
        said.append(f"counted anew: {plural(found.reports, 'report')}{whose} in this week")
    return said


def spark_weeks(days: Days) -> list[Week]:
    """The weeks of the small lines, the oldest first."""
    last = Week.of(days.last, days.zone)
    return [last.shift(number) for number in range(1 - SPARK_WEEKS, 1)]


def money(amount: Decimal, currency: str | None) -> str:
    """`120,000 USD`, to the unit: what a customer pays in a year."""
    return f"{amount:,.0f} {currency}" if currency else f"{amount:,.0f}"


@dataclass(frozen=True)
class Preset:
    word: str
    url: str
    chosen: bool


def presets(compared: Compared) -> list[Preset]:
    """This week, last week, the last four weeks; each with the days right before it."""
    this = Week.of(compared.today, compared.now.zone)
    weeks = Days(this.shift(-4).monday, this.shift(-1).sunday, this.zone)
    ranges = (("This week", this.days), ("Last week", this.shift(-1).days), ("Last 4 weeks", weeks))
    return [
        Preset(
            word,
            "/" if days == this.days else f"/{query(**{'from': days.first, 'to': days.last})}",
            (compared.now, compared.before) == (days, days.before()),
        )
        for word, days in ranges
    ]


def is_fresh(raised_at: dt.datetime | None, since: dt.datetime | None) -> bool:
    """Whether a mark is newer than somebody's last visit; at the first visit nothing is."""
    return raised_at is not None and since is not None and raised_at > since
