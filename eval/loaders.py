"""Dataset files and folders: our own JSONL, spreadsheets, BEIR, SQuAD, plain corpus-and-queries."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.dataset import Case, Dataset, Relevant
from eval.rows import Complain, complainer, json_rows, read_cases, read_text
from eval.spreadsheet import COLUMNS, SUFFIXES, spreadsheet_rows
from rag.errors import InputError
from rag.types import Turn

_FIELDS = {"id", "question", "history", "answerable", "answers", "relevant", "tags", "comment"}
_EXAMPLE = '{"id": "q1", "question": "...", "answers": ["..."], "relevant": [{"source": "a.md"}]}'
_PLAIN_LINE = (
    'A line looks like {"_id": "q1", "question": "...", "answers": ["..."], "gold": ["d1"]}'
)
_QREL = "Columns are separated by tabs, and the first line names them."
_WHOLE = re.compile(r"-?\d+")
_QUERY = 'A line looks like {"_id": "q1", "text": "..."}'
_LINE = f"A line looks like {_EXAMPLE}"
_ROW = f"The columns of a spreadsheet are {', '.join(COLUMNS)}: see docs/evaluating.md."


def load_dataset(path: Path) -> Dataset:
    """Read a dataset, telling its format by what is there.

    A folder with `queries.jsonl` is BEIR's when it has `qrels/`, else plain; a `.json` file is
    SQuAD's; a `.jsonl` file is our own format, a `.csv`, `.tsv` or `.xlsx` file one in a sheet.

    Raises:
        InputError: nothing there, an unknown format, or a line that breaks it.
    """
    if path.is_dir() and (path / "queries.jsonl").is_file():
        return load_beir(path) if (path / "qrels").is_dir() else load_plain(path)
    suffix = path.suffix.lower() if path.is_file() else ""
    if suffix == ".json":
        return load_squad(path)
    if suffix == ".jsonl":
        return load_jsonl(path)
    if suffix in SUFFIXES:
        return load_spreadsheet(path)
    raise InputError(
        f"{path}: " + ("not a dataset" if path.exists() else "no such file or folder") + ".",
        "Give a .jsonl, .csv or .xlsx file of questions, a SQuAD .json file, or a folder with "
        "queries.jsonl.",
    )


def load_jsonl(path: Path) -> Dataset:
    """Read our own format, one question per line; `docs/evaluating.md` describes its fields."""
    return _dataset(path.stem, path, read_cases(path, json_rows(path), _own_case, _LINE))


def load_spreadsheet(path: Path) -> Dataset:
    """Read questions from a spreadsheet: the same fields, as columns."""
    drafts: list[int] = []
    cases = read_cases(path, spreadsheet_rows(path, drafts), _own_case, _ROW)
    left_out = f"{len(drafts)} rows of {path.name} have no question yet and were left out."
    return replace(_dataset(path.stem, path, cases), notes=(left_out,) if drafts else ())


def load_plain(folder: Path) -> Dataset:
    """Read `corpus.jsonl` (or `.gz`) and `queries.jsonl {_id, question, answers, gold}`.

    A question is answerable unless `answerable` says otherwise; `support_sentences`, when given,
    are quotes of the first gold document; history may be in roles, as chat logs have it.
    """
    path = folder / "queries.jsonl"
    cases = read_cases(path, json_rows(path), _plain_case, _PLAIN_LINE)
    return _dataset(folder.name, path, cases, corpus=_corpus(folder))


def load_beir(folder: Path, split: str = "test") -> Dataset:
    """Read a BEIR folder (Thakur et al. 2021): the questions that the split's qrels judge."""
    qrels: dict[str, list[Relevant]] = {}
    path = folder / "qrels" / f"{split}.tsv"
    if not path.is_file():
        raise InputError(f"{path}: not there.", f"Put the judgements of split {split!r} there.")
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        row = line.split("\t")
        if len(row) != 3 or (number > 1 and not _WHOLE.fullmatch(row[2])):
            complainer(path, number)("expected query-id, corpus-id and a whole number", _QREL)
        if number > 1 and int(row[2]) > 0:
            qrels.setdefault(row[0], []).append(Relevant(row[1], grade=int(row[2])))
    queries = folder / "queries.jsonl"
    asked = read_cases(queries, json_rows(queries), _beir_case, _QUERY)
    cases = [replace(c, relevant=tuple(qrels[c.case_id])) for c in asked if c.case_id in qrels]
    return _dataset(folder.name, path, cases, corpus=_corpus(folder))


