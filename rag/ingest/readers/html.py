"""Web pages: trafilatura finds what somebody wrote, a walk over its tree turns it into text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag.errors import DocumentError
from rag.ingest.readers.clues import date_and_author, flat_metadata
from rag.ingest.readers.original import Original
from rag.ingest.readers.raw import clean, decode, empty
from rag.ingest.readers.tree import HTML, TEI, walk
from rag.types import Document

if TYPE_CHECKING:
    from rag.ingest.readers.outline import TextBuilder

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset=[\"']?\s*([\w-]{2,30})", re.IGNORECASE)
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")  # lxml refuses one in text that is decoded already
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$)"
    r"|font-size\s*:\s*[01](?:\.\d+)?\s*(?:px|pt|em|rem|%)?\s*(?:;|$)"
    r"|(?:left|top|text-indent)\s*:\s*-\d{4,}|translate[xy]?\(\s*-\d{4,}"
    r"|(?<![\w-])color\s*:\s*transparent|scale\(\s*0\s*\)|clip-path\s*:\s*inset\(\s*(?:50|100)%"
    r"|clip\s*:\s*rect\((?:\s*[01](?:px)?[\s,]*){4}\)"
    r"|^(?=.*overflow\s*:\s*hidden).*(?<![\w-])(?:max-)?(?:height|width)\s*:\s*0(?:px)?\s*(?:;|$)",
    re.IGNORECASE | re.DOTALL,
)
_WHITE = r"(?:#fff(?:fff)?\b|white\b|rgb\(\s*255[\s,]+255[\s,]+255\s*\))"
_WHITE_TEXT = re.compile(rf"(?<![\w-])color\s*:\s*{_WHITE}", re.IGNORECASE)
_WHITE_GROUND = re.compile(rf"background(?:-color)?\s*:\s*{_WHITE}", re.IGNORECASE)
_WHITE_NAMES = frozenset({"white", "#fff", "#ffffff"})
_ARTICLE_LEVELS = 200  # trafilatura takes quadratic time over nested tables; no article has more
_MAX_LEVELS = 2000  # libxml2 gives up at 2048


class HtmlReader:
    """Reads .html: the main text, its headings as sections, without menus and comments."""

    suffixes = frozenset({".html", ".htm", ".xhtml"})
    version = 3

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        data, source = original.read(), original.source
        charset = _CHARSET.search(data[:4096])
        page = parse_page(decode(data, source, charset[1].decode() if charset else ""), source)
        hidden = drop_hidden(page)
        builder, said = extract(page)
        text, sections = builder.finish()
        metadata = date_and_author(text) | said
        if hidden:
            metadata["hidden_text"] = f"{hidden} characters left out"
        yield original.document(text, metadata, sections=sections)


def extract(page: Any) -> tuple[TextBuilder, dict[str, str]]:
    """Turn a parsed page into text, and what the page says of itself.

    Where trafilatura finds no article (it then offers all words in one heap), the whole page
    is walked instead, without its menus.
    """
    import trafilatura

    found: Any = None
    if _depth(page) <= _ARTICLE_LEVELS:
        found = trafilatura.bare_extraction(
            page,
            with_metadata=True,
            include_tables=True,
            include_comments=False,
            date_extraction_params={"extensive_search": False},  # a guess is worse than no date
        )
    said = {"title": _page_title(page)}
    if found is None:
        return walk(page, HTML), flat_metadata(said)
    said |= {"title": found.title or said["title"], "author": found.author or ""}
    said |= {"date": found.date or "", "publisher": found.sitename or ""}
    heaped = len(found.body) < 2 and (len(found.body) == 0 or "\n" in (found.body[0].text or ""))
    return walk(page, HTML) if heaped else walk(found.body, TEI), flat_metadata(said)


def parse_page(markup: str, source: str) -> Any:
    """Parse HTML, however broken, into a tree.

    Raises:
        DocumentError: "empty" or "too-deep".
    """
    from lxml import etree, html  # type: ignore[import-untyped]

    parser = html.HTMLParser(
        recover=True, huge_tree=True, no_network=True, remove_comments=True, remove_pis=True
    )
    markup = _DECLARATION.sub("", clean(markup), count=1)
    try:
        page = etree.fromstring(markup, parser)
    except etree.XMLSyntaxError:
        page = None
    if any("depth" in entry.message.lower() for entry in parser.error_log):
        raise DocumentError(
            f"{source}: its elements are nested more than {_MAX_LEVELS} deep.",
            "This is no page for readers. Save its text as .txt instead.",
            reason="too-deep",
        )
    if page is None:
        raise empty(source)
    return page


def drop_hidden(page: Any) -> int:
    """Take out the elements that a browser would not show; returns their characters.

    Known are the attribute `hidden`, and of inline styles those that leave nothing to be seen,
    white on white among them. Style sheets are not read: what they hide stays.
    """
    characters = 0
    for element in list(_hidden_elements(page)):
        characters += sum(len(text.strip()) for text in element.itertext())
        element.drop_tree()
    return characters


def _hidden_elements(page: Any) -> Iterator[Any]:
    """Yield the outermost elements that are hidden, in time linear in the size of the page."""
    from lxml import etree

    # Without a style sheet, which could colour it, the ground is white unless an element says so.
    is_plain = page.find(".//style") is None and page.find(".//link[@rel='stylesheet']") is None
    white_ground = [is_plain]
    hidden: Any = None
    for event, element in etree.iterwalk(page, events=("start", "end")):
        if event == "end":
            white_ground.pop()
            hidden = None if element is hidden else hidden
            continue
        style = element.get("style") or ""
        white_ground.append(_has_white_ground(element, style, white_ground[-1]))
        if (
            hidden is None
            and element.tag not in ("html", "body")
            and (
                element.get("hidden") is not None
                or _HIDING.search(style)
                or (white_ground[-1] and _is_white(element, style))
            )
        ):
            hidden = element
            yield element


def _has_white_ground(element: Any, style: str, inherited: bool) -> bool:
    if "background" in style.lower():
        return _WHITE_GROUND.search(style) is not None
    ground = element.get("bgcolor")
    return inherited if ground is None else ground.lower() in _WHITE_NAMES


def _is_white(element: Any, style: str) -> bool:
    return bool(_WHITE_TEXT.search(style)) or (element.get("color") or "").lower() in _WHITE_NAMES


def _depth(page: Any) -> int:
    from lxml import etree

    depth = deepest = 0
    for event, _ in etree.iterwalk(page, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def _page_title(page: Any) -> str:
    title = page.find(".//title")
    return "" if title is None else " ".join("".join(title.itertext()).split())
