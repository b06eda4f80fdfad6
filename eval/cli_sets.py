"""The commands that make question sets. Importing this loads nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eval.cli_options import DataDir, out


def from_feedback(
    out_file: Annotated[Path, typer.Option("--out", help="Draft cases are added to this file.")],
    data_dir: DataDir = None,
) -> None:
    """Make draft cases of the thumbs and comments given in the chat page."""
    from eval.feedback import draft_cases, stored_feedback, write_drafts
    from eval.session import settings_with

    found = stored_feedback(settings_with((), data_dir))
    added = write_drafts(out_file, draft_cases(found))
    out.print(
        f"{added} drafts added to {out_file}. Check each, fill in what is missing, and remove its "
        "comment.",
        highlight=False,
    )
