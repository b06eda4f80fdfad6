"""What commands see to before they begin: that a store is there, that a filter fits something."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.cli_options import err
from rag.errors import NoDocumentsError
from rag.printable import escape
from rag.settings import Settings
from rag.store.filters import Condition, Within

if TYPE_CHECKING:
    from rag.store.catalog import Catalog

_STORE = ("catalog.sqlite3", "lexical.sqlite3", "vectors")
_FIELDS_SHOWN = 12


def existing_store(settings: Settings) -> Settings:
    """Return the settings when they name a store, or what is left of one.

    Commands that only ask begin no store: a misspelt folder would look like an empty one.

    Raises:
        NoDocumentsError: they do not.
    """
    folder = settings.data_dir
    if not any(os.path.exists(folder / name) for name in _STORE):
        raise NoDocumentsError(
            f"There are no documents yet: there is no store in {folder}.",
            "Begin one with: footnote ingest FOLDER; or name another with --data-dir.",
        )
    return settings


def tell_what_fits_nothing(catalog: Catalog, conditions: Sequence[Condition]) -> None:
    """Say of each condition that no document meets what could be meant; on standard error."""
    for condition in conditions:
        if catalog.matching([condition]):
            continue
        if isinstance(condition, Within):
            what = f"No document is in the collection {', '.join(sorted(condition.collections))}."
            known = ", ".join(sorted(catalog.collection_names()))
            there = f"There are: {known}."
        else:
            wanted = f"{condition.field}{condition.operator}{condition.value}"
            what = f"No document fits the filter {wanted!r}."
            there = f"Documents have: {_fields(catalog)}."
        err.print(f"[yellow]Note:[/] {escape(what)} {escape(there)}", highlight=False)


def _fields(catalog: Catalog) -> str:
    """Name the fields that documents can be filtered by, those of most documents first."""
    counts: dict[str, int] = {}
    for document in catalog.documents():
        for field in document.metadata:
            counts[field] = counts.get(field, 0) + 1
    own = sorted(counts, key=lambda field: (-counts[field], field))
    shown = ["title", "source", "collection", *own][:_FIELDS_SHOWN]
    return ", ".join(shown) + (", …" if len(own) + 3 > _FIELDS_SHOWN else "")
