"""What the benchmark of long reports counts, by hand."""

from __future__ import annotations

from eval.bench_reports import Asked, judged, report, wanted
from rag.types import Answer, Citation, Hit, Passage, Question, Sentence, Timings


def passage(name: str, page: int) -> Passage:
    text = "Sales were five."
    return Passage(f"{name}/{page}", name, text, 0, len(text), name, f"/pdfs/{name}.pdf", page)


def answer(*places: tuple[str, int], cites: tuple[str, int] | None) -> Answer:
    """An answer whose hits are on these pages, and that cites one of them."""
    hits = tuple(Hit(passage(*place), 1.0, rank) for rank, place in enumerate(places, start=1))
    cited = (Citation(1, passage(*cites), 0, 16),) if cites else ()
    said = (Sentence("Sales were five.", (1,)),) if cites else ()
    return Answer(
        question=Question("How much were sales?"),
        query="How much were sales?",
        sentences=said,
        citations=cited,
        hits=hits,
        abstained=not cites,
        confidence=0.5,
        timings=Timings(),
    )


def test_pages_are_looked_for_among_hits_and_citations():
    pages = wanted([("acme", 6), ("acme", 8)])
    assert pages == {("acme", 7), ("acme", 9)}
    first = judged(answer(("other", 7), ("acme", 1), ("acme", 9), cites=("acme", 9)), pages)
    assert first == Asked(3, 2, answered=True, cited_first=True, cited=True)
    second = judged(answer(("acme", 7), cites=None), pages)
    assert second == Asked(1, 1, answered=False, cited_first=False, cited=False)
    third = judged(answer(("other", 7), cites=("other", 7)), pages)
    assert third == Asked(None, None, answered=True, cited_first=False, cited=False)
    counts = [line.rpartition("  ")[2].strip() for line in report([first, second, third])]
    assert counts == [f"{n} of 3" for n in (1, 2, 2, 1, 2, 2, 2, 1, 1, 1)]
