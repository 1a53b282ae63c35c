"""What a theme says without a language model."""

from __future__ import annotations

from miner.themes.embed import embed_texts
from miner.themes.portraits import MOST_ISSUES, Voice, portray

EXPORT = ["CSV export fails", "CSV export crashes", "The CSV export fails with an error"]
ZONE = ["Exported times are in the wrong time zone", "Export shows UTC instead of my time zone"]
SLOW = ["The export takes an hour", "Exporting is far too slow"]
TEXTS = EXPORT + ZONE + SLOW


def voices(customers: list[int | None], texts: list[str] = TEXTS) -> list[Voice]:
    pairs = zip(texts, customers, strict=True)
    return [Voice(n, text, who, severe=n == 2) for n, (text, who) in enumerate(pairs, 1)]


def test_points_are_distinct_and_counted() -> None:
    found = portray(voices([1, 2, 3, 4, 5, 6, 7]), embed_texts(TEXTS), ["export"])
    assert 3 <= len(found["points"]) <= 5
    assert sum(point["count"] for point in found["points"]) <= 7
    assert found["points"][0]["text"] in EXPORT
    assert len({point["text"] for point in found["points"]}) == len(found["points"])


def test_quotes_are_of_different_customers() -> None:
    found = portray(voices([1, 1, 1, 1, 2, 2, None]), embed_texts(TEXTS), [])
    assert len(found["quotes"]) == 3
    customers = dict(enumerate([1, 1, 1, 1, 2, 2, None], 1))
    assert {customers[issue] for issue in found["quotes"]} == {1, 2, None}
    assert len(portray(voices([1] * 7), embed_texts(TEXTS), [])["quotes"]) == 1


def test_every_sentence_names_the_issues_it_rests_on() -> None:
    found = portray(voices([1, 2, 3, 4, 5, 6, 7]), embed_texts(TEXTS), ["export", "csv"])
    assert 2 <= len(found["sentences"]) <= 3
    assert all(one["issues"] for one in found["sentences"])
    assert "export, csv" in found["sentences"][0]["text"]
    assert found["sentences"][-1] == {"text": "1 of 7 are of high or critical severity.", "issues": [2]}


def test_the_newest_of_a_large_theme_make_its_portrait() -> None:
    texts = ["CSV export fails"] * (MOST_ISSUES + 50)
    found = portray(voices([None] * len(texts), texts), embed_texts(texts[:1]).repeat(len(texts), axis=0), [])
    assert found["points"] == [{"text": texts[0], "count": MOST_ISSUES, "issue": 51}]


def test_a_theme_of_one_issue_has_one_point() -> None:
    found = portray(voices([None], TEXTS[:1]), embed_texts(TEXTS[:1]), [])
    assert [point["count"] for point in found["points"]] == [1]
