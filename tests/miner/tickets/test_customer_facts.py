"""What is known of customers: from an uploaded list, from mapped fields and tags, or nothing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner.cli import main
from miner.errors import Refused, UsageError
from miner.models import AuditEntry, Customer
from miner.tickets.customer_facts import apply_facts, upload_customers
from miner.tickets.customer_list import parse_amount, parse_customers
from tests.factories import TESTER, VIEWER

LIST = """Organization ID,Domain,Plan,ARR,Currency,Renewal date,Account owner
7702,,gold,12000,EUR,2027-01-31,Ann
,small.example,silver,900,usd,,
"""


def customer(session: Session, kind: str = "organization", key: str = "7702", **fields: Any) -> Customer:
    found = Customer(source="zendesk:acme", kind=kind, external_key=key, fields=fields)
    session.add(found)
    session.commit()
    return found


def applied(session: Session, found: Customer, **customer_fields: str) -> tuple[Any, ...]:
    """(plan, revenue, currency, segment, owner) after mapping."""
    apply_facts(session, customer_fields)
    session.commit()
    session.refresh(found)
    return found.plan, found.revenue, found.currency, found.segment, found.owner


def test_a_list_is_read_under_common_names_and_its_faults_are_told_by_line() -> None:
    content = (
        "Domain,Plan,Yearly revenue,Currency,Renewal date,Account owner\n"
        '@Example.com,gold,"12,000.50",eur,2027-01-31,Ann\n'
        "other.example,silver,much,EUR,,\n"
        ",gold,1,EUR,,\n"
        "third.example,gold,5,Euro,,\n"
        "last.example,,,,31.01.2027,\n"
        "example.com,silver,,,,\n"
        "sixth.example,gold,12,000,EUR,,Ann\n"
    )
    found = parse_customers(content)
    facts = {"plan": "gold", "revenue": "12000.50", "currency": "EUR", "renewal_date": "2027-01-31", "owner": "Ann"}
    assert found.rows == {"example.com": facts}
    assert dict(found.faults) == {
        3: "revenue is not a number such as 12000.50",
        4: "it names no organization and no domain",
        5: "currency is not a code of three letters such as EUR",
        6: "renewal_date is not a day such as 2027-03-31",
        7: "example.com stands in line 2 already, with other facts",
        8: "it has 7 cells, the first line 6: put what holds a comma in quotes",
    }


def test_a_line_may_name_an_organization_or_a_domain_or_both() -> None:
    found = parse_customers("organization_id;domain;plan\n7;;gold\n;small.example;silver\n8;large.example;gold\n")
    assert {key: facts["plan"] for key, facts in found.rows.items()} == {
        "7": "gold", "small.example": "silver", "8": "gold", "large.example": "gold",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "amount"), [("9000", "9000"), ("12,000", "12000"), ("1,234,567.8", "1234567.8"), ("12 000", "12000")]
)
def test_amounts_in_the_usual_forms(given: str, amount: str) -> None:
    assert str(parse_amount(given)) == amount


@pytest.mark.parametrize("given", ["12,5", "abc", "-4", "NaN", "1e99", ""])
def test_an_amount_that_could_be_another_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="revenue"):
        parse_amount(given)


@pytest.mark.parametrize("content", ["", "plan,revenue\n1,2\n", "domain\nx.example\n", "domain,plan\n,gold\n"])
def test_a_list_without_customers_is_refused(session: Session, content: str) -> None:
    with pytest.raises(UsageError):
        upload_customers(session, content, by=TESTER)


def test_a_viewer_may_not_upload(session: Session) -> None:
    with pytest.raises(Refused):
        upload_customers(session, "domain,plan\nx.example,gold\n", by=VIEWER)


def test_the_same_list_again_changes_nothing_and_who_is_no_longer_listed_is_unknown_again(session: Session) -> None:
    found = customer(session)
    first = upload_customers(session, LIST, by=TESTER)
    assert (first.stored, first.changed, first.removed) == (2, 2, 0)
    assert applied(session, found)[:3] == ("gold", Decimal(12000), "EUR")
    before = session.execute(text("SELECT key, xmin::text FROM customer_facts ORDER BY 1")).all()
    again = upload_customers(session, LIST, by=TESTER)
    assert (again.changed, again.removed, apply_facts(session, {})) == (0, 0, 0)
    assert session.execute(text("SELECT key, xmin::text FROM customer_facts ORDER BY 1")).all() == before
    shorter = upload_customers(session, "domain,plan\nsmall.example,silver\n", by=TESTER)
    assert (shorter.changed, shorter.removed) == (1, 1)
    assert applied(session, found) == (None, None, None, None, None)
    assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "customers.upload")).all()) == 3


def test_a_line_that_cannot_be_read_leaves_its_customer_as_it_was(session: Session) -> None:
    found = customer(session)
    upload_customers(session, LIST, by=TESTER)
    upload_customers(session, LIST.replace("12000", "much"), by=TESTER)
    assert applied(session, found)[:3] == ("gold", Decimal(12000), "EUR")


def test_a_list_by_domain_reaches_the_organization_that_has_it(session: Session) -> None:
    by_domain, organization = customer(session, "domain", "small.example"), customer(session, domains=["Small.Example"])
    requester = customer(session, "requester", "small.example")
    upload_customers(session, "domain,plan\nsmall.example,silver\n", by=TESTER)
    assert [applied(session, one)[0] for one in (by_domain, organization, requester)] == ["silver", "silver", None]


def test_fields_and_tags_are_mapped_and_what_fits_twice_is_unknown(session: Session) -> None:
    found = customer(session, tier="gold", arr="1200.5", coin="eur", tags=["plan_silver", "size_large", "vip"])
    assert applied(session, found, plan="tier", revenue="arr", currency="coin", segment="tag:size_*") == (
        "gold", Decimal("1200.5"), "EUR", "large", None,
    )  # fmt: skip
    assert applied(session, found, plan="tag:plan_", segment="tag:none_*")[0::3] == ("silver", None)
    found.fields = {"tags": ["plan_silver", "plan_gold"], "arr": "much", "coin": "Euro"}
    session.commit()
    assert applied(session, found, plan="tag:plan_*", revenue="arr", currency="coin") == (None,) * 5


def test_an_amount_never_takes_the_currency_of_another_place(session: Session) -> None:
    found = customer(session, arr="1200", coin="USD")
    upload_customers(session, "organization_id,revenue\n7702,9000\n", by=TESTER)
    assert applied(session, found, revenue="arr", currency="coin")[1:3] == (Decimal(9000), None)
    upload_customers(session, "organization_id,plan,currency\n7702,gold,EUR\n", by=TESTER)
    assert applied(session, found, revenue="arr", currency="coin")[:3] == ("gold", Decimal(1200), "USD")


def test_the_command_names_the_lines_it_does_not_take_over(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    customer(session)
    file = tmp_path / "customers.csv"
    file.write_text(LIST + "9,,gold,much,EUR,,\n", encoding="utf-8-sig")
    assert main(["customers", "import", str(file)]) == 0
    said = capsys.readouterr().err
    assert "line 4 is not taken over: revenue is not a number" in said
    assert (
        "2 customers listed (2 new or changed, 0 no longer listed), 1 lines not taken over; 1 known customers" in said
    )
    file.write_bytes("domain,plan\nmüller.example,gold\n".encode("cp1252"))
    assert main(["customers", "import", str(file)]) == 2
    assert "save it as CSV UTF-8" in capsys.readouterr().err
