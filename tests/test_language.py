"""Telling languages apart, and what a person is told of it."""

from __future__ import annotations

import pytest

from rag.language import document_language, is_latin, language_note, with_language
from rag.types import Document

ENGLISH = "The delegations met for two days and agreed to meet again in the spring."
GERMAN = "Die Delegationen trafen sich zwei Tage lang und wollen im Frühjahr wieder reden."
RUSSIAN = "Делегации встречались два дня и договорились снова встретиться весной этого года."
CHINESE = (
    "两国代表团进行了为期两天的会谈，双方同意明年春天再次举行会议，"
    "就人权、法治、宗教自由和劳工问题继续交换意见。"
)


@pytest.mark.parametrize(
    ("text", "language"),
    [(ENGLISH, "en"), (GERMAN, "de"), (RUSSIAN, "ru"), (CHINESE, "zh")],
)
def test_a_document_of_a_sentence_or_two_is_told(text, language):
    assert document_language(text) == language


@pytest.mark.parametrize("text", ["", "1990 2011 42,3 " * 20, "Berlin, 4 May", "Ok."])
def test_too_few_letters_are_no_language(text):
    assert document_language(text) == ""


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("Who is Angela Merkel?", True),
        ("Wer übersetzte den Artikel?", True),
        ("Кто перевёл статью?", False),
        ("谁翻译了 China Daily 的文章？", True),
        ("这篇文章是谁翻译的？", False),
        ("من ترجم المقال؟", False),
        ("누가 번역했습니까?", False),
        ("1990?", True),
    ],
)
def test_script_of_a_question(text, latin):
    assert is_latin(text) is latin


def test_english_needs_no_note():
    assert language_note("When did they meet?", [ENGLISH]) == ""
    assert language_note("When did they meet?", []) == ""


def test_the_note_names_what_is_not_english():
    note = language_note("Когда?", [ENGLISH])
    assert "the question is in another language" in note
    assert note.values == {"what": "question"}
    assert "the passages found are in another language" in language_note("When?", [GERMAN])


@pytest.mark.parametrize(
    ("text", "metadata", "expected"),
    [
        (GERMAN, {"author": "A. Weber"}, {"author": "A. Weber", "language": "de"}),
        (GERMAN, {"language": "de-AT"}, {"language": "de-AT"}),
        ("Ok.", {}, {}),
    ],
)
def test_a_documents_metadata_name_its_language(text, metadata, expected):
    document = Document("d", "Title", "a.txt", text, metadata=metadata)
    assert with_language(document).metadata == expected
