"""Themes: the list, and one theme with its trend, its quotes and its life."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard import words
from dashboard.forms import PairKeyQuery, read_query
from dashboard.http import Redirect, View
from dashboard.listing import shared
from dashboard.lists import cut_issues, cut_themes
from dashboard.scopes import IssueQuery, ThemeQuery, compared, scope_parameters
from miner import settings
from miner.errors import NotFound
from miner.issues import queries as issues
from miner.issues import spending
from miner.issues.scope import Scope
from miner.issues.scores import find_quality
from miner.models import Theme
from miner.themes import queries as themes
from miner.themes.edit_queries import list_edits
from miner.themes.proposals import find_waiting
from miner.themes.windows import Window
from miner.tickets.queries import has_customers
from miner.trends import queries as trends
from miner.weeks import Week

if TYPE_CHECKING:
    from miner.themes.similar import Suggestion

PAGE = 50
MEANT = 10  # themes that a search finds by their meaning
SIMILAR = 5
EDITS = 10
QUOTES = 20
SPARK_WEEKS = 13
CHART_WEEKS = 26


def theme_list(request: Request, session: Session) -> View:
    asked = read_query(request, ThemeQuery)
    found = cut_themes(session, asked, PAGE)
    common = shared(request, session, asked, "themes")
    known, zone = has_customers(session), common["settings"].zone
    before = compared(asked, zone)
    first = _this_week(common["settings"]).shift(1 - SPARK_WEEKS).monday
    return View(
        "themes/list.html",
        common
        | {
            "found": found,
            "known": known,
            "sorts": words.THEME_SORTS if known else words.THEME_SORTS | {"biggest": words.BIGGEST_BY_REPORTS},
            "before": before,
            "before_days": _days(before),
            "sparks": trends.count_by_week(
                session, [theme.id for theme in found.rows], first_monday=first, weeks=SPARK_WEEKS
            ),
            "meant": _close_in_meaning(session, asked, {theme.id for theme in found.rows}),
            "unplaced": issues.count_issues(session, scope=Scope(theme="none")),
            "proposal": find_waiting(session),
            "quality": find_quality(session),
        },
    )


def _days(window: Window | None) -> dict[str, str]:
    """The window as the parameters of a list."""
    if window is None:
        return {}
    last = window.ends.date() - dt.timedelta(days=1)
    return {"from": window.starts.date().isoformat(), "to": last.isoformat()}


def theme(request: Request, session: Session) -> View | Redirect:
    one = themes.get_theme(session, request.path_params["id"])
    if one.heir_id is not None:
        return Redirect(f"/themes/{_last_heir(session, one)}")
    asked = read_query(request, PairKeyQuery)
    _, values = settings.load(session)
    this_week = _this_week(values)
    first = this_week.shift(1 - CHART_WEEKS)
    reports = trends.count_by_week(session, [one.id], first_monday=first.monday, weeks=CHART_WEEKS)[one.id]
    quotes = cut_issues(session, IssueQuery(after=asked.after), QUOTES, theme_id=one.id)
    same = themes.list_likenesses(session, one.id)
    return View(
        "themes/show.html",
        {
            "theme": one,
            "weeks": _from_first_report([(first.shift(n), count) for n, count in enumerate(reports)]),
            "days": this_week.days_begun(dt.datetime.now(dt.UTC)),
            "quotes": quotes,
            "unverified": issues.count_unverified(session, one.id),
            "portrait": themes.portrait_of(session, one),
            "same": same,
            "similar": _similar(session, one, {other for other, _, _ in same}),
            "edits": list_edits(session, theme_id=one.id, limit=EDITS),
            "spent": spending.find_theme_spending(session, one.id),
            "look": trends.find_look(session),
            "episodes": trends.list_episodes(session, one.id),
            "events": themes.list_theme_events(session, one.id),
            "first_page": not asked.after,
        },
    )


def _close_in_meaning(session: Session, asked: ThemeQuery, named: set[int]) -> list[Suggestion]:
    """Themes about the words of the search box, whatever they are called; on the first page, without a filter."""
    if not asked.text or asked.after or scope_parameters(asked, "text"):
        return []
    from miner.themes.meaning import search_by_meaning  # numpy and scipy: not before somebody searches

    return [
        one for one in search_by_meaning(session, words=asked.text, most=MEANT + len(named)) if one.id not in named
    ][:MEANT]


def _similar(session: Session, one: Theme, same: set[int]) -> list[Suggestion]:
    """The nearest other themes, as suggestions, without those that are probably the same."""
    if one.retired_at is not None:
        return []
    from miner.themes.similar import similar_themes

    found = similar_themes(session, one.id, most=SIMILAR + len(same))
    return [other for other in found if other.id not in same][:SIMILAR]


def _this_week(values: settings.Settings) -> Week:
    return Week.of(dt.datetime.now(values.zone).date(), values.zone)


def _from_first_report(weeks: list[tuple[Week, int]], *, at_least: int = SPARK_WEEKS) -> list[tuple[Week, int]]:
    """Without the empty weeks before the first report, but never fewer than `at_least`."""
    first = next((place for place, (_, count) in enumerate(weeks) if count), len(weeks))
    return weeks[min(first, len(weeks) - at_least) :]


def _last_heir(session: Session, one: Theme) -> int:
    """The theme at the end of the line of heirs; a damaged line that ends nowhere is not followed for ever."""
    for _ in range(100):
        if one.heir_id is None:
            return one.id
        one = themes.get_theme(session, one.heir_id)
    raise NotFound("theme", one.id)
