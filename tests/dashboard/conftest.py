"""The application on a real database, and who asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from dashboard.app import build_app
from miner import db, sessions, tokens
from miner.access import Role
from miner.config import Config
from tests.dashboard.browsing import browser, open_page, site
from tests.factories import TESTER

__all__ = ["browser", "open_page", "site"]

HERE = ("127.0.0.1", 50_000)
ELSEWHERE = ("203.0.113.9", 50_000)
PRODUCTION = {
    "ENVIRONMENT": "production",
    "PUBLIC_URL": "https://issues.example.com",
    "SECRET_KEY": "a-key-of-the-tests-with-32-characters",
    "MINER_EMBEDDED": "yes",
}


def make_client(
    environ: dict[str, str] | None = None, *, peer: tuple[str, int] = HERE, base_url: str = "http://localhost"
) -> TestClient:
    app = build_app(Config.from_environment(environ or {}))
    return TestClient(app, base_url=base_url, client=peer, follow_redirects=False, raise_server_exceptions=False)


@pytest.fixture
def client(database: str) -> Iterator[TestClient]:
    """A browser on this machine, in development: the local user."""
    with make_client() as client:
        client.headers["sec-fetch-site"] = "same-origin"
        yield client


@pytest.fixture
def stranger(database: str) -> Iterator[TestClient]:
    """The same application, asked from another machine: nobody until they log in."""
    with make_client(peer=ELSEWHERE) as client:
        yield client


def new_token(role: Role = Role.admin, **columns: Any) -> str:
    """The plain text of a new token."""
    with db.transaction() as session:
        _, plain = tokens.create_token(session, name=f"test {role.name}", role=role, by=TESTER, **columns)
    return plain


def new_session(role: Role = Role.admin) -> str:
    """The cookie of a browser that has just logged in."""
    plain = new_token(role)
    with db.transaction() as session:
        identity = tokens.verify_token(session, plain)
        assert identity is not None
        return sessions.open_session(session, identity, address=None, user_agent=None, by=TESTER)


@pytest.fixture
def statements(database: str) -> Callable[[], Any]:
    """`with statements() as seen:` collects every SQL statement that is sent in the block."""

    @contextmanager
    def watch() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            seen.append(statement)

        event.listen(db.engine(), "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(db.engine(), "before_cursor_execute", note)

    return watch
