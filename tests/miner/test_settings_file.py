from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner import settings, settings_file
from miner.cli import main
from miner.db import transaction
from miner.errors import InvalidArguments
from miner.settings import Settings

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "docs" / "examples" / "time-and-attendance.toml"
words = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@given(
    product=words,
    areas=st.dictionaries(words, st.lists(words, max_size=3), max_size=3),
    budget=st.none() | st.floats(0.01, 1e6),
)
def test_what_is_exported_is_read_back_as_it_was(
    product: str, areas: dict[str, list[str]], budget: float | None
) -> None:
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
