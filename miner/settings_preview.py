"""What a change of settings would do, in numbers, before it is made: read from what is stored, nothing is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.issues.knowledge import measure_prompt
from miner.issues.taxonomy import area_finder
from miner.settings import Settings
from miner.settings_file import changed
from miner.tickets.customer_facts import preview_facts

NEWEST = 500  # texts in which areas are looked for
_TAXONOMY = {"areas", "components", "type_definitions", "severity_definitions", "product", "language"}


@dataclass(frozen=True, slots=True)
class Effect:
    """A sentence about what would change, and where it can be tried (address, words)."""

    sentence: str
    link: tuple[str, str] | None = None


def preview(session: Session, before: Settings, after: Settings, *, version: int) -> list[Effect]:
    """Every effect of going from `before` (that `version`) to `after`; empty: nothing differs."""
    names = set(changed(before, after))
    effects = []
    if "time_zone" in names:
        effects.append(_time_zone(session, before, after))
    if {"areas", "components"} & names and after.areas != before.areas:
        effects.append(_areas(session, before, after))
    if _TAXONOMY & names:
        effects.append(_prompt(session, before, after, version=version))
    if {"granularity", "smallest_theme", "regroup_days"} & names:
        effects.append(_themes(session))
    if {"redaction", "private_notes"} & names:
        effects.append(_texts(session, before, after))
    if "customer_fields" in names:
        effects += _customers(session, after)
    if names and not effects:
        effects.append(Effect("It changes how the next runs work; what is stored stays as it is."))
    return effects


def _time_zone(session: Session, before: Settings, after: Settings) -> Effect:
    row = session.execute(
        text("""
            SELECT count(*) AS issues, count(*) FILTER (WHERE CAST(occurred_at AT TIME ZONE :before AS date)
                <> CAST(occurred_at AT TIME ZONE :after AS date)) AS moved
            FROM issues WHERE retired_at IS NULL"""),
        {"before": before.time_zone, "after": after.time_zone},
    ).one()
    return Effect(
        f"Days and weeks are counted anew by the next update of the trends: {row.moved:,} of {row.issues:,} reports "
        f"fall on another day in {after.time_zone} than in {before.time_zone}. No ticket is read again."
    )


def _areas(session: Session, before: Settings, after: Settings) -> Effect:
    texts = _newest_texts(session)
    old, new = Counter(map(area_finder(before.areas), texts)), Counter(map(area_finder(after.areas), texts))
    both = dict.fromkeys([*after.areas, *before.areas])
    sizes = ", ".join(f"{area} {old[area]:,} → {new[area]:,}" for area in both if old[area] != new[area])
    return Effect(
        f"Of the newest {len(texts):,} texts, {len(texts) - old[None]:,} show the words of an area now and "
        f"{len(texts) - new[None]:,} would{f' ({sizes})' if sizes else ''}. Issues that were found keep their area "
        "until their tickets are read again."
    )


def count_areas(session: Session, areas: Mapping[str, list[str]]) -> tuple[int, dict[str, int]]:
    """How many of the newest texts there are, and how many of them show which area's words."""
    texts = _newest_texts(session)
    found = Counter(map(area_finder(dict(areas)), texts))
    return len(texts), {area: count for area, count in found.items() if area is not None}


def _newest_texts(session: Session) -> Sequence[str]:
    return session.scalars(
        text("SELECT text FROM tickets WHERE deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT :most"),
        {"most": NEWEST},
    ).all()


def _prompt(session: Session, before: Settings, after: Settings, *, version: int) -> Effect:
    old, new = (measure_prompt(session, one, version=version).prefix for one in (before, after))
    return Effect(
        f"What Claude is told before the tickets grows from {old:,} to {new:,} characters."
        if new > old
        else f"What Claude is told before the tickets goes from {old:,} to {new:,} characters.",
        ("/settings/again", "After saving: try it on a sample, with its price"),
    )


def _themes(session: Session) -> Effect:
    issues = _count(session, "SELECT count(*) FROM issues WHERE retired_at IS NULL")
    return Effect(
        f"The next grouping cuts {issues:,} issues anew; one that would move over 30 % of them waits for a decision.",
        ("/themes/granularity", "Count the themes of another granularity first"),
    )


def _texts(session: Session, before: Settings, after: Settings) -> Effect:
    anew = _count(
        session,
        "SELECT count(*) FROM tickets WHERE deleted_at IS NULL AND text_rules <> :mark",
        mark=after.text_rules.mark,
    )
    notes = _count(session, "SELECT count(*) FROM ticket_comments WHERE NOT public")
    said = f" {notes:,} private notes would be read." if after.private_notes and not before.private_notes else ""
    return Effect(
        f"The next analysis makes {anew:,} texts anew, before it reads; only tickets whose text is another then are "
        f"read again.{said}",
        ("/settings/again", "What reading tickets again costs"),
    )


def _customers(session: Session, after: Settings) -> list[Effect]:
    total, facts = preview_facts(session, after.customer_fields)
    if not total:
        return [Effect("No customer is known yet; the next sync maps them.")]
    return [
        Effect(
            f"{fact.name.capitalize()}: known of {fact.now:,} of {total:,} customers now, of {fact.then:,} then; "
            f"{fact.changed:,} would change."
        )
        for fact in facts
        if fact.now or fact.then
    ] or [Effect(f"None of {total:,} customers would get a fact: no field or tag of that name is filled in.")]


def _count(session: Session, statement: str, **values: Any) -> int:
    return int(session.scalar(text(statement), values) or 0)
