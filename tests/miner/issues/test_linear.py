"""The model behind the local analyzer: features, weights, and how rules and model agree on a type."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner.errors import ModelDamaged
from miner.issues import linear
from miner.issues.features import BUCKETS, pieces_of, scale_rules, weigh_buckets, words_of
from miner.issues.linear import KINDS, pull
from miner.issues.sentences import Sentence
from miner.issues.settling import EVEN, PLAIN_CUES, Opinion, most_telling, settle
from miner.issues.taxonomy import TYPES
from miner.issues.weighing import Weighed
from miner.themes.dimensions import MODEL_ID


def weighed(text: str = "It is what it is.", **weights: float) -> list[Weighed]:
    return [Weighed(Sentence(0, len(text), "free", text), weights)]


def test_words_and_pairs_and_pieces_are_counted() -> None:
    assert sum(words_of("It fails, it FAILS!").values()) == 9  # five words and marks, four pairs of neighbours
    assert max(words_of("It fails, it FAILS!").values()) == 2
    assert sum(pieces_of("it it").values()) == 2 * sum(pieces_of("it").values())
    assert words_of("") == pieces_of("") == {}


@given(st.text(max_size=200))
def test_any_text_has_buckets_within_bounds_and_weights_of_length_one(text: str) -> None:
    for counts in (words_of(text), pieces_of(text)):
        buckets, weights = weigh_buckets(counts, np.ones(BUCKETS, np.float32))
        assert all(0 <= bucket < BUCKETS for bucket in buckets)
        assert not counts or np.linalg.norm(weights) == pytest.approx(1, rel=1e-5)


def test_what_the_model_never_met_says_nothing() -> None:
    buckets, weights = weigh_buckets(words_of("The app crashes"), np.zeros(BUCKETS, np.float32))
    assert (len(buckets), len(weights)) == (0, 0)


def test_a_gram_is_in_the_same_bucket_in_every_process() -> None:
    assert sorted(words_of("crash")) == [236312]


def test_the_shipped_weights_are_plain_arrays_with_their_hash() -> None:
    model = linear.load()
    assert model.words.shape == model.pieces.shape == (BUCKETS, len(KINDS))
    assert model.rules.shape == (len(TYPES), len(KINDS))
    assert model.meaning.shape == (384, len(KINDS))
    assert linear.load() is model


def test_the_weights_were_trained_on_the_vectors_that_are_made() -> None:
    """Whoever changes how texts become vectors trains the weights anew: scripts/train_local.py."""
    assert linear.MEANINGS_OF == MODEL_ID


def test_other_weights_are_refused_and_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    linear.load.cache_clear()
    monkeypatch.setattr(linear, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(ModelDamaged, match=r"types\.npz is not what was tested .* install again"):
        linear.load()
    with pytest.raises(ModelDamaged, match="cannot be read"):
        linear.read_weights(b"no arrays")


def test_weights_are_never_unpickled() -> None:
    content = BytesIO()
    np.savez(content, **{name: np.array([object()]) for name in ("word_idf", "piece_idf")})
    with pytest.raises(ModelDamaged):
        linear.read_weights(content.getvalue())


def test_chances_are_those_of_one_of_three() -> None:
    texts = ["It stopped working and crashes since the update.", "Please add a dark mode.", "I love it."]
    scores = linear.load().score(texts, np.zeros((3, 384), np.float32), np.zeros((3, len(TYPES)), np.float32))
    assert [KINDS[row] for row in scores.argmax(axis=1)] == ["bug", "feature", "other"]
    assert linear.load().chances(scores).sum(axis=1) == pytest.approx(1)


def test_cues_pull_towards_their_kind_up_to_a_bound() -> None:
    rules = np.array([scale_rules([4 if name == kind else 0 for name in TYPES]) for kind in ("bug", "feature_request")])
    found = pull(rules)
    assert (found[0] > 0).tolist() == [True, False, False]
    assert (found[1] > 0).tolist() == [False, True, False]
    assert (pull(2 * rules) == found).all()


SURE_BUG, SURE_WISH = Opinion("bug", 0.9, 0.05, 0.05), Opinion("feature", 0.05, 0.9, 0.05)
SURE_NEITHER = Opinion("other", 0.05, 0.05, 0.9)


def test_the_model_tells_the_kind_and_the_cues_the_type() -> None:
    assert settle(weighed(performance=2, bug=1), SURE_BUG) == ("performance", 0.9)
    assert settle(weighed(), SURE_BUG) == ("bug", 0.9)
    assert settle(weighed(bug=2), SURE_WISH) == ("feature_request", 0.9)
    assert settle(weighed(bug=2), SURE_NEITHER) == (None, 0.9)


def test_plain_cues_of_one_kind_overrule_the_model() -> None:
    assert settle(weighed(data_issue=PLAIN_CUES), SURE_NEITHER) == ("data_issue", EVEN)
    assert settle(weighed(feature_request=PLAIN_CUES), SURE_NEITHER) == ("feature_request", EVEN)
    assert settle(weighed(data_issue=PLAIN_CUES, feature_request=1), SURE_NEITHER) == (None, 0.9)


def test_without_a_cue_the_model_must_be_sure() -> None:
    unsure = Opinion("bug", 0.49, 0.11, 0.4)
    assert settle(weighed(), unsure)[0] is None
    assert settle(weighed(bug=1), unsure) == ("bug", 0.49)


def test_how_something_is_done_is_a_question_and_no_wish() -> None:
    assert settle(weighed("How do I sort?", ux_confusion=2), SURE_WISH) == ("ux_confusion", EVEN)
    assert settle(weighed("I do not see how.", ux_confusion=2), SURE_WISH) == ("feature_request", 0.9)


def test_without_a_cue_the_words_tell_which_sentence_is_quoted() -> None:
    texts = ["Good morning everybody.", "The app crashes.", "Thank you."]
    sentences = [Weighed(Sentence(30 * n, 30 * n + len(one), "free", one), {}) for n, one in enumerate(texts)]
    assert most_telling(linear.load(), sentences, "bug", subject_end=0).sentence.text == "The app crashes."
