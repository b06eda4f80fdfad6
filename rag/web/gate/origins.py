"""Where a request comes from: a page of ours, a program, or a page of somebody else's."""

from __future__ import annotations

from starlette.datastructures import Headers


def is_ours(headers: Headers) -> bool:
    """Tell whether a request comes from a page of ours or from a program, and not from elsewhere.

    Programs send neither header; browsers send at least one.
    """
    origin = headers.get("origin")
    is_same = origin is None or origin.partition("://")[2] == headers.get("host", "")
    return is_same and headers.get("sec-fetch-site", "none") in {"same-origin", "none"}
