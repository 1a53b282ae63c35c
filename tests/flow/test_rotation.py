"""Credentials that are changed while runs are about: what waits goes on with the new ones, and nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from miner import db
from miner.config import Config
from miner.issues.pending import count_pending
from miner.models import AccessToken, JobRun, Ticket, User
from miner.rekeying import rekey_all
from miner.runs import pipeline
from miner.runs.creation import create_run
from miner.runs.holds import Holds
from miner.runs.jobs import get_job
from miner.runs.resuming import wake_run
from miner.runs.workers import Identity
from miner.sealing import Sealer
from tests.factories import TESTER, make_ticket
from tests.standins.claude.fixture import claude as claude
from tests.standins.claude.standin import StandIn as Claude
from tests.standins.zendesk.fixture import zendesk as zendesk
from tests.standins.zendesk.standin import StandIn as Zendesk
from tests.support.mirror import config_for, sync

OLD, NEW = "the-old-key-of-at-least-32-characters", "the-new-key-of-at-least-32-characters"


def start(job: str = "sync", **args: Any) -> int:
    with db.transaction() as session:
        return create_run(session, get_job(job), args, by=TESTER, trigger="code")[0]


def work(session: Session, run_id: int, config: Config) -> JobRun:
    """Let a worker process that was started with `config` take the run."""
    identity = Identity("worker")
    pipeline.work(run_id, worker_id=identity.id, holds=Holds(), config=config, lease_seconds=60)
    session.rollback()
    return session.get_one(JobRun, run_id, populate_existing=True)


def wake(run_id: int) -> None:
    with db.transaction() as session:
        assert wake_run(session, run_id, by=TESTER)


def test_a_run_whose_claude_key_was_ended_goes_on_with_the_new_one(
    session: Session, claude: Claude, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(7):
        make_ticket(session)
    session.commit()
    run_id = start("analyze")
    answer = claude.answer

    def answer_and_end_the_key(body: dict[str, Any]) -> dict[str, Any]:
        claude.key = "sk-ant-the-new-key"
        return answer(body)

    claude.answer = answer_and_end_the_key
    run = work(session, run_id, Config.from_environment())
    assert (run.state, run.wait_reason) == ("waiting", "configuration")
    left = count_pending(session)
    assert 0 < left < 7, "what was read before stays read"
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-the-new-key")
    wake(run_id)
    run = work(session, run_id, Config.from_environment())
    assert (run.state, run.attempt, run.counters["tickets"]) == ("completed", 1, 7)
    assert count_pending(session) == 0


@pytest.mark.parametrize("job", ["sync", "reconcile"])
def test_a_run_whose_zendesk_credentials_were_ended_waits_and_goes_on_with_the_new_ones(
    zendesk: Zendesk, session: Session, job: str
) -> None:
    sync(zendesk, backfill_days=100)
    stored = session.query(Ticket).count()
    zendesk.oauth.revoke_all()
    secret, zendesk.oauth.secret = zendesk.client_secret, None
    run_id = start(job)
    run = work(session, run_id, config_for(zendesk))
    assert (run.state, run.wait_reason, run.attempt) == ("waiting", "configuration", 1)
    assert "renew them" in str(run.wait_detail)
    zendesk.oauth.secret = secret
    wake(run_id)
    run = work(session, run_id, config_for(zendesk))
    assert (run.state, run.attempt, run.error_message) == ("completed", 1, None)
    assert session.query(Ticket).count() == stored


def test_credentials_that_never_worked_fail_at_once(zendesk: Zendesk, session: Session) -> None:
    zendesk.oauth.secret = None
    run = work(session, start(), config_for(zendesk))
    assert run.state == "failed"
    assert "renew them" in str(run.error_message)


def test_the_shared_zendesk_token_is_sealed_and_survives_a_rotation_of_the_key(
    zendesk: Zendesk, session: Session
) -> None:
    def token() -> str:
        session.rollback()
        return str(session.query(AccessToken).one().token)

    sync(zendesk, config=config_for(zendesk, secret_keys=(OLD,)), backfill_days=100)
    assert "oauth-" not in token()
    assert token().startswith("sealed:")
    with db.transaction() as opened:
        assert rekey_all(opened, Sealer((NEW, OLD)), by=TESTER) == 1
    sync(zendesk, config=config_for(zendesk, secret_keys=(NEW,)))
    assert zendesk.oauth.issued == 1
    with db.transaction() as opened:
        opened.execute(text("UPDATE users SET totp_secret = NULL"))
        assert rekey_all(opened, Sealer((OLD,)), by=TESTER) == 0, "what cannot be opened is dropped"
    assert token() == "None"


@pytest.mark.parametrize("stored", ["a token from before it was sealed", "sealed:nonsense"])
def test_a_token_that_cannot_be_opened_is_fetched_anew(zendesk: Zendesk, session: Session, stored: str) -> None:
    config = config_for(zendesk, secret_keys=(NEW,))
    sync(zendesk, config=config, backfill_days=100)
    session.execute(text("UPDATE access_tokens SET token = :stored"), {"stored": stored})
    session.commit()
    sync(zendesk, config=config)
    assert zendesk.oauth.issued == 2


def test_rekeying_changes_nothing_if_a_users_secret_cannot_be_opened(session: Session) -> None:
    sealed = Sealer((OLD,)).seal("JBSWY3DP")
    session.add(AccessToken(source="zendesk:acme", token=Sealer((OLD,)).seal("t")))
    session.add(User(email="a@example.com", name="A", role="viewer", created_by="x", totp_secret=sealed))
    session.commit()
    with pytest.raises(Exception, match="SECRET_KEY does not open"), db.transaction() as opened:
        rekey_all(opened, Sealer((NEW,)), by=TESTER)
    session.rollback()
    assert session.query(AccessToken).one().token is not None
