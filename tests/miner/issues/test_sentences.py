from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from miner.issues.sentences import LONGEST, split


def parts(text: str) -> list[str]:
    return [sentence.text for sentence in split(text)]


def roles(text: str) -> list[tuple[str, str]]:
    return [(sentence.role, sentence.text) for sentence in split(text)]


def test_a_message_is_cut_at_the_ends_of_sentences_only() -> None:
    assert parts("It fails, e.g. in v2.53.1 on www.acme.example. Why? Mr. Ito (Acme) asked! ok") == [
        "It fails, e.g. in v2.53.1 on www.acme.example.", "Why?", "Mr. Ito (Acme) asked!", "ok",
    ]  # fmt: skip


def test_a_wrapped_line_goes_on_and_a_list_or_a_blank_line_ends_it() -> None:
    assert parts("The export\nfails when\n\nI press:\n- the button\n- the key\n1. twice") == [
        "The export\nfails when", "I press:", "- the button", "- the key", "1. twice",
    ]  # fmt: skip


def test_the_headings_of_a_report_give_the_parts_their_role() -> None:
    text = (
        "User Agent: Mozilla/5.0 (X11) Steps to reproduce: Open a page. Click. "
        "**Actual results:** Nothing is shown. Expected results: The page is shown."
    )
    assert roles(text) == [
        ("noise", "Mozilla/5.0 (X11)"),
        ("steps", "Open a page."),
        ("steps", "Click."),
        ("actual", "Nothing is shown."),
        ("expected", "The page is shown."),
    ]


def test_one_fact_does_not_hide_the_story_after_it() -> None:
    assert roles("Version: 2.1. It crashes.")[-1] == ("free", "It crashes.")


def test_greetings_signatures_quoted_mail_and_logs_are_noise() -> None:
    text = (
        "Hello team,\n\nThe app crashes.\n\n> When did it start?\n\n2026-11-20 10:00:01 ERROR NullPointer\n\n"
        "at com.acme.Main.run(Main.java:3)\n\nKind regards, Kim\n\nSent from my phone"
    )
    assert [text for role, text in roles(text) if role != "noise"] == ["The app crashes."]
    assert [role for role, _ in roles("Hello, the app crashes when I start it today")] == ["free"]


def test_a_sentence_without_end_is_cut_where_it_can_be() -> None:
    for unit in ("word ", "word, ", "wort", "\u3042"):
        text = unit * 400
        pieces = split(text)
        assert len(pieces) > 1
        assert all(len(piece.text) <= LONGEST for piece in pieces)


@settings(deadline=None, derandomize=True)
@given(st.text(st.sampled_from("aB .!?\n\t-*>:1é“”<—"), max_size=80) | st.text(max_size=80), st.data())
def test_every_sentence_is_a_slice_and_no_letter_is_lost(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    at = start
    for sentence in split(text, start, end):
        assert text[sentence.start : sentence.end] == sentence.text
        assert start <= at <= sentence.start < sentence.end <= end
        assert not sentence.text[0].isspace()
        assert not sentence.text[-1].isspace()
        at = sentence.end
