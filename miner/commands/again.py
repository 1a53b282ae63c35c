"""`miner analyze-again`: what reading again would cost, a trial on a sample, the whole, and taking it back."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from miner import settings
from miner.commands.evaluation import price
from miner.commands.output import say, show_json, show_table
from miner.commands.watch import watch
from miner.commands.work import cli_actor, say_what_holds_it, work_here
from miner.config import Config
from miner.db import transaction
from miner.issues.comparison import MEASURES, Pair
from miner.issues.rereading import apply_rereading, list_rereadings, undo_rereading
from miner.issues.scopes import Reach, list_reaches, model_in_force
from miner.issues.trial_report import TrialReport, get_report, list_trials

SHOWN = 20


def again(options: Namespace) -> int:
    if options.sample is not None:
        return _try(options)
    if options.report is not None:
        return _report(options.report, as_json=options.json)
    if options.apply:
        return _apply(options)
    if options.undo is not None:
        return _undo(options)
    return _offer(options)


def _reaches(config: Config) -> list[Reach]:
    with transaction() as session:
        version, current = settings.load(session)
        return list_reaches(session, version=version, settings=current, config=config)


def _offer(options: Namespace) -> int:
    """What there is to read again, at which price; trials and re-readings so far."""
    config = Config.from_environment()
    reaches = _reaches(config)
    rows = [{"scope": one.scope, "tickets": one.tickets, "price": price(one.price)} for one in reaches]
    with transaction() as session:
        trials = [
            {"trial": one.id, "scope": one.scope, "model": one.model, "tickets": one.sample, "at": one.created_at}
            for one in list_trials(session)
        ]
        done = [
            {"id": one.id, "scope": one.scope, "model": one.model, "tickets": one.tickets, "at": one.created_at,
             "undone": one.undone_at}
            for one in list_rereadings(session)
        ]  # fmt: skip
    if options.json:
        show_json({"model": model_in_force(config), "scopes": rows, "trials": trials, "rereadings": done})
        return 0
    say(f"{model_in_force(config)} would read:")
    show_table(rows, ("scope", "tickets", "price"))
    for found in (trials, done):
        if found:
            print()
            show_table(found, list(found[0]))
    return 0


def _try(options: Namespace) -> int:
    args = {"sample": options.sample, "scope": options.scope}
    if options.here:
        run = work_here("trial", args)
    else:
        from actors.enqueue import start_run

        started = start_run("trial", args, by=cli_actor(), trigger="cli")
        say_what_holds_it(started)
        run = watch(started.run_id, say=say)
    if run["state"] != "completed":
        say(f"run {run['id']} is {run['state']}: {run['error_message'] or 'look at it with miner runs show'}")
        return 1
    with transaction() as session:
        made = next((one.id for one in list_trials(session, limit=50) if one.run_id == run["id"]), None)
    if made is None:
        say(f"no ticket of the scope {options.scope} was read yet, so there is nothing to try")
        return 1
    return _report(made, as_json=options.json)


def _report(trial_id: int, *, as_json: bool) -> int:
    with transaction() as session:
        found = get_report(session, trial_id)
        session.expunge_all()
    if as_json:
        show_json(report_as_json(found))
        return 0
    trial = found.trial
    before, after = found.comparison.totals
    print(f"trial {trial.id}: {found.read} of {trial.sample} tickets read by {trial.model}, {found.failed} failed")
    print(f"issues: {before} before, {after} after; {len(found.comparison.gained)} gained, ", end="")
    print(f"{len(found.comparison.lost)} lost, {len(found.comparison.changed)} judged otherwise")
    rows: list[dict[str, Any]] = []
    for measure in MEASURES:
        rows += [
            {"by": measure, "value": value, "before": old, "after": new} for value, old, new in found.counts[measure]
        ]
    show_table(rows, ("by", "value", "before", "after"))
    _show_pairs("gained", found.comparison.gained)
    _show_pairs("lost", found.comparison.lost)
    print(f"\nall {trial.tickets:,} tickets of the scope {trial.scope}: {price(found.price)}")
    return 0


def _show_pairs(title: str, pairs: Sequence[Pair]) -> None:
    print(f"\n{len(pairs)} {title}")
    for pair in pairs[:SHOWN]:
        row = pair.after or pair.before or {}
        print(f"  ticket {pair.key}: {row['type']}, {row['severity']}: {row['summary']}\n      “{row['quote'][:200]}”")


def report_as_json(found: TrialReport) -> dict[str, Any]:
    trial = found.trial
    return {
        "trial": trial.id,
        "scope": trial.scope,
        "model": trial.model,
        "settings_version": trial.settings_version,
        "read": found.read,
        "failed": found.failed,
        "counts": {
            measure: [{"value": value, "before": old, "after": new} for value, old, new in rows]
            for measure, rows in found.counts.items()
        },
        "gained": [{"ticket": pair.key, **(pair.after or {})} for pair in found.comparison.gained],
        "lost": [{"ticket": pair.key, **(pair.before or {})} for pair in found.comparison.lost],
        "changed": [
            {"ticket": pair.key, "before": pair.before, "after": pair.after} for pair in found.comparison.changed
        ],
        "cost_usd": found.dollars,
        "tickets": trial.tickets,
        "price": found.price and {"low": found.price.low, "high": found.price.high},
    }


def _apply(options: Namespace) -> int:
    config = Config.from_environment()
    reach = next(one for one in _reaches(config) if one.scope == options.scope)
    model = model_in_force(config)
    say(f"{reach.tickets:,} tickets would be read again by {model}: {price(reach.price)}")
    if not _is_agreed(options, "Read them again?"):
        return 2
    from actors.enqueue import start_run

    with transaction() as session:
        latest = next((one for one in list_trials(session) if one.scope == options.scope), None)
        version, _ = settings.load(session)
        same = latest is not None and (latest.model, latest.settings_version) == (model, version)
        trial_id = latest.id if latest and same else None
        made = apply_rereading(session, scope=options.scope, config=config, trial_id=trial_id, by=cli_actor())
        number = made.id
    say(f"re-reading {number}: take it back within 30 days with `miner analyze-again --undo {number}`")
    if options.here:
        return 0 if work_here("analyze", {"batch_size": None})["state"] == "completed" else 1
    started = start_run("analyze", {"batch_size": None}, by=cli_actor(), trigger="cli")
    say_what_holds_it(started)
    print(f"run {started.run_id} reads them")
    return 0


def _undo(options: Namespace) -> int:
    if not _is_agreed(options, f"Put back how everything stood before re-reading {options.undo}?"):
        return 2
    with transaction() as session:
        found = undo_rereading(session, options.undo, by=cli_actor())
        tickets = found.tickets
    say(f"re-reading {options.undo} of {tickets:,} tickets is taken back; `miner run cluster` counts the themes anew")
    return 0


def _is_agreed(options: Namespace, question: str) -> bool:
    if options.yes:
        return True
    if not sys.stdin.isatty():
        say("nothing was changed: confirm with --yes")
        return False
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
