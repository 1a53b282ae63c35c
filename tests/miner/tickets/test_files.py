from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miner.errors import ImportFailed
from miner.tickets.files import inspect, read_records
from miner.tickets.jsonstream import Unreadable, read_values


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def values(path: Path) -> list[Any]:
    return [record.value for record in read_records(inspect(path))]


ROWS = [{"id": 1, "subject": "Crash\nhere"}, {"id": 2, "subject": "Naïve 😀"}]
NDJSON = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ndjson", NDJSON),
        ("a.jsonl", NDJSON.replace("\n", "\r\n") + "\n  \n"),
        ("a.json", NDJSON),
        ("a.json", json.dumps(ROWS)),
        ("a.json", json.dumps(ROWS, indent=2)),
        ("a.json", json.dumps({"count": 2, "users": [{"tickets": 1}], "tickets": ROWS, "end_of_stream": True})),
        ("a", "\ufeff" + json.dumps(ROWS)),
        ("export", NDJSON),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_every_shape_of_json_gives_the_same_records(tmp_path: Path, name: str, content: str, packed: bool) -> None:
    data = content.encode()
    path = write(tmp_path / (name + ".gz" if packed else name), gzip.compress(data) if packed else data)
    assert values(path) == ROWS


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_by_its_header_with_newlines_and_quotes_inside(tmp_path: Path, delimiter: str) -> None:
    text = 'id,subject,created_at\r\n1,"Say ""hi""\r\nnow",2026-11-20\r\n2,x,2026-11-21\r\n'.replace(",", delimiter)
    records = list(read_records(inspect(write(tmp_path / "a.csv", "\ufeff" + text))))
    assert [(record.line, record.value["subject"]) for record in records] == [(2, 'Say "hi"\r\nnow'), (4, "x")]


def test_broken_lines_are_told_by_number_and_the_others_are_read(tmp_path: Path) -> None:
    content = '{"id": 1}\n{"id": \n\n' + "[" * 100_000 + '\n{"id": ' + "9" * 5_000 + '}\n{"id": 2}'
    found = list(read_records(inspect(write(tmp_path / "a.ndjson", content))))
    assert [(record.line, record.value) for record in found if not record.fault] == [(1, {"id": 1}), (6, {"id": 2})]
    faults = {record.line: record.fault or "" for record in found if record.fault}
    assert sorted(faults) == [2, 4, 5]
    assert "nested too deeply" in faults[4]


def test_broken_rows_of_csv_are_told_and_the_others_are_read(tmp_path: Path) -> None:
    content = (
        'id,subject,created_at\n1,a,2026-11-20\n2,b\n3,c,d,e\n4,"x"y,2026-11-20\n5,z,2026-11-20\n6,"open,2026-11-20\n'
    )
    found = list(read_records(inspect(write(tmp_path / "a.csv", content))))
    assert [record.value["id"] for record in found if not record.fault] == ["1", "5"]
    assert [record.line for record in found if record.fault] == [3, 4, 5, 7]
    assert "2 cells, the header has 3" in str(found[1].fault)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.ndjson", b"", r"a\.ndjson is empty"),
        ("a.csv", b" \n\n", r"a\.csv is empty"),
        ("a.ndjson", b'{"id": 1}\n{"id": "caf\xe9"}\n', r"not UTF-8: line 2, byte 21; save it as UTF-8"),
        ("a.json", '[{"id": 1}]'.encode("utf-16"), "looks like UTF-16"),
        ("a.json", '[{"id": 1}]'.encode("utf-16-le"), "looks like UTF-16"),
        ("a.ndjson", b'{"id": "\xe2\x82', "ends within a character"),
        ("a.json", b"hello", "line 1: it is not JSON"),
        ("a.json", b'{\n"users": []}', 'an object with "tickets"'),
        ("a.json", b'{\n"tickets": 5}', '"tickets" is not a list'),
        (
            "a.json",
            b'[{"id": 1}, {"id": 2',
            "line 1: the file ends in the middle of a value; the tickets before it are",
        ),
        ("a.json", b'[{"id": 1},\n{"id" 2},\n{"id": 3}]', "line 2: it is not JSON"),
        ("a.json", b'[{"id": 1}\n{"id": 2}]', "line 2: a comma"),
        ("a.csv", b"name,text\n1,2\n", "line 1: no column id and no column created_at"),
        ("a.csv", b"id,created_at\n1,2\n", "no column subject or description"),
        ("a.gz", gzip.compress(b'{"id": 1}\n' * 1000, mtime=0)[:-20], "gzip data breaks off"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_place_and_the_remedy(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(ImportFailed, match=sentence):
        values(path)


def test_the_place_of_a_wrong_byte_is_right_beyond_the_first_megabyte(tmp_path: Path) -> None:
    line = ("é" * 999_983 + "\n").encode()
    path = write(tmp_path / "a.ndjson", line * 2 + b"abc\xff")
    with pytest.raises(ImportFailed, match=f"line 3, byte {2 * len(line) + 3};"):
        inspect(path)


def test_a_file_that_is_not_there_or_is_a_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match=r"no file .*missing\.ndjson"):
        inspect(tmp_path / "missing.ndjson")
    with pytest.raises(ImportFailed, match="is a directory"):
        inspect(tmp_path)
    with pytest.raises(ImportFailed, match="its name is not valid"):
        inspect(Path("a\x00b"))


def test_the_records_of_ndjson_are_counted_beforehand(tmp_path: Path) -> None:
    assert inspect(write(tmp_path / "a.ndjson", NDJSON)).total == 2
    assert inspect(write(tmp_path / "b.ndjson", NDJSON.rstrip())).total == 2


class Dripping(io.StringIO):
    """Gives a few characters at a time, whatever is asked for."""

    def read(self, size: int | None = -1, /) -> str:
        return super().read(min(7, size) if size and size > 0 else 7)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None, derandomize=True)
@given(st.lists(json_values, max_size=5), st.sampled_from([None, 1]), st.booleans())
def test_a_document_read_in_pieces_is_the_document(elements: list[Any], indent: int | None, wrapped: bool) -> None:
    document = {"a": {"tickets": [1]}, "n": -1.5e3, "tickets": elements, "z": 1} if wrapped else elements
    text = json.dumps(document, indent=indent)
    assert [value for _, value in read_values(Dripping(text))] == elements


@settings(deadline=None, derandomize=True)
@given(st.lists(json_values, min_size=1, max_size=4), st.data())
def test_a_document_cut_anywhere_gives_what_was_whole_and_then_says_so(
    elements: list[Any], data: st.DataObject
) -> None:
    text = json.dumps(elements)
    cut = data.draw(st.integers(1, len(text) - 1))
    found: list[Any] = []
    with pytest.raises(Unreadable):
        found.extend(value for _, value in read_values(Dripping(text[:cut])))
    whole = elements[: len(found)]
    if found and isinstance(elements[len(found) - 1], (int, float)) and not isinstance(elements[len(found) - 1], bool):
        whole, found = whole[:-1], found[:-1]  # a number that is cut is still a number
    assert found == whole
