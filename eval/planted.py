"""Plant errors in right sentences: what a check of citations has to catch."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rag.types import Passage

KINDS = ("wrong number", "wrong name", "swapped citation", "negation", "invented sentence")


@dataclass(frozen=True, slots=True)
class Cited:
    """A sentence of an answer, the passages of its context, and which of them it cites."""

    text: str
    context: tuple[Passage, ...]
    cited: int


@dataclass(frozen=True, slots=True)
class Planted:
    """A sentence with an error of one of `KINDS`, or a right one (kind "")."""

    kind: str
    sentence: Cited
    before: str = ""


_MONTH_NAMES = (
    "January February March April May June July August September October November December"
)
_SMALL = "two three four five six seven eight nine ten eleven twelve"
_BEGINNINGS = (
    "The This That These Those There They He She It His Her Its Their We You In On At As By For "
    "From To Of And But Or If When While After Before During Since Some Many Most All Each First "
    "Second According However Both Another Other One Two Three Not No What Who How Why Where "
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday Also With Without Under Over "
    "Although Though Because Such Among Yes Answer Question An"
)
_MONTHS = _MONTH_NAMES.split()
_NUMBER_WORDS = _SMALL.split()
_NO_NAMES = frozenset(_BEGINNINGS.split()) | frozenset(_MONTHS)
_NUMBER = re.compile(
    rf"(?<![\w.-])\d(?:[\d,]*\d)?(?:\.\d+)?(?![\w-])|\b(?:{'|'.join(_MONTHS)})\b(?=\s+\d)"
    rf"|\b(?:{'|'.join(_NUMBER_WORDS)})\b",
)
_NAME = re.compile(
    r"\b[A-Z][a-z]+(?:-[A-Z]?[a-z]+)*(?: (?:of |de |von )?[A-Z][a-z]+(?:-[A-Z]?[a-z]+)*)*"
)
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|can|could|will|would|should|must|may|might|had been|has been|have been)\b"
    r"(?! not\b| never\b)"
)
_NEGATED = re.compile(
    r"\b(is|are|was|were|can|could|will|would|should|must|may|might|has|have|had|does|do|did)"
    r"(?: not\b|n['’]t\b)(?! only\b)"
)
_DID = {
    "said": "say", "wrote": "write", "began": "begin", "became": "become", "came": "come",
    "gave": "give", "took": "take", "went": "go", "held": "hold", "led": "lead", "met": "meet",
    "won": "win", "lost": "lose", "built": "build", "made": "make", "found": "find",
    "told": "tell", "left": "leave", "saw": "see", "brought": "bring", "kept": "keep",
}  # fmt: skip
_DOES = {
    "says": "say", "has": "have", "wants": "want", "argues": "argue", "claims": "claim",
    "considers": "consider", "sees": "see", "calls": "call", "finds": "find", "prefers": "prefer",
    "believes": "believe", "covers": "cover", "includes": "include", "provides": "provide",
    "contains": "contain", "refers": "refer", "uses": "use", "allows": "allow", "makes": "make",
    "points": "point", "supervises": "supervise", "criticizes": "criticize", "gives": "give",
    "teaches": "teach", "predicts": "predict", "asserts": "assert", "compares": "compare",
    "draws": "draw", "deals": "deal", "broadcasts": "broadcast", "shows": "show",
    "describes": "describe", "means": "mean", "requires": "require", "begins": "begin",
}  # fmt: skip
_PAST = re.compile(r"(?<=[a-z)\"”] )([a-z]{2,}[^e\W])ed\b(?= [a-z\"“A-Z0-9])")
_INVENTED = (
    "{name} was later awarded a medal for this work.",
    "The costs were shared equally by {name} and a private foundation.",
    "A second meeting was planned in Geneva for the following spring.",
    "{name} resigned a few weeks later for reasons of health.",
    "About 40 percent of those asked by {name} disagreed.",
    "The plan was dropped after protests by local residents.",
    "{name} had studied medicine in Vienna before taking up this post.",
    "Experts expect the number to double by the end of the decade.",
    "The agreement was signed by both parties and entered into force at once.",
    "{name} has since apologized and promised an inquiry.",
    "A court in The Hague confirmed the decision of {name} on appeal.",
    "Two people were slightly injured, and the building was closed for a month.",
    "{name} sold the rights to a publisher in Toronto.",
    "It was the largest event of its kind in the history of {name}.",
    "Critics point out that {name} never published the figures.",
    "The idea goes back to a letter that was found in an attic.",
)


def plant(right: Sequence[Cited], each: int, seed: int = 0) -> list[Planted]:
    """Plant `each` errors of every kind, no two of the same text; fewer where nothing can be.

    The sentences are taken in turn, in an order that the seed decides.
    """
    planters: dict[str, Callable[[Cited, random.Random], Cited | None]] = {
        "wrong number": _wrong_number,
        "wrong name": _wrong_name,
        "swapped citation": _swapped,
        "negation": _negation,
        "invented sentence": _invented,
    }
    planted: list[Planted] = []
    for kind, planter in planters.items():
        dice = random.Random(f"{seed} {kind}")
        order = list(right)
        dice.shuffle(order)
        seen: set[tuple[str, int]] = set()
        for one in order * 6:
            if len(seen) == each:
                break
            wrong = planter(one, dice)
            if wrong is not None and (wrong.text, wrong.cited) not in seen:
                seen.add((wrong.text, wrong.cited))
                planted.append(Planted(kind, wrong, before=one.text))
    return planted


def _wrong_number(one: Cited, dice: random.Random) -> Cited | None:
    """Change a number or date: to another of the same kind in the passage, or to one near it."""
    found = list(_NUMBER.finditer(one.text))
    if not found:
        return None
    old = dice.choice(found)
    passage = one.context[one.cited].text
    like = [m.group() for m in _NUMBER.finditer(passage) if _alike(m.group(), old.group())]
    others = sorted({other for other in like if other != old.group() and other not in one.text})
    new = dice.choice(others) if others and dice.random() < 0.5 else _near(old.group(), dice)
    return _changed(one, old.start(), old.end(), new)


def _alike(one: str, other: str) -> bool:
    return (one in _MONTHS, one in _NUMBER_WORDS, len(one) == 4) == (
        other in _MONTHS,
        other in _NUMBER_WORDS,
        len(other) == 4,
    )


def _near(old: str, dice: random.Random) -> str:
    for kind in (_MONTHS, _NUMBER_WORDS):
        if old in kind:
            return dice.choice([word for word in kind if word != old])
    value = float(old.replace(",", ""))
    if "." in old:
        return f"{value * dice.choice((0.5, 1.5, 2, 3)) + 0.1:.1f}"
    if 1000 <= value <= 2100 and "," not in old:
        return str(int(value) + dice.choice((-10, -3, -2, -1, 1, 2, 3, 10)))
    changed = max(1, int(value * dice.choice((0.5, 2, 3)) + dice.choice((0, 1))))
    return f"{changed + (changed == value):,}" if "," in old else str(changed + (changed == value))


def _wrong_name(one: Cited, dice: random.Random) -> Cited | None:
    """Put another name of the context for one of the sentence's."""
    found = _names(one.text)
    pool = {name for passage in one.context for _, name in _names(passage.text)}
    plain = {word for passage in one.context for word in re.findall(r"\b[a-z]+", passage.text)}
    pool = {name for name in pool if not {word.lower() for word in name.split()} & plain}
    own = set(re.findall(r"\w+", one.text.lower()))
    others = sorted(name for name in pool if not own & set(name.lower().split()))
    if not found or not others:
        return None
    start, name = dice.choice(found)
    several = [other for other in others if (" " in other) == (" " in name)]
    return _changed(one, start, start + len(name), dice.choice(several or others))


