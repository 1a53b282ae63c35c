"""STEP sync: fetching tickets from Zendesk. This release says honestly that it cannot yet."""

from __future__ import annotations

from miner.errors import MissingConfiguration, StepError
from miner.runs.context import Skip, StepContext

_CREDENTIAL = (
    "and ZENDESK_OAUTH_CLIENT_ID with ZENDESK_OAUTH_CLIENT_SECRET"
    " (or ZENDESK_OAUTH_TOKEN, or ZENDESK_EMAIL with ZENDESK_API_TOKEN)"
)


def run(context: StepContext) -> Skip | None:
    """Skip in a pipeline without an account; raise MissingConfiguration alone, StepError where one is configured."""
    account = context.config.zendesk_subdomain
    if account:
        raise StepError(
            f"the Zendesk account {account} cannot be synced yet: syncing comes with a later release; "
            "until then export the tickets and run `miner import FILE`, and unset ZENDESK_SUBDOMAIN"
        )
    if context.in_pipeline:
        return Skip("no Zendesk account is configured: set ZENDESK_SUBDOMAIN and a credential")
    raise MissingConfiguration("Zendesk", ["ZENDESK_SUBDOMAIN", _CREDENTIAL])
