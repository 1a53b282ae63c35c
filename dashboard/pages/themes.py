"""Themes: the list."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard import words
from dashboard.forms import read_query
from dashboard.http import View
from dashboard.listing import shared
from dashboard.lists import cut_themes
from dashboard.scopes import ThemeQuery, compared, scope_parameters
from miner import settings
from miner.issues import queries as issues
from miner.issues.scope import Scope
from miner.issues.scores import find_quality
from miner.themes.proposals import find_waiting
from miner.themes.windows import Window
from miner.tickets.queries import has_customers
from miner.trends import queries as trends
from miner.weeks import Week

if TYPE_CHECKING:
    from miner.themes.similar import Suggestion

PAGE = 50
MEANT = 10  # themes that a search finds by their meaning
SPARK_WEEKS = 13


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


def _close_in_meaning(session: Session, asked: ThemeQuery, named: set[int]) -> list[Suggestion]:
    """Themes about the words of the search box, whatever they are called; on the first page, without a filter."""
    if not asked.text or asked.after or scope_parameters(asked, "text"):
        return []
    from miner.themes.meaning import search_by_meaning  # numpy and scipy: not before somebody searches

    return [
        one for one in search_by_meaning(session, words=asked.text, most=MEANT + len(named)) if one.id not in named
    ][:MEANT]


def _this_week(values: settings.Settings) -> Week:
    return Week.of(dt.datetime.now(values.zone).date(), values.zone)
