"""Filters as conditions on the rows of `documents`."""

from __future__ import annotations

from collections.abc import Sequence

from rag.store.filters import Condition, Filter, Within

_COLUMNS = frozenset({"doc_id", "title", "source", "collection"})
_OPERATORS = {"=": "GLOB", ">=": ">=", "<=": "<="}


def where(conditions: Sequence[Condition]) -> tuple[str, list[str]]:
    """Return what holds for documents that pass every condition, and its question marks' values."""
    parts = [_of_condition(condition) for condition in conditions]
    return " AND ".join(sql for sql, _ in parts), [value for _, values in parts for value in values]


def _of_condition(condition: Condition) -> tuple[str, list[str]]:
    if isinstance(condition, Within):
        held = sorted(condition.collections)
        return f"collection IN ({', '.join('?' * len(held))})", held
    return _of_filter(condition)


def _of_filter(given: Filter) -> tuple[str, list[str]]:
    operator = _OPERATORS[given.operator]
    # GLOB knows sets of letters besides * and ?; names such as "report[1].pdf" mean none.
    value = given.value.replace("[", "[[]") if operator == "GLOB" else given.value
    if given.field in _COLUMNS:
        return f"{given.field} {operator} ?", [value]
    name = f'$."{given.field}"'
    return f"coalesce(json_extract(metadata, ?), '') {operator} ?", [name, value]
