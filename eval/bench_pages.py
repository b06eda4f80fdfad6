"""How well pages of PDF files are read: evidence on its page, and quotes in their boxes.

For a folder with `queries.jsonl` and `pdfs/`, as of the public FinanceBench set: how many lines and
figures of the evidence are found in the text of the page that is said to hold them, and how often
what PDFium has in the boxes of a sentence is the sentence. Figures only; no text is printed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import time
from bisect import bisect_right
from collections import Counter
from pathlib import Path
from typing import Any

from rag.errors import DocumentError
from rag.ingest.readers import read_file
from rag.ingest.readers.views import PageRequest, PageView, view
from rag.ingest.sentences import sentence_spans
from rag.types import Document

_COLUMN_NAME = re.compile(r" \| (?:[^|:\n]{1,60}: )?")
_LEAST_LINE = 12  # letters: shorter lines are found anywhere
_INSET = 0.05  # points: letters of the neighbours touch the box


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sentences", type=int, default=40, help="of each file")
    given = parser.parse_args()
    paths = sorted((given.folder / "pdfs").glob("*.pdf"))
    started = time.perf_counter()
    documents = {path.stem: _read(path) for path in paths}
    seconds = time.perf_counter() - started
    pages = sum(len(document.page_starts) for document in documents.values())
    print(f"{len(paths)} files of {pages:,} pages read: {pages / seconds:.1f} pages a second")
    _print_evidence(given.folder / "queries.jsonl", documents)
    draw = random.Random(1)
    for path in paths:
        _print_boxes(path, documents[path.stem], given.sentences, draw)


def _read(path: Path) -> Document:
    return next(found for found in read_file(path, path.name) if isinstance(found, Document))


def _page_text(document: Document, page: int) -> str:
    starts = [*document.page_starts, len(document.text)]
    return document.text[starts[page - 1] : starts[page]]


def _print_evidence(queries: Path, documents: dict[str, Document]) -> None:
    """The set counts pages from 0."""
    counts: Counter[str] = Counter()
    for line in queries.read_text(encoding="utf-8").splitlines():
        record: dict[str, Any] = json.loads(line)
        for (name, page), evidence in zip(record["gold"], record["evidence_text"], strict=True):
            text = _page_text(documents[name], page + 1)
            letters, figures = _letters(text), re.sub(r"\s", "", text)
            wanted = [_letters(part) for part in evidence.split("\n")]
            wanted = [part for part in wanted if len(part) >= _LEAST_LINE]
            numbers = re.findall(r"\d[\d,.]*\d", evidence)
            counts["lines"] += len(wanted)
            counts["lines found"] += sum(part in letters for part in wanted)
            counts["figures"] += len(numbers)
            counts["figures found"] += sum(number in figures for number in numbers)
    for kind in ("lines", "figures"):
        print(f"{kind} of the evidence on its page: {counts[f'{kind} found']} of {counts[kind]}")


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _print_boxes(path: Path, document: Document, number: int, draw: random.Random) -> None:
    spans = [span for span in sentence_spans(document.text) if span[1] - span[0] > 20]
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    counts: Counter[str] = Counter()
    times: list[float] = []
    for start, end in draw.sample(spans, min(number, len(spans))):
        page = bisect_right(document.page_starts, start)
        first = document.page_starts[page - 1]
        text = _page_text(document, page)
        last = min(end, first + len(text))
        request = PageRequest(
            str(path), path.name, document.doc_id, sha256, page, text, start - first, last - first
        )
        began = time.perf_counter()
        try:
            seen = view(request)
        except DocumentError:
            counts["not found"] += 1
            continue
        times.append(time.perf_counter() - began)
        quote = _COLUMN_NAME.sub(" ", document.text[start:last])
        counts["equal" if _letters(quote) == _letters(_in_boxes(path, seen)) else "other"] += 1
    times.sort()
    print(
        f"{path.stem}: {counts['equal']} of {sum(counts.values())} sentences are what their boxes "
        f"hold, {counts['other']} with more or less, {counts['not found']} not found; "
        f"page drawn in {times[len(times) // 2] * 1000:.0f} ms (median)"
    )


def _in_boxes(path: Path, seen: PageView) -> str:
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    try:
        page = document[seen.page - 1]
        text_page = page.get_textpage()
        left, _, _, top = page.get_bbox()
        return "".join(
            text_page.get_text_bounded(
                left + box.left + _INSET,
                top - box.bottom + _INSET,
                left + box.right - _INSET,
                top - box.top - _INSET,
            )
            for box in seen.boxes
        )
    finally:
        document.close()


if __name__ == "__main__":
    main()
