"""Syncing from the stand-in and comparing what is stored with its truth."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import db
from miner.config import Config
from miner.errors import Interruption, MinerError, RateLimited
from miner.models import JobRun
from miner.runs import lifecycle
from miner.runs.context import StepContext
from miner.runs.creation import create_run
from miner.runs.failures import Failure
from miner.runs.holds import Holds
from miner.runs.jobs import get_job
from miner.runs.steps import mark_begun
from miner.runs.workers import Identity, record_beat
from miner.settings import Settings, load
from miner.tickets.pace import Clock
from miner.tickets.sync import sync_account
from miner.tickets.text import TextRules, clean, clean_line
from tests.factories import TESTER
from tests.standins.zendesk.standin import StandIn

SOURCE = "zendesk:acme"


def config_for(zendesk: StandIn, **changes: Any) -> Config:
    """An OAuth client of the stand-in's account, unless `changes` say otherwise."""
    account = {
        "zendesk_subdomain": "acme",
        "zendesk_base_url": zendesk.base_url,
        "zendesk_oauth_client_id": zendesk.client_id,
        "zendesk_oauth_client_secret": zendesk.client_secret,
    }
    return replace(Config.from_environment(), **(account | changes))


def virtual_clock(zendesk: StandIn) -> Clock:
    """Time is the stand-in's: waiting moves it on and costs nothing."""
    return Clock(now=zendesk.clock.now, sleep=lambda seconds: void(zendesk.clock.advance(seconds)), rest=time.sleep)


def void(_: object) -> None:
    """Forget a value."""


class Run:
    """A sync run from claim to end; `context` may be used by hand."""

    def __init__(
        self,
        config: Config,
        *,
        job: str = "sync",
        settings: Settings | None = None,
        run_id: int | None = None,
        **args: Any,
    ) -> None:
        """A new run of `job` with `args`, or the one that waits under `run_id`."""
        self.identity, self.holds, self.config, self.settings = Identity("worker"), Holds(), config, settings
        with db.transaction() as session:
            record_beat(session, self.identity)
            self.id = run_id or create_run(session, get_job(job), args, by=TESTER, trigger="code")[0]
        self.checkpoint: dict[str, Any] | None = None
        self.waits: list[float] = []
        self.context = self.claim()

    def claim(self) -> StepContext:
        with db.transaction() as session:
            session.execute(text("UPDATE job_runs SET run_after = now() WHERE id = :id"), {"id": self.id})
            claim = lifecycle.claim(session, self.id, self.identity.id)
            version, found = load(session)
        assert claim is not None
        self.context = StepContext(
            hold=self.holds.add(claim),
            holds=self.holds,
            config=self.config,
            settings=self.settings or found,
            settings_version=version,
            position=0,
            checkpoint=self.checkpoint,
            in_pipeline=False,
        )
        with self.context.unit() as unit:
            mark_begun(unit.session, self.id, 0, name="sync", saying="Syncing tickets")
        return self.context

    def work(self, zendesk: StandIn, *, clock: Clock | None = None, answer_seconds: float | None = 5.0) -> JobRun:
        """Sync to the end; a wait passes in virtual time, another error ends the run and is raised."""
        while True:
            try:
                sync_account(self.context, clock=clock or virtual_clock(zendesk), answer_seconds=answer_seconds)
                self.end_with(lambda session, claim: lifecycle.complete(session, claim))
                break
            except RateLimited as limited:
                self.waits.append(limited.seconds)
                self.wait()
                zendesk.clock.advance(limited.seconds)
                self.claim()
            except Interruption:
                raise
            except MinerError as error:
                failure = Failure(type(error).__name__, str(error))
                self.end_with(lambda session, claim, failure=failure: lifecycle.fail(session, claim, failure))
                raise
        with db.transaction() as session:
            return session.get_one(JobRun, self.id)

    def end(self, message: str) -> None:
        """End the run as failed, whatever it did."""
        self.end_with(lambda session, claim: lifecycle.fail(session, claim, Failure("Killed", message)))

    def wait(self) -> None:
        """What the engine does with a wait."""
        self.checkpoint = self.context.checkpoint
        claim = self.context.hold.claim
        with db.transaction() as session:
            lifecycle.wait(session, claim, "rate_limit", "Zendesk asks to wait")
        self.holds.drop(self.context.hold)

    def end_with(self, end: Any) -> None:
        with db.transaction() as session:
            end(session, self.context.hold.claim)
        self.holds.drop(self.context.hold)


