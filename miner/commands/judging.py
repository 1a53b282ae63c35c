"""`miner issue` and `miner check`: what people say about readings, from the command line."""

from __future__ import annotations

from argparse import Namespace

from miner.commands.output import say, show_json, show_table
from miner.commands.work import cli_actor
from miner.db import transaction
from miner.errors import InvalidArguments, UsageError
from miner.issues.checks import answer_check, draw_check, find_check, list_items
from miner.issues.corrections import correct_issue, mark_missed, set_aside
from miner.issues.scores import list_scores
from miner.issues.undoing import undo_correction
from miner.models import Check


def correct(options: Namespace) -> int:
    given: dict[str, str | int | None] = {
        name: None if value == "none" else value
        for name in ("type", "area", "severity")
        if (value := getattr(options, name)) is not None
    }
    if options.theme is not None:
        if options.theme != "none" and not options.theme.isdecimal():
            raise InvalidArguments({"--theme": "give a theme's id, or none"})
        given["theme"] = None if options.theme == "none" else int(options.theme)
    if not given:
        raise UsageError("say what to correct: --type, --area, --severity or --theme")
    with transaction() as session:
        made = correct_issue(session, options.id, given=given, by=cli_actor())
    say(f"corrections {', '.join(map(str, made))} are made" if made else "nothing changes")
    return 0


def aside(options: Namespace) -> int:
    with transaction() as session:
        made = set_aside(session, options.id, by=cli_actor())
    say(f"issue {options.id} counts no longer (correction {made})")
    return 0


def missed(options: Namespace) -> int:
    with transaction() as session:
        made = mark_missed(
            session,
            options.ticket,
            passage=options.passage,
            type_=options.type,
            severity=options.severity,
            area=options.area,
            summary=options.summary,
            by=cli_actor(),
        )
    say(f"the passage is an issue now (correction {made})")
    return 0


def undo(options: Namespace) -> int:
    with transaction() as session:
        found = undo_correction(session, options.correction, by=cli_actor())
        issue_id = found.issue_id
    say(f"correction {options.correction} of issue {issue_id} is taken back")
    return 0


def draw(options: Namespace) -> int:
    with transaction() as session:
        check_id = draw_check(session, by=cli_actor()).id
    return _show(_rows(check_id), options)


def show(options: Namespace) -> int:
    with transaction() as session:
        found: Check | None = find_check(session)
        check_id = found.id if found else None
    if check_id is None:
        raise UsageError("nothing was drawn yet: `miner check draw`")
    return _show(_rows(check_id), options)


def answer(options: Namespace) -> int:
    with transaction() as session:
        answer_check(session, options.item, verdict=options.verdict, by=cli_actor())
    say(f"item {options.item}: {options.verdict}")
    return 0


def scores(options: Namespace) -> int:
    with transaction() as session:
        found = list_scores(session)
    rows = [
        {
            "settings": one.settings_version,
            "model": one.model,
            "right": one.right.sentence("right"),
            "missed": one.missed.sentence("missed one"),
            "themes": one.in_theme.sentence("in the right theme"),
        }
        for one in found
    ]
    if options.json:
        show_json(rows)
    else:
        show_table(rows, ("settings", "model", "right", "missed", "themes"))
    return 0


def _rows(check_id: int) -> list[dict[str, object]]:
    with transaction() as session:
        return [
            {
                "item": item.id,
                "kind": item.kind,
                "ticket": item.ticket_id,
                "verdict": item.verdict,
                "shown": item.shown.get("summary") or item.shown.get("reason"),
                "quote": item.shown.get("quote"),
            }
            for item in list_items(session, check_id)
        ]


def _show(rows: list[dict[str, object]], options: Namespace) -> int:
    if options.json:
        show_json(rows)
    else:
        show_table(rows, ("item", "kind", "ticket", "verdict", "shown"))
    return 0
