"""New clusters against known themes, pure: which cluster keeps which id, and what happened to each theme.

Themes are matched by the issues they share, never by name or centre, so an id follows its issues. Ids are never used
again: a theme that lost its issues is retired, and only its own issues coming back revive it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

KEEPS_ID = 0.3  # of the smaller side must be shared
GIVES_SHARE, GIVES_ISSUES = 0.25, 3  # what an old theme must give to another for a split or a merge


@dataclass(frozen=True)
class Change:
    """What happened to a theme: `other_id` is the other side of a split or merge, `issues` how many were concerned."""

    kind: str  # born, revived, split, merged, retired
    theme_id: int
    other_id: int | None
    issues: int


@dataclass(frozen=True)
class Changes:
    """`moved` of the `known` issues that had a theme before have another one, or none, now."""

    changes: list[Change]
    moved: int
    known: int

    @property
    def churn(self) -> float | None:
        """The share that moved; None when no issue had a theme."""
        return self.moved / self.known if self.known else None


def match_clusters(labels: NDArray[np.int64], known: Sequence[int | None]) -> list[int | None]:
    """The theme id each cluster keeps; None: it is a new theme.

    `labels[i]` is the cluster of issue i (-1: none) and `known[i]` the theme it had. The matching shares the most
    issues in all (Hungarian method); a pair that shares less than 30 % of its smaller side keeps no id.
    """
    clusters = int(labels.max(initial=-1)) + 1
    themes = sorted({theme for theme in known if theme is not None})
    column = {theme: index for index, theme in enumerate(themes)}
    shared = np.zeros((clusters, len(themes)), np.int64)
    for label, theme in zip(labels, known, strict=True):
        if label >= 0 and theme is not None:
            shared[label, column[theme]] += 1
    cluster_sizes = np.bincount(labels[labels >= 0], minlength=clusters)
    counted = Counter(theme for theme in known if theme is not None)
    theme_sizes = np.array([counted[theme] for theme in themes], np.int64)
    smaller = np.minimum(cluster_sizes[:, None], theme_sizes[None, :])
    gain = np.where(shared >= KEEPS_ID * smaller, shared, 0)
    kept: list[int | None] = [None] * clusters
    for row, index in zip(*linear_sum_assignment(gain, maximize=True), strict=True):
        if gain[row, index] > 0:
            kept[row] = themes[index]
    return kept


def describe_changes(
    before: Mapping[int, int | None], after: Mapping[int, int | None], *, live: Set[int], retired: Set[int]
) -> Changes:
    """What became of the themes, given the theme of each issue before and after.

    `live` and `retired` are the themes known before; what is in neither was born now. A theme without issues is
    retired, as merged when one theme took a quarter and three, or more than half, of what it had.
    """
    flows: dict[int, Counter[int | None]] = {theme: Counter() for theme in live}
    for issue, theme in before.items():
        if theme is not None:
            flows.setdefault(theme, Counter())[after.get(issue)] += 1
    sizes = Counter(theme for theme in after.values() if theme is not None)
    changes = [
        Change("revived" if theme in retired else "born", theme, None, sizes[theme])
        for theme in sorted(sizes.keys() - live)
    ]
    for theme in sorted(flows):
        heir = None if theme in sizes else find_heir(flows[theme])
        takers = _list_takers(flows[theme])
        if len(takers) >= 2:
            changes += [
                Change("split", theme, taker, flows[theme][taker]) for taker in takers if taker not in (theme, heir)
            ]
        if theme not in sizes and theme in live:
            issues = flows[theme].total() if heir is None else flows[theme][heir]
            changes.append(Change("retired" if heir is None else "merged", theme, heir, issues))
    known = sum(counts.total() for counts in flows.values())
    stayed = sum(counts[theme] for theme, counts in flows.items())
    return Changes(changes, moved=known - stayed, known=known)


def find_heir(given: Mapping[int | None, int]) -> int | None:
    """The theme that took most of what a lost theme had, if that is enough to lead its readers there."""
    takers = [(count, -theme) for theme, count in given.items() if theme is not None]
    if not takers:
        return None
    count, negative = max(takers)
    total = sum(given.values())
    enough = count * 2 > total or (count >= GIVES_ISSUES and count >= GIVES_SHARE * total)
    return -negative if enough else None


def _list_takers(given: Mapping[int | None, int]) -> list[int]:
    total = sum(given.values())
    return sorted(
        theme
        for theme, count in given.items()
        if theme is not None and count >= GIVES_ISSUES and count >= GIVES_SHARE * total
    )
