"""How well follow-ups become queries, and whether an old subject is left behind.

    python -m eval.conversations --data DIR [--vectors FOLDER]

`DIR` holds the public sets. Questions are condensed by rule, without a chat model. In `--vectors`
the vectors of passages are kept, so that a second run embeds nothing.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eval.ablation_data import Collection, VectorCache
from eval.ablation_search import Bench, Ranking, shipped, top
from eval.checking import Tally, tally
from eval.rows import rows_of
from rag.answering.question.condense import RuleCondenser
from rag.answering.question.salience import content_stems
from rag.build import build_embedder
from rag.settings import keep_libraries_quiet, load_settings
from rag.types import Document, Question, Turn

K = 5
STRANGERS = 4
"""Each first question of a conversation is asked after so many other conversations."""
_SEED = 6


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its conversation, the documents that answer, and how others rewrote it."""

    question: Question
    gold: frozenset[str]
    rewrites: tuple[tuple[str, str], ...] = ()


Said = Callable[[Asked], str]


def cast(folder: Path, name: str) -> list[Asked]:
    """Read turns of TREC CAsT with the passage that answers each, where it is known."""
    return [
        Asked(
            Question(
                row["question"],
                tuple(Turn(turn["user"], turn["system"] or "") for turn in row["history"]),
            ),
            frozenset([row["gold_passage"]] if row["gold_passage"] else []),
            (("T5-CANARD", row["rewrite_t5canard"]), ("by hand", row["rewrite_manual"])),
        )
        for row in rows_of(folder / name / "turns.jsonl")
    ]


def mtrag(folder: Path) -> list[Asked]:
    """Read the last turns of MTRAG's conversations that have a relevant passage."""
    found = []
    for row in rows_of(folder / "mtragun" / "queries.jsonl"):
        said = [turn["text"] for turn in row["history"]]
        history = tuple(Turn(q, a) for q, a in zip(said[::2], said[1::2], strict=False))
        found.append(Asked(Question(row["question"], history), frozenset(row["gold"])))
    return [asked for asked in found if asked.gold]


def clapnq(folder: Path) -> list[Asked]:
    """Read questions that stand alone, each with the passage that it is about."""
    return [
        Asked(Question(row["question"]), frozenset(row["gold"]))
        for row in rows_of(folder / "clapnq" / "queries.jsonl")
        if row["gold"] and row["answerable"]
    ]


def passages(folder: Path, name: str) -> tuple[Document, ...]:
    """Read the passages of a set, each as a document."""
    if name.startswith("cast"):
        texts = dict.fromkeys(text for asked in cast(folder, name) for text in asked.gold)
        return tuple(Document(text, "", text, text) for text in texts)
    return tuple(
        Document(row["_id"], row["title"], row["_id"], row["text"])
        for row in rows_of(folder / name / "corpus.jsonl")
    )


def raw(asked: Asked) -> str:
    """Search for the question as it stands."""
    return asked.question.text


def condensed(asked: Asked) -> str:
    """Search for what the rules make of the question and its history."""
    return RuleCondenser().query(asked.question)


def rewritten(name: str) -> Said:
    """Search for what others made of it."""
    return lambda asked: dict(asked.rewrites)[name]


class Searched:
    """The passages of a set, to be searched with any query as the product does."""

    def __init__(self, documents: tuple[Document, ...], cache: VectorCache) -> None:
        whole = Collection("", documents, {"": ""}, {}, frozenset(), {})
        # One document is one passage here, as those who published figures have it.
        self._bench = Bench(whole, cache, passage_chars=8000)
        self._cache = cache

    def found(
        self, queries: Sequence[str], golds: Sequence[frozenset[str]], *, words: bool
    ) -> Tally:
        """Count the queries with a right document among the first five."""
        bm25 = self._bench.lexical(questions=queries)
        if words:
            rankings = top(bm25, K)
        else:
            cosines = (self._cache.vectors(queries) @ self._bench.held.T).astype("float64")
            rankings = shipped(self._bench, cosines=cosines, bm25=bm25)
        return tally(
            bool(self._first(ranking) & gold) for ranking, gold in zip(rankings, golds, strict=True)
        )

    def _first(self, ranking: Ranking) -> set[str]:
        found = dict.fromkeys(self._bench.passages[int(i)].doc_id for i in ranking)
        return set(list(found)[:K])


def measure_search(name: str, searched: Searched, asked: Sequence[Asked]) -> None:
    """Print how often the right passage is found, by words alone and as the product searches."""
    ways: dict[str, Said] = {"raw": raw, "rules": condensed}
    ways |= {other: rewritten(other) for other, _ in asked[0].rewrites}
    print(f"\n{name}: {len(asked)} turns, R@{K}             words               words and vectors")
    for way, said in ways.items():
        print(f"  {way:12} {_both(searched, list(map(said, asked)), asked)}")


def measure_words(name: str, asked: Sequence[Asked]) -> None:
    """Print how the words that are added agree with those that people add by hand."""
    print(f"\n{name}: words added       people add them too       of what people add")
    for way, said in (("rules", condensed), ("T5-CANARD", rewritten("T5-CANARD"))):
        precision, recall = agreement([one for one in asked if one.question.history], said)
        print(f"  {way:24} {precision}   {recall}")


