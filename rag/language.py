"""Which language a text is in: the packaged models read English."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace

from rag.notes import not_english
from rag.types import Document

_LOOKED_AT_CHARS = 4000
_LEAST_LETTERS = 40
_LEAST_SURE = 0.7  # of 913 beginnings of English texts, 60 letters each, 3 are called others


def document_language(text: str) -> str:
    """Return the language of a document as ISO 639-1, such as "en"; "" when it cannot be told.

    Only the beginning is looked at. A short question is not for this: the names in it mislead
    every detector. Ask `is_latin` of it.
    """
    sample = text[:_LOOKED_AT_CHARS]
    if sum(map(str.isalpha, sample)) < _LEAST_LETTERS:
        return ""
    language, sureness = _classifier()(sample)
    return language if sureness >= _LEAST_SURE else ""


def with_language(document: Document) -> Document:
    """Add what language a document is in to its metadata, unless it says so itself."""
    if "language" in document.metadata:
        return document
    language = document_language(document.text)
    if not language:
        return document
    return replace(document, metadata={**document.metadata, "language": language})


def is_latin(text: str) -> bool:
    """Whether at least half of the letters are Latin; true of a text without letters."""
    letters = [char for char in text if char.isalpha()]
    latin = sum(unicodedata.name(char, "").startswith("LATIN") for char in letters)
    return 2 * latin >= len(letters)


def language_note(query: str, passages: Sequence[str]) -> str:
    """Return what to tell a person whose question or passages are not in English, or "".

    `passages` are the texts of the best hits; together they are long enough to tell.
    """
    if not is_latin(query):
        return not_english("question")
    if document_language("\n".join(passages)) not in ("", "en"):
        return not_english("passages")
    return ""


@functools.cache
def _classifier() -> Callable[[str], tuple[str, float]]:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    classify: Callable[[str], tuple[str, float]] = LanguageIdentifier.from_model_file(
        MODEL_FILE, norm_probs=True
    ).classify
    return classify
