"""Proofs 13 and 14 (12 is test_proof_tokens.py): credentials, their renewal, and where they never go."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.errors import ZendeskAuthentication, ZendeskForbidden
from miner.tickets.pace import Clock
from miner.tickets.zendesk import Zendesk
from miner.tickets.zendesk_login import Credential, Login
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import Run, config_for, differences, sync, virtual_clock

NO_CLIENT = {"zendesk_oauth_client_id": None, "zendesk_oauth_client_secret": None}


def test_each_kind_of_credential_works_and_the_client_comes_first(zendesk: StandIn, session: Session) -> None:
    bearer = NO_CLIENT | {"zendesk_oauth_token": zendesk.bearer}
    key = NO_CLIENT | {"zendesk_email": zendesk.email, "zendesk_api_token": zendesk.api_token}
    for changes, scheme in (
        (bearer, "Bearer standin"),
        (key, "Basic "),
        (bearer | key, "Bearer standin"),
        ({}, "Bearer oauth-"),
    ):
        zendesk.log.clear()
        sync(zendesk, config=config_for(zendesk, **changes), backfill_days=100)
        asked = {one.headers["authorization"][: len(scheme)] for one in zendesk.log if one.route != "token"}
        assert asked == {scheme}
    assert differences(session, zendesk) == {}


def test_an_api_token_works_with_a_warning_of_its_end(
    zendesk: StandIn, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    changes = NO_CLIENT | {"zendesk_email": zendesk.email, "zendesk_api_token": zendesk.api_token}
    sync(zendesk, config=config_for(zendesk, **changes))
    assert "30 April 2027" in caplog.text
    assert zendesk.api_token not in caplog.text


def test_a_refused_token_is_renewed_once_and_then_given_up(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    zendesk.oauth.revoke_all()
    sync(zendesk)
    assert zendesk.oauth.issued == 2
    zendesk.oauth.revoke_all()
    zendesk.oauth.secret = None
    with pytest.raises(ZendeskAuthentication, match="miner doctor"):
        sync(zendesk)
    assert session.scalar(text("SELECT renewing_until FROM access_tokens")) is None


def test_eight_workers_that_are_refused_at_once_ask_for_one_token(zendesk: StandIn, session: Session) -> None:
    config = config_for(zendesk)
    with Zendesk(config) as client:
        logins = [Login(config, client, clock=virtual_clock(zendesk)) for _ in range(8)]
        first = logins[0].credential()
        zendesk.oauth.revoke_all()
        found: list[Credential | None] = []
        start = threading.Barrier(8)

        def renew(login: Login) -> None:
            start.wait()
            found.append(login.after_refusal(first))

        threads = [threading.Thread(target=renew, args=(login,)) for login in logins]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert zendesk.oauth.issued == 2
    assert {one.header for one in found if one} == {"Bearer oauth-000002"}
    sync(zendesk, backfill_days=100)
    assert zendesk.oauth.issued == 2, "the sync goes on with the token that was renewed"
    assert differences(session, zendesk) == {}


def test_the_claim_of_a_run_that_was_lost_delays_nobody(zendesk: StandIn, session: Session) -> None:
    config, heir = config_for(zendesk), Run(config_for(zendesk))
    rests: list[float] = []

    def rest(seconds: float) -> None:
        rests.append(seconds)
        session.execute(text("UPDATE job_runs SET lease_token = lease_token + 1"))  # what a rescue and a release do
        session.commit()

    with Zendesk(config) as client:
        dead = Login(config, client, held=heir.context.hold.claim)
        assert dead.credential().generation == 1
        # It is killed while it renews.
        claim = "UPDATE access_tokens SET renewing_until = now() + interval '45 s', renew_at = now()"
        session.execute(text(claim))
        session.commit()
        assert Login(config, client, clock=Clock(rest=rest)).credential().generation == 2
    assert len(rests) == 1, "the claim of a run at work is waited for, that of a lost one is not"


def test_an_unexpected_end_of_a_renewal_leaves_no_claim(
    zendesk: StandIn, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_for(zendesk)
    with Zendesk(config) as client:
        monkeypatch.setattr(client, "create_token", void_of_sense)
        with pytest.raises(ZeroDivisionError):
            Login(config, client).credential()
    assert session.scalar(text("SELECT renewing_until FROM access_tokens")) is None


def void_of_sense(**_: object) -> None:
    raise ZeroDivisionError


def test_credentials_never_reach_another_host(zendesk: StandIn, session: Session) -> None:
    for route in ("tickets_cursor", "comments"):
        zendesk.faults.add("redirect", route, skip=1, times=3)
        zendesk.faults.add("foreign_url", route, times=None)
    sync(zendesk, backfill_days=100)
    assert zendesk.faults.fired["foreign_url"] > 3
    assert zendesk.faults.fired["redirect"] == 6
    assert list(zendesk.elsewhere.log) == []
    assert differences(session, zendesk) == {}


def test_a_login_that_may_not_export_says_who_may(zendesk: StandIn, database: str) -> None:
    zendesk.switches.role = "agent"
    with pytest.raises(ZendeskForbidden, match="exports need an admin"):
        sync(zendesk)


def test_no_secret_stands_in_a_config_that_is_printed(zendesk: StandIn) -> None:
    shown = repr(
        config_for(zendesk, zendesk_oauth_token="t0ken", zendesk_api_token="k3y", zendesk_webhook_secret="s1gn")
    )
    assert not any(secret in shown for secret in (zendesk.client_secret, "t0ken", "k3y", "s1gn"))


def test_a_token_is_sealed_where_it_is_stored_and_one_that_cannot_be_opened_is_replaced(
    zendesk: StandIn, session: Session
) -> None:
    def credential(*keys: str) -> str:
        config = config_for(zendesk, secret_keys=keys)
        with Zendesk(config) as client:
            return Login(config, client, clock=virtual_clock(zendesk)).credential().header

    first = credential("a key of at least 32 characters, old")
    stored = session.scalar(text("SELECT token FROM access_tokens"))
    session.rollback()
    assert stored is not None
    assert first.removeprefix("Bearer ") not in stored
    assert credential("a key of at least 32 characters, old") == first, "another process opens it"
    assert credential("a key of at least 32 characters, new") != first
    assert zendesk.oauth.issued == 2
