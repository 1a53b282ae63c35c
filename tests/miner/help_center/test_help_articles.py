from __future__ import annotations

import pytest

from miner.errors import HelpCenterTrouble
from miner.help_center.articles import Article, digest, next_cursor, outline, parse_articles, parse_sections, plain_text

BASE = "https://help.example.com/hc/en-us"


def article(number: int, title: str, section: str = "S", body: str = "") -> Article:
    return Article(BASE, number, title, section, f"{BASE}/articles/{number}", body)


def test_an_article_is_read_as_people_see_it() -> None:
    row = {"id": 7, "title": " Export\n CSV ", "section_id": 3, "html_url": "javascript:alert(1)",
           "body": "<style>p{}</style><p>Press&nbsp;<b>Export</b> &lt;now&gt;</p><script>x()</script><!-- no -->",
           "updated_at": "soon"}  # fmt: skip
    draft, untitled = {"id": 8, "title": "Draft", "draft": True}, {"id": 9, "title": " "}
    (found,) = parse_articles({"articles": [row, draft, untitled, "x"]}, base=BASE, sections={3: "Files"})
    assert (found.title, found.section, found.body) == ("Export CSV", "Files", "Press Export <now>")
    assert (found.url, found.updated_at) == (f"{BASE}/articles/7", None)
    assert found.meaning == "Export CSV. Files. Press Export <now>"


def test_a_page_that_is_none_is_never_an_empty_one() -> None:
    for data in ({}, {"articles": None}, {"articles": {}}):
        with pytest.raises(HelpCenterTrouble):
            parse_articles(data, base=BASE, sections={})
    with pytest.raises(HelpCenterTrouble):
        parse_sections({"articles": []})
    for meta in (None, {}, {"has_more": True}, {"has_more": True, "after_cursor": ""}):
        with pytest.raises(HelpCenterTrouble):
            next_cursor({"meta": meta})
    assert next_cursor({"meta": {"has_more": False}}) is None


def test_the_outline_is_the_same_for_the_same_articles_and_names_every_section() -> None:
    articles = [article(n, f"How to do thing number {n:03}", f"Section {n % 5}") for n in range(300)]
    whole = outline(articles)
    assert whole == outline(list(reversed(articles)))
    assert len(whole) <= 8_000
    assert [line.split(":")[0] for line in whole.splitlines()] == [f"- Section {n}" for n in range(5)]
    small = outline(articles, room=400)
    assert len(small) <= 400
    assert "more" in small
    assert outline([]) == ""


def test_the_digest_changes_with_what_tickets_are_compared_with() -> None:
    one, other = article(1, "Export"), article(1, "Export", body="Press the button")
    assert digest([one, article(2, "x")]) == digest([article(2, "x"), one])
    assert digest([one]) != digest([other])


def test_broken_markup_is_no_danger() -> None:
    assert plain_text("<p>open <b>and never closed &amp; <script>hidden") == "open and never closed &"
    assert plain_text("<![CDATA[x]]> < > a").endswith("a")
