"""Which language a text is in, by its small words (pure): en, fr, other, or unknown where it has none of them."""

from __future__ import annotations

import re

_SMALL_WORDS = {
    "en": "the and is are was were to of in it i my you that this for with not on be have has but when from at as if"
    " can will would please app after now do does did so no an get we they there what how why",
    "fr": "le la les un une des et est sont je j c mon ma mes vous que qui ce cette pour avec ne pas sur du au aux en"
    " il elle dans mais plus très bien ça se on d l n à qu tout fait quand comme depuis par nous être avoir",
    "de": "der die das und ist sind ich nicht mit ein eine zu den von für auf es wie auch bei im wird kann mir",
    "es": "el los las una es son yo mi que para con no por del al se lo como pero cuando muy está más hay su y",
    "pt": "o os as um uma é são eu meu que para com não por do da ao se como mas quando muito está mais há e",
    "it": "il gli una è sono io mio che per con non del della al si come ma quando molto più di e",
    "nl": "de het een en is zijn ik mijn dat die voor met niet van op te maar als naar wordt kan er ook",
    "pl": "nie się jest na do że jak ale po mi za to w z i",
}
_BY_WORD: dict[str, list[str]] = {}
for _language, _words in _SMALL_WORDS.items():
    for _word in _words.split():
        _BY_WORD.setdefault(_word, []).append(_language)
_WORD = re.compile(r"(?<![\w./@-])[^\W\d_]+(?![\w/@])")  # not the parts of an address
_SAMPLE = 4_000


def guess_language(text: str) -> str:
    """en or fr; other where another language or script clearly prevails; unknown: too short to tell."""
    words = [word.lower() for word in _WORD.findall(text[:_SAMPLE])]
    if sum(not _is_latin(word) for word in words) * 2 > len(words):
        return "other"
    counts = dict.fromkeys(_SMALL_WORDS, 0)
    for word in words:
        for language in _BY_WORD.get(word, ()):
            counts[language] += 1
    known = max(counts["en"], counts["fr"])
    if max(counts.values()) >= max(2, 2 * known + 1):
        return "other"
    if known == 0:
        return "unknown"
    return "en" if counts["en"] >= counts["fr"] else "fr"


def _is_latin(word: str) -> bool:
    return all(character < "\u0250" for character in word)
