"""Walking the export of ticket events, when that brings conversations faster than single calls alone.

The choice is made by measurement: the first page shows how much time a thousand updates span, and with it how many
calls the rest would take and how many conversations each of them would complete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import text

from miner.errors import ZendeskError, ZendeskForbidden, ZendeskGone, ZendeskRefused, ZendeskTooBig
from miner.logs import get_logger
from miner.runs.context import StepContext
from miner.tickets.bulk import (
    EventPage,
    clear_stage,
    count_eligible,
    find_start,
    has_eligible,
    read_events,
    stage_comments,
    take_complete,
)
from miner.tickets.conversations import store_conversations
from miner.tickets.text import TextRules
from miner.tickets.traffic import Task
from miner.tickets.values import number
from miner.tickets.walk import GROW_AFTER
from miner.tickets.zendesk import Call
from miner.tickets.zendesk_answers import Answer, is_too_recent

log = get_logger(__name__)

# Waiting conversations: fewer are fetched singly by the time that two exports may follow each other.
WORTH_BEGINNING = 100
WORTH_A_CALL = 10  # conversations that an export call must complete, where a minute has ten of them
PAGE = 1000


class Events:
    """The events' calls of one run. `ready`: whether the walk of tickets has brought all that waits."""

    def __init__(
        self,
        context: StepContext,
        *,
        source: str,
        rules: TextRules,
        roles: Mapping[str, str],
        ready: Callable[[], bool],
        stored: Callable[[], None],
    ) -> None:
        self._context, self._source, self._rules, self._roles = context, source, rules, roles
        self._ready, self._stored = ready, stored
        self._since: int | None = None  # where the walk began
        self._at = 0
        self._size, self._good = PAGE, 0
        self._decided = self._over = False
        self.conversations = self.pages = 0

    def flush(self, *, everything: bool) -> None:
        """Nothing waits here: pages are stored as they come."""

    def next_task(self) -> Task | None:
        if self._over or not self._ready():
            return None
        if self._since is None and not self._begin():
            return None
        return Task(self._call(self._at), self._page, self._failed, self._following)

    def _call(self, start: int) -> Call:
        params = {"start_time": str(start), "include": "comment_events", "per_page": str(self._size)}
        needs = ("ticket_events", "end_of_stream")
        path = "incremental/ticket_events.json"
        return Call(path, "a page of ticket events", needs, params, export=True, one=self._size == 1)

    def _following(self, answer: Answer) -> Call | None:
        end = number(answer.data.get("end_time"))
        return self._call(end) if end is not None and answer.data.get("end_of_stream") is False else None

    def _begin(self) -> bool:
        """Go on where an earlier run stopped, else begin at the oldest ticket that waits."""
        with self._context.reading() as session:
            row = session.execute(
                text("SELECT covered_from, start_time FROM sync_cursors WHERE source = :source AND lane = 'events'"),
                {"source": self._source},
            ).one_or_none()
            start = find_start(session, self._source)
            waiting = count_eligible(session, self._source, since=start) if start is not None else 0
        if start is None or waiting < WORTH_BEGINNING:
            self._over = True
            return False
        if row is not None and row.covered_from <= start:
            self._since, self._at, self._decided = row.covered_from, row.start_time, True
        else:
            self._since = self._at = start
        return True

    def _page(self, answer: Answer) -> None:
        page = read_events(answer.data, roles=self._roles)
        since, before = self._since or 0, self._at
        until = passed = page.end_time if page.end_time is not None else before
        if page.end:
            until = passed = max(until + 1, before)
        elif until <= before:
            until = before + 1  # more updates than a page in one second: what is missed of them, single calls bring
        with self._context.unit() as unit:
            stage_comments(unit.session, page, source=self._source)
            fetched = take_complete(unit.session, page, source=self._source, since=since, before=before, until=passed)
            stored = store_conversations(unit.session, fetched, source=self._source, rules=self._rules)
            unit.session.execute(
                text("""
                    INSERT INTO sync_cursors (source, lane, start_time, covered_from, run_id)
                    VALUES (:source, 'events', :at, :since, :run) ON CONFLICT (source, lane) DO UPDATE
                    SET start_time = excluded.start_time, covered_from = excluded.covered_from, updated_at = now()"""),
                {"source": self._source, "at": until, "since": since, "run": self._context.run_id},
            )
            unit.advance(len(fetched))
            unit.count(conversations=len(fetched), texts_changed=stored.changed, event_pages=1)
        self._good += 1
        if self._good >= GROW_AFTER:
            self._size, self._good = min(PAGE, self._size * 2), 0
        self.pages += 1
        self.conversations += len(fetched)
        self._context.say(f"Syncing tickets: {self.conversations:,} conversations read in bulk...")
        if fetched:
            self._stored()
        self._at = until
        if page.end or not self._is_worth_it(page, answer, before, until):
            self._finish()

    def _is_worth_it(self, page: EventPage, answer: Answer, before: int, until: int) -> bool:
        """Decide once, by the first page; later only whether anything still waits."""
        with self._context.reading() as session:
            if self._decided:
                return has_eligible(session, self._source, since=self._since or 0)
            waiting = count_eligible(session, self._source, since=self._since or 0)
        self._decided = True
        left = max(0.0, (answer.server_time or until) - until)
        pages = left / max(1, until - before)
        worth = waiting / max(1.0, pages) >= WORTH_A_CALL
        log.info(
            "bulk_decided",
            message=f"{waiting:,} conversations wait; events would take about {pages:,.0f} calls "
            f"({page.updates / max(1, page.tickets):.1f} updates a ticket): "
            + ("reading both ways" if worth else "reading ticket by ticket"),
            waiting=waiting,
            event_pages=round(pages),
        )
        return worth

    def _finish(self) -> None:
        self._over = True
        with self._context.unit() as unit:
            clear_stage(unit.session, self._source)

    def _failed(self, error: ZendeskError) -> bool:
        if isinstance(error, ZendeskTooBig) and self._size > 1:
            self._size, self._good = max(1, self._size // 2), 0
            return True
        if isinstance(error, ZendeskRefused) and is_too_recent(error):
            self._finish()
            return True
        if isinstance(error, (ZendeskForbidden, ZendeskGone, ZendeskRefused)):
            log.warning("bulk_refused", message=f"{error}; reading ticket by ticket")
            self._finish()
            return True
        return False
