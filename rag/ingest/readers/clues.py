"""What a text says of itself: a title, a date, an author. Only when it is unambiguous."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sept sep",
            "october oct",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = rf"(?P<month>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_MONTH}\s+{_DAY},?\s+{_YEAR}",
        rf"{_DAY}\s+(?:of\s+)?{_MONTH},?\s+{_YEAR}",
        rf"{_YEAR}[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}})",
        r"(?P<first>\d{1,2})[./](?P<second>\d{1,2})[./](?P<year>(?:19|20)\d\d)",
    )
)
# What may stand before and after the date in a line that only dates the text.
_BEFORE = re.compile(
    r"(?:(?:first |last )?(?:published|updated|posted|released|modified|issued|date)"
    r"(?: (?:on|at))?\s*:?\s*)?(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+)?",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"[T,|\s]*(?:(?:at\s+)?\d{1,2}[:.]\d\d(?:[:.]\d\d(?:\.\d+)?)?\s*(?:[ap]\.?m\.?)?)?"
    r"\s*(?:\(?(?:Z|[A-Z]{2,4}|[+-]\d\d:?\d\d)\)?)?\s*",
    re.IGNORECASE,
)
_NAME = (
    r"(?:[A-Z][\w'’-]*\.?|[A-Z]\.)(?:\s+(?:[A-Z]\.|(?:de|da|van|von|der|bin|al|la|di)\b"
    r"|[A-Z][\w'’-]*)){1,4}"
)
_BYLINE = re.compile(
    rf"(?:[Bb]y|BY|Author:|Written [Bb]y)\s+(?P<name>{_NAME})\s*(?:\([^)]*\)?)?\s*"
)
_ABOUT_AUTHOR = re.compile(
    rf"About [Tt]he [Aa]uthor:\s*(?P<name>{_NAME})\s+(?:is|was|serves|has)\b"
)
_ANY_NAME = (
    "copy doc document download draft export file final form img image new print page pages pdf "
    "report scan scanned tmp temp unnamed untitled version"
)
_SAYS_NOTHING = frozenset(_ANY_NAME.split())
_CHECKSUM = re.compile(r"|(?=.*\d)[0-9a-f]{8,}", re.IGNORECASE)
_HEAD_LINES = 12
_MAX_CLUE_CHARS = 80
_MAX_TITLE_CHARS = 150


def guess_title(text: str) -> str:
    """Take the first line as the title when it is short enough, else say "".

    A kicker of up to three words above a longer headline ("World news") is passed over.
    """
    short = [_unmarked(line[: 2 * _MAX_TITLE_CHARS]) for line in _lines(text, 2)]
    if not short or not _like_title(short[0]):
        return ""
    first, *rest = short
    if rest and len(first.split()) <= 3 and _like_headline(rest[0]):
        return rest[0]
    return first


def with_file_name(heading: str, stem: str) -> str:
    """Add the words of a file's name to a title that was guessed, unless it has them already.

    The largest line of a first page may be that of a form ("UNITED STATES SECURITIES AND EXCHANGE
    COMMISSION"); whose it is, the name tells ("VERIZON_2022_10K"). Names without a word of three
    letters, such as numbers and checksums, and those that any file could have, tell nothing.
    """
    name = " ".join(part for part in re.split(r"[\W_]+", stem) if not _CHECKSUM.fullmatch(part))
    words = re.findall(r"[^\W\d_]{3,}", name.casefold())
    if not set(words) - _SAYS_NOTHING or set(words) <= set(re.findall(r"\w+", heading.casefold())):
        return heading
    return f"{heading} ({name})" if heading else name


def date_and_author(text: str) -> dict[str, str]:
    """Find a line that only gives a date, and one that only names the author.

    The first lines are searched, then the last. Two different dates are no date.
    """
    lines = list(_lines(text))
    head, tail = lines[:_HEAD_LINES], lines[_HEAD_LINES:][-_HEAD_LINES:]
    found: dict[str, str] = {}
    for part in (head, tail):
        dates = {day for line in part if (day := _line_date(line))}
        if "date" not in found and len(dates) == 1:
            found["date"] = dates.pop()
        authors = {name for line in part if (name := _line_author(line))}
        if "author" not in found and len(authors) == 1:
            found["author"] = authors.pop()
        if "date" not in found and dates:
            break
    return found


def iso_date(text: str) -> str:
    """Write a date that is given alone as YYYY-MM-DD; "" when it is none, or could be two.

    "05/09/2011" could be May or September and is neither; "25/09/2011" is clear.
    """
    text = text.strip()
    start = _BEFORE.match(text)
    rest = text[start.end() :] if start else text
    for pattern in _DATES:
        match = pattern.match(rest)
        if match and _AFTER.fullmatch(rest, match.end()):
            return _iso(match.groupdict())
    return ""


def flat_metadata(values: Mapping[str, Any]) -> dict[str, str]:
    """Turn what a file says of itself into strings: lists joined with commas, the rest left out.

    The date becomes ISO where it is unambiguous, and stays as it is written where it is not.
    """
    flat: dict[str, str] = {}
    for key, value in values.items():
        parts = value if isinstance(value, list) else [value]
        words = [
            " ".join(str(part).split())
            for part in parts[:50]
            if isinstance(part, str | int | float) and not isinstance(part, bool)
        ]
        text = ", ".join(word for word in words if word)
        if isinstance(key, str) and key and text and text not in ("~", "null"):
            name = key.strip().lower()
            flat[name] = (iso_date(text) or text) if name == "date" else text
    return flat


def _lines(text: str, count: int | None = None) -> Iterator[str]:
    for match in re.finditer(r"[^\n]+", text):
        if line := match.group().strip():
            yield line
            if count is not None:
                count -= 1
                if count == 0:
                    return


def _unmarked(line: str) -> str:
    return " ".join(line.lstrip("#=*-•> \t").rstrip("#=* \t").split())


def _like_title(line: str) -> bool:
    return 0 < len(line) <= _MAX_TITLE_CHARS and not line.endswith((",", ";")) and line != "---"


def _like_headline(line: str) -> bool:
    return (
        _like_title(line)
        and len(line.split()) >= 4
        and not line.endswith((".", ":", "!", "”", '"'))
        and not _line_date(line)
        and not _line_author(line)
    )


def _line_date(line: str) -> str:
    return iso_date(line) if len(line) <= _MAX_CLUE_CHARS else ""


def _line_author(line: str) -> str:
    if match := _ABOUT_AUTHOR.match(line):
        return match["name"]
    match = _BYLINE.fullmatch(line) if len(line) <= _MAX_CLUE_CHARS else None
    return match["name"] if match else ""


def _iso(parts: Mapping[str, str | None]) -> str:
    month, day = parts.get("month"), parts.get("day")
    if first := parts.get("first"):
        second = parts["second"] or ""
        if int(first) > 12:
            day, month = first, second
        elif int(second) > 12 or first == second:
            month, day = first, second
        else:
            return ""
    month_number = _MONTHS.get((month or "").lower().rstrip(".")) or int(month or 0)
    try:
        return date(int(parts["year"] or 0), month_number, int(day or 0)).isoformat()
    except ValueError:
        return ""
