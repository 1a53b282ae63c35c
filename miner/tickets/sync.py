"""STEP sync: the mirror of a Zendesk account, brought up to date.

    who are we | live lane, then windows, newest first | conversations beside them | merges, customers, the line

Whatever is not finished stays in the database (lanes, queue) and the next run goes on with it, whichever run that is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.errors import ZendeskAuthentication
from miner.logs import get_logger
from miner.runs.context import Skip, StepContext
from miner.tickets import lanes, mirror
from miner.tickets.accounts import claim_account, refuse_other_account
from miner.tickets.conversations import count_due, link_merged
from miner.tickets.credentials import API_KEYS_END, missing_configuration, new_credentials_needed
from miner.tickets.customer_facts import apply_facts
from miner.tickets.drift import unknown_sentence
from miner.tickets.events import Events
from miner.tickets.pace import CLOCK, Budgets, Clock
from miner.tickets.talks import Talks
from miner.tickets.title_store import refresh_titles
from miner.tickets.traffic import Traffic
from miner.tickets.values import number
from miner.tickets.walk import HIDDEN_SECONDS, Walk
from miner.tickets.zendesk import Call, Zendesk, source_of
from miner.tickets.zendesk_login import Login

log = get_logger(__name__)

FIRST_DAYS = 30
_FAR = 2**33
# The live lane of a first sync begins this much before Zendesk's `Date`, which may be wrong by minutes.
CLOCK_MARGIN = 900
ME = Call("users/me.json", "the login's own user", ("user",))
COUNT = Call("tickets/count.json", "the number of tickets", ("count",))


def run(context: StepContext) -> Skip | None:
    """Sync the configured account. Raises MissingConfiguration alone, ZendeskError, RateLimited, ConfigurationNeeded.

    Credentials that never worked here are a mistake, and the run fails. Those that did were ended or replaced: the run
    waits for the new ones and goes on.
    """
    missing = missing_configuration(context.config)
    if missing and context.in_pipeline and not context.config.zendesk_subdomain:
        return Skip("no Zendesk account is configured: set ZENDESK_SUBDOMAIN and a credential")
    if missing:
        raise missing
    try:
        sync_account(context)
    except ZendeskAuthentication as refused:
        with context.reading() as session:
            if not lanes.list_lanes(session, source_of(context.config)):
                raise
        raise new_credentials_needed(refused) from None
    return None


def sync_account(context: StepContext, *, clock: Clock = CLOCK, answer_seconds: float | None = None) -> None:
    """The whole of it; `answer_seconds` replaces the deadlines of answers. Raises also ConfigurationNeeded."""
    config, source = context.config, source_of(context.config)
    with context.reading() as session:
        refuse_other_account(session, source)
    with Zendesk(config, seconds=answer_seconds) as client:
        login = Login(config, client, clock=clock, held=context.hold.claim)
        if login.kind == "api_token":
            log.warning("zendesk_api_token", message=API_KEYS_END)
        traffic = Traffic(context, client, login, Budgets(source, clock=clock), clock=clock)
        answer = traffic.ask(ME)
        now = int(answer.server_time or dt.datetime.now(dt.UTC).timestamp())
        wanted = read_range(context.args, now=now, zone=context.settings.zone)
        most = count_windows(traffic) if is_backfill(context, source, wanted) else None
        found = prepare_lanes(context, source, now=now, brands=config.zendesk_brand_ids, wanted=wanted, most=most)
        refresh_titles(context, traffic, source, clock=clock)
        talks = Talks(context, source=source, rules=context.settings.text_rules, clock=clock)
        walk = Walk(context, found, source=source, brands=config.zendesk_brand_ids, stored=talks.refresh, clock=clock)
        events = Events(
            context,
            source=source,
            rules=context.settings.text_rules,
            roles=walk.roles,
            ready=lambda: walk.is_through,
            stored=talks.refresh,
        )
        traffic.run((walk, events), talks)
    with context.unit() as unit:
        merged = link_merged(unit.session, source)
        apply_facts(unit.session, context.settings.customer_fields)
        waiting = count_due(unit.session, source)
    asked = ""
    if wanted.is_bounded:  # it reads the whole table, which a sync every few minutes must not
        with context.reading() as session:
            within, complete = count_range(session, source, wanted)
        asked = f"; {complete:,} of {within:,} tickets {wanted.name} are complete"
    log.info(
        "sync_finished",
        message=f"Stored {walk.tickets:,} tickets and {talks.stored + events.conversations:,} conversations in "
        f"{traffic.calls:,} calls{asked}"
        + (f"; still waiting: {waiting:,} conversations" if waiting else "")
        + unknown_sentence(walk.unknown),
        calls=traffic.calls,
        limited=traffic.limited,
        merged=merged,
        waiting=waiting,
        unknown=walk.unknown.total(),
    )


@dataclass(frozen=True, slots=True)
class Range:
    """What a run was asked for, in Unix seconds: tickets created or updated in [since, until); None: unbounded."""

    since: int | None
    until: int | None
    name: str = ""

    @property
    def is_bounded(self) -> bool:
        return self.since is not None or self.until is not None


def read_range(args: Mapping[str, Any], *, now: int, zone: dt.tzinfo) -> Range:
    """The range in a sync's arguments; days begin at midnight in `zone`."""
    if args.get("backfill_days"):
        return Range(now - args["backfill_days"] * lanes.DAY, None, f"of the last {args['backfill_days']} days")
    if not args.get("from_date"):
        return Range(None, None)

    def midnight(day: dt.date) -> int:
        return int(dt.datetime.combine(day, dt.time(), zone).timestamp())

    first, last = dt.date.fromisoformat(args["from_date"]), args.get("to_date")
    until = midnight(dt.date.fromisoformat(last) + dt.timedelta(days=1)) if last else None
    return Range(midnight(first), until, f"from {first} to {last or 'now'}")


