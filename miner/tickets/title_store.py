"""Titles of custom fields and statuses: asked for once a day, two calls, and kept beside the account.

A plan or a role that may not see them has none; that stops nothing.
"""

from __future__ import annotations

from sqlalchemy import text

from miner.logs import get_logger
from miner.runs.context import StepContext
from miner.tickets.pace import CLOCK, Clock
from miner.tickets.title_rows import store_titles
from miner.tickets.titles import FIELD, STATUS, Title, read_fields, read_statuses
from miner.tickets.traffic import Traffic
from miner.tickets.zendesk import Call

log = get_logger(__name__)

FRESH_SECONDS = 86_400
AGAIN_SECONDS = 3_600  # where the account did not tell everything
MOST_PAGES = 20  # of a hundred fields; accounts of more than 400 are known


def refresh_titles(context: StepContext, traffic: Traffic, source: str, *, clock: Clock = CLOCK) -> None:
    """Ask for the titles when they are a day old; what the account does not tell stays as it was."""
    with context.reading() as session:
        fresh = session.scalar(
            text("""
                SELECT titles_read_at > coalesce(to_timestamp(CAST(:now AS float)), clock_timestamp())
                  - make_interval(secs => :fresh) FROM zendesk_accounts WHERE source = :source"""),
            {"source": source, "now": clock.stamp(), "fresh": FRESH_SECONDS},
        )
    if fresh:
        return
    fields, statuses = _ask_fields(traffic), _ask_statuses(traffic)
    silent = fields is None or statuses is None
    with context.unit() as unit:
        for kind, found in ((FIELD, fields), (STATUS, statuses)):
            if found is not None:
                store_titles(unit.session, source, kind, found)
        unit.session.execute(
            text("""
                UPDATE zendesk_accounts SET titles_read_at = coalesce(to_timestamp(CAST(:now AS float)),
                  clock_timestamp()) - make_interval(secs => :earlier) WHERE source = :source"""),
            {"source": source, "now": clock.stamp(), "earlier": FRESH_SECONDS - AGAIN_SECONDS if silent else 0},
        )
    if silent:
        log.info("titles_missing", message="Zendesk does not tell all names of its fields and statuses; ids are kept")


def _ask_fields(traffic: Traffic) -> list[Title] | None:
    found: list[Title] = []
    after: str | None = None
    for _ in range(MOST_PAGES):
        params = {"page[size]": "100"} | ({"page[after]": after} if after else {})
        answer = traffic.find(Call("ticket_fields.json", "the names of ticket fields", ("ticket_fields",), params))
        if answer is None:
            return None
        found += read_fields(answer.data)
        meta = answer.data.get("meta")
        following = meta.get("after_cursor") if isinstance(meta, dict) and meta.get("has_more") is True else None
        if not isinstance(following, str) or following == after:
            break
        after = following
    return found


def _ask_statuses(traffic: Traffic) -> list[Title] | None:
    answer = traffic.find(Call("custom_statuses.json", "the names of statuses", ("custom_statuses",)))
    return None if answer is None else read_statuses(answer.data)
