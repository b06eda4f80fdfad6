"""From spans in passages to sentences of documents."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.answering.reading.evidence import TrainedEvidence, Trust
from rag.answering.reading.marking import NAMES, Wanted, marks
from rag.answering.reading.model import Reading, Span
from rag.answering.text.features import content_stems
from rag.types import Hit, Passage

TEXT = "The talks opened in March. Anna Berg led them. The weather was fine."


def hit(text: str = TEXT, rank: int = 1, *, start: int = 100, title: str = "") -> Hit:
    passage = Passage(f"p{rank}", "doc", text, start, start + len(text), title, "a.txt")
    return Hit(passage, 1 / rank, rank)


def span(words: str, score: float = 0.9, text: str = TEXT) -> Span:
    return Span(text.index(words), text.index(words) + len(words), score)


def places(*readings: Reading, hits: list[Hit] | None = None) -> list[tuple[int, int]]:
    return [(mark.start, mark.end) for mark in marks("Who?", hits or [hit()], readings)]


def test_a_span_marks_its_sentence() -> None:
    (mark,) = marks("Who led?", [hit()], [Reading(1.0, 0.5, (span("Anna Berg"),))])
    assert (mark.start, mark.end) == (127, 146)
    assert mark.span == (127, 136)


def test_a_span_over_two_sentences_marks_both() -> None:
    assert places(Reading(1.0, 0.5, (span("March. Anna Berg"),))) == [(100, 146)]


def test_a_span_over_very_long_sentences_marks_the_first_and_ends_there() -> None:
    text = "It was " + "very " * 120 + "long. And on it went."
    long = Span(0, len(text), 0.9)
    (mark,) = marks("Who?", [hit(text)], [Reading(1.0, 0.5, (long,))])
    assert mark.end == 100 + text.index(" And")
    assert mark.span == (100, mark.end)


def test_a_span_over_lines_ends_with_the_first() -> None:
    text = "Translated by Pak Ng\n\n28 April 2011"
    (mark,) = marks("Who?", [hit(text)], [Reading(1.0, 0.5, (span("Pak Ng\n\n28", text=text),))])
    assert (mark.start, mark.end) == (100, 120)
    assert mark.span == (114, 120)


FAQ = "Is there an app?\n\nNo. One is planned."


def test_a_question_of_the_text_is_answered_by_what_follows_it() -> None:
    spans = (span("an app", 0.6, FAQ), span("planned", 0.3, FAQ))
    (mark,) = marks("Is there an app?", [hit(FAQ)], [Reading(1.0, 0.5, spans)])
    assert mark.text == "No. One is planned."
    assert mark.span == (100 + FAQ.index("planned"), 100 + len(FAQ) - 1)
    assert mark.features[1] == pytest.approx(math.log(0.9))


def test_a_question_of_the_text_may_be_asked_for() -> None:
    reading = Reading(1.0, 0.5, (span("an app", 0.6, FAQ),))
    (mark,) = marks("What do people ask?", [hit(FAQ)], [reading])
    assert mark.text == "Is there an app?"


def test_a_span_in_a_table_marks_the_cell_that_the_question_names() -> None:
    text = "See:\n\nModel | Weight | Power\nHX-1 | 18 kg | 2 kW\nHX-2 | 23 kg | 3 kW"
    reading = Reading(1.0, 0.5, (span("18 kg", text=text),))
    (mark,) = marks("What is the power of the HX-2?", [hit(text)], [reading])
    assert mark.text == "HX-2 | 23 kg | 3 kW"
    assert mark.span == (100 + text.index("3 kW"), 100 + len(text))


def test_the_names_of_columns_are_no_evidence() -> None:
    text = "See:\n\nModel | Weight | Power\nHX-1 | 18 kg | 2 kW"
    reading = Reading(1.0, 0.5, (span("Weight", text=text),))
    assert marks("Which zebra is it?", [hit(text)], [reading]) == []


def test_spans_of_a_sentence_add_up_and_the_best_is_marked() -> None:
    reading = Reading(1.0, 0.5, (span("led them", 0.5), span("Anna Berg", 0.3)))
    (mark,) = marks("Who led?", [hit()], [reading])
    assert mark.span == (100 + TEXT.index("led"), 100 + TEXT.index("them") + 4)
    assert mark.features[1] == pytest.approx(math.log(0.8))


@pytest.mark.parametrize("text", ["A fine title", "Section", "Hm!"])
def test_titles_and_scraps_are_no_evidence(text: str) -> None:
    marked = marks("Who?", [hit(text, title="A fine title")], [Reading(1, 0.9, (Span(0, 2, 1),))])
    assert marked == []


@pytest.mark.parametrize("text", ["By Patrick Mattimore", "28 April 2011"])
def test_a_byline_or_date_is(text: str) -> None:
    found = marks("Who?", [hit(text)], [Reading(1, 0.9, (Span(3, 8, 1),))])
    assert [(mark.start, mark.end) for mark in found] == [(100, 100 + len(text))]


def test_an_empty_reading_marks_nothing() -> None:
    assert places(Reading(-30.0, 0.0, ())) == []


def test_a_sentence_of_two_passages_belongs_to_the_surer_one() -> None:
    hits = [hit(TEXT, 1), hit(TEXT[27:], 2, start=127)]
    surer = Reading(2.0, 0.9, (Span(0, 9, 0.9),))
    (mark,) = marks("Who?", hits, [Reading(1.0, 0.5, (span("Anna Berg"),)), surer])
    assert mark.hit.rank == 2
    assert (mark.start, mark.end) == (127, 146)


def test_features() -> None:
    (mark,) = marks("Who led them?", [hit(rank=3)], [Reading(1.0, 0.75, (span("Anna Berg"),))])
    by_name = dict(zip(NAMES[:-1], mark.features, strict=True))
    assert by_name["log-odds that the passage answers"] == pytest.approx(math.log(3))
    assert by_name["logarithm of the belief in the sentence, if it does"] == pytest.approx(
        math.log(0.9)
    )
    assert by_name["share of the question's rare words in the sentence"] == pytest.approx(1.0)
    assert by_name["the expected kind of answer is in the span"] == 1.0
    assert by_name["logarithm of the hit's rank"] == pytest.approx(math.log(3))


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_certainty_stays_finite(probability: float) -> None:
    (mark,) = marks("Who?", [hit()], [Reading(1.0, probability, (span("Anna"),))])
    assert abs(mark.features[0]) == pytest.approx(8.0)


def test_words_weigh_by_rarity_and_names_are_missed() -> None:
    hits = [hit("The talks in Bonn ended."), hit("The talks in Rome ended in 1990.", 2)]
    # "talks" and "ended" are in both: log(1 + 3/3); "Bonn" in one: log(1 + 3/2); "1991" in none.
    both, bonn, year = math.log(2), math.log(2.5), math.log(4)
    wanted = Wanted.of("Did talks in Bonn end before 1991, or when?", hits)
    first, second = (content_stems(one.passage.text) for one in hits)
    total = 2 * both + bonn + year
    assert wanted.share(first) == pytest.approx((2 * both + bonn) / total)
    assert wanted.share(second) == pytest.approx(2 * both / total)
    assert wanted.missing(first) == 0.5
    assert wanted.missing(second) == 1.0


def test_a_question_without_words_wants_nothing() -> None:
    wanted = Wanted.of("what is it", [hit()])
    assert wanted.share(frozenset({"rain"})) == 1.0
    assert wanted.missing(frozenset()) == 0.0


class Says:
    """A reading model that gives each passage's reading by its text."""

    def __init__(self, readings: dict[str, Reading]) -> None:
        self._readings = readings
        self.read_so_far = 0

    def read(self, question: str, passages: Sequence[tuple[str, str]]) -> list[Reading]:
        self.read_so_far += len(passages)
        return [self._readings[text] for _, text in passages]


