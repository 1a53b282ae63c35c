"""The weekly check: ten reports and five answers of "no product issue", drawn at random and judged by a person.

It is drawn by the week's first reading that finds enough to draw from; until then a person can have it drawn. The draw
depends on the week and on what there is to draw from alone, so nobody chooses what is looked at.

What it measures is kept apart from what is learned from: the tickets of a check give no examples to the prompt whose
readings it scores (`examples.py`), and what was read after an example of the same ticket is not drawn here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from miner import settings
from miner.access import Actor, Role, audit, require
from miner.errors import InvalidArguments, NotFound, UsageError
from miner.issues.shares import draw
from miner.models import VERDICTS, Check, CheckItem

REPORTS, ANSWERS = 10, 5
MOST_DRAWN_FROM = 50_000  # the newest ones, of each kind


def this_monday(session: Session) -> dt.date:
    """The first day of this week in the workspace's zone, by the database's clock."""
    zone = settings.load(session)[1].time_zone
    today: dt.date = session.execute(text("SELECT CAST(now() AT TIME ZONE :zone AS date)"), {"zone": zone}).scalar_one()
    return today - dt.timedelta(days=today.weekday())


def draw_check(session: Session, *, by: Actor, seed: int | None = None) -> Check:
    """Draw this week's check, or return the one that is there. `seed`: another one than the week's own.

    Raises UsageError when there is nothing to draw from.
    """
    require(by, Role.operator, "draw a check")
    monday = this_monday(session)
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('checks'))"))  # two people, one check a week
    found = session.scalars(select(Check).where(Check.monday == monday)).first()
    if found is not None:
        return found
    seed = monday.toordinal() if seed is None else seed
    reports = _draw(session, _REPORTS, REPORTS, seed)
    answers = _draw(session, _ANSWERS, ANSWERS, seed)
    if not reports and not answers:
        raise UsageError("there is no reading to check that was not checked before: read tickets first")
    check = Check(monday=monday, seed=seed, created_by=str(by))
    session.add(check)
    session.flush()
    rows = [*_items(session, _SHOWN_REPORTS, reports), *_items(session, _SHOWN_ANSWERS, answers)]
    session.add_all(CheckItem(check_id=check.id, position=place, **row) for place, row in enumerate(rows, 1))
    session.flush()
    audit(session, by, "check.draw", "check", check.id, after={"seed": seed, "items": len(rows)})
    return check


def is_due(session: Session) -> bool:
    """Whether this week's check is not there yet, and there are ten reports to draw from."""
    there = find_check(session, monday=this_monday(session)) is not None
    return not there and len(session.execute(text(_REPORTS), {"most": REPORTS}).all()) == REPORTS


def answer_check(session: Session, item_id: int, *, verdict: str, by: Actor) -> CheckItem:
    """Judge an item, or judge it anew. Raises NotFound, InvalidArguments for a verdict that it cannot have."""
    require(by, Role.operator, "answer a check")
    item = session.get(CheckItem, item_id, with_for_update=True)
    if item is None:
        raise NotFound("check item", item_id)
    allowed = VERDICTS if item.theme_id is not None else ("right", "wrong")
    if verdict not in allowed:
        raise InvalidArguments({"verdict": f"choose one of {', '.join(allowed)}"})
    before = item.verdict
    item.verdict, item.answered_by, item.answered_at = verdict, str(by), func.now()
    audit(session, by, "check.answer", "check_item", item_id, before={"verdict": before}, after={"verdict": verdict})
    session.flush()
    return item


def find_check(session: Session, *, monday: dt.date | None = None) -> Check | None:
    """The check of that week; None: the newest one."""
    query = select(Check).order_by(Check.monday.desc()).limit(1)
    return session.scalars(query if monday is None else query.where(Check.monday == monday)).first()


def list_items(session: Session, check_id: int) -> Sequence[CheckItem]:
    return session.scalars(select(CheckItem).where(CheckItem.check_id == check_id).order_by(CheckItem.position)).all()


