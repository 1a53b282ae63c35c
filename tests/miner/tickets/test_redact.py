from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner.tickets.redact import is_card, is_iban, redact
from miner.tickets.text import TextRules, build_text

KEY = "sk-" + "ant-api03-" + "a1B2" * 6  # put together, so that no scanner takes it for a real one
PERSONAL = {
    "Write to ann.lee+x@mail.example.co.uk, please.": "Write to [EMAIL], please.",
    "<mailto:ann@example.com> wrote": "<[EMAIL]> wrote",
    "Call +33 6 12 34 56 78 or +1 (415) 555-0100.": "Call [PHONE] or [PHONE].",
    "Mon numéro : 06 12 34 56 78": "Mon numéro : [PHONE]",
    "Ring 415-555-0100 or (030) 1234 5678": "Ring [PHONE] or [PHONE]",
    "My phone is 5551234567": "My phone is [PHONE]",
    "Tél. au 0612345678 merci": "Tél. au [PHONE] merci",
    "card 4111 1111 1111 1111 was charged": "card [CARD] was charged",
    "5500005555555559": "[CARD]",
    "1 4111 1111 1111 1111 12/27 123": "1 [CARD] 12/27 123",
    "AT61 1904 3002 3457 3201 NOW": "[IBAN] NOW",
    "IBAN FR14 2004 1010 0505 0001 3M02 606": "IBAN [IBAN]",
    "pay DE89370400440532013000 now": "pay [IBAN] now",
    "from IP 81.2.69.142, at home": "from IP [IP], at home",
    "http://199.189.87.9:10999/": "http://[IP]:10999/",
    "2001:db8:85a3::8a2e:370:7334 and 2a00:1450:4007:80e::200e": "2001:db8:85a3::8a2e:370:7334 and [IP]",
    f"key {KEY}, thanks": "key [SECRET], thanks",
    "ghp_" + "0a1B" * 9: "[SECRET]",
    "Authorization: Bearer abcdef0123456789abcdef": "Authorization: Bearer [SECRET]",
    "password: hunter2!": "password: [SECRET]!",
    "My password is Tr0ub4dor": "My password is [SECRET]",
    "Mot de passe : soleil\nMerci": "Mot de passe : [SECRET]\nMerci",
    "api_key=0123abcd4567efgh": "api_key=[SECRET]",
    "My PIN is 4411.": "My PIN is [SECRET].",
    "https://bob:secret@files.example.com/a": "https://[SECRET]@files.example.com/a",
    "https://x.example/a?id=7&access_token=abc123def456#top": "https://x.example/a?id=7&access_token=[SECRET]#top",
}
EVIDENCE = [
    "Error 0x80070005 and ERR_CONNECTION_REFUSED, code -2147024891",
    "Version 2.53.17.1, build 20230917164801, Chrome/59.0.3071.115 and Firefox/60.9.1.12",
    "Update jackson from 2.12.7.1 to 2.15.0; watch GT 1.0.12.26",
    "Order 4155550100 and order number 415-555-0100 were lost; ticket #0612345678",
    "Commande n° 06 12 34 56 78",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b, md5 d41d8cd98f00b204e9800998ecf8427e",
    "crash 7b0c2a1e-44b9-4d42-9d2a-1f0c2a1e44b9",
    "at 127.0.0.1:8080, 192.168.1.20, 10.0.0.5 and 0.0.0.0",
    "12:34:56 2026-11-24T10:00:00+00:00 took 1700000000000 ms",
    "std::map<int, a::b> at std::vector::at",
    "password: the field is empty; Password is required; password = getPassword(user)",
    "The token is invalid. Token expired. secret: null",
    "Invoice 4111111111111112 is wrong",
    "abfss://container@account.dfs.core.windows.net/folder and npm left-pad@1.3.0",
    "https://login.example.com/error?code=700016&id=12",
    "1,234,567.89 EUR; 100-200-300; 3.14159265358979",
    "Hello, I mark all as read, then the page goes white. Will it be fixed in May?",
]


@pytest.mark.parametrize("said", PERSONAL)
def test_personal_data_is_taken_out(said: str) -> None:
    assert redact(said) == PERSONAL[said]


@pytest.mark.parametrize("said", EVIDENCE)
def test_evidence_stays(said: str) -> None:
    assert redact(said, ["Mark Page", "Will May"]) == said


def test_people_are_found_by_the_names_that_the_source_gives() -> None:
    names = ["Zoë van Dijk", "Mark Page", "priya"]
    text = "Dear Mark,\nZOË VAN DIJK (Zoë) and mark  page called; Priya too. Dijkstra did not.\nMark"
    assert (
        redact(text, names) == "Dear [NAME],\n[NAME] ([NAME]) and [NAME] called; [NAME] too. Dijkstra did not.\n[NAME]"
    )


def test_the_name_of_a_shared_account_or_a_firm_is_no_persons() -> None:
    assert redact("Acme crashes, says Acme Support", ["Acme Support", "Acme Inc.", "a@b.example", "123"]) == (
        "Acme crashes, says Acme Support"
    )


def test_check_digits_decide() -> None:
    assert is_card("4111-1111-1111-1111")
    assert not is_card("4111-1111-1111-1112")
    assert not is_card("0000 0000 0000 0000")
    assert is_iban("GB82 WEST 1234 5698 7654 32")
    assert not is_iban("GB82 WEST 1234 5698 7654 33")


@given(st.text(st.sampled_from("ab 1.:@-+()/=[]\nZoë?&"), max_size=120))
def test_what_was_redacted_stays_as_it_is(text: str) -> None:
    once = redact(text, ["Zoë Ab"])
    assert redact(once, ["Zoë Ab"]) == once


@given(st.text(max_size=60), st.lists(st.tuples(st.booleans(), st.text(max_size=60)), max_size=4))
def test_places_are_those_of_the_redacted_messages(subject: str, messages: list[tuple[bool, str]]) -> None:
    apply = TextRules().redactor(["Ann Lee"])
    built = build_text(subject, messages, apply)
    for (enters, body), place in zip(messages, built.places, strict=True):
        assert (place is None) == (not enters or not body)
        if place:
            assert built.text[slice(*place)] == apply(body)


def test_rules_that_make_another_text_have_another_mark() -> None:
    marks = {TextRules(redact, private).mark for redact in (True, False) for private in (True, False)}
    assert len(marks) == 4
