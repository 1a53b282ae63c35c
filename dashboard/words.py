"""What the machine's words are called on pages, and the sentence that says how a run went (pure)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from miner.issues.correction_queries import CorrectionLine
from miner.issues.outlook import dollars
from miner.models import ISSUE_TYPES as _ISSUE_TYPES
from miner.models import RUN_STATES, JobRun, JobRunStep
from miner.models import THEME_STATUSES as _STATUSES
from miner.runs.jobs import JOBS

# Beside each word a shape, so that colour never stands alone: (word, shape, tone).
STATES = {
    "queued": ("Queued", "ring", "quiet"),
    "running": ("Running", "play", "active"),
    "waiting": ("Waiting", "pause", "warn"),
    "completed": ("Completed", "check", "good"),
    "failed": ("Failed", "cross", "bad"),
    "crashed": ("Crashed", "bang", "bad"),
    "cancelled": ("Cancelled", "slash", "quiet"),
    "skipped": ("Skipped", "skip", "quiet"),
    "pending": ("Not yet", "ring", "quiet"),
    "launched": ("Started", "check", "good"),
    "skipped_overlap": ("Skipped: still active", "skip", "quiet"),
    "skipped_misfire": ("Missed", "bang", "warn"),
    "skipped_paused": ("Paused", "pause", "quiet"),
    "coalesced": ("Joined with a later one", "skip", "quiet"),
    "error": ("Error", "cross", "bad"),
    "released": ("Given back", "skip", "quiet"),
}
FLAGS = {
    "new": ("New", "dot", "active"),
    "rising": ("Rising", "up", "bad"),
    "spike": ("Spike", "bolt", "bad"),
    "came_back": ("Came back", "back", "warn"),
    "fading": ("Fading", "down", "good"),
    "faded": ("Faded", "ring", "quiet"),
}
SEVERITIES = {
    "critical": ("Critical", "bang", "bad"),
    "high": ("High", "up", "warn"),
    "medium": ("Medium", "dot", "quiet"),
    "low": ("Low", "down", "quiet"),
}
SECTIONS = {
    "new": ("New", "Themes that were not there before."),
    "worse": ("Getting worse", "More reports than their own past explains."),
    "back": ("Came back after a fix", "Reported again although they are marked as fixed."),
    "biggest": ("Still the biggest", "The most customers, then the most reports."),
    "fading": ("Fading or fixed", "Fewer reports than before, or marked as fixed."),
}
THEME_STATUSES = {
    "new": ("Not looked at", "ring", "quiet"),
    "reviewing": ("Reviewing", "dot", "active"),
    "acknowledged": ("Acknowledged", "check", "active"),
    "planned": ("Planned", "play", "active"),
    "in_progress": ("In progress", "play", "active"),
    "fixed": ("Fixed", "check", "good"),
    "wont_fix": ("Won’t fix", "slash", "quiet"),
}
TRIGGERS = {
    "schedule": "by schedule",
    "button": "with a button",
    "api": "over the API",
    "cli": "on the command line",
    "code": "from code",
    "rerun": "as a repetition",
    "pipeline": "by a pipeline",
    "webhook": "through its webhook",
}
TICKET_STATES = {"pending": "not read yet", "analyzed": "read", "reports": "with a report"}
# How a list is sorted: (name, the formula in words).
THEME_SORTS = {
    "biggest": ("biggest", "customers, among equals the worst severity, then reports"),
    "valuable": ("most valuable", "known yearly revenue of its customers, then customers, then reports"),
    "newest": ("newest", "its first report"),
    "latest": ("latest report", "its latest report"),
}
BIGGEST_BY_REPORTS = ("biggest", "reports, among equals the worst severity")
CUSTOMER_SORTS = {
    "revenue": ("revenue", "yearly revenue; other currencies and unknown last, among equals the latest report"),
    "open": ("open tickets", "tickets that are still open, then revenue"),
    "recent": ("recency", "the latest report"),
}
LEVELS = {"debug": "quiet", "info": "quiet", "warning": "warn", "error": "bad"}
EVENTS = {
    "born": "Appeared",
    "split": "Split",
    "merged": "Merged",
    "retired": "Retired",
    "revived": "Came back to life",
    "renamed": "Renamed",
}
EDITS = {
    "rename": "Renamed",
    "merge": "Merged",
    "split": "Split",
    "move": "Moved",
    "pin": "Held in its theme",
    "unpin": "Let go",
}
CONTACTS = {"to_contact": "to contact", "told": "told"}
SPREADS = {"platform": "Platforms", "version": "Versions", "user_segment": "Who"}
PARTS = {
    "before": ("Before the fix", "Reports of the 56 days before the fix reached customers."),
    "after": ("Since the fix", "Reports since the fix reached customers: these count against it."),
    "older_version": ("Of an older version", "Reports since the fix whose tickets name a version before it."),
    "began_earlier": ("Begun before the fix", "Reports since the fix whose tickets say that it began before."),
}
ATTENTION = {"configuration": "a change of its configuration", "budget": "money"}
SHARES = {
    "no_theme": "Issues that are in no theme yet",
    "no_issue": "Tickets without an issue",
    "not_kept": "Answers that were of no use or were overtaken",
}
# What else a ticket says of an issue, in the order of a page: (name of the fact, word).
FACTS = (
    ("detail", "Detail"),
    ("user_segment", "Who"),
    ("platform", "Platform"),
    ("version", "Version"),
    ("error_text", "Error text"),
    ("related_feature", "Related feature"),
    ("frequency", "How often"),
    ("workaround", "Workaround"),
    ("business_impact", "Business impact"),
    ("root_cause_guess", "Cause (a guess)"),
    ("sentiment", "Mood"),
    ("article", "Should have answered"),
)
ISSUE_TYPES = [(name, name.replace("_", " ")) for name in _ISSUE_TYPES]
TYPE_CHOICES = [one for one in ISSUE_TYPES if one[0] != "unclear"]  # what a person can say
STATUS_CHOICES = [(name, name.replace("_", " ")) for name in _STATUSES]
FLAG_CHOICES = [(name, entry[0]) for name, entry in FLAGS.items()]
SCOPES = {
    "all": "Every ticket that was read",
    "local": "Tickets that the built-in rules read",
    "older": "Tickets read under other settings or by another model",
}
VERDICTS = {
    "right": ("Right", "check", "good"),
    "wrong_theme": ("Right, wrong theme", "up", "warn"),
    "wrong": ("Wrong", "cross", "bad"),
}
SEVERITY_CHOICES = [(name, entry[0]) for name, entry in SEVERITIES.items()]
RUN_STATE_CHOICES = [(name, STATES[name][0]) for name in RUN_STATES]
ONCE_RESUMED = "once everything is resumed"
_COUNTED_FIRST = {"tickets": 0, "issues": 1, "themes": 2}
# What a redirect may say on the next page; the cookie holds only the key.
FLASHES = {
    "started": "The run is queued.",
    "not_rung": "The run is queued, but the message broker cannot be reached; it starts when the broker is back.",
    "cancelled": "The run was cancelled.",
    "stopping": "The run ends at its next unit.",
    "over": "The run was over already.",
    "backlog_read_later": "Noted. The run at work, or the next one, reads the older tickets.",
    "backlog_left": "Noted. The older tickets stay unread until somebody says otherwise.",
    "woken": "The run looks again as soon as a worker takes it.",
    "not_asleep": "The run waits for nobody.",
    "corrected": "The correction is kept; no later reading overwrites it.",
    "schedule_set": "Saved: it counts from the next minute on.",
    "sample_removed": "The sample is removed; run history and the audit log stay.",
    "over_themes": "The themes are dissolved; their issues are grouped anew.",
    "over_clear": "Cleared; the next full pipeline fetches and reads everything again.",
    "over_keep": "Its tickets stay and count; another account may be synced now.",
    "over_hide": "Its tickets no longer count; themes and trends follow with the next grouping.",
    "over_purge": "The tickets of other brands are removed.",
    "over_remove": "Its tickets are removed; themes and trends follow with the next grouping.",
    "saved": "Saved: runs that start from now on go by it.",
    "restored": "The older settings are in force again, as a new version.",
    "unchanged": "Nothing differs from what stands there.",
    "set_aside": "It counts no longer. You can take that back below.",
    "marked": "The passage is an issue now.",
    "undone": "The correction is taken back.",
    "renamed": "The name is kept; no run replaces it.",
    "merged": "Merged: the other theme's address leads here. Undo it below.",
    "differ": "Noted. These two are not offered as the same again.",
    "split": "This is the new theme; later groupings keep it apart.",
    "moved": "Moved for good; later groupings leave it there.",
    "pinned": "Held: no grouping moves what was ticked.",
    "unpinned": "Let go: groupings may move what was ticked.",
    "undone_edit": "The change is undone.",
    "status_set": "The status is kept.",
    "owner_set": "The owner is kept.",
    "noted": "The note is kept.",
    "linked": "The tracker link is kept.",
    "unlinked": "The tracker link is taken off.",
    "set_back": "It stands as before.",
    "contact_set": "Noted.",
    "set_aside_here": "It counts no longer. Take that back under Set aside.",
    "accepted": "Accepted: the next grouping applies it.",
    "rejected": "Rejected: the themes stay as they are.",
    "taken_back": "Everything stands as before that re-reading. Group the issues to count the themes anew.",
    "view_kept": "The view is kept; it stands above the list.",
    "view_renamed": "The view is renamed.",
    "view_deleted": "The view is deleted.",
    "logged_in": "You are logged in.",
    "logged_out": "You are logged out.",
    "password_changed": "The password is changed; every other browser was logged out.",
    "session_ended": "Logged out there.",
    "token_revoked": "The token is revoked, and every session that it opened.",
    "role_changed": "The role is changed; the user has to log in again.",
    "user_disabled": "The user is shut out: sessions and tokens stopped working.",
    "user_enabled": "The user may log in again.",
}


def plain(word: str | None) -> str:
    """`feature_request` as people write it; None is unknown."""
    return "unknown" if word is None else word.replace("_", " ")


def known_facts(facts: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What is known of an issue as (name, word, text); what the ticket does not say is left out."""
    return [(name, word, str(facts[name])) for name, word in FACTS if facts.get(name)]


