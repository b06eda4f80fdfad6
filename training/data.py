"""Turn the public question sets into reader examples.

    python -m training.data --data DIR --out data/reader

`DIR` holds `train/squad2`, `train/nq_qed` and `train/qamr`. Written are `train.jsonl`, a long
mixed stream that training reads from the front, and `heldback.jsonl`, questions on articles that
no training example shows. The same seed writes the same files.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from training.mining import BM25, dense_top
from training.text import STOPWORDS, Span, crop, sentences, undo_tokens, vary_question

SEED = 13
STREAM = 120_000
HELD_ARTICLES, HELD_NQ, HELD_QAMR_DOCS, HELD_SQUAD_QUESTIONS = 4, 500, 12, 900
MAX_CHARS = 1000
SHARES = {  # of the stream
    "squad_yes": 0.22,
    "squad_no": 0.11,
    "nq_yes": 0.23,
    "qamr_yes": 0.17,
    "hard": 0.14,
    "near_miss": 0.11,
    "far": 0.02,
}
_NAME = re.compile(r"\b[A-Z][\w'’-]+(?: (?:of |the )?[A-Z][\w'’-]+)*|\b\d[\d,.]*\d\b|\b\d\b")
_OPENERS = frozenset(
    ("the a an in it he she they this that what who when where which how").split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Example:
    """One question with one passage; `spans` are characters of `text`, none if unanswerable."""

    question: str
    title: str
    text: str
    spans: tuple[Span, ...]
    source: str
    kind: str = "gold"
    group: str = ""  # what is kept apart together: an article


def read_jsonl(path: Path) -> list[dict[str, object]]:
    """Read one JSON object a line."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def read_squad(folder: Path) -> list[Example]:
    """Read a SQuAD 2.0 folder: one example a question, on its own paragraph."""
    corpus = {row["_id"]: row for row in read_jsonl(folder / "corpus.jsonl")}
    found = []
    for row in read_jsonl(folder / "queries.jsonl"):
        passage = corpus[row["gold"][0]]  # type: ignore[index]
        spans = tuple((s, e) for s, e in row["spans"])  # type: ignore[attr-defined]
        title = str(passage["title"])
        found.append(
            Example(str(row["question"]), title, str(passage["text"]), spans, "squad", group=title)
        )
    return found


def read_nq(path: Path) -> list[Example]:
    """Read search questions; token spacing is undone."""
    found = []
    for row in read_jsonl(path):
        text, spans = undo_tokens(str(row["context"]), [(s, e) for s, e in row["spans"]])  # type: ignore[attr-defined]
        title = str(row["title"])
        found.append(Example(str(row["question"]), title, text, tuple(spans), "nq", group=title))
    return found


def read_qamr(path: Path) -> list[Example]:
    """Read question and sentence pairs; `kind` holds the sentence's place in its document."""
    found = []
    for row in read_jsonl(path):
        text, spans = undo_tokens(str(row["context"]), [(s, e) for s, e in row["spans"]])  # type: ignore[attr-defined]
        _, source, doc, paragraph, sentence = str(row["_id"]).split("|")[0].split(":")[:5]
        place = f"{int(paragraph):05d}:{int(sentence):05d}"
        question = str(row["question"])
        if len(question.split()) >= 4:
            found.append(
                Example(question, "", text, tuple(spans), "qamr", place, f"{source}:{doc}")
            )
    return found


class Packer:
    """Put single sentences back among other sentences of the same document."""

    def __init__(self, rows: Sequence[Example]) -> None:
        places: dict[str, dict[str, str]] = defaultdict(dict)
        for row in rows:
            places[row.group][row.kind] = row.text
        self.documents = {g: sorted(by_place.items()) for g, by_place in places.items()}
        self.groups = sorted(self.documents)

    def pack(self, row: Example, rng: random.Random, with_gold: bool = True) -> Example:
        """Return the row in a paragraph of up to seven sentences, without its own if asked."""
        mine = self.documents[row.group]
        at = next(i for i, (place, _) in enumerate(mine) if place == row.kind)
        before, after = rng.randint(0, 3), rng.randint(0, 3)
        chosen = [text for _, text in mine[max(0, at - before) : at]]
        later = [text for _, text in mine[at + 1 : at + 1 + after]]
        if len(chosen) + len(later) < 2 and rng.random() < 0.7:
            other = self.documents[rng.choice(self.groups)]
            later += [text for _, text in other[: rng.randint(1, 3)]]
        if rng.random() < 0.2:
            chosen, later = later, chosen
        parts = [*chosen, row.text, *later] if with_gold else [*chosen, *later]
        start = sum(len(text) + 1 for text in chosen)
        spans = tuple((s + start, e + start) for s, e in row.spans) if with_gold else ()
        kind = "gold" if with_gold else "hard"
        return replace(row, text=" ".join(parts), spans=spans, kind=kind)


