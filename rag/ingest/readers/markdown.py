"""Markdown with YAML front matter, reduced to the words a person reads."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import yaml

from rag.errors import DocumentError
from rag.ingest.readers.clues import flat_metadata
from rag.ingest.readers.original import Original
from rag.ingest.readers.outline import TextBuilder
from rag.ingest.readers.raw import clean, decode
from rag.types import Document

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"---[ \t]*\n(?P<yaml>.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TOML = re.compile(r"\+\+\+[ \t]*\n(?P<toml>.*?\n)?\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
_MAX_FRONT_MATTER_CHARS = 16_000
_MAX_BRACKETS = 200  # PyYAML takes quadratic time over nested ones
_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<raw>script|style)\b.*?(?:</(?P=raw)>|\Z)|<[^>]*>",
    re.DOTALL | re.IGNORECASE,
)
_CELL_TAG = re.compile(r"</t[dh]\s*>\s*(?=<t[dh]\b)", re.IGNORECASE)
_LINE_TAG = re.compile(r"<(?:br|/p|/div|/li|/tr|/h[1-6])\b[^>]*>", re.IGNORECASE)


class MarkdownReader:
    """Reads .md: headings become sections, markup becomes the words it shows."""

    suffixes = frozenset({".md", ".markdown"})
    version = 2

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        front, body = split_front_matter(clean(decode(original.read(), original.source)))
        builder = render(body)
        text, sections = builder.finish()
        yield original.document(text, front, sections=sections)


def split_front_matter(text: str) -> tuple[dict[str, str], str]:
    """Separate the YAML or TOML mapping at the top from the text below it.

    What is not a mapping, or not YAML, is text. Values stay as they are written: no tags, no
    numbers, no dates are constructed, so a hostile block can do nothing but fail.
    """
    if match := _TOML.match(text, 0, _MAX_FRONT_MATTER_CHARS):
        try:
            said = tomllib.loads(match["toml"] or "", parse_float=str)
        except (tomllib.TOMLDecodeError, RecursionError):
            return {}, text
        dated = {
            key: str(value) if isinstance(value, date) else value for key, value in said.items()
        }
        return flat_metadata(dated), text[match.end() :]
    match = _FRONT_MATTER.match(text, 0, _MAX_FRONT_MATTER_CHARS)
    if match is None or len(re.findall(r"[\[{]", match[0])) > _MAX_BRACKETS:
        return {}, text
    try:
        found = yaml.load(match["yaml"] or "", Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError):
        return {}, text
    if not isinstance(found, dict):
        return {}, text
    return flat_metadata(found), text[match.end() :]


def render(source: str) -> TextBuilder:
    """Reduce Markdown to plain text: one line for each paragraph, list item and table row."""
    from markdown_it import MarkdownIt

    known: dict[str, Any] = {}
    parser = MarkdownIt("commonmark").enable("table").enable("strikethrough")
    builder = TextBuilder()
    _Renderer(builder).walk(parser.parse(source, known))
    for label, target in known.get("references", {}).items():
        if label.startswith("^"):  # a footnote of one word, which CommonMark takes for a link
            builder.paragraph(f"[{label.lower()}]: {target['href']}")
    return builder


class _Renderer:
    """Walks block tokens; `items` holds the number of each open list, 0 for a bullet list."""

    def __init__(self, builder: TextBuilder) -> None:
        self.builder = builder
        self.items: list[int] = []
        self.marker = ""
        self.heading = 0
        self.cells: list[str] | None = None

    def walk(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            self._structure(token)
            if token.type == "inline":
                self._words(inline_text(token))
            elif token.type in ("fence", "code_block"):
                self.builder.paragraph(token.content.rstrip("\n"))
            elif token.type == "html_block":
                self.builder.paragraph(_without_tags(token.content))

    def _structure(self, token: Token) -> None:
        match token.type:
            case "heading_open":
                self.heading = int(token.tag[1:])
            case "heading_close":
                self.heading = 0
            case "bullet_list_open":
                self._list_gap()
                self.items.append(0)
            case "ordered_list_open":
                self._list_gap()
                self.items.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                self.items.pop()
            case "list_item_open":
                indent = "  " * (len(self.items) - 1)
                self.marker = indent + (f"{self.items[-1]}. " if self.items[-1] else "- ")
                self.items[-1] += bool(self.items[-1])
            case "tr_open":
                self.cells = []
            case "tr_close":
                self.builder.line(" | ".join(self.cells or []))
                self.cells = None
            case "table_open" | "table_close":
                self.builder.gap()

    def _list_gap(self) -> None:
        if not self.items:
            self.builder.gap()

    def _words(self, words: str) -> None:
        if self.cells is not None:
            self.cells.append(" ".join(words.split()))
        elif self.heading:
            self.builder.heading(" ".join(words.split()), self.heading)
        elif self.items:
            self.builder.line(self.marker + words)
            self.marker = "  " * len(self.items)
        else:
            self.builder.paragraph(words)


def inline_text(token: Token) -> str:
    """Show the words of a paragraph: no emphasis marks, no link targets, soft breaks as spaces."""
    parts: list[str] = []
    for child in token.children or ():
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type == "softbreak":
            parts.append(" ")
        elif child.type == "hardbreak" or _is_line_tag(child):
            parts.append("\n")
        elif child.type == "image" and " " in child.content.strip():
            parts.append(child.content.strip())  # a caption reads as text, "logo" does not
    return re.sub(r"[ \t]+", " ", "".join(parts)).strip()


def _is_line_tag(token: Token) -> bool:
    return token.type == "html_inline" and bool(_LINE_TAG.match(token.content))


def _without_tags(html: str) -> str:
    from html import unescape

    plain = unescape(_TAG.sub("", _LINE_TAG.sub("\n", _CELL_TAG.sub(" | ", html))))
    return "\n".join(line for raw in plain.split("\n") if (line := " ".join(raw.split())))
