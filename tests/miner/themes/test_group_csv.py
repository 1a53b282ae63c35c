from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from miner.themes.group_csv import main

ROWS = [
    ("a", "CSV export fails", "bug"),
    ("b", "Export to CSV crashes", "bug"),
    ("c", "More columns in the CSV export", "wish"),
    ("d", "Please add a dark theme", "wish"),
]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("id", "text", "kind"), *ROWS])
    return path


def labels(path: Path) -> dict[str, int]:
    with path.open(newline="") as file:
        return {row["id"]: int(row["cluster"]) for row in csv.DictReader(file)}


def test_the_command_needs_no_database(texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.csv"
    command = [sys.executable, "-m", "miner.themes.grouping", "--in", str(texts), "--out", str(out)]
    subprocess.run(command, check=True, env={"PATH": "", "PYTHONPATH": ":".join(sys.path), "DATABASE_URL": "nonsense"})
    assert labels(out) == {"a": 0, "b": 0, "c": 0, "d": 1}


def test_a_partition_column_keeps_texts_apart(texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.csv"
    main(["--in", str(texts), "--out", str(out), "--partition", "kind"])
    assert labels(out) == {"a": 0, "b": 0, "c": 1, "d": 2}


def test_small_clusters_are_none_when_asked(texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.csv"
    main(["--in", str(texts), "--out", str(out), "--smallest", "3"])
    assert labels(out) == {"a": 0, "b": 0, "c": 0, "d": -1}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--partition", "team"], "has no column team"),
        (["--granularity", "9"], "--granularity must be 0.25 to 4"),
        (["--in", "/nowhere.csv"], "/nowhere.csv cannot be read"),
        (["--out", "/nowhere/labels.csv"], "/nowhere/labels.csv cannot be written"),
    ],
)
def test_bad_input_ends_with_2_and_names_what_is_wrong(
    texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--in", str(texts), "--out", str(tmp_path / "labels.csv"), *arguments])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
