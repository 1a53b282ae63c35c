from __future__ import annotations

import pytest

from miner.issues.answer import TicketText
from miner.issues.skips import skip_reason


def ticket(subject: str, body: str = "") -> TicketText:
    return TicketText(1, f"{subject}\n\n{body}" if body else subject, subject_end=len(subject))


@pytest.mark.parametrize("text", ["", " \n", "...", "12 345 !?", "[[[ ]]]"])
def test_a_ticket_without_a_word_is_empty(text: str) -> None:
    assert skip_reason(TicketText(1, text)) == "the ticket has no words"


@pytest.mark.parametrize(
    "subject",
    ["Automatic reply: Export", "RE: Auto-Reply: Export", "Out of Office Re: Export", "[Out of the office] Export",
     "Abwesenheitsnotiz: Export", "Réponse automatique : Export", "Respuesta automática: x"],
)  # fmt: skip
def test_an_automatic_reply_is_known_by_its_subject(subject: str) -> None:
    assert skip_reason(ticket(subject, "I am back on Monday.")) == "an automatic reply"


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Undeliverable: Your ticket", "x"),
        ("Mail delivery failed: returning message to sender", "x"),
        ("Delivery Status Notification (Failure)", "x"),
        ("Échec de remise", "x"),
        ("Your ticket", "This message was created automatically by mail delivery software."),
        ("", "Delivery to the following recipient failed permanently:"),
        ("Re: x", "This is the mail system at host mx.example.com."),
    ],
)
def test_a_bounce_is_known_by_what_servers_write(subject: str, body: str) -> None:
    assert skip_reason(ticket(subject, body)) == "a notice of undelivered mail"


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Automatic replies are sent twice", "Every customer gets two."),
        ("Mail delivery is slow", "Since yesterday."),
        ("Export fails", "We get: this message was created automatically by mail delivery software"),
        ("Holiday calendar is wrong", "Out of office days are counted."),
        ("Fehler", "Ü"),
    ],
)
def test_a_report_about_mail_is_read(subject: str, body: str) -> None:
    assert skip_reason(ticket(subject, body)) is None
