"""The walk of a question, over a real store and with a reader that quotes the first hit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest

from rag.answer_json import answer_to_dict
from rag.answering.asked import parse_history
from rag.assistant import MAX_QUESTION_CHARS, Assistant
from rag.errors import InputError, ModelError, NoDocumentsError
from rag.notes import NOTHING_ASKED, Note
from rag.retrieval.langchain import PassageRetriever
from rag.retrieval.retriever import HybridRetriever
from rag.store.filters import parse_filter
from rag.store.indexes import Indexes
from rag.types import (
    Answer,
    Choice,
    Citation,
    Clarification,
    Delta,
    Found,
    Hit,
    Question,
    Sentence,
    Turn,
)


class FirstHitReader:
    """Quotes the whole of the best hit; abstains when there is none."""

    def read(self, question: Question, query: str, hits: Sequence[Hit]) -> Answer:
        if not hits:
            return Answer(question, query, (), (), (), abstained=True, confidence=0.0)
        best = hits[0].passage
        return Answer(
            question,
            query,
            (Sentence(best.text, (1,)),),
            (Citation(1, best, best.start, best.end),),
            tuple(hits),
            abstained=False,
            confidence=0.9,
        )


class LastTurnCondenser:
    def query(self, question: Question) -> str:
        return " ".join([*(turn.question for turn in question.history), question.text])


@dataclass
class ScriptedGenerator:
    """Says the given words, then answers as the reader would; or fails after them."""

    words: tuple[str, ...] = ()
    fails: bool = False
    name: str = "scripted"

    def stream(
        self,
        question: Question,
        query: str,
        hits: Sequence[Hit],
        *,
        cancelled: Callable[[], bool],
    ) -> Iterator[Delta | Answer]:
        for word in self.words:
            if cancelled():
                break
            yield Delta(word)
        if self.fails:
            raise ModelError("The model scripted cannot be reached.", "Start it.")
        yield FirstHitReader().read(question, query, hits)


@pytest.fixture
def retriever(catalog, embedder, put):
    put("d1", "An apple a day.\nA pear tree.", title="Fruit", date="2011-04-27")
    put("d2", "A plum pudding.", title="Dishes", date="2012-01-01")
    indexes = Indexes(catalog, catalog.path.parent)
    indexes.follow()
    yield HybridRetriever(catalog, indexes, embedder, search_k=50, dense_share=0.4)
    indexes.close()


@pytest.fixture
def make(retriever, catalog):
    def make(generator: ScriptedGenerator | None = None, **options: object) -> Assistant:
        return Assistant(
            retriever=retriever,
            reader=FirstHitReader(),
            condenser=LastTurnCondenser(),
            generator=generator,
            has_documents=lambda: catalog.counts().documents > 0,
            read_k=10,
            **options,
        )

    return make


def test_an_answer_cites_what_the_document_says(make, catalog):
    answer = make().answer(Question("Where is the pear?"))
    citation = answer.citations[0]
    document = catalog.document(citation.passage.doc_id)
    assert citation.quote == "A pear tree."
    assert document.text[citation.quote_start : citation.quote_end] == citation.quote
    assert answer.text == "A pear tree. [1]"
    assert answer.timings.total >= answer.timings.embed + answer.timings.search > 0


def test_events_come_in_order(make):
    events = list(make().stream(Question("apple?")))
    assert [type(event) for event in events] == [Found, Delta, Answer]
    assert events[0].hits[0].passage.text == "An apple a day."
    assert events[0].hits[0].rank == 1


def test_history_reaches_the_query(make):
    answer = make().answer(Question("and that?", (Turn("What about the plum?", "It is a dish."),)))
    assert answer.query == "What about the plum? and that?"
    assert answer.hits[0].passage.text == "A plum pudding."


def test_what_the_person_wants_searched_is_searched(make):
    answer = make().answer(Question("and that?", (Turn("plum?", "yes"),), query="pear"))
    assert answer.query == "pear"
    assert answer.sentences[0].text == "A pear tree."
    with pytest.raises(InputError, match="is empty"):
        make().answer(Question("pear?", query="  "))


def test_filters_keep_other_documents_out(make):
    hits = make().search("apple pear plum", 10, [parse_filter("date>=2012")])
    assert [hit.passage.doc_id for hit in hits] == ["d2"]
    assert make().search("apple", 10, [parse_filter("title=Nothing")]) == ()


def test_a_removed_document_is_not_found_though_an_index_still_holds_it(make, catalog):
    catalog.remove(["d2"])
    assert all(hit.passage.doc_id == "d1" for hit in make().search("plum pudding", 10))


def test_a_chat_model_answers_when_there_is_one(make):
    assistant = make(ScriptedGenerator(("An ", "apple.")))
    assert assistant.mode == "scripted"
    events = list(assistant.stream(Question("apple?")))
    assert [type(event) for event in events] == [Found, Delta, Delta, Answer]
    assert events[-1].timings.generate > 0


def test_when_the_chat_model_fails_the_reader_answers_and_says_so(make):
    answer = make(ScriptedGenerator(("half an",), fails=True)).answer(Question("apple?"))
    assert answer.citations[0].quote == "An apple a day."
    assert "cannot be reached" in answer.note
    assert "reader answers" in answer.note
    assert isinstance(answer.note, Note)
    assert answer.note.kind == "reader_instead"


def test_cancelling_reaches_the_chat_model(make):
    assistant = make(ScriptedGenerator(("An ", "apple.")))
    events = list(assistant.stream(Question("apple?"), cancelled=lambda: True))
    assert [type(event) for event in events] == [Found, Answer]


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_an_empty_question_is_refused(make, text):
    with pytest.raises(InputError, match="empty"):
        make().answer(Question(text))


def test_a_question_of_any_length_gets_an_answer_or_a_clear_error(make):
    assert make().answer(Question("apple " * (MAX_QUESTION_CHARS // 6))).citations
    with pytest.raises(InputError, match="100,000 characters; at most 2,000"):
        make().answer(Question("a" * 100_000))


def test_an_empty_store_says_so(make, catalog):
    catalog.remove(["d1", "d2"])
    with pytest.raises(NoDocumentsError, match="no documents") as caught:
        make().answer(Question("apple?"))
    assert "footnote ingest" in caught.value.hint


def test_langchain_users_compose_it(make, retriever):
    from langchain_core.runnables import RunnableLambda

    chain = make().as_runnable() | RunnableLambda(lambda answer: answer.citations[0].quote)
    assert chain.invoke("pear?") == "A pear tree."
    asked = {"question": "and that?", "history": [["plum?", "yes"]]}
    assert chain.invoke(asked) == "A plum pudding."
    assert chain.batch(["pear?", "plum?"]) == ["A pear tree.", "A plum pudding."]
    with pytest.raises(InputError, match="found int"):
        chain.invoke(7)
    documents = PassageRetriever(retriever=retriever).invoke("pear", k=1)
    assert [d.page_content for d in documents] == ["A pear tree."]
    assert documents[0].metadata["start"] == 16


@pytest.mark.parametrize("history", [[["only one"]], "text", [[1, 2]], 5, [["a", "b", "c"]]])
def test_a_history_of_another_shape_is_refused(history):
    with pytest.raises(InputError, match="pairs of strings"):
        parse_history(history)


def test_json_has_the_documented_keys(make):
    found = answer_to_dict(make().answer(Question("pear?")))
    assert list(found)[:9] == [
        "question", "query", "text", "abstained", "confidence", "sentences", "citations", "hits",
        "answer_span",
    ]  # fmt: skip
    assert found["sentences"] == [
        {
            "text": "A pear tree.",
            "citations": [1],
            "support": None,
            "moved": False,
            "break_before": False,
        }
    ]
    assert found["citations"] == [
        {
            "marker": 1,
            "doc_id": "d1",
            "passage_id": "d1/A pear tree.",
            "title": "Fruit",
            "source": "d1.txt",
            "page": None,
            "start": 16,
            "end": 28,
            "quote": "A pear tree.",
            "passage": "A pear tree.",
            "passage_start": 16,
            "section": "",
        }
    ]
    assert set(found["hits"][0]) == {
        "doc_id", "passage_id", "title", "source", "page", "start", "end", "score", "rank",
        "text", "section",
    }  # fmt: skip
    assert set(found["timings_ms"]) == {"embed", "search", "read", "generate", "total"}


BACK = Clarification("Which fruit?", (Choice("Apple", "apple?"), Choice("Pear", "pear?")))


def asks_back(asked: list[tuple[bool, bool]], *, weakly_only: bool = False):
    def ask_back(question, hits, *, followed_on, weakly):
        asked.append((followed_on, weakly))
        return BACK if "it" in question and (weakly or not weakly_only) else None

    return ask_back


def test_an_unclear_question_gets_a_question_back(make):
    asked: list[tuple[bool, bool]] = []
    assistant = make(ScriptedGenerator(("An ",)), ask_back=asks_back(asked))
    events = list(assistant.stream(Question("Where is it?")))
    assert [type(event) for event in events] == [Found, Answer]
    answer = events[-1]
    assert (answer.clarification, answer.abstained, answer.text) == (BACK, True, "")
    assert (answer.mode, answer.hits) == ("scripted", events[0].hits)
    assert asked == [(False, False)]


def test_a_query_that_says_more_than_the_question_is_clear(make):
    asked: list[tuple[bool, bool]] = []
    assistant = make(ask_back=asks_back(asked))
    assert assistant.answer(Question("Where is it?", query="pear")).citations
    assert assistant.answer(Question("Where is it?", (Turn("A pear?", "yes"),))).citations
    assert asked == []


def test_weak_signs_are_asked_about_instead_of_abstaining(make):
    asked: list[tuple[bool, bool]] = []
    assistant = make(ask_back=asks_back(asked, weakly_only=True))
    assert assistant.answer(Question("Where is it, the pear?")).clarification is None
    nowhere = [parse_filter("title=Nothing")]
    assert assistant.answer(Question("Where is it?"), nowhere).clarification == BACK
    assert asked == [(False, False), (False, False), (False, True)]


def test_a_misspelt_query_is_put_right_by_what_was_found_and_searched_again(make):
    def respell(query: str, hits: Sequence[Hit]) -> str:
        return query.replace("plumm", "plum") if hits else query

    asked = Question("A plumm, or an apple?")
    answer = make(respell=respell).answer(asked)
    assert answer.query == "A plum, or an apple?"
    assert answer.question == asked
    assert answer.hits[0].passage.text == "A plum pudding."


def test_what_the_person_wants_searched_is_searched_as_it_is_spelt(make):
    assistant = make(respell=lambda query, hits: "pear")
    assert assistant.answer(Question("And?", query="plum")).query == "plum"


@pytest.mark.parametrize("text", ["hello", "?", "2+2", "a"])
def test_where_nothing_is_asked_nothing_is_searched(make, text):
    found, answer = make(ScriptedGenerator(("Hi!",))).stream(Question(text))
    assert found == Found(text, ())
    assert (answer.abstained, answer.hits, answer.note) == (True, (), NOTHING_ASKED)


def test_thanks_are_not_answered_once_more(make):
    asked = Question("Thanks a lot!", (Turn("What is an apple?", "Fruit."),))
    assert make().answer(asked).note == NOTHING_ASKED
    assert not make().answer(Question("a pear?", asked.history)).note
