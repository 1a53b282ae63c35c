"""`miner run analyze --estimate`: what a reading will cost and how long it takes, before anything is started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from miner import settings
from miner.commands.output import say, show_json
from miner.config import Config
from miner.db import transaction
from miner.issues.announce import limits_sentence
from miner.issues.backlog import find_outlook
from miner.runs.jobs import Job
from miner.tickets.rebuild import count_outdated


def show_estimate(job: Job, args: Mapping[str, Any], *, as_json: bool) -> int:
    """Print the estimate for what a run of the job with these arguments would read now."""
    checked = job.parse(args)
    config = Config.from_environment()
    with transaction() as session:
        _, current = settings.load(session)
        ahead = find_outlook(session, settings=current, model=config.model, limit=checked.get("batch_size"))
        held = find_outlook(session, settings=current, model=config.model, held=True)
        outdated = count_outdated(session, current.text_rules)
    free = config.analyzer == "local" or not config.anthropic_api_key
    if as_json:
        names = ("tickets", "model", "low", "high", "low_seconds", "high_seconds", "prices_of")
        show_json(
            {name: getattr(ahead, name) for name in names}
            | {"held_back": held.tickets, "texts_to_make_again": outdated, "reads_with_claude": not free}
        )
        return 0
    print(f"with Claude: {ahead.sentence}" if free else ahead.sentence)
    if free:
        say("tickets are read by the local analyzer at present, which costs nothing")
    else:
        say(limits_sentence(current))
    if held.tickets:
        say(f"held back until somebody answers (`miner backlog list`): {held.sentence}")
    if outdated:
        say(f"{outdated:,} texts are made again first, by the rules in force; those that come out different are on top")
    if any(step.name == "sync" for step in job.steps):
        say("what a sync brings first comes on top")
    return 0