def confidence(share: float | None) -> str:
    """How sure the analyzer is: its figure is its own opinion, so it is not shown as a percentage."""
    if share is None:
        return "unknown"
    return "high" if share >= 0.75 else "medium" if share >= 0.45 else "low"


def reader(model: str | None) -> str:
    """Who read the tickets: `the local analyzer`, `claude-haiku-5-5`."""
    return "nobody yet" if model is None else "the local analyzer" if model.startswith("local") else model


def job_title(name: str) -> str:
    return JOBS[name].title if name in JOBS else plain(name)


def job_choices() -> list[tuple[str, str]]:
    return [(job.name, job.title) for job in JOBS.values()]


def started_by(run: JobRun) -> str:
    """`by schedule daily_sync`, `by local user with a button`, `by ann on the command line`."""
    if run.trigger == "schedule":
        return f"by schedule {run.schedule_id}"
    return f"by {run.triggered_by.removeprefix(run.trigger + ' ')} {TRIGGERS[run.trigger]}"


def counted(counters: Mapping[str, Any]) -> str:
    """`1,076 tickets, 312 issues, $0.12`; empty when nothing was counted."""
    parts = []
    for name in sorted(counters, key=lambda name: (_COUNTED_FIRST.get(name.split("_")[0], 9), name)):
        amount = counters[name]
        if name == "cost_usd":
            parts.append(dollars(Decimal(str(amount))))
        elif isinstance(amount, (int, float)) and amount:
            noun, _, which = name.partition("_")
            word = plain(f"{which}_{noun}" if which and noun in _COUNTED_FIRST else name)
            parts.append(f"{amount:,.0f} {word[:-1] if amount == 1 and word.endswith('s') else word}")
    return ", ".join(parts)


