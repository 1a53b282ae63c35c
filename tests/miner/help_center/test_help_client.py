from __future__ import annotations

import socket
from typing import Any

import pytest

from miner.errors import HelpCenterRefused, HelpCenterTrouble
from miner.help_center.client import HelpCenter
from tests.standins.zendesk.help_center import article
from tests.standins.zendesk.standin import StandIn


def base(zendesk: StandIn, locale: str = "en-us") -> str:
    return f"{zendesk.base_url}/hc/{locale}"


def fetch(zendesk: StandIn, locale: str = "en-us", **options: Any) -> list[Any]:
    with HelpCenter(base(zendesk, locale), development=True, **options) as client:
        return client.fetch_articles()


def test_every_article_is_fetched_page_by_page_without_any_credential(zendesk: StandIn) -> None:
    zendesk.store.articles = [article(n, f"Title {n}", section=7001 + n % 3, body="<p>x</p>") for n in range(1, 251)]
    found = fetch(zendesk)
    assert [one.article_id for one in found] == list(range(1, 251))
    assert {one.section for one in found} == {"Getting started", "Troubleshooting", "Billing"}
    asked = [entry for entry in zendesk.log if entry.route.startswith("help_")]
    assert [entry.route for entry in asked] == ["help_sections", *["help_articles"] * 3]
    for entry in asked:
        assert not {"authorization", "cookie"} & set(entry.headers)


@pytest.mark.parametrize(
    ("fault", "given", "error", "said"),
    [
        ("404_record", {}, HelpCenterRefused, "locale"),
        ("403_product", {}, HelpCenterRefused, "only a public Help Center"),
        ("401_refused", {}, HelpCenterRefused, "login"),
        ("429_text", {}, HelpCenterTrouble, "429"),
        ("503", {}, HelpCenterTrouble, "503"),
        ("200_html", {}, HelpCenterTrouble, "no whole JSON"),
        ("200_empty", {}, HelpCenterTrouble, "no whole JSON"),
        ("200_list", {}, HelpCenterTrouble, "no object"),
        ("200_error", {}, HelpCenterTrouble, "lacks its articles"),
        ("truncated_json", {}, HelpCenterTrouble, "no whole JSON"),
        ("cut", {}, HelpCenterTrouble, "cannot be read"),
        ("reset", {}, HelpCenterTrouble, "cannot be read"),
        ("redirect", {}, HelpCenterRefused, "which is not followed"),
        ("answer", {"status": 418}, HelpCenterRefused, "418"),
    ],
)
def test_what_goes_wrong_has_a_name_and_gives_no_part(
    zendesk: StandIn, fault: str, given: dict[str, Any], error: type[Exception], said: str
) -> None:
    zendesk.faults.add(fault, "help_articles", **given)
    with pytest.raises(error, match=said):
        fetch(zendesk)
    assert len(fetch(zendesk)) == 8


def test_a_limit_says_when_to_come_back(zendesk: StandIn) -> None:
    zendesk.faults.add("429_text", "help_sections", retry_after=42)
    with pytest.raises(HelpCenterTrouble) as limited:
        fetch(zendesk)
    assert (limited.value.retryable, limited.value.retry_after) == (True, 42)


def test_an_answer_that_hangs_is_given_up(zendesk: StandIn) -> None:
    zendesk.faults.add("hang", "help_sections")
    with pytest.raises(HelpCenterTrouble, match="ReadTimeout"):
        fetch(zendesk, seconds=0.2)


def test_a_redirect_is_followed_on_its_own_host_alone(zendesk: StandIn) -> None:
    zendesk.faults.add("redirect", "help_sections", to=zendesk.base_url)
    assert len(fetch(zendesk)) == 8
    zendesk.faults.add("redirect", "help_sections", to=zendesk.base_url, times=None)
    with pytest.raises(HelpCenterTrouble, match="in a circle"):
        fetch(zendesk)


def test_a_help_center_without_an_article_is_a_wrong_address(zendesk: StandIn) -> None:
    zendesk.store.articles = []
    with pytest.raises(HelpCenterRefused, match="no public article"):
        fetch(zendesk)
    with pytest.raises(HelpCenterRefused, match="locale"):
        fetch(zendesk, locale="fr")


def test_loopback_is_for_development(zendesk: StandIn) -> None:
    with HelpCenter(base(zendesk), development=False) as client, pytest.raises(HelpCenterRefused, match="private"):
        client.fetch_articles()


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "172.16.5.5", "192.168.1.1", "127.0.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "::1", "fd00::1",
     "fe80::1", "::ffff:10.0.0.1", "224.0.0.1"],
)  # fmt: skip
@pytest.mark.parametrize("development", [True, False])
def test_a_name_that_leads_into_a_private_network_is_refused(
    monkeypatch: pytest.MonkeyPatch, address: str, development: bool
) -> None:
    """Also where only one of its addresses does."""
    public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443))
    hidden = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [public, hidden])
    client = HelpCenter("https://help.example.com/hc/en-us", development=development)
    with client, pytest.raises(HelpCenterRefused, match="private network"):
        client.fetch_articles()


def test_the_connection_goes_to_the_address_that_was_checked(zendesk: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that stands for another address a moment later leads nowhere else: it is looked up once a call."""
    asked: list[str] = []
    resolve = socket.getaddrinfo

    def look_up(host: str, *rest: Any, **more: Any) -> Any:
        asked.append(str(host))
        return resolve("127.0.0.1" if host == "localhost" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with HelpCenter(base(zendesk).replace("127.0.0.1", "localhost"), development=True) as client:
        client.fetch_articles()
    assert [host for host in asked if host == "localhost"] == ["localhost"] * 2
    hosts = {entry.headers["host"] for entry in zendesk.log if entry.route.startswith("help_")}
    assert hosts == {zendesk.base_url.removeprefix("http://").replace("127.0.0.1", "localhost")}


@pytest.mark.parametrize(
    "given", ["http://help.example.com/hc/en", "https://u:p@help.example.com/hc/en", "https://help.example.com:8443/hc/en",
              "https://help.example.com", "file:///hc/en", "https://[::1/hc/en"]
)  # fmt: skip
def test_only_the_address_of_a_public_help_center_is_asked(given: str) -> None:
    with pytest.raises(HelpCenterRefused):
        HelpCenter(given, development=True)
