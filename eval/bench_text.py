"""Text to measure on: a folder of one's own, or the documentation inside installed packages."""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
import random
import re
import sysconfig
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.ingest.passages import split
from rag.types import Document

_LEAST_CHARS, _MOST_CHARS = 2_000, 20_000
_LEAST_PARAGRAPH = 60
_SENTENCE = re.compile(r"[A-Z][^.!?\n]{25,160}[.!?](?=\s)")
_SENTENCES = 30_000
_PROSE = 0.75  # the share of letters and spaces that tells prose from tables and code


@dataclass(frozen=True, slots=True)
class Text:
    """A text and a name that no other has and that a file can have."""

    name: str
    text: str


def docstring_texts() -> Iterator[Text]:
    """Yield texts of 2,000 to 20,000 characters, made of docstrings, in an order of no meaning.

    It is the same for the same installed packages. A paragraph occurs once: much documentation is
    generated, and a text that repeats itself would flatter a pipeline that embeds equal texts once.
    """
    paths = sysconfig.get_paths()
    root = Path(paths["stdlib"])
    others = Path(paths["purelib"])
    files = [(path, path.relative_to(root)) for path in root.rglob("*.py")]
    files = [(path, name) for path, name in files if "site-packages" not in name.parts]
    files += [(path, path.relative_to(others)) for path in others.rglob("*.py")]
    files = [(p, name) for p, name in files if not {"test", "tests", "testing"} & set(name.parts)]
    files.sort(key=lambda pair: hashlib.sha256(pair[1].as_posix().encode()).digest())
    seen: set[str] = set()
    held, name = "", ""
    for path, relative in files:
        for docstring in _docstrings(path):
            paragraphs = [p for p in docstring.split("\n\n") if _is_prose(p) and p not in seen]
            seen.update(paragraphs)
            held += "".join(f"{paragraph}\n\n" for paragraph in paragraphs)
            if len(held) > _MOST_CHARS:
                break
        name = name or relative.with_suffix("").as_posix().replace("/", ".")
        if len(held) >= _LEAST_CHARS:
            yield Text(name, held[:_MOST_CHARS])
            held, name = "", ""


def mixed_texts(seed: int = 1, sentences: int = _SENTENCES) -> Iterator[Text]:
    """Yield texts without end, of 2,000 to 20,000 characters: sentences of docstrings, drawn anew.

    Words are as frequent as in what people write, and no two passages are alike.
    """
    found = (match[0] for text in docstring_texts() for match in _SENTENCE.finditer(text.text))
    known = list(itertools.islice(found, sentences))
    draw = random.Random(seed)
    for number in itertools.count():
        length = draw.randrange(_LEAST_CHARS, _MOST_CHARS)
        paragraphs: list[str] = []
        while sum(map(len, paragraphs)) < length:
            paragraphs.append(" ".join(draw.choices(known, k=draw.randrange(2, 7))))
        yield Text(f"mixed-{number:06}", "\n\n".join(paragraphs)[:length])


def folder_texts(folder: Path) -> Iterator[Text]:
    """Yield the .txt files of a folder, and each record of its .jsonl files, in order of path."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).with_suffix("").as_posix().replace("/", ".")
        if path.suffix == ".txt":
            yield Text(name, path.read_text(encoding="utf-8", errors="replace"))
        elif path.suffix == ".jsonl":
            lines = path.read_text(encoding="utf-8").splitlines()
            for number, line in enumerate(lines, start=1):
                record = json.loads(line)
                if "text" in record:
                    body = "\n\n".join(filter(None, (record.get("title"), record["text"])))
                    yield Text(f"{name}.{number}", body)


def count_passages(text: Text, passage_chars: int, overlap_chars: int) -> int:
    """Count the passages that a text is cut into when it is read from a plain text file."""
    document = Document(text.name, text.name, text.name, text.text)
    return len(split(document, passage_chars=passage_chars, overlap_chars=overlap_chars))


def _docstrings(path: Path) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other people's source
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield docstring


def _is_prose(paragraph: str) -> bool:
    if len(paragraph) < _LEAST_PARAGRAPH or paragraph.lstrip().startswith(">>>"):
        return False
    letters = sum(character.isalpha() or character == " " for character in paragraph)
    return letters >= _PROSE * len(paragraph)
