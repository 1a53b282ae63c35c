from __future__ import annotations

import csv
import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from miner.trends.detect_csv import judge_every_day, main

FIRST = dt.date(2026, 9, 1)


def day(number: int) -> str:
    return (FIRST + dt.timedelta(days=number)).isoformat()


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    """`steady` has a report a day, `jump` six a day from day 60 on; both end on day 66."""
    rows = [("steady", day(number), 1) for number in range(67)]
    rows += [("jump", day(number), 1) for number in range(0, 60, 2)] + [
        ("jump", day(number), 6) for number in range(60, 67)
    ]
    path = tmp_path / "counts.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("theme", "date", "count"), *rows])
    return path


def test_the_command_judges_every_day_without_a_database(counts: Path, tmp_path: Path) -> None:
    out = tmp_path / "flags.csv"
    command = [sys.executable, "-m", "miner.trends.detection", "--in", str(counts), "--out", str(out)]
    subprocess.run(command, check=True, env={"PATH": "", "PYTHONPATH": ":".join(sys.path), "DATABASE_URL": "nonsense"})
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [*rows[0]] == ["theme", "date", "flag", "p"]
    assert len(rows) == 2 * 67
    flagged = {(row["theme"], row["date"]): float(row["p"]) for row in rows if row["flag"] in ("spike", "rising")}
    assert {theme for theme, _ in flagged} == {"jump"}
    assert min(date for _, date in flagged) == day(60)
    assert all(p < 0.001 for p in flagged.values())


def test_a_day_is_judged_by_what_came_before_it_alone() -> None:
    early = {"a": {FIRST + dt.timedelta(days=number): number % 3 for number in range(60)}}
    late = {"a": early["a"] | {FIRST + dt.timedelta(days=number): 50 for number in range(60, 80)}}
    assert list(judge_every_day(early)) == list(judge_every_day(late))[:60]


def test_no_counts_give_no_flags() -> None:
    assert list(judge_every_day({})) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("theme,count\na,1\n", "has no column date"),
        ("theme,date,count\na,2026-09-01,1\na,yesterday,1\n", "line 3"),
        ("theme,date,count\na,2026-09-01,-1\n", "line 2: -1 is negative"),
        ("theme,date,count\na,2026-09-01\n", "line 2"),
    ],
)
def test_bad_input_ends_with_2_and_names_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, said: str
) -> None:
    source = tmp_path / "counts.csv"
    source.write_text(content)
    with pytest.raises(SystemExit) as ended:
        main(["--in", str(source), "--out", str(tmp_path / "flags.csv")])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
