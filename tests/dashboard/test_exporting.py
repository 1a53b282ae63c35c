"""Lists as files: every row with what it needs, streamed, and nothing in it is a formula."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from dashboard import exporting, exports
from miner import cli
from miner.models import Customer
from tests.factories import NOON, make_issue, make_theme, make_ticket

LISTS = ("issues", "themes", "tickets", "customers")
EVIL = '=HYPERLINK("https://evil.example")'


def fill(session: Session) -> None:
    theme = make_theme(session, name="+Export fails")
    who = Customer(source="zendesk:acme", kind="organization", external_key="1", name=EVIL, plan="Pro")
    session.add(who)
    session.flush()
    ticket = make_ticket(
        session, source="zendesk:acme", source_id="77", zendesk_ticket_id=77, customer_id=who.id,
        url="https://acme.zendesk.com/agent/tickets/77", text=f"Trouble\n\n{EVIL} does not work",
    )  # fmt: skip
    make_issue(session, ticket, theme_id=theme.id, quote=EVIL)
    for number in range(6):
        make_issue(session, make_ticket(session, created_at=NOON), type="performance", summary=f"No. {number}")
    session.commit()


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def read_xlsx(content: bytes) -> list[list[str]]:
    """The cells of the first sheet as text; inline and number alike."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    rows = re.findall(r"<row [^>]*>(.*?)</row>", sheet, re.S)
    return [
        [
            text or number
            for text, number in re.findall(r"<c [^>]*>(?:<is><t[^>]*>(.*?)</t></is>|<v>(.*?)</v>)</c>", row)
        ]
        for row in rows
    ]


def test_a_row_of_issues_needs_no_other(client: TestClient, session: Session) -> None:
    fill(session)
    answer = client.get("/api/export/issues?type=bug")
    assert answer.headers["content-disposition"] == 'attachment; filename="issues.csv"'
    (row,) = read_csv(answer.text)
    assert row["zendesk_url"] == "https://acme.zendesk.com/agent/tickets/77"
    assert (row["zendesk_ticket_id"], row["plan"], row["quote_verified"]) == ("77", "Pro", "true")
    assert row["theme_name"] == "'+Export fails"
    assert row["theme_id"].isdigit()
    assert (row["quote"], row["customer"]) == (f"'{EVIL}", f"'{EVIL}")
    (told,) = client.get("/api/export/issues?type=bug&format=json").json()
    assert (told["quote"], told["quote_verified"], told["revenue"]) == (EVIL, True, None)


def test_in_an_excel_file_text_is_text(client: TestClient, session: Session) -> None:
    fill(session)
    answer = client.get("/api/export/issues?type=bug&format=xlsx")
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    head, row = read_xlsx(answer.content)
    assert head == list(exporting.EXPORTS["issues"].columns)
    assert EVIL.replace('"', "&quot;") in row or EVIL in row
    assert "77" in row


@pytest.mark.parametrize("list_", LISTS)
@pytest.mark.parametrize("format_", ["csv", "json", "xlsx"])
def test_a_file_has_as_many_rows_as_the_list_piece_by_piece(
    client: TestClient, session: Session, monkeypatch: pytest.MonkeyPatch, list_: str, format_: str
) -> None:
    monkeypatch.setattr(exporting, "PIECE", 2)
    monkeypatch.setattr(exporting, "COMPUTED_PIECE", 1)
    fill(session)
    total = client.get(f"/api/{list_}").json()["total"]
    answer = client.get(f"/api/export/{list_}?format={format_}")
    count: dict[str, Callable[[], int]] = {
        "csv": lambda: len(read_csv(answer.text)),
        "json": lambda: len(answer.json()),
        "xlsx": lambda: len(read_xlsx(answer.content)) - 1,
    }
    assert (answer.status_code, count[format_]()) == (200, total)


def test_a_list_that_is_longer_than_a_sheet_goes_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "LONGEST_SHEET", 3)
    content = b"".join(exports.xlsx_bytes(["n"], [[{"n": number} for number in range(5)]]))
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert sum(name.startswith("xl/worksheets/sheet") for name in book.namelist()) == 3


@pytest.mark.parametrize(
    ("path", "status"), [("runs", 404), ("issues?format=pdf", 422), ("issues?nonsense=1", 422), ("themes?sort=x", 422)]
)
def test_what_cannot_be_exported_is_refused(client: TestClient, path: str, status: int) -> None:
    assert client.get(f"/api/export/{path}").status_code == status


def test_every_list_leads_to_its_files_with_its_filters(client: TestClient, session: Session) -> None:
    fill(session)
    for list_ in LISTS:
        page = client.get(f"/{list_}?plan=Pro").text
        for format_ in ("csv", "xlsx", "json"):
            assert f'href="/api/export/{list_}?plan=Pro&amp;format={format_}"' in page


def test_the_command_writes_the_same_file(
    session: Session, client: TestClient, tmp_path: Path, capfdbinary: Any
) -> None:
    fill(session)
    assert cli.main(["export", "issues", "--format", "csv", "--filter", "type=bug"]) == 0
    assert capfdbinary.readouterr().out.decode() == client.get("/api/export/issues?type=bug").text
    file = tmp_path / "themes.json"
    assert cli.main(["export", "themes", "--format", "json", "--output", str(file)]) == 0
    assert [one["name"] for one in json.loads(file.read_text())] == ["+Export fails"]
    assert cli.main(["export", "tickets", "--format", "xlsx", "--output", str(tmp_path / "t.xlsx")]) == 0
    assert len(read_xlsx((tmp_path / "t.xlsx").read_bytes())) == 8


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--filter", "kind=bug"], "NAME=VALUE"),
        (["--filter", "type"], "NAME=VALUE"),
        (["--filter", "type=bugs"], "type"),
        (["--output", "/nowhere/x.csv"], "No such file"),
    ],
)
def test_a_command_that_makes_no_sense_ends_with_2(
    database: str, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["export", "issues", *options]) == 2
    assert said in capsys.readouterr().err
