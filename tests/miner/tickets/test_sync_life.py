"""Proofs 10 and 11: the life of a ticket and of its conversation, as the account tells it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner.models import Customer, Ticket, TicketComment
from miner.settings import Settings
from miner.tickets.conversations import MERGED
from miner.tickets.customer_facts import upload_customers
from miner.tickets.mirror import GONE
from miner.tickets.starting_over import purge_hidden
from tests.factories import TESTER, make_issue
from tests.standins.zendesk.oddities import add_oddities
from tests.standins.zendesk.standin import StandIn
from tests.support.mirror import SOURCE, config_for, differences, sync


def stored(session: Session, number: int) -> Ticket:
    session.commit()
    return session.scalars(
        select(Ticket).where(Ticket.zendesk_ticket_id == number).execution_options(populate_existing=True)
    ).one()


def alive(zendesk: StandIn, place: int = 0, *, comments: int = 2, channel: str = "email") -> int:
    found = [n for n, one in zendesk.truth.items() if not one["deleted"] and len(one["comments"]) >= comments]
    return [n for n in found if zendesk.truth[n]["channel"] == channel][place]


def test_a_deleted_ticket_leaves_no_word_behind(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    number = alive(zendesk)
    issue = make_issue(session, stored(session, number), severity="critical", severity_phrase="cannot work")
    session.commit()
    zendesk.ops.soft_delete(number)
    zendesk.settle()
    sync(zendesk)
    ticket = stored(session, number)
    assert (ticket.status, ticket.gone_reason, ticket.text, ticket.subject) == ("deleted", "deleted", "", "")
    assert session.scalars(select(TicketComment).where(TicketComment.ticket_id == ticket.id)).all() == []
    session.refresh(issue)
    assert (issue.quote, issue.summary, issue.severity_phrase) == ("", "(removed)", "(removed)")
    assert issue.retired_reason == GONE["deleted"]
    assert differences(session, zendesk) == {}


@pytest.mark.parametrize("bare", [False, True])
def test_an_undeleted_ticket_is_whole_again(zendesk: StandIn, session: Session, bare: bool) -> None:
    zendesk.switches.deleted_rows_bare = bare
    sync(zendesk, backfill_days=100)
    number = alive(zendesk)
    zendesk.ops.soft_delete(number)
    zendesk.settle()
    sync(zendesk)
    zendesk.ops.undelete(number)
    zendesk.settle()
    sync(zendesk)
    assert stored(session, number).deleted_at is None
    assert differences(session, zendesk) == {}


def test_a_scrubbed_ticket_stays_a_tombstone(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    zendesk.ops.scrub(alive(zendesk))
    zendesk.settle()
    sync(zendesk)
    assert differences(session, zendesk) == {}


def test_a_merged_ticket_points_to_its_target_and_is_not_counted_twice(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    loser, winner = alive(zendesk, 0), alive(zendesk, 1)
    issue = make_issue(session, stored(session, loser))
    session.commit()
    zendesk.ops.merge(loser, winner)
    zendesk.settle()
    sync(zendesk)
    ticket = stored(session, loser)
    session.refresh(issue)
    assert (ticket.merged_into, issue.retired_reason) == (winner, MERGED)
    assert ticket.analyzed_text_hash == ticket.text_hash, "it is not read again"
    assert differences(session, zendesk) == {}


def test_a_redaction_and_a_note_made_private_change_what_is_stored(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    redacted, hidden, shorter = alive(zendesk, 0), alive(zendesk, 1), alive(zendesk, 2)
    zendesk.ops.redact(redacted, 0)
    zendesk.ops.make_private(hidden, 0)
    zendesk.ops.vanish(shorter)
    zendesk.settle()
    sync(zendesk)
    assert differences(session, zendesk) == {}
    assert "▇" in stored(session, redacted).text


def test_private_notes_are_stored_and_stay_out_of_the_text_unless_a_setting_says_so(
    zendesk: StandIn, session: Session
) -> None:
    number = alive(zendesk)
    zendesk.ops.comment(number, "the customer is wrong", public=False)
    zendesk.settle()
    sync(zendesk, backfill_days=100)
    ticket = stored(session, number)
    note = session.scalars(select(TicketComment).where(TicketComment.body == "the customer is wrong")).one()
    assert (note.public, note.author_kind, note.text_start) == (False, "agent", None)
    assert note.body not in ticket.text
    zendesk.ops.comment(number, "again")
    zendesk.settle()
    sync(zendesk, settings=Settings(private_notes=True))
    assert note.body in stored(session, number).text


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250, pytest.param(5000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("empty_last_page", [False, True])
def test_every_comment_of_a_ticket_is_read(
    zendesk: StandIn, session: Session, count: int, empty_last_page: bool
) -> None:
    zendesk.switches.trailing_empty_comment_page = empty_last_page
    zendesk.ops.create(subject="Long", comments=count)
    zendesk.settle()
    sync(zendesk, backfill_days=100)
    assert differences(session, zendesk) == {}


def test_odd_rows_are_stored_as_far_as_postgres_can(zendesk: StandIn, session: Session) -> None:
    odd = add_oddities(zendesk.ops)
    zendesk.settle()
    sync(zendesk, backfill_days=30_00)
    assert differences(session, zendesk) == {}
    assert stored(session, odd["unknown_status"]).status == "resting"
    assert stored(session, odd["large_id"]).zendesk_ticket_id == 2**40 + 17
    assert "▇" not in stored(session, odd["nul"]).text
    custom = {one["id"]: one["value"] for one in stored(session, odd["custom_values"]).raw["custom_fields"]}
    assert (custom[11003], custom[11004], custom[11005]) == (["ios", "web"], True, "12")


def test_messages_of_chats_and_messaging_are_read(zendesk: StandIn, session: Session) -> None:
    odd = add_oddities(zendesk.ops)
    zendesk.settle()
    sync(zendesk, backfill_days=3000)
    for name in ("chat", "messaging"):
        assert "Is anybody there? The export is broken." in stored(session, odd[name]).text
    zendesk.ops.message(odd["messaging"], "It works now.")
    zendesk.settle()
    sync(zendesk)
    assert "It works now." in stored(session, odd["messaging"]).text
    assert differences(session, zendesk) == {}


def test_no_address_and_no_location_reaches_the_database(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    session.commit()
    for table in ("tickets", "ticket_comments", "staged_comments"):
        found = session.scalar(
            text(f"SELECT count(*) FROM {table} AS row WHERE row::text ~ '203\\.0\\.113|Berlin|kim@customer0'")
        )
        assert found == 0


def test_a_ticket_deleted_between_export_and_comments_does_not_stop_the_sync(
    zendesk: StandIn, session: Session
) -> None:
    operations = [{"op": "soft_delete", "pick": place} for place in range(10)]
    zendesk.faults.add("operate_after", "tickets_cursor", skip=4, operations=operations)
    sync(zendesk, backfill_days=100)
    zendesk.settle()
    sync(zendesk)
    assert differences(session, zendesk) == {}


def test_customers_come_with_the_tickets_and_their_fields(zendesk: StandIn, session: Session) -> None:
    sync(zendesk, backfill_days=100)
    session.commit()
    customers = session.scalars(select(Customer)).all()
    kinds = {one.kind for one in customers}
    organization = next(one for one in customers if one.kind == "organization")
    assert kinds <= {"organization", "domain", "requester"}
    assert organization.name
    assert set(organization.fields) >= {"plan", "yearly_revenue"}
    assert {one.plan for one in customers} == {None}, "what is not mapped is unknown"


def test_plan_and_revenue_are_mapped_from_fields_and_a_list_outranks_them(zendesk: StandIn, session: Session) -> None:
    mapped = Settings(customer_fields={"plan": "plan", "revenue": "yearly_revenue"})
    sync(zendesk, backfill_days=100, settings=mapped)
    session.commit()
    first = session.scalars(select(Customer).where(Customer.kind == "organization").order_by(Customer.id)).first()
    assert first is not None
    assert (first.plan, str(first.revenue)) == (first.fields["plan"], first.fields["yearly_revenue"])
    upload_customers(
        session,
        f"Organization ID;Plan;ARR;Currency;Renewal\n{first.external_key};gold;9000;eur;2027-01-31\n",
        by=TESTER,
    )
    session.commit()
    sync(zendesk, settings=mapped)
    session.refresh(first)
    assert (first.plan, first.revenue, first.currency, str(first.renewal_date)) == ("gold", 9000, "EUR", "2027-01-31")


def test_only_the_chosen_brands_are_kept_and_their_comments_fetched(zendesk: StandIn, session: Session) -> None:
    config = config_for(zendesk, zendesk_brand_ids=(41,))
    sync(zendesk, config=config, backfill_days=100)
    assert differences(session, zendesk, brands=(41,)) == {}
    fetched = {int(one.path.split("/")[4]) for one in zendesk.log.of("comments")}
    assert {zendesk.truth[number]["brand_id"] for number in fetched} == {41}


def test_adding_a_brand_fetches_it_and_removing_one_hides_it_until_it_is_purged(
    zendesk: StandIn, session: Session
) -> None:
    config = config_for(zendesk, zendesk_brand_ids=(41,))
    sync(zendesk, config=config, backfill_days=100)
    both = replace(config, zendesk_brand_ids=(41, 42))
    sync(zendesk, config=both)
    assert differences(session, zendesk, brands=(41, 42)) == {}
    hidden = next(n for n, one in zendesk.truth.items() if one["brand_id"] == 42 and not one["deleted"])
    issue = make_issue(session, stored(session, hidden))
    session.commit()
    sync(zendesk, config=config)
    assert stored(session, hidden).gone_reason == "brand"
    assert stored(session, hidden).text
    session.refresh(issue)
    assert issue.retired_reason == GONE["brand"]
    sync(zendesk, config=both)
    session.refresh(issue)
    assert (stored(session, hidden).gone_reason, issue.retired_at) == (None, None)
    assert differences(session, zendesk, brands=(41, 42)) == {}
    sync(zendesk, config=config)
    assert purge_hidden(session, SOURCE, by=TESTER) > 0
    session.commit()
    assert differences(session, zendesk, brands=(41,)) == {}
