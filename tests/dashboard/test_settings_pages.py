"""Settings as pages: every field, faults beside it, what a change would do, versions, two people at once."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from dashboard import settings_fields
from miner import settings, settings_file
from miner.access import Role
from miner.models import Customer
from miner.settings import Settings, parse, save
from tests.dashboard.conftest import new_session
from tests.factories import NOON, TESTER, make_issue, make_run, make_ticket

FULL = {
    "time_zone": "Europe/Berlin",
    "areas": {"Billing": ["invoice", "payment"], "Ünïcode & <b>": []},
    "components": {"Billing": ["Refunds", "Cards, credit"]},
    "product": 'A "clock"\nfor <teams>',
    "help_centers": ["https://support.example.com/hc/en-us"],
    "type_definitions": {"bug": "It breaks."},
    "severity_definitions": {"low": "A blemish."},
    "month_budget_usd": 1234567.89,
    "granularity": 1.5,
    "private_notes": True,
    "customer_fields": {"plan": "tag:plan_*", "revenue": "arr"},
    "second_model": "",
}
NAMES = [group.name for group in settings_fields.groups()]


@pytest.fixture(autouse=True)
def nothing_chosen(session: Session) -> None:
    """Without the taxonomy that a new database begins with."""
    save(session, Settings(), by=TESTER)
    session.commit()


def form_of(page: str) -> dict[str, str]:
    """What a browser sends for the form of a page of settings, if nobody touches it."""
    inner = re.search(r'<form action="/settings/[a-z]+" method="post" class="setting">(.*?)</form>', page, re.S)
    assert inner is not None
    found = {}
    for name, rest in re.findall(r'<input [^>]*?name="([^"]+)"([^>]*)>', inner[1]):
        value = re.search(r'value="([^"]*)"', rest)
        found[name] = unescape(value[1]) if value else ""
    for name, value in re.findall(r'<textarea [^>]*?name="([^"]+)"[^>]*>(.*?)</textarea>', inner[1], re.S):
        found[name] = unescape(value)
    for name, options in re.findall(r'<select [^>]*?name="([^"]+)"[^>]*>(.*?)</select>', inner[1], re.S):
        found[name] = next(iter(re.findall(r'value="([^"]*)" selected', options)))
    return found


def send(client: TestClient, group: str, **changes: str) -> Any:
    return client.post(f"/settings/{group}", data=form_of(client.get(f"/settings/{group}").text) | changes)


def in_force(session: Session) -> Settings:
    session.rollback()
    return settings.load(session)[1]


def test_every_setting_stands_on_one_page_with_its_sentence_and_default(client: TestClient) -> None:
    pages = {name: client.get(f"/settings/{name}") for name in NAMES}
    assert {page.status_code for page in pages.values()} == {200}
    for name, field in Settings.model_fields.items():
        group = settings_fields.group_of(name).name
        assert sum(name in one.names for one in settings_fields.groups()) == 1
        if name != "components":
            assert field.description
            assert field.description in unescape(pages[group].text)
    assert "Default: 1." in pages["themes"].text
    assert client.get("/settings/nothing").status_code == 404


@pytest.mark.parametrize("values", [{}, FULL])
@pytest.mark.parametrize("name", NAMES)
def test_a_form_that_nobody_touched_changes_nothing(
    client: TestClient, session: Session, values: dict[str, Any], name: str
) -> None:
    version = save(session, parse(values), by=TESTER)
    session.commit()
    answer = send(client, name)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/settings/{name}")
    session.rollback()
    assert settings.load(session)[0] == version


def test_all_settings_can_be_typed_and_say_what_an_imported_file_says(client: TestClient, session: Session) -> None:
    typed = {
        "taxonomy": {
            "area.0": " Billing ", "words.0": "invoice\r\n\r\n payment", "components.0": "Refunds\r\nCards, credit",
            "area.1": "Ünïcode & <b>", "type_definitions.bug": "It breaks.", "severity_definitions.low": "A blemish.",
        },
        "product": {"product": 'A "clock"\r\nfor <teams>', "help_centers": "https://support.example.com/hc/en-us"},
        "time": {"time_zone": "Europe/Berlin"},
        "themes": {"granularity": "1.5"},
        "budget": {"month_budget_usd": "1234567.89"},
        "privacy": {"private_notes": "yes"},
        "customers": {"customer_fields.plan": "tag:plan_*", "customer_fields.revenue": "arr"},
        "reading": {"second_model": ""},
    }  # fmt: skip
    for group, changes in typed.items():
        assert send(client, group, **changes).status_code == 303
    assert in_force(session).model_dump(exclude_defaults=True) == FULL
    assert settings_file.merge(settings_file.dump(in_force(session)), Settings(), reset=True) == parse(FULL)


@pytest.mark.parametrize(
    ("group", "typed", "sentence"),
    [
        ("themes", {"granularity": "fine"}, "write a number such as 2.5"),
        ("themes", {"granularity": "9"}, "less than or equal to 4"),
        ("themes", {"smallest_theme": "2.5"}, "write a whole number"),
        ("budget", {"month_budget_usd": "inf"}, "write a number such as 2.5"),
        ("time", {"time_zone": "Berlin"}, "it is not an IANA time zone"),
        ("product", {"help_centers": "https://a.example/hc/en-us\nhttp://b.example/hc/de"}, "line 2: only https"),
        ("taxonomy", {"area.0": "Mail", "area.1": "mail"}, "stands in it twice"),
        ("taxonomy", {"area.0": "Mail", "area.1": "Mail"}, "stands in it twice"),
        ("taxonomy", {"words.0": "inbox"}, "a name is empty"),
        ("taxonomy", {"area.0": "Mail", "words.0": "x" * 101}, "longer than 100 characters"),
        ("taxonomy", {"type_definitions.bug": "x" * 501}, "longer than 500 characters"),
    ],
)
def test_a_fault_stands_beside_its_field_and_what_was_typed_stays(
    client: TestClient, session: Session, group: str, typed: dict[str, str], sentence: str
) -> None:
    answer = send(client, group, **typed)
    assert answer.status_code == 422
    page = unescape(answer.text)
    anchor = re.search(r'Not saved: <a href="#([^"]+)"', page)
    assert anchor is not None
    assert f'id="{anchor[1]}"' in page
    assert re.search(rf'class="fault"[^>]*>[^<]*{re.escape(sentence)}', page, re.I)
    assert all(value.split("\n")[0] in page for value in typed.values())
    assert in_force(session) == Settings()


def test_a_number_that_is_emptied_goes_back_to_its_default(client: TestClient, session: Session) -> None:
    save(session, parse({"month_budget_usd": 20, "granularity": 2}), by=TESTER)
    session.commit()
    assert send(client, "budget", month_budget_usd="").status_code == 303
    assert send(client, "themes", granularity=" ").status_code == 303
    assert in_force(session) == Settings()


def test_a_form_that_was_cut_short_empties_nothing(client: TestClient, session: Session) -> None:
    version = save(session, parse(FULL), by=TESTER)
    session.commit()
    for name in NAMES:
        assert client.post(f"/settings/{name}", data={"version": str(version)}).status_code == 303
    assert in_force(session) == parse(FULL)
    assert client.post("/settings/product", data={"product": "x"}).status_code == 422


def test_two_people_who_change_different_settings_both_have_their_way(client: TestClient, session: Session) -> None:
    form = form_of(client.get("/settings/themes").text)
    assert send(client, "themes", granularity="2").status_code == 303
    assert client.post("/settings/themes", data=form | {"smallest_theme": "5"}).status_code == 303
    assert in_force(session) == parse({"granularity": 2.0, "smallest_theme": 5})


def test_two_who_change_the_same_are_shown_both_and_nothing_is_lost(client: TestClient, session: Session) -> None:
    form = form_of(client.get("/settings/themes").text)
    assert send(client, "themes", granularity="2").status_code == 303
    answer = client.post("/settings/themes", data=form | {"granularity": "3"})
    assert answer.status_code == 409
    page = unescape(answer.text)
    assert "Somebody saved version" in page
    assert re.search(r'class="came".*?2\.0', page, re.S)
    assert form_of(answer.text)["granularity"] == "3"
    assert in_force(session).granularity == 2
    assert client.post("/settings/themes", data=form_of(answer.text)).status_code == 303
    assert in_force(session).granularity == 3


def test_a_preview_says_in_numbers_what_would_change_and_changes_nothing(client: TestClient, session: Session) -> None:
    make_issue(session, make_ticket(session, created_at=NOON.replace(hour=23)))
    make_issue(session)
    for number, tags in enumerate((["plan_gold"], ["plan_gold", "plan_free"], [])):
        session.add(Customer(source="zendesk:a", kind="organization", external_key=str(number), fields={"tags": tags}))
    session.commit()

    def said(group: str, **typed: str) -> str:
        answer = send(client, group, do="preview", **typed)
        assert answer.status_code == 200
        assert form_of(answer.text) | {"do": "preview"} | typed == form_of(answer.text) | {"do": "preview"}
        return unescape(answer.text)

    assert "1 of 2 reports fall on another day in Europe/Berlin than in UTC" in said("time", time_zone="Europe/Berlin")
    assert "Plan: known of 0 of 3 customers now, of 1 then; 1 would change." in said(
        "customers", **{"customer_fields.plan": "tag:plan_*"}
    )
    page = said("taxonomy", **{"area.0": "Export", "words.0": "csv"})
    assert "0 show the words of an area now and 2 would (Export 0 → 2)" in page
    assert 'href="/settings/again"' in page
    assert "cuts 2 issues anew" in said("themes", granularity="2")
    assert "makes 2 texts anew" in said("privacy", redaction="no")
    assert "Nothing differs" in said("budget")
    assert in_force(session) == Settings()
    assert session.scalar(text("SELECT count(plan) FROM customers")) == 0


def test_a_mapping_reaches_the_customers_at_once_and_a_raised_budget_those_who_wait(
    client: TestClient, session: Session
) -> None:
    customer = Customer(source="zendesk:a", kind="organization", external_key="1", fields={"tags": ["plan_gold"]})
    session.add(customer)
    later = {"started_at": NOON, "created_at": NOON, "run_after": NOON.replace(year=2030)}
    run = make_run(session, state="waiting", wait_reason="budget", wait_detail="money", **later)
    session.commit()
    send(client, "customers", **{"customer_fields.plan": "tag:plan_*"})
    send(client, "budget", month_budget_usd="50")
    session.expire_all()
    session.rollback()
    assert session.get_one(Customer, customer.id).plan == "gold"
    assert session.scalar(text("SELECT run_after <= now() FROM job_runs WHERE id = :id"), {"id": run.id})


def test_a_customer_list_is_pasted_and_what_cannot_be_read_is_named(client: TestClient, session: Session) -> None:
    customer = Customer(source="zendesk:a", kind="domain", external_key="example.com")
    session.add(customer)
    session.commit()
    answer = client.post("/settings/customers/list", data={"list": "domain,plan,revenue\nexample.com,gold,12\nb,x,<b>"})
    assert answer.status_code == 200
    assert "1 customer listed: 1 new or changed" in answer.text
    assert "Line 3: revenue is not a number" in answer.text
    session.expire_all()
    assert (session.get_one(Customer, customer.id).plan, session.get_one(Customer, customer.id).revenue) == ("gold", 12)
    answer = client.post("/settings/customers/list", data={"list": "name\n<b>"})
    assert (answer.status_code, "Line 1: it must name organization_id or domain" in answer.text) == (422, True)
    assert "&lt;b&gt;</textarea>" in answer.text


def test_any_two_versions_are_compared_and_an_older_one_is_in_force_again(client: TestClient, session: Session) -> None:
    first = save(session, parse({"product": "One\n<b>"}), by=TESTER, note="to begin")
    second = save(session, parse({"product": "Two\n<b>", "granularity": 2}), by=TESTER)
    session.commit()
    listed = unescape(client.get("/settings/versions").text)
    assert "to begin" in listed
    assert "Granularity" in listed
    page = client.get(f"/settings/compare?since={first}&to={second}").text
    assert "2 settings differ" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page.split("<main")[1]
    answer = client.post(f"/settings/versions/{first}/restore", data={"version": str(second)})
    assert answer.headers["location"] == "/settings/versions"
    assert in_force(session) == parse({"product": "One\n<b>"})
    newest = session.execute(text("SELECT version, note FROM settings ORDER BY version DESC LIMIT 1")).one()
    assert newest == (second + 1, f"as version {first}")
    stale = client.post(f"/settings/versions/{second}/restore", data={"version": str(second)})
    assert stale.status_code == 409
    assert client.get("/settings/compare?since=999&to=1000").status_code == 404


def test_who_may_not_change_them_sees_them_without_a_button(stranger: TestClient) -> None:
    viewer = {"cookie": f"sid={new_session(Role.operator)}", "sec-fetch-site": "same-origin"}
    page = stranger.get("/settings/budget", headers=viewer).text
    assert "disabled" in page
    assert "takes the role admin" in page
    assert ">Save<" not in page
    assert stranger.post("/settings/budget", headers=viewer, data={"version": "1"}).status_code == 403
