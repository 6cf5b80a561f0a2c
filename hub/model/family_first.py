"""Names with the family name first: Chinese, Japanese, Korean, Vietnamese, Hungarian, Russian.

In: the words of a name, and the primary subtag of its record's language. Out: how many words are
the family name; 0 if given names come first, or if it is unknown. The evidence is the script, the
language of the record, or a word that only such names have (Văn, Иванович). Pure.
"""

import re
from collections.abc import Sequence

from hub.model.name_words import exact, folded, is_given, letters, words

_HAN = re.compile(r"[\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]+")
_JAPANESE = re.compile(
    r"[\u3005\u3040-\u30ff\u31f0-\u31ff\u4e00-\u9fff\u3400-\u4dbf\uff66-\uff9f\u30fc]+"
)
_HANGUL = re.compile(r"[\uac00-\ud7a3]+")
_VIETNAMESE = re.compile(r"[\u1ea0-\u1ef9\u01a0\u01a1\u01af\u01b0\u0110\u0111\u0102\u0103]")
_KOREAN_GIVEN = re.compile(r"[A-Z][a-z]+-[a-z]+")
_PATRONYMIC = re.compile(
    r"(?:ович|евич|ьич|овна|евна|ична|ович|івна|ївна|ovich|evich|ovna|evna|ivna)$"
)
_RUSSIAN_FAMILY = re.compile(
    r"(?:ов|ев|ёв|ин|ын|ова|ева|ёва|ина|ына|ский|ская|цкий|цкая|енко|ко|ук|юк|чук|ян|дзе|швили)$"
)
_TITLES_BEHIND = exact("titles_behind")
_HAN_DOUBLE, _HANGUL_DOUBLE = exact("han_double"), exact("hangul_double")
_HAN_FIRST, _HAN_FIRST_ZH = letters("han_surnames"), letters("han_surnames_with_locale")
_HANGUL_FIRST = letters("hangul_surnames")
_VI, _VI_MIDDLE = words("vietnamese"), words("vietnamese_middle")
_BY_LANGUAGE = {
    "zh": words("chinese"),
    "ko": words("korean"),
    "ja": words("japanese"),
    "vi": _VI,
    "hu": words("hungarian"),
}
_HU, _HU_GIVEN = words("hungarian"), words("hungarian_given")
_KO = _BY_LANGUAGE["ko"]
_RU_GIVEN = words("russian_given")
_DOT = "\u30fb"  # between the parts of a foreign name in Japanese: Jon・Sumisu


def words_of_family(found: Sequence[str], language: str) -> int:
    """Return how many words at the front are the family name, 0 where none is."""
    if all(_JAPANESE.fullmatch(w) or _HANGUL.fullmatch(w) for w in found):
        return 0 if any(_DOT in w for w in found) else 1
    if not found[0].isascii() and "\u0400" <= found[0][0] <= "\u052f":
        return _russian(found)
    if _is_vietnamese(found, language) or _is_hungarian(found, language):
        return 1
    if _PATRONYMIC.search(found[-1].lower()) and len(found) == 3:  # noqa: PLR2004 Ivanov Ivan Ivanovich
        return 1
    if _is_by_language(found, language):
        return 1
    is_korean = len(found) == 2 and folded(found[0]) in _KO and _KOREAN_GIVEN.fullmatch(found[1])  # noqa: PLR2004 Kim Min-jun
    return 1 if is_korean else 0


def _is_by_language(found: Sequence[str], language: str) -> bool:
    known = _BY_LANGUAGE.get(language)
    if known is None or language in ("hu", "vi"):
        return False
    return folded(found[0]) in known and folded(found[-1]) not in known


def _is_vietnamese(found: Sequence[str], language: str) -> bool:
    first = folded(found[0])
    if first not in _VI:
        return False
    is_marked = language == "vi" or bool(_VIETNAMESE.search("".join(found)))
    if not is_marked:
        return len(found) > 2 and folded(found[1]) in ("van", "thi") and first not in ("do", "mai")  # noqa: PLR2004 Nguyen Van An
    return len(found) > 2 or folded(found[-1]) not in _VI or first in ("nguyen", "tran", "pham")  # noqa: PLR2004


def _is_hungarian(found: Sequence[str], language: str) -> bool:
    first, last = folded(found[0]), folded(found[-1])
    if language == "hu":
        return last in _HU_GIVEN or not (first in _HU_GIVEN or is_given(first))
    return first in _HU and last in _HU_GIVEN and len(found) < 4 and not is_given(found[0])  # noqa: PLR2004


def _russian(found: Sequence[str]) -> int:
    low = [word.lower() for word in found]
    if len(found) == 3 and _PATRONYMIC.search(low[2]) and not _PATRONYMIC.search(low[1]):  # noqa: PLR2004 family, given, patronymic
        return 1
    is_family = low[0] not in _RU_GIVEN and _RUSSIAN_FAMILY.search(low[0])
    return 1 if len(found) == 2 and is_family and folded(low[1]) in _RU_GIVEN else 0  # noqa: PLR2004


def one_word(word: str, language: str) -> tuple[str, str] | None:
    """Return (family, given) of a name written as one word, where that can be told: 张伟, 김철수."""
    if _DOT in word:
        given, _, family = word.partition(_DOT)
        return (family.replace(_DOT, " "), given) if given and family else None
    n = len(word)
    if not 2 <= n <= 5:  # noqa: PLR2004 letters of such a name
        return None
    if _HANGUL.fullmatch(word):
        return _first_letters(word, _HANGUL_FIRST, _HANGUL_DOUBLE)
    if not _HAN.fullmatch(word) or language in ("ja", "ko"):
        return None
    known = _HAN_FIRST | _HAN_FIRST_ZH if language == "zh" else _HAN_FIRST
    return _first_letters(word, known, _HAN_DOUBLE)


def _first_letters(
    word: str, single: frozenset[str], double: frozenset[str]
) -> tuple[str, str] | None:
    """Return a family name of two letters or one, and the given name behind it."""
    if len(word) > 2 and word[:2] in double:  # noqa: PLR2004 and a given name
        return word[:2], word[2:]
    return (word[0], word[1:]) if word[0] in single and len(word) < 4 else None  # noqa: PLR2004


def without_title_behind(found: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words without a title of East Asia behind them, and that title."""
    kept = list(found)
    if len(kept) > 1 and kept[-1] in _TITLES_BEHIND:
        return kept[:-1], kept[-1:]
    if kept and not kept[-1].isascii():
        for title in _TITLES_BEHIND:
            if (
                kept[-1].endswith(title)
                and len(kept[-1]) > len(title) + 1
                and title not in ("씨", "教授", "殿")
            ):
                return [*kept[:-1], kept[-1].removesuffix(title)], [title]
    return kept, []
