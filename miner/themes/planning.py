"""From live issues and known themes to the themes there shall be, pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from miner.themes.assigning import assign
from miner.themes.constraints import Apart, Together, obey
from miner.themes.grouping import StoredVectors, group
from miner.themes.matching import match_clusters
from miner.themes.naming import choose_name, find_terms
from miner.themes.similarity import Vectors

RENAME_SHARE = 1 / 3  # of the members must have changed since the name was made


@dataclass(frozen=True)
class IssueRow:
    """A live issue; `theme_id` None: not yet a theme; `theme_pinned`: a person put it there.

    `verified`: its quote stands in its ticket; only then is it counted and shown as what a theme says.
    """

    id: int
    type: str
    summary: str
    theme_id: int | None
    theme_pinned: bool
    verified: bool = True


@dataclass(frozen=True)
class ThemeRow:
    """A theme as it stands; `named_from` are the issues its name was made from."""

    id: int
    name: str
    name_source: str
    terms: list[str]
    centroid: bytes | None
    live: bool
    named_from: frozenset[int]
    portrait_by: str | None = None


@dataclass
class ThemePlan:
    """A theme there shall be; `id` None: new. `members` are issue ids; `name` and `portrait` None: as they were."""

    id: int | None
    members: list[int]
    terms: list[str]
    centroid: Vectors
    name: str | None = None
    name_source: str = "terms"
    portrait: dict[str, Any] | None = None


@dataclass(frozen=True)
class Plan:
    """The themes there shall be, and pairs of their places in `themes` that are probably the same, with likeness."""

    themes: list[ThemePlan]
    alike: list[tuple[int, int, float]]
    regrouped: bool = True


def plan_themes(
    issues: Sequence[IssueRow],
    vectors: StoredVectors,
    known: Mapping[int, ThemeRow],
    *,
    dissolved: Mapping[int, int],
    granularity: float,
    smallest: int,
    edits: Sequence[Together | Apart] = (),
    warm: bool = True,
) -> Plan:
    """Group all, match and name; known themes come first, in the order of ids.

    `warm`: the grouping starts from the themes there are.

    `vectors` belong to `issues`, which are in the order of ids; `dissolved` names the retired theme an issue was in.
    Pinned issues are not grouped: they stay in their theme and keep it alive.
    """
    free = [index for index, issue in enumerate(issues) if not issue.theme_pinned]
    before = [issues[index].theme_id or dissolved.get(issues[index].id) for index in free]
    part = vectors[free]
    found = group(
        part,
        [issues[index].summary for index in free],
        [issues[index].type for index in free],
        granularity=granularity,
        smallest=smallest,
        before=before if warm else None,
    )
    labels = found.labels
    if edits:
        labels = obey(labels, [issues[index].id for index in free], part.astype(np.float32), edits)
        labels = np.unique(np.append(labels, -1), return_inverse=True)[1][:-1] - 1
    kept = match_clusters(labels, before)
    groups = [
        (kept[label], [free[row] for row in np.flatnonzero(labels == label).tolist()])
        for label in range(int(labels.max(initial=-1)) + 1)
    ]
    alike = [] if edits else found.alike  # labels count anew where people's edits were obeyed
    return _plan(issues, vectors, known, groups, alike)


def plan_new_issues(
    issues: Sequence[IssueRow],
    vectors: StoredVectors,
    known: Mapping[int, ThemeRow],
    *,
    granularity: float,
    smallest: int,
) -> Plan:
    """What is known stays; new issues join themes or make new ones."""
    free = [index for index, issue in enumerate(issues) if not issue.theme_pinned]
    placed, labels = assign(
        vectors[free],
        [issues[index].summary for index in free],
        [issues[index].type for index in free],
        [issues[index].theme_id for index in free],
        granularity=granularity,
        smallest=smallest,
    )
    members: dict[int, list[int]] = defaultdict(list)
    for index, theme in zip(free, placed, strict=True):
        if theme is not None:
            members[theme].append(index)
    groups: list[tuple[int | None, list[int]]] = list(members.items())
    groups += [
        (None, [free[row] for row in np.flatnonzero(labels == label).tolist()])
        for label in range(int(labels.max(initial=-1)) + 1)
    ]
    return replace(_plan(issues, vectors, known, groups, []), regrouped=False)


def plan_proposed(
    issues: Sequence[IssueRow],
    vectors: StoredVectors,
    known: Mapping[int, ThemeRow],
    groups: Sequence[Mapping[str, Any]],
) -> Plan:
    """The grouping that a person accepted, with the issues that are still there; newer ones wait for the next run."""
    row_of = {issue.id: row for row, issue in enumerate(issues) if not issue.theme_pinned}
    wanted = [(one["id"], [row_of[issue] for issue in one["members"] if issue in row_of]) for one in groups]
    return _plan(issues, vectors, known, [(theme, rows) for theme, rows in wanted if rows], [])


def count_moved(issues: Sequence[IssueRow], plan: Plan) -> int:
    """How many issues that have a theme would have another one, or none."""
    after = {issue: theme.id for theme in plan.themes for issue in theme.members}
    return sum(issue.theme_id is not None and after.get(issue.id) != issue.theme_id for issue in issues)


def list_changed(issues: Sequence[IssueRow], plan: Plan, known: Mapping[int, ThemeRow]) -> list[ThemePlan]:
    """The themes that get other issues than they have, or have no portrait yet.

    What a language model said of a theme stands until a third of its issues changed, as its name does.
    """
    now: dict[int | None, list[int]] = defaultdict(list)
    for issue in issues:
        now[issue.theme_id].append(issue.id)

    def changed(one: ThemePlan) -> bool:
        if one.id is None or known[one.id].portrait_by is None:
            return True
        if known[one.id].portrait_by == "claude":
            return name_is_due(known[one.id], one.members)
        return sorted(one.members) != sorted(now[one.id])

    return [one for one in plan.themes if changed(one)]


def _plan(
    issues: Sequence[IssueRow],
    vectors: StoredVectors,
    known: Mapping[int, ThemeRow],
    groups: Sequence[tuple[int | None, list[int]]],
    alike: Sequence[tuple[int, int, float]],
) -> Plan:
    """Known themes first, in the order of ids, with the issues that people pinned to them."""
    pinned: dict[int, list[int]] = defaultdict(list)
    for row, issue in enumerate(issues):
        if issue.theme_pinned and issue.theme_id is not None:
            pinned[issue.theme_id].append(row)
    everything = [(theme, number, rows) for number, (theme, rows) in enumerate(groups)]
    everything += [(theme, -1, []) for theme in pinned.keys() - {theme for theme, _, _ in everything}]
    old = sorted((one for one in everything if one[0] is not None), key=lambda one: one[0] or 0)
    ordered = [*old, *(one for one in everything if one[0] is None)]
    place = {number: index for index, (_, number, _) in enumerate(ordered)}
    members = [sorted([*rows, *pinned.get(theme or 0, [])]) for theme, _, rows in ordered]
    themes = _describe(issues, vectors, known, [theme for theme, _, _ in ordered], members)
    return Plan(themes, [(place[one], place[other], likeness) for one, other, likeness in alike])


def _describe(
    issues: Sequence[IssueRow],
    vectors: StoredVectors,
    known: Mapping[int, ThemeRow],
    ids: Sequence[int | None],
    groups: Sequence[list[int]],
) -> list[ThemePlan]:
    summaries = [issue.summary for issue in issues]
    labels = np.full(len(issues), -1, np.int64)
    for number, rows in enumerate(groups):
        labels[rows] = number
    plans = [
        ThemePlan(theme, [issues[row].id for row in rows], terms, vectors[rows].mean(axis=0, dtype=np.float32))
        for theme, rows, terms in zip(ids, groups, find_terms(summaries, labels), strict=True)
    ]
    due = [plan.id is None or name_is_due(known[plan.id], plan.members) for plan in plans]
    taken = {known[plan.id].name.lower() for plan, now in zip(plans, due, strict=True) if plan.id and not now}
    for plan, rows, now in zip(plans, groups, due, strict=True):
        if now:
            name = choose_name([summaries[row] for row in rows], vectors[rows].astype(np.float32), plan.terms, taken)
            taken.add(name.lower())
            plan.name = None if plan.id is not None and name == known[plan.id].name else name
    return plans


def name_is_due(theme: ThemeRow, members: Sequence[int]) -> bool:
    """Whether over a third of the members changed since the name was made; a human name is never due."""
    if theme.name_source == "human" or not theme.named_from:
        return False
    now = set(members)
    return len(now ^ theme.named_from) > RENAME_SHARE * len(now | theme.named_from)
