"""Markers in a reply: which forms count, where they belong, and that no part of one flashes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.chat.markers import MarkerReader, quote
from rag.answering.citations import number
from rag.types import Hit, Passage

TEXTS = (
    "Two days of talks were held. The talks began on 13 May 2010 in Washington.",
    "China asked the United States not to raise individual cases. Nobody was surprised.",
    "Wang Jian led the Chinese side. He had studied law.",
)
OFFSET = 100


def hits() -> list[Hit]:
    return [
        Hit(Passage(f"p{i}", "d", text, OFFSET, OFFSET + len(text), "Diary", "a.md"), 1.0, i)
        for i, text in enumerate(TEXTS, start=1)
    ]


def read(*chunks: str) -> tuple[MarkerReader, list[str]]:
    reader = MarkerReader(hits())
    shown = [reader.feed(chunk) for chunk in chunks]
    return reader, [*shown, reader.finish()]


def answer(*chunks: str) -> list[tuple[str, tuple[int, ...]]]:
    sentences, _ = number(read(*chunks)[0].drafts())
    return [(sentence.text, sentence.markers) for sentence in sentences]


def cited_passages(*chunks: str) -> list[list[str]]:
    """The passages behind each sentence."""
    return [[q.passage.passage_id for q in draft.quotes] for draft in read(*chunks)[0].drafts()]


@pytest.mark.parametrize(
    ("marker", "passages"),
    [
        ("[2]", ["p2"]),
        ("[1, 3]", ["p1", "p3"]),
        ("[1][3]", ["p1", "p3"]),
        ("[1] [3]", ["p1", "p3"]),
        ("[1-3]", ["p1", "p2", "p3"]),
        ("[1–2]", ["p1", "p2"]),
        ("[^1]", ["p1"]),
        ("[[2]]", ["p2"]),
        ("【1】", ["p1"]),
        ("【2†diary】", ["p2"]),
        ("[passage 2]", ["p2"]),
        ("[Passages 1 and 3]", ["p1", "p3"]),
        ("[1; 1; 1]", ["p1"]),
    ],
)
def test_forms_of_a_marker(marker, passages):
    assert cited_passages(f"Talks began. {marker}") == [passages]
    assert [text for text, _ in answer(f"Talks began. {marker}")] == ["Talks began."]


@pytest.mark.parametrize("text", ["It was [1990] then.", "He [Posner] said so.", "Use a[i] here."])
def test_other_brackets_are_text(text):
    assert answer(text) == [(text, ())]


@pytest.mark.parametrize(
    ("marker", "unresolved"),
    [("[9]", ["[9]"]), ("[0]", ["[0]"]), ("[4, 77]", ["[4]", "[77]"]), ("[1-900]", ["[900]"])],
)
def test_a_marker_that_points_nowhere_vanishes_and_is_recorded(marker, unresolved):
    reader, shown = read(f"Talks began {marker}.")
    assert reader.unresolved == unresolved
    assert reader.body == "Talks began."
    assert "9" not in "".join(shown)
    assert "7" not in "".join(shown)


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        ("It began [9] in May.", "It began in May."),
        ("It began [9], then ended.", "It began, then ended."),
        ("It began.[1]It ended.", "It began. It ended."),
        ("It began. [1] It ended. [2]", "It began. It ended."),
        ("It began. [1]\n\nIt ended. [2]", "It began.\n\nIt ended."),
        ("The U.S.[1]-China talks", "The U.S.-China talks"),
        ("Il a dit : oui [1] !", "Il a dit : oui!"),
        ("  Leading space [1]", "Leading space"),
    ],
)
def test_the_text_reads_well_without_its_markers(reply, body):
    assert read(reply)[0].body == body


def test_markers_are_numbered_in_the_order_of_first_use():
    reply = "Wang Jian led the Chinese side. [3] Talks began on 13 May 2010. [1] Wang Jian led. [3]"
    assert answer(reply) == [
        ("Wang Jian led the Chinese side.", (1,)),
        ("Talks began on 13 May 2010.", (2,)),
        ("Wang Jian led.", (1,)),
    ]


def test_a_marker_before_the_full_stop_or_inside_belongs_to_its_sentence():
    reply = "Talks began [1]. Wang Jian [3] led the side. Nobody knows."
    assert cited_passages(reply) == [["p1"], ["p3"], []]


def test_a_marker_that_begins_a_line_belongs_to_that_line():
    assert cited_passages("[3] Wang Jian led. He came.\n[1] Talks began.\n") == [["p3"], [], ["p1"]]


def test_a_marker_alone_on_its_line_belongs_to_the_sentence_above():
    assert cited_passages("Wang Jian led.\n[3]\nTalks began.\n[1]") == [["p3"], ["p1"]]


def test_list_items_lose_their_bullets_and_begin_new_lines():
    reader, _ = read("Two things:\n- **Talks** began. [1] They went on.\n2. Wang Jian led. [3]")
    assert [(d.text, d.break_before) for d in reader.drafts()] == [
        ("Two things:", False),
        ("Talks began.", True),
        ("They went on.", False),
        ("Wang Jian led.", True),
    ]


def test_a_closing_list_of_sources_is_dropped():
    reply = "Talks began. [1]\n\n**Sources:**\n[1] Diary, 2010\n[2] Another document"
    assert answer(reply) == [("Talks began.", (1,))]


def test_deltas_carry_resolved_markers_only():
    _, shown = read("Wang Jian led the Chinese side. [3]", " Talks began. [1][9] End.")
    assert "".join(shown) == "Wang Jian led the Chinese side. [1] Talks began. [2] End."


def test_no_part_of_a_marker_flashes_when_it_arrives_character_by_character():
    reply = "Wang Jian led the Chinese side. [3] Talks began 【1†x】 there [9]. Done [[no"
    _, shown = read(*reply)
    so_far = ""
    for delta in shown:
        so_far += delta
        assert so_far.count("[") == so_far.count("]")
        assert "[3" not in so_far
        assert "【" not in so_far
    assert so_far == "Wang Jian led the Chinese side. [1] Talks began [2] there. Done"


@pytest.mark.parametrize("cut", ["[", "[2", "[[", "[1, ", "【1", "[passage 2", "[^"])
def test_a_marker_cut_off_by_the_end_is_unresolved(cut):
    reader, shown = read("Talks began. ", cut)
    assert reader.unresolved == [cut]
    assert "".join(shown) == "Talks began."
    assert answer("Talks began. ", cut) == [("Talks began.", ())]


def test_text_in_a_bracket_that_never_closes_is_shown_at_the_end():
    _, shown = read("He said [as ever")
    assert "".join(shown) == "He said [as ever"


def test_a_long_bracket_is_not_held_back():
    _, shown = read("It [" + "a" * 80, " then")
    assert "a" * 80 in shown[0]


@pytest.mark.parametrize(
    "reply",
    [
        "[[no answer]]",
        "[[No Answer]].",
        "[no answer]",
        "[[no_answer]] The passages are about tea.",
        "The passages are about tea. [[no answer]]",
        "Tea. [9] [[no answer]]",
    ],
)
def test_declining_before_anything_is_cited_counts_as_no_answer(reply):
    reader, shown = read(*reply)
    assert reader.no_answer
    assert "no" not in "".join(shown).lower().split()


def test_declining_after_a_cited_sentence_leaves_that_sentence():
    reader, shown = read("Talks began. [1] [[no answer]]")
    assert not reader.no_answer
    assert "".join(shown) == "Talks began. [1]"


@given(
    st.lists(
        st.sampled_from(
            [
                "Talks",
                " began.",
                "\n",
                " ",
                "[",
                "]",
                "1",
                "2",
                "9",
                "[1]",
                "[[",
                "【",
                "】",
                ",",
                "^",
            ]
        ),
        max_size=30,
    )
)
def test_how_the_reply_is_cut_into_tokens_changes_nothing(pieces):
    reply = "".join(pieces)
    whole, _ = read(reply)
    split, _ = read(*reply)
    assert whole.body == split.body
    assert whole.unresolved == split.unresolved
    assert number(whole.drafts()) == number(split.drafts())
    assert not any("[9]" in draft.text for draft in split.drafts())


def passage(text: str) -> Passage:
    return Passage("p", "d", text, OFFSET, OFFSET + len(text), "Diary", "a.md")


def test_the_quote_is_the_sentence_that_shares_most_words():
    chosen = quote(hits()[0].passage, "The talks began in May 2010.")
    assert chosen.text == "The talks began on 13 May 2010 in Washington."
    assert chosen.start == OFFSET + TEXTS[0].index("The talks began")


def test_a_neighbour_that_adds_a_quarter_of_the_words_widens_the_quote():
    text = "Wang Jian led the Chinese side. He had studied law in Oslo. It rained."
    assert quote(passage(text), "Wang Jian studied law in Oslo.").text == (
        "Wang Jian led the Chinese side. He had studied law in Oslo."
    )


def test_without_a_shared_word_the_whole_passage_is_the_quote():
    text = "  Wang Jian led. He spoke.\n"
    assert quote(passage(text), "Тем временем").text == "Wang Jian led. He spoke."


def test_of_equal_sentences_the_shorter_then_the_earlier_is_quoted():
    text = "Oslo was far away from there. Oslo slept. Oslo waited."
    assert quote(passage(text), "Oslo").text == "Oslo slept."


def test_an_abbreviation_before_a_marker_ends_its_sentence_once():
    reader, shown = read("It shuts at 6 p.m. [1]", ". Then", " it opens. [2]")
    assert [draft.text for draft in reader.drafts()] == ["It shuts at 6 p.m.", "Then it opens."]
    assert ".." not in "".join(shown)


def test_fences_around_code_are_no_sentences():
    said = answer("Run this: [1]\n```python\nclient.send(order) [2]\n```\n")
    assert said == [("Run this:", (1,)), ("client.send(order)", (2,))]
