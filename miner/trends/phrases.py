"""Numbers and days as sentences have them (pure)."""

from __future__ import annotations

import datetime as dt


def counted(number: float, noun: str) -> str:
    return f"{number:,.0f} {noun}{'' if number == 1 else 's'}"


def date(day: dt.date) -> str:
    return f"{day.day} {day:%b %Y}"
