"""Passages: whole sentences, exact offsets, sections kept apart, ids that survive edits."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.ingest.passages import split
from rag.ingest.sentences import sentence_spans
from rag.types import Document, Section


def document(text, sections=(), page_starts=(), title="Harbour", metadata=None):
    found = tuple(Section(name, level, text.index(name)) for name, level in sections)
    return Document("d1", title, "harbour.md", text, metadata or {}, found, page_starts)


def sentence(number, chars=100):
    """A sentence of exactly `chars` characters."""
    return f"Sentence {number} of the harbour report ".ljust(chars - 1, "x") + "."


def paragraphs(sizes):
    """Paragraphs of 100-character sentences: `sizes` says how many sentences each has."""
    numbers = iter(range(1000))
    return "\n\n".join(" ".join(sentence(next(numbers)) for _ in range(size)) for size in sizes)


def spans(passages):
    return [(passage.start, passage.end) for passage in passages]


def test_a_short_text_is_one_passage_with_all_it_needs():
    passages = split(
        document("The harbour opened in May. It is deep.", metadata={"date": "2012-05-01"}),
        passage_chars=1000,
        overlap_chars=0,
    )
    (passage,) = passages
    assert passage.text == "The harbour opened in May. It is deep."
    assert (passage.start, passage.end, passage.page, passage.section) == (0, 38, None, "")
    assert (passage.doc_id, passage.title, passage.source) == ("d1", "Harbour", "harbour.md")
    assert passage.date == "2012-05-01"
    # sha256("d1\x1f0\x1fThe harbour opened in May. It is deep.")
    assert passage.passage_id == "d0fab507275e674eee40e36a"


def test_no_text_gives_no_passages():
    assert split(document(""), passage_chars=1000, overlap_chars=0) == []


def test_paragraph_ends_are_preferred_and_the_rest_is_shared_evenly():
    # Three paragraphs of 3, 3 and 2 sentences (302, 302 and 201 characters), 350 at most.
    text = paragraphs([3, 3, 2])
    passages = split(document(text), passage_chars=350, overlap_chars=0)
    assert [passage.text for passage in passages] == text.split("\n\n")


def test_the_last_passage_is_not_tiny():
    # 11 sentences of 100 in one paragraph, 1000 at most: not 9 and 2, but 6 and 5 or 5 and 6.
    passages = split(document(paragraphs([11])), passage_chars=1000, overlap_chars=0)
    assert sorted(passage.text.count("Sentence") for passage in passages) == [5, 6]


def test_an_introduction_stays_with_what_it_introduces():
    text = "\n\n".join([" ".join([sentence(1), sentence(2)]), "The minister added:", sentence(3)])
    first, second = split(document(text), passage_chars=240, overlap_chars=0)
    assert first.text.endswith(".")
    assert second.text.startswith("The minister added:\n\nSentence 3")


def test_big_sections_are_kept_apart_and_named():
    text = f"Depth\n\n{sentence(1)} {sentence(2)}\n\nWidth\n\n{sentence(3)} {sentence(4)}"
    found = split(document(text, [("Depth", 1), ("Width", 1)]), passage_chars=400, overlap_chars=0)
    assert [(passage.section, passage.text[:5]) for passage in found] == [
        ("Depth", "Depth"),
        ("Width", "Width"),
    ]


def test_small_sections_are_merged_under_the_heading_they_share():
    text = "Port\n\nIntro here.\n\nDepth\n\nIt is 9 m.\n\nWidth\n\nIt is 50 m."
    sections = [("Port", 1), ("Depth", 2), ("Width", 2)]
    (passage,) = split(document(text, sections), passage_chars=1000, overlap_chars=0)
    assert passage.text == text
    assert passage.section == "Port"


def test_the_section_path_leaves_out_the_documents_own_title():
    text = f"Harbour\n\nDepth\n\nAt low tide\n\n{sentence(1)}"
    sections = [("Harbour", 1), ("Depth", 2), ("At low tide", 3)]
    (passage,) = split(document(text, sections), passage_chars=1000, overlap_chars=0)
    assert passage.section == "Depth › At low tide"
    assert passage.context == "Harbour › Depth › At low tide"


def test_a_heading_is_never_a_passage_of_its_own():
    long = sentence(1, 500)
    text = f"{sentence(0, 300)}\n\nDepth\n\nAt low tide\n\n{long}"
    found = split(
        document(text, [("Depth", 1), ("At low tide", 2)]), passage_chars=400, overlap_chars=0
    )
    assert [passage.text for passage in found] == [
        sentence(0, 300),
        f"Depth\n\nAt low tide\n\n{long}",
    ]


def test_overlap_repeats_whole_sentences_within_the_size():
    text = " ".join(sentence(number) for number in range(12))
    plain = split(document(text), passage_chars=500, overlap_chars=0)
    found = split(document(text), passage_chars=500, overlap_chars=120)
    assert all(len(passage.text) <= 500 for passage in found)
    assert len(found) > len(plain)
    for before, after in pairwise(found):
        assert before.end - after.start == 100  # one sentence: two and a space would be 201
        assert after.text.startswith("Sentence")


def test_overlap_does_not_cross_into_another_section():
    text = f"Depth\n\n{sentence(1)} {sentence(2)}\n\nWidth\n\n{sentence(3)} {sentence(4)}"
    found = split(
        document(text, [("Depth", 1), ("Width", 1)]), passage_chars=400, overlap_chars=200
    )
    assert found[1].text.startswith("Width")


@pytest.mark.parametrize(
    ("page_starts", "pages"),
    [((0, 101, 202), [1, 2, 3]), ((0, 0, 101), [2, 3, 3]), ((0,), [1, 1, 1]), ((), [None] * 3)],
)
def test_a_passage_knows_the_page_on_which_it_begins(page_starts, pages):
    text = " ".join(sentence(number) for number in range(3))
    found = split(document(text, page_starts=page_starts), passage_chars=120, overlap_chars=0)
    assert [passage.page for passage in found] == pages


def test_equal_passages_have_different_ids_and_the_same_ones_each_time():
    text = "\n\n".join([sentence(1)] * 3)
    found = split(document(text), passage_chars=120, overlap_chars=0)
    assert len({passage.passage_id for passage in found}) == 3
    assert found == split(document(text), passage_chars=120, overlap_chars=0)


def test_ids_depend_on_the_document():
    other = Document("d2", "Harbour", "harbour.md", "It is deep.")
    assert (
        split(other, passage_chars=500, overlap_chars=0)[0].passage_id
        != split(document("It is deep."), passage_chars=500, overlap_chars=0)[0].passage_id
    )


@pytest.mark.parametrize("edited", [3, 50, 97])
def test_an_edit_changes_only_the_passages_around_it(edited):
    sizes = [2 + number % 4 for number in range(100)]
    parts = paragraphs(sizes).split("\n\n")
    before = split(document("\n\n".join(parts)), passage_chars=1000, overlap_chars=0)
    parts[edited] += " A new sentence was added to this paragraph."
    after = split(document("\n\n".join(parts)), passage_chars=1000, overlap_chars=0)
    new = {passage.passage_id for passage in after} - {passage.passage_id for passage in before}
    assert 1 <= len(new) <= 8 < len(after)


WORDS = st.text(alphabet="abcXYZ 12.,!?\"'“”:;-()\n\té😀", min_size=1, max_size=400)


@st.composite
def documents(draw):
    parts = draw(st.lists(WORDS, min_size=1, max_size=12))
    text, sections = "", []
    for part in parts:
        if draw(st.booleans()):
            title = draw(st.text(alphabet="Heading abc", min_size=1, max_size=20)).strip() or "H"
            sections.append(Section(title, draw(st.integers(1, 4)), len(text)))
            text += title + "\n\n"
        text += part.strip() + "\n\n"
    starts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return Document("d", "t", "s", text, {}, tuple(sections), tuple([0, *starts] if starts else ()))


@given(documents(), st.integers(100, 1000), st.integers(0, 300))
@settings(max_examples=150, deadline=None)
def test_passages_are_exact_cover_every_sentence_and_keep_their_size(found, size, overlap):
    passages = split(found, passage_chars=size, overlap_chars=overlap)
    sentences = sentence_spans(found.text)
    for passage in passages:
        assert found.text[passage.start : passage.end] == passage.text == passage.text.strip()
    for start, end in sentences:
        whole = any(passage.start <= start and end <= passage.end for passage in passages)
        headings = [section.start for section in found.sections if start < section.start < end]
        assert whole or headings
    assert len({passage.passage_id for passage in passages}) == len(passages)
    longest = max((end - start for start, end in sentences), default=0)
    for passage in passages:
        # Headings of at most half a passage may stand above one longer sentence.
        assert len(passage.text) <= max(size, longest + 2 + size // 2)
    ends = [passage.end for passage in passages]
    assert ends == sorted(set(ends))
    if not overlap:
        assert all(a.end <= b.start for a, b in pairwise(passages))
