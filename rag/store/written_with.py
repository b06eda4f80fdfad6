"""What a store was written with, and whether the settings still say so."""

from __future__ import annotations

from collections.abc import Mapping

from rag.errors import StoreError
from rag.settings import Settings

BEING_REINDEXED = "(reindexing)"
"""Stands for the embedding model while some vectors are of one and some of another."""


def written_with(settings: Settings) -> dict[str, str]:
    """Say what the passages and vectors of a store depend on."""
    return {
        "embedding_model": settings.embedding_model,
        "passage_chars": str(settings.passage_chars),
        "overlap_chars": str(settings.overlap_chars),
    }


def check_written_with(meta: Mapping[str, str], settings: Settings) -> None:
    """See that a store was written with the model and passage size of the settings.

    Raises:
        StoreError: it was not, or is only in part.
    """
    if meta.get("embedding_model") == BEING_REINDEXED:
        raise StoreError(
            f"The store {settings.data_dir} is being reindexed, or a reindex was cut off.",
            "Wait for it to finish, or run footnote reindex again.",
        )
    for name, wanted in written_with(settings).items():
        found = meta.get(name)
        if found is not None and found != wanted:
            raise StoreError(
                f"The store {settings.data_dir} was written with {name} = {found}; "
                f"the settings say {wanted}.",
                "Run footnote reindex to bring it to the present settings, "
                f"or set FOOTNOTE_{name.upper()}={found}.",
            )
