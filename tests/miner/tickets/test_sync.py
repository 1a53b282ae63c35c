from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from miner.errors import MissingConfiguration
from miner.runs.context import Skip, StepContext
from miner.tickets import sync


def test_without_an_account_a_sync_fails_and_names_what_to_set(step: Callable[..., StepContext]) -> None:
    with pytest.raises(MissingConfiguration) as refused:
        sync.run(step("sync"))
    for name in ("ZENDESK_SUBDOMAIN", "ZENDESK_OAUTH_CLIENT_SECRET", "ZENDESK_OAUTH_TOKEN", "ZENDESK_API_TOKEN"):
        assert name in str(refused.value)


def test_without_an_account_a_pipeline_goes_on_without_syncing(step: Callable[..., StepContext]) -> None:
    skipped = sync.run(step("pipeline", step_name="sync"))
    assert isinstance(skipped, Skip)
    assert "no Zendesk account is configured" in skipped.reason


@pytest.mark.parametrize("job", ["sync", "pipeline"])
def test_with_an_account_but_no_credential_it_says_what_to_set(step: Callable[..., StepContext], job: str) -> None:
    context = step(job)
    context.config = replace(context.config, zendesk_subdomain="acme")
    with pytest.raises(MissingConfiguration, match="ZENDESK_OAUTH_CLIENT_ID") as refused:
        sync.run(context)
    assert "ZENDESK_SUBDOMAIN" not in str(refused.value)
