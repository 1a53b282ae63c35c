from __future__ import annotations

from pathlib import Path

import pytest

from miner.addresses import normalise_database_url
from miner.config import VARIABLES, Config
from miner.errors import ConfigError, NoDatabase

ROOT = Path(__file__).parent.parent.parent


def test_an_empty_environment_is_a_development_machine() -> None:
    config = Config.from_environment({})
    assert (config.production, config.host, config.port, config.worker_threads) == (False, "127.0.0.1", 8000, 3)
    assert config.home == Path.cwd() / ".miner"
    assert config.given_database_url is None


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as refusal:
        Config.from_environment({"PORT": "0", "WORKER_THREADS": "many", "DATABASE_URL": "x", "LOG_LEVEL": "loud"})
    assert [fault.split()[0].rstrip(":") for fault in refusal.value.faults] == [
        "DATABASE_URL",
        "PORT",
        "WORKER_THREADS",
        "LOG_LEVEL",
    ]


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgres://me:pw@localhost/x", "postgresql+psycopg://me:pw@localhost/x"),
        ("postgresql://me@127.0.0.1:5433/x", "postgresql+psycopg://me@127.0.0.1:5433/x"),
        ("postgresql+psycopg2://localhost/x", "postgresql+psycopg://localhost/x"),
        ("postgres://me:pw@db.example.com:5432/x", "postgresql+psycopg://me:pw@db.example.com:5432/x?sslmode=require"),
        (
            "postgres://db.example.com/x?sslmode=verify-full",
            "postgresql+psycopg://db.example.com/x?sslmode=verify-full",
        ),
        ("postgresql:///x?host=/var/run/pg", "postgresql+psycopg:///x?host=%2Fvar%2Frun%2Fpg"),
        ("postgresql://localhost/x?options=-c%20a%3Db", "postgresql+psycopg://localhost/x?options=-c%20a%3Db"),
    ],
)
def test_every_usual_form_of_a_database_url_is_understood(given: str, used: str) -> None:
    assert normalise_database_url(given) == used


@pytest.mark.parametrize(
    "url", ["mysql://a/b", "localhost/x", "postgresql://localhost", "postgresql://h:port/x", "://"]
)
def test_a_wrong_database_url_is_refused_without_repeating_a_password(url: str) -> None:
    with pytest.raises(ValueError, match="it "):
        normalise_database_url(url)
    with pytest.raises(ConfigError) as refusal:
        Config.from_environment({"DATABASE_URL": url.replace("//", "//me:hunter2@", 1)})
    assert "hunter2" not in str(refusal.value)


def test_a_process_without_any_database_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoDatabase, match="miner up"):
        Config.from_environment({"MINER_HOME": str(tmp_path)}).database_url()


def test_every_variable_stands_in_the_documents() -> None:
    reference = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for variable in VARIABLES:
        assert f"| `{variable.name}` |" in reference, f"docs/configuration.md lacks {variable.name}"
        assert variable.sentence in reference, f"docs/configuration.md says something else of {variable.name}"
        assert f"{variable.name}=" in example, f".env.example lacks {variable.name}"
