"""Dataset files and folders: our own JSONL, BEIR, SQuAD and plain corpus-and-queries."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from eval.dataset import Case, Dataset, Relevant
from rag.errors import InputError
from rag.types import Turn

_FIELDS = {"id", "question", "history", "answerable", "answers", "relevant", "tags", "comment"}
_EXAMPLE = '{"id": "q1", "question": "...", "answers": ["..."], "relevant": [{"source": "a.md"}]}'


def load_dataset(path: Path) -> Dataset:
    """Read a dataset, telling its format by what is there.

    A folder with `queries.jsonl` is BEIR's when it has `qrels/`, else plain; a `.json` file is
    SQuAD's; a `.jsonl` file is our own format.

    Raises:
        InputError: nothing there, an unknown format, or a line that breaks it.
    """
    if path.is_dir() and (path / "queries.jsonl").is_file():
        return load_beir(path) if (path / "qrels").is_dir() else load_plain(path)
    if path.suffix == ".json" and path.is_file():
        return load_squad(path)
    if path.suffix == ".jsonl" and path.is_file():
        return load_jsonl(path)
    raise InputError(
        f"{path}: " + ("not a dataset" if path.exists() else "no such file or folder") + ".",
        "Give a .jsonl file of questions, a SQuAD .json file, or a folder with queries.jsonl.",
    )


def load_jsonl(path: Path) -> Dataset:
    """Read our own format, one question per line; `docs/evaluating.md` describes its fields."""
    seen: dict[str, int] = {}
    cases = []
    for number, row in _rows(path):
        case = _own_case(row, _complain(path, number))
        if case.case_id in seen:
            _complain(path, number)(f"id {case.case_id!r} was used in line {seen[case.case_id]}")
        seen[case.case_id] = number
        cases.append(case)
    return _dataset(path.stem, path, cases)


def load_plain(folder: Path) -> Dataset:
    """Read `corpus.jsonl` (or `.gz`) and `queries.jsonl {_id, question, answers, gold}`.

    A question is answerable unless `answerable` says otherwise; `support_sentences`, when given,
    are quotes of the first gold document; history may be in roles, as chat logs have it.
    """
    path = folder / "queries.jsonl"
    cases = [_plain_case(row, _complain(path, number)) for number, row in _rows(path)]
    return _dataset(folder.name, path, cases, corpus=_corpus(folder))


def load_beir(folder: Path, split: str = "test") -> Dataset:
    """Read a BEIR folder (Thakur et al. 2021): the questions that the split's qrels judge."""
    qrels: dict[str, list[Relevant]] = {}
    path = folder / "qrels" / f"{split}.tsv"
    if not path.is_file():
        raise InputError(f"{path}: not there.", f"Put the judgements of split {split!r} there.")
    with path.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.reader(lines, delimiter="\t"), start=1):
            if len(row) != 3 or (number > 1 and not row[2].lstrip("-").isdigit()):
                _complain(path, number)("expected query-id, corpus-id and a whole number")
            if number > 1 and int(row[2]) > 0:
                qrels.setdefault(row[0], []).append(Relevant(row[1], grade=int(row[2])))
    cases = [
        Case(str(row["_id"]), str(row["text"]), relevant=tuple(qrels[str(row["_id"])]))
        for _, row in _rows(folder / "queries.jsonl")
        if str(row.get("_id")) in qrels
    ]
    return _dataset(folder.name, path, cases, corpus=_corpus(folder))


def load_squad(path: Path) -> Dataset:
    """Read SQuAD 1.1 or 2.0; every paragraph becomes a document named `title#number`."""
    try:
        articles = json.loads(path.read_text(encoding="utf-8"))["data"]
        cases, records = [], []
        for article in articles:
            for index, paragraph in enumerate(article["paragraphs"]):
                name = f"{article['title']}#{index}"
                title = article["title"].replace("_", " ")
                records.append({"_id": name, "title": title, "text": paragraph["context"]})
                cases += [_squad_case(question, name) for question in paragraph["qas"]]
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise InputError(
            f"{path}: not SQuAD's layout ({type(error).__name__}: {error}).",
            "Expected {data: [{title, paragraphs: [{context, qas}]}]}.",
        ) from error
    return _dataset(path.stem, path, cases, records=tuple(records))


def _own_case(row: Mapping[str, Any], complain: Callable[[str], NoReturn]) -> Case:
    if unknown := sorted(set(row) - _FIELDS):
        complain(f"unknown field {unknown[0]!r}")
    for name in ("id", "question"):
        if not isinstance(row.get(name), str) or not row[name].strip():
            complain(f"{name!r} must be text that is not empty")
    answerable = row.get("answerable", True)
    if not isinstance(answerable, bool):
        complain(f"'answerable' must be true or false, found {answerable!r}")
    answers = _strings(row, "answers", complain)
    relevant = tuple(_relevant(item, complain) for item in row.get("relevant", []))
    if not answerable and answers:
        complain("a question that is not answerable cannot have answers")
    if answerable and not answers and not relevant:
        complain("an answerable question needs answers, or relevant documents, or both")
    history = _history(row.get("history") or [], complain)
    tags = _strings(row, "tags", complain)
    return Case(row["id"], row["question"], history, answerable, answers, relevant, tags)


