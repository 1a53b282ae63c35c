"""What of an answer about themes holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from miner.themes.telling import Subject, judge_telling, telling_schema, themes_document
from tests.standins.claude.contract import check_schema

SUBJECT = Subject("t1", {7: "CSV export fails", 8: "Export hangs"}, {9: "Cannot log in"}, ["Login fails"])


def answer(**changes: Any) -> str:
    told = {
        "theme": "t1",
        "object": "CSV export",
        "failure": "stops",
        "name": "CSV export stops at 10,000 rows",
        "sentences": [{"text": "People export.", "issues": ["i7"]}, {"text": "It hangs.", "issues": ["i8", "i7"]}],
        "points": [{"text": "It fails", "issues": ["i7"]}],
    }
    return json.dumps({"answers": [{**told, **changes}]})


def test_a_name_with_sentences_that_cite_issues_holds() -> None:
    told = judge_telling(answer(), [SUBJECT], set())["t1"]
    assert told.name == "CSV export stops at 10,000 rows"
    assert told.sentences == [{"text": "People export.", "issues": [7]}, {"text": "It hangs.", "issues": [8, 7]}]
    assert told.points == [{"text": "It fails", "issues": [7]}]


@pytest.mark.parametrize("issues", [[], ["i9"], ["i999"], ["7; DROP"], "i7", None])
def test_a_sentence_that_cites_no_issue_of_the_theme_is_dropped(issues: Any) -> None:
    told = judge_telling(answer(sentences=[{"text": "Everybody is angry.", "issues": issues}]), [SUBJECT], set())["t1"]
    assert told.sentences == []


@pytest.mark.parametrize("changes", [{"object": ""}, {"failure": " "}, {"name": ""}, {"name": "x" * 71}, {"name": 3}])
def test_a_name_needs_an_object_and_a_failure(changes: dict[str, Any]) -> None:
    assert judge_telling(answer(**changes), [SUBJECT], set())["t1"].name is None


def test_a_name_equal_to_a_siblings_is_refused() -> None:
    assert judge_telling(answer(name="LOGIN fails"), [SUBJECT], set())["t1"].name is None
    assert judge_telling(answer(), [SUBJECT], {"csv export stops at 10,000 rows"})["t1"].name is None


@pytest.mark.parametrize("text", ["", "no", "[]", "{}", '{"answers": 3}', '{"answers": [3]}', '{"answers": null}'])
def test_an_answer_of_another_shape_tells_nothing(text: str) -> None:
    assert judge_telling(text, [SUBJECT], set()) == {}


def test_the_schema_is_one_the_api_takes_and_the_document_shows_both_sides() -> None:
    check_schema(telling_schema())
    (theme,) = json.loads(themes_document([SUBJECT]))["themes"]
    assert [one["id"] for one in theme["inside"]] == ["i7", "i8"]
    assert theme["outside"] == ["Cannot log in"]
