"""Names and portraits by Claude for the themes that are due; whatever stops it, the themes keep what the terms say.

A few themes a call, one call after the other; each call is stored with its cost when it has been answered, within the
limits on money. A run that is killed in between pays again for what it had asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from miner import settings
from miner.errors import AttentionNeeded, ClaudeTrouble, RateLimited
from miner.issues.calls import call_cost, record_calls
from miner.issues.prices import Tokens, cost
from miner.issues.purse import Purse
from miner.issues.reply import Reply
from miner.logs import get_logger
from miner.runs.context import StepContext
from miner.themes.grouping import StoredVectors
from miner.themes.planning import IssueRow, ThemePlan, ThemeRow
from miner.themes.telling import (
    INSIDE,
    OUTSIDE,
    SYSTEM,
    TELLING_VERSION,
    TOKENS_A_THEME,
    Subject,
    Told,
    judge_telling,
    telling_schema,
    themes_document,
)

if TYPE_CHECKING:
    from miner.issues.claude import Claude

log = get_logger(__name__)
THEMES_A_CALL = 4
_CHARACTERS_A_TOKEN = 2  # few, for the most that a call can cost


def tell_themes(
    context: StepContext,
    due: Sequence[ThemePlan],
    plans: Sequence[ThemePlan],
    issues: Sequence[IssueRow],
    vectors: StoredVectors,
    known: dict[int, ThemeRow],
) -> None:
    """Replace names and portraits of `due` by Claude's, as far as its answers hold."""
    from miner.issues.claude import Claude  # the package behind it is slow to load

    config = context.config
    claude = Claude(
        api_key=str(config.anthropic_api_key), base_url=config.anthropic_base_url, model=config.naming_model
    )
    names = {id(plan): plan.name or (known[plan.id].name if plan.id else "") for plan in plans}
    try:
        for start in range(0, len(due), THEMES_A_CALL):
            batch = due[start : start + THEMES_A_CALL]
            context.say(f"Naming themes: {start} of {len(due)}...")
            subjects = [_subject(f"t{n}", plan, plans, issues, vectors, names) for n, plan in enumerate(batch, 1)]
            mine = {id(plan) for plan in batch}
            taken = {name.lower() for plan, name in names.items() if plan not in mine}
            told = _ask(context, claude, subjects, taken)
            for subject, plan in zip(subjects, batch, strict=True):
                if subject.key in told:
                    _take_over(plan, told[subject.key])
                    names[id(plan)] = plan.name or names[id(plan)]
    except (AttentionNeeded, RateLimited, ClaudeTrouble) as error:
        log.warning("naming_stopped", message=f"{error}; the other themes are named by their terms", themes=len(due))
    finally:
        claude.close()


def _ask(context: StepContext, claude: Claude, subjects: Sequence[Subject], taken: set[str]) -> dict[str, Told]:
    document, most = themes_document(subjects), 300 + TOKENS_A_THEME * len(subjects)
    characters = len(SYSTEM) + len(document)
    bound = cost(claude.model, Tokens(written=characters // _CHARACTERS_A_TOKEN, received=most)) or Decimal(0)
    with context.reading() as session:
        _, current = settings.load(session)
        purse = Purse.open(session, run_id=context.run_id, model=claude.model, settings=current)
    purse.check(bound)
    try:
        reply = claude.ask(SYSTEM, document, schema=telling_schema(), max_tokens=most)
    except ClaudeTrouble as error:
        if error.sent:
            _record(context, Reply("lost", claude.model))
        raise
    _record(context, reply)
    return judge_telling(reply.text, subjects, taken) if reply.outcome == "ok" else {}


def _record(context: StepContext, reply: Reply) -> None:
    with context.unit(leaving=True) as unit:
        record_calls(unit.session, [(reply, 0)], run_id=context.run_id, prompt_version=TELLING_VERSION)
        if reply.tokens:
            unit.count(input_tokens=reply.tokens.prompt, output_tokens=reply.tokens.received)
        if (dollars := call_cost(reply)) is not None and reply.tokens:
            unit.count(cost_usd=dollars)


def _subject(
    key: str,
    plan: ThemePlan,
    plans: Sequence[ThemePlan],
    issues: Sequence[IssueRow],
    vectors: StoredVectors,
    names: dict[int, str],
) -> Subject:
    """The theme with its most central issues, and the most central of the themes nearest to it."""
    row_of = {issue.id: row for row, issue in enumerate(issues)}
    near = sorted((one for one in plans if one is not plan), key=lambda one: -float(one.centroid @ plan.centroid))[
        :OUTSIDE
    ]

    def central(one: ThemePlan, most: int) -> dict[int, str]:
        rows = [row_of[issue] for issue in one.members]
        rows = [row for row in rows if issues[row].verified] or rows
        order = np.argsort(-(vectors[rows].astype(np.float32) @ one.centroid), kind="stable")[:most]
        return {issues[rows[place]].id: issues[rows[place]].summary for place in order.tolist()}

    outside = {issue: text for one in near for issue, text in central(one, 1).items()}
    return Subject(key, central(plan, INSIDE), outside, [name for one in near if (name := names[id(one)])])


def _take_over(plan: ThemePlan, told: Told) -> None:
    """What holds of the answer; the first issue that a point cites gives its quote."""
    if told.name:
        plan.name, plan.name_source = told.name, "claude"
    if not told.sentences:
        return
    points = [{"text": one["text"], "count": len(one["issues"]), "issue": one["issues"][0]} for one in told.points]
    plan.portrait = (plan.portrait or {}) | {"by": "claude", "sentences": told.sentences}
    if points:
        plan.portrait["points"] = points
