"""Web pages' furniture: the menus, share buttons and notices around what somebody wrote.

Whole lines are dropped, never parts of sentences (but for a menu glued to the front of one).
`_PHRASES` are unmistakable. `_MENU_WORDS` alone could also be a heading, so a line of them goes
only where the same text shows other furniture.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_MAX_CHARS = 120

_SITE = r"(?:facebook|twitter|x|linkedin|reddit|whatsapp|pinterest|instagram|youtube|email|e-mail)"
_PHRASES = re.compile(
    "|".join(
        (
            r"accessibility (?:links|help|statement)",
            r"(?:skip|jump) to (?:the )?(?:main )?(?:content|navigation|search|menu|footer)",
            r"breaking news",
            r"(?:latest|top|more|related|recommended|trending|popular|featured)"
            r" (?:stories|news|articles|posts|headlines|videos|topics|coverage|content|links)",
            r"(?:most|more) (?:read|popular|viewed|shared|from .{2,40})",
            r"you (?:may|might) also like",
            r"read (?:more|next|also)(?: stories)?(?: at .{1,40}| \W+)?",
            r"continue reading(?: \W+)?",
            r"(?:story continues below )?(?:advertisement|advertisements)",
            r"(?:leave|post|write|add) a (?:reply|comment)",
            r"(?:cancel reply|reply|loading comments)\W*",
            r"(?:no|\d+) (?:comments?|responses?|replies|shares?)(?: so far)?",
            r"(?:comments?|responses?|replies|shares?) \(?\d+\)?",
            r"sharing is caring\W*",
            r"(?:share|tweet|pin|post|send|like|follow)"
            rf"(?: (?:this|it|us|me|with|via|on|to|by|story|article|page|post|friends|{_SITE}))+",
            r"(?:click|tap) (?:here )?to (?:share|print|email|tweet|expand|enlarge|open).{0,60}",
            r"\d{1,2}x\d{1,2} image",
            r"(?:photo|image|video|audio) \d+ of \d+",
            r"(?:sign up|subscribe|register|log ?in|sign in)"
            r"(?: (?:now|here|today|free|(?:for|to) .{2,60}))?",
            r"(?:back to |scroll to )(?:the )?top",
            r"(?:this (?:web)?site|we) uses? cookies.{0,80}",
            r"(?:accept|reject|manage) (?:all )?(?:cookies|preferences)",
            r"(?:all|some) rights reserved",
            r"(?:copyright|\(c\)|©|copyright ©|copyright \(c\)) ?(?:19|20)\d\d(?:\W.*)?",
            r"to see more, visit.{0,60}",
            r"terms (?:of|and) (?:use|service|conditions)",
            r"(?:privacy|cookie) (?:policy|notice|settings)",
            r"(?:print|email) this (?:page|article|story)",
            r"(?:previous|next|older|newer) (?:post|posts|article|story|page)s?",
            r"(?:view|show|see) (?:all|more|less)(?: .{2,30})?",
            r"\d+ (?:min|minute|minutes) read",
            r"(?:file|listen|download|embed)(?: the)? (?:audio|video|episode|podcast)",
        )
    ),
    re.IGNORECASE,
)
_MENU_TEXT = (
    "large medium small smaller larger print printable email e-mail mail share tweet pin like "
    "facebook twitter linkedin reddit whatsapp pinterest instagram youtube rss feed home menu "
    "search about contact us help login logout register subscribe newsletter newsletters news "
    "sports sport weather video videos photos photo gallery audio blog blogs shop jobs careers "
    "sitemap faq archive archives next previous prev close more comments comment save bookmark "
    "text size font a+ a- version version: page link copy opinion business politics world "
    "entertainment lifestyle technology tech science health travel and & embed topics"
)
_MENU_WORDS = frozenset(_MENU_TEXT.split())
_BULLET = re.compile(r"^[\s•·*»›>|\-–—]+|[\s•·*»›<|\-–—:]+$")
_GLUED_MENU = re.compile(r"^(?:[^|.!?]{2,40}\|){2,}(?P<last>[^|]+)$")
_GLUE = re.compile(r"^(?:\S+ ){0,3}?\S*?[a-z](?=[A-Z][a-z]+ )")


def without_boilerplate(text: str) -> str:
    """Drop the furniture lines of a text, and the second of two equal lines in a row.

    Lines end "\\n". What stays is unchanged but for a menu glued to the front of a sentence.
    """
    lines = [_unglued(line) for line in text.split("\n")]
    kept = [line for line, drop in zip(lines, furniture(lines), strict=True) if not drop]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)) if len(kept) < len(lines) else "\n".join(kept)


def furniture(lines: Sequence[str]) -> list[bool]:
    """Mark the lines that are no part of what somebody wrote, and those that repeat the last."""
    sure = [_is_phrase(line) or _is_piped_menu(line) for line in lines]
    menus = [_is_menu(line) for line in lines]
    furnished = any(sure) or sum(menus) >= 3
    marks: list[bool] = []
    last = ""
    for line, phrase, menu in zip(lines, sure, menus, strict=True):
        bare = line.strip()
        drop = phrase or (menu and (furnished or len(bare.split()) >= 3)) or _repeats(bare, last)
        marks.append(drop)
        last = last if drop or not bare else bare
    return marks


def _bare(line: str) -> str:
    return _BULLET.sub("", line) if len(line) <= _MAX_CHARS + 20 else ""


def _is_phrase(line: str) -> bool:
    bare = _bare(line)
    return 0 < len(bare) <= _MAX_CHARS and bool(_PHRASES.fullmatch(bare.rstrip(".")))


def _is_piped_menu(line: str) -> bool:
    """Tell "Home | News | Sport" from a table's row: each part is a word of menus."""
    if "|" not in line or len(line) > _MAX_CHARS:
        return False
    parts = [part.strip() for part in line.split("|") if part.strip()]
    known = sum(all(word in _MENU_WORDS for word in part.lower().split()) for part in parts)
    return len(parts) >= 3 and known * 2 > len(parts)


def _is_menu(line: str) -> bool:
    words = _bare(line).lower().split()
    return 0 < len(words) <= 12 and all(word.strip("|,·•") in _MENU_WORDS for word in words)


def _repeats(bare: str, last: str) -> bool:
    return bare == last and len(bare.split()) >= 4


def _unglued(line: str) -> str:
    """Cut "Map|Videos|Full TripOn Monday we left." down to "On Monday we left."."""
    if line.count("|") < 2:
        return line
    match = _GLUED_MENU.match(line)
    if match is None or len(match["last"].split()) < 6:
        return line
    glue = _GLUE.match(match["last"])
    return match["last"][glue.end() :] if glue else line
