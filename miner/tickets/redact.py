"""Personal data taken out of a ticket's text before anything reads it (pure).

Mail addresses, phone, card and bank account numbers, public network addresses, secrets, and the names that the source
gives for the people of a ticket. What a product team needs stays: error codes, versions, order numbers, hashes, private
network addresses. Each part of a text is treated by itself and by no more than what is handed in, so the same words
always give the same text. Names that only the text knows are not found: that would take a guess, and guesses destroy
evidence.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable

from miner.tickets.redact_names import name_pattern
from miner.tickets.redact_secrets import hide_secrets

# Changes whenever the same text may come out differently; every stored text is then built again.
REDACTION_VERSION = "1"

Redactor = Callable[[str], str]

_MAIL = re.compile(
    # The part before an @ in an address is no mailbox, and an add-on's id is none either.
    r"(?<![\w.+%@-])(?<!://)(?:mailto:)?[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.){1,6}(?!xpi|png|jpe?g|gif|js|css)[a-z]{2,24}"
    r"(?![\w@(-])",
    re.I,
)
_IBAN = re.compile(r"(?<![\w-])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![\w-])")
# The look behind comes after the first digit, so that the search leaps from digit to digit.
_CARD = re.compile(r"\d(?<![\w.,+=#/-]\d)(?:[ -]?\d){12,18}(?![\w-]|[.,]\d)")
_CARD_RANGES = re.compile(
    r"4\d{15}|4\d{18}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}|50\d{14}|5[6-8]\d{14}"
)
_IP4 = re.compile(r"\d(?<![\w.-]\d)\d{0,2}(?:\.\d{1,3}){3}(?![\w-]|\.\d)")
_IP6 = re.compile(r"(?<![\w:.])(?:[0-9a-f]{1,4}:|::)(?:[0-9a-f]{0,4}:){1,6}[0-9a-f]{0,4}(?![\w:.])", re.I)
_NETWORK_WORD = re.compile(r"(?:\bip|ipv4|address|adresse|host|server|serveur|://)\W{0,3}(?:is|est)?\W{0,2}$", re.I)
# Words before a number that say what it counts: then it is no phone and no address.
_COUNTED = re.compile(
    r"(?:order|commande|bestellung|invoice|facture|rechnung|ticket|case|bug|issue|build|version|release|error|erreur|code"
    r"|serial|série|sku|part|model|ref|réf|reference|référence|id|no|nr|n°|v|po|isbn|port|line|ligne|firefox|chrome|safari)"
    r"\W{0,3}(?:(?:number|numéro|no|nr|id|is|est|n°)\W{0,3})?$",
    re.I,
)
_PHONE_PLUS = re.compile(r"\+(?<![\w+=]\+)\d(?:[ .()/-]{0,3}\d){7,14}(?![\w=-]|[.,:]\d)")
_PHONE_AREA = re.compile(r"\((?<![\w]\()\d{2,5}\) ?\d{3,4}[ -]?\d{3,4}(?![\w=-]|[.,:]\d)")
_PHONE = re.compile(
    r"\d(?<![\w.,+=#/:-]\d)(?:"
    r"(?P<plain>(?<=0)0[1-9]\d(?:[ .-]\d{1,4}){2,5}"  # 0044 20 7946 0100
    r"|(?<=0)[1-9](?:[ .-]\d\d){4}"  # 06 12 34 56 78
    r"|\d\d[ .-]\d{3}[.-]\d{4})"  # 415-555-0100
    r"|(?P<bare>(?:[ ./()-]{0,2}\d){6,13}))(?![\w=-]|[.,:]\d)"
)
_PHONE_WORD = re.compile(
    r"(?:phone|tel|tél|telephone|téléphone|telefon|mobile|cell|portable|handy|fax|whatsapp|call (?:me|us)|text me"
    r"|reach me|joindre|appele[rz](?:-moi)?)\W{0,3}(?:(?:number|numéro|no|nr|is|est|at|on|au|sur|under)\W{0,3}){0,3}$",
    re.I,
)
_DIGIT = re.compile(r"\d")


def redact(text: str, names: Iterable[str] = ()) -> str:
    """`text` with [EMAIL], [PHONE], [CARD], [IBAN], [IP], [SECRET] and [NAME] in place of what they stand for."""
    return redactor(names)(text)


def redactor(names: Iterable[str] = ()) -> Redactor:
    """`redact` for the texts of one ticket, whose people have `names`."""
    person = name_pattern(names)

    def apply(text: str) -> str:
        text = hide_secrets(text)
        if "@" in text:
            text = _MAIL.sub("[EMAIL]", text)
        if _DIGIT.search(text):
            text = _IBAN.sub(lambda found: _checked(found[0], is_iban, "[IBAN]"), text)
            text = _CARD.sub(lambda found: _checked(found[0], is_card, "[CARD]"), text)
            if "." in text:
                text = _IP4.sub(_address, text)
            if "+" in text:
                text = _PHONE_PLUS.sub(_phone, text)
            if "(" in text:
                text = _PHONE_AREA.sub(_phone, text)
            text = _PHONE.sub(_phone, text)
        if text.count(":") > 1:
            text = _IP6.sub(_address, text)
        return person.sub("[NAME]", text) if person else text

    return apply


def is_card(digits: str) -> bool:
    """Whether these digits can be a payment card: a known range and Luhn's check digit."""
    number = re.sub(r"\D", "", digits)
    if not _CARD_RANGES.fullmatch(number):
        return False
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_iban(text: str) -> bool:
    """Whether this is a bank account number by ISO 13616: the remainder modulo 97 is 1."""
    number = text.replace(" ", "")
    if not 15 <= len(number) <= 34:
        return False
    moved = number[4:] + number[:4]
    return int("".join(str(int(one, 36)) for one in moved)) % 97 == 1


def _checked(text: str, valid: Callable[[str], bool], mark: str) -> str:
    """`text` with its longest valid run of groups replaced: what stands beside a number may look like a part of it."""
    groups = re.split("([ -])", text)
    for length in range(len(groups), 0, -2):
        for start in range(0, len(groups) - length + 1, 2):
            if valid("".join(groups[start : start + length])):
                return "".join(groups[:start]) + mark + "".join(groups[start + length :])
    return text


def _before(found: re.Match[str]) -> str:
    return found.string[max(0, found.start() - 32) : found.start()]


def _phone(found: re.Match[str]) -> str:
    """A number that is written like a phone's, or called one, and not called anything else."""
    before = _before(found)
    if _COUNTED.search(before):
        return found[0]
    bare = found.re is _PHONE and found["plain"] is None
    return "[PHONE]" if not bare or _PHONE_WORD.search(before) else found[0]


def _address(found: re.Match[str]) -> str:
    """A public address; a private one tells nothing about a person, and four small numbers are a version."""
    text, before = found[0], _before(found)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if not address.is_global:
        return text
    if address.version == 6:
        return "[IP]" if text.count(":") >= 4 and _DIGIT.search(text) else text
    if _COUNTED.search(before) or (before.endswith("/") and not before.endswith("://")):
        return text  # Firefox/60.9.1.12
    return text if _looks_like_version(text) and not _NETWORK_WORD.search(before) else "[IP]"


def _looks_like_version(text: str) -> bool:
    numbers = [int(part) for part in text.split(".")]
    return numbers[0] < 32 and (numbers[3] < 20 or max(numbers[1:3]) < 20)
