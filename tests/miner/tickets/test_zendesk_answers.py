"""From an answer to data or a typed error: a 200 that is not what was promised is never "no rows"."""

from __future__ import annotations

import httpx
import pytest

from miner import errors
from miner.addresses import normalise_base_url, normalise_subdomain
from miner.tickets.zendesk_answers import error_detail, is_too_recent, read_answer, retry_seconds

GOOD = b'{"tickets": [], "end_of_stream": true}'


def read(status: int, body: bytes = GOOD) -> object:
    return read_answer(status, httpx.Headers(), body, what="a page", needs=("tickets", "end_of_stream"))


def test_headers_say_how_much_is_left_and_what_time_it_is() -> None:
    answer = read_answer(
        200,
        httpx.Headers({"date": "Mon, 23 Nov 2026 20:15:04 GMT", "X-Rate-Limit": "700", "x-rate-limit-remaining": "12"}),
        GOOD,
        what="a page",
        needs=("tickets",),
    )
    assert (answer.limit, answer.remaining, answer.server_time) == (700, 12, 1795464904.0)


@pytest.mark.parametrize(
    "body", [b"", b"<html>busy</html>", b"[]", b'{"tickets": [1', b"{}", b'{"tickets": null, "end_of_stream": true}']
)
def test_what_is_not_the_promised_object_is_an_error(body: bytes) -> None:
    with pytest.raises(errors.ZendeskBadPayload):
        read(200, body)


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (302, errors.ZendeskTrouble, True),
        (400, errors.ZendeskRefused, False),
        (401, errors.ZendeskAuthentication, False),
        (403, errors.ZendeskForbidden, False),
        (404, errors.ZendeskGone, False),
        (409, errors.ZendeskTrouble, True),
        (422, errors.ZendeskRefused, False),
        (429, errors.ZendeskLimited, True),
        (500, errors.ZendeskTrouble, True),
        (504, errors.ZendeskTooBig, True),
        (520, errors.ZendeskTrouble, True),
    ],
)
def test_every_status_has_its_error(status: int, kind: type[errors.ZendeskError], retryable: bool) -> None:
    with pytest.raises(errors.ZendeskError) as raised:
        read(status, b"Number of allowed API requests per minute exceeded")
    assert (type(raised.value), raised.value.retryable) == (kind, retryable)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "93"}, 93.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "99999999"}, 86_400.0),
        ({"retry-after": "Mon, 23 Nov 2026 20:16:04 GMT", "date": "Mon, 23 Nov 2026 20:15:04 GMT"}, 60.0),
        ({"retry-after": "Mon, 23 Nov 2026 20:14:04 GMT", "date": "Mon, 23 Nov 2026 20:15:04 GMT"}, 0.0),
    ],
)
def test_retry_after_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_seconds(headers) == seconds


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"error": "Couldn\'t authenticate you"}', "Couldn't authenticate you"),
        (b'{"error": {"title": "Forbidden", "message": "restricted"}}', "Forbidden: restricted"),
        (b'{"description": "Missing the following scopes: read"}', "Missing the following scopes: read"),
        (b'{"detail": "Rate limited by Zendesk edge protection"}', "Rate limited by Zendesk edge protection"),
        (b"upstream request\ntimeout", "upstream request timeout"),
        (b"<!doctype html><p>x", ""),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_zendesks_own_word_is_found_in_every_shape(body: bytes, detail: str) -> None:
    assert error_detail(body) == detail


@pytest.mark.parametrize("detail", ["StartTimeTooRecent: ...", "InvalidValue: Too recent start_time. Use an older one"])
def test_too_recent_is_known_in_both_forms(detail: str) -> None:
    assert is_too_recent(errors.ZendeskRefused("x", detail))


@pytest.mark.parametrize("given", ["acme", "ACME", "acme.zendesk.com", "https://acme.zendesk.com/agent", " acme "])
def test_every_form_of_a_subdomain_is_the_same(given: str) -> None:
    assert normalise_subdomain(given) == "acme"


@pytest.mark.parametrize("given", ["support.example.com", "-acme", "", "a b", "acme.zendesk.com.zendesk.com"])
def test_what_is_no_subdomain_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"before \.zendesk\.com"):
        normalise_subdomain(given)


@pytest.mark.parametrize(
    "given", ["http://acme.zendesk.com", "ftp://x", "https://me:pw@x.example", "https://x/?a=b", "x"]
)
def test_credentials_only_travel_encrypted_or_on_this_machine(given: str) -> None:
    with pytest.raises(ValueError, match="it "):
        normalise_base_url(given)
    assert normalise_base_url("http://127.0.0.1:8080/") == "http://127.0.0.1:8080"
    assert normalise_base_url("https://proxy.example/zendesk/") == "https://proxy.example/zendesk"
