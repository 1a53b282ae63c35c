"""Rows as JSON: one function a noun. Times are ISO 8601 in UTC; unknown is null."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from dashboard import words
from dashboard.http import Cut
from miner.issues.queries import IssueLine, Summary
from miner.models import Analysis, JobRun, JobRunStep, ThemeEpisode, Ticket, TicketComment, TrendLook
from miner.themes.ranking import ThemeLine
from miner.tickets.affected import CustomerLine
from miner.tickets.queries import TicketLine
from miner.tickets.text import subject_end

T = TypeVar("T")


def listing(found: Cut[T], shape: Callable[[T], dict[str, Any]]) -> dict[str, Any]:
    """A page of a list; `next` goes into the same parameter of the next request, null ends it.

    `total` counts all pages; where it is not `total_exact`, there are at least so many.
    """
    counted = {} if found.total is None else {"total": found.total.total, "total_exact": found.total.exact}
    return {"items": [shape(row) for row in found.rows], "next": found.next, **counted}


def time(when: dt.datetime | None) -> str | None:
    return when.astimezone(dt.UTC).isoformat() if when else None


def run(row: JobRun) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": f"/runs/{row.id}",
        "job": row.job_name,
        "state": row.state,
        "wait_reason": row.wait_reason,
        "wait_detail": row.wait_detail,
        "progress": words.progress_sentence(row),
        "trigger": row.trigger,
        "triggered_by": row.triggered_by,
        "args": row.args,
        "attempt": row.attempt,
        "max_attempts": row.max_attempts,
        "created_at": time(row.created_at),
        "started_at": time(row.started_at),
        "finished_at": time(row.finished_at),
        "counters": row.counters,
        "warnings": row.warning_count,
        "error_class": row.error_class,
        "error_message": row.error_message,
        "skip_reason": row.skip_reason,
        "settings_version": row.settings_version,
    }


def step(row: JobRunStep) -> dict[str, Any]:
    return {
        "name": row.name,
        "state": row.state,
        "unit": row.unit,
        "done": row.done,
        "total": row.total,
        "skip_reason": row.skip_reason,
        "counters": row.counters,
        "started_at": time(row.started_at),
        "finished_at": time(row.finished_at),
    }


def look(row: TrendLook | None) -> dict[str, Any]:
    """What the trends of themes are of: the day judged last, and why the latest look judged nothing (null: it did)."""
    return {
        "looked_at": time(row.looked_at) if row else None,
        "judged_day": row.judged_day.isoformat() if row and row.judged_day else None,
        "covered_days": row.covered_days if row else None,
        "not_judged": row.not_judged if row else None,
    }


def episode(row: ThemeEpisode) -> dict[str, Any]:
    """A flag from the day it was raised to the day it ended (null: it stands), with the numbers of its first day."""
    return {
        "id": row.id,
        "flag": row.kind,
        "started_on": row.started_on.isoformat(),
        "last_on": row.last_on.isoformat(),
        "ended_on": row.ended_on.isoformat() if row.ended_on else None,
        "raised_at": time(row.raised_at),
        "sentence": row.sentence,
        "numbers": row.numbers,
        "p": row.p,
        "continues_id": row.continues_id,
    }


def theme(row: ThemeLine, episodes: Iterable[ThemeEpisode]) -> dict[str, Any]:
    figures = row.figures
    return {
        "id": row.id,
        "url": f"/themes/{row.id}",
        "name": row.name,
        "type": row.type,
        "area": row.area,
        "status": row.status,
        "owner": row.owner,
        "issue_count": row.issue_count,
        "first_seen_at": time(row.first_seen_at),
        "last_seen_at": time(row.last_seen_at),
        "flag": row.flag,
        "flagged_at": time(row.flagged_at),
        "trend_sentence": row.trend_sentence,
        "trend_numbers": row.trend_numbers,
        "judged_at": time(row.judged_at),
        "episodes": [episode(one) for one in episodes],
        "reports": figures.reports,
        "reports_before": figures.reports_before,
        "customers": figures.customers,
        "customers_before": figures.customers_before,
        "reports_without_customer": figures.reports_without_customer,
        "revenue": amount(figures.revenue),
        "currency": figures.currency,
        "revenue_unknown": figures.revenue_unknown,
        "open_tickets": figures.open_tickets,
    }


def customer(row: CustomerLine) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "kind": row.kind,
        "source": row.source,
        "plan": row.plan,
        "segment": row.segment,
        "revenue": amount(row.revenue),
        "currency": row.currency,
        "owner": row.owner,
        "renewal_date": row.renewal_date.isoformat() if row.renewal_date else None,
        "reports": row.reports,
        "first_report_at": time(row.first_report_at),
        "last_report_at": time(row.last_report_at),
        "open_tickets": row.open_tickets,
        "latest_quote": row.quote,
        "latest_issue_id": row.issue_id,
        "latest_ticket_id": row.ticket_id,
    }


def ticket_line(row: TicketLine) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": f"/tickets/{row.id}",
        "source": row.source,
        "source_id": row.source_id,
        "subject": row.subject,
        "status": row.status,
        "source_url": row.url,
        "zendesk_ticket_id": row.zendesk_ticket_id,
        "customer_id": row.customer_id,
        "customer": row.customer,
        "plan": row.plan,
        "created_at": time(row.created_at),
        "original_created_at": time(row.original_created_at),
        "analyzed_at": time(row.analyzed_at),
        "pending": row.pending,
        "issues": None if row.pending and row.analyzed_at is None else row.issues,
    }


def summary(found: Summary) -> dict[str, Any]:
    """Counts of the issues in a scope; of what was not recognised the name is null."""

    def counted(counts: Mapping[Any, int]) -> list[dict[str, Any]]:
        return [{"value": value, "count": count} for value, count in counts.items()]

    return {
        "total": found.total,
        "by_type": counted(found.type),
        "by_area": counted(found.area),
        "by_severity": counted(found.severity),
    }


def amount(money: Decimal | None) -> float | None:
    return None if money is None else float(money)


def issue(row: IssueLine) -> dict[str, Any]:
    return {
        "id": row.id,
        "type": row.type,
        "area": row.area,
        "component": row.component,
        "severity": row.severity,
        "severity_phrase": row.severity_phrase,
        "severity_assumed": row.severity_phrase is None,
        "summary": row.summary,
        "quote": row.quote,
        "quote_start": row.quote_start,
        "quote_end": row.quote_end,
        "quote_verified": row.quote_verified,
        "occurred_at": time(row.occurred_at),
        "analyzer": row.analyzer,
        "confidence": row.confidence,
        "facts": row.facts,
        "ticket_id": row.ticket_id,
        "ticket_url": f"/tickets/{row.ticket_id}#issue-{row.id}",
        "theme_id": row.theme_id,
        "theme_name": row.theme_name,
    }


def ticket(
    row: Ticket, comments: Iterable[TicketComment], issues: Iterable[IssueLine], analyses: Iterable[Analysis]
) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": f"/tickets/{row.id}",
        "source": row.source,
        "source_id": row.source_id,
        "zendesk_ticket_id": row.zendesk_ticket_id,
        "subject": row.text[: subject_end(row.subject, row.text)],
        "status": row.status,
        "priority": row.priority,
        "tags": row.tags,
        "customer_id": row.customer_id,
        "text": row.text,
        "created_at": time(row.created_at),
        "updated_at": time(row.updated_at),
        "original_created_at": time(row.original_created_at),
        "analyzed_at": time(row.analyzed_at),
        "comments": [
            {
                "position": one.position,
                "author_kind": one.author_kind,
                "public": one.public,
                "body": one.body if one.text_start is None else row.text[one.text_start : one.text_end],
                "created_at": time(one.created_at),
                "text_start": one.text_start,
                "text_end": one.text_end,
            }
            for one in comments
        ],
        "issues": [issue(one) for one in issues],
        "analyses": [
            {
                "id": one.id,
                "analyzer": one.analyzer,
                "model": one.model,
                "outcome": one.outcome,
                "reason": one.reason,
                "issue_count": one.issue_count,
                "settings_version": one.settings_version,
                "input_tokens": one.input_tokens,
                "output_tokens": one.output_tokens,
                "cost_usd": amount(one.cost_usd),
                "run_id": one.run_id,
                "created_at": time(one.created_at),
            }
            for one in analyses
        ],
    }
