"""What an account calls its fields and statuses: asked for once a day, kept, and put into words."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from miner.tickets.text import TextRules
from miner.tickets.title_rows import load_titles
from miner.tickets.titles import FIELD, STATUS, Title, Titles, read_fields, read_statuses
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import SOURCE, differences, sync

ROUTES = ("ticket_fields", "custom_statuses")


def asked(zendesk: StandIn) -> list[int]:
    return [len(zendesk.log.of(route)) for route in ROUTES]


def test_a_sync_learns_the_names_once_a_day(zendesk: StandIn, session: Session) -> None:
    sync(zendesk)
    titles = load_titles(session, SOURCE)
    assert (titles.fields[11001].title, titles.fields[11001].options["billing"]) == ("Area", "Billing")
    assert titles.statuses[9001].title == "Open"
    sync(zendesk)
    assert asked(zendesk) == [1, 1]
    zendesk.clock.advance(90_000)
    sync(zendesk)
    assert asked(zendesk) == [2, 2]


def test_an_account_that_does_not_tell_names_is_synced_all_the_same(zendesk: StandIn, session: Session) -> None:
    for route in ROUTES:
        zendesk.faults.add("403_restricted", route, times=50)
    sync(zendesk, backfill_days=100)
    assert differences(session, zendesk) == {}
    assert load_titles(session, SOURCE) == Titles()
    sync(zendesk)
    assert asked(zendesk) == [1, 1], "within the hour it is not asked again, nor twice in one run"
    zendesk.clock.advance(4_000)
    sync(zendesk)
    assert asked(zendesk) == [2, 2]


def test_names_that_were_known_stay_when_the_account_is_silent_and_go_when_it_has_them_no_more(
    zendesk: StandIn, session: Session
) -> None:
    sync(zendesk)
    session.execute(text("UPDATE zendesk_accounts SET titles_read_at = NULL"))
    session.execute(text("UPDATE zendesk_titles SET number = 5 WHERE number = 11001"))
    session.commit()
    zendesk.faults.add("500", "custom_statuses", times=50)
    sync(zendesk)
    titles = load_titles(session, SOURCE)
    assert 5 not in titles.fields
    assert 9001 in titles.statuses


def test_values_are_put_into_the_accounts_own_words() -> None:
    known = {
        1: Title(FIELD, 1, "Area", "tagger", {"billing": "Billing & plans"}),
        2: Title(FIELD, 2, "Platforms", "multiselect", {"ios": "iPhone"}),
        3: Title(FIELD, 3, "Paying", "checkbox"),
        4: Title(FIELD, 4, "Card", "partialcreditcard"),
    }
    titles = Titles(known, {9: Title(STATUS, 9, "In progress", "open")})
    values = [(2, ["ios", "web"]), (1, "billing"), (3, False), (4, "XXXX1234"), (5, "no title"), (1, None), (1, "")]
    raw = {"custom_status_id": 9, "custom_fields": [{"id": key, "value": value} for key, value in values]}
    assert titles.facts(raw) == [("Platforms", "iPhone, web"), ("Area", "Billing & plans"), ("Paying", "no")]
    assert titles.status(raw) == "In progress"
    for odd in ({}, {"custom_fields": "none", "custom_status_id": "x"}, {"custom_fields": [None, {"id": []}]}):
        assert (titles.facts(odd), titles.status(odd)) == ([], None)


def test_free_values_are_redacted_like_texts_and_listed_ones_are_not() -> None:
    titles = Titles({1: Title(FIELD, 1, "Contact", "text"), 2: Title(FIELD, 2, "Desk", "tagger", {"a": "it@acme.com"})})
    raw = {"custom_fields": [{"id": 1, "value": "write to kim.ito@example.com"}, {"id": 2, "value": "a"}]}
    (_, contact), (_, desk) = titles.facts(raw)
    assert "kim.ito" not in contact
    assert desk == "it@acme.com"
    assert titles.facts(raw, rules=TextRules(redact=False))[0][1] == "write to kim.ito@example.com"


def test_rows_that_are_no_titles_are_left_out() -> None:
    rows = [None, 7, {"id": 1}, {"title": "No number"}, {"id": 2, "title": "\x00"}, {"id": 3, "title": 5}]
    good = {"id": 4, "title": "A\x00rea", "type": None, "custom_field_options": [{"value": 1, "name": "x"}, None]}
    assert read_fields({"ticket_fields": [*rows, good]}) == [Title(FIELD, 4, "Area")]
    assert read_fields({"ticket_fields": "none"}) == []
    assert read_statuses({"custom_statuses": [{"id": 1, "agent_label": "Waiting", "status_category": "pending"}]}) == [
        Title(STATUS, 1, "Waiting", "pending")
    ]