def agreement(asked: Iterable[Asked], said: Said) -> tuple[Tally, Tally]:
    """Return how many of the words added by a way are right, and how many of the right ones."""
    right = added = wanted = 0
    for one in asked:
        own = content_stems(one.question.text)
        found = content_stems(said(one)) - own
        by_hand = content_stems(dict(one.rewrites)["by hand"]) - own
        right += len(found & by_hand)
        added, wanted = added + len(found), wanted + len(by_hand)
    return Tally(right, added), Tally(right, wanted)


def after_others(first: Sequence[Asked], strangers: Sequence[tuple[Turn, ...]]) -> list[Asked]:
    """Ask each question after conversations about something else."""
    rng = random.Random(_SEED)
    return [
        replace(asked, question=replace(asked.question, history=history))
        for asked in first
        for history in rng.sample(
            [turns for turns in strangers if not _shares(asked.question, turns)], STRANGERS
        )
    ]


def then_second(second: Sequence[Asked], strangers: Sequence[tuple[Turn, ...]]) -> list[Asked]:
    """Ask the second question of a conversation, whose first came after something else."""
    rng = random.Random(_SEED)
    return [
        replace(
            asked,
            question=replace(asked.question, history=(*history, *asked.question.history)),
        )
        for asked in second
        for history in rng.sample(
            [turns for turns in strangers if not _shares(asked.question, turns)], STRANGERS
        )
    ]


def measure_change(
    name: str, searched: Searched, first: Sequence[Asked], strangers: Sequence[tuple[Turn, ...]]
) -> None:
    """Print what an old subject does to the first question on a new one."""
    joined = after_others(first, strangers)
    print(f"\n{name}: {len(joined)} first questions after a change of subject, R@{K}")
    print(f"  {'without history':32} {_both(searched, [raw(asked) for asked in joined], joined)}")
    queries = [condensed(asked) for asked in joined]
    print(f"  {'after another conversation':32} {_both(searched, queries, joined)}")
    dragged = tally(query != raw(asked) for query, asked in zip(queries, joined, strict=True))
    print(f"  something of it was added        {dragged}")


def measure_second(
    name: str, searched: Searched, turns: Sequence[Asked], strangers: Sequence[tuple[Turn, ...]]
) -> None:
    """Print whether follow-ups on the new subject are understood by it, and not by the old one."""
    second = [asked for asked in turns if len(asked.question.history) == 1]
    joined = then_second(second, strangers)
    alone = [asked for asked in second for _ in range(STRANGERS)]
    print(f"\n{name}: {len(joined)} second questions after a change of subject, R@{K}")
    for said, ways in (("raw", map(raw, alone)), ("own history", map(condensed, alone))):
        print(f"  {said:32} {_both(searched, list(ways), joined)}")
    queries = list(map(condensed, joined))
    print(f"  {'and another conversation before':32} {_both(searched, queries, joined)}")
    strange = tally(
        bool(content_stems(query) - content_stems(condensed(asked)))
        for query, asked in zip(queries, alone, strict=True)
    )
    print(f"  a word of the old one was added  {strange}")


def _shares(question: Question, turns: Sequence[Turn]) -> bool:
    """Whether a conversation is the question's own, or speaks of the same."""
    own = content_stems(" ".join([question.text, *(turn.question for turn in question.history)]))
    theirs = content_stems(" ".join(turn.question for turn in turns))
    return len(own & theirs) > 1


def _both(searched: Searched, queries: Sequence[str], asked: Sequence[Asked]) -> str:
    golds = [one.gold for one in asked]
    found = [searched.found(queries, golds, words=words) for words in (True, False)]
    return "   ".join(map(str, found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the public sets")
    parser.add_argument("--vectors", type=Path, help="where to keep vectors")
    given = parser.parse_args()
    keep_libraries_quiet()
    embedder = build_embedder(load_settings())
    with tempfile.TemporaryDirectory() as temporary:
        cache = VectorCache(given.vectors or Path(temporary), lambda: embedder)
        measure_all(given.data, cache)


def measure_all(data: Path, cache: VectorCache) -> None:
    """Print every figure."""
    cast2021, last_turns = cast(data, "cast2021"), mtrag(data)
    in_cast = Searched(passages(data, "cast2021"), cache)
    measure_search("cast2021", in_cast, cast2021)
    measure_search("mtragun", Searched(passages(data, "mtragun"), cache), last_turns)
    measure_words("cast2020", cast(data, "cast2020"))
    strangers = [a.question.history for a in last_turns if len(a.question.history) > 1]
    first = [asked for asked in cast2021 if not asked.question.history]
    measure_change("cast2021 after mtragun", in_cast, first, strangers)
    measure_second("cast2021 after mtragun", in_cast, cast2021, strangers)
    talks = [a.question.history for a in cast2021 if 2 <= len(a.question.history) <= 6]
    joint = Searched((*passages(data, "cast2021"), *passages(data, "clapnq")), cache)
    measure_change("clapnq after cast2021", joint, clapnq(data), talks)


if __name__ == "__main__":
    main()