def _draw(session: Session, pool: str, count: int, seed: int) -> list[int]:
    """From what the newest settings and model read; only if that is not enough, from what older ones did."""
    rows = session.execute(text(pool), {"most": MOST_DRAWN_FROM}).all()
    if not rows:
        return []
    newest = max((row.settings_version, row.analysis_id, row.model) for row in rows)
    own = [row.id for row in rows if (row.settings_version, row.model) == (newest[0], newest[2])]
    drawn = draw(own, count, seed=seed)
    if len(drawn) < count:
        drawn += draw({row.id for row in rows} - set(own), count - len(drawn), seed=seed)
    return drawn


def _items(session: Session, query: str, ids: Sequence[int]) -> list[Mapping[str, Any]]:
    """The columns of the items, in the order drawn."""
    rows = {row["key"]: dict(row) for row in session.execute(text(query), {"ids": list(ids)}).mappings()}
    return [{name: value for name, value in rows[one].items() if name != "key"} for one in ids]


# What a person set aside meanwhile is drawn too: leaving out just that would make the readings look better than they
# are. What a person marked was not read at all. A quote that was not found is no report.
_REPORTS = """
    SELECT issue.id, analysis.settings_version, analysis.model, analysis.id AS analysis_id
    FROM issues AS issue
      JOIN analyses AS analysis ON analysis.id = issue.analysis_id
      JOIN tickets AS ticket ON ticket.id = issue.ticket_id AND ticket.deleted_at IS NULL
    WHERE (issue.retired_at IS NULL OR issue.retired_reason = 'not an issue') AND NOT issue.edited ? 'missed'
      AND issue.quote_verified
      AND NOT EXISTS (SELECT FROM check_items WHERE analysis_id = analysis.id AND issue_id = issue.id)
      AND NOT EXISTS (
        SELECT FROM corrections WHERE ticket_id = ticket.id AND undone_at IS NULL
          AND created_at < analysis.created_at)
    ORDER BY issue.analysis_id DESC, issue.id DESC LIMIT :most"""
_ANSWERS = """
    SELECT analysis.id, analysis.settings_version, analysis.model, analysis.id AS analysis_id
    FROM analyses AS analysis
      JOIN tickets AS ticket ON ticket.id = analysis.ticket_id AND ticket.deleted_at IS NULL
        AND ticket.text_hash = analysis.text_hash
    WHERE analysis.outcome = 'no_issue'
      AND NOT EXISTS (
        SELECT FROM analyses AS later WHERE later.ticket_id = ticket.id AND later.id > analysis.id)
      AND NOT EXISTS (SELECT FROM check_items WHERE analysis_id = analysis.id)
      AND NOT EXISTS (
        SELECT FROM corrections WHERE ticket_id = ticket.id AND undone_at IS NULL
          AND created_at < analysis.created_at)
    ORDER BY analysis.id DESC LIMIT :most"""
# As it was read: what was corrected since is shown as it stood before.
_SHOWN_REPORTS = """
    SELECT issue.id AS key, 'issue' AS kind, issue.ticket_id, issue.id AS issue_id, issue.analysis_id,
      analysis.settings_version, analysis.model, theme.id AS theme_id,
      jsonb_build_object('summary', issue.summary, 'quote', issue.quote, 'type', issue.type, 'area', issue.area,
        'severity', issue.severity, 'start', issue.quote_start, 'end', issue.quote_end, 'theme', theme.name)
      || coalesce((
        SELECT jsonb_object_agg(one.key, one.value) FROM corrections AS said, jsonb_each(said.original) AS one
        WHERE said.issue_id = issue.id AND said.undone_at IS NULL AND one.key IN ('type', 'area', 'severity')), '{}')
        AS shown
    FROM issues AS issue JOIN analyses AS analysis ON analysis.id = issue.analysis_id
      LEFT JOIN themes AS theme ON theme.id = issue.theme_id AND theme.retired_at IS NULL
        AND NOT issue.theme_pinned
    WHERE issue.id = ANY(:ids)"""
_SHOWN_ANSWERS = """
    SELECT analysis.id AS key, 'no_issue' AS kind, analysis.ticket_id, analysis.id AS analysis_id,
      analysis.settings_version, analysis.model, jsonb_build_object('reason', analysis.reason) AS shown
    FROM analyses AS analysis WHERE analysis.id = ANY(:ids)"""
