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
from miner.issues.checks import draw_check
from miner.models import Analysis, CheckItem, Correction, Issue, Person, Ticket, TicketComment
from miner.runs import lifecycle
from miner.runs.context import StepContext
from miner.settings import Settings
from miner.tickets import importer, rebuild
from miner.tickets.people import forget_strangers
from miner.tickets.rebuild import rebuild_texts
from tests.factories import TESTER, make_issue, make_ticket
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


def test_a_ticket_without_stored_messages_keeps_its_words(step: Steps, session: Session) -> None:
    ticket = make_ticket(session, text="Export\n\nIt crashes. Write to ann@example.com", text_rules="")
    session.query(TicketComment).delete()
    session.commit()
    assert rebuild_texts(step("analyze")) == 1
    session.refresh(ticket)
    assert ticket.text == "Export\n\nIt crashes. Write to [EMAIL]"


def test_what_is_kept_of_a_text_loses_the_personal_data_with_it_retired_issues_too(
    step: Steps, session: Session
) -> None:
    body = "Export\n\nIt crashes. Write to ann@example.com. It is slow."
    ticket = make_ticket(session, text=body, text_rules="plain")
    facts = {"workaround": "write to ann@example.com", "article_url": "https://help.example.com/a?b=ann@example.com"}
    live = make_issue(session, ticket, quote=body[8:47], facts=facts, summary="ann@example.com is told of a crash")
    gone = {"retired_at": ticket.created_at, "retired_reason": "a later reading no longer found it"}
    retired = make_issue(session, ticket, quote="Write to ann@example.com", quote_start=20, quote_end=44, **gone)
    elsewhere = make_issue(session, ticket, quote="bob@example.com said so", **gone)
    untouched = make_issue(session, ticket, quote="It is slow.", quote_start=46, quote_end=57, **gone)
    said = draw_check(session, by=TESTER, seed=1)
    right = {"type": "friction", "severity_phrase": "ann@example.com"}
    session.add(
        Correction(
            ticket_id=ticket.id, issue_id=live.id, kind="type", before={"quote": live.quote}, after=right, original={},
            settings_version=1, created_by="x",
        )
    )  # fmt: skip
    session.commit()
    assert rebuild_texts(step("analyze")) == 1
    session.expire_all()
    for issue in (live, retired):
        assert "[EMAIL]" in issue.quote
        assert ticket.text[issue.quote_start : issue.quote_end] == issue.quote
        assert (issue.quote_verified, issue.text_hash) == (True, ticket.text_hash)
    assert (elsewhere.quote, elsewhere.quote_verified, elsewhere.quote_start) == ("[EMAIL] said so", False, None)
    assert (untouched.quote, untouched.quote_verified) == ("It is slow.", True)
    assert live.facts == {**facts, "workaround": "write to [EMAIL]"}
    assert live.summary == "[EMAIL] is told of a crash"
    kept = [session.scalars(select(one)).all() for one in (CheckItem.shown, Correction.before, Correction.after)]
    assert said.id
    assert kept[0]
    assert "ann@" not in json.dumps(kept)
    assert session.scalars(select(Issue.id).where(Issue.quote.contains("@"))).all() == []
