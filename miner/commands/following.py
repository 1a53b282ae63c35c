"""`miner themes status|owner|note|link|set-back|tracker`: what is done about a theme, and its text for a tracker."""

from __future__ import annotations

import datetime as dt
from argparse import Namespace
from zoneinfo import ZoneInfo

from miner import settings
from miner.commands.output import say
from miner.commands.work import cli_actor
from miner.config import Config
from miner.db import transaction
from miner.errors import InvalidArguments
from miner.models import ThemeLogLine
from miner.themes import follow
from miner.themes.queries import get_theme
from miner.themes.tracked import describe_theme
from miner.themes.tracker import render


def status(options: Namespace) -> int:
    with transaction() as session:
        line = follow.set_status(
            session,
            options.theme,
            status=options.status,
            fixed_at=_moment(options.fixed_at, settings.load(session)[1].zone),
            fixed_version=options.version,
            by=cli_actor(),
        )
        return _done(line)


def owner(options: Namespace) -> int:
    with transaction() as session:
        return _done(follow.set_owner(session, options.theme, owner=options.name, by=cli_actor()))


def note(options: Namespace) -> int:
    with transaction() as session:
        return _done(follow.add_note(session, options.theme, note=options.text, by=cli_actor()))


def link(options: Namespace) -> int:
    with transaction() as session:
        made = follow.add_link(session, options.theme, url=options.url, title=options.title, by=cli_actor())
        print(f"theme {made.theme_id} is tracked at {made.url}")
    return 0


def set_back(options: Namespace) -> int:
    with transaction() as session:
        line = follow.set_back(session, options.line, by=cli_actor())
        print(f"line {options.line} of theme {line.theme_id} is taken back")
    return 0


def tracker(options: Namespace) -> int:
    config = Config.from_environment()
    with transaction() as session:
        zone = settings.load(session)[1].zone
        theme = get_theme(session, options.theme)
        moment = dt.datetime.now(dt.UTC)
        item = describe_theme(session, theme, moment=moment, zone=zone, public_url=config.public_url)
    if config.public_url is None:
        say("PUBLIC_URL is not set, so nothing in it links back")
    print(render(item, format_=options.format, names=options.names), end="")
    return 0


def _moment(typed: str | None, zone: ZoneInfo) -> dt.datetime | None:
    if typed is None:
        return None
    try:
        found = dt.datetime.fromisoformat(typed)
    except ValueError:
        raise InvalidArguments({"--at": "a date, or a date and a time, is needed: 2026-11-03T09:00"}) from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _done(line: ThemeLogLine | None) -> int:
    if line is None:
        say("nothing differs from what stands there")
    else:
        print(f"done; `miner themes set-back {line.id}` takes it back")
    return 0
