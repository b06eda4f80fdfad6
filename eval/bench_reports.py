"""Questions about long reports in PDF: is the page of the evidence found, and is it cited?

For a folder with `queries.jsonl` and `pdfs/`, as of the public FinanceBench set, whose questions
mostly ask for a calculation or a judgement: an answer of quotes can only show the page, or abstain.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

from eval.rows import rows_of
from rag.build import open_ingestor, open_parts
from rag.settings import load_settings
from rag.types import Answer, Passage, Question

RANKS = (1, 4, 10)

Page = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a question: where its pages stood, and what was cited."""

    first_rank: int | None
    first_document_rank: int | None
    answered: bool
    cited_first: bool
    cited: bool


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--store", type=Path, help="keep the store here; by default it goes")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        settings = load_settings(data_dir=given.store or Path(temporary))
        with open_ingestor(settings) as ingestor:
            ingestor.ingest([str(given.folder / "pdfs")])
        with open_parts(settings) as parts:
            found = [
                judged(parts.assistant.answer(Question(str(row["question"]))), wanted(row["gold"]))
                for row in rows_of(given.folder / "queries.jsonl")
            ]
    print(*report(found), sep="\n")


def wanted(gold: list[tuple[str, int]]) -> set[Page]:
    """Return the pages of the evidence; the set counts them from 0."""
    return {(name, page + 1) for name, page in gold}


def judged(answer: Answer, pages: set[Page]) -> Asked:
    """Look for the pages of the evidence among hits and citations."""
    names = {name for name, _ in pages}
    cited = [_page(citation.passage) in pages for citation in answer.citations]
    return Asked(
        next((hit.rank for hit in answer.hits if _page(hit.passage) in pages), None),
        next((hit.rank for hit in answer.hits if _page(hit.passage)[0] in names), None),
        not answer.abstained,
        cited[:1] == [True],
        any(cited),
    )


def report(found: list[Asked]) -> list[str]:
    """Say how many questions each step served."""

    def line(what: str, count: int) -> str:
        return f"{what:<52} {count:3d} of {len(found)}"

    return [
        *(
            line(f"the evidence's {what} is among the first {rank} hits", sum(
                place is not None and place <= rank for place in places
            ))
            for what, places in (
                ("document", [one.first_document_rank for one in found]),
                ("page", [one.first_rank for one in found]),
            )
            for rank in RANKS
        ),
        line("answered", sum(one.answered for one in found)),
        line("the page is cited", sum(one.cited for one in found)),
        line("the page is cited first", sum(one.cited_first for one in found)),
        line("answered without citing it", sum(one.answered and not one.cited for one in found)),
    ]  # fmt: skip


def _page(passage: Passage) -> Page:
    return Path(passage.source).stem, passage.page or 0


if __name__ == "__main__":
    main()
