"""Whether a question says what it is about, by its words alone.

Precise rather than complete: asking back where the question was clear is worse than not asking.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rag.answering.question.salience import content_stems, stem_of
from rag.answering.text.words import FUNCTION_WORDS

Kind = Literal["nothing", "person", "thing", "document"]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_MAX_WORDS = 16
_WORD = re.compile(r"[^\W_]+(?:[.&+'’-][^\W_]+)*")
_QUOTED = re.compile(r"[\"“«„][^\"”»“]+[\"”»“]")
_NAME_INSIDE = re.compile(r"(?<=[\w,;] )(?!I\b)[A-Z][\w.&-]*|\d")
# "Other than his inventions, what was Tesla famous for?": whom "his" means is said after it.
_NAMED_LATER = re.compile(
    r"(?<!\babout )(?<!\bin )(?<!\bon )(?<!\bfor )(?<!\bwith )(?<!\bfrom )(?<!\bto )(?<!\bof )"
    r"(?<!\bat )(?<!\bby )(?<!\bagainst )(?<!\bthe )(?<=[\w,;] )(?!I\b)[A-Z]\w"
)
# "Who sings it must have been love?": the pronoun belongs to a title.
_OF_A_TITLE = re.compile(
    r"^\W*(?:who|where) (?:sings|sang|sung|wrote|recorded|does|did|said|plays)\b[^?]*"
    r"\b(?:he|she|it|they|his|her)(?:['’]s)? \w+ \w+",
    re.IGNORECASE,
)

_PERSONS = _set("he him his himself she her hers herself")
_THINGS = _set("it its itself")
_MANY = _set("they them their theirs themselves")
_DEMONSTRATIVES = _set("this that these those")
_MOST_OTHER_WORDS = {"person": 3, "thing": 3, "many": 1, "that": 1}

# "How long does it take to ...", "Is it true that ...", "What time is it?", "Does it rain ...?"
_EMPTY_IT = re.compile(
    r"\bit\b(?:['’]s)?[^?]*\b(?:to|that|if|whether|when|where|like|who)\b"
    r"|\btime (?:is|was) it\b|\bit\b[^?]*\b(?:rain|snow|freez|dark|cold|hot|warm)"
    r"|\b(?:called|named|known) it\b|\bwas it (?:who|that)\b",
    re.IGNORECASE,
)
# "This year" points at nothing that was said, nor does "this document" when there is but one.
_POINTED_AT = re.compile(
    r"\b(?:this|these|those) (?!(?:years?|week|month|days?|times?|century|decade|morning|evening|"
    r"moment|summer|winter|spring|autumn|period|era|age|case|way|context|is|was|are|were)\b)"
    r"[a-z][\w-]+",
    re.IGNORECASE,
)
_DOERS = _set("i we you one to not")
_SUBJECTS = _set("who what which whom whoever")
_ASKS_ASSISTANT = re.compile(
    r"\b(?:you|your|yours)\b|^\W*(?:hi|hello|hey|thanks|thank|bye|good (?:morning|day|evening))\b",
    re.IGNORECASE,
)
_SMALL_TALK = re.compile(
    r"\W*(?:(?:hi|hello|hey|hallo|hola|bonjour|good (?:morning|day|afternoon|evening)|bye|goodbye|"
    r"thanks|thank you|thx|ok|okay|great|perfect|how are you|who are you)"
    r"(?: (?:there|all|everyone|everybody|footnote|very much|so much|a lot|again|today))?\W*)+",
    re.IGNORECASE,
)
_QUESTION_WORDS = _set("what who whom whose which when where why how")
_ELLIPTICAL = _set("and so more else happened happen next then again continue")
_GENERIC = "document article text paper file page source piece"
_DOCUMENTS = (
    "report policy manual contract agreement letter memo memorandum minutes study diary speech "
    "plan guide handbook invoice presentation statement interview editorial essay book review "
    "proposal brochure specification catalogue form protocol newsletter press-release"
)
_ORDINALS = _set("second third fourth fifth previous former")
GENERIC_NOUNS = frozenset(_GENERIC.split())
DOCUMENT_NOUNS = frozenset(_DOCUMENTS.split()) | GENERIC_NOUNS
_PARTS = "author authors writer title publisher conclusion conclusions summary abstract editor"
_DEEDS = (
    "wrote write writes written published publish release released sign signed issue issued dated "
    "conclude concludes concluded recommend recommends cover covers translate translated edited "
    "say says about state states printed updated begin end long pages"
)
PARTS = frozenset(stem_of(word) for word in _PARTS.split())
_OF_DOCUMENTS = PARTS | frozenset(stem_of(word) for word in _DEEDS.split())
_THE_DOCUMENT = re.compile(
    rf"\b(the|this|that) ((?:[a-z-]+ )?)({'|'.join(sorted(DOCUMENT_NOUNS))})\b"
    r"(?! (?:of|on|by|about|from|for|in|to|at|with|that|which|who|called|titled|named|dated|"
    r"where|between|against|and|or|[a-z]+ing)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Unclear:
    """What a question leaves open: `words` are those of it that stand for something unsaid.

    For a "document", `noun` is what kind it is ("report"), and `rest` are the stems of the
    question's other content words. When not `sure`, the documents may well answer all the same.
    """

    kind: Kind
    words: str = ""
    noun: str = ""
    rest: frozenset[str] = frozenset()
    sure: bool = True


def unclear(question: str) -> Unclear | None:
    """Return what a question without a conversation leaves open, None when it is clear enough.

    One that quotes something, or is long, always is.
    """
    tokens = _WORD.findall(question)
    if not 0 < len(tokens) <= _MAX_WORDS or _QUOTED.search(question):
        return None
    return (
        _pronoun(question, tokens)
        or _document(question)
        or _nothing(question, tokens)
        or _demonstrative(question)
    )


def is_small_talk(text: str) -> bool:
    """Whether a text is nothing but a greeting or thanks."""
    return _SMALL_TALK.fullmatch(text) is not None


def asks_nothing(query: str) -> bool:
    """Whether there is nothing in a query that documents could answer: a greeting, a "?", "2+2".

    A letter or a figure alone says nothing; a character of a script that needs but one does.
    """
    if is_small_talk(query):
        return True
    words = re.findall(r"[^\W_]+", query.lower())
    lone = [word for word in words if len(word) == 1 and word.isascii()]
    if any(word not in FUNCTION_WORDS for word in words if word not in lone):
        return False
    return len(lone) == len(words) or any(word.isdigit() for word in lone)


def _pronoun(question: str, tokens: list[str]) -> Unclear | None:
    """Find the first pronoun that nothing before it can be meant by."""
    stems = content_stems(question)
    for i, token in enumerate(tokens):
        low = re.sub(r"['’](?:s|d|ll|ve|re)$", "", token.lower())
        kind = _pointer(low, tokens[i + 1 : i + 2])
        if kind is None:
            if _may_be_meant(tokens, i, stems):
                return None
            continue
        if low == "it" and _EMPTY_IT.search(question):
            return None
        if _OF_A_TITLE.search(question) and question[:1].islower():
            return None
        if _NAMED_LATER.search(question):
            return None
        named = _NAME_INSIDE.search(question) is not None
        rich = len(stems) > _MOST_OTHER_WORDS[kind] or (named and kind in ("many", "that"))
        if rich and kind == "many":  # "When did they stop putting lead in paint?"
            return None
        return Unclear("person" if kind == "person" else "thing", low, sure=not rich)
    return None


def _pointer(low: str, following: list[str]) -> str | None:
    if low in _PERSONS:
        return "person"
    if low in _THINGS:
        return "thing"
    if low in _MANY:
        return "many"
    if low in _DEMONSTRATIVES:
        after = following[0].lower() if following else ""
        if not after:
            return "that"
        if low != "that" and after in _VERBS_AFTER_THIS:
            return "that"
    return None


_VERBS_AFTER_THIS = _set(
    "is was mean means work works happen happened come came start started begin began end ended "
    "cost take apply go"
)


def _may_be_meant(tokens: list[str], i: int, stems: frozenset[str]) -> bool:
    """Whether a pronoun after this word may stand for it: a content word that is no verb.

    What follows "who" or "what" and precedes the pronoun is one ("Who translated it?"), and what
    follows another pronoun or "to" ("How can we enhance its speed?").
    """
    word = tokens[i]
    if stem_of(word) not in stems:
        return False
    after = tokens[i + 1].lower() if i + 1 < len(tokens) else ""
    before = tokens[i - 1].lower() if i else ""
    if before in _DOERS:
        return False
    points = _pointer(after, tokens[i + 2 : i + 3]) is not None
    prepositional = after in ("about", "for", "from", "to", "of", "in", "on", "at", "with", "by")
    return not (before in _SUBJECTS and (points or prepositional))


def _demonstrative(question: str) -> Unclear | None:
    """Find "this animal" in a question that names nothing."""
    found = _POINTED_AT.search(question)
    if found is None or _NAME_INSIDE.search(question) or not content_stems(found[0]):
        return None
    return Unclear("thing", found[0], sure=False)


def _document(question: str) -> Unclear | None:
    """Find "the report", when the rest of the question tells nothing of which one."""
    found = _THE_DOCUMENT.search(question)
    if found is None or _NAME_INSIDE.search(question):
        return None
    phrase = f"{found[2]}{found[3]}"
    rest = content_stems(question) - content_stems(phrase) - {stem_of(found[3])}
    most = 0 if found[3].lower() in GENERIC_NOUNS else 1
    if len(rest - _OF_DOCUMENTS) > most:
        return None
    return Unclear("document", found[0], phrase.lower(), rest)


def _nothing(question: str, tokens: list[str]) -> Unclear | None:
    """Find a question without any word that could be searched for."""
    lowered = [token.lower() for token in tokens]
    told = content_stems(question) - _ORDINALS
    if told or _NAME_INSIDE.search(question) or _EMPTY_IT.search(question):
        return None
    asks = lowered[0] in _QUESTION_WORDS or bool(_ELLIPTICAL & set(lowered))
    points = any(_pointer(low, tokens[i + 1 : i + 2]) for i, low in enumerate(lowered))
    if not (asks or points) or _ASKS_ASSISTANT.search(question):
        return None
    return Unclear("nothing")