def load_squad(path: Path) -> Dataset:
    """Read SQuAD 1.1 or 2.0; every paragraph becomes a document named `title#number`."""
    try:
        articles = json.loads(read_text(path))["data"]
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


def _beir_case(row: Mapping[str, Any], complain: Complain) -> Case:
    if row.get("_id") in (None, "") or not isinstance(row.get("text"), str):
        complain("expected '_id' and 'text'")
    return Case(str(row["_id"]), row["text"])


def _own_case(row: Mapping[str, Any], complain: Complain) -> Case:
    if unknown := sorted(set(row) - _FIELDS):
        complain(f"unknown field {unknown[0]!r}")
    for name in ("id", "question"):
        if not isinstance(row.get(name), str) or not row[name].strip():
            complain(f"{name!r} must be text that is not empty")
    answerable = row.get("answerable", True)
    if not isinstance(answerable, bool):
        complain(f"'answerable' must be true or false, found {answerable!r}")
    answers = _strings(row, "answers", complain)
    listed = row.get("relevant") or []
    if not isinstance(listed, list):
        complain(f"'relevant' must be a list, found {listed!r}")
    relevant = tuple(_relevant(item, complain) for item in listed)
    if not answerable and answers:
        complain("a question that is not answerable cannot have answers")
    if answerable and not answers and not relevant:
        complain("an answerable question needs answers, or relevant documents, or both")
    history = _history(row.get("history") or [], complain)
    tags = _strings(row, "tags", complain)
    return Case(row["id"], row["question"], history, answerable, answers, relevant, tags)


def _relevant(item: Any, complain: Complain) -> Relevant:
    if not isinstance(item, dict) or not isinstance(item.get("source"), str):
        complain(f"'relevant' must list objects with a source, found {item!r}")
    if unknown := sorted(set(item) - {"source", "quote", "grade"}):
        complain(f"unknown field {unknown[0]!r} in 'relevant'")
    if not item["source"].strip():
        complain("a 'source' in 'relevant' is empty")
    quote, grade = item.get("quote") or "", item.get("grade", 1)
    if not isinstance(quote, str):
        complain(f"'quote' must be text, found {quote!r}")
    if not isinstance(grade, int) or isinstance(grade, bool) or grade < 1:
        complain(f"'grade' must be a whole number from 1, found {grade!r}")
    return Relevant(item["source"], quote, grade)


def _history(turns: Sequence[Any], complain: Complain) -> tuple[Turn, ...]:
    """Read [question, answer] pairs, {question, answer} objects or {role, text} messages."""
    if not isinstance(turns, list):
        complain(f"'history' must be a list, found {turns!r}")
    if all(isinstance(turn, dict) and {"role", "text"} <= set(turn) for turn in turns):
        asked = [str(turn["text"]) for turn in turns if turn["role"] == "user"]
        said = [str(turn["text"]) for turn in turns if turn["role"] != "user"]
        return tuple(Turn(q, a) for q, a in zip(asked, said, strict=False))
    read = []
    for turn in turns:
        pair = [turn.get("question"), turn.get("answer")] if isinstance(turn, dict) else turn
        if not isinstance(pair, list) or [type(part) for part in pair] != [str, str]:
            complain(f"'history' must list pairs of question and answer, found {turn!r}")
        read.append(Turn(*pair))
    return tuple(read)


def _plain_case(row: Mapping[str, Any], complain: Complain) -> Case:
    if row.get("_id") in (None, "") or not isinstance(row.get("question"), str):
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


def _strings(row: Mapping[str, Any], name: str, complain: Complain) -> tuple[str, ...]:
    values = row.get(name) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        complain(f"{name!r} must be a list of texts, found {values!r}")
    if not all(value.strip() for value in values):
        complain(f"{name!r} holds an empty text")
    return tuple(values)
