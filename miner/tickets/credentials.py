"""Which credentials for Zendesk are given, how long they will do, and what is missing. Light: pages ask, too."""

from __future__ import annotations

import datetime as dt

from miner.config import Config
from miner.errors import ConfigurationNeeded, MissingConfiguration, ZendeskAuthentication

API_KEYS_END_ON = dt.date(2027, 4, 30)
API_KEYS_END = (
    "This login uses an API token: Zendesk ends all of them on 30 April 2027. Create an OAuth client and set "
    "ZENDESK_OAUTH_CLIENT_ID and ZENDESK_OAUTH_CLIENT_SECRET"
)
CREDENTIALS = (
    "ZENDESK_OAUTH_CLIENT_ID with ZENDESK_OAUTH_CLIENT_SECRET"
    " (or ZENDESK_OAUTH_TOKEN, or ZENDESK_EMAIL with ZENDESK_API_TOKEN)"
)


def missing_configuration(config: Config) -> MissingConfiguration | None:
    """What must be set before an account can be reached; None: nothing."""
    missing = [] if config.zendesk_subdomain or config.zendesk_base_url else ["ZENDESK_SUBDOMAIN"]
    return (
        MissingConfiguration(
            "Zendesk", [*missing, *([] if login_kind(config) else ["and " * bool(missing) + CREDENTIALS])]
        )
        if missing or not login_kind(config)
        else None
    )


def login_kind(config: Config) -> str | None:
    """client, bearer or api_token, the first that is complete; None: there is none."""
    if config.zendesk_oauth_client_id and config.zendesk_oauth_client_secret:
        return "client"
    if config.zendesk_oauth_token:
        return "bearer"
    return "api_token" if config.zendesk_email and config.zendesk_api_token else None


def new_credentials_needed(refused: ZendeskAuthentication) -> ConfigurationNeeded:
    """What a run waits for whose credentials worked before: they were ended or replaced, and new ones will be set."""
    return ConfigurationNeeded(f"{refused}; the run goes on once they are set and the processes have restarted")


def days_of_api_keys(kind: str | None, *, today: dt.date) -> int | None:
    """How many days a login of this kind will still work, 0 when it no longer does; None: it has no such end."""
    return max(0, (API_KEYS_END_ON - today).days) if kind == "api_token" else None
