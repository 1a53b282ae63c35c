"""Who may ask: OAuth tokens that lapse by the stand-in's clock, a fixed bearer token, e-mail + API token."""

from __future__ import annotations

import base64
import binascii
import itertools
import threading
from dataclasses import dataclass

from tests.standins.zendesk.clock import Clock
from tests.standins.zendesk.http import Rejected

CLIENT_ID, CLIENT_SECRET = "standin_client", "standin-client-secret"
EMAIL, API_TOKEN = "admin@acme.invalid", "standin-api-token"
BEARER = "standin-bearer-token"
DAY = 86_400
SHORTEST, LONGEST = 300, 172_800  # expires_in must lie strictly between (reference 1.1)
REFUSED = {"error": "Couldn't authenticate you"}
INVALID = {
    "error": "invalid_token",
    "error_description": "The access token provided is expired, revoked, malformed or invalid for other reasons.",
}


@dataclass(slots=True)
class Token:
    value: str
    scope: str
    expires_at: float | None
    refresh: str | None = None
    refresh_expires_at: float = 0.0
    revoked: bool = False


class OAuth:
    """`default_life`: seconds a token lives when `expires_in` was not sent (30 minutes for clients made since
    30 Apr 2026); None: for ever. `api_tokens` False: the day they were all switched off."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._tokens: dict[str, Token] = {}
        self.secret: str | None = CLIENT_SECRET
        self.default_life: float | None = 1800.0
        self.api_tokens = True
        self.bearer: str | None = BEARER
        self.issued = 0
        self.reused_refresh_tokens = 0  # a second use of a rotated token: two refreshed at once

    def grant(self, form: dict[str, object]) -> dict[str, object]:
        """POST /oauth/tokens; raises Rejected."""
        kind = form.get("grant_type")
        if kind not in ("client_credentials", "refresh_token"):
            raise Rejected(400, {"error": "unsupported_grant_type", "error_description": f"{kind} is not supported"})
        if form.get("client_id") != CLIENT_ID or self.secret is None or form.get("client_secret") != self.secret:
            raise Rejected(401, {
                "error": "invalid_client",
                "error_description": "Client authentication failed due to unknown client, no client authentication "
                "included, or unsupported authentication method.",
            })  # fmt: skip
        life = form.get("expires_in")
        if life is not None and not (isinstance(life, int) and SHORTEST < life < LONGEST):
            raise Rejected(400, {"error": "invalid_request", "error_description": "expires_in is out of range"})
        with self._lock:
            if kind == "refresh_token":
                scope = self._rotate(str(form.get("refresh_token")))
                token = self._issue(scope, life, refresh=True)
            else:
                token = self._issue(str(form.get("scope") or "read write"), life, refresh=False)
        answer: dict[str, object] = {"access_token": token.value, "token_type": "bearer", "scope": token.scope}
        if life is not None:
            answer["expires_in"] = life
        if token.refresh:
            answer["refresh_token"] = token.refresh
        return answer

    def issue_pair(self, *, scope: str = "read", life: int | None = 1800) -> Token:
        """A token with a refresh token, as the authorization-code flow leaves behind."""
        with self._lock:
            return self._issue(scope, life, refresh=True)

    def revoke_all(self) -> None:
        """Every OAuth token stops; the client may ask for a new one."""
        with self._lock:
            for one in self._tokens.values():
                one.revoked = True

    def check(self, authorization: str) -> Token | None:
        """The token behind the header, None for the unscoped kinds; raises Rejected 401."""
        kind, _, value = authorization.partition(" ")
        if kind.lower() == "basic":
            self._check_basic(value)
            return None
        if kind.lower() != "bearer":
            raise Rejected(401, REFUSED)
        if value == self.bearer:
            return None
        with self._lock:
            token = self._tokens.get(value)
        if token is None or token.revoked or (token.expires_at is not None and token.expires_at <= self._clock.now()):
            raise Rejected(401, INVALID, WWW_Authenticate='Bearer realm="OAuth API", error="invalid_token"')
        return token

    def _check_basic(self, value: str) -> None:
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise Rejected(401, REFUSED) from None
        if not self.api_tokens or user.lower() != f"{EMAIL}/token" or password != API_TOKEN:
            raise Rejected(401, REFUSED)

    def _issue(self, scope: str, life: object, *, refresh: bool) -> Token:
        seconds = float(life) if isinstance(life, int) else self.default_life
        number, now = next(self._numbers), self._clock.now()
        token = Token(f"oauth-{number:06d}", scope, None if seconds is None else now + seconds)
        if refresh:
            token.refresh, token.refresh_expires_at = f"refresh-{number:06d}", now + 30 * DAY
        self._tokens[token.value] = token
        self.issued += 1
        return token

    def _rotate(self, refresh: str) -> str:
        """Use up a refresh token: it and its access token are dead from here on."""
        for one in self._tokens.values():
            if one.refresh == refresh:
                if one.revoked or one.refresh_expires_at <= self._clock.now():
                    self.reused_refresh_tokens += 1
                    break
                one.revoked = True
                return one.scope
        raise Rejected(400, {"error": "invalid_grant", "error_description": "The refresh token is invalid"})
