"""Which days may be counted, pure: those that the mirror covers fully and of which 95 % were read, by one reader.

What is not there yet, not read yet, or read by another analyzer or taxonomy than the rest would look like a change.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from miner.trends.counting import Coverage
from miner.trends.measures import BASELINE, RECENT

MOST_UNREAD = 0.05
Reader = tuple[str, ...]  # analyzer, model and taxonomy; a ticket that needed no reading has none: ()


@dataclass(frozen=True)
class Span:
    """Days without a gap, both included, whose tickets are all there."""

    first: dt.date
    last: dt.date


@dataclass(frozen=True)
class Readings:
    """Tickets of a day by who read them, and how many of all still wait to be read."""

    read: Mapping[Reader, int]
    unread: int

    @property
    def tickets(self) -> int:
        return sum(self.read.values()) + self.unread


@dataclass(frozen=True)
class Sources:
    """What is judged: the days of `span`, and whether imported files count beside the mirrors."""

    span: Span
    with_files: bool


def choose_sources(mirrors: Sequence[Span | None], files: Span | None) -> Sources | None:
    """The days that all mirrored accounts cover; without an account, those of the files. None: no day yet.

    Files are dumps: they end. Beside a mirror they count only where they reach over all the days that are compared,
    since a file that begins or ends within them would look like a rise or a fall.
    """
    if not mirrors:
        return Sources(files, True) if files else None
    spans = [span for span in mirrors if span is not None]
    if len(spans) < len(mirrors):
        return None
    first, last = max(span.first for span in spans), min(span.last for span in spans)
    if first > last:
        return None
    compared = max(first, last - dt.timedelta(days=BASELINE))
    with_files = files is not None and files.first <= compared and files.last >= last
    return Sources(Span(max(first, files.first) if files and with_files else first, last), with_files)


def group_readings(rows: Iterable[tuple[dt.date, Reader, int, int]]) -> dict[dt.date, Readings]:
    """{day: readings} from (day, reader, tickets, of them unread)."""
    read: dict[dt.date, Counter[Reader]] = defaultdict(Counter)
    unread: Counter[dt.date] = Counter()
    for day, reader, tickets, waiting in rows:
        read[day][reader] += tickets - waiting
        unread[day] += waiting
    return {day: Readings(read[day], unread[day]) for day in read}


def find_coverage(span: Span, days: Mapping[dt.date, Readings]) -> tuple[Coverage, str | None]:
    """The days of `span` that count, and why its last week cannot be judged (None: it can).

    The reader is the one of most tickets of the last week; days that another has read do not count.
    """
    week = [span.last - dt.timedelta(days=number) for number in range(RECENT)]
    reader = _usual_reader(days[day] for day in week if day in days)
    holes = {
        day
        for day, one in days.items()
        if span.first <= day <= span.last and one.tickets - _counted(one, reader) > MOST_UNREAD * one.tickets
    }
    after = [one for day, one in days.items() if day > span.last]
    read, alike = sum(one.tickets - one.unread for one in after), sum(_counted(one, reader) for one in after)
    coverage = Coverage(span.first, span.last, frozenset(holes), beyond=read - alike <= MOST_UNREAD * read)
    missing = [days[day] for day in week if day in holes]
    if not missing:
        return coverage, None
    unread = sum(days[day].unread for day in week if day in days)
    if any(one.unread > MOST_UNREAD * one.tickets for one in missing):
        return coverage, f"{_tickets(unread)} of this week {'is' if unread == 1 else 'are'} not analysed yet"
    other = sum(one.tickets - one.unread - _counted(one, reader) for one in missing)
    verb = "was" if other == 1 else "were"
    return coverage, f"{_tickets(other)} of this week {verb} read by another analyzer or taxonomy than the rest"


def _usual_reader(days: Iterable[Readings]) -> Reader:
    total: Counter[Reader] = Counter()
    for one in days:
        total.update({reader: count for reader, count in one.read.items() if reader})
    return max(total, key=lambda reader: (total[reader], reader), default=())


def _counted(one: Readings, reader: Reader) -> int:
    return one.read.get(reader, 0) + (one.read.get((), 0) if reader else 0)


def _tickets(number: int) -> str:
    return f"{number:,} ticket{'' if number == 1 else 's'}"
