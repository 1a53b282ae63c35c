"""Which type it is, from what the rules and the model say (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from miner.issues.linear import KINDS, Linear
from miner.issues.taxonomy import TYPES
from miner.issues.weighing import WISH, Weighed

LEAST_SURE = 0.4  # below, none of the three kinds stands out, and none is named
EVEN = 0.5  # what a type is worth at least that plain cues tell
PLAIN_CUES = 4.0  # cues of one kind alone with this weight decide, whatever the model makes of the rest
SURE_ALONE = 0.5  # what the model's chance must be where no cue speaks
_NEITHER, _QUESTION = "other", "ux_confusion"
_PROBLEMS = tuple(name for name in TYPES if name not in (WISH, _NEITHER))


@dataclass(frozen=True, slots=True)
class Opinion:
    """The model's answer, one of KINDS, and its chances of a problem, a wish, or neither."""

    kind: str
    bug: float
    feature: float
    other: float

    @property
    def sure(self) -> float:
        """The chance of the answer."""
        return {"bug": self.bug, "feature": self.feature}.get(self.kind, self.other)


def settle(weighed: Sequence[Weighed], opinion: Opinion) -> tuple[str | None, float]:
    """(one of TYPES, how sure); None: there is no issue.

    The model tells problem, wish and neither apart; it has read reviews, and a report is drier, so plain cues overrule
    it. The cues tell which kind of problem it is. Where there is no cue at all, the model alone must be sure.
    """
    problems = {name: sum(one.of(name) for one in weighed) for name in _PROBLEMS}
    problem, wish = sum(problems.values()), sum(one.of(WISH) for one in weighed)
    worst = max(_PROBLEMS, key=problems.__getitem__)
    if problem >= PLAIN_CUES and not wish:
        return worst, max(EVEN, opinion.bug)
    if wish >= PLAIN_CUES and not problem and opinion.kind == _NEITHER:
        return WISH, max(EVEN, opinion.feature)
    if opinion.kind == _NEITHER or (not problem and not wish and opinion.sure < SURE_ALONE):
        return None, opinion.other
    if opinion.kind == "feature" and not wish and problems[_QUESTION] and _asks(weighed):
        return _QUESTION, max(EVEN, opinion.bug)
    return (WISH, opinion.feature) if opinion.kind == "feature" else (worst, opinion.bug)


def _asks(weighed: Sequence[Weighed]) -> bool:
    """Whether a sentence with the cue is a question: how something is done is no wish for it."""
    return any(one.of(_QUESTION) and one.sentence.text.rstrip().endswith("?") for one in weighed)


def most_telling(linear: Linear, weighed: Sequence[Weighed], kind: str, *, subject_end: int) -> Weighed:
    """The sentence whose words speak most for `kind` and against nothing being said, in a message if there is one."""
    place = KINDS.index("feature" if kind == WISH else "bug")
    told = [one for one in weighed if one.sentence.start >= subject_end and one.sentence.role in ("actual", "free")]

    def telling(one: Weighed) -> float:
        scores = linear.score_words(one.sentence.text)
        return float(scores[place] - scores[KINDS.index(_NEITHER)])

    return max(told or weighed, key=telling)
