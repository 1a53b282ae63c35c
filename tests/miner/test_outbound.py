"""Addresses that people enter lead to public hosts only."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from miner import outbound
from miner.errors import InvalidArguments

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "::1", "::", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:0a00:0001::1", "224.0.0.1",
    "255.255.255.255",     "192.0.2.1", "198.18.0.1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_of_no_public_network_is_refused(address: str) -> None:
    assert not outbound.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_one(address: str) -> None:
    assert outbound.is_public(address)


@pytest.mark.parametrize("spelling", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "[::1]"])
def test_other_spellings_of_this_machine_lead_nowhere(spelling: str) -> None:
    with outbound.client() as client, pytest.raises((httpx.TransportError, httpx.InvalidURL)):
        client.get(f"https://{spelling}/")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.com/", "https://"),
        ("ftp://hooks.example.com/", "https://"),
        ("https://ann:secret@hooks.example.com/", "login"),
        ("https://hooks.example.com:6379/", "ports"),
        ("https://", "https://"),
        ("not an address", "https://"),
        ("https://[::1", "like"),
    ],
)
def test_an_address_that_may_not_be_entered_says_why(url: str, why: str) -> None:
    with pytest.raises(InvalidArguments) as refused:
        outbound.check_url(url, field="webhook")
    assert why in refused.value.fields["webhook"]


def test_development_may_name_this_machine() -> None:
    assert outbound.check_url("http://127.0.0.1:9000/x", local=True) == "http://127.0.0.1:9000/x"
    with pytest.raises(InvalidArguments):
        outbound.check_url("http://10.0.0.1/x", local=True)


class Answers:
    """What names resolve to, one answer after the other."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked += 1
        found = self.answers[min(self.asked, len(self.answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Answers(["8.8.8.8", "10.0.0.1"]))
    with pytest.raises(outbound.NotPublic, match=r"hooks\.example\.com"):
        outbound.resolve_public("hooks.example.com", 443)


class Taken(httpx.BaseTransport):
    """Notes where a request would connect to."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(204)


def test_a_name_that_answers_otherwise_the_second_time_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Answers(["8.8.8.8"], ["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", names)
    taken = Taken()
    with httpx.Client(transport=outbound.PublicTransport(inner=taken)) as client:
        assert client.post("https://hooks.example.com/x", content=b"{}").status_code == 204
        (request,) = taken.requests
        assert request.url.host == "8.8.8.8"
        assert request.headers["host"] == "hooks.example.com"
        assert request.extensions["sni_hostname"] == "hooks.example.com"
        assert names.asked == 1
        with pytest.raises(outbound.NotPublic):
            client.post("https://hooks.example.com/x", content=b"{}")
        assert len(taken.requests) == 1


@pytest.fixture
def redirecting() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/inside")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def test_a_redirect_is_not_followed(redirecting: str) -> None:
    with outbound.client(local=True) as client:
        assert client.get(redirecting).status_code == 302


def test_a_host_that_does_not_exist_is_an_error_of_the_transport() -> None:
    with outbound.client() as client, pytest.raises(httpx.ConnectError, match="there is no host"):
        client.get("https://no-such-host.invalid/")
