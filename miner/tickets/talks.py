"""Fetching conversations one ticket at a time: the queue, the calls of each, and storing them in batches."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.errors import ZendeskError, ZendeskForbidden, ZendeskGone, ZendeskRefused, ZendeskTrouble
from miner.logs import get_logger
from miner.runs.context import StepContext
from miner.tickets.comments import MOST_COMMENTS, CommentPage, read_audits, read_comments, read_log
from miner.tickets.conversation import Message
from miner.tickets.conversations import (
    ConversationsStored,
    Due,
    Fetched,
    forget_lone,
    list_due,
    record_counting,
    store_conversations,
)
from miner.tickets.pace import CLOCK, Clock
from miner.tickets.text import TextRules
from miner.tickets.traffic import Task
from miner.tickets.zendesk import Call
from miner.tickets.zendesk_answers import Answer

log = get_logger(__name__)

BATCH, BATCH_CHARACTERS, BATCH_SECONDS = 200, 4_000_000, 2.0
LIST = 500
EVIDENCE = 5  # tickets with private notes that must agree about what is counted
PAGE = "100"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass
class _Talk:
    """A conversation that is being fetched."""

    due: Due
    part: str = "comments"
    after: str | None = None
    comments: list[Message] = field(default_factory=list)
    transcript: list[Message] = field(default_factory=list)
    merged: list[int] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)


class Talks:
    """The conversations of one run."""

    def __init__(self, context: StepContext, *, source: str, rules: TextRules, clock: Clock = CLOCK) -> None:
        self._context, self._source, self._rules, self._clock = context, source, rules, clock
        self._list: deque[Due] = deque()
        self._next: deque[_Talk] = deque()  # between two of their calls
        self._open: dict[int, _Talk] = {}
        self._finished: list[Fetched] = []
        self._gone: list[Due] = []
        self._since = 0.0
        self._characters = self._with_notes = self._without_notes = 0
        self._stale = True
        self._asked_lone = False
        self.stored = self.changed = 0
        self.set_aside: set[int] = set()  # left in the queue: they do not work today

    def refresh(self) -> None:
        """The queue has new rows; those that changed just now go first."""
        self._list.clear()
        self._stale, self._asked_lone = True, False

    def next_task(self) -> Task | None:
        """The next call of a conversation that was begun, else the first of the next one."""
        if self._next:
            return self._task(self._next.popleft())
        if not self._list and self._stale:
            self._load()
        if self._list and self._list[0].lone and self._forget_lone():
            self.refresh()
            return self.next_task()
        if not self._list:
            return None
        talk = _Talk(self._list.popleft())
        self._open[talk.due.number] = talk
        return self._task(talk)

    def _forget_lone(self) -> int:
        """Before the first lone comment is fetched: is there any need?"""
        if self._asked_lone:
            return 0
        self.flush(everything=True)
        self._asked_lone = True
        with self._context.unit() as unit:
            forgotten = forget_lone(unit.session, self._source)
            unit.advance(forgotten)
            unit.count(conversations_spared=forgotten)
        return forgotten

    def _load(self) -> None:
        busy = [*self._open, *(one.due.number for one in self._finished), *(one.number for one in self._gone)]
        with self._context.reading() as session:
            found = list_due(session, self._source, limit=LIST, without=[*busy, *self.set_aside])
        self._list.extend(found)
        self._stale = len(found) == LIST

    def _task(self, talk: _Talk) -> Task:
        number = talk.due.number
        read: Callable[..., CommentPage]
        if talk.part == "comments":
            path, name, read = "comments", "comments", read_comments
            params = {"page[size]": PAGE, "sort": "created_at", "include": "users"}
        elif talk.part == "log":
            path, name, read = "conversation_log", "events", read_log
            params = {"page[size]": PAGE}
        else:
            path, name, read = "audits", "audits", read_audits
            params = {"page[size]": PAGE}
        if talk.after:
            params["page[after]"] = talk.after
        call = Call(f"tickets/{number}/{path}.json", f"the {path} of ticket {number}", (name,), params, one=True)
        return Task(
            call,
            lambda answer: self._page(talk, read, answer),
            lambda error: self._failed(talk, error),
        )

    def _page(self, talk: _Talk, read: Callable[..., CommentPage], answer: Answer) -> None:
        page = read(answer.data, created_at=_EPOCH)
        if page.after is not None and page.after == talk.after:
            raise ZendeskTrouble(f"Zendesk's pages of ticket {talk.due.number} do not move on")
        (talk.comments if talk.part == "comments" else talk.transcript).extend(page.messages)
        talk.merged.extend(page.merged)
        talk.people |= page.people
        talk.after = page.after
        if page.after is not None and len(talk.comments) < MOST_COMMENTS:
            self._next.append(talk)
        elif talk.part == "comments" and talk.due.transcript:
            talk.part, talk.after = talk.due.transcript, None
            self._next.append(talk)
        else:
            self._finish(talk)

    def _finish(self, talk: _Talk) -> None:
        del self._open[talk.due.number]
        if not self._finished:
            self._since = self._clock.seconds()
        self._finished.append(Fetched(talk.due, talk.comments, talk.transcript, talk.merged, talk.people))
        self._characters += sum(len(message.body) for message in (*talk.comments, *talk.transcript))

    def _failed(self, talk: _Talk, error: ZendeskError) -> bool:
        if talk.part != "comments" and isinstance(error, (ZendeskGone, ZendeskForbidden, ZendeskRefused)):
            log.warning("transcript_missing", message=f"{error}; its comments are kept", ticket=talk.due.number)
            self._finish(talk)
            return True
        if isinstance(error, ZendeskGone):
            del self._open[talk.due.number]
            self._gone.append(talk.due)  # it was deleted meanwhile: the export will say so
            return True
        if isinstance(error, ZendeskForbidden) and not self.stored + len(self._finished):
            return False  # not this ticket: all of them
        if not isinstance(error, (ZendeskForbidden, ZendeskRefused, ZendeskTrouble)):
            return False
        del self._open[talk.due.number]
        self.set_aside.add(talk.due.number)
        log.warning("conversation_set_aside", message=f"{error}; it stays queued", ticket=talk.due.number)
        return True

    def flush(self, *, everything: bool) -> None:
        """Store finished conversations; a batch at a time unless `everything`."""
        size = len(self._finished)
        late = bool(size) and self._clock.seconds() - self._since > BATCH_SECONDS
        full = size >= BATCH or self._characters > BATCH_CHARACTERS or late
        if not full and not (everything and (size or self._gone)):
            return
        fetched, gone = self._finished, self._gone
        with self._context.unit() as unit:
            stored = store_conversations(unit.session, fetched, source=self._source, rules=self._rules)
            self._drop(unit.session, gone)
            self._learn(unit.session, stored)
            unit.advance(len(fetched) + len(gone))
            unit.count(
                conversations=len(fetched), texts_changed=stored.changed, texts_unchanged=len(fetched) - stored.changed
            )
        self._finished, self._gone, self._characters = [], [], 0
        self.stored += len(fetched)
        self.changed += stored.changed
        self._context.say(f"Syncing tickets: {self.stored:,} conversations fetched...")

    def _learn(self, session: Session, stored: ConversationsStored) -> None:
        """Whether counts include private notes shows in the first few tickets that have some."""
        self._with_notes += stored.with_notes
        self._without_notes += stored.without_notes
        if stored.with_notes + stored.without_notes and self._with_notes + self._without_notes >= EVIDENCE:
            record_counting(session, self._source, counts_notes=self._without_notes == 0)

    def _drop(self, session: Session, gone: list[Due]) -> None:
        if gone:
            session.execute(
                text("""
                    DELETE FROM due_conversations AS due
                    USING unnest(CAST(:numbers AS bigint[]), CAST(:versions AS bigint[])) AS gone (number, version)
                    WHERE due.source = :source AND due.ticket_number = gone.number AND due.version <= gone.version"""),
                {
                    "source": self._source,
                    "numbers": [one.number for one in gone],
                    "versions": [one.version for one in gone],
                },
            )
