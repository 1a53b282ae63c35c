from __future__ import annotations

import json
from pathlib import Path

import pytest

from miner.errors import UsageError
from miner.issues.labels import read_cases

ROW = {
    "id": "7",
    "subject": "Export",
    "text": "The export crashes. It is slow.",
    "issues": [{"quote": "the export CRASHES", "type": "bug", "area": None}],
}


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_json_lines_hold_tickets_with_their_issues(tmp_path: Path) -> None:
    none = {"id": 8, "text": "Thanks.", "issues": []}
    some = {"id": "9", "text": "A and B.", "complete": False, "issues": [{"quote": "B", "issue": False}]}
    path = written(tmp_path, "set.jsonl", "\n".join(map(json.dumps, [ROW, none, some])) + "\n\n")
    first, second, third = read_cases(path)
    (label,) = first.labels
    assert first.text.text == "Export\n\nThe export crashes. It is slow."
    assert first.text.text[slice(*label.place)] == label.quote == "The export crashes"
    assert label.fields == {"type": "bug", "area": None}
    assert [(case.key, case.complete, case.has_issue) for case in (first, second, third)] == [
        ("7", True, True), ("8", True, False), ("9", False, None),
    ]  # fmt: skip
    assert third.labels[0].issue is False


def test_csv_holds_a_line_for_each_issue(tmp_path: Path) -> None:
    text = 'id,subject,text,quote,type,severity\n1,Export,"It crashes.\nIt hangs.",It crashes.,bug,\n'
    text += '1,Export,"It crashes.\nIt hangs.",It hangs.,performance,high\n2,,Thanks.,,,\n'
    first, second = read_cases(written(tmp_path, "set.csv", text))
    assert [label.fields for label in first.labels] == [
        {"type": "bug"}, {"type": "performance", "severity": "high"},
    ]  # fmt: skip
    assert (second.labels, second.has_issue) == ((), False)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.jsonl", "{", "line 1: it is not a JSON object"),
        ("a.jsonl", "[]", 'needs "issues"'),
        ("a.jsonl", '{"issues": []}', 'needs an "id" and a "text"'),
        ("a.jsonl", json.dumps({**ROW, "issues": [{"quote": "never said"}]}), "stands in the text"),
        ("a.jsonl", json.dumps({**ROW, "issues": [{"quote": "slow", "type": "x"}]}), "type must be one of bug"),
        ("a.jsonl", f"{json.dumps(ROW)}\n{json.dumps(ROW)}", "line 2: the id '7' was used before"),
        ("a.jsonl", "", "holds no ticket"),
        ("a.csv", "id,text\n1,x\n", "no column quote"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path: Path, name: str, text: str, words: str) -> None:
    path = written(tmp_path, name, text)
    with pytest.raises(UsageError) as refused:
        read_cases(path)
    assert words in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_cases(tmp_path / "nothing.jsonl")
