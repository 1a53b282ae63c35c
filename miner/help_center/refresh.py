"""STEP help_center: the articles of every configured Help Center, read anew.

A base that cannot be read keeps the articles it had; the others are read all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from miner.errors import HelpCenterRefused, HelpCenterTrouble
from miner.help_center.articles import Article
from miner.help_center.client import HelpCenter
from miner.help_center.records import forget_others, record_state, store_articles
from miner.logs import get_logger
from miner.runs.context import Skip, StepContext
from miner.themes.vectors import embed_in_batches, hash_text, list_vectors, record_vectors

log = get_logger(__name__)


def run(context: StepContext) -> Skip | None:
    """Raises HelpCenterTrouble (tried again) or HelpCenterRefused when a base could not be read."""
    bases = [base.rstrip("/") for base in context.settings.help_centers]
    with context.unit() as unit:
        gone = forget_others(unit.session, bases)
    if not bases:
        return Skip("no Help Center is named in the settings" + (f"; removed {gone:,} articles" if gone else ""))
    context.expect(len(bases))
    done = list((context.checkpoint or {}).get("done", []))
    faults: list[HelpCenterRefused | HelpCenterTrouble] = []
    for base in bases:
        if base in done:
            continue
        context.say(f"Reading {base}...")
        try:
            with HelpCenter(base, development=not context.config.production) as client:
                articles = client.fetch_articles()
        except (HelpCenterRefused, HelpCenterTrouble) as error:
            faults.append(error)
            log.warning("help_center_unread", message=f"{error}; the articles it had are kept")
            with context.unit() as unit:
                record_state(unit.session, base, fault=str(error))
            continue
        _embed(context, articles)
        done.append(base)
        with context.unit() as unit:
            changed = store_articles(unit.session, base, articles)
            unit.advance(1)
            unit.count(articles=len(articles), articles_changed=changed)
            unit.checkpoint = {"done": done}
        log.info("help_center_read", message=f"Read {len(articles):,} articles of {base}: {changed:,} changed")
    if faults:  # one that may go better later is raised first, so that the run is tried again
        raise next((one for one in faults if one.retryable), faults[0])
    return None


def _embed(context: StepContext, articles: Sequence[Article]) -> None:
    """The vectors of the articles that have none yet, before the articles themselves are stored."""
    meanings = {hash_text(one.meaning): one.meaning for one in articles}
    with context.reading() as session:
        known = list_vectors(session, hashes=meanings)
    for batch in embed_in_batches(text for key, text in meanings.items() if key not in known):
        with context.unit() as unit:
            record_vectors(unit.session, vectors=batch)