def holds_answer(text: str, example: Example) -> bool:
    """Tell whether any of the example's answers stands in another text."""
    low = text.lower()
    return any(example.text[s:e].lower() in low for s, e in example.spans)


def mine(examples: Sequence[Example], pool: Sequence[Example], k: int = 12) -> list[list[int]]:
    """Return, for each example, pool indices near to its question and without its answer.

    Questions without an answer in their own paragraph may have one elsewhere in the article, so
    for them only other articles count.
    """
    texts = [f"{p.title}. {p.text}" for p in pool]
    lexical = BM25(texts)
    dense = dense_top(texts, [e.question for e in examples], k)
    found = []
    for example, near in zip(examples, dense, strict=True):
        both = dict.fromkeys([*lexical.top(example.question, k), *(int(i) for i in near)])
        found.append(
            [
                i
                for i in both
                if pool[i].text != example.text
                and (example.spans or pool[i].group != example.group)
                and not (example.source == "nq" and pool[i].group == example.group)
                and not holds_answer(pool[i].text, example)
            ]
        )
    return found


def names(text: str, inner: bool = False) -> list[str]:
    """List capitalised runs and numbers; with `inner`, only those that open no sentence."""
    return [
        m.group()
        for m in _NAME.finditer(text)
        if m.group().lower() not in _OPENERS
        and len(m.group()) > 1
        and (not inner or text[max(0, m.start() - 2) : m.start()].strip(" ,").isalnum())
    ]


def near_miss(example: Example, others: Sequence[str], rng: random.Random) -> Example | None:
    """Swap one name or number of the question for another that the passage does not hold.

    What is left asks about someone, some place or some year that the passage says nothing about.
    """
    low = example.question.lower()
    inside = [
        n
        for n in dict.fromkeys(names(example.text) + names(example.title))
        if re.search(rf"(?<!\w){re.escape(n.lower())}(?!\w)", low)
    ]
    if not inside:
        return None
    old = rng.choice(inside)
    text = f"{example.title} {example.text}".lower()
    fits = [
        n
        for n in others
        if n[0].isdigit() == old[0].isdigit()
        and (n[0].isdigit() or n.count(" ") == old.count(" "))
        and len(n.split(".")[0]) > 1
        and n.lower() not in text
    ]
    if not fits:
        return None
    new = rng.choice(fits)
    question = re.sub(rf"(?i)(?<!\w){re.escape(old)}(?!\w)", lambda _: new, example.question)
    return replace(example, question=question, spans=(), kind="near_miss")


def likeliest(example: Example) -> Span:
    """Return the sentence that shares the most words with the question; the first of equals."""
    asked = set(re.findall(r"\w+", example.question.lower())) - STOPWORDS
    return max(
        sentences(example.text),
        key=lambda span: len(asked & set(re.findall(r"\w+", example.text[slice(*span)].lower()))),
    )


def vary(example: Example, rng: random.Random) -> Example:
    """Vary the question, show the title or not, and often keep only part of a passage."""
    title = example.title
    if title and rng.random() < 0.4:
        title = ""
    limit = MAX_CHARS if rng.random() < 0.6 else rng.choice((250, 350, 450, 600))
    text, spans = example.text, list(example.spans)
    if len(text) > limit:
        # A question without an answer keeps the sentence that looks most like one.
        text, spans = crop(text, spans or [likeliest(example)], limit, rng)
        if not example.spans:
            spans = []
        elif not spans:
            text, spans = example.text, list(example.spans)
    question = vary_question(example.question, rng)
    return replace(example, question=question, title=title, text=text, spans=tuple(spans))


def _forever(rows: Sequence[Example], rng: random.Random) -> Iterator[Example]:
    while True:
        order = list(rows)
        rng.shuffle(order)
        yield from order


