"""The commands that change a store or tell what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rag.cli_checks import existing_store
from rag.cli_options import DataDir, Json, err, out, print_json
from rag.errors import InputError
from rag.printable import escape_name
from rag.settings import load_settings
from rag.store.collections import checked_collection


def ingest(
    paths: Annotated[list[str], typer.Argument(help="Files, folders or patterns.")],
    data_dir: DataDir = None,
    dry_run: Annotated[bool, typer.Option(help="Show what would be done; change nothing.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Take out what lay under the paths and is gone.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and follow every change of the paths.")
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option("--ray", help="Embed on the Ray cluster at ADDRESS (auto, or HOST:6379)."),
    ] = None,
    collection: Annotated[
        str | None,
        typer.Option(help="Put all of it there. Else: where it is, new files into “default”."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring documents into the store: new ones, changed ones, and those that were moved."""
    from rag import terminal
    from rag.ingest.report import plan_to_dict, report_to_dict
    from rag.ingest_command import run_ingest

    settings = load_settings(data_dir=data_dir)
    if collection is not None:
        checked_collection(collection)
    if dry_run:
        from rag.build import plan_ingest

        steps = plan_ingest(settings, paths, prune=prune, collection=collection)
        if as_json:
            print_json(plan_to_dict(steps))
        else:
            terminal.print_plan(out, steps)
        return
    if watch:
        if ray is not None or as_json:
            other = "--json" if ray is None else "--ray"
            raise InputError(f"--watch and {other} do not go together.", "Give one of them.")
        from rag.watch_command import run_watch

        run_watch(settings, paths, out, err, prune=prune, collection=collection)
        return
    if ray is not None:
        from rag.ray_command import run_on_ray

        report = run_on_ray(settings, paths, ray, err, prune=prune, collection=collection)
    else:
        report = run_ingest(settings, paths, err, prune=prune, collection=collection)
    if as_json:
        print_json(report_to_dict(report))
    else:
        terminal.print_report(out, report)
    if report.problems or report.still_unread:
        raise typer.Exit(65)


def status(
    data_dir: DataDir = None,
    as_json: Json = False,
    problems: Annotated[bool, typer.Option(help="List the files that could not be read.")] = False,
) -> None:
    """Tell what is in the store, which models it uses and whether its indexes are in step."""
    from rag.status import print_status, store_status

    found = store_status(existing_store(load_settings(data_dir=data_dir)))
    if as_json:
        print_json(found)
    else:
        print_status(out, found, problems=problems)


def remove(
    documents: Annotated[
        list[str], typer.Argument(help="Files, folders, sources or document ids.")
    ],
    data_dir: DataDir = None,
) -> None:
    """Take documents out of the store."""
    from rag.build import open_catalog_for_writing
    from rag.ingest.pipeline import remove_sources

    settings = existing_store(load_settings(data_dir=data_dir))
    with open_catalog_for_writing(settings) as catalog:
        removed = list(remove_sources(catalog, documents))
    if not removed:
        raise InputError(
            f"The store has no document {', '.join(map(repr, documents))}.",
            "See what it holds with: footnote status",
        )
    out.print(f"Removed {len(removed)}: {escape_name(', '.join(removed[:20]))}", highlight=False)


def reindex(data_dir: DataDir = None) -> None:
    """Split and embed the whole store again, after a change of model or passage size."""
    from rag.ingest_command import run_reindex

    run_reindex(existing_store(load_settings(data_dir=data_dir)), err)
    out.print("The store is reindexed.")


def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it.")], data_dir: DataDir = None
) -> None:
    """Write the whole store into one file; it may be in use meanwhile."""
    from rag.backup_command import run_backup

    counts = run_backup(existing_store(load_settings(data_dir=data_dir)), file)
    out.print(f"{counts.documents} documents, {counts.passages} passages: {escape_name(str(file))}")


def restore(
    file: Annotated[Path, typer.Argument(help="What footnote backup wrote.")],
    data_dir: DataDir = None,
) -> None:
    """Put a backup in place of the store, which may be damaged, missing or in use."""
    from rag.backup_command import run_restore

    counts = run_restore(load_settings(data_dir=data_dir), file)
    out.print(f"Restored {counts.documents} documents, {counts.passages} passages.")
