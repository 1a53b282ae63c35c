"""What a subject line tells (pure)."""

from __future__ import annotations

import re

_REPLY_MARKS = re.compile(r"(?:\s*(?:re|fwd?|aw|wg|tr|ref)\s*:|\s*\[[^\]]{0,40}\])+\s*", re.I)
# Subjects made of such words alone do not say what the matter is.
_EMPTY = re.compile(
    r"(?:urgent|help|questions?|problems?|issues?|support|request|ticket|bug|report|feedback|hello|hi|hey|complaint"
    r"|inquiry|contact|no|subject|error|please|need(?:ed|s)?|assistance|info|information|general|customer|case|your|the|a|with"
    r"|for|from|my|me|new|message|aide|problème|demande|bonjour|réclamation|de|\W|\d)+",
    re.I,
)
# Only verbs that are hardly ever nouns: "Update fails" is no work item.
_TASK = re.compile(
    r"(?:(?P<wish>add|allow|enable|implement|introduce|provide|expose)"
    r"|port|backport|bump|remove|replace|rename|convert|migrate|clean ?up|adapt|adjust|merge|disable|follow[- ]?up"
    r"|refactor|stop using|get rid of|prepare|sort out)\s",
    re.I,
)


def bare(subject: str) -> str:
    """The subject without reply marks and tags in brackets."""
    return _REPLY_MARKS.sub("", subject, count=1).strip() if _REPLY_MARKS.match(subject) else subject.strip()


def informative(subject: str) -> str | None:
    """The bare subject where it says what the matter is; None: "Help!" does not."""
    words = bare(subject)
    return None if len(words) < 8 or _EMPTY.fullmatch(words) else words


def task_kind(subject: str) -> str | None:
    """The type of a subject that says what is to be done rather than what went wrong; None: it does not."""
    task = _TASK.match(bare(subject))
    if task is None:
        return None
    return "feature_request" if task["wish"] else "other"
