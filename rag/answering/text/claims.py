"""What a sentence claims, as words that can be compared: names, numbers, dates, negations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rag.answering.text.candidates import VERBS
from rag.answering.text.words import FUNCTION_WORDS

Kind = Literal["word", "name", "number"]

_TOKEN = re.compile(
    r"\d(?:[\d,]*\d)?(?:\.\d+)?(?:st|nd|rd|th|s|k|m|bn)?\b|[^\W\d_]+(?:\.[^\W\d_]\b)+\.?"
    r"|[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|[^\w\s]",
    re.UNICODE,
)
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TIMES_TEN = "twenty thirty forty fifty sixty seventy eighty ninety"
_PLACES = "second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_SMALL = {word: value for value, word in enumerate(_UNITS.split())}
_TENS = {word: 10 * value for value, word in enumerate(_TIMES_TEN.split(), 2)}
_ORDINALS = {word: value for value, word in enumerate(_PLACES.split(), 2)}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_SCALES |= {"trillion": 1_000_000_000_000, "k": 1_000, "m": 1_000_000, "bn": 1_000_000_000}
_MONTH_NAMES = (
    "january february march april may june july august september october november december"
)
MONTHS = tuple(_MONTH_NAMES.split())
_SHORT_MONTHS = {month[:3]: month for month in MONTHS} | {"sept": "september"}
_SAME = {
    "us": "america",
    "usa": "america",
    "american": "america",
    "united-states": "america",
    "uk": "britain",
    "united-kingdom": "britain",
    "british": "britain",
    "eu": "european",
    "un": "united-nations",
}
_NOT = "not no never none nobody nothing neither nor without cannot hardly nowhere"
NEGATIONS = frozenset(_NOT.split())
_CLAUSE_ENDS = frozenset(",;:.!?()—–") | {"but", "although", "though", "because", "while", "which"}
NEGATED_WORDS = 3
"""A negation reaches so many content words, and no further than its clause."""
_STEM_CHARS = 6
_BEGINNINGS = (
    "however although though moreover furthermore meanwhile today yesterday according during "
    "since despite unlike instead therefore thus also both each every several many most"
)
_NO_NAMES = frozenset(_BEGINNINGS.split())
_NO_NAME_ENDINGS = ("s", "ing", "ed", "ly", "tion", "sion", "ment", "ness", "ity", "body", "one")


@dataclass(frozen=True, slots=True)
class Word:
    """A content word: what it is compared by, what it is, and whether it stands negated.

    The stem of a number is its value ("45 million" is "45000000"), that of a month its name;
    `sure` is false for a capital that may only begin the sentence.
    """

    stem: str
    kind: Kind
    negated: bool = False
    sure: bool = True

    @property
    def weight(self) -> float:
        """How much of what is said it carries: names and numbers twice as much as other words."""
        return 2.0 if self.kind != "word" and self.sure else 1.0


@lru_cache(maxsize=4096)
def content_words(text: str) -> tuple[Word, ...]:
    """List the content words of a text, in order.

    Chinese, Japanese and Korean count pairs of characters.
    """
    tokens = [match.group() for match in _TOKEN.finditer(_joined(text))]
    words: list[Word] = []
    reach = 0
    begins = True
    i = 0
    while i < len(tokens):
        token, low = tokens[i], tokens[i].lower().replace("’", "'")
        value, used = _number(tokens, i)
        if is_negation(low) and not _is_emphasis(tokens, i):
            reach = NEGATED_WORDS
        elif low in _CLAUSE_ENDS:
            reach = 0
        elif value is not None:
            words.append(Word(value, "number", reach > 0))
            i += used - 1
        else:
            found = list(_words(token, low, begins, tokens[i + 1 : i + 2]))
            words.extend(Word(w.stem, w.kind, reach > 0, w.sure) for w in found)
            reach -= bool(found)
        begins = token in '.!?:;•"“”‘\n' or (begins and not token[0].isalnum())
        i += 1
    return tuple(words)


def is_negation(word: str) -> bool:
    """Whether a word in lower case turns a sentence into its opposite."""
    return word in NEGATIONS or word.endswith("n't")


def stem(word: str) -> str:
    """Return what a word in lower case shares with its other forms, at most six letters."""
    word = word.removesuffix("'s").removesuffix("'")
    for ending in ("ing", "ed", "ies", "es", "s", "ly"):
        if len(word) > len(ending) + 2 and word.endswith(ending) and not word.endswith("ss"):
            word = word.removesuffix(ending)
            break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word[:_STEM_CHARS].rstrip("eyi") or word


def date_words(date: str) -> tuple[Word, ...]:
    """Return the words of a document's date such as 2010-05-26, with its month by name."""
    parts = re.findall(r"\d+", date)
    if not re.match(r"\d{4}(?:-\d{2}){0,2}\b", date):
        return content_words(date)
    found = [Word(str(int(part)), "number") for part in (*parts[:1], *parts[2:3])]
    if len(parts) > 1 and 1 <= int(parts[1]) <= 12:
        found.append(Word(MONTHS[int(parts[1]) - 1], "number"))
    return tuple(found)


