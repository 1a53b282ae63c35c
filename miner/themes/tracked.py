"""What the text for a tracker says of a theme, read from the database; `tracker.py` writes it down."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from miner.issues.scope import Scope, conditions, joined
from miner.models import Customer, Issue, Theme, Ticket
from miner.themes.queries import Portrait, portrait_of
from miner.themes.tracker import Item, Said
from miner.themes.windows import Figures, Window, count_windows
from miner.trends.phrases import counted, date

DAYS = 28
QUOTES, LOOKED_AT, FACTS, CUSTOMERS = 5, 500, 3, 20


@dataclass(frozen=True)
class Recent:
    """The last 28 days up to today and as many before; `first` and `last` are the days of the former, both in it."""

    now: Window
    before: Window
    first: dt.date
    last: dt.date

    @property
    def earlier_first(self) -> dt.date:
        return self.first - dt.timedelta(days=DAYS)

    @property
    def earlier_last(self) -> dt.date:
        return self.first - dt.timedelta(days=1)


def recent_days(moment: dt.datetime, zone: ZoneInfo) -> Recent:
    """The windows at `moment`, in days of the workspace's zone."""
    last = moment.astimezone(zone).date()
    edges = [_midnight(last + dt.timedelta(days=1 - days), zone) for days in (0, DAYS, 2 * DAYS)]
    first = last - dt.timedelta(days=DAYS - 1)
    return Recent(Window(edges[1], edges[0]), Window(edges[2], edges[1]), first, last)


def describe_theme(
    session: Session, theme: Theme, *, moment: dt.datetime, zone: ZoneInfo, public_url: str | None
) -> Item:
    """The item of a theme as of `moment`; without `public_url` nothing links back."""
    recent = recent_days(moment, zone)
    figures = count_windows(session, [theme.id], now=recent.now, before=recent.before)[theme.id]
    portrait = portrait_of(session, theme)
    rows = _list_voices(session, theme.id)
    told = {issue for issue, _ in portrait.quotes}
    chosen = sorted(rows, key=lambda row: row.id not in told)[:QUOTES]  # those of the portrait first; else the latest
    base = public_url.rstrip("/") if public_url else None
    return Item(
        title=theme.name,
        problem=_problem(portrait, chosen),
        affected=_affected(figures),
        numbers=_numbers(figures, recent, theme),
        quotes=[_said(row, base) for row in chosen],
        customers=sorted({row.customer for row in rows if row.customer}, key=str.casefold)[:CUSTOMERS],
        steps=_most_frequent(row.facts.get("detail") for row in chosen),
        errors=_most_frequent(
            text for row in rows if (text := row.facts.get("error_text")) and _is_quoted(text, row.text)
        ),
        workarounds=_most_frequent(row.facts.get("workaround") for row in rows),
        link=f"{base}/themes/{theme.id}" if base else None,
    )


def _midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), zone)


def _list_voices(session: Session, theme_id: int) -> Sequence[Row[Any]]:
    """The latest report of each customer, and of each ticket without one, among the latest 500; the latest first."""
    table, live = joined(), conditions(Scope(theme=theme_id))
    latest = (
        select(Issue.id, Issue.occurred_at, func.coalesce(Ticket.customer_id, -Ticket.id).label("voice"))
        .select_from(table)
        .where(*live)
        .order_by(Issue.occurred_at.desc(), Issue.id.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    one = select(latest.c.id).ext(distinct_on(latest.c.voice)).order_by(latest.c.voice, latest.c.occurred_at.desc())
    return session.execute(
        select(
            Issue.id,
            Issue.quote,
            Issue.summary,
            Issue.facts,
            Issue.ticket_id,
            Ticket.zendesk_ticket_id,
            Ticket.source_id,
            Ticket.url,
            Ticket.text,
            func.coalesce(Customer.name, Customer.external_key).label("customer"),
        )
        .select_from(table)
        .where(Issue.id.in_(one))
        .order_by(Issue.occurred_at.desc(), Issue.id.desc())
        .limit(50)
    ).all()


def _problem(portrait: Portrait, chosen: Sequence[Row[Any]]) -> list[str]:
    """Two sentences: those of the portrait, else what its first reports were summed up as."""
    said = [text for text, _ in portrait.sentences] or [row.facts.get("problem") or row.summary for row in chosen]
    return [text if text.endswith((".", "!", "?")) else f"{text}." for text in list(dict.fromkeys(said))[:2]]


def _affected(figures: Figures) -> list[str]:
    lines = []
    if figures.customers:
        plans = ", ".join(
            f"{count} {f'on {plan}' if plan else 'with an unknown plan'}" for plan, count in figures.plans
        )
        lines.append(f"{counted(figures.customers, 'customer')} in these {DAYS} days: {plans}")
        known = figures.customers - figures.revenue_unknown
        amount = (
            f"{figures.revenue:,.0f} {figures.currency or '(currency unknown)'}" if figures.revenue is not None else ""
        )
        unknown = f", unknown for {figures.revenue_unknown} of them" if figures.revenue_unknown else ""
        lines.append(f"Yearly revenue of these: {amount}{unknown}" if known else "Yearly revenue of these: unknown")
    else:
        lines.append(f"No known customer in these {DAYS} days")
    if figures.reports_without_customer:
        lines.append(f"{counted(figures.reports_without_customer, 'report')} of unknown customers")
    lines.append(f"{counted(figures.open_tickets, 'ticket')} still open")
    return lines


def _numbers(figures: Figures, recent: Recent, theme: Theme) -> list[str]:
    now = f"{counted(figures.reports, 'report')} from {counted(figures.customers, 'customer')}"
    before = f"{counted(figures.reports_before, 'report')} from {counted(figures.customers_before, 'customer')}"
    lines = [f"{now} in the {DAYS} days to {date(recent.last)}; {before} in the {DAYS} days before"]
    if theme.first_seen_at:
        lines.append(f"First report on {date(theme.first_seen_at.astimezone(recent.now.starts.tzinfo).date())}")
    return [*lines, theme.trend_sentence]


def _said(row: Row[Any], base: str | None) -> Said:
    if row.zendesk_ticket_id is not None:
        own = f"{base}/tickets/{row.ticket_id}" if base else None
        return Said(row.quote, f"Zendesk ticket {row.zendesk_ticket_id}", row.url or own, row.customer)
    address = f"{base}/tickets/{row.ticket_id}#issue-{row.id}" if base else None
    return Said(row.quote, f"Ticket {row.source_id}", address, row.customer)


def _is_quoted(error: str, text: str) -> bool:
    """Whether an error's text stands in the ticket, so that it is the customer's and not a model's."""
    return " ".join(error.split()).lower() in " ".join(text.split()).lower()


def _most_frequent(texts: Any) -> list[str]:
    found = Counter(text.strip() for text in texts if text and text.strip())
    return [text for text, _ in found.most_common(FACTS)]
