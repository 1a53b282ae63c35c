"""How many themes a granularity would give, before it is applied. Nothing is stored."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from miner.themes.grouping import group_issues
from miner.themes.records import list_live_issues
from miner.themes.vectors import hash_text, list_vectors, unpack


@dataclass(frozen=True)
class Preview:
    """What a grouping would give: themes, the issues of the largest, and issues that are not yet part of one.

    `unread` issues have no vector yet and are not counted: they get one in the next run.
    """

    granularity: float
    themes: int
    largest: int
    pool: int
    unread: int


def preview(
    transaction: Callable[[], AbstractContextManager[Session]], *, granularity: float, smallest: int
) -> Preview:
    """Group what is stored with other settings; takes as long as grouping does (5 s for 3,000 issues on one core).

    Opens its own short transaction to read, and holds none while it computes.
    """
    with transaction() as session:
        issues = list_live_issues(session)
        hashes = [hash_text(issue.summary) for issue in issues]
        stored = list_vectors(session, hashes=set(hashes))
    ready = [(issue, stored[key]) for issue, key in zip(issues, hashes, strict=True) if key in stored]
    if not ready:
        return Preview(granularity, 0, 0, 0, len(issues))
    labels = group_issues(
        unpack([vector for _, vector in ready]),
        [issue.summary for issue, _ in ready],
        [issue.type for issue, _ in ready],
        granularity,
        smallest,
    )
    sizes = np.bincount(labels[labels >= 0])
    pool = int((labels < 0).sum())
    return Preview(granularity, len(sizes), int(sizes.max(initial=0)), pool, len(issues) - len(ready))
