"""From live issues and known themes to the themes there shall be, pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from miner.themes.grouping import StoredVectors, group_issues
from miner.themes.matching import match_clusters
from miner.themes.naming import choose_name, find_terms
from miner.themes.similarity import Vectors

RENAME_SHARE = 1 / 3  # of the members must have changed since the name was made


@dataclass(frozen=True)
class IssueRow:
    """A live issue; `theme_id` None: not yet a theme; `theme_pinned`: a person put it there."""

    id: int
    type: str
    summary: str
    theme_id: int | None
    theme_pinned: bool


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


@dataclass
class ThemePlan:
    """A theme there shall be; `id` None: it is new. `members` are issue ids, `name` None: the present name stays."""

    id: int | None
    members: list[int]
    terms: list[str]
    centroid: Vectors
    name: str | None = None


def plan_themes(
    issues: Sequence[IssueRow],
    vectors: StoredVectors,
    known: Mapping[int, ThemeRow],
    *,
    dissolved: Mapping[int, int],
    granularity: float,
    smallest: int,
) -> list[ThemePlan]:
    """Group, match and name; known themes come first, in the order of ids.

    `vectors` belong to `issues`, which are in the order of ids; `dissolved` names the retired theme an issue was in.
    Pinned issues are not grouped: they stay in their theme and keep it alive.
    """
    free = [index for index, issue in enumerate(issues) if not issue.theme_pinned]
    labels = group_issues(
        vectors[free],
        [issues[index].summary for index in free],
        [issues[index].type for index in free],
        granularity,
        smallest,
    )
    kept = match_clusters(labels, [issues[index].theme_id or dissolved.get(issues[index].id) for index in free])
    old: dict[int, list[int]] = defaultdict(list)
    new: dict[int, list[int]] = defaultdict(list)
    for index, label in zip(free, labels.tolist(), strict=True):
        if label >= 0:
            theme = kept[label]
            (new[label] if theme is None else old[theme]).append(index)
    for index, issue in enumerate(issues):
        if issue.theme_pinned and issue.theme_id is not None:
            old[issue.theme_id].append(index)
    ids = [*sorted(old), *[None] * len(new)]
    groups = [sorted(old[theme]) for theme in sorted(old)] + [new[label] for label in sorted(new)]
    return _describe(issues, vectors, known, ids, groups)


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
