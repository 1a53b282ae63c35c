"""`miner themes ...`: changing themes, undoing that, deciding on a grouping, trying a granularity."""

from __future__ import annotations

from argparse import Namespace

from miner import settings
from miner.commands.output import say, show_json, show_table
from miner.commands.work import cli_actor
from miner.db import transaction
from miner.models import ThemeEdit
from miner.themes import edits, proposals


def rename(options: Namespace) -> int:
    with transaction() as session:
        return _done(edits.rename_theme(session, options.theme, name=options.name, by=cli_actor()))


def merge(options: Namespace) -> int:
    with transaction() as session:
        return _done(edits.merge_themes(session, options.theme, into=options.into, by=cli_actor()))


def split(options: Namespace) -> int:
    with transaction() as session:
        issues, name = options.issues, options.name
        return _done(edits.split_theme(session, options.theme, issue_ids=issues, name=name, by=cli_actor()))


def move(options: Namespace) -> int:
    with transaction() as session:
        return _done(edits.move_issue(session, options.issue, theme_id=options.theme, by=cli_actor()))


def undo(options: Namespace) -> int:
    with transaction() as session:
        edit = edits.undo_edit(session, options.change, by=cli_actor())
        print(f"change {edit.id} ({edit.kind}) is undone")
    return 0


def proposal(options: Namespace) -> int:
    """Show the grouping that waits for a decision, or decide on it."""
    with transaction() as session:
        found = proposals.find_open_proposal(session)
        if found is None:
            say("no grouping waits for a decision")
            return 0
        if options.accept:
            proposals.accept_proposal(session, found.id, by=cli_actor())
            print(f"proposal {found.id} is accepted; the next run of the job cluster applies it")
        elif options.reject:
            proposals.reject_proposal(session, found.id, by=cli_actor())
            print(f"proposal {found.id} is rejected; the themes stay as they are")
        elif options.json:
            show_json({"id": found.id, "state": found.state, "moved": found.moved, "differences": found.differences})
        else:
            say(f"proposal {found.id} ({found.state}) moves {found.moved:,} of {found.known:,} issues")
            show_table(found.differences, ("id", "before", "after", "came", "went", "name"))
    return 0


def preview(options: Namespace) -> int:
    from miner.themes.preview import preview as look

    with transaction() as session:
        _, current = settings.load(session)
    rows = [
        look(transaction, granularity=one, smallest=current.smallest_theme).__dict__
        for one in sorted({*options.granularity, current.granularity})
    ]
    if options.json:
        show_json(rows)
    else:
        show_table(rows, ("granularity", "themes", "largest", "pool", "unread"))
    return 0


def _done(edit: ThemeEdit) -> int:
    new = f", the new theme is {edit.other_id}" if edit.kind == "split" else ""
    print(f"done{new}; `miner themes undo {edit.id}` takes it back")
    return 0