def seconds_taken(run: JobRun, now: dt.datetime) -> float | None:
    """From the first start to the end, or until now; None: not started."""
    return None if run.started_at is None else ((run.finished_at or now) - run.started_at).total_seconds()


def seconds_left(step: JobRunStep, now: dt.datetime) -> float | None:
    """How long a running step may still take, at the pace it has had; None: nobody can know yet."""
    if step.state != "running" or not step.started_at or not step.total or not 0 < step.done < step.total:
        return None
    return (now - step.started_at).total_seconds() / step.done * (step.total - step.done)


def progress_sentence(run: JobRun) -> str | None:
    """What an active run does, for example "Syncing tickets (backfill: 1)..."; None: it is not at work."""
    if run.state == "waiting":
        # The detail says that everything is paused, and stays until a worker takes the run; this is true after it too.
        return f"Goes on {ONCE_RESUMED}" if run.wait_reason == "paused" else run.wait_detail
    if run.state != "running":
        return None
    if run.progress:
        return run.progress
    step = next((step for step in JOBS[run.job_name].steps if step.name == run.current_step), None) if (
        run.job_name in JOBS
    ) else None  # fmt: skip
    days = run.args.get("backfill_days")
    return f"{step.saying if step else job_title(run.job_name)}{f' (backfill: {days})' if days else ''}..."


