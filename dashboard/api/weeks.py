"""A week as JSON: what its page says, with the addresses of the lists behind the numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from dashboard import digests
from dashboard.api.shapes import time
from dashboard.forms import Query, read_query
from dashboard.weeks import Compared, Week
from miner import settings
from miner.trends.digest import Digest, Line, read_digest
from miner.trends.kept import Since, find_kept, find_since
from miner.trends.quotes import Quote, list_quotes
from miner.trends.state import DataState, find_state


def week(request: Request, session: Session) -> dict[str, Any]:
    """A closed week as it was shown, with what was corrected since; any other week as it is now."""
    read_query(request, Query, strict=True)
    version, values = settings.load(session)
    now = dt.datetime.now(dt.UTC)
    asked = Week.parse(request.path_params["week"], values.zone)
    compared = Compared(asked.days, asked.days.before(), now.astimezone(values.zone).date())
    kept = find_kept(session, asked.monday) if asked.ends <= now else None
    if kept:
        digest, state, since = kept.digest, kept.state, find_since(session, kept.digest)[0]
        judged = None if kept.later else state
    else:
        state, since = find_state(session, settings_version=version), {}
        digest = read_digest(session, now=compared.now, before=compared.before, present=compared.is_present)
        judged = state if compared.is_present else None
    quotes = list_quotes(session, [line.issue_id for section in digest.sections for line in section.lines])
    to = digests.To(digest)
    told = digests.headline(digest, period=digests.period_of(compared), state=judged)
    return {
        "week": asked.name,
        "url": f"/weeks/{asked.name}",
        "from": digest.now.first.isoformat(),
        "to": digest.now.last.isoformat(),
        "against_from": digest.before.first.isoformat(),
        "against_to": digest.before.last.isoformat(),
        "affected_from": digest.affected.first.isoformat(),
        "time_zone": digest.now.zone.key,
        "kept": kept is not None,
        "closed_at": time(kept.closed_at) if kept else None,
        "put_together_later": kept.later if kept else None,
        "sentence": told.whole(digest),
        "data": _state(state),
        "reports": digest.totals.reports,
        "reports_url": to.issues(),
        "reports_before": digest.totals.before,
        "reports_before_url": to.issues(before=True),
        "themes": digest.totals.themes,
        "themes_url": to.themes(),
        "sections": _sections(digest, to, quotes, since),
    }


def _state(state: DataState) -> dict[str, Any]:
    return {
        "at": time(state.at),
        "tickets": state.tickets,
        "tickets_exact": state.exact,
        "pending": state.pending,
        "share_read": state.read,
        "complete_through": time(state.complete_through),
        "model": state.model,
        "settings_version": state.settings_version,
        "judged_day": state.judged_day and state.judged_day.isoformat(),
        "not_judged": state.not_judged,
    }


def _sections(
    digest: Digest, to: digests.To, quotes: Mapping[int, Quote], since: Mapping[int, Since]
) -> list[dict[str, Any]]:
    return [
        {
            "name": section.name,
            "themes": section.total,
            "rows": [_line(line, to, quotes, since.get(line.theme_id)) for line in section.lines],
        }
        for section in digest.sections
    ]


def _line(line: Line, to: digests.To, quotes: Mapping[int, Quote], since: Since | None) -> dict[str, Any]:
    quote = quotes.get(line.issue_id) if line.issue_id is not None else None
    return {
        "theme_id": line.theme_id,
        "url": f"/themes/{line.theme_id}",
        "name": line.name,
        "flag": line.flag,
        "flagged_at": time(line.raised_at),
        "sentence": line.sentence,
        "status": line.status,
        "owner": line.owner,
        "tracker_links": [{"url": url, "title": title} for url, title in line.links],
        "quote": quote.text if quote else None,
        "quote_url": f"/tickets/{quote.ticket_id}#issue-{quote.issue_id}" if quote else None,
        "reports": line.reports,
        "reports_url": to.issues(theme=line.theme_id),
        "reports_before": line.reports_before,
        "customers": line.customers,
        "customers_url": to.customers(theme=line.theme_id),
        "customers_before": line.customers_before,
        "reports_without_customer": line.without_customer,
        "affected": _affected(line, to),
        "weeks_in_top_five": line.weeks_in_top,
        "reports_by_week": list(line.spark),
        "since": _since(since) if since else None,
    }


def _affected(line: Line, to: digests.To) -> dict[str, Any]:
    """Who is affected, in the days of `affected_from` to `to`."""
    found = line.affected
    return {
        "customers": found.customers,
        "customers_url": to.affected("customers", theme=line.theme_id),
        "reports_without_customer": found.without_customer,
        "plans": [{"plan": plan, "customers": customers} for plan, customers in found.plans],
        "revenue": None if found.revenue is None else str(found.revenue),
        "currency": found.currency,
        "customers_without_revenue": found.revenue_unknown,
        "customers_without_revenue_url": to.affected("customers", theme=line.theme_id, revenue="unknown"),
        "open_tickets": found.open_tickets,
        "open_tickets_url": to.affected("tickets", theme=line.theme_id, open="yes"),
    }


def _since(since: Since) -> dict[str, Any]:
    """How a theme of a closed week is now."""
    return {
        "name": since.name,
        "status": since.status,
        "retired": since.retired,
        "merged_into": {"id": since.heir[0], "name": since.heir[1]} if since.heir else None,
        "reports": since.figures.reports,
        "customers": since.figures.customers,
    }