def sync(
    zendesk: StandIn,
    *,
    settings: Settings | None = None,
    config: Config | None = None,
    answer_seconds: float = 5.0,
    **args: Any,
) -> JobRun:
    """One whole sync run, as `miner run sync` with `args`, in an account that allows many calls."""
    if not zendesk.limits.enabled:
        zendesk.limits.budgets["account"].allowed = 1_000_000
    return Run(config or config_for(zendesk), settings=settings, **args).work(zendesk, answer_seconds=answer_seconds)


def differences(session: Session, zendesk: StandIn, *, brands: tuple[int, ...] | None = None) -> dict[int, Any]:
    """What the mirror lacks, has wrong or too much, by ticket; empty: the mirror equals the truth."""
    session.rollback()
    truth = zendesk.truth if brands is None else zendesk.truth_of(brands)
    stored = read_mirror(session)
    found: dict[int, Any] = {}
    for number, expected in truth.items():
        row = stored.pop(number, None)
        if expected["deleted"]:
            if row is not None and (not row["gone"] or row["text"] or row["comments"]):
                found[number] = ("a deleted ticket left words behind", row)
            continue
        if row is None:
            found[number] = ("missing", expected)
        elif wrong := _wrong(row, expected, names_in(zendesk, number)):
            target = truth.get(expected["merged_into"])
            if not (wrong.keys() == {"merged_into"} and row["merged_into"] is None and target and target["deleted"]):
                found[number] = wrong  # but for a merge whose only witness, the target, was deleted before it was read
    found |= {number: ("not in the account", row) for number, row in stored.items() if not row["gone"]}
    return found


def _wrong(row: dict[str, Any], expected: dict[str, Any], names: list[str]) -> dict[str, Any]:
    wanted = {
        "gone": False,
        "generated_timestamp": expected["generated_timestamp"],
        "status": expected["status"],
        "subject": clean_line(expected["subject"] or ""),
        "priority": expected["priority"],
        "tags": expected["tags"],
        "requester": str(expected["requester_id"]),
        "brand": expected["brand_id"],
        "merged_into": expected["merged_into"],
        "comments": _messages(expected),
    }
    if row["comments"] and row["comments"][0][0] is None:  # the description stands for its comment, which has no id
        wanted["comments"] = [(None, *one[1:]) for one in wanted["comments"]]
    if row["comments"] == [(None, True, "")] and not wanted["comments"]:
        row["comments"] = []  # a ticket without a word has an empty description
    wrong = {key: (row[key], value) for key, value in wanted.items() if row[key] != value}
    public = [body for _, is_public, body in wanted["comments"] if is_public and body]
    # The rules of redaction have their own tests; here they must have been applied with the names the account gives.
    redact = TextRules().redactor(names)
    if row["text"] != "\n\n".join(redact(part) for part in (wanted["subject"], *public) if part):
        wrong["text"] = (row["text"][:200], public)
    return wrong


def names_in(zendesk: StandIn, number: int) -> list[str]:
    """What the people of a ticket are called in the account."""
    ticket, users = zendesk.store.tickets[number], zendesk.store.users
    keys = {ticket.requester_id, ticket.assignee_id, *(one.author_id for one in ticket.comments)}
    return [users[key].name for key in keys | {one.author_id for one in ticket.messages or []} if key in users]


def _messages(expected: dict[str, Any]) -> list[tuple[str | None, bool, str]]:
    rows = [(one["created_at"], 0, str(one["id"]), one["public"], one["body"]) for one in expected["comments"]]
    first = expected["created_at"]
    rows += [(first, 1, f"message:{one['id']}", True, one["text"]) for one in expected["messages"]]
    rows.sort(key=lambda row: row[:2])
    return [(key, public, clean(body)) for _, _, key, public, body in rows]


def read_mirror(session: Session) -> dict[int, dict[str, Any]]:
    """Every stored ticket of the account by number."""
    tickets = {
        row.id: dict(row._mapping) | {"comments": []}
        for row in session.execute(
            text("""
                SELECT id, zendesk_ticket_id, deleted_at IS NOT NULL AS gone, generated_timestamp, status, subject,
                    priority, tags, requester, (raw ->> 'brand_id')::bigint AS brand, text, merged_into
                FROM tickets WHERE source = :source"""),
            {"source": SOURCE},
        )
    }
    rows = session.execute(
        text("SELECT ticket_id, source_id, public, body FROM ticket_comments ORDER BY ticket_id, position")
    )
    for row in rows:
        if row.ticket_id in tickets:
            tickets[row.ticket_id]["comments"].append((row.source_id, row.public, row.body))
    return {row["zendesk_ticket_id"]: row for row in tickets.values()}
