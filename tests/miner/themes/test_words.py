from __future__ import annotations

import time

from miner.themes.words import split_terms, split_words


def test_a_version_stays_one_word_for_the_comparison_of_texts() -> None:
    assert split_words("Crash in 2.53.1, can't start") == ["crash", "in", "2.53.1", "can't", "start"]


def test_terms_leave_out_what_identifies_one_report() -> None:
    text = "[De] www.ing.nl - page blank https://x.io/a?b=1 bug 1819093 v2.53b1 deadbeef0042 mail@firma.de"
    assert split_terms(text) == [["page", "blank"], ["bug"]]


def test_pairs_never_reach_across_stop_words_or_punctuation() -> None:
    assert split_terms("Menu does not work. Context menu missing") == [
        ["menu"],
        ["work"],
        ["context", "menu", "missing"],
    ]


def test_hostile_text_takes_no_time() -> None:
    started = time.process_time()
    split_terms("a-" * 50_000 + "1" + "." * 50_000)
    assert time.process_time() - started < 5  # unbounded, this takes minutes