class Likes:
    """Embeds what holds a word along one axis, and everything else along another."""

    def __init__(self, word: str) -> None:
        self._word = word
        self.compared: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.compared += texts
        return np.array([self.embed_query(text) for text in texts], dtype=np.float32)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return np.array([1, 0] if self._word in text else [0, 1], dtype=np.float32)


def only(name: str) -> Trust:
    return Trust(tuple(float(name in one) for one in NAMES), 0.0)


OTHER = "Berg led the talks in Oslo for a week."
MODEL = Says(
    {
        TEXT: Reading(0.0, 0.6, (span("Anna Berg"),)),
        OTHER: Reading(0.0, 0.9, (Span(0, 4, 0.8),)),
    }
)


def test_trained_evidence_is_logistic_and_best_first() -> None:
    finder = TrainedEvidence(MODEL, Likes("Anna"), only("log-odds that"))
    best, second = finder.find("Who?", [hit(), hit(OTHER, 2, start=900)])
    assert (best.text, best.span_text) == (OTHER, "Berg")
    assert best.score == pytest.approx(0.9)
    assert (second.text, second.span_text) == ("Anna Berg led them.", "Anna Berg")
    assert second.score == pytest.approx(0.6)


def test_likeness_has_its_weight() -> None:
    finder = TrainedEvidence(MODEL, Likes("Anna"), only("cosine"))
    best, second = finder.find("Did Anna?", [hit(), hit(OTHER, 2, start=900)])
    assert best.text == "Anna Berg led them."
    assert best.score == pytest.approx(1 / (1 + math.exp(-1)))
    assert second.score == pytest.approx(0.5)


