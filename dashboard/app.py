"""The web application: `uvicorn --factory dashboard.app:create_app`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from dashboard.errors import HANDLERS
from dashboard.routes import routes
from dashboard.security.access import Access
from dashboard.security.shell import Shell
from miner import db, logs
from miner.config import Config, secret_values
from miner.errors import ConfigError

# Each may hold one database connection for a moment; more threads would only wait for one.
THREADS = 10


def build_app(config: Config, *, more_hosts: tuple[str, ...] = ()) -> ASGIApp:
    """The application for `config`; raises ConfigError where nobody could log in. `more_hosts` are for tests."""
    access = Access.from_config(config, more_hosts=more_hosts)
    app = Starlette(
        routes=routes(),
        # Pages hold no secret beside what a reader typed, so compressing them tells nobody anything.
        middleware=[Middleware(GZipMiddleware, minimum_size=1024, compresslevel=6)],
        exception_handlers=HANDLERS,
        lifespan=_lifespan,
    )
    app.router.redirect_slashes = False
    app.state.access = access
    app.state.lease_seconds = config.lease_seconds
    app.state.zendesk_webhook_secret = config.zendesk_webhook_secret
    app.state.config = config
    return Shell(app, access)


def create_app() -> ASGIApp:
    """The factory that uvicorn calls: a wrong environment is sentences and exit code 4, not a traceback."""
    try:
        logs.hide(secret_values())
        config = Config.from_environment()
        logs.setup(config.log_level, json=config.production)
        db.set_up("miner-web")
        return build_app(config)
    except ConfigError as error:
        for fault in error.faults:
            print(f"miner: {fault}", file=sys.stderr)  # noqa: T201 - before there is anything to log to
        raise SystemExit(4) from None


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield
