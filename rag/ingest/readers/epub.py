"""E-books: the chapters of an EPUB in reading order."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from rag.errors import DocumentError
from rag.ingest.readers.clues import flat_metadata
from rag.ingest.readers.html import drop_hidden, parse_page
from rag.ingest.readers.original import Original
from rag.ingest.readers.outline import TextBuilder
from rag.ingest.readers.packed import DAMAGE, check_archive, damaged, encrypted, read_part
from rag.ingest.readers.raw import decode
from rag.ingest.readers.tree import HTML, walk
from rag.types import Document

_PAGES = ("application/xhtml+xml", "text/html", "text/x-oeb1-document")
_FONT_SCRAMBLING = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_METADATA = {"title": "title", "creator": "author", "date": "date", "language": "language"}
_METADATA |= {"publisher": "publisher", "subject": "keywords"}


class EpubReader:
    """Reads .epub without digital locks: chapters in order, their headings as sections."""

    suffixes = frozenset({".epub"})
    version = 2

    def read(self, original: Original) -> Iterator[Document | DocumentError]:
        data, source = original.read(), original.source
        check_archive(data, source, "EPUB file")
        builder = TextBuilder()
        problems: list[DocumentError] = []
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if _is_locked(archive):
                    raise encrypted(source)
                package = _package_name(archive)
                tree = _xml(archive.read(package))
                for name in _spine(tree, posixpath.dirname(package)):
                    try:
                        _add_chapter(builder, archive, name, source)
                    except DocumentError as problem:
                        problems.append(problem)
        except DAMAGE as error:
            raise damaged(source, "EPUB file", error) from error
        text, sections = builder.finish()
        if not text and problems:
            raise problems[0]
        yield original.document(text, _metadata(tree), sections=sections)
        yield from problems


def _add_chapter(builder: TextBuilder, archive: zipfile.ZipFile, name: str, source: str) -> None:
    chapter = f"{source}!/{name}"
    try:
        data = read_part(archive, archive.getinfo(name), chapter)
    except KeyError as error:
        raise DocumentError(
            f"{chapter}: this chapter is missing from the e-book.",
            "Download the book again.",
            reason="unreadable",
        ) from error
    if not data.strip():
        return
    try:
        page = parse_page(decode(data, chapter), chapter)
    except DocumentError as error:
        if error.reason == "empty":
            return  # a cover is a picture
        raise
    drop_hidden(page)
    builder.extend(walk(page, HTML))


def _xml(data: bytes) -> Any:
    from lxml import etree  # type: ignore[import-untyped]

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(data, parser)


def _package_name(archive: zipfile.ZipFile) -> str:
    container = _xml(archive.read("META-INF/container.xml"))
    return str(container.find(".//{*}rootfile").get("full-path"))


def _spine(package: Any, folder: str) -> Iterator[str]:
    """Yield the chapters' names; those that the book does not read through come not at all."""
    items = {
        item.get("id"): item.get("href")
        for item in package.iterfind(".//{*}manifest/{*}item")
        if item.get("media-type") in _PAGES and "nav" not in (item.get("properties") or "").split()
    }
    for reference in package.iterfind(".//{*}spine/{*}itemref"):
        href = items.pop(reference.get("idref"), None)
        if href:
            yield posixpath.normpath(posixpath.join(folder, unquote(href.split("#")[0])))


def _metadata(package: Any) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for element in package.iterfind(".//{*}metadata/*"):
        if not isinstance(element.tag, str) or not element.text:
            continue
        name = _METADATA.get(element.tag.rpartition("}")[2])
        if name in ("author", "keywords"):
            found.setdefault(name, []).append(element.text)
        elif name:
            found.setdefault(name, [element.text])
    if "date" in found:
        found["date"] = [found["date"][0][:10]]
    if "language" in found:
        found["language"] = [found["language"][0].split("-")[0].lower()]
    return flat_metadata(found)


def _is_locked(archive: zipfile.ZipFile) -> bool:
    if "META-INF/encryption.xml" not in archive.namelist():
        return False
    methods = _xml(archive.read("META-INF/encryption.xml")).iterfind(".//{*}EncryptionMethod")
    return any(method.get("Algorithm") not in _FONT_SCRAMBLING for method in methods)