def verdict(run: JobRun, *, took: str, waits: str | None, paused: bool = False) -> str:
    """How the run stands, in one or two sentences.

    `took` is its duration and `waits` the time until it goes on (None: it is due), both in words; `paused`: everything
    is paused at present.
    """
    title, by = job_title(run.job_name), started_by(run)
    done = counted(run.counters)
    if run.state == "completed":
        return f"{title} completed in {took}{f': {done}' if done else ''}. Started {by}."
    if run.state == "failed":
        of = f"attempt {run.attempt} of {run.max_attempts}, " if run.max_attempts > 1 else ""
        return f"{title} failed after {took}: {full_stop(run.error_message)} This was {of}started {by}."
    if run.state == "crashed":
        return f"{title} crashed after {took}: {full_stop(run.error_message)} Started {by}."
    if run.state == "cancelled":
        return f"{title} was cancelled by {run.cancel_requested_by}. Started {by}."
    if run.state == "skipped":
        return f"{title} did not run: {full_stop(run.skip_reason)}"
    if run.state == "waiting":
        goes_on = ONCE_RESUMED if paused else waits or "as soon as a worker is free"
        if run.wait_reason == "paused" and not paused:
            return f"{title} was paused with everything else. It goes on {goes_on}."
        return f"{title} waits: {full_stop(run.wait_detail or plain(run.wait_reason))} It goes on {goes_on}."
    if run.state == "running":
        return f"{title} has been running for {took}, started {by}."
    starts = ONCE_RESUMED if paused else waits
    return f"{title} is queued, started {by}.{f' It starts {starts}.' if starts else ''}"


def correction(line: CorrectionLine) -> str:
    """`type: bug → friction`, `theme: none → Export fails`, `not an issue`, `missed: data issue`."""
    if line.kind == "not_an_issue":
        return "not an issue"
    if line.kind == "missed":
        return f"marked as missed: {plain(line.after.get('type'))}"
    if line.kind == "theme":
        return f"theme: {line.theme_before or 'none'} → {line.theme_after or 'none'}"
    before, after = (plain(side.get(line.kind) or "none") for side in (line.before, line.after))
    return f"{line.kind}: {before} → {after}"


def full_stop(sentence: str | None) -> str:
    """The sentence with its end; a reason that is missing is said to be."""
    text = (sentence or "no reason was given").strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
