"""Every route that changes something writes down who did it; a new route needs its line in this table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyotp
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from miner import logs, passwords, sessions, settings, tokens, users
from miner.access import Actor, Role, audit
from miner.config import Config
from miner.issues.checks import draw_check, list_items
from miner.issues.corrections import set_aside
from miner.issues.rereading import apply_rereading
from miner.models import AuditEntry, Customer, Issue, ThemeLikeness, ThemeProposal, User
from miner.themes import follow
from miner.themes.edits import rename_theme
from miner.views import create_view
from tests.dashboard.conftest import ELSEWHERE
from tests.dashboard.test_identity import ENTRANCE, TABLE
from tests.factories import TESTER, make_backlog, make_issue, make_run, make_theme

ITEM = "https://jira.example.com/browse/APP-7"
PASSAGE = "The export to CSV crashes every time"
PASSWORD, ANOTHER = "green tea and a lot of rain", "another sentence, quite long"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@dataclass
class Scene:
    """An admin who is logged in (`root`, `cookie`), and somebody else (`ada`)."""

    session: Session
    root: User
    ada: User
    cookie: str

    def run(self, *, waits: bool = False) -> int:
        now = self.session.scalar(text("SELECT now()"))
        why = {
            "state": "waiting",
            "wait_reason": "budget",
            "wait_detail": "money",
            "created_at": now,
            "started_at": now,
        }
        return make_run(self.session, **(why if waits else {})).id

    def open(self, user: User, stage: str = "full") -> str:
        who = users.identity_of(user)
        return sessions.open_session(self.session, who, address=None, user_agent=None, by=TESTER, stage=stage)

    def view(self) -> int:
        by = Actor("user", self.root.name, Role.admin, user_id=self.root.id)
        return create_view(self.session, list_="themes", name="Bugs", query="type=bug", by=by).id

    def half(self, stage: str) -> dict[str, Any]:
        """Ada has given her password: what to send with a right code."""
        self.ada.totp_secret = f"open:{SECRET}"
        self.ada.totp_confirmed_at = None if stage == "enrol" else self.session.scalar(text("SELECT now()"))
        self.cookie = self.open(self.ada, stage)
        return {"code": pyotp.TOTP(SECRET).now()}

    def link(self) -> dict[str, Any]:
        key = users.create_link(self.session, self.ada.id, by=TESTER)
        return {"key": key, "password": ANOTHER, "again": ANOTHER}

    def handle(self) -> dict[str, Any]:
        self.open(self.root)
        listed = sessions.list_sessions(self.session, user_id=self.root.id, this=self.cookie)
        return {"session": next(one.handle for one in listed if not one.is_this)}

    def token(self) -> dict[str, Any]:
        return {"token": tokens.create_token(self.session, name="t", role=Role.viewer, by=TESTER)[0].id}

    def issue(self) -> int:
        found = make_issue(self.session).id
        self.session.execute(text("UPDATE tickets SET analyzed_at = now(), analyzed_text_hash = text_hash"))
        return found

    def ticket(self) -> int:
        return self.session.get_one(Issue, self.issue()).ticket_id

    def correction(self) -> int:
        return set_aside(self.session, self.issue(), by=TESTER)

    def check_item(self) -> int:
        self.issue()
        return list_items(self.session, draw_check(self.session, by=TESTER).id)[0].id

    def drawn_from(self) -> dict[str, Any]:
        self.issue()
        return {}

    def rereading(self) -> int:
        self.issue()
        config = Config.from_environment()
        return apply_rereading(self.session, scope="all", config=config, trial_id=None, by=TESTER).id

    def theme(self) -> int:
        return make_theme(self.session).id

    def alike(self) -> tuple[int, int]:
        one, other = sorted((self.theme(), self.theme()))
        self.session.add(ThemeLikeness(theme_id=one, other_id=other, likeness=0.7))
        self.session.flush()
        return one, other

    def in_theme(self) -> tuple[int, int]:
        theme = self.theme()
        return theme, make_issue(self.session, theme_id=theme).id

    def renamed(self) -> int:
        return rename_theme(self.session, self.theme(), name="Another name", by=TESTER).id

    def linked(self) -> int:
        return follow.add_link(self.session, self.theme(), url=ITEM, by=TESTER).id

    def noted(self) -> int:
        return follow.add_note(self.session, self.theme(), note="x", by=TESTER).id

    def customer(self) -> int:
        customer = Customer(source="file:x", kind="requester", external_key="1")
        self.session.add(customer)
        self.session.flush()
        return customer.id

    def proposal(self) -> int:
        found = ThemeProposal(granularity=2, smallest=3, known=900, moved=400, groups=[], differences=[])
        self.session.add(found)
        self.session.flush()
        return found.id

    def settings(self, **values: Any) -> int:
        return settings.save(self.session, settings.parse(values), by=TESTER)

    def disabled(self) -> dict[str, Any]:
        users.disable_user(self.session, self.ada.id, by=TESTER)
        return {}


Given = tuple[str, dict[str, Any]]  # the address and the form
# Path: (what is sent, the rows that are written). More than one row: an act and what follows from it for others.
ACTS: dict[str, tuple[Callable[[Scene], Given], list[str]]] = {
    "/runs": (lambda s: ("/runs", {"job": "trends"}), ["run.create"]),
    "/runs/{id:id}/cancel": (lambda s: (f"/runs/{s.run()}/cancel", {}), ["run.cancel"]),
    "/runs/{id:id}/wake": (
        lambda s: (
            f"/runs/{s.run(waits=True)}/wake",
            {},
        ),
        ["run.wake"],
    ),
    "/backlogs/{id:id}/answer": (
        lambda s: (f"/backlogs/{make_backlog(s.session).id}/answer", {"answer": "leave"}),
        ["backlog.answer"],
    ),
    "/themes/{id:id}/rename": (lambda s: (f"/themes/{s.theme()}/rename", {"name": "A name"}), ["theme.rename"]),
    "/themes/{id:id}/merge": (lambda s: (f"/themes/{s.theme()}/merge", {"into": str(s.theme())}), ["theme.merge"]),
    "/themes/{id:id}/differ": (
        lambda s: (lambda one, other: (f"/themes/{one}/differ", {"other": str(other)}))(*s.alike()),
        ["theme.refuse_likeness"],
    ),
    "/themes/{id:id}/issues": (
        lambda s: (lambda theme, issue: (f"/themes/{theme}/issues", {f"issue-{issue}": "1", "do": "pin"}))(
            *s.in_theme()
        ),
        ["theme.pin"],
    ),
    "/themes/{id:id}/status": (lambda s: (f"/themes/{s.theme()}/status", {"status": "planned"}), ["theme.status"]),
    "/themes/{id:id}/owner": (lambda s: (f"/themes/{s.theme()}/owner", {"owner": "Ada"}), ["theme.owner"]),
    "/themes/{id:id}/notes": (lambda s: (f"/themes/{s.theme()}/notes", {"note": "Waits"}), ["theme.note"]),
    "/themes/{id:id}/links": (lambda s: (f"/themes/{s.theme()}/links", {"url": "https://a.b/1"}), ["theme.link"]),
    "/themes/{id:id}/contacts": (
        lambda s: (f"/themes/{s.theme()}/contacts", {"customer": str(s.customer()), "state": "told"}),
        ["theme.contact"],
    ),
    "/themes/links/{id:id}/remove": (lambda s: (f"/themes/links/{s.linked()}/remove", {}), ["theme.link"]),
    "/themes/log/{id:id}/undo": (lambda s: (f"/themes/log/{s.noted()}/undo", {}), ["theme.note"]),
    "/api/themes/{id:id}": (lambda s: (f"/api/themes/{s.theme()}", {"status": "planned"}), ["theme.status"]),
    "/api/themes": (
        lambda s: (s.linked() and f"/api/themes?tracker_url={ITEM}", {"owner": "Ada", "note": "x"}),
        ["theme.owner", "theme.note"],
    ),
    "/themes/changes/{id:id}/undo": (lambda s: (f"/themes/changes/{s.renamed()}/undo", {}), ["theme.undo"]),
    "/themes/proposal": (
        lambda s: ("/themes/proposal", {"proposal": str(s.proposal()), "decision": "reject"}),
        ["themes.rejected"],
    ),
    "/themes/granularity": (lambda s: ("/themes/granularity", {"granularity": "0.5"}), ["run.create"]),
    "/tickets/{id:id}/missed": (
        lambda s: (f"/tickets/{s.ticket()}/missed", {"passage": PASSAGE, "type": "bug"}),
        ["issue.missed"],
    ),
    "/api/tickets/{id:id}/missed": (
        lambda s: (f"/api/tickets/{s.ticket()}/missed", {"passage": PASSAGE, "type": "bug"}),
        ["issue.missed"],
    ),
    "/issues/{id:id}/correct": (
        lambda s: (f"/issues/{s.issue()}/correct", {"type": "friction"}),
        ["issue.type"],
    ),
    "/api/issues/{id:id}/corrections": (
        lambda s: (f"/api/issues/{s.issue()}/corrections", {"type": "friction"}),
        ["issue.type"],
    ),
    "/issues/{id:id}/not-an-issue": (lambda s: (f"/issues/{s.issue()}/not-an-issue", {}), ["issue.not_an_issue"]),
    "/api/issues/{id:id}/not-an-issue": (
        lambda s: (f"/api/issues/{s.issue()}/not-an-issue", {}),
        ["issue.not_an_issue"],
    ),
    "/corrections/{id:id}/undo": (lambda s: (f"/corrections/{s.correction()}/undo", {}), ["correction.undo"]),
    "/api/corrections/{id:id}/undo": (lambda s: (f"/api/corrections/{s.correction()}/undo", {}), ["correction.undo"]),
    "/check": (lambda s: ("/check", s.drawn_from()), ["check.draw"]),
    "/check/items/{id:id}": (lambda s: (f"/check/items/{s.check_item()}", {"verdict": "right"}), ["check.answer"]),
    "/settings/again": (
        lambda s: ("/settings/again", {"scope": "all"} | s.drawn_from()),
        ["analyses.again", "run.create"],
    ),
    "/settings/again/trials": (
        lambda s: ("/settings/again/trials", {"sample": "20"} | s.drawn_from()),
        ["run.create"],
    ),
    "/settings/again/{id:id}/undo": (lambda s: (f"/settings/again/{s.rereading()}/undo", {}), ["analyses.undo"]),
    "/start/check": (lambda s: ("/start/check", {"step": "login"}), ["setup.check"]),
    "/start/schedule": (
        lambda s: ("/start/schedule", {"cron": "0 3 * * *", "timezone": "Europe/Berlin", "version": "1"}),
        ["schedule.edit"],
    ),
    "/start/sample": (lambda s: ("/start/sample", {}), ["run.create"]),
    "/start/sample/remove": (lambda s: ("/start/sample/remove", {"sure": "yes"}), ["sample.remove"]),
    "/settings/over": (lambda s: ("/settings/over", {"do": "themes", "sure": "yes"}), ["themes.rebuild", "run.create"]),
    "/settings/customers/list": (
        lambda s: ("/settings/customers/list", {"list": "domain,plan\nexample.com,gold"}),
        ["customers.upload"],
    ),
    "/settings/{group:slug}": (
        lambda s: ("/settings/themes", {"version": str(s.settings()), "granularity": "2"}),
        ["settings.save"],
    ),
    "/settings/versions/{id:id}/restore": (
        lambda s: (f"/settings/versions/{s.settings()}/restore", {"version": str(s.settings(granularity=2.0))}),
        ["settings.save"],
    ),
    "/schedules/{id:slug}/run": (lambda s: ("/schedules/hourly_trends/run", {}), ["run.create"]),
    "/login": (lambda s: ("/login", {"email": s.ada.email, "password": PASSWORD}), ["session.open"]),
    "/login/code": (lambda s: ("/login/code", s.half("code")), ["session.open"]),
    "/login/enrol": (lambda s: ("/login/enrol", s.half("enrol")), ["user.set_second_factor", "session.open"]),
    "/welcome": (lambda s: ("/welcome", s.link()), ["user.set_password", "session.open"]),
    "/logout": (lambda s: ("/logout", {}), ["session.end"]),
    "/account/password": (
        lambda s: ("/account/password", {"current": PASSWORD, "password": ANOTHER, "again": ANOTHER}),
        ["user.set_password", "session.end_all", "session.open"],
    ),
    "/account/second-factor": (
        lambda s: ("/account/second-factor", {"current": PASSWORD}),
        ["user.drop_second_factor", "session.end_all"],
    ),
    "/account/sessions/end": (lambda s: ("/account/sessions/end", s.handle()), ["session.end"]),
    "/account/sessions/end-others": (
        lambda s: ("/account/sessions/end-others", s.handle()),
        ["session.end_all"],
    ),
    "/views": (lambda s: ("/views", {"list": "themes", "name": "Bugs", "query": "type=bug"}), ["view.create"]),
    "/views/{id:id}/rename": (lambda s: (f"/views/{s.view()}/rename", {"name": "All bugs"}), ["view.rename"]),
    "/views/{id:id}/delete": (lambda s: (f"/views/{s.view()}/delete", {}), ["view.delete"]),
    "/tokens": (lambda s: ("/tokens", {"name": "t", "scope": "read", "days": "3"}), ["token.create"]),
    "/tokens/revoke": (lambda s: ("/tokens/revoke", s.token()), ["token.revoke"]),
    "/users": (lambda s: ("/users", {"email": "bob@example.com", "role": "viewer"}), ["user.create"]),
    "/users/{id:id}/reset": (lambda s: (f"/users/{s.ada.id}/reset", {}), ["user.reset"]),
    "/users/{id:id}/role": (lambda s: (f"/users/{s.ada.id}/role", {"role": "operator"}), ["user.set_role"]),
    "/users/{id:id}/disable": (lambda s: (f"/users/{s.ada.id}/disable", {}), ["user.disable"]),
    "/users/{id:id}/enable": (lambda s: (f"/users/{s.ada.id}/enable", s.disabled()), ["user.enable"]),
    "/api/tasks/{job:slug}": (lambda s: ("/api/tasks/trends", {}), ["run.create"]),
    "/api/backlogs/{id:id}": (
        lambda s: (f"/api/backlogs/{make_backlog(s.session).id}", {"answer": "leave"}),
        ["backlog.answer"],
    ),
}


@pytest.fixture(scope="module")
def hashed() -> str:
    return passwords.hash_password(PASSWORD)


@pytest.fixture
def scene(session: Session, hashed: str) -> Scene:
    made = []
    for email, role in (("root@example.com", Role.admin), ("ada@example.com", Role.viewer)):
        user, _ = users.create_user(session, email=email, name=email[:4].strip("@"), role=role, by=TESTER)
        user.password_hash = hashed
        made.append(user)
    session.flush()
    scene = Scene(session, made[0], made[1], "")
    scene.cookie = scene.open(scene.root)
    return scene


def test_every_route_that_changes_something_is_in_the_table() -> None:
    assert {route.path for route in TABLE if route.methods in ({"POST"}, {"PATCH"})} == set(ACTS)


@pytest.mark.parametrize("path", ACTS)
def test_what_is_done_is_written_down_once_with_who_and_where(stranger: TestClient, scene: Scene, path: str) -> None:
    given, acts = ACTS[path]
    place, sent = given(scene)
    scene.session.commit()
    last = scene.session.scalar(text("SELECT coalesce(max(id), 0) FROM audit_log"))
    body: dict[str, Any] = {"json": sent} if path.startswith("/api/") else {"data": sent}
    headers = {"cookie": f"sid={scene.cookie}", "sec-fetch-site": "same-origin"}
    if path in ("/login", "/welcome"):
        headers.pop("cookie")
    assert stranger.request(method_of(path), place, headers=headers, **body).status_code < 400
    rows = scene.session.execute(text("SELECT * FROM audit_log WHERE id > :last ORDER BY id"), {"last": last}).all()
    assert [row.action for row in rows] == acts
    person = "ada" if path in ENTRANCE else "root"
    for row in rows:
        assert (row.actor_kind, row.actor_name, row.address, row.outcome) == ("user", person, ELSEWHERE[0], "ok")
        assert len(row.request_id) == 16
        assert row.actor_id == str(scene.ada.id if person == "ada" else scene.root.id)
    shown = str([tuple(row) for row in rows])
    assert not [word for word in (PASSWORD, ANOTHER, SECRET, scene.cookie, *map(str, sent.values()))
                if len(word) > 15 and word in shown]  # fmt: skip


@pytest.mark.parametrize("path", [path for path in ACTS if path not in ENTRANCE])
def test_what_is_refused_changes_nothing(stranger: TestClient, scene: Scene, path: str) -> None:
    """The same requests, without saying who one is: nobody, and nothing is written."""
    place, sent = ACTS[path][0](scene)
    scene.session.commit()
    before = snapshot(scene.session)
    body: dict[str, Any] = {"json": sent} if path.startswith("/api/") else {"data": sent}
    headers = {"sec-fetch-site": "same-origin"}
    assert stranger.request(method_of(path), place, headers=headers, **body).status_code in (303, 401)
    assert snapshot(scene.session) == before


def method_of(path: str) -> str:
    return "PATCH" if path in ("/api/themes", "/api/themes/{id:id}") else "POST"


def snapshot(session: Session) -> list[object]:
    session.rollback()
    tables = (
        "audit_log",
        "users",
        "api_tokens",
        "sessions",
        "user_links",
        "job_runs",
        "backlogs",
        "throttles",
        "issues",
        "corrections",
        "checks",
        "settings",
        "schedules",
        "setup_checks",
        "themes",
        "theme_log",
        "theme_links",
        "theme_contacts",
    )
    return [session.execute(text(f"SELECT t::text FROM {table} t ORDER BY 1")).all() for table in tables]


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET actor_name = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
def test_what_was_written_stays_as_it_is(scene: Scene, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        scene.session.execute(text(statement))


def test_secrets_and_ticket_text_stay_out_of_before_and_after(session: Session) -> None:
    logs.hide(["the-value-of-a-secret"])
    try:
        audit(
            session, TESTER, "thing.edit", "thing", 1,
            before={"api_key": "sk-ant-1", "quote": "what she wrote", "count": 3, "none": None},
            after={"list": ["Bearer abcdef", {"password": "p"}], "note": "it is the-value-of-a-secret", "tokens": 5},
        )  # fmt: skip
        session.flush()
    finally:
        logs.hide([])
    row = session.query(AuditEntry).one()
    assert row.before == {"api_key": "***", "quote": "(ticket text)", "count": 3, "none": None}
    assert row.after == {"list": ["Bearer ***", {"password": "***"}], "note": "it is ***", "tokens": 5}