def _relevant(item: Any, complain: Callable[[str], NoReturn]) -> Relevant:
    if not isinstance(item, dict) or not isinstance(item.get("source"), str):
        complain(f"'relevant' must list objects with a source, found {item!r}")
    if unknown := sorted(set(item) - {"source", "quote", "grade"}):
        complain(f"unknown field {unknown[0]!r} in 'relevant'")
    grade = item.get("grade", 1)
    if not isinstance(grade, int) or grade < 1:
        complain(f"'grade' must be a whole number from 1, found {grade!r}")
    return Relevant(item["source"], item.get("quote") or "", grade)


def _history(turns: Sequence[Any], complain: Callable[[str], NoReturn]) -> tuple[Turn, ...]:
    """Read [question, answer] pairs, {question, answer} objects or {role, text} messages."""
    if all(isinstance(turn, dict) and "role" in turn for turn in turns):
        asked = [turn["text"] for turn in turns if turn["role"] == "user"]
        said = [turn["text"] for turn in turns if turn["role"] != "user"]
        return tuple(Turn(q, a) for q, a in zip(asked, said, strict=False))
    read = []
    for turn in turns:
        pair = [turn.get("question"), turn.get("answer")] if isinstance(turn, dict) else turn
        if not isinstance(pair, list) or [type(part) for part in pair] != [str, str]:
            complain(f"'history' must list pairs of question and answer, found {turn!r}")
        read.append(Turn(*pair))
    return tuple(read)


def _plain_case(row: Mapping[str, Any], complain: Callable[[str], NoReturn]) -> Case:
    if not row.get("_id") or not isinstance(row.get("question"), str):
        complain("expected '_id' and 'question'")
    answerable = row.get("answerable", row.get("answerability", "ANSWERABLE") != "UNANSWERABLE")
    gold = [str(item) for item in row.get("gold") or row.get("docs_with_answer_string") or []]
    quotes = [quote.strip() for quote in row.get("support_sentences") or []]
    relevant = [Relevant(gold[0], quote) for quote in quotes] or [Relevant(g) for g in gold]
    return Case(
        str(row["_id"]),
        row["question"],
        _history(row.get("history") or [], complain),
        bool(answerable),
        tuple(row.get("answers") or ()) if answerable else (),
        # An unanswerable question's "gold" passage is where the answer is missing.
        tuple(relevant) if answerable else (),
        tuple(str(row[name]) for name in ("answerability", "multi_turn") if row.get(name)),
    )


def _squad_case(question: Mapping[str, Any], paragraph: str) -> Case:
    impossible = bool(question.get("is_impossible", False))
    answers = () if impossible else tuple(dict.fromkeys(a["text"] for a in question["answers"]))
    relevant = () if impossible else (Relevant(paragraph),)
    return Case(question["id"], question["question"], (), not impossible, answers, relevant)


def _dataset(
    name: str,
    path: Path,
    cases: Sequence[Case],
    *,
    corpus: tuple[Path, ...] = (),
    records: tuple[Mapping[str, str], ...] = (),
) -> Dataset:
    if not cases:
        raise InputError(f"{path}: no question in it.", f"A line looks like {_EXAMPLE}")
    [(commonest, times)] = Counter(case.case_id for case in cases).most_common(1)
    if times > 1:
        raise InputError(
            f"{path}: id {commonest!r} is used {times} times.", "Give every question its own id."
        )
    return Dataset(name, tuple(cases), corpus, records)


def _corpus(folder: Path) -> tuple[Path, ...]:
    names = (folder / "corpus.jsonl", folder / "corpus.jsonl.gz")
    return tuple(path for path in names if path.is_file())[:1]


def _strings(
    row: Mapping[str, Any], name: str, complain: Callable[[str], NoReturn]
) -> tuple[str, ...]:
    values = row.get(name) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        complain(f"{name!r} must be a list of texts, found {values!r}")
    return tuple(values)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                _complain(path, number)(f"not JSON ({error.msg} at column {error.colno})")
            if not isinstance(row, dict):
                _complain(path, number)("expected a JSON object")
            yield number, row


def _complain(path: Path, number: int) -> Callable[[str], NoReturn]:
    def complain(found: str) -> NoReturn:
        raise InputError(f"{path}:{number}: {found}.", f"A line looks like {_EXAMPLE}")

    return complain
