"""What nobody outside Zendesk knows, or what differs between accounts: each is a switch, its default a careful guess.

The numbers in brackets are the open questions of the reference's section 8.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(slots=True)
class Switches:
    role: str = "admin"  # role of whoever the credentials act for; exports answer 403 to anybody else (9)
    subdomain: str = "acme"
    gzip: bool = True  # bodies are compressed for clients that accept it
    export_delay: int = 60  # seconds by which the exports hide what just changed
    index_lag: int = 0  # further seconds: an export index that is behind
    too_recent: str = "400"  # or legacy422: the five-minute text of older accounts (10)
    page_cap: int = 1000  # rows of an export page; a larger per_page is clamped to it
    comment_page_cap: int = 100  # rows of a comment page
    oversize_comment_page: str = "reject"  # or clamp: what page[size]=101 gets
    page_too_big: int = 0  # export pages of more rows answer 504; 0: never
    after_url_keeps_parameters: bool = False  # else after_url carries the cursor alone, and sideloads are lost
    support_scope_known: bool = True  # False: support_type_scope is refused with 400, and everything is shown
    comment_count: str = "all"  # or public: what the sideload counts (4)
    deleted_rows_bare: bool = False  # exported rows of deleted tickets carry only a handful of keys (3)
    voice_in_events: bool = True  # voice comments appear among comment_events (5)
    events_keep_original: bool = False  # redactions leave the old text in ticket_events (6)
    events_mark_changes: bool = True  # a redaction or privacy change is an event of its own among ticket_events (6)
    redaction_moves_version: bool = True  # redactions move generated_timestamp (6)
    show_many_archived: bool = True  # show_many returns archived tickets (7)
    narrow_scopes_open_exports: bool = False  # tickets:read users:read organizations:read opens /incremental (8)
    via_string_every: int = 3  # every n-th event's via is a string; 0: never
    empty_time_page: str = "echo"  # end_time of an empty time page: the start_time again, or null
    trailing_empty_comment_page: bool = False  # a full last page says has_more, and an empty one follows
    ticket_forms_allowed: bool = True  # False: the plan has none, 403
    public_transcripts: bool = False  # chat transcripts appear as a comment too

    def change(self, **values: Any) -> None:
        """Set several at once; an unknown name is an error."""
        known = {one.name for one in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"no switch {name!r}: there are {', '.join(sorted(known))}")
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}
