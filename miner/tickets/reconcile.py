"""STEP reconcile: the mirror beside the account, page by page; what differs is repaired, and the result is a line.

Every page of the export holds all tickets whose version lies in its range. A stored ticket of that range that is not
in the page has either moved on (then the account still has it) or vanished without a trace, as after a gap longer than
Zendesk keeps deleted tickets; only a 404 for that very ticket counts as proof.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.errors import ZendeskAuthentication, ZendeskBadPayload, ZendeskError, ZendeskGone, ZendeskTooBig
from miner.logs import get_logger
from miner.runs.context import Skip, StepContext
from miner.tickets.accounts import refuse_other_account
from miner.tickets.completeness import completeness_line
from miner.tickets.conversations import count_due, link_merged
from miner.tickets.credentials import missing_configuration, new_credentials_needed
from miner.tickets.exported import INCLUDE, Page, is_kept, read_page
from miner.tickets.mirror import AGAIN, BACKFILL, bury, store_page
from miner.tickets.pace import CLOCK, Budgets, Clock
from miner.tickets.people import forget_strangers
from miner.tickets.progress import expect_rest
from miner.tickets.sync import ME
from miner.tickets.talks import Talks
from miner.tickets.traffic import Task, Traffic
from miner.tickets.values import number
from miner.tickets.walk import GROW_AFTER, HIDDEN_SECONDS
from miner.tickets.zendesk import Call, Zendesk, source_of
from miner.tickets.zendesk_answers import Answer
from miner.tickets.zendesk_login import Login

log = get_logger(__name__)

AGAIN_DAYS, AGAIN_WEEKS, AGAIN_MOST = 60, 4, 5_000  # conversations read again: redactions may not move a version
PAGE = 1000


@dataclass
class Tally:
    """What the walk has seen so far; it is the checkpoint."""

    start: int
    cursor: str | None = None
    seen: int = 0
    missing: int = 0
    vanished: int = 0


def run(context: StepContext) -> Skip | None:
    """Compare and repair. Skips without an account, and before anything was synced."""
    missing = missing_configuration(context.config)
    if missing:
        return Skip(f"nothing to compare with: {missing}")
    try:
        return reconcile_account(context)
    except ZendeskAuthentication as refused:  # what was synced before is compared, so they worked before
        raise new_credentials_needed(refused) from None


def reconcile_account(
    context: StepContext, *, clock: Clock = CLOCK, answer_seconds: float | None = None
) -> Skip | None:
    source = source_of(context.config)
    with context.reading() as session:
        refuse_other_account(session, source)
        covered = session.scalar(
            text("SELECT covered_from FROM sync_cursors WHERE source = :source AND lane = 'live'"), {"source": source}
        )
    if covered is None:
        return Skip("nothing was synced yet")
    with Zendesk(context.config, seconds=answer_seconds) as client:
        login = Login(context.config, client, clock=clock, held=context.hold.claim)
        traffic = Traffic(context, client, login, Budgets(source, clock=clock), clock=clock)
        answer = traffic.ask(ME)
        now = int(answer.server_time or dt.datetime.now(dt.UTC).timestamp())
        check = Check(context, source=source, start=covered)
        talks = Talks(context, source=source, rules=context.settings.text_rules, clock=clock)
        traffic.run((check,), check)
        with context.unit() as unit:
            queue_again(unit.session, source, now=now)
            expect_rest(context, unit, source)
        traffic.run((), talks)
    with context.unit() as unit:
        link_merged(unit.session, source)
        forget_strangers(unit.session, source)
        line = record_check(unit.session, source, check.tally, run_id=context.run_id, through=now - HIDDEN_SECONDS)
    log.info("mirror_checked", message=line)
    return None


class Check:
    """The pages and single tickets of one comparison."""

    def __init__(self, context: StepContext, *, source: str, start: int) -> None:
        self._context, self._source = context, source
        self.tally = Tally(**context.checkpoint) if context.checkpoint else Tally(start)
        self._size, self._good = PAGE, 0
        self._over = self._flying = False
        self._scope: str | None = "all"
        self._expected = False
        self._doubtful: deque[int] = deque()
        self._vanished: list[int] = []
        self._before: int = self.tally.start

    def next_task(self) -> Task | None:
        """A page while there is one, else a ticket that must prove that it is there."""
        if not self._over and not self._flying and not self._doubtful:
            self._flying = True
            return Task(self._page_call(), self._page, self._page_failed)
        if self._doubtful:
            return self._ticket_task(self._doubtful.popleft())
        return None

    def flush(self, *, everything: bool) -> None:
        """Bury what proved to be gone."""
        if not self._vanished:
            return
        gone, self._vanished = self._vanished, []
        with self._context.unit() as unit:
            buried = bury(unit.session, self._source, gone, reason="missing")
            self.tally.vanished += buried
            unit.count(vanished=buried)
            unit.checkpoint = vars(self.tally).copy()

    def _page_call(self) -> Call:
        tally = self.tally
        params = {"per_page": str(self._size), "include": INCLUDE}
        params |= {"cursor": tally.cursor} if tally.cursor else {"start_time": str(tally.start)}
        if self._scope:
            params["support_type_scope"] = self._scope
        return Call(
            "incremental/tickets/cursor.json", "a page of tickets", ("tickets", "end_of_stream"), params, export=True
        )

    def _page(self, answer: Answer) -> None:
        page = read_page(answer.data, source=self._source, rules=self._context.settings.text_rules)
        if not page.end and (page.after is None or page.after == self.tally.cursor):
            raise ZendeskBadPayload("Zendesk's export says there is more, but its cursor does not move")
        brands = self._context.config.zendesk_brand_ids
        until = None if page.end else page.newest
        with self._context.unit() as unit:
            missing = count_missing(unit.session, self._source, page, brands)
            absent = list_absent(unit.session, self._source, page, since=self._before, until=until)
            store_page(unit.session, page.rows, source=self._source, brands=brands, priority=BACKFILL)
            self.tally.cursor = page.after or self.tally.cursor
            self.tally.seen += sum(not row.deleted and is_kept(row, brands) for row in page.rows)
            self.tally.missing += missing
            unit.advance(len(page.rows))
            self._expect(unit.session)
            unit.count(tickets=len(page.rows), missing=missing)
            unit.checkpoint = vars(self.tally).copy()
        self._before = until if until is not None else self._before
        self._good += 1
        if self._good >= GROW_AFTER:
            self._size, self._good = min(PAGE, self._size * 2), 0
        self._doubtful.extend(absent)
        if page.end:
            with self._context.reading() as session:
                self._doubtful.extend(list_cleared(session, self._source))
        self._over, self._flying = page.end, False

    def _expect(self, session: Session) -> None:
        """What the mirror holds of the range, with the first page in it, is about what will be walked."""
        if self._expected:
            return
        self._expected = True
        here = session.scalar(
            text("SELECT count(*) FROM tickets WHERE source = :source AND generated_timestamp >= :start"),
            {"source": self._source, "start": self.tally.start},
        )
        self._context.expect(here)

    def _page_failed(self, error: ZendeskError) -> bool:
        if isinstance(error, ZendeskTooBig) and self._size > 1:
            self._size, self._good = self._size // 2, 0
            self._flying = False
            return True
        if self._scope and "support_type_scope" in str(getattr(error, "detail", "")):
            self._scope, self._flying = None, False
            return True
        return False

    def _ticket_task(self, ticket: int) -> Task:
        def gone(error: ZendeskError) -> bool:
            if isinstance(error, ZendeskGone):
                self._vanished.append(ticket)
                return True
            return False

        return Task(Call(f"tickets/{ticket}.json", f"ticket {ticket}", ("ticket",), one=True), _there, gone)


def _there(answer: Answer) -> None:
    if not isinstance(answer.data["ticket"], dict) or number(answer.data["ticket"].get("id")) is None:
        raise ZendeskBadPayload("Zendesk's answer holds no ticket")


def count_missing(session: Session, source: str, page: Page, brands: Any) -> int:
    """Tickets of the page that the mirror does not have, or has in an older version."""
    rows = [row for row in page.rows if not row.deleted and is_kept(row, brands)]
    found = session.scalar(
        text("""
            SELECT count(*) FROM unnest(CAST(:ids AS text[]), CAST(:versions AS bigint[])) AS given (id, version)
            WHERE NOT EXISTS (SELECT FROM tickets WHERE source = :source AND source_id = given.id
                AND deleted_at IS NULL AND generated_timestamp >= given.version)"""),
        {"source": source, "ids": [str(row.number) for row in rows], "versions": [row.version for row in rows]},
    )
    return int(found or 0)


def list_absent(session: Session, source: str, page: Page, *, since: int, until: int | None) -> list[int]:
    """Stored tickets whose version lies in the page's range and that are not in it (`until` None: to the end)."""
    return list(
        session.scalars(
            text("""
                SELECT zendesk_ticket_id FROM tickets WHERE source = :source AND deleted_at IS NULL
                  AND generated_timestamp >= :since
                  AND (CAST(:until AS bigint) IS NULL OR generated_timestamp < :until)
                  AND zendesk_ticket_id <> ALL(:here) ORDER BY 1"""),
            {"source": source, "since": since, "until": until, "here": [row.number for row in page.rows]},
        )
    )


