"""`miner users`, `miner config`: from the first admin to a rotation of the key."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from miner import db, users
from miner.cli import main
from miner.models import User
from miner.sealing import Sealer

OLD, NEW = "o" * 40, "n" * 40


def test_the_first_admin_gets_a_link_to_the_public_address(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://issues.example.com/")
    assert main(["users", "create", "ada@example.com", "--role", "admin", "--name", "Ada"]) == 0
    link = capsys.readouterr().out.strip()
    assert link.startswith("https://issues.example.com/welcome?key=")
    with db.transaction() as session:
        found = users.find_by_link(session, link.partition("key=")[2])
        assert found is not None
        assert (found.email, found.role) == ("ada@example.com", "admin")


def test_users_are_listed_changed_shut_out_and_reset(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["users", "create", "ada@example.com"])
    assert main(["users", "role", "ada@example.com", "operator"]) == 0
    assert main(["users", "disable", "ADA@example.com"]) == 0
    capsys.readouterr()
    assert main(["users", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["role"], row["state"], row["second_factor"]) == ("operator", "disabled", False)
    assert main(["users", "enable", "ada@example.com"]) == 0
    assert main(["users", "reset", "ada@example.com"]) == 0
    assert "/welcome?key=" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["create", "no address"], ["disable", "nobody@example.com"]])
def test_what_cannot_be_done_is_a_sentence_and_exit_code_2(
    database: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["users", *arguments]) == 2
    assert capsys.readouterr().err.startswith("miner: ")


def test_after_a_rotation_the_old_key_can_go(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    main(["users", "create", "ada@example.com"])
    with db.transaction() as session:
        session.scalars(select(User)).one().totp_secret = Sealer((OLD,)).seal("JBSWY3DP")
    monkeypatch.setenv("SECRET_KEY", NEW)
    assert main(["users", "rekey"]) == 4
    monkeypatch.setenv("SECRET_KEY", f"{NEW}, {OLD}")
    assert main(["users", "rekey"]) == 0
    with db.transaction() as session:
        assert Sealer((NEW,)).open(str(session.scalars(select(User)).one().totp_secret)) == "JBSWY3DP"


def test_the_configuration_is_shown_with_its_sources_and_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-hush")
    monkeypatch.setenv("PORT", "9000")
    assert main(["config", "--json"]) == 0
    rows = {row["variable"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["ANTHROPIC_API_KEY"] == {"variable": "ANTHROPIC_API_KEY", "value": "***", "source": "environment"}
    assert (rows["PORT"]["value"], rows["PORT"]["source"]) == ("9000", "environment")
    assert rows["LOG_LEVEL"]["source"] == "default"
    assert rows["PUBLIC_URL"]["source"] == "absent"


def test_a_configuration_that_would_not_start_is_shown_with_every_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DATABASE_URL", "PUBLIC_URL", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("PORT", "x")
    assert main(["config"]) == 4
    said = capsys.readouterr().err
    for name in ("PORT", "PUBLIC_URL", "SECRET_KEY", "DATABASE_URL"):
        assert name in said
    assert main(["runs", "list"]) == 4


def test_an_embedded_database_in_production_must_be_meant(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("PUBLIC_URL", "https://issues.example.com")
    monkeypatch.setenv("SECRET_KEY", OLD)
    assert main(["config"]) == 4
    assert "MINER_EMBEDDED=yes" in capsys.readouterr().err
    monkeypatch.setenv("MINER_EMBEDDED", "yes")
    assert main(["config"]) == 0


@pytest.mark.parametrize("key", ["short", f"{OLD},short"])
def test_a_key_that_could_be_guessed_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    monkeypatch.setenv("SECRET_KEY", key)
    assert main(["config"]) == 4
    assert "at least 32 characters" in capsys.readouterr().err
