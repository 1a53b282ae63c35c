"""The webhook of Zendesk: it only ever wakes the sync, and only for Zendesk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from dashboard.security.sizes import LARGEST_BODY, LARGEST_CALL
from miner.models import JobRun, JobWake, WebhookCall
from miner.tickets.webhook import PUBLISHED_SECRET
from tests.dashboard.conftest import ELSEWHERE, PRODUCTION, make_client, new_token
from tests.standins.zendesk.webhook import delivery, ticket_event

SECRET = "c3ludGhldGljLXNpZ25pbmctc2VjcmV0"
HOOK = "/hooks/zendesk"


@pytest.fixture
def outside(database: str) -> Iterator[TestClient]:
    """The dashboard in production, as Zendesk reaches it."""
    new_token()
    environ = PRODUCTION | {"ZENDESK_WEBHOOK_SECRET": SECRET}
    with make_client(environ, peer=ELSEWHERE, base_url="https://issues.example.com") as client:
        yield client


def call(client: TestClient, *, secret: str = SECRET, age: int = 0, invocation: str = "01J1", **changes: Any) -> int:
    """Deliver one call as the stand-in does; `changes` replace headers and `content`."""
    at = int(time.time()) - age
    headers, body = delivery(secret, ticket_event(48121, at=at), at=at, invocation=invocation)
    content = changes.pop("content", body)
    return client.post(HOOK, content=content, headers=headers | changes.pop("headers", {})).status_code


def wishes(session: Session) -> int:
    session.rollback()
    return len(session.scalars(select(JobWake).where(JobWake.first_asked_at.is_not(None))).all())


def test_a_signed_call_is_taken_without_a_login_and_wishes_for_a_sync(outside: TestClient, session: Session) -> None:
    assert call(outside) == 204
    wish = session.scalars(select(JobWake)).one()
    assert (wish.job_name, wish.asked_by) == ("sync", "Zendesk")
    assert session.scalars(select(JobRun)).all() == [], "a run that waited would hold the sync's key"


@pytest.mark.parametrize(
    "given",
    [
        {"secret": "another"},
        {"secret": PUBLISHED_SECRET},
        {"age": 301},
        {"age": -302},
        {"content": b"{}"},
        {"headers": {"X-Zendesk-Webhook-Signature": ""}},
        {"headers": {"X-Zendesk-Webhook-Signature-Timestamp": "2026-11-23T20:15:05Z"}},
    ],
)
def test_any_other_call_is_refused_and_wakes_nobody(
    outside: TestClient, session: Session, given: dict[str, Any]
) -> None:
    assert call(outside, **given) == 401
    assert (wishes(session), session.scalars(select(WebhookCall)).all()) == (0, [])


def test_who_is_logged_in_as_an_admin_still_needs_the_signature(outside: TestClient) -> None:
    assert outside.post(HOOK, content=b"{}", headers={"Authorization": f"Bearer {new_token()}"}).status_code == 401


def test_an_answer_does_not_say_why_a_call_is_refused(outside: TestClient) -> None:
    answer = outside.post(HOOK, content=b"{}")
    assert (answer.status_code, answer.content) == (401, b"")


def test_a_call_that_comes_again_is_ignored_also_under_another_id(outside: TestClient, session: Session) -> None:
    at = int(time.time())
    headers, body = delivery(SECRET, ticket_event(48121, at=at), at=at)
    for changes in ({}, {}, {"X-Zendesk-Webhook-Invocation-Id": "another"}):
        assert outside.post(HOOK, content=body, headers=headers | changes).status_code == 204
        if not changes:
            session.execute(text("DELETE FROM job_wakes"))
            session.commit()
    assert wishes(session) == 0


def test_a_call_that_zendesk_repeats_and_signs_anew_is_ignored_and_another_is_not(
    outside: TestClient, session: Session
) -> None:
    call(outside, invocation="01J1", age=9)
    session.execute(text("DELETE FROM job_wakes"))
    session.commit()
    call(outside, invocation="01J1", age=3)
    assert wishes(session) == 0
    call(outside, invocation="01J2")
    assert wishes(session) == 1


def test_what_is_remembered_of_calls_goes_when_no_replay_can_pass(outside: TestClient, session: Session) -> None:
    call(outside, invocation="01J1")
    session.execute(text("UPDATE webhook_calls SET received_at = now() - interval '12 minutes'"))
    session.commit()
    call(outside, invocation="01J2", age=5)
    assert len(session.scalars(select(WebhookCall)).all()) == 2


@pytest.mark.parametrize("secret", ["", PUBLISHED_SECRET])
def test_without_a_secret_of_its_own_there_is_no_webhook(database: str, session: Session, secret: str) -> None:
    new_token()
    with make_client(PRODUCTION | {"ZENDESK_WEBHOOK_SECRET": secret}, base_url="https://issues.example.com") as client:
        assert call(client, secret=secret or SECRET) == 404
    assert wishes(session) == 0


def test_a_comment_of_the_greatest_length_fits_and_more_does_not(outside: TestClient) -> None:
    at = int(time.time())
    event = ticket_event(48121, at=at) | {"event": {"comment": {"body": "ü" * 65_000}}}
    headers, body = delivery(SECRET, event, at=at)
    assert len(body) > LARGEST_BODY
    assert outside.post(HOOK, content=body, headers=headers).status_code == 204
    answer = outside.post(HOOK, content=b"x" * (LARGEST_CALL + 1), headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (413, "A request may hold at most 1024 KiB.")


def test_a_proxy_that_adds_an_origin_is_no_other_site(outside: TestClient) -> None:
    assert call(outside, headers={"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}) == 204


def test_the_address_takes_nothing_but_post(outside: TestClient) -> None:
    assert outside.get(HOOK).status_code == 405