def list_cleared(session: Session, source: str) -> list[int]:
    """Tickets that were cleared and did not come back, although all were fetched anew: the account may have dropped
    them meanwhile, and then what was found in them must go too."""
    return list(
        session.scalars(
            text("""
                SELECT zendesk_ticket_id FROM tickets WHERE source = :source AND gone_reason = 'cleared'
                  AND NOT EXISTS (SELECT FROM sync_cursors WHERE source = :source AND lane LIKE 'window %')
                ORDER BY 1 LIMIT :most"""),
            {"source": source, "most": AGAIN_MOST},
        )
    )


def queue_again(session: Session, source: str, *, now: int) -> int:
    """Ask again for a quarter of the conversations of the last two months, another quarter each week."""
    week = now // (7 * 86_400)
    statement = text("""
        INSERT INTO due_conversations (source, ticket_number, version, priority, transcript)
        SELECT source, zendesk_ticket_id, generated_timestamp, :again,
            CASE WHEN raw ->> 'via' IN ('chat', 'chat_transcript') THEN 'audits'
                WHEN raw ->> 'from_messaging_channel' = 'true' THEN 'log' END
        FROM tickets WHERE source = :source AND deleted_at IS NULL AND generated_timestamp IS NOT NULL
            AND updated_at >= to_timestamp(:since) AND zendesk_ticket_id % :weeks = :week
        ORDER BY updated_at DESC LIMIT :most
        ON CONFLICT DO NOTHING RETURNING ticket_number""")
    values = {
        "source": source,
        "again": AGAIN,
        "since": now - AGAIN_DAYS * 86_400,
        "weeks": AGAIN_WEEKS,
        "week": week % AGAIN_WEEKS,
        "most": AGAIN_MOST,
    }
    return len(session.execute(statement, values).all())


def record_check(session: Session, source: str, tally: Tally, *, run_id: int, through: int) -> str:
    """Write the result down; returns it as a sentence."""
    stored = session.scalar(
        text("""
            SELECT count(*) FROM tickets
            WHERE source = :source AND deleted_at IS NULL AND generated_timestamp >= :start"""),
        {"source": source, "start": tally.start},
    )
    session.execute(
        text("""
            INSERT INTO mirror_checks (source, run_id, complete_through, expected, stored, missing, vanished, waiting)
            VALUES (:source, :run, to_timestamp(:through), :expected, :stored, :missing, :vanished, :waiting)"""),
        {
            "source": source,
            "run": run_id,
            "through": through,
            "expected": tally.seen,
            "stored": stored,
            "missing": tally.missing,
            "vanished": tally.vanished,
            "waiting": count_due(session, source),
        },
    )
    return completeness_line(session, source) or ""
