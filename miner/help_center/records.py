"""Articles as rows: what is known of each Help Center, and how its last reading went."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner.help_center.articles import Article
from miner.models import HelpArticle, HelpCenterState


def list_articles(session: Session, bases: Sequence[str]) -> list[Article]:
    """The stored articles of these bases, in a fixed order."""
    wanted = [base.rstrip("/") for base in bases]
    rows = session.scalars(
        select(HelpArticle).where(HelpArticle.base.in_(wanted)).order_by(HelpArticle.base, HelpArticle.article_id)
    )
    return [
        Article(row.base, row.article_id, row.title, row.section, row.url, row.body, row.updated_at) for row in rows
    ]


def list_states(session: Session) -> list[HelpCenterState]:
    return list(session.scalars(select(HelpCenterState).order_by(HelpCenterState.base)))


def store_articles(session: Session, base: str, articles: Sequence[Article]) -> int:
    """Make `articles` all that is known of `base`; what is unchanged is not touched. Returns how many changed."""
    rows = json.dumps([asdict(one) for one in articles], default=dt.datetime.isoformat, ensure_ascii=False)
    changed = session.scalars(
        text("""
            INSERT INTO help_articles (base, article_id, title, section, url, body, updated_at)
            SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS given
                (base text, article_id bigint, title text, section text, url text, body text, updated_at timestamptz)
            ON CONFLICT (base, article_id) DO UPDATE SET title = excluded.title, section = excluded.section,
                url = excluded.url, body = excluded.body, updated_at = excluded.updated_at
            WHERE (help_articles.title, help_articles.section, help_articles.url, help_articles.body)
                IS DISTINCT FROM (excluded.title, excluded.section, excluded.url, excluded.body)
            RETURNING article_id"""),
        {"rows": rows},
    ).all()
    removed = session.scalars(
        text("DELETE FROM help_articles WHERE base = :base AND article_id <> ALL(:kept) RETURNING article_id"),
        {"base": base, "kept": [one.article_id for one in articles]},
    ).all()
    record_state(session, base, fault=None)
    return len(changed) + len(removed)


def record_state(session: Session, base: str, *, fault: str | None) -> None:
    """How the last reading of `base` went; after a fault the articles of the reading before stay."""
    session.execute(
        text("""
            INSERT INTO help_centers AS known (base, read_at, fault) VALUES
                (:base, CASE WHEN CAST(:fault AS text) IS NULL THEN now() END, :fault)
            ON CONFLICT (base) DO UPDATE SET read_at = coalesce(excluded.read_at, known.read_at),
                fault = excluded.fault"""),
        {"base": base, "fault": fault},
    )


def forget_others(session: Session, bases: Sequence[str]) -> int:
    """Remove what is known of Help Centers that the settings no longer name; returns how many articles."""
    kept = {"kept": [base.rstrip("/") for base in bases]}
    session.execute(text("DELETE FROM help_centers WHERE base <> ALL(:kept)"), kept)
    gone = session.scalars(text("DELETE FROM help_articles WHERE base <> ALL(:kept) RETURNING article_id"), kept)
    return len(gone.all())
