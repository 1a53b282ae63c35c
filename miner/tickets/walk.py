"""Walking the ticket export: a page and the cursor after it are stored together, or not at all.

The live lane first, then the windows; while they take long, the live lane is looked at again every few minutes.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import text

from miner.errors import ZendeskBadPayload, ZendeskError, ZendeskRefused, ZendeskTooBig
from miner.logs import get_logger
from miner.runs.context import StepContext
from miner.tickets.exported import INCLUDE, Page, read_page
from miner.tickets.lanes import DAY, WINDOW_DAYS, Lane, finish_window, replace_window, save_lane
from miner.tickets.mirror import BACKFILL, LIVE, store_page
from miner.tickets.pace import CLOCK, Clock
from miner.tickets.progress import expect_rest, seconds_left
from miner.tickets.traffic import Task
from miner.tickets.zendesk import Call
from miner.tickets.zendesk_answers import Answer, is_too_recent

log = get_logger(__name__)

LIVE_EVERY = 300.0  # seconds between looks at the live lane while windows are walked
HIDDEN_SECONDS = 60  # the export hides what changed this recently
OVERLAP = 300
GROW_AFTER = 5  # good pages, after which a size that was halved is doubled
MOST_STEPS_BACK = 12  # times OVERLAP: how far a start may move into the past when Zendesk calls it too recent


class Walk:
    """The export's calls of one run; `stored` is called after each page that brought conversations to fetch."""

    def __init__(
        self,
        context: StepContext,
        lanes: Sequence[Lane],
        *,
        source: str,
        brands: Sequence[int],
        stored: Callable[[], None],
        clock: Clock = CLOCK,
    ) -> None:
        self._context, self._source, self._brands, self._stored, self._clock = context, source, brands, stored, clock
        self._lanes = list(lanes)
        self._scope: str | None = "all"
        self._good = self._steps_back = 0
        self._live_seen: float | None = None
        self._windows_begun = False
        self._seconds = seconds_left(self._lanes[1:])
        self.pages = self.tickets = 0
        self.unknown: Counter[str] = Counter()
        self.roles: dict[str, str] = {}  # of the agents that were seen

    def flush(self, *, everything: bool) -> None:
        """Nothing waits here: pages are stored as they come."""

    def next_task(self) -> Task | None:
        """The next page, live first; None when every lane is at its end."""
        lane = self._next_lane()
        if lane is None:
            return None
        return Task(
            self._call(lane),
            lambda answer: self._page(lane, answer),
            lambda error: self._failed(lane, error),
            lambda answer: self._following(lane, answer),
        )

    def _call(self, lane: Lane) -> Call:
        params = {"per_page": str(lane.page_size), "include": INCLUDE}
        params |= {"cursor": lane.cursor} if lane.cursor else {"start_time": str(lane.start_time)}
        if self._scope:
            params["support_type_scope"] = self._scope
        needs = ("tickets", "end_of_stream")
        path = "incremental/tickets/cursor.json"
        return Call(path, "a page of tickets", needs, params, export=True, one=lane.page_size == 1)

    def _following(self, lane: Lane, answer: Answer) -> Call | None:
        after = answer.data.get("after_cursor")
        if answer.data.get("end_of_stream") is not False or not isinstance(after, str):
            return None
        return self._call(replace(lane, cursor=after))

    @property
    def is_through(self) -> bool:
        """Whether every window is walked and the live lane has been at its end."""
        return self._live_seen is not None and len(self._lanes) == 1

    def _next_lane(self) -> Lane | None:
        live, *windows = self._lanes
        if self._live_seen is None:
            return live
        if windows and self._clock.seconds() - self._live_seen > LIVE_EVERY:
            return live
        return windows[0] if windows else None

    def _page(self, lane: Lane, answer: Answer) -> None:
        # What lies beyond a window was stored by the lanes before it; what moved there since is the live lane's.
        page = read_page(answer.data, source=self._source, until=lane.end_time, rules=self._context.settings.text_rules)
        if not page.end and (page.after is None or page.after == lane.cursor):
            raise ZendeskBadPayload("Zendesk's export says there is more, but its cursor does not move")
        over = lane.end_time is not None and page.newest is not None and page.newest >= lane.end_time
        finished = page.end or over
        moved = replace(lane, cursor=page.after or lane.cursor)
        crowded = self._is_crowded(lane) and not finished
        self._good = self._good + 1 if page.rows else self._good
        if self._good >= GROW_AFTER:
            moved, self._good = moved.bigger(), 0
            self._resize(moved.page_size)
        with self._context.unit() as unit:
            stored = store_page(
                unit.session,
                page.rows,
                source=self._source,
                brands=self._brands,
                priority=LIVE if lane.is_live else BACKFILL,
            )
            if crowded:
                lanes = replace_window(unit.session, self._source, lane, run_id=self._context.run_id)
            elif finished and not lane.is_live:
                finish_window(unit.session, self._source, lane)
            else:
                through = self._through(answer) if finished else None
                save_lane(unit.session, self._source, moved, run_id=self._context.run_id, complete_through=through)
            unit.advance(stored.stored - stored.due)
            unit.count(
                tickets=stored.stored,
                tickets_new=stored.new,
                tickets_gone=stored.gone,
                rejected=len(page.faults),
                pages=1,
            )
            if finished and all(one.is_live or one.name == lane.name for one in self._lanes):
                expect_rest(self._context, unit, self._source)
        self.unknown.update(page.unknown)
        self.roles.update(dict.fromkeys(page.agents, "agent"))
        self._windows_begun = self._windows_begun or not lane.is_live
        if finished and lane.is_live:
            self._live_seen = self._clock.seconds()
        if crowded:
            self._lanes = [replace(one, page_size=moved.page_size) for one in lanes]
        else:
            self._replace(lane, None if finished and not lane.is_live else moved)
        at = page.newest if not (lane.is_live or finished or crowded) else None
        self._tell(lane, page, stored.stored, seconds_left(self._lanes[1:], at=at))
        if stored.due:
            self._stored()

    def _is_crowded(self, lane: Lane) -> bool:
        """Whether a window that does not end with its first page was made long because the account seemed small.

        Walked from its oldest ticket on, it would bring yesterday last.
        """
        long = lane.end_time is not None and lane.end_time - lane.start_time > WINDOW_DAYS[0] * DAY
        return long and lane.cursor is None and not self._windows_begun

    def _through(self, answer: Answer) -> dt.datetime:
        """Until when everything is stored: by Zendesk's clock or ours, whichever is behind."""
        ours = self._clock.stamp() or dt.datetime.now(dt.UTC).timestamp()
        return dt.datetime.fromtimestamp(min(answer.server_time or ours, ours) - HIDDEN_SECONDS, dt.UTC)

    def _tell(self, lane: Lane, page: Page, stored: int, left: int) -> None:
        self.pages += 1
        self.tickets += stored
        walked = f", {1 - min(1.0, left / self._seconds):.0%} of the time span walked" if self._seconds and left else ""
        self._context.say(f"Syncing tickets: {self.tickets:,} stored{walked}...")
        log.info("page_stored", message=f"Stored {stored:,} tickets ({lane.name})", tickets=stored, lane=lane.name)
        for number, reason in page.faults:
            log.warning("ticket_rejected", message=f"Ticket {number} cannot be read: {reason}", ticket=number)

    def _resize(self, size: int) -> None:
        """What a page of one lane can hold, one of another can too."""
        self._lanes = [replace(lane, page_size=size) for lane in self._lanes]

    def _replace(self, lane: Lane, by: Lane | None) -> None:
        place = next(place for place, one in enumerate(self._lanes) if one.name == lane.name)
        self._lanes[place : place + 1] = [by] if by else []

    def _failed(self, lane: Lane, error: ZendeskError) -> bool:
        if isinstance(error, ZendeskTooBig) and lane.page_size > 1:
            self._good = 0
            self._move(lane, lane.smaller())
            self._resize(lane.smaller().page_size)
            return True
        if not isinstance(error, ZendeskRefused):
            return False
        if is_too_recent(error) and self._steps_back < MOST_STEPS_BACK:
            self._steps_back += 1
            self._move(lane, replace(lane, start_time=lane.start_time - OVERLAP))
            return True
        if self._scope and "support_type_scope" in error.detail:
            self._scope = None
            log.warning("scope_unknown", message="This account knows no support types; reading what it gives")
            return True
        if lane.cursor and "cursor" in error.detail.lower():
            self._restart(lane)
            return True
        return False

    def _restart(self, lane: Lane) -> None:
        """A cursor that Zendesk no longer takes: begin again a little before what is stored."""
        start = lane.start_time
        if lane.is_live:
            with self._context.reading() as session:
                newest = session.scalar(
                    text("SELECT max(generated_timestamp) FROM tickets WHERE source = :source"),
                    {"source": self._source},
                )
            start = max(start, (newest or 0) - OVERLAP)
        log.warning("cursor_refused", message=f"Zendesk refused the cursor of {lane.name}; beginning at {start}")
        self._move(lane, replace(lane, cursor=None, start_time=start))

    def _move(self, lane: Lane, to: Lane) -> None:
        with self._context.unit() as unit:
            save_lane(unit.session, self._source, to, run_id=self._context.run_id)
        self._replace(lane, to)
