"""Building the application: where it refuses, how it says so, and what it does not load."""

from __future__ import annotations

import subprocess
import sys

import pytest
from starlette.testclient import TestClient

from dashboard.app import build_app, create_app
from miner.access import Role
from miner.config import Config
from miner.errors import ConfigError
from tests.dashboard.conftest import PRODUCTION, make_client, new_token

HEAVY = ("numpy", "scipy", "onnxruntime", "tokenizers", "graspologic_native", "anthropic", "httpx")


@pytest.mark.parametrize("environ", [PRODUCTION, {"HOST": "0.0.0.0"}, {"HOST": "192.0.2.7"}, {"HOST": "::"}])
def test_it_refuses_where_strangers_could_come_and_nobody_could_log_in(database: str, environ: dict[str, str]) -> None:
    new_token(Role.operator)
    with pytest.raises(ConfigError, match="nobody could log in: create an admin first"):
        build_app(Config.from_environment(environ))


@pytest.mark.parametrize("environ", [PRODUCTION, {"HOST": "0.0.0.0"}])
def test_it_starts_there_once_an_admin_token_exists(database: str, environ: dict[str, str]) -> None:
    new_token(Role.admin)
    with make_client(environ) as client:
        assert client.get("/healthz").text == "ok"


def test_development_on_loopback_asks_no_database_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    with make_client() as client:
        assert client.get("/healthz").text == "ok"


def test_the_factory_ends_with_4_and_a_sentence(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("PUBLIC_URL", PRODUCTION["PUBLIC_URL"])
    monkeypatch.setenv("SECRET_KEY", PRODUCTION["SECRET_KEY"])
    with pytest.raises(SystemExit) as ended:
        create_app()
    assert ended.value.code == 4
    assert "ENVIRONMENT is production, and nobody could log in" in capsys.readouterr().err


def test_the_factory_ends_with_4_when_production_has_no_database_to_ask(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from miner import db

    db.use_engine(None)
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:hush@127.0.0.1:1/nothing")
    with pytest.raises(SystemExit) as ended:
        create_app()
    said = capsys.readouterr().err
    assert ended.value.code == 4
    assert "check DATABASE_URL" in said
    assert "hush" not in said
    db.use_engine(None)


@pytest.mark.parametrize("url", ["issues.example.com", "ftp://x", "https://", "https://ann@x"])
def test_a_public_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="PUBLIC_URL"):
        build_app(Config.from_environment({"PUBLIC_URL": url}))


def test_a_web_process_loads_nothing_that_only_work_needs() -> None:
    code = (
        "import sys; from dashboard.app import build_app; from miner.config import Config;"
        "from starlette.testclient import TestClient;"
        "app = build_app(Config.from_environment({}));"
        f"print(sorted(name for name in {HEAVY!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_only_a_test_may_add_a_host() -> None:
    config = Config.from_environment({})
    for more, status in (((), 400), (("testserver",), 404)):
        with TestClient(build_app(config, more_hosts=more)) as client:
            assert client.get("http://testserver/nothing").status_code == status
