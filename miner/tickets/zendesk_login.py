"""How we log in to Zendesk: an OAuth client first, then a given token, then e-mail and API token.

The OAuth token is shared by all workers through a row and renewed at 80 % of its life, or when it is refused. Whoever
renews claims the row first, so that eight workers ask for one new token; no transaction is open while Zendesk answers.
The claim of a run that was lost, rescued or released meanwhile holds nobody up.
It is sealed with SECRET_KEY; one that cannot be opened is replaced, so a rotation of the key needs nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from miner.config import Config
from miner.db import transaction
from miner.errors import ConfigError
from miner.logs import get_logger
from miner.runs.lifecycle import Claim
from miner.sealing import Sealer
from miner.tickets.credentials import login_kind
from miner.tickets.pace import CLOCK, Clock
from miner.tickets.zendesk import Zendesk, basic, source_of

log = get_logger(__name__)

TOKEN_SECONDS = 1800
RENEW_SHARE = 0.8
CLAIM_SECONDS = 45.0
REMEMBERED_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Credential:
    """The Authorization header of a call, and which token it holds."""

    header: str
    generation: int


class Login:
    """Gives the credential of the next call. Waits only for a renewal."""

    def __init__(self, config: Config, client: Zendesk, *, clock: Clock = CLOCK, held: Claim | None = None) -> None:
        """`held`: the run that logs in."""
        self._held = held
        self.kind = login_kind(config)
        self._config, self._client, self._clock = config, client, clock
        self._source, self._sealer = source_of(config), Sealer(config.secret_keys)
        self._known: Credential | None = None
        self._known_until = 0.0

    def credential(self) -> Credential:
        """The present credential, renewed first when it is near its end; raises ZendeskError."""
        if self.kind == "bearer":
            return Credential(f"Bearer {self._config.zendesk_oauth_token}", 0)
        if self.kind == "api_token":
            return Credential(basic(self._config.zendesk_email or "", self._config.zendesk_api_token or ""), 0)
        if self._known is None or self._clock.seconds() > self._known_until:
            row = self._row()
            token = None if row.due else self._opened(row.token)
            self._know(Credential(f"Bearer {token}", row.generation) if token else self._renewed(row.generation))
        assert self._known is not None  # noqa: S101 - it was just set
        return self._known

    def _know(self, credential: Credential) -> Credential:
        """Remember it for a moment; a fifth of a token's life is left when it is renewed."""
        self._known, self._known_until = credential, self._clock.seconds() + REMEMBERED_SECONDS
        return credential

    def after_refusal(self, refused: Credential) -> Credential | None:
        """Another credential to try once after a 401; None: there is no other."""
        return self._know(self._renewed(refused.generation)) if self.kind == "client" else None

    def _renewed(self, generation: int) -> Credential:
        """A token newer than `generation`, fetched by us or by whoever was first."""
        while True:
            if self._claim(generation):
                return self._fetch(generation)
            row = self._row()
            if row.generation != generation and (token := self._opened(row.token)):
                return Credential(f"Bearer {token}", row.generation)
            generation = row.generation  # of a token that was sealed with a key we do not have, too
            self._clock.rest(0.1)

    def _opened(self, stored: str | None) -> str | None:
        """The stored token; None: there is none, or SECRET_KEY no longer opens it, and a new one is as good."""
        try:
            return self._sealer.open(stored) if stored else None
        except ConfigError:
            return None

    def _fetch(self, generation: int) -> Credential:
        try:
            data = self._client.create_token(
                client_id=self._config.zendesk_oauth_client_id or "",
                client_secret=self._config.zendesk_oauth_client_secret or "",
                seconds=TOKEN_SECONDS,
            )
        except BaseException:
            self._execute(
                """UPDATE access_tokens SET renewing_until = NULL
                   WHERE source = :source AND renewing_lease IS NOT DISTINCT FROM CAST(:lease AS bigint)""",
                lease=self._held.token if self._held else None,
            )
            raise
        given = data.get("expires_in")
        life = given if isinstance(given, (int, float)) and given > 0 else TOKEN_SECONDS  # older answers do not say
        token = str(data["access_token"])
        self._execute(
            """UPDATE access_tokens SET token = :token, generation = generation + 1, renewing_until = NULL, renew_at =
                 coalesce(to_timestamp(CAST(:now AS float)), clock_timestamp()) + make_interval(secs => :life)
               WHERE source = :source""",
            token=self._sealer.seal(token),
            life=min(life, TOKEN_SECONDS) * RENEW_SHARE,
        )
        log.debug("zendesk_token_renewed", message="Got a new Zendesk access token", seconds=life)
        return Credential(f"Bearer {token}", generation + 1)

    def _claim(self, generation: int) -> bool:
        claimed = self._execute(
            """UPDATE access_tokens SET renewing_until = clock_timestamp() + make_interval(secs => :claim),
                 renewing_run = :run, renewing_lease = :lease
               WHERE source = :source AND generation = :generation
                 AND (coalesce(renewing_until, '-infinity') < clock_timestamp()
                   OR renewing_run IS NOT NULL AND NOT EXISTS (SELECT FROM job_runs WHERE id = renewing_run
                     AND lease_token = renewing_lease AND lease_expires_at > clock_timestamp())) RETURNING source""",
            generation=generation,
            claim=CLAIM_SECONDS,
            run=self._held.run_id if self._held else None,
            lease=self._held.token if self._held else None,
        )
        return claimed is not None

    def _row(self) -> Any:
        find = """SELECT token, generation, renew_at <= coalesce(to_timestamp(CAST(:now AS float)), clock_timestamp())
                    AS due FROM access_tokens WHERE source = :source"""
        row = self._execute(find)
        if row is None:
            self._execute("INSERT INTO access_tokens (source) VALUES (:source) ON CONFLICT DO NOTHING")
            row = self._execute(find)
        return row

    def _execute(self, statement: str, **values: Any) -> Any:
        """One statement in its own transaction; its first row, if it gives rows."""
        with transaction() as session:
            result = session.execute(text(statement), {"source": self._source, "now": self._clock.stamp(), **values})
            return result.first() if result.returns_rows else None  # type: ignore[attr-defined]
