"""The pages of documents, of their originals and of evaluation runs, for whoever may read them."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from rag.web.page_shell import PAGE_POLICY, error_page
from rag.web.pages.document_page import NO_PAGES, Span, document_page
from rag.web.pages.page_pictures import PagePictures, shown_pages
from rag.web.pages.runs_page import REPORT_POLICY, EvaluationRuns, runs_page
from rag.web.people.access import principal_of
from rag.web.people.readable import Views
from rag.web.public import base_of

_HEADERS = {"Cache-Control": "private, max-age=300"}


def add_documents(app: FastAPI, views: Views, pictures: PagePictures | None) -> None:
    """Add /documents/{doc_id}: the page of a document, whole or around a quote."""

    @app.get("/documents/{doc_id:any}", include_in_schema=False)
    def show(
        request: Request,
        doc_id: str,
        start: str | None = None,
        end: str | None = None,
        view: str = "whole",
    ) -> HTMLResponse:
        base = base_of(request)
        try:
            quote = Span(int(start), int(end)) if start is not None and end is not None else None
        except ValueError:
            hint = "“start” and “end” count characters and must be whole numbers."
            return _page(error_page("This address is not complete", hint, base), 400)
        document = views.of(principal_of(request.scope)).documents.document(doc_id)
        if document is None:
            hint = "It may have been removed since the answer was given."
            return _page(error_page("There is no such document", hint, base), 404)
        shown = shown_pages(pictures, document, quote.start, quote.end) if quote else NO_PAGES
        html = document_page(document, quote, panel=view == "panel", shown=shown, base=base)
        return _page(html)


def add_page_pictures(app: FastAPI, views: Views, pictures: PagePictures | None) -> None:
    """Add /pages/{doc_id}?page=N: a PNG file; absent for whoever may not read the document."""

    @app.get("/pages/{doc_id:any}", include_in_schema=False)
    def picture(request: Request, doc_id: str, page: str = "1") -> Response:
        document = views.of(principal_of(request.scope)).documents.document(doc_id)
        number = int(page) if page.isdecimal() and len(page) < 7 else 0
        drawn = pictures.picture(document, number) if document and pictures else None
        if drawn is None:
            return Response(status_code=404)
        return Response(drawn, media_type="image/png", headers=_HEADERS)


def add_runs(app: FastAPI, evaluations: EvaluationRuns, views: Views) -> None:
    """Add the pages of evaluation runs, which quote whatever documents there are."""

    def sees_all(request: Request) -> bool:
        return views.of(principal_of(request.scope)).sees_all()

    @app.get("/runs", include_in_schema=False)
    def show_runs(request: Request) -> HTMLResponse:
        summaries = evaluations.summaries() if sees_all(request) else []
        return _page(runs_page(summaries, base_of(request)))

    @app.get("/runs/{name}/report", include_in_schema=False)
    def show_report(request: Request, name: str) -> HTMLResponse:
        report = evaluations.report(name) if sees_all(request) else None
        if report is None:
            base = base_of(request)
            hint = f"It may have been deleted. The list of runs is at {base}runs."
            return _page(error_page("There is no such report", hint, base), 404)
        return HTMLResponse(report, headers={"Content-Security-Policy": REPORT_POLICY})


def _page(content: str, status_code: int = 200) -> HTMLResponse:
    return HTMLResponse(content, status_code, {"Content-Security-Policy": PAGE_POLICY})