def _joined(text: str) -> str:
    text = re.sub(r"\b(U\.S\.A|U\.S|U\.K|U\.N|E\.U)\.?(?=\W|$)", _without_dots, text)
    return re.sub(r"\bUnited (States|Kingdom|Nations)\b", r"United~\1", text).replace("~", "ǀ")


def _without_dots(match: re.Match[str]) -> str:
    return match.group(1).replace(".", "")


def _is_emphasis(tokens: list[str], i: int) -> bool:
    return tokens[i].lower() == "not" and tokens[i + 1 : i + 2] in (["only"], ["merely"], ["just"])


def _number(tokens: list[str], i: int) -> tuple[str | None, int]:
    """Return the value that begins at a token, as text, and how many tokens it takes."""
    token, low = tokens[i], tokens[i].lower()
    if token[0].isdigit():
        match = re.match(r"([\d,]*\d)(\.\d+)?(\D*)", low)
        assert match is not None, "a token that begins with a digit holds a number"
        value = float(match[1].replace(",", "") + (match[2] or ""))
        used = 1
        if match[3] in ("k", "m", "bn"):
            value *= _SCALES[match[3]]
    elif low in _SMALL and low != "one":
        value, used = float(_SMALL[low]), 1
    elif low in _TENS:
        value, used = float(_TENS[low]), 1
        rest = [t.lower() for t in tokens[i + 1 : i + 3]]
        if rest[:1] == ["-"] and len(rest) > 1 and 0 < _SMALL.get(rest[1], 0) < 10:
            value, used = value + _SMALL[rest[1]], 3
    elif low in _ORDINALS and tokens[i + 1 : i + 2] != ["of"]:
        value, used = float(_ORDINALS[low]), 1
    elif month := _month(tokens, i):
        return month, 1
    else:
        return None, 0
    for following in tokens[i + used : i + used + 2]:
        if following == "-":
            continue
        scale = _SCALES.get(following.lower()) if len(following) > 2 else None
        if scale is None:
            break
        value, used = value * scale, used + tokens[i + used :].index(following) + 1
    return f"{value:.10g}" if value < 1e15 else f"{value:.6e}", used


def _month(tokens: list[str], i: int) -> str | None:
    """Return the month that a token names; "May" and "March" only beside a number."""
    token = tokens[i]
    low = token.lower()
    name = low if low in MONTHS else _SHORT_MONTHS.get(low)
    if name is None or not token[0].isupper():
        return None
    beside = [t for t in (*tokens[max(0, i - 2) : i], *tokens[i + 1 : i + 4]) if t[0].isdigit()]
    before = tokens[i - 1].lower() if i else ""
    if low in MONTHS and low not in ("may", "march"):
        return name
    return (
        name if beside or before in ("in", "of", "since", "until", "by", "early", "late") else None
    )


def _begins_like_a_name(token: str, following: str) -> bool:
    """Whether the capital of a first word is a name's.

    "Posner Street", "NPR", "Posner's"; and "Posner asked" or "Posner argues", for a noun that is
    no name, alone before its verb, is nearly always a plural or an abstraction.
    """
    low = token.lower().replace("’", "'")
    if following[:1].isupper() or (token.isupper() and len(token) > 1) or low.endswith("'s"):
        return True
    if "ǀ" in low or low.endswith(_NO_NAME_ENDINGS):
        return "ǀ" in low
    acts = following in VERBS or (len(following) > 3 and following.endswith(("ed", "s")))
    return acts and following not in ("this", "its", "less", "always", "perhaps")


def _words(token: str, low: str, begins: bool, following: list[str]) -> Iterator[Word]:
    if not token[0].isalpha() or (low in FUNCTION_WORDS and token != "US"):
        return
    if _WIDE.search(token):
        yield from (Word(token[k : k + 2], "word") for k in range(max(1, len(token) - 1)))
        return
    low = low.replace("ǀ", "-")
    plain = low.replace(".", "").removesuffix("'s").removesuffix("'")
    if not token[0].isupper() or (begins and low in _NO_NAMES):
        if len(plain) > 1:
            yield Word(stem(plain), "word")
        return
    sure = not begins or _begins_like_a_name(token, following[0] if following else "")
    same = _SAME.get(plain)
    yield Word(stem(same or plain), "name", sure=sure)


def is_claim(sentence: str) -> bool:
    """Whether a sentence says something that can be true or false.

    A question does not, nor does what leads up to a list ("These are:"), nor a word alone; but
    whatever holds a number or a name does.
    """
    words = content_words(sentence)
    bare = sentence.rstrip(" \"'”’)*_")
    if any(word.kind != "word" and word.sure for word in words):
        return not bare.endswith("?")
    return len(words) > 1 and not bare.endswith(("?", ":", "：", "？"))
