"""Settings are versions: only what differs is stored, the newest is in force, a run keeps its own."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from miner import settings
from miner.access import Role
from miner.config import Config
from miner.errors import InvalidArguments, Refused
from miner.models import AuditEntry, SettingsVersion
from miner.runs import pipeline
from miner.runs.context import StepContext
from miner.runs.creation import create_run
from miner.runs.holds import Holds
from miner.runs.jobs import get_job
from miner.runs.workers import Identity, record_beat
from tests.factories import TESTER, VIEWER


def test_only_what_differs_from_the_defaults_is_stored(session: Session) -> None:
    version = settings.save(session, settings.parse({"granularity": 2.0, "run_days": 90}), by=TESTER, note="finer")
    session.commit()
    row = session.get_one(SettingsVersion, version)
    assert (row.values, row.note, row.created_by) == ({"granularity": 2.0}, "finer", "code tester")


def test_the_newest_version_is_in_force_and_the_older_ones_stay(session: Session) -> None:
    before, old = settings.load(session)
    after = settings.save(session, settings.parse({"granularity": 2.0}), by=TESTER)
    assert settings.load(session) == (after, settings.parse({"granularity": 2.0}))
    assert settings.load_version(session, before) == old


def test_a_change_is_audited_with_the_version_before(session: Session) -> None:
    before, _ = settings.load(session)
    after = settings.save(session, settings.parse({"run_days": 7}), by=TESTER)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "settings.save")).one()
    assert (entry.object_id, entry.before, entry.after) == (str(after), {"version": before}, {"run_days": 7})


def test_who_is_no_admin_changes_nothing(session: Session) -> None:
    with pytest.raises(Refused, match=Role.admin.name):
        settings.save(session, settings.Settings(), by=VIEWER)
    assert len(session.scalars(select(SettingsVersion.version)).all()) == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"granularity": 9}, "granularity"),
        ({"backlog": "perhaps"}, "backlog"),
        ({"ask_above_usd": 0}, "ask_above_usd"),
        ({"no_such": 1}, "no_such"),
        ({"type_definitions": {"nonsense": "x"}}, "type_definitions"),
    ],
)
def test_what_is_refused_is_named_and_its_value_is_not_shown(values: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidArguments) as refused:
        settings.parse(values)
    assert any(name.startswith(field) for name in refused.value.fields)
    assert "Mars" not in str(refused.value)


def test_every_setting_has_a_sentence() -> None:
    assert [name for name, field in settings.Settings.model_fields.items() if not field.description] == []


def test_a_run_keeps_the_settings_it_began_with_whoever_goes_on_with_it(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    from miner.errors import ShutdownRequested
    from miner.trends import refresh

    seen: list[tuple[int, float]] = []

    def leave_once(context: StepContext) -> None:
        seen.append((context.settings_version, context.settings.granularity))
        if len(seen) == 1:
            raise ShutdownRequested("the process is stopping")

    monkeypatch.setattr(refresh, "run", leave_once)
    identity = Identity("worker")
    record_beat(session, identity)
    began = settings.save(session, settings.parse({"granularity": 2.0}), by=TESTER)
    run_id, _ = create_run(session, get_job("trends"), {}, by=TESTER, trigger="code")
    session.commit()
    for _ in range(2):
        pipeline.work(run_id, worker_id=identity.id, holds=Holds(), config=Config.from_environment(), lease_seconds=60)
        settings.save(session, settings.parse({"granularity": 3.0}), by=TESTER)
        session.commit()
    assert seen == [(began, 2.0), (began, 2.0)]
