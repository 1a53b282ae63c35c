"""The tests behind "Test now": real ones, each with an end, by whoever asks; no worker is needed.

What only a test needs (httpx, anthropic) is loaded when it runs, since the web process asks, too. A test that hangs is
left behind when its time is up: it ends by its client's own timeouts, and until then no other begins.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from sqlalchemy.orm import Session

from miner import settings
from miner.access import Actor, Role, audit, require
from miner.config import Config
from miner.db import transaction
from miner.errors import MinerError, NotFound, UsageError
from miner.findings import FAILED, OK, WARNING, Finding, worst
from miner.logs import get_logger
from miner.models import SETUP_STEPS, SetupCheck
from miner.settings_preview import count_areas
from miner.setup.steps import about, judge_login, judge_schedule

SECONDS = 20.0  # platforms cut a request off after 30
log = get_logger(__name__)
_busy = threading.Lock()


def run_check(step: str, config: Config, *, lease_seconds: float, seconds: float = SECONDS) -> list[Finding]:
    """What the test of that step finds; raises NotFound, and UsageError while another test is at work here."""
    if step not in SETUP_STEPS:
        raise NotFound("step of setting up", step)
    if not _busy.acquire(blocking=False):
        raise UsageError("another test is at work: wait for its end, half a minute at most")
    found: list[Finding] = []

    def work() -> None:
        try:
            found.extend(_checked(step, lambda: list(_findings(step, config, lease_seconds))))
        finally:
            _busy.release()

    thread = threading.Thread(target=work, name=f"check {step}", daemon=True)
    thread.start()
    thread.join(seconds)
    return list(found) or [
        Finding(FAILED, f"There was no answer within {seconds:g} s: test again, and look whether the address is right")
    ]


def record_check(session: Session, step: str, findings: list[Finding], *, config: Config, by: Actor) -> SetupCheck:
    """Keep what a test found in the place of what the one before did."""
    require(by, Role.operator, "test a connection")
    row = SetupCheck(
        step=step,
        state=worst(findings),
        findings=[{"state": one.state, "sentence": one.sentence} for one in findings],
        about=about(step, config),
        checked_by=str(by),
    )
    session.execute(SetupCheck.__table__.delete().where(SetupCheck.step == step))  # type: ignore[attr-defined]
    session.add(row)
    session.flush()
    audit(session, by, "setup.check", "setup", step, after={"state": row.state})
    return row


def _checked(step: str, work: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return work()
    except MinerError as error:
        return [Finding(FAILED, str(error))]
    except Exception as error:  # of whatever kind: the page says that it broke, the log says how
        log.error("check_broke", message=f"The test of {step} broke", exc_info=error)
        return [Finding(FAILED, f"The test itself broke ({type(error).__name__}): the log has the rest")]


def _findings(step: str, config: Config, lease_seconds: float) -> Iterator[Finding]:
    if step == "zendesk":
        from miner.tickets.doctor import check_account

        yield from check_account(config)
    elif step == "brand":
        from miner.tickets.doctor import check_brands

        yield from check_brands(config)
    elif step == "taxonomy":
        yield from _taxonomy()
    elif step == "claude":
        yield from _claude(config)
    elif step == "schedule":
        with transaction() as session:
            yield from judge_schedule(session, lease_seconds=lease_seconds)
    else:
        with transaction() as session:
            yield from judge_login(session, config)


def _taxonomy() -> Iterator[Finding]:
    with transaction() as session:
        _, current = settings.load(session)
        texts, hits = count_areas(session, current.areas)
    parts = sum(map(len, current.components.values()))
    yield Finding(OK, f"{len(current.areas):,} areas with {parts:,} components are in force")
    if not current.product:
        yield Finding(WARNING, "Nothing is said about the product: a few sentences make readings better")
    if texts:
        share = sum(hits.values()) / texts
        yield Finding(
            OK if share >= 0.3 else WARNING,
            f"Of the newest {texts:,} texts, {share * 100:.0f} % show the words of an area"
            + ("" if share >= 0.3 else ": add the words that your customers use"),
        )
        if silent := [area for area in current.areas if not hits.get(area)]:
            shown = ", ".join(silent[:10]) + (" ..." if len(silent) > 10 else "")
            yield Finding(WARNING, f"No text shows these areas: {shown}")
    else:
        yield Finding(OK, "There is no ticket yet to try the areas on")


def _claude(config: Config) -> Iterator[Finding]:
    if config.analyzer == "local" or not config.anthropic_api_key:
        if config.analyzer == "claude":
            yield Finding(FAILED, "MINER_ANALYZER is claude and there is no key: set ANTHROPIC_API_KEY")
        else:
            yield Finding(OK, "The local analyzer reads: it costs nothing and sends nothing anywhere")
        return
    from miner.issues.claude import Claude
    from miner.issues.prices import find_price

    for model in dict.fromkeys((config.model, config.naming_model)):
        client = Claude(
            api_key=config.anthropic_api_key, base_url=config.anthropic_base_url, model=model, seconds=SECONDS / 2
        )
        try:
            known = client.check_model()
        finally:
            client.close()
        yield Finding(OK, f"The key works, and {known} may be used; this question cost nothing")
        if find_price(model) is None:
            yield Finding(WARNING, f"The price of {model} is unknown: limits on money cannot be kept with it")
    with transaction() as session:
        _, current = settings.load(session)
    if current.month_budget_usd is None:
        yield Finding(WARNING, "There is no limit for a month: set one below")
    else:
        yield Finding(OK, f"A month may cost ${current.month_budget_usd:,.2f}")
    yield Finding(OK, "Whether the account has credit shows with the first reading")