def test_trained_evidence_of_nothing() -> None:
    finder = TrainedEvidence(Says({TEXT: Reading(-30.0, 0.0, ())}), Likes(""))
    assert finder.find("Who?", []) == []
    assert finder.find("Who?", [hit()]) == []


@pytest.mark.parametrize(
    ("query", "best", "read"),
    [
        ("Who led?", 0.95, 3),
        ("Who led?", 0.5, 6),
        ("Who led?", 0.3, 6),
        ("Who led?", 0.29, 3),
        ("List the leaders.", 0.95, 6),
        ("List the leaders.", 0.29, 6),
    ],
)
def test_the_rest_is_read_when_the_best_hits_leave_it_open(query, best, read) -> None:
    texts = [f"Person number {i} led the talks here." for i in range(6)]
    unsure = Reading(-1.0, 0.1, (Span(0, 6, 0.9),))
    model = Says(dict.fromkeys(texts, unsure) | {texts[2]: Reading(1.0, best, (Span(0, 6, 0.9),))})
    finder = TrainedEvidence(model, Likes("Anna"), only("log-odds that"))
    hits = [hit(text, rank, start=100 * rank) for rank, text in enumerate(texts, start=1)]
    assert finder.find(query, hits)[0].text == texts[2]
    assert model.read_so_far == read


def test_of_the_rest_only_the_part_with_the_questions_words_is_read() -> None:
    filler = "Nothing of note was said on that long and rather windy day. " * 4
    part = "The rain was over. Anna Berg led the talks in Oslo for all of that week."
    answer = Reading(1.0, 0.6, (span("Anna Berg", text=part),))
    unsure = Reading(-1.0, 0.3, (Span(0, 6, 0.9),))
    first = {f"Person number {i} led no talks here.": unsure for i in range(3)}
    excerpt = f"{filler}{part}"[-(len(part) + 3 * 60) :]  # three sentences of 60 characters fit
    shift = len(excerpt) - len(part)
    model = Says(first | {excerpt: answer.moved(shift)})
    hits = [hit(text, rank, start=0) for rank, text in enumerate([*first, filler + part], start=1)]
    (best, *_) = TrainedEvidence(model, Likes(""), only("log-odds that")).find(
        "Talks in Oslo?", hits
    )
    assert best.text == "Anna Berg led the talks in Oslo for all of that week."
    assert best.span_text == "Anna Berg"
    assert best.start == len(filler) + 19


@pytest.mark.parametrize(
    ("query", "compared"),
    # Likeness can add at most 1.0 to the log-odds, and take 0.1 from them. At 0.9 the best stays
    # above 0.89; half of that needs log-odds of -0.22 with all likeness, a quarter -1.25. Those
    # of 0.3 and 0.15 are -0.85 and -1.73.
    [("Who led?", [0.9, 0.3]), ("List the leaders.", [0.9, 0.3, 0.15])],
)
def test_a_sentence_that_would_not_be_shown_is_not_compared(query, compared) -> None:
    chances = {f"Person {i} led the talks here.": p for i, p in enumerate((0.9, 0.3, 0.15, 0.05))}
    model = Says({text: Reading(0.0, p, (Span(0, 6, 0.9),)) for text, p in chances.items()})
    likes = Likes("Anna")
    weights = (*only("log-odds that").weights[:-1], 1.0)
    hits = [hit(text, rank, start=100 * rank) for rank, text in enumerate(chances, start=1)]
    TrainedEvidence(model, likes, Trust(weights, 0.0)).find(query, hits)
    assert [chances[text] for text in likes.compared] == compared


def test_the_same_words_are_read_once_and_found_in_every_document() -> None:
    model = Says({TEXT: Reading(0.0, 0.5, (span("Anna Berg"),)), OTHER: Reading(0.0, 0.1, ())})
    copies = [
        Hit(Passage(f"p{rank}", f"doc{rank}", text, 0, len(text), "", f"{rank}.txt"), 1.0, rank)
        for rank, text in enumerate((TEXT, TEXT, OTHER, TEXT), start=1)
    ]
    found = TrainedEvidence(model, Likes("Anna"), only("log-odds that")).find("Who?", copies)
    assert [one.hit.passage.doc_id for one in found] == ["doc1", "doc2", "doc4"]
    assert model.read_so_far == 2
