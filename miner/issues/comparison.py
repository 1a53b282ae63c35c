"""Two readings of the same tickets side by side: counts, and what one found and the other did not (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from miner.issues.answer import Finding, Located
from miner.issues.reconcile import Known, reconcile

MEASURES = ("type", "area", "severity")
Row = Mapping[str, Any]  # an issue as a row: type, area, severity, summary, quote, start, end


@dataclass(frozen=True, slots=True)
class Pair:
    """The rows of one ticket in two readings: None on the side that did not find it."""

    key: Any
    before: Row | None
    after: Row | None

    @property
    def changed(self) -> tuple[str, ...]:
        """The measures in which both sides differ."""
        if self.before is None or self.after is None:
            return ()
        return tuple(name for name in MEASURES if self.before.get(name) != self.after.get(name))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that two readings of the same tickets have and have not in common."""

    pairs: tuple[Pair, ...]

    @property
    def gained(self) -> list[Pair]:
        return [pair for pair in self.pairs if pair.before is None]

    @property
    def lost(self) -> list[Pair]:
        return [pair for pair in self.pairs if pair.after is None]

    @property
    def changed(self) -> list[Pair]:
        return [pair for pair in self.pairs if pair.changed]

    def counts(self, measure: str) -> list[tuple[str, int, int]]:
        """(value, before, after), the most frequent first; no area reads as none."""
        sides = [Counter(str(row.get(measure) or "none") for row in rows) for rows in self._sides()]
        names = sorted(sides[0] | sides[1], key=lambda name: (-max(sides[0][name], sides[1][name]), name))
        return [(name, sides[0][name], sides[1][name]) for name in names]

    @property
    def totals(self) -> tuple[int, int]:
        before, after = self._sides()
        return len(before), len(after)

    def _sides(self) -> tuple[list[Row], list[Row]]:
        return [pair.before for pair in self.pairs if pair.before], [pair.after for pair in self.pairs if pair.after]


def compare(readings: Iterable[tuple[Any, Sequence[Row], Sequence[Row]]]) -> Comparison:
    """Match (ticket, rows before, rows after) as a second reading is matched to the issues that are there."""
    return Comparison(tuple(pair for key, before, after in readings for pair in _pairs(key, before, after)))


def row_of(located: Located) -> dict[str, Any]:
    """A finding as a row, fit for JSON."""
    finding, (start, end) = located.finding, located.place or (None, None)
    return {
        "type": finding.type, "area": finding.area, "component": finding.component, "severity": finding.severity,
        "summary": finding.summary, "quote": finding.quote, "start": start, "end": end,
        "verified": located.place is not None,
    }  # fmt: skip


def _pairs(key: Any, before: Sequence[Row], after: Sequence[Row]) -> Iterable[Pair]:
    known = [
        Known(place, row["type"], row["summary"], row["quote"], row["start"], row["end"], "same")
        for place, row in enumerate(before)
    ]
    found = [_located(row) for row in after]
    places = {id(one): place for place, one in enumerate(found)}
    plan = reconcile(known, found, text_hash="same")
    yield from (Pair(key, before[old.id], after[places[id(new)]]) for old, new in plan.matched)
    yield from (Pair(key, before[old.id], None) for old in plan.gone)
    yield from (Pair(key, None, after[places[id(new)]]) for new in plan.new)


def _located(row: Row) -> Located:
    place = None if row["start"] is None else (row["start"], row["end"])
    return Located(Finding(row["type"], row["summary"], row["quote"]), place)
