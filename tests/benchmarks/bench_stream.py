"""Themes of a stream: a set fed in ten daily parts to the functions of the cluster step, beside grouping it at once.

New issues join the themes there are (`plan_new_issues`), and on the first, every third and the last day all are grouped
anew from there (`plan_themes`). Printed: how well the end agrees with people, the issues that are no theme counted as
themes of one, and which share of the known issues changed theme in a day. Run by hand with MINER_BENCH_DATA.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from miner.themes.embed import embed_texts
from miner.themes.planning import IssueRow, Plan, ThemeRow, count_moved, plan_new_issues, plan_themes
from tests.benchmarks.bench_grouping import Row, read
from tests.benchmarks.harness import headline
from tests.support.scores import compare

pytestmark = pytest.mark.benchmark
DAYS, EVERY = 10, 3
Known = dict[int, ThemeRow]


def settle(issues: Sequence[IssueRow], plan: Plan, known: Known) -> list[IssueRow]:
    """The issues with their new themes; `known` learns of those that are born or retired, as when they are stored."""
    theme_of: dict[int, int] = {}
    live = set()
    for theme in plan.themes:
        number = theme.id or len(known) + 1
        live.add(number)
        source = known[number] if theme.id else ThemeRow(number, "", "terms", [], None, True, frozenset())
        named_from = source.named_from if theme.name is None else frozenset(theme.members)
        known[number] = replace(source, name=theme.name or source.name, live=True, named_from=named_from)
        theme_of |= dict.fromkeys(theme.members, number)
    for number in known.keys() - live:
        known[number] = replace(known[number], live=False)
    return [replace(issue, theme_id=theme_of.get(issue.id)) for issue in issues]


def agree(truth: Sequence[str], issues: Sequence[IssueRow]) -> float:
    return compare(truth, np.array([issue.theme_id or -issue.id for issue in issues]))[0]


def judge(name: str, rows: list[Row]) -> None:
    order = np.random.default_rng(0).permutation(len(rows))
    truth, texts = [rows[row]["label"] for row in order], [rows[row]["text"] for row in order]
    vectors: NDArray[np.float32] = embed_texts(texts)
    everything = [IssueRow(number + 1, "bug", text, None, False) for number, text in enumerate(texts)]

    def regroup(issues: Sequence[IssueRow], known: Known) -> Plan:
        return plan_themes(issues, vectors[: len(issues)], known, dissolved={}, granularity=1, smallest=3)

    at_once = agree(truth, settle(everything, regroup(everything, {}), {}))
    known: Known = {}
    issues: list[IssueRow] = []
    changed = []
    for day in range(DAYS):
        before = len(issues)
        issues += everything[before : len(texts) * (day + 1) // DAYS]
        if day % EVERY == 0 or day == DAYS - 1:
            plan = regroup(issues, known)
        else:
            plan = plan_new_issues(issues, vectors[: len(issues)], known, granularity=1, smallest=3)
        if day:
            changed.append(count_moved(issues, plan) / max(1, sum(issue.theme_id is not None for issue in issues)))
        issues = settle(issues, plan, known)
    end = agree(truth, issues)
    live = sum(theme.live for theme in known.values())
    mean, worst = float(np.mean(changed)), max(changed)
    print(f"{name:16} {at_once:8.3f} {end:7.3f} {end / at_once:6.1%} {live:7} {mean:7.1%} {worst:7.1%}", flush=True)


def test_themes_of_a_stream() -> None:
    headline("Grouping: ten days, grouped anew every third (aims: the end 98 % of at once, 5 % changed a day)")
    print(f"{'set':16} {'at once':>8} {'end':>7} {'share':>6} {'themes':>7} {'changed':>7} {'worst':>7}")
    judge("dstc11", read("dstc11/dstc11.csv.gz"))
    judge("banking77 test", [row for row in read("banking77/banking77.csv.gz") if row["split"] == "test"])
