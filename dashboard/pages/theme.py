"""One theme: what it says, its trend with flags and fixes, who is affected, what is done about it, its life."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard import words
from dashboard.forms import PairKeyQuery, read_query
from dashboard.http import Redirect, View
from dashboard.lists import cut_issues
from dashboard.scopes import IssueQuery
from miner import settings
from miner.issues import queries as issues
from miner.issues import spending
from miner.issues.correction_queries import list_set_aside
from miner.issues.scope import Scope
from miner.models import Theme, ThemeEpisode
from miner.themes import queries as themes
from miner.themes.edit_queries import list_edits
from miner.themes.fixed import Split, find_split
from miner.themes.following import find_heir, list_fixes, list_following, list_log
from miner.themes.spread import count_spreads, count_weeks
from miner.themes.tracked import recent_days
from miner.themes.windows import Window, count_windows
from miner.tickets.affected import list_affected
from miner.trends import queries as trends
from miner.weeks import Week

if TYPE_CHECKING:
    from miner.themes.similar import Suggestion

SIMILAR = 5
EDITS = 10
LOG = 5  # of what people said; all of it is on a page of its own
QUOTES = 20
CUSTOMERS = 5
RETURNED = 5  # quotes that tell of a return
CHART_WEEKS, LEAST_WEEKS = 26, 13
_EVER = Window(dt.datetime(1, 1, 2, tzinfo=dt.UTC), dt.datetime(9999, 1, 1, tzinfo=dt.UTC))


def theme(request: Request, session: Session) -> View | Redirect:
    one = themes.get_theme(session, request.path_params["id"])
    if one.heir_id is not None:
        return Redirect(f"/themes/{find_heir(session, one.id)}")
    asked = read_query(request, PairKeyQuery)
    quotes = cut_issues(session, IssueQuery(after=asked.after), QUOTES, theme_id=one.id, all_live=True)
    _, values = settings.load(session)
    shown = {
        "theme": one,
        "quotes": quotes,
        "first_page": not asked.after,
        "look": trends.find_look(session),
        "following": list_following(session, [one.id])[one.id],
        "unverified": issues.count_unverified(session, one.id),
        "spent": spending.find_theme_spending(session, one.id),
        **_figures(session, one, values),
    }
    return View("themes/show.html", shown | (_first_page(session, one, values, shown) if not asked.after else {}))


def _figures(session: Session, one: Theme, values: settings.Settings) -> dict[str, Any]:
    """All reports, and those of the last 28 days against the 28 before."""
    recent = recent_days(dt.datetime.now(dt.UTC), values.zone)
    return {
        "recent": recent,
        "ever": count_windows(session, [one.id], now=_EVER, before=None)[one.id],
        "lately": count_windows(session, [one.id], now=recent.now, before=recent.before)[one.id],
    }


def _first_page(session: Session, one: Theme, values: settings.Settings, shown: Mapping[str, Any]) -> dict[str, Any]:
    """What stands on the page beside the quotes, which have further pages."""
    same = themes.list_likenesses(session, one.id)
    log = list_log(session, one.id)
    episodes = trends.list_episodes(session, one.id)
    look = shown["look"]
    split = find_split(session, one, until=look.judged_day if look else None, zone=values.zone)
    return {
        **_chart(session, one, values, episodes, list_fixes(log)),
        "portrait": themes.portrait_of(session, one),
        "same": same,
        "similar": _similar(session, one, {other for other, _, _ in same}),
        "edits": list_edits(session, theme_id=one.id, limit=EDITS),
        "log": log[:LOG],
        "log_total": len(log),
        "notes": [line for line in log if line.kind == "note" and line.after.get("note") and not line.undone_by],
        "episodes": episodes,
        "events": themes.list_theme_events(session, one.id),
        "split": split,
        "returned": _returned(session, one, split),
        "spreads": count_spreads(session, one.id),
        "affected": list_affected(session, scope=Scope(theme=one.id), limit=CUSTOMERS),
        "aside": list_set_aside(session, one.id),
    }


def _chart(
    session: Session,
    one: Theme,
    values: settings.Settings,
    episodes: Sequence[ThemeEpisode],
    fixes: Sequence[tuple[dt.datetime, str | None]],
) -> dict[str, Any]:
    """Reports a week, and {monday: [(shape, words, tone)]} of what is marked there."""
    this_week = Week.of(dt.datetime.now(values.zone).date(), values.zone)
    first = this_week.shift(1 - CHART_WEEKS)
    reports = count_weeks(session, one.id, first=first.monday, weeks=CHART_WEEKS, zone=values.zone)
    weeks = [(first.shift(n), count) for n, count in enumerate(reports)]
    marks: dict[dt.date, list[tuple[str, str, str]]] = defaultdict(list)
    for episode in reversed(episodes):
        name, shape, tone = words.FLAGS[episode.kind]
        marks[_monday(episode.started_on)].append((shape, f"{name} since {episode.started_on:%-d %b}", tone))
    for when, version in fixes:
        day = when.astimezone(values.zone).date()
        said = f"Fix reached customers {day:%-d %b}{f', version {version}' if version else ''}"
        marks[_monday(day)].append(("check", said, "good"))
    return {
        "weeks": _from_first_report(weeks),
        "days": this_week.days_begun(dt.datetime.now(dt.UTC)),
        "marks": dict(marks),
        "fixes": {_monday(when.astimezone(values.zone).date()) for when, _ in fixes},
    }


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=day.weekday())


def _returned(session: Session, one: Theme, split: Split | None) -> list[Any]:
    """The latest words of those who reported it since the fix, once each, where it came back."""
    if split is None or one.flag != "came_back":
        return []
    latest: dict[object, int] = {}
    for report in split.reports["after"]:
        latest.setdefault(report.customer_id or ("ticket", report.ticket_id), report.issue_id)
    return issues.list_issues_by_id(session, list(latest.values())[:RETURNED])


def _similar(session: Session, one: Theme, same: set[int]) -> list[Suggestion]:
    """The nearest other themes, as suggestions, without those that are probably the same."""
    if one.retired_at is not None:
        return []
    from miner.themes.similar import similar_themes

    found = similar_themes(session, one.id, most=SIMILAR + len(same))
    return [other for other in found if other.id not in same][:SIMILAR]


def _from_first_report(weeks: list[tuple[Week, int]], *, at_least: int = LEAST_WEEKS) -> list[tuple[Week, int]]:
    """Without the empty weeks before the first report, but never fewer than `at_least`."""
    first = next((place for place, (_, count) in enumerate(weeks) if count), len(weeks))
    return weeks[min(first, len(weeks) - at_least) :]
