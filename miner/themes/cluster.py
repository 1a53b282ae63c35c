"""The cluster step: every live issue is embedded once, new ones join themes, and every few days all are grouped anew.

Embedding goes on in short units, so that a killed run resumes where it was; the grouping is computed with no
transaction open and lands in one. Run twice, it changes nothing the second time.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from miner.logs import get_logger
from miner.models import ThemeProposal
from miner.runs.context import Skip, StepContext
from miner.themes import history, records
from miner.themes.constraints import Apart, Together
from miner.themes.grouping import StoredVectors
from miner.themes.matching import Changes
from miner.themes.modes import SETTINGS_CHANGED, LastGrouping, is_due, must_ask
from miner.themes.planning import (
    IssueRow,
    Plan,
    ThemePlan,
    ThemeRow,
    count_moved,
    list_changed,
    plan_new_issues,
    plan_proposed,
    plan_themes,
)
from miner.themes.portraits import MOST_ISSUES, portray
from miner.themes.records import list_voices
from miner.themes.storing import store_themes
from miner.themes.teller import tell_themes
from miner.themes.vectors import embed_in_batches, hash_text, list_vectors, record_vectors, unpack

log = get_logger(__name__)


@dataclass(frozen=True)
class Present:
    """What the step finds: issues in the order of ids, every theme there ever was, and what people decided."""

    issues: list[IssueRow]
    known: dict[int, ThemeRow]
    dissolved: dict[int, int]
    last: LastGrouping | None
    accepted: ThemeProposal | None
    edits: list[Together | Apart]

    @property
    def before(self) -> dict[int, int | None]:
        return {issue.id: issue.theme_id for issue in self.issues}


@dataclass(frozen=True)
class Decision:
    """The plan in force, how it came about, and the grouping that has to wait for a person."""

    plan: Plan
    mode: str
    proposed: Plan | None = None


def run(context: StepContext) -> Skip | None:
    with context.reading() as session:
        present = Present(
            records.list_live_issues(session),
            records.list_themes(session),
            records.list_dissolved(session),
            history.find_last_grouping(session),
            history.find_accepted(session),
            history.list_constraints(session),
        )
        session.expunge_all()
    if not present.issues and not any(theme.live for theme in present.known.values()):
        return Skip("there are no issues to group yet")
    context.expect(len(present.issues))
    vectors, embedded = embed_summaries(context, present.issues)
    decision = decide(context, present, vectors)
    portray_changed(context, present, decision.plan, vectors)
    with context.unit(last=True) as unit:
        changes, themes = store_themes(
            unit.session,
            issues=present.issues,
            plans=decision.plan.themes,
            known=present.known,
            run_id=context.run_id,
        )
        _record(unit.session, context, present, decision, changes, themes)
        unit.advance(max(0, len(present.issues) - embedded))
        unit.count(themes=themes)
    _log(present.issues, decision.plan.themes, changes)
    return None


def decide(context: StepContext, present: Present, vectors: StoredVectors) -> Decision:
    """Group all anew when that is due and does not move too much; else put new issues into the themes there are."""
    settings, issues, known = context.settings, present.issues, present.known
    fineness, smallest = settings.granularity, settings.smallest_theme
    if present.accepted:
        return Decision(plan_proposed(issues, vectors, known, present.accepted.groups), "accepted")
    now, counted = dt.datetime.now(dt.UTC), sum(issue.theme_id is not None for issue in issues)
    due = is_due(
        present.last,
        now=now,
        issues=len(issues),
        pool=len(issues) - counted,
        days=settings.regroup_days,
        granularity=fineness,
        smallest=smallest,
    )
    proposed = None
    if due:
        context.say(f"Grouping {len(issues):,} issues anew: {due}...")
        plan = plan_themes(
            issues,
            vectors,
            known,
            dissolved=present.dissolved,
            granularity=fineness,
            smallest=smallest,
            edits=present.edits,
            warm=due != SETTINGS_CHANGED,
        )
        moved = count_moved(issues, plan)
        if not must_ask(present.last, now=now, issues=len(issues), known=counted, moved=moved):
            return Decision(plan, "regrouped")
        proposed = plan
    context.say("Putting new issues into the themes there are...")
    return Decision(
        plan_new_issues(issues, vectors, known, granularity=fineness, smallest=smallest), "assigned", proposed
    )


def portray_changed(context: StepContext, present: Present, plan: Plan, vectors: StoredVectors) -> None:
    """Give the themes whose issues changed a new portrait, of their newest issues whose quote is verified."""
    row_of = {issue.id: row for row, issue in enumerate(present.issues)}
    for theme in list_changed(present.issues, plan, present.known):
        newest = [one for one in theme.members if present.issues[row_of[one]].verified][-MOST_ISSUES:]
        with context.reading() as session:
            found = list_voices(session, issue_ids=newest)
        voices = [found[issue] for issue in newest if issue in found]
        if voices:
            theme.portrait = portray(voices, vectors[[row_of[one.id] for one in voices]], theme.terms)
    if context.config.anthropic_api_key and context.config.analyzer != "local":
        due = [one for one in plan.themes if one.portrait or (one.id and present.known[one.id].portrait_by == "terms")]
        tell_themes(context, due, plan.themes, present.issues, vectors, present.known)


def _record(
    session: Session, context: StepContext, present: Present, decision: Decision, changes: Changes, themes: int
) -> None:
    history.record_grouping(
        session,
        run_id=context.run_id,
        mode=decision.mode,
        settings=context.settings,
        changes=changes,
        issues=len(present.issues),
        themes=themes,
        pool=len(present.issues) - sum(len(one.members) for one in decision.plan.themes),
    )
    if present.accepted:
        history.mark_applied(session, proposal_id=present.accepted.id)
    elif decision.proposed:
        _keep_proposal(session, context, decision.proposed, present.known, present.before, present.issues)
    elif decision.mode == "regrouped":
        history.supersede_open(session)
        ids = [one.id or 0 for one in decision.plan.themes]
        pairs = [(ids[one], ids[other], likeness) for one, other, likeness in decision.plan.alike]
        history.record_likenesses(session, pairs=pairs)


def _keep_proposal(
    session: Session,
    context: StepContext,
    plan: Plan,
    known: Mapping[int, ThemeRow],
    before: Mapping[int, int | None],
    issues: Sequence[IssueRow],
) -> None:
    moved = count_moved(issues, plan)
    history.record_proposal(
        session, run_id=context.run_id, settings=context.settings, plan=plan, known=known, before=before, moved=moved
    )
    counted = sum(theme is not None for theme in before.values())
    log.warning(
        "grouping_proposed",
        message=f"Grouping anew would move {moved:,} of {counted:,} issues ({moved / counted:.0%}): it waits for a "
        "decision (`miner themes proposal`), and new issues go into the themes there are",
        moved=moved,
        known=counted,
    )


def embed_summaries(context: StepContext, issues: Sequence[IssueRow]) -> tuple[StoredVectors, int]:
    """The vectors of `issues`, shape (n, 384), and how many this step has computed, also before an interruption."""
    hashes = [hash_text(issue.summary) for issue in issues]
    with context.reading() as session:
        stored = list_vectors(session, hashes=set(hashes))
    missing = {issue.summary for issue, key in zip(issues, hashes, strict=True) if key not in stored}
    embedded = int((context.checkpoint or {}).get("embedded", 0))
    if missing:
        context.say(f"Reading the meaning of {len(missing):,} new issues...")
    for batch in embed_in_batches(missing):
        embedded += len(batch)
        with context.unit() as unit:
            record_vectors(unit.session, vectors=batch)
            unit.advance(len(batch))
            unit.checkpoint = {"embedded": embedded}
        stored.update(batch)
    return unpack([stored[key] for key in hashes]), embedded


def _log(issues: Sequence[IssueRow], plans: Sequence[ThemePlan], changes: Changes) -> None:
    pool = len(issues) - sum(len(plan.members) for plan in plans)
    log.info(
        "issues_grouped",
        message=f"Grouped {len(issues):,} issues into {len(plans):,} themes; {pool:,} are not yet part of one",
        issues=len(issues),
        themes=len(plans),
        pool=pool,
    )
    if changes.churn is not None:
        kinds = Counter(one.kind for one in changes.changes)
        said = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "no theme changed"
        log.info(
            "themes_changed",
            message=f"{changes.moved:,} of {changes.known:,} known issues changed theme ({changes.churn:.1%}); {said}",
            moved=changes.moved,
            known=changes.known,
            churn=round(changes.churn, 4),
        )
