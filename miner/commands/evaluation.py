"""`miner eval`: a labelled set read by one configuration, or by two side by side."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from miner.commands.output import say, show_json, show_table
from miner.config import Config
from miner.db import transaction
from miner.errors import UsageError
from miner.issues.comparison import Comparison, Pair, compare, row_of
from miner.issues.estimate import Estimate
from miner.issues.evaluating import (
    Configuration,
    estimate_reading,
    list_stored_cases,
    parse_configuration,
    run_evaluation,
)
from miner.issues.evaluation import MEASURES, Answer, Result, differences
from miner.issues.labels import Case, read_cases
from miner.issues.prices import PRICES_OF

STORED = ("corrections", "checks")
SHOWN = 20  # gained and lost issues, of each


def evaluate(options: Namespace) -> int:
    """Estimate, ask, read, compare. `options.set` is a file, or one of STORED."""
    config = Config.from_environment()
    with transaction() as session:
        stored = options.set in STORED
        cases = list_stored_cases(session, options.set) if stored else read_cases(Path(options.set))
        specs = [options.reader, *([] if options.against is None else [options.against])]
        without = cases if stored else []
        chosen = [parse_configuration(session, spec or "", config=config, without=without) for spec in specs]
    if len(chosen) == 2 and chosen[0].name == chosen[1].name:
        raise UsageError(f"both readers are {chosen[0].name}: name another one with --against")
    if not _is_agreed(chosen, cases, yes=options.yes):
        return 2
    results, answers = [], []
    for one in chosen:
        result, found = run_evaluation(one, cases, config=config, say=say)
        results.append(result)
        answers.append(found)
    pairs = _compare(cases, answers) if len(answers) == 2 else None
    if options.json:
        show_json(_as_json(cases, results, pairs))
    else:
        _show(cases, results, pairs)
    return 0


def _is_agreed(chosen: Sequence[Configuration], cases: Sequence[Case], *, yes: bool) -> bool:
    """Say what Claude will cost, and ask unless `yes`; nothing is asked where nothing is spent."""
    paid = [one for one in chosen if one.model]
    for one in paid:
        say(f"{one.name}: {len(cases):,} tickets, {price(estimate_reading(one, cases))} (prices of {PRICES_OF})")
    if not paid or yes:
        return True
    if not sys.stdin.isatty():
        say("nothing was spent: confirm with --yes")
        return False
    return input("Spend it? [y/N] ").strip().lower() in ("y", "yes")


def price(found: Estimate | None) -> str:
    if found is not None and not found.high:
        return "nothing"
    return "an unknown price" if found is None else f"about ${found.low:.4f} to ${found.high:.4f}"


def _compare(cases: Sequence[Case], answers: Sequence[Mapping[str, Answer]]) -> Comparison:
    sides = [{key: [row_of(one) for one in found] for key, (_, found) in side.items()} for side in answers]
    return compare((case.key, sides[0].get(case.key, []), sides[1].get(case.key, [])) for case in cases)


def _show(cases: Sequence[Case], results: Sequence[Result], pairs: Comparison | None) -> None:
    compared = differences(*results) if pairs else {}
    rows = []
    for measure, sentence in MEASURES.items():
        row: dict[str, Any] = {"measure": sentence}
        for place, result in enumerate(results):
            row["first" if place == 0 else "second"] = _share(result, measure)
        if measure in compared:
            one = compared[measure]
            chance = f", {one.chance:.0%} by chance" if one.better + one.worse else ""
            row["difference"] = f"+{one.better} -{one.worse}{chance}"
        rows.append(row)
    costs = ("$ for these tickets", lambda one: _dollars(one.dollars))
    each = ("$ for 1,000 tickets", lambda one: _dollars(one.dollars and one.dollars * 1000 / len(cases)))
    failed = ("not read", lambda one: str(one.failed))
    for name, tell in (costs, each, failed):
        told = dict(zip(("first", "second"), map(tell, results), strict=False))
        rows.append({"measure": name, **told})
    print(f"{len(cases):,} tickets. first: {results[0].name}", end="")
    print(f"; second: {results[1].name}" if len(results) == 2 else "")
    show_table(rows, ("measure", "first", *(("second", "difference") if pairs else ())))
    if pairs:
        _show_pairs("found by the second only", pairs.gained, "after")
        _show_pairs("found by the first only", pairs.lost, "before")


def _show_pairs(title: str, pairs: Sequence[Pair], side: str) -> None:
    print(f"\n{len(pairs):,} {title}")
    for pair in pairs[:SHOWN]:
        row = getattr(pair, side)
        print(f"  {pair.key}: {row['type']}, {row['severity']}: {row['summary']}\n      “{row['quote'][:200]}”")


def _share(result: Result, measure: str) -> str:
    share = result.share(measure)
    if share.low is None or share.high is None:
        return "unknown"
    return f"{share.hits / share.of:.0%} ({share.low:.0%} to {share.high:.0%}, {share.of:,})"


def _dollars(amount: Any) -> str:
    return "unknown" if amount is None else f"${amount:.4f}"


def _as_json(cases: Sequence[Case], results: Sequence[Result], pairs: Comparison | None) -> dict[str, Any]:
    compared = differences(*results) if pairs else {}
    found: dict[str, Any] = {"tickets": len(cases), "readers": []}
    for result in results:
        shares = {name: result.share(name) for name in MEASURES}
        found["readers"].append(
            {
                "name": result.name,
                "cost_usd": result.dollars,
                "not_read": result.failed,
                "measures": {
                    name: {"hits": one.hits, "of": one.of, "low": one.low, "high": one.high}
                    for name, one in shares.items()
                },
            }
        )
    if pairs:
        found["differences"] = {
            name: {"better": one.better, "worse": one.worse, "chance": one.chance} for name, one in compared.items()
        }
        found["gained"] = [{"ticket": pair.key, **(pair.after or {})} for pair in pairs.gained]
        found["lost"] = [{"ticket": pair.key, **(pair.before or {})} for pair in pairs.lost]
    return found