def _names(text: str) -> list[tuple[int, str]]:
    """Find names; a single capital at the beginning of a sentence is none for certain."""
    found = []
    for match in _NAME.finditer(text):
        begins = not text[: match.start()].strip() or text[: match.start()].rstrip()[-1] in ".?!:"
        words = match.group().split()
        offset = match.start()
        while words and words[0] in _NO_NAMES:
            offset += len(words[0]) + 1
            words = words[1:]
            begins = False
        if words and (len(words) > 1 or not begins):
            found.append((offset, " ".join(words)))
    return found


def _swapped(one: Cited, dice: random.Random) -> Cited | None:
    others = [i for i in range(len(one.context)) if i != one.cited]
    return replace(one, cited=dice.choice(others)) if others else None


def _negation(one: Cited, dice: random.Random) -> Cited | None:
    """Take a "not" out, or put one in."""
    if negated := _NEGATED.search(one.text):
        verb = negated.group(1)
        return _changed(one, negated.start(), negated.end(), verb)
    found: list[tuple[int, int, str]] = []
    found += [(m.start(), m.end(), f"{m[1]} not") for m in _AUXILIARY.finditer(one.text)]
    for table, helper in ((_DID, "did"), (_DOES, "does")):
        for word, base in table.items():
            for m in re.finditer(rf"\b{word}\b(?! been\b)", one.text):
                found.append((m.start(), m.end(), f"{helper} not {base}"))
    if not found:
        found = [(m.start(), m.end(), f"did not {_base(m[1])}") for m in _PAST.finditer(one.text)]
    if not found:
        return None
    start, end, new = min(found) if dice.random() < 0.7 else dice.choice(found)
    return _changed(one, start, end, new.replace("had been not", "had not been"))


def _base(stem: str) -> str:
    if stem.endswith("i"):
        return stem[:-1] + "y"
    return stem + "e" if re.search(r"(?:[^aeiou][iauo][sgcvt]|[cgsvz]|at|ar|ur)$", stem) else stem


def _invented(one: Cited, dice: random.Random) -> Cited | None:
    """Say something of a name in the passage that no passage says, or splice two sentences."""
    names = [name for _, name in _names(one.context[one.cited].text)] or ["the committee"]
    if dice.random() < 0.75:
        return replace(one, text=dice.choice(_INVENTED).format(name=dice.choice(names)))
    half = one.text.split()
    other = dice.choice([passage for i, passage in enumerate(one.context) if i != one.cited])
    tail = other.text.split(". ")[0].split()
    if len(half) < 8 or len(tail) < 10:
        return None
    return replace(one, text=" ".join([*half[: len(half) // 3], *tail[-len(tail) // 2 :]]))


def _changed(one: Cited, start: int, end: int, new: str) -> Cited | None:
    text = one.text[:start] + new + one.text[end:]
    return None if text == one.text else replace(one, text=text)