def is_backfill(context: StepContext, source: str, wanted: Range) -> bool:
    """Whether this run will add windows."""
    if context.checkpoint is not None:
        return False
    if wanted.since is not None:
        return True
    with context.reading() as session:
        return not any(lane.is_live for lane in lanes.list_lanes(session, source))


def count_windows(traffic: Traffic) -> int | None:
    """The most windows that are worth their calls: one for each full page of the account; None: it did not say.

    The number may leave out archived tickets; the walk notices when a window holds more than it should.
    """
    answer = traffic.find(COUNT)
    told = answer.data["count"] if answer else None
    count = number(told.get("value")) if isinstance(told, dict) else None
    return None if count is None else max(1, -(-count // lanes.BIGGEST_PAGE))


def prepare_lanes(
    context: StepContext, source: str, *, now: int, brands: Sequence[int], wanted: Range, most: int | None = None
) -> list[lanes.Lane]:
    """The lanes there are, with those that this run adds, at most `most`; a resumed run adds none again."""
    begun, since = context.checkpoint is not None, wanted.since
    with context.unit() as unit:
        session, run_id = unit.session, context.run_id
        claim_account(session, source, run_id=run_id)
        first = not any(lane.is_live for lane in lanes.list_lanes(session, source))
        end = now - HIDDEN_SECONDS - 1
        if first:
            end -= CLOCK_MARGIN
            lanes.create_live(session, source, start=end, brands=brands, run_id=run_id)
        if not begun and (since is not None or first):
            # What was cleared is fetched anew by its own windows; nothing may lie between them and ours.
            left = max((lane.end_time or 0 for lane in lanes.list_lanes(session, source)), default=0) if first else 0
            start = min(since, left or since) if since is not None else left or now - FIRST_DAYS * lanes.DAY
            stop = find_stop(session, source, until=wanted.until, end=end)
            lanes.create_windows(session, source, start=start, end=stop, run_id=run_id, most=most)
        if not first:
            apply_brands(session, source, brands, run_id=run_id, end=end)
        unit.checkpoint = {"begun": True}
        return lanes.list_lanes(session, source)


def find_stop(session: Session, source: str, *, until: int | None, end: int) -> int:
    """Where the walk of a range may stop. A ticket created in it may have changed at any time since, but what changed
    after the live lane's beginning is here already."""
    covered = session.scalar(
        text("SELECT covered_from FROM sync_cursors WHERE source = :source AND lane = 'live'"), {"source": source}
    )
    return end if until is None or covered is None else min(end, max(until, covered))


def apply_brands(session: Session, source: str, brands: Sequence[int], *, run_id: int, end: int) -> None:
    """What a changed list of brands asks for: tickets of removed ones are hidden, added ones are backfilled."""
    row = session.execute(
        text("SELECT brands, covered_from FROM sync_cursors WHERE source = :source AND lane = 'live'"),
        {"source": source},
    ).one()
    before, after = frozenset(row.brands or ()), frozenset(brands)
    if before == after:
        return
    if before and (not after or after - before):
        start = row.covered_from or end - FIRST_DAYS * lanes.DAY
        lanes.create_windows(session, source, start=start, end=end, run_id=run_id)
    if after:
        numbers = session.scalars(
            text("""
                SELECT zendesk_ticket_id FROM tickets WHERE source = :source AND deleted_at IS NULL
                    AND NOT coalesce((raw ->> 'brand_id')::bigint = ANY(:brands), false)"""),
            {"source": source, "brands": list(after)},
        ).all()
        hidden = mirror.bury(session, source, list(numbers), reason="brand")
        log.info("brands_hidden", message=f"Hid {hidden:,} tickets of brands that are not kept", tickets=hidden)
    session.execute(
        text("UPDATE sync_cursors SET brands = CAST(:brands AS bigint[]) WHERE source = :source AND lane = 'live'"),
        {"source": source, "brands": list(brands) or None},
    )


def count_range(session: Session, source: str, wanted: Range) -> tuple[int, int]:
    """How many stored tickets were created or updated in the range, and how many of them are complete."""
    row = session.execute(
        text("""
            SELECT count(*) AS within, count(*) FILTER (WHERE due.ticket_number IS NULL) AS complete
            FROM tickets LEFT JOIN due_conversations AS due
                ON due.source = tickets.source AND due.ticket_number = tickets.zendesk_ticket_id
            WHERE tickets.source = :source AND deleted_at IS NULL
                AND ((created_at >= to_timestamp(:since) AND created_at < to_timestamp(:until))
                  OR (updated_at >= to_timestamp(:since) AND updated_at < to_timestamp(:until)))"""),
        {"source": source, "since": wanted.since or 0, "until": wanted.until or _FAR},
    ).one()
    return row.within, row.complete
