"""What the weekly checks say of the readings: precision, misses and themes, by settings version and model."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.issues.shares import Share


@dataclass(frozen=True, slots=True)
class Score:
    """What was checked of the readings under one version of the settings by one model.

    `right`: reports that are right; `missed`: answers of "no product issue" that overlooked one; `in_theme`: right
    reports that belong where they stand.
    """

    settings_version: int
    model: str
    right: Share
    missed: Share
    in_theme: Share


@dataclass(frozen=True, slots=True)
class Quality:
    """The score of the readings that go on now, empty while none was checked; `before`: of what was last checked."""

    now: Score
    before: Score | None


def list_scores(session: Session) -> list[Score]:
    """The newest version first; only what was judged."""
    return [_score(*row) for row in session.execute(text(_SCORES + " ORDER BY settings_version DESC, newest DESC"))]


def find_quality(session: Session) -> Quality | None:
    """In one statement; None: nothing was read yet."""
    rows = session.execute(text(_QUALITY)).all()
    if not rows:
        return None
    version, model = rows[0][:2]
    scores = [_score(*row[2:]) for row in rows if row[2] is not None]
    own = next((one for one in scores if (one.settings_version, one.model) == (version, model)), None)
    before = next((one for one in scores if one is not own), None)
    return Quality(own or Score(version, model, Share(0, 0), Share(0, 0), Share(0, 0)), None if own else before)


def _score(version: int, model: str, *shares: int) -> Score:
    return Score(version, model, Share(*shares[:2]), Share(*shares[2:4]), Share(*shares[4:6]))


_SCORES = """
    SELECT settings_version, model,
      count(*) FILTER (WHERE kind = 'issue' AND verdict <> 'wrong'),
      count(*) FILTER (WHERE kind = 'issue'),
      count(*) FILTER (WHERE kind = 'no_issue' AND verdict = 'wrong'),
      count(*) FILTER (WHERE kind = 'no_issue'),
      count(*) FILTER (WHERE kind = 'issue' AND theme_id IS NOT NULL AND verdict = 'right'),
      count(*) FILTER (WHERE kind = 'issue' AND theme_id IS NOT NULL AND verdict <> 'wrong'),
      max(analysis_id) AS newest
    FROM check_items WHERE verdict IS NOT NULL GROUP BY settings_version, model"""
_QUALITY = f"""
    SELECT reading.settings_version, reading.model, score.*
    FROM (
        SELECT settings_version, model FROM analyses WHERE outcome IN ('issues', 'no_issue') ORDER BY id DESC LIMIT 1
      ) AS reading
      LEFT JOIN ({_SCORES}) AS score ON true
    ORDER BY score.settings_version DESC NULLS LAST, score.newest DESC"""  # noqa: S608 - our own text