def stream(
    answerable: dict[str, list[Example]],
    unanswerable: Sequence[Example],
    packer: Packer,
    rng: random.Random,
) -> Iterator[Example]:
    """Yield training examples for ever, in the shares of `SHARES`."""
    asked = [*answerable["squad"], *unanswerable, *answerable["nq"]]
    pool = list({e.text: e for e in asked}.values())
    hard = dict(zip(map(id, asked), mine(asked, pool), strict=True))
    article_names: dict[str, list[str]] = defaultdict(list)
    for passage in pool:
        article_names[passage.group].extend(names(passage.text, inner=True))
    every_name = sorted({n for found in article_names.values() for n in found})
    sources = {name: _forever(rows, rng) for name, rows in answerable.items()}
    no = _forever(unanswerable, rng)
    for_hard = _forever(asked, rng)
    while True:
        kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
        if kind == "squad_no":
            yield vary(next(no), rng)
        elif kind == "qamr_yes":
            yield vary(packer.pack(next(sources["qamr"]), rng), rng)
        elif kind in ("squad_yes", "nq_yes"):
            yield vary(next(sources[kind.removesuffix("_yes")]), rng)
        elif kind == "near_miss":
            source = rng.choice(("squad", "squad", "nq", "nq", "qamr"))
            row = next(sources[source])
            row = packer.pack(row, rng) if source == "qamr" else row
            same = article_names[row.group] if rng.random() < 0.6 else ()
            if missed := near_miss(row, same or rng.sample(every_name, 300), rng):
                yield vary(missed, rng)
        elif rng.random() < 0.2:
            packed = packer.pack(row := next(sources["qamr"]), rng, with_gold=False)
            if packed.text and not holds_answer(packed.text, row):
                yield vary(packed, rng)
        else:
            row = next(for_hard)
            near = hard[id(row)]
            if kind == "hard" and near:
                # The first ones are the hardest; all of them are met sooner or later.
                chosen = pool[near[min(int(rng.expovariate(0.35)), len(near) - 1)]]
            else:
                chosen = rng.choice(pool)
                if chosen.group == row.group:
                    continue
            other = replace(row, title=chosen.title, text=chosen.text, spans=(), kind=kind)
            yield vary(other, rng)


def split(data: Path, rng: random.Random) -> tuple[list[Example], list[Example], list[Example]]:
    """Read all sets and keep some articles apart: (training, held back, QAMR rows to pack)."""
    squad = read_squad(data / "train" / "squad2")
    nq = read_nq(data / "train" / "nq_qed" / "examples.jsonl")
    qamr = read_qamr(data / "train" / "qamr" / "examples.jsonl")
    # Middle-sized articles: enough questions, and the largest stay for training.
    articles = sorted({e.group for e in squad})
    sizes = {a: sum(e.group == a for e in squad) for a in articles}
    rng.shuffle(articles)
    middle = [a for a in articles if 150 <= sizes[a] <= 400]
    held_groups = set(middle[:HELD_ARTICLES])
    nq_groups = sorted({e.group for e in nq} - held_groups)
    held_groups |= set(rng.sample(nq_groups, HELD_NQ))
    held_groups |= set(rng.sample(sorted({e.group for e in qamr}), HELD_QAMR_DOCS))
    packer = Packer([e for e in qamr if e.group in held_groups])
    held_qamr = rng.sample([e for e in qamr if e.group in held_groups], 400)
    held = [e for e in squad if e.group in held_groups]
    held = rng.sample(held, min(len(held), HELD_SQUAD_QUESTIONS))
    held += [e for e in nq if e.group in held_groups]
    held += [packer.pack(e, rng) for e in held_qamr]
    train = [e for e in [*squad, *nq] if e.group not in held_groups]
    return train, held, [e for e in qamr if e.group not in held_groups]


def main() -> None:
    """Write the training stream and the held-back examples."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--data", type=Path, required=True, help="folder that holds train/")
    parser.add_argument("--out", type=Path, default=Path("data/reader"))
    parser.add_argument("--examples", type=int, default=STREAM)
    arguments = parser.parse_args()
    rng = random.Random(SEED)
    train, held, qamr = split(arguments.data, rng)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with (arguments.out / "heldback.jsonl").open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(asdict(e)) + "\n" for e in held)
    answerable = {
        name: [e for e in train if e.source == name and e.spans] for name in ("squad", "nq")
    }
    answerable["qamr"] = qamr
    unanswerable = [e for e in train if not e.spans]
    print({n: len(r) for n, r in answerable.items()}, len(unanswerable), "held back", len(held))
    examples = stream(answerable, unanswerable, Packer(qamr), rng)
    with (arguments.out / "train.jsonl").open("w", encoding="utf-8") as out:
        for _, example in zip(range(arguments.examples), examples, strict=False):
            out.write(json.dumps(asdict(example)) + "\n")


if __name__ == "__main__":
    main()
