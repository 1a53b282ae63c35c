"""STEP import: a file of tickets, in batches, each with its checkpoint in one transaction.

Reading and parsing happen between the transactions. A killed import goes on after the last batch that was stored; the
same file imported twice changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from miner.errors import ImportFailed
from miner.logs import get_logger
from miner.runs.context import StepContext
from miner.tickets import sample
from miner.tickets.files import Record, inspect, read_records
from miner.tickets.names import parse_columns
from miner.tickets.payload import TicketData, parse_ticket
from miner.tickets.store import store_tickets
from miner.tickets.text import RULES, TextRules, clean_line

log = get_logger(__name__)

BATCH = 500
BATCH_CHARACTERS = 4_000_000  # a batch of the longest tickets stays within memory, and its transaction within seconds
MOST_WARNINGS = 50


@dataclass
class Batch:
    """Records read in a row: the tickets in them by id (the last of the same id wins) and the faults of the others."""

    tickets: dict[str, TicketData] = field(default_factory=dict)
    faults: list[tuple[int, str, Any]] = field(default_factory=list)
    columns: Mapping[str, str] | None = None
    records: int = 0
    characters: int = 0

    def add(self, record: Record, source: str, rules: TextRules = RULES) -> None:
        self.records += 1
        try:
            ticket = _ticket(record, source, self.columns, rules)
        except ValueError as error:
            self.faults.append((record.line, str(error), record.value))
            return
        self.tickets[ticket.source_id] = ticket
        self.characters += len(ticket.text)

    @property
    def full(self) -> bool:
        return self.records >= BATCH or self.characters >= BATCH_CHARACTERS


def run(context: StepContext) -> None:
    """Import the file `args["path"]` as source `args["source"]`, else `file:<name>`; raises ImportFailed."""
    path = Path(context.args["path"])
    _import(context, path, source_name(path, context.args.get("source")), _columns(context.args.get("columns")))


def run_sample(context: StepContext) -> None:
    """STEP sample: import the file that ships with the package."""
    _import(context, sample.sample_path(), sample.SOURCE, None, alone=False)


def _import(
    context: StepContext, path: Path, source: str, columns: dict[str, str] | None, *, alone: bool = True
) -> None:
    """`alone`: no later step of the run counts its tickets, too."""
    found = inspect(path)
    context.expect(found.total)
    prepare = _preparation(context, source)
    progress = _Progress.resumed(context.checkpoint, path)
    records = _after(read_records(found, columns), progress.records)
    rejects = RejectFile(context.config.home / "rejected" / f"run-{context.run_id}-{path.name}.ndjson")
    if not progress.records:
        rejects.begin()
    for batch in _batches(records, source, columns, context.settings.text_rules):
        tickets = [prepare(ticket) for ticket in batch.tickets.values()]
        with context.unit() as unit:
            stored = store_tickets(unit.session, tickets, source=source)
            progress.add(batch)
            unit.advance(batch.records)
            unit.count(
                tickets=len(tickets) if alone else 0,
                tickets_new=stored.new,
                tickets_changed=stored.changed,
                rejected=len(batch.faults),
            )
            unit.checkpoint = progress.checkpoint()
        rejects.add(batch.faults)
    if not progress.tickets:
        raise ImportFailed(f"{path.name} holds no usable ticket: {progress.first_fault or 'it has no records'}")
    log.info(
        "import_finished",
        message=f"Read {progress.records:,} records of {path.name}: {progress.rejected:,} rejected"
        + (f", kept in {rejects.path}" if rejects.written else ""),
        records=progress.records,
        rejected=progress.rejected,
    )


def source_name(path: Path, given: str | None) -> str:
    """The source a file's tickets belong to; a name without a known prefix becomes a file source.

    Raises ImportFailed where the name belongs to the sample data and the file is another.
    """
    name = clean_line(given or "")[:200]
    if name == sample.SOURCE and path.resolve() != sample.sample_path().resolve():
        raise ImportFailed(f"the source name {name!r} belongs to the sample data: choose another --source")
    if name == sample.SOURCE or name.startswith(("zendesk:", "file:")):
        return name
    return f"file:{name or clean_line(path.name)}"


def _preparation(context: StepContext, source: str) -> Callable[[TicketData], TicketData]:
    if source != sample.SOURCE:
        return lambda ticket: ticket
    with context.reading() as session:
        anchor = sample.find_anchor(session)
    return lambda ticket: sample.placed(ticket, anchor=anchor)


def _after(records: Iterator[Record], count: int) -> Iterator[Record]:
    for _ in range(count):
        next(records, None)
    return records


def _columns(given: str | None) -> dict[str, str] | None:
    try:
        return parse_columns(given) if given else None
    except ValueError as error:
        raise ImportFailed(f"--columns: {error}") from None


class RejectFile:
    """Records that were not imported, one JSON line each with its place and the reason, beside the database's home.

    They hold ticket text, so they stay on this machine; repaired lines can be imported as they are.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.written = path, False

    def begin(self) -> None:
        """Forget what another database's run of this number left."""
        self.path.unlink(missing_ok=True)

    def add(self, faults: Sequence[tuple[int, str, Any]]) -> None:
        if not faults:
            return
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8", errors="surrogateescape") as file:
                for line, reason, record in faults:
                    file.write(json.dumps({"line": line, "reason": reason, "record": record}, default=str) + "\n")
            self.written = True
        except OSError as error:  # a read-only disk must not stop the import
            log.warning("rejects_not_kept", message=f"Rejected records cannot be kept: {error.strerror}")


def _batches(
    records: Iterator[Record],
    source: str,
    columns: Mapping[str, str] | None = None,
    rules: TextRules = RULES,
) -> Iterator[Batch]:
    """Full batches, and at the end, or where the file breaks, what is left."""
    batch = Batch(columns=columns)
    broken: ImportFailed | None = None
    try:
        for record in records:
            batch.add(record, source, rules)
            if batch.full:
                yield batch
                batch = Batch(columns=columns)
    except ImportFailed as error:
        broken = error
    if batch.records:
        yield batch
    if broken:
        raise broken


def _ticket(record: Record, source: str, columns: Mapping[str, str] | None, rules: TextRules) -> TicketData:
    if record.fault:
        raise ValueError(record.fault)
    if not isinstance(record.value, Mapping):
        raise ValueError("it is not an object")
    return parse_ticket(record.value, source=source, columns=columns, rules=rules)


@dataclass
class _Progress:
    """What the checkpoint holds; a file that changed since is read from its start."""

    file: list[int]
    records: int = 0
    tickets: int = 0
    rejected: int = 0
    first_fault: str = ""

    @classmethod
    def resumed(cls, checkpoint: Mapping[str, Any] | None, path: Path) -> _Progress:
        status = path.stat()
        file = [status.st_size, status.st_mtime_ns]
        return cls(**checkpoint) if checkpoint and checkpoint["file"] == file else cls(file)

    def add(self, batch: Batch) -> None:
        for line, reason, _ in batch.faults:
            self.first_fault = self.first_fault or f"line {line}: {reason}"
            self.rejected += 1
            if self.rejected <= MOST_WARNINGS:
                log.warning("record_rejected", message=f"Line {line} is not imported: {reason}", line=line)
            elif self.rejected == MOST_WARNINGS + 1:
                log.warning("more_rejected", message="More lines are not imported; only their number is kept")
        self.records += batch.records
        self.tickets += len(batch.tickets)

    def checkpoint(self) -> dict[str, Any]:
        return vars(self).copy()
