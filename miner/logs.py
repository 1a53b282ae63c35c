"""Structured logging: one pipeline for our lines and every library's, secrets and ticket text kept out.

A line is a constant event name with its numbers as fields and, under `message`, a sentence for people. Inside a run
the same ordinary call also reaches the run's page: a step binds its run, and `RunLines` hands each line over to the
housekeeping thread, which writes it with its own connection so that it survives a rollback.
"""

from __future__ import annotations

import logging
import math
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import structlog

# The run whose step is at work in this thread: (run id, step name).
current_run: ContextVar[tuple[int, str | None] | None] = ContextVar("current_run", default=None)

_SECRET_NAMES = re.compile(r"(password|secret|token|api_?key|authorization|cookie|dsn)", re.I)
_SECRET_SHAPES = re.compile(
    r"((?:Bearer|Basic)\s+)[\w.~+/=-]+|(sk-ant-)[\w-]+|(miner_\w{8}_)[\w-]+|(\w+://[^\s:/@]*:)[^\s@/]+(?=@)", re.I
)
_TICKETS_OWN = frozenset({"text", "quote", "body", "subject", "summary", "passage"})
_TEXT_FIELDS = _TICKETS_OWN | {"description"}


# What errors quote of the row or the value that was refused is ticket text more often than not.
_QUOTED_ROW = re.compile(
    r"(DETAIL:).*?(?=\n(?:HINT:|CONTEXT:|\[SQL|\(Background|\nThe above|\nDuring|Traceback )|\Z)", re.S
)
_QUOTED_VALUE = re.compile(r"(input_value=).*?(?=, input_type=|\Z)", re.S)
_SHORTEST_HIDDEN = 6
_hidden: re.Pattern[str] | None = None  # the values of this process's own secrets


def hide(values: Iterable[str]) -> None:
    """From now on these values stand in no line, whatever they look like; shorter ones would hide ordinary words."""
    global _hidden
    worth = sorted({value for value in values if len(value) >= _SHORTEST_HIDDEN}, key=len, reverse=True)
    _hidden = re.compile("|".join(map(re.escape, worth))) if worth else None


def scrub(value: str) -> str:
    """`value` with our secrets, everything that looks like one, and what errors quote of rows replaced by ***."""
    if _hidden is not None:
        value = _hidden.sub("***", value)
    value = _SECRET_SHAPES.sub(lambda match: next(group for group in match.groups() if group) + "***", value)
    if "DETAIL:" in value:
        value = _QUOTED_ROW.sub(r"\1 ***", value)
    return _QUOTED_VALUE.sub(r"\1***", value) if "input_value=" in value else value


def redacted(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` as the audit log keeps them: without secrets and ticket text; what people wrote themselves stays."""
    return {str(name): _redacted(str(name), value, _TICKETS_OWN) for name, value in values.items()}


def _redact(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last processor before rendering, so that exception texts pass through it too."""
    for name, value in line.items():
        if name not in ("_record", "_from_structlog"):
            line[name] = _redacted(name, value)
    return line


def _redacted(name: str, value: Any, texts: frozenset[str] = _TEXT_FIELDS) -> Any:
    if name in texts:
        return "(ticket text)"
    if isinstance(value, (int, float, bool, type(None))):
        return value
    if _SECRET_NAMES.search(name):
        return "***"
    if isinstance(value, dict):
        return {key: _redacted(str(key), inner, texts) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(name, inner, texts) for inner in value]
    return scrub(value if isinstance(value, str) else str(value))


@dataclass(frozen=True)
class Line:
    """One log line of a run, on its way to `job_run_events`."""

    run_id: int
    level: str
    name: str
    message: str
    step: str | None
    data: dict[str, Any] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)  # when it was logged, whenever it is written


class LineQueue:
    """Lines wait here for the housekeeping thread; bounded, the oldest give way, the loss is counted."""

    def __init__(self, limit: int = 20_000) -> None:
        self._lines: deque[Line] = deque()
        self._limit = limit
        self._lock = threading.Lock()
        self.dropped = 0

    def put(self, line: Line) -> None:
        with self._lock:
            if len(self._lines) >= self._limit:
                self._lines.popleft()
                self.dropped += 1
            self._lines.append(line)

    def take(self, most: int = 1_000) -> list[Line]:
        """Remove and return up to `most` lines, oldest first."""
        with self._lock:
            return [self._lines.popleft() for _ in range(min(most, len(self._lines)))]

    def waiting(self) -> int:
        """How many lines wait."""
        return len(self._lines)

    def take_dropped(self) -> int:
        """How many lines gave way since the last call."""
        with self._lock:
            dropped, self.dropped = self.dropped, 0
        return dropped

    def put_back(self, lines: list[Line]) -> None:
        """Return lines that could not be written, in front of the others."""
        with self._lock:
            self._lines.extendleft(reversed(lines))


LINES = LineQueue()
_HIDDEN = frozenset({"event", "level", "timestamp", "logger", "message", "exc_info", "run_id", "job", "step",
                     "_record", "_from_structlog"})  # fmt: skip


def _to_run(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Copy a line of a step to its run's page."""
    bound = current_run.get()
    if bound is not None:
        data = clean_data({name: value for name, value in line.items() if name not in _HIDDEN})
        name = str(line.get("event", ""))[:200]
        LINES.put(
            Line(
                run_id=bound[0],
                level=_LEVELS.get(str(line.get("level")), "info"),
                name=name if re.fullmatch(r"[a-z0-9_.]+", name) else "log",
                message=storable(str(line.get("message") or name.replace("_", " ")))[:4_000],
                step=bound[1],
                data=data,
            )
        )
    return line


_LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "warn": "warning", "error": "error",
           "critical": "error", "exception": "error"}  # fmt: skip


def clean_data(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as a run's page may keep them: plain values, without secrets and without what JSON or Postgres refuse."""
    return {name: _plain(value) for name, value in fields.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no word for it
    return value if isinstance(value, (int, float, bool, type(None))) else storable(scrub(str(value)))


def storable(value: str) -> str:
    """Without NUL and lone surrogates, which Postgres and UTF-8 refuse."""
    return value.encode("utf-8", "replace").decode().replace("\x00", "")


def _say(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """On a terminal the sentence stands first; without one, the event name does."""
    message = line.pop("message", None)
    if message:
        line["event"] = message
    return line


def setup(level: str = "INFO", *, json: bool = False) -> None:
    """Send every logger of the process through one pipeline to standard error, as JSON lines or for people."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
        _to_run,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    render: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if json:
        render += [structlog.processors.JSONRenderer()]
    else:
        render += [_say, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)]
    handler = logging.StreamHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=render))
    root = logging.getLogger()
    handler.setLevel(level)
    root.handlers[:] = [handler]
    # A run's page has its lines whatever the terminal shows, so the level is the handler's.
    root.setLevel(min(logging.INFO, logging.getLevelName(level)))
    for noisy in ("httpx", "httpx2", "httpcore", "httpcore2", "uvicorn.access", "alembic", "dramatiq", "psycopg"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module: `log.info("tickets_stored", message="Stored 500 tickets", tickets=500)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


@contextmanager
def bound_to_run(run_id: int, job: str, step: str | None = None) -> Iterator[None]:
    """Lines logged in this block, by us or by a library, belong to the run."""
    token = current_run.set((run_id, step))
    with structlog.contextvars.bound_contextvars(run_id=run_id, job=job, step=step):
        try:
            yield
        finally:
            current_run.reset(token)
