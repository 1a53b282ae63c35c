from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from migrations.versions import v0009_knowledge
from miner import schema, settings, settings_file
from miner.cli import main
from miner.db import transaction
from miner.errors import InvalidArguments
from miner.models import SettingsVersion
from miner.settings import Settings

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "docs" / "examples" / "time-and-attendance.toml"
GENERIC = ROOT / "docs" / "examples" / "generic-saas.toml"
words = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
names = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40)


@given(
    product=words,
    areas=st.dictionaries(names, st.lists(names, max_size=3), max_size=3),
    budget=st.none() | st.floats(0.01, 1e6),
)
def test_what_is_exported_is_read_back_as_it_was(
    product: str, areas: dict[str, list[str]], budget: float | None
) -> None:
    assume(len({name.casefold() for name in areas}) == len(areas))
    before = Settings(product=product, areas=areas, month_budget_usd=budget, time_zone="Europe/Berlin")
    assert settings_file.merge(settings_file.dump(before), Settings(), reset=True) == before


def test_every_setting_stands_in_the_file_with_its_sentence() -> None:
    text = settings_file.dump(Settings())
    for name, field in Settings.model_fields.items():
        assert name in text
        assert f"# {field.description}" in text


def test_what_a_file_does_not_name_stays_unless_it_is_reset() -> None:
    current = Settings(time_zone="Europe/Paris", smallest_theme=5)
    assert settings_file.merge("smallest_theme = 4", current) == Settings(time_zone="Europe/Paris", smallest_theme=4)
    assert settings_file.merge("smallest_theme = 4", current, reset=True) == Settings(smallest_theme=4)


@pytest.mark.parametrize("text", ["smallest_theme = ", "smallest_theme = 1", "colour = 'red'", "[areas]\nA = 3"])
def test_a_wrong_file_is_refused_by_the_name_of_what_is_wrong(text: str) -> None:
    with pytest.raises(InvalidArguments):
        settings_file.merge(text, Settings())


def test_the_example_is_valid_and_its_components_belong_to_its_areas() -> None:
    example = settings_file.merge(EXAMPLE.read_text(encoding="utf-8"), Settings())
    assert set(example.components) <= set(example.areas)
    assert "missed punch" in example.product


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ("[areas]\nClock = 3", "areas.Clock", 'write ["one", "two"]'),
        ("areas = 3", "areas", "write its name in brackets"),
        ("product = 3", "product", "write it in quotes"),
        ("langauge = 'French'", "langauge", "did you mean language?"),
        ("colour = 'red'", "colour", "`miner settings export` shows all"),
        ("[areas]\nClock = []\n[components]\nClok = ['Pin']", "components.Clok", "or write 'Clock'"),
        ("[areas]\nClock = []\nCLOCK = []", "areas", "'CLOCK' stands in it twice"),
        ("[areas]\nClock = ['']", "areas.Clock", "correct or remove it"),
        ("[areas]\n'' = []", "areas", "a name is empty"),
        ("[areas]\n" + "\n".join(f"a{n} = []" for n in range(100)), "areas", "at most 99"),
        ("[type_definitions]\nbugg = 'x'", "type_definitions.bugg.[key]", "'bug'"),
        ("[type_definitions]\nbug = ''", "type_definitions.bug", "remove the line"),
        ("[severity_definitions]\nworst = 'x'", "severity_definitions.worst.[key]", "'critical'"),
        ("help_centers = ['https://user:pw@x.example/hc/en']", "help_centers.0", "nothing secret"),
        ("help_centers = ['http://x.example/hc/en']", "help_centers.0", "only https"),
        ("help_centers = ['https://x.example']", "help_centers.0", "locale"),
        ("time_zone = 'Mars/Phobos'", "time_zone", "such as Europe/Berlin"),
    ],
)
def test_a_fault_names_its_setting_and_says_what_to_do(text: str, field: str, said: str) -> None:
    with pytest.raises(InvalidArguments) as refused:
        settings_file.merge(text, Settings())
    assert said in refused.value.fields[field]
    assert "Value error" not in str(refused.value)


def test_what_an_older_release_stored_is_still_loaded(session: Session) -> None:
    session.add(SettingsVersion(values={"components": {"No area": ["x"]}}, note="", created_by="test"))
    session.commit()
    assert settings.load(session)[1].components == {"No area": ["x"]}


def test_a_generic_taxonomy_is_there_from_the_first_day_and_stands_in_a_file(session: Session) -> None:
    _, brought = settings.load(session)
    assert settings_file.merge(GENERIC.read_text(encoding="utf-8"), Settings()) == brought
    assert len(brought.areas) >= 10
    assert set(brought.components) == set(brought.areas)
    assert all(brought.areas.values())


def test_the_command_makes_a_version_only_when_something_changes(
    database: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["settings", "import", str(EXAMPLE)]) == 0
    assert "areas, components, product, severity_definitions changed" in capsys.readouterr().err
    assert main(["settings", "export"]) == 0
    exported = tmp_path / "settings.toml"
    exported.write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["settings", "import", str(exported), "--reset"]) == 0
    assert "nothing changes; version 2" in capsys.readouterr().err
    with transaction() as session:
        assert settings.load(session)[0] == 2


def test_a_missing_file_is_a_wrong_use(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "import", "/nowhere.toml"]) == 2
    assert "/nowhere.toml: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stored", "version", "kept"),
    [({"areas": {"Mine": []}}, 2, {"Mine"}), ({"time_zone": "Europe/Paris"}, 3, None)],
)
def test_an_update_completes_settings_that_have_no_taxonomy_and_leaves_others_alone(
    database: str, session: Session, stored: dict[str, Any], version: int, kept: set[str] | None
) -> None:
    schema.downgrade(database, v0009_knowledge.down_revision)
    session.add(SettingsVersion(values=stored, note="", created_by="test"))
    session.commit()
    schema.upgrade(database)
    found, now = settings.load(session)
    assert found == version
    assert set(now.areas) == (kept or set(settings_file.merge(GENERIC.read_text("utf-8"), Settings()).areas))
    assert now.time_zone == stored.get("time_zone", "UTC")
