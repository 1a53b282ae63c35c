"""Text that attacks every place it could be shown in."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import update
from sqlalchemy.orm import Session

from miner.issues.checks import answer_check, draw_check, list_items
from miner.issues.corrections import set_aside
from miner.models import (
    Customer,
    Issue,
    MirrorCheck,
    SyncCursor,
    ThemeContact,
    ThemeDay,
    ThemeEvent,
    ThemeLikeness,
    ThemeLink,
    ThemeProposal,
    Trial,
    TrialReading,
    ZendeskAccount,
)
from miner.themes import follow
from miner.themes.edits import move_issue, rename_theme
from tests.factories import TESTER, make_issue, make_run, make_theme, make_ticket

NOW = dt.datetime.now(dt.UTC)
PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "</textarea></title></style><script>alert(1)</script>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "${7*7}",
    "<div hx-get=/logout hx-trigger=load>",
    "<a href='javascript:alert(1)'>x</a>",
    "<!--",
    "]]>",
    "&lt;script&gt;",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "\u202ereversed\u202c",
    "<iframe src=//evil.example></iframe>",
    "<form action=//evil.example><button>",
    "data:text/html,<script>alert(1)</script>",
    "<style>*{display:none}</style>",
]
HOSTILE = " ".join(PAYLOADS)
# Written out of the way of assertion messages: what must never stand in a page unescaped.
FORBIDDEN = [
    "<script>alert",
    "<img src=x",
    "<svg onload",
    "<div hx-get",
    "<base",
    "<iframe",
    "<form action=//",
    "<style>",
    "href='javascript",
    'href="javascript',
    "<!--",
    "49{%",
]


def store_hostile_rows(session: Session) -> list[str]:
    """Hostile text in every column that a page shows; return the addresses of all pages that show it."""
    customer = Customer(
        source="file:<b>", kind="requester", external_key=HOSTILE, plan=HOSTILE, revenue=10**14, currency="<b>"
    )
    account = f"zendesk:{HOSTILE}"
    session.add_all(
        [
            customer,
            ZendeskAccount(source=account, state="synced", decided_by=HOSTILE),
            SyncCursor(source=account, lane="live", covered_from=1_795_000_000, complete_through=NOW),
            MirrorCheck(source=account, complete_through=NOW, stored=1, missing=0, vanished=2, waiting=0),
        ]
    )
    session.flush()
    ticket = make_ticket(
        session,
        text=f"{HOSTILE}\n\n{HOSTILE}",
        source="file:<script>alert(1)</script>",
        source_id=HOSTILE,
        status="<b>",
        priority="<i>",
        tags=[HOSTILE],
        url=f"https://x/{HOSTILE}",
        created_at=NOW,
        customer_id=customer.id,
    )
    other = make_theme(session, name=HOSTILE)
    theme = make_theme(
        session,
        name=HOSTILE,
        area=HOSTILE,
        terms=[HOSTILE],
        flag="rising",
        flagged_at=NOW,
        issue_count=1,
        trend_sentence=HOSTILE,
        trend_numbers={HOSTILE: HOSTILE},
    )
    session.add(ThemeEvent(theme_id=theme.id, kind="split", other_id=other.id))
    session.add(ThemeDay(theme_id=theme.id, day=NOW.date(), reports=1))
    start = len(HOSTILE) + 2
    issue = make_issue(
        session,
        ticket,
        theme_id=theme.id,
        summary=HOSTILE,
        area=HOSTILE,
        quote=HOSTILE,
        quote_start=start,
        quote_end=start + len(HOSTILE),
    )
    make_issue(session, ticket, quote=HOSTILE, quote_start=None, quote_end=None, quote_verified=False)
    session.flush()
    set_aside(session, issue.id, by=TESTER)
    session.execute(update(Issue).where(Issue.id == issue.id).values(retired_at=None, retired_reason=None))
    for check_item in list_items(session, draw_check(session, by=TESTER).id):
        if check_item.position > 1:
            answer_check(session, check_item.id, verdict="right", by=TESTER)
    trial = Trial(scope="all", tickets=1, characters=1, sample=1, seed=1, analyzer="local", model=HOSTILE,
                  settings_version=1, created_by=HOSTILE, finished_at=NOW)  # fmt: skip
    session.add(trial)
    session.flush()
    found = {"type": "bug", "area": HOSTILE, "severity": "low", "summary": HOSTILE, "quote": HOSTILE, "verified": False,
             "start": None, "end": None, "edited": []}  # fmt: skip
    session.add(TrialReading(trial_id=trial.id, ticket_id=ticket.id, outcome="issues", before=[found],
                             found=[{**found, "summary": f"other {HOSTILE}", "quote": "x"},
                                    {**found, "type": "other"}]))  # fmt: skip
    theme.portrait = {
        "by": "claude",
        "sentences": [{"text": HOSTILE, "issues": [issue.id]}],
        "points": [{"text": HOSTILE, "count": 1, "issue": issue.id}],
        "quotes": [issue.id],
    }
    session.add(ThemeLikeness(theme_id=min(theme.id, other.id), other_id=max(theme.id, other.id), likeness=0.7))
    move_issue(session, issue.id, theme_id=theme.id, by=TESTER)
    rename_theme(session, theme.id, name=HOSTILE[:200], by=TESTER)
    theme.owner = HOSTILE
    follow.set_status(session, theme.id, status="fixed", fixed_at=NOW - dt.timedelta(days=1), by=TESTER)
    theme.fixed_version = HOSTILE
    theme.flag, theme.flagged_at, theme.came_back_at = "came_back", NOW, NOW
    follow.add_note(session, theme.id, note=HOSTILE, by=TESTER)
    session.add(ThemeLink(theme_id=theme.id, url=f"https://x.example/{HOSTILE}", title=HOSTILE, created_by=HOSTILE))
    session.add(ThemeContact(theme_id=theme.id, customer_id=customer.id, state="told", marked_by=HOSTILE))
    facts = dict.fromkeys(("platform", "version", "user_segment", "workaround", "detail", "error_text"), HOSTILE)
    session.execute(update(Issue).where(Issue.id == issue.id).values(facts=facts))
    session.add(
        ThemeProposal(
            granularity=1, smallest=3, known=1, moved=1, groups=[],
            differences=[{"id": None, "name": HOSTILE, "before": 0, "after": 1, "came": 1, "went": 0}],
        )
    )  # fmt: skip
    run = make_run(
        session,
        job_name="trends",
        triggered_by=HOSTILE,
        state="failed",
        error_class="<b>",
        error_message=HOSTILE,
        started_at=NOW,
        created_at=NOW,
        finished_at=NOW,
        attempt=1,
        args={HOSTILE: HOSTILE},
    )
    session.commit()
    assert issue.quote_verified
    return [
        "/",
        "/themes",
        f"/themes/{theme.id}",
        f"/themes/{theme.id}/change",
        f"/themes/{theme.id}/follow",
        f"/themes/{theme.id}/customers",
        f"/themes/{theme.id}/reports?part=after",
        f"/themes/{theme.id}/reports?user=unknown",
        f"/themes/{theme.id}/tracker?names=yes",
        f"/themes/{theme.id}/tracker?names=yes&format=jira",
        "/themes/changes",
        "/themes/proposal",
        "/issues",
        f"/issues/{issue.id}/similar",
        "/tickets",
        f"/tickets/{ticket.id}",
        "/customers",
        "/runs",
        f"/runs/{run.id}",
        "/check",
        "/settings/again",
        f"/settings/again/trials/{trial.id}",
    ]
