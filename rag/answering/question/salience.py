"""What a conversation is about: the words of earlier questions that a follow-up leaves out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rag.answering.text.words import FUNCTION_WORDS
from rag.types import Turn

# Words that question and answer are made of, whatever they are about.
_SCAFFOLD = (
    "tell know knew want like liked need think thought mean means explain describe discuss "
    "show give gave info information detail details interesting interested fact facts learn "
    "hear heard find found say says said difference differences different differ similar "
    "similarity similarities compare compared comparison main major important importance "
    "significant significance kind kinds type types sort sorts many much long often big "
    "biggest large largest small good best better worst bad great common commonly popular "
    "famous known top typical typically usual usually right wrong way ways thing things stuff "
    "something anything make makes made making get gets getting got go goes going come comes "
    "came take takes took taken use uses used using work works worked happen happens happened "
    "help helps start started begin began begun end ended ever year years time times day days "
    "today new newer newest first last next early original originally example examples role "
    "purpose pros cons advantage advantages disadvantage disadvantages benefit benefits "
    "reason reasons cause causes effect effects affect affects impact impacts history origin "
    "origins overview person people someone anyone really actually even ok okay thanks thank "
    "sure yeah oh wow hi hello well cool nice question answer possible able difficult easy "
    "hard high low average cost costs expensive cheap part parts lot lots consider considered "
    "change changed changes related specific specifically general generally particular "
    "especially recommend recommended several various involved include included"
)
_PERSONS = frozenset(("he", "him", "his", "himself", "she", "her", "hers", "herself"))
_POINTERS = (
    "it its itself they them their theirs themselves this that these those there one ones another "
    "others such same both former latter else either neither"
)
_POSSESSIVES = frozenset(("his", "her", "its", "their"))
_POINTING = _PERSONS | frozenset(_POINTERS.split())
_EMPTY = FUNCTION_WORDS | _POINTING | frozenset(_SCAFFOLD.split())
_CONTRACTED = re.compile(
    r"(?:i|it|that|what|let|there|they|you|we|he|she|who|where|how|when|\w+n)['’]\w+", re.IGNORECASE
)
_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W_]+(?:[.&+'’-][^\W_]+)*")
_ELLIPSIS = re.compile(
    r"^\W*(?:(?:ok|okay|so|and|but|or|then|interesting|thanks|great|no|yes|oh|wow|well)\b\W*)*"
    r"(?:(?:what|how) about\b|(?:why|who|when|where|how)\W*$|(?:and|or|for)\b)",
    re.IGNORECASE,
)
_INTRODUCES = re.compile(r"\b(?:about|(?:what|who)(?: (?:is|are|was|were)|['’]s)) ", re.IGNORECASE)
_BARE_SUBJECT = re.compile(
    r"^\W*(?:(?:ok|okay|so|and|but|well)\W+)?"
    r"(?:(?:what|who)(?: (?:is|are|was|were)|['’]s)|tell me (?:more )?about"
    r"|how (?:do|does|did|is|are|can)) (?!(?:the|some|any|there)\b)",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Z][\w'’-]+(?: (?:of |de |von |van |the )?[A-Z][\w'’-]+)+")

FEATURES = (
    "constant",
    "in the first question",
    "in the last question",
    "1 / turns ago",
    "further mentions, at most 2",
    "a name",
    "after of, about, for, in, on or with",
    "its last question points back itself",
    "new subjects since, at most 3",
    "content words of its last question / 6",
    "content words of this question / 5",
    "new names in this question, at most 2",
    "words of this question known from before, at most 2",
)
"""What is known of an earlier word; the columns of the weights below."""

# Logistic regressions of "a person's rewriting of the question repeats the word"; see
# docs/decisions/006-chat-models.md for the data and for how the two thresholds were chosen.
STANDING = (-2.23, 1.94, 0.19, 0.86, 0.40, 1.49, 0.83, -0.88, -0.32, -0.76, -1.44, -0.36, -0.77)
LEANING = (-1.92, 2.00, 1.15, 0.61, 0.17, 1.36, 0.75, -1.13, -0.44, -1.45, -0.70, -0.28, -0.13)
STANDING_ABOVE, LEANING_ABOVE = -1.0, -1.5
_APART_WORDS, _APART_TURNS = 2, 2
_MAX_WORDS = 6
_MAX_ANSWER_WORDS = 3
_MAX_TURNS = 10
_MAX_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Said:
    """The content words of a question by their stems, and how it leans on what came before."""

    words: dict[str, str]
    names: frozenset[str]
    after_of: frozenset[str]
    leans: bool
    persons: bool
    introduces: bool


def left_out(text: str, history: Sequence[Turn]) -> list[str]:
    """Return the words that a question leaves out, in the order in which they were first said.

    A question leans on the conversation when it has a pronoun or is elliptical ("what about
    ...?"): then words that the last answer repeats follow too. One that stands on its own gets
    words only when it seems to keep to the subject, and none when it brings one of its own.
    """
    own = read(text)
    if not own.leans and _changes_subject(text, own, history):
        return []
    if own.leans and _stands_apart(text, own, history):
        return []
    history = _since_apart(history)
    turns = [*history[:1], *history[1:][1 - _MAX_TURNS :]]
    current = {stem for turn in _of_this_subject(turns) for stem in read(turn.question).words}
    numbers = any(word.isdigit() for word in own.words.values())
    weights, above = (LEANING, LEANING_ABOVE) if own.leans else (STANDING, STANDING_ABOVE)
    scored = [
        (sum(w * x for w, x in zip(weights, values, strict=True)), word)
        for word, values in candidates(own, [read(turn.question) for turn in turns])
        # "What about 2011?" asks for another year than the one before.
        if stem_of(word) in current and not (word.isdigit() and numbers)
    ]
    best = sorted(scored, key=lambda pair: -pair[0])[:_MAX_WORDS]
    chosen = [pair[1] for pair in scored if pair in best and pair[0] > above]
    if own.leans and turns:
        chosen.extend(_of_answer(own, turns[-1].answer[:_MAX_CHARS], chosen))
    return chosen


def read(text: str) -> Said:
    """Take a question apart; only its first 2,000 characters are looked at."""
    text = text[:_MAX_CHARS]
    words: dict[str, str] = {}
    names: set[str] = set()
    after_of: set[str] = set()
    all_words = _WORD.findall(text)
    previous, of = "", False
    for i, word in enumerate(all_words):
        low = word.lower()
        if low in ("the", "a", "an"):
            continue
        if _is_content(word):
            stem = stem_of(word)
            words.setdefault(stem, _bare(word))
            of = of or previous in ("of", "about", "for", "in", "on", "with")
            if of:
                after_of.add(stem)
            if word[0].isupper() and (i > 0 or word.isupper()):
                names.add(stem)
        else:
            of = False
        previous = low
    lowered = {word.lower() for word in all_words}
    return Said(
        words,
        frozenset(names),
        frozenset(after_of),
        leans=bool(lowered & _POINTING) or bool(_ELLIPSIS.search(text)),
        persons=bool(lowered & _PERSONS),
        introduces=bool(_INTRODUCES.search(text)),
    )


def candidates(own: Said, turns: Sequence[Said]) -> list[tuple[str, tuple[float, ...]]]:
    """List the words of earlier questions that this one lacks, each with its `FEATURES`."""
    spoken: dict[str, str] = {}
    for turn in turns:
        spoken = turn.words | spoken
    ordered = dict.fromkeys(stem for turn in turns for stem in turn.words)
    new_names = len(own.names - spoken.keys())
    known = len(own.words.keys() & spoken.keys())
    found: list[tuple[str, tuple[float, ...]]] = []
    for stem in ordered:
        if stem in own.words:
            continue
        said_in = [i for i, turn in enumerate(turns) if stem in turn.words]
        last = turns[said_in[-1]]
        since = turns[said_in[-1] + 1 :]
        values = (
            1.0,
            float(said_in[0] == 0),
            float(said_in[-1] == len(turns) - 1),
            1 / (len(turns) - said_in[-1]),
            min(len(said_in) - 1, 2),
            float(any(stem in turns[i].names for i in said_in)),
            float(any(stem in turns[i].after_of for i in said_in)),
            float(last.leans),
            min(sum(_is_new_subject(turn) for turn in since), 3),
            min(len(last.words), 6) / 6,
            min(len(own.words), 5) / 5,
            min(new_names, 2),
            min(known, 2),
        )
        found.append((spoken[stem], values))
    return found


def content_stems(text: str) -> frozenset[str]:
    """Return the stems of the words that tell what a text is about."""
    return frozenset(read(text).words)


def stem_of(word: str) -> str:
    """Return a word's first seven letters without a plural ending."""
    low = _bare(word).lower()
    if len(low) > 4 and not low.endswith("ss"):
        low = re.sub(r"(?:ies|es|s)$", "", low)
    return low[:7]


def _of_answer(own: Said, answer: str, chosen: Sequence[str]) -> list[str]:
    """Return what an answer says more than once, and for "he" or "she" the first name in it."""
    words = [word for word in _WORD.findall(answer) if _is_content(word)]
    stems = [stem_of(word) for word in words]
    spoken = dict(zip(reversed(stems), reversed(words), strict=True))
    known = own.words.keys() | {stem_of(word) for word in chosen}
    often = [
        _bare(spoken[stem])
        for stem, count in Counter(stems).most_common()
        if count > 1 and stem not in known
    ][:_MAX_ANSWER_WORDS]
    if own.persons and (name := _NAME.search(answer)):
        known |= {stem_of(word) for word in often}
        often += [word for word in name.group().split() if stem_of(word) not in known]
    return often


def _of_this_subject(history: Sequence[Turn]) -> Sequence[Turn]:
    """Return the turns since the conversation was last given a subject by name.

    "Tell me about X" does that for the question right after it; for later ones only when X had
    not been spoken of.
    """
    for i in range(len(history) - 1, 0, -1):
        said = read(history[i].question)
        if (
            said.leans
            or not _names_something(said)
            or not _BARE_SUBJECT.search(history[i].question)
        ):
            continue
        if i == len(history) - 1 or _changes_subject(history[i].question, said, history[:i]):
            return history[i:]
    return history


def _since_apart(history: Sequence[Turn]) -> Sequence[Turn]:
    """Return the turns since one that had nothing to do with those before it."""
    for i in range(len(history) - 1, 0, -1):
        text = history[i].question
        if _stands_apart(text, read(text), history[:i]):
            return history[i:]
    return history


def _stands_apart(text: str, own: Said, history: Sequence[Turn]) -> bool:
    """Whether a question explains itself and shares no word with all that was said before it.

    Where the last answer is not known, nobody can tell.
    """
    if (
        not history
        or not history[-1].answer.strip()
        or len(own.words) < _APART_WORDS
        or (own.leans and not _explains_itself(text))
    ):
        return False
    spoken = [turn.question for turn in history] + [turn.answer for turn in history[-_APART_TURNS:]]
    return not any(own.words.keys() & read(said).words.keys() for said in spoken)


def _explains_itself(text: str) -> bool:
    """Whether the question itself says what its first pronoun stands for.

    That is: in a sentence before it, or before a possessive ("My dog tilts its head").
    """
    pointing = next((m for m in _WORD.finditer(text) if m.group().lower() in _POINTING), None)
    if pointing is None:
        return False
    before = text[: pointing.start()]
    ended = re.search(r"[.!?]\s", before) is not None
    return (ended or pointing.group().lower() in _POSSESSIVES) and len(read(before).words) > 1


def _changes_subject(text: str, own: Said, history: Sequence[Turn]) -> bool:
    """Whether a question names what it is about, and that was never spoken of.

    Spoken of is what an earlier question or the last answer contains.
    """
    spoken = [turn.question for turn in history] + [turn.answer for turn in history[-1:]]
    if any(own.words.keys() & read(said).words.keys() for said in spoken):
        return False
    bare = _names_something(own) and bool(_BARE_SUBJECT.search(text))
    return bare or bool(own.names) or len(own.words) > 2


def _names_something(said: Said) -> bool:
    return any(not word.isdigit() for word in said.words.values())


def _is_new_subject(turn: Said) -> bool:
    return bool(turn.words) and not turn.leans and (turn.introduces or bool(turn.names))


def _is_content(word: str) -> bool:
    low = _bare(word).lower()
    return (len(low) > 1 or low.isdigit()) and low not in _EMPTY and not _CONTRACTED.fullmatch(word)


def _bare(word: str) -> str:
    return re.sub(r"['’]s$", "", word)
