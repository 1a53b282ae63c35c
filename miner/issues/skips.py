"""Tickets that no analyzer needs to read, for a reason that everybody can check (pure)."""

from __future__ import annotations

import re

from miner.issues.answer import TicketText

_AUTOMATIC = re.compile(
    r"^\W*(?:(?:re|fwd?|aw|tr)\s*:\s*)*\[?(?:"
    r"automatic reply|auto[- ]?reply|autoreply|auto[- ]?response|out of (?:the )?office|on (?:vacation|holiday|leave)\b"
    r"|abwesenheits\w*|automatische antwort|réponse automatique|absence du bureau|absent du bureau|respuesta automática"
    r")",
    re.I,
)
_BOUNCE = re.compile(
    r"^\W*(?:undeliver(?:able|ed mail)|mail delivery (?:failed|failure|subsystem)|delivery status notification"
    r"|returned mail|failure notice|message not delivered|unzustellbar|échec de (?:la )?remise|non remis)",
    re.I,
)

# How mail servers begin what they write.
_SERVER = re.compile(
    r"\W*(?:this (?:message|report) was (?:created|generated) automatically by (?:the )?mail"
    r"|delivery (?:has failed )?to (?:the following|these) recipients?"
    r"|your message (?:wasn't|could not be|was not) delivered"
    r"|this is the mail (?:system|delivery agent) at|i'm sorry to have to inform you that your message)",
    re.I,
)


def skip_reason(ticket: TicketText) -> str | None:
    """Why `ticket` is not read: empty, an automatic reply, a bounce; None: it is to be read."""
    if not any(character.isalpha() for character in ticket.text):
        return "the ticket has no words"
    if _AUTOMATIC.match(ticket.subject):
        return "an automatic reply"
    if _BOUNCE.match(ticket.subject) or _SERVER.match(ticket.text[ticket.subject_end :]):
        return "a notice of undelivered mail"
    return None
