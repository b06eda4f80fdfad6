"""What the commands of `footnote eval` share. Importing this loads nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

out = Console(soft_wrap=False)
err = Console(stderr=True)

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", "--store", help="The store. Default: .footnote", show_default=False),
]
DatasetPath = Annotated[
    Path,
    typer.Argument(metavar="DATASET", help="A .csv, .xlsx or .jsonl, SQuAD .json, or BEIR folder."),
]
Corpus = Annotated[
    list[Path] | None,
    typer.Option("--corpus", help="Build a store of these files or folders, for this run only."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Ask at most so many questions.")]
Sample = Annotated[
    int | None, typer.Option(help="Draw them with this seed instead of taking the first.")
]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Only questions with this tag.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="A setting for this run: NAME=VALUE.")]
RunName = Annotated[str, typer.Argument(help='A run: its folder, its name, or "last".')]
