from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from miner.errors import Refused, UsageError
from miner.tickets.customer_facts import parse_amount, parse_customers, upload_customers
from tests.factories import TESTER, VIEWER


def test_a_list_is_read_under_common_names_and_its_faults_are_told_by_line() -> None:
    content = (
        "Domain,Plan,Yearly revenue,Currency,Renewal date,Account owner\n"
        '@Example.com,gold,"12,000.50",eur,2027-01-31,Ann\n'
        "other.example,silver,much,EUR,,\n"
        ",gold,1,EUR,,\n"
        "third.example,gold,5,Euro,,\n"
        "last.example,,,,31.01.2027,\n"
    )
    rows, faults = parse_customers(content)
    facts = {"plan": "gold", "revenue": "12000.50", "currency": "EUR", "renewal_date": "2027-01-31", "owner": "Ann"}
    assert rows == {"example.com": facts}
    assert [line for line, _ in faults] == [3, 4, 5, 6]


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
