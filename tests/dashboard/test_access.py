"""What the environment says about the front door, and what is noticed when it is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.security.access import Access, is_loopback
from miner.config import Config
from tests.dashboard.conftest import ELSEWHERE, HERE, make_client, new_token

OURS = "https://issues.example.com"


def access(**columns: Any) -> Access:
    defaults: dict[str, Any] = {"production": False, "open_locally": True, "hosts": frozenset()}
    return Access(**{**defaults, **columns})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "::ffff:127.0.0.1", "localhost", "LOCALHOST"])
def test_the_addresses_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["192.0.2.7", "0.0.0.0", "::", "fe80::1", "::ffff:192.0.2.7", "box", ""])
def test_any_other_address(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("server", "open_locally", "found"),
    [
        (("192.0.2.7", 8000), True, "192.0.2.7"),
        (("192.0.2.7", 8000), False, None),
        (("127.0.0.1", 8000), True, None),
        (("/run/web.sock", None), True, None),
        (None, True, None),
    ],
)
def test_a_bind_that_host_does_not_name_is_found(server: object, open_locally: bool, found: str | None) -> None:
    assert access(open_locally=open_locally).find_wrong_bind({"server": server}) == found


def warnings(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    return [line for line in lines if line["event"] == "bound_elsewhere"]


def test_a_server_bound_elsewhere_shows_strangers_a_login_and_warns_once(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    environ = {"PUBLIC_URL": "http://192.0.2.7:8000"}
    with make_client(environ, peer=ELSEWHERE, base_url="http://192.0.2.7:8000") as stranger:
        for path in ("/themes", "/runs"):
            assert stranger.get(path).headers["location"].startswith("/login")
    (line,) = warnings(caplog)
    assert line["level"] == "warning"
    assert "192.0.2.7" in line["message"]
    assert "set HOST to the address that is bound" in line["message"]


def test_a_server_that_is_bound_as_host_says_does_not_warn(database: str, caplog: pytest.LogCaptureFixture) -> None:
    with make_client(peer=HERE) as client:
        client.get("/themes")
    new_token()
    with make_client({"HOST": "0.0.0.0"}, peer=ELSEWHERE, base_url="http://192.0.2.7:8000") as stranger:
        stranger.get("/themes")
    assert warnings(caplog) == []


@pytest.mark.parametrize(
    ("production", "public", "host", "own"),
    [
        (False, None, "localhost:8000", {"http://localhost:8000", "https://localhost:8000"}),
        (False, "http://box:8000", "box:8000", {"http://box:8000", "https://box:8000"}),
        (False, OURS, "issues.example.com", {OURS}),
        (False, OURS, "localhost:8000", {OURS, "http://localhost:8000", "https://localhost:8000"}),
        (True, OURS, "localhost:8000", {OURS}),
        (True, OURS, "issues.example.com", {OURS}),
    ],
)
def test_which_pages_are_ours(production: bool, public: str | None, host: str, own: set[str]) -> None:
    assert access(production=production, public_origin=public).own_origins(host) == own


@pytest.mark.parametrize(
    ("environ", "cookie"),
    [({}, "sid"), ({"PUBLIC_URL": "http://issues.example.com"}, "sid"), ({"PUBLIC_URL": OURS}, "__Host-sid")],
)
def test_the_cookie_is_bound_to_the_host_where_people_come_over_tls(environ: dict[str, str], cookie: str) -> None:
    found = Access.from_config(Config.from_environment(environ))
    assert found.cookie == cookie
    assert found.https == cookie.startswith("__Host-")
