from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner import db
from miner.issues import analyze
from miner.models import Analysis, Person, Ticket, TicketComment
from miner.runs import lifecycle
from miner.runs.context import StepContext
from miner.settings import Settings
from miner.tickets import importer, rebuild
from miner.tickets.people import forget_strangers
from miner.tickets.rebuild import rebuild_texts
from tests.factories import make_ticket
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import SOURCE, differences, sync

Steps = Callable[..., StepContext]
PLAIN = Settings(redaction=False)


@pytest.fixture
def step(step: Steps) -> Steps:
    """Each step's run gives its keys back before the next is made."""

    last: list[StepContext] = []

    def make(*args: Any) -> StepContext:
        with db.transaction() as session:
            for context in last:
                lifecycle.complete(session, context.hold.claim)
        last[:] = [step(*args)]
        return last[0]

    return make


def with_settings(context: StepContext, settings: Settings) -> StepContext:
    return dataclasses.replace(context, settings=settings)


def everything(session: Session) -> list[tuple[str, str, str]]:
    session.rollback()
    rows = session.execute(text("SELECT subject, text, text_rules FROM tickets ORDER BY id"))
    return [(row.subject, row.text, row.text_rules) for row in rows]


def test_an_account_is_stored_as_it_is_and_its_texts_without_personal_data(zendesk: StandIn, session: Session) -> None:
    customer = next(one for one in zendesk.store.users.values() if one.role == "end-user")
    customer.name = "Zoë van Dijk"
    ticket = zendesk.ops.create(
        subject="Zoë: export fails with error 0x80070005",
        body="Order 4155550100 is gone. Mail me: zoe@example.com\nZoë van Dijk\n+31 6 12345678",
        requester=customer.id,
    )
    agent = next(one for one in zendesk.store.users.values() if one.email and one.email.startswith("agent"))
    zendesk.ops.comment(ticket, f"Hello Zoë, I am {agent.name}.", author=agent.id)
    zendesk.settle()
    sync(zendesk, backfill_days=100)
    assert differences(session, zendesk) == {}
    stored = session.scalars(select(Ticket).where(Ticket.zendesk_ticket_id == ticket.id)).one()
    assert stored.text == (
        "[NAME]: export fails with error 0x80070005\n\n"
        "Order 4155550100 is gone. Mail me: [EMAIL]\n[NAME]\n[PHONE]\n\n"
        "Hello [NAME], I am [NAME]."
    )
    comments = session.scalars(select(TicketComment).where(TicketComment.ticket_id == stored.id)).all()
    assert any("zoe@example.com" in one.body for one in comments), "the mirror itself keeps the words"
    for one in comments:
        assert stored.text[one.text_start : one.text_end].startswith(("Order", "Hello [NAME]"))


def test_names_go_when_no_ticket_names_the_person_any_more(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    before = session.query(Person).count()
    session.add(Person(source=SOURCE, key="1", name="Ann Lee"))
    assert before > 0
    assert forget_strangers(session, SOURCE) == 1


def test_a_changed_setting_makes_every_text_again_and_only_changed_ones_wait(
    step: Steps, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "BATCH", 3)
    requester = {"name": "Ann Lee", "email": "ann@acme.example"}
    records = [{"id": number, "subject": f"Export {number} crashes", "description": f"It crashes, says Ann. {number}",
                "created_at": "2026-11-20", "requester": requester if number % 2 else None,
                "comments": [{"body": "A note", "public": False}]} for number in range(10)]  # fmt: skip
    path = tmp_path / "a.ndjson"
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    importer.run(step("import", {"path": str(path)}))
    redacted = everything(session)
    assert [("[NAME]" in one) for _, one, _ in redacted] == [False, True] * 5
    analyze.run(step("analyze"))
    before = session.query(Analysis).count()

    assert rebuild_texts(with_settings(step("analyze"), PLAIN)) == 5
    plain = everything(session)
    assert [one for _, one, _ in plain] == [
        f"Export {number} crashes\n\nIt crashes, says Ann. {number}" for number in range(10)
    ]
    pending = session.scalars(select(Ticket.id).where(Ticket.analyzed_text_hash != Ticket.text_hash)).all()
    assert len(pending) == 5

    assert rebuild_texts(with_settings(step("analyze"), PLAIN)) == 0
    analyze.run(step("analyze"))  # its settings redact: what is read is made again before
    assert everything(session) == redacted
    assert session.query(Analysis).count() == before, "texts that came out as they had been are not read again"
    noted = Settings(private_notes=True)
    assert rebuild_texts(with_settings(step("analyze"), noted)) == 10
    assert everything(session)[0][1].endswith("\n\nA note")
    for comment in session.scalars(select(TicketComment)):
        assert (comment.text_start is None) == (not comment.public)


def test_what_an_older_release_stored_is_made_again_before_it_is_read(step: Steps, session: Session) -> None:
    ticket = make_ticket(session, text="Export crashes\n\nIt crashes. Write to ann@example.com", text_rules="")
    session.commit()
    analyze.run(step("analyze"))
    session.refresh(ticket)
    assert ticket.text == "Export crashes\n\nIt crashes. Write to [EMAIL]"
    assert ticket.analyzed_text_hash == ticket.text_hash
