"""The steps of setting up as they stand: judged from configuration, tables and the last test, nothing asked outside.

What only the environment can decide names its variables, so that somebody without a shell can set them on the platform.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner import users
from miner.config import VARIABLES, Config, Variable
from miner.findings import FAILED, OK, WARNING, Finding, worst
from miner.models import Schedule, SetupCheck
from miner.runs.pausing import find_pause
from miner.runs.workers import has_live_worker
from miner.settings import Settings
from miner.tickets.credentials import API_KEYS_END, login_kind, missing_configuration

DAILY = "daily_sync"
TICK_SECONDS = 150  # the schedules are looked at once a minute
_VARIABLES = {
    "zendesk": ("ZENDESK_SUBDOMAIN", "ZENDESK_OAUTH_CLIENT_ID", "ZENDESK_OAUTH_CLIENT_SECRET"),
    "brand": ("ZENDESK_BRAND_ID",),
    "taxonomy": (),
    "claude": ("ANTHROPIC_API_KEY", "MINER_ANALYZER", "MINER_MODEL"),
    "schedule": (),
    "login": ("ENVIRONMENT", "PUBLIC_URL", "SECRET_KEY"),
}
_TITLES = {
    "zendesk": "Zendesk",
    "brand": "Brand",
    "taxonomy": "Product and taxonomy",
    "claude": "Claude and budget",
    "schedule": "Schedule and worker",
    "login": "Login",
}


@dataclass(frozen=True)
class Step:
    """A step as a page shows it. `state`: done, untested, warning, todo (something is missing) or failed.

    `variables` are (variable, whether it is set); `check` is the last test, `stale` when something else was configured
    then.
    """

    name: str
    title: str
    state: str
    sentence: str
    variables: tuple[tuple[Variable, bool], ...]
    check: SetupCheck | None
    stale: bool


def list_steps(
    session: Session, config: Config, *, current: Settings, lease_seconds: float, now: dt.datetime
) -> list[Step]:
    """Every step in its order."""
    checks = {row.step: row for row in session.scalars(select(SetupCheck))}
    looked = {
        "zendesk": _zendesk(config),
        "brand": Finding(OK, _brands(config)),
        "taxonomy": _taxonomy(current),
        "claude": _claude(config, current),
        "schedule": _summed(list(judge_schedule(session, lease_seconds=lease_seconds))),
        "login": _summed(list(judge_login(session, config))),
    }
    return [_step(name, config, finding, checks.get(name)) for name, finding in looked.items()]


def about(step: str, config: Config) -> str:
    """What a test of that step is about, without secrets: when it differs, the test was of something else."""
    told = {
        "zendesk": (config.zendesk_base_url, config.zendesk_subdomain, login_kind(config),
                    config.zendesk_oauth_client_id, config.zendesk_email),
        "brand": (config.zendesk_base_url, config.zendesk_subdomain, *config.zendesk_brand_ids),
        "claude": (config.analyzer, bool(config.anthropic_api_key), config.anthropic_base_url, config.model,
                   config.naming_model),
        "login": (config.production, config.public_url, config.second_factor, bool(config.secret_keys)),
    }.get(step, ())  # fmt: skip
    return " ".join(str(one) for one in told)


def is_due(session: Session) -> bool:
    """Whether setting up stands in the place of the week: no pipeline has completed on tickets, and no theme is there.

    A run that waits to read the rest has grouped what it read already; that is shown rather than this.
    """
    return bool(
        session.scalar(
            text("""
                SELECT NOT EXISTS (SELECT FROM themes WHERE retired_at IS NULL) AND NOT (
                  EXISTS (SELECT FROM job_runs WHERE job_name = 'pipeline' AND state = 'completed')
                  AND EXISTS (SELECT FROM tickets WHERE deleted_at IS NULL))""")
        )
    )


def judge_schedule(session: Session, *, lease_seconds: float) -> Iterator[Finding]:
    """Whether work is done at all, and when the next full pipeline starts by itself."""
    if has_live_worker(session, lease_seconds=lease_seconds):
        yield Finding(OK, "A worker is alive")
    else:
        yield Finding(
            FAILED,
            "No worker is alive, so runs stay queued: start the process worker of the Procfile (on most platforms: "
            "scale it to 1), or miner up on a machine of your own",
        )
    row = session.execute(
        text("SELECT at, extract(epoch FROM clock_timestamp() - at) AS age FROM beats WHERE name = 'tick'")
    ).one_or_none()
    if row is None or row.age > TICK_SECONDS:
        since = "never" if row is None else f"last {row.at:%Y-%m-%d %H:%M} UTC"
        yield Finding(
            WARNING,
            f"The schedules are not looked at ({since}): start the process scheduler; a worker stands in for it "
            "after 75 s",
        )
    else:
        yield Finding(OK, "The schedules are looked at every minute")
    if pause := find_pause(session):
        yield Finding(WARNING, f"Everything is paused by {pause.set_by}: {pause.reason}. miner resume ends it")
    daily = session.get(Schedule, DAILY)
    if daily is None or daily.paused_at is not None:
        yield Finding(WARNING, f"The schedule {DAILY} is paused, so nothing is fetched by itself: see /schedules")
    else:
        then = f", next {daily.next_fire_at:%Y-%m-%d %H:%M} UTC" if daily.next_fire_at else ""
        yield Finding(OK, f"The full pipeline starts by itself: {daily.cron} in {daily.timezone}{then}")


def judge_login(session: Session, config: Config) -> Iterator[Finding]:
    """Who may come in, and whether that is meant."""
    if config.production:
        yield Finding(OK, f"Production: people log in at {config.public_url}")
    elif users.admin_can_log_in(session):
        yield Finding(WARNING, "Development: who sits at this machine needs no login; set ENVIRONMENT to production")
    else:
        yield Finding(
            WARNING,
            "Development, and nobody could log in: make an admin at /users, then set ENVIRONMENT, PUBLIC_URL and "
            "SECRET_KEY",
        )
    if users.admin_can_log_in(session):
        yield Finding(OK, "An admin can log in")
    elif config.production:
        yield Finding(FAILED, "No admin can log in any more: make one at /users")
    if config.production and not config.second_factor:
        yield Finding(WARNING, "A second factor is optional: set SECOND_FACTOR to required")


def _step(name: str, config: Config, looked: Finding, check: SetupCheck | None) -> Step:
    stale = check is not None and check.about != about(name, config)
    fresh = check if check is not None and not stale else None
    state = {OK: "done", WARNING: "warning", FAILED: "todo"}[looked.state]
    if state != "todo" and name in ("zendesk", "brand", "claude") and not _needs_no_test(name, config):
        if fresh is None:
            state = "untested"
        else:
            state = {OK: "done", WARNING: "warning", FAILED: "failed"}[worst([looked, Finding(fresh.state, "")])]
    known = {variable.name: variable for variable in VARIABLES}
    given = tuple((known[one], _is_set(one, config)) for one in _VARIABLES[name])
    return Step(name, _TITLES[name], state, looked.sentence, given, check, stale)


def _needs_no_test(name: str, config: Config) -> bool:
    if name == "claude":
        return config.analyzer == "local" or not config.anthropic_api_key
    return name == "brand" and not config.zendesk_brand_ids


def _is_set(name: str, config: Config) -> bool:
    return bool(
        {
            "ZENDESK_SUBDOMAIN": config.zendesk_subdomain or config.zendesk_base_url,
            "ZENDESK_OAUTH_CLIENT_ID": config.zendesk_oauth_client_id,
            "ZENDESK_OAUTH_CLIENT_SECRET": config.zendesk_oauth_client_secret,
            "ZENDESK_BRAND_ID": config.zendesk_brand_ids,
            "ANTHROPIC_API_KEY": config.anthropic_api_key,
            "MINER_ANALYZER": config.analyzer != "auto",
            "MINER_MODEL": True,
            "ENVIRONMENT": config.production,
            "PUBLIC_URL": config.public_url,
            "SECRET_KEY": config.secret_keys,
        }[name]
    )


def _zendesk(config: Config) -> Finding:
    if missing := missing_configuration(config):
        return Finding(FAILED, str(missing))
    where = config.zendesk_base_url or f"https://{config.zendesk_subdomain}.zendesk.com"
    if login_kind(config) == "api_token":
        return Finding(WARNING, API_KEYS_END)
    return Finding(OK, f"Tickets come from {where}")


def _brands(config: Config) -> str:
    if not config.zendesk_brand_ids:
        return "The tickets of all brands are kept"
    return f"Only tickets of the brands {', '.join(map(str, config.zendesk_brand_ids))} are kept"


def _taxonomy(current: Settings) -> Finding:
    told = f"{len(current.areas):,} areas"
    if not current.areas:
        return Finding(WARNING, "There is no product area: issues will have none")
    if not current.product:
        return Finding(
            WARNING, f"{told}, and nothing is said about the product yet: a few sentences help every reading"
        )
    return Finding(OK, f"{told}, and {len(current.product):,} characters about the product")


def _claude(config: Config, current: Settings) -> Finding:
    if config.analyzer == "claude" and not config.anthropic_api_key:
        return Finding(FAILED, "MINER_ANALYZER is claude and there is no key: set ANTHROPIC_API_KEY")
    if config.analyzer == "local" or not config.anthropic_api_key:
        return Finding(OK, "The local analyzer reads: free, and simpler than Claude, which reads once a key is set")
    if current.month_budget_usd is None:
        return Finding(WARNING, f"{config.model} reads, without a limit for a month")
    return Finding(OK, f"{config.model} reads, for at most ${current.month_budget_usd:,.2f} a month")


def _summed(findings: list[Finding]) -> Finding:
    """The worst of them speaks for all; where all is well, the last."""
    state = worst(findings)
    return findings[-1] if state == OK else next(one for one in findings if one.state == state)
