"""Is the Zendesk account well connected? At most six calls, and for each finding a sentence that says what to fix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from miner.config import Config
from miner.errors import ZendeskAuthentication, ZendeskError, ZendeskForbidden, ZendeskGone
from miner.findings import FAILED, OK, WARNING, Finding
from miner.tickets.credentials import API_KEYS_END, login_kind, missing_configuration
from miner.tickets.pace import HEADROOM, HIGH_VOLUME_FROM
from miner.tickets.zendesk import Call, Zendesk, basic
from miner.tickets.zendesk_answers import Answer


def check_account(config: Config) -> list[Finding]:
    """Check login, role, export permission, brands and budget; stops at the first thing nothing works without."""
    missing = missing_configuration(config)
    if missing:
        return [Finding(FAILED, str(missing))]
    with Zendesk(config) as client:
        visit = _Visit(config, client)
        return visit.findings(visit.login, visit.role, visit.export, visit.comments, visit.brands)


def check_brands(config: Config) -> list[Finding]:
    """Check login and brands alone, in two calls."""
    missing = missing_configuration(config)
    if missing:
        return [Finding(FAILED, str(missing))]
    with Zendesk(config) as client:
        visit = _Visit(config, client)
        return visit.findings(visit.login, visit.brands)


class _Visit:
    def __init__(self, config: Config, client: Zendesk) -> None:
        self._config, self._client = config, client
        self._found: list[Finding] = []
        self._header = ""

    def findings(self, *examinations: Callable[[], bool]) -> list[Finding]:
        for examine in examinations:
            try:
                go_on = examine()
            except ZendeskError as error:
                self._say(FAILED, str(error))
                go_on = False
            if not go_on:
                break
        return self._found

    def _say(self, state: str, sentence: str) -> None:
        self._found.append(Finding(state, sentence))

    def _ask(self, path: str, what: str, needs: str, **params: str) -> Answer:
        return self._client.get(Call(path, what, (needs,), params, one=True), authorization=self._header)

    def login(self) -> bool:
        config, kind = self._config, login_kind(self._config)
        if kind == "client":
            try:
                data = self._client.create_token(
                    client_id=config.zendesk_oauth_client_id or "",
                    client_secret=config.zendesk_oauth_client_secret or "",
                    seconds=1800,
                )
            except ZendeskAuthentication:
                self._say(
                    FAILED,
                    "Zendesk does not know this OAuth client: check ZENDESK_OAUTH_CLIENT_ID (its unique identifier, "
                    "not its number) and ZENDESK_OAUTH_CLIENT_SECRET, and that the client is confidential",
                )
                return False
            self._header = f"Bearer {data['access_token']}"
        elif kind == "bearer":
            self._header = f"Bearer {config.zendesk_oauth_token}"
        else:
            self._header = basic(config.zendesk_email or "", config.zendesk_api_token or "")
            self._say(WARNING, API_KEYS_END)
        return True

    def role(self) -> bool:
        answer = self._ask("users/me.json", "the login's own user", "user")
        user = answer.data["user"]
        role = user.get("role") if isinstance(user, dict) else None
        self._say(OK, f"The login works at {self._client.base_url}")
        if role != "admin":
            self._say(FAILED, f"The login acts for a user with the role {role}: exports need an admin")
            return False
        self._say(OK, "It acts for an admin")
        self._budget(answer)
        return True

    def _budget(self, answer: Answer) -> None:
        if answer.limit is None:
            self._say(WARNING, "Zendesk does not say how many calls a minute are allowed: 200 are assumed")
            return
        exports = 30 if answer.limit >= HIGH_VOLUME_FROM else 10
        self._say(
            OK,
            f"{answer.limit:,} calls a minute are allowed, {answer.remaining or 0:,} are left in this one; "
            f"the sync uses at most {HEADROOM:.0%} of them, and {exports} exports a minute",
        )

    def export(self) -> bool:
        try:
            answer = self._ask("incremental/tickets/sample.json", "a sample of the export", "tickets", start_time="0")
        except ZendeskForbidden:
            self._say(
                FAILED, "The login may not export tickets: an admin must own the OAuth client, with the scope read"
            )
            return False
        except ZendeskGone:
            self._say(FAILED, "There is no export at this address: check ZENDESK_SUBDOMAIN and ZENDESK_BASE_URL")
            return False
        rows = answer.data["tickets"]
        self._tickets: list[Any] = rows if isinstance(rows, list) else []
        self._say(OK, "It may export tickets" if rows else "It may export tickets; the account has none yet")
        return True

    def comments(self) -> bool:
        there = [row for row in self._tickets if isinstance(row, dict) and row.get("status") != "deleted"]
        if not there:
            return True
        params = {"page[size]": "1"}
        try:
            self._ask(f"tickets/{there[0].get('id')}/comments.json", "comments", "comments", **params)
        except ZendeskGone:
            pass  # it was deleted between the two calls
        self._say(OK, "It may read comments")
        return True

    def brands(self) -> bool:
        wanted = self._config.zendesk_brand_ids
        answer = self._ask("brands.json", "the brands", "brands")
        names = {row.get("id"): str(row.get("name")) for row in answer.data["brands"] if isinstance(row, dict)}
        unknown = [number for number in wanted if number not in names]
        shown = ", ".join(f"{number} {name}" for number, name in list(names.items())[:20])
        if unknown:
            self._say(FAILED, f"ZENDESK_BRAND_ID names {', '.join(map(str, unknown))}; the account has {shown}")
        elif wanted:
            self._say(OK, f"The brands {', '.join(names[number] for number in wanted)} are kept")
        else:
            self._say(OK, f"All brands are kept: {shown}")
        return True
