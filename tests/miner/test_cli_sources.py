"""`miner source`, `miner start-over`: nothing is taken away without --yes, and each says what is next."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from miner.cli import main
from miner.models import Theme, Ticket
from tests.factories import make_issue, make_theme, make_ticket

SOURCE = "zendesk:acme"


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def ticket(session: Session) -> Ticket:
    found = make_ticket(session, source=SOURCE, source_id="7", zendesk_ticket_id=7)
    make_ticket(session, source=SOURCE, source_id="8", zendesk_ticket_id=8, deleted_at=found.created_at,
                gone_reason="brand")  # fmt: skip
    session.execute(
        text("INSERT INTO zendesk_accounts (source, state, decided_by) VALUES (:source, 'synced', 'run 1')"),
        {"source": SOURCE},
    )
    session.commit()
    return found


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("source", "clear", SOURCE), "forget the text and comments of zendesk:acme"),
        (("source", "remove", SOURCE), "remove every ticket of zendesk:acme"),
        (("source", "purge", SOURCE), "remove 1 tickets of zendesk:acme whose brands are no longer kept"),
        (("start-over", "themes"), "dissolve every theme"),
        (("start-over", "analyses"), "let every ticket be read again"),
        (("start-over", "tickets", SOURCE), "forget the text and comments of zendesk:acme"),
    ],
)
def test_without_yes_it_says_what_it_would_do_and_does_nothing(
    capsys: pytest.CaptureFixture[str], session: Session, ticket: Ticket, words: tuple[str, ...], sentence: str
) -> None:
    code, _, err = ask(capsys, *words)
    assert code == 2
    assert sentence in err
    assert "--yes" in err
    assert len(session.scalars(select(Ticket)).all()) == 2
    assert session.scalar(text("SELECT count(*) FROM audit_log")) == 0


def test_purging_removes_only_what_is_hidden_with_its_brand(
    capsys: pytest.CaptureFixture[str], session: Session, ticket: Ticket
) -> None:
    assert ask(capsys, "source", "purge", SOURCE, "--yes")[0] == 0
    assert session.scalars(select(Ticket.source_id)).all() == ["7"]


def test_themes_are_rebuilt_and_analyses_repeated_on_the_word_yes(
    capsys: pytest.CaptureFixture[str], session: Session, ticket: Ticket
) -> None:
    theme = make_theme(session)
    make_issue(session, ticket, theme_id=theme.id)
    ticket.analyzed_at, ticket.analyzed_text_hash = ticket.created_at, ticket.text_hash
    session.commit()
    code, _, err = ask(capsys, "start-over", "themes", "--yes")
    assert (code, "1 themes are dissolved; `miner run cluster`" in err) == (0, True)
    code, _, err = ask(capsys, "start-over", "analyses", "--yes")
    assert (code, "1 tickets wait to be read again: `miner run analyze`" in err) == (0, True)
    session.expire_all()
    assert session.get_one(Theme, theme.id).retired_at is not None
    assert ticket.analyzed_at is None


def test_accounts_are_listed_with_what_becomes_of_them(
    capsys: pytest.CaptureFixture[str], session: Session, ticket: Ticket
) -> None:
    assert ask(capsys, "source", "hide", SOURCE)[0] == 0
    code, out, _ = ask(capsys, "source", "list")
    assert code == 0
    assert out.splitlines()[1].split()[:4] == [SOURCE, "hidden", "0", "1"]
    assert ask(capsys, "source", "keep", SOURCE)[0] == 0
    assert '"state": "kept"' in ask(capsys, "source", "list", "--json")[1]
    assert ask(capsys, "source", "keep", "zendesk:nobody")[0] == 2
