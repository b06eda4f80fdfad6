"""What was typed onto a page of a PDF: filled fields of forms, text boxes, stamps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_MAX_NOTES = 5000


def open_page(document: Any, index: int) -> Any:
    """Load a page of which they are a part, as they are when it is printed.

    Notes that only open when somebody clicks on them stay out, and so do hidden fields.
    """
    import pypdfium2.raw as pdfium

    page = document[index]
    shown = {pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_STAMP, pdfium.FPDF_ANNOT_WIDGET}
    if not shown.isdisjoint(_kinds(page)):
        done = pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
        if done == pdfium.FLATTEN_SUCCESS:
            page.close()
            page = document[index]  # what was read of it before is not brought up to date
    return page


def _kinds(page: Any) -> Iterator[int]:
    import pypdfium2.raw as pdfium

    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), _MAX_NOTES)):
        note = pdfium.FPDFPage_GetAnnot(page, index)
        if note:
            yield pdfium.FPDFAnnot_GetSubtype(note)
            pdfium.FPDFPage_CloseAnnot(note)
