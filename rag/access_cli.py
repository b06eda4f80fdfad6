"""Commands around who may come in: footnote token, footnote access, footnote embed."""

from __future__ import annotations

from typing import Annotated

import typer

from rag.cli_options import DataDir, terminal
from rag.errors import InputError
from rag.printable import escape
from rag.settings import load_settings
from rag.web.people.access import Right, checked_groups
from rag.web.people.identity import key_file, suspended_file

out = terminal(soft_wrap=True)
token_app = typer.Typer(help="Keys for programs and people.", no_args_is_help=True)
access_app = typer.Typer(help="Who may not come in for the time being.", no_args_is_help=True)
embed_app = typer.Typer(help="The widget in other pages.", no_args_is_help=True)


@token_app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whom or what it is for.")],
    right: Annotated[
        list[Right] | None, typer.Option(help="What it may do; repeatable. Default: ask")
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option(help="A group that it belongs to; repeatable.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it holds.")] = 365,
    data_dir: DataDir = None,
) -> None:
    """Make a key and show it, this once."""
    if not name.strip() or not name.isprintable():
        raise InputError(f"{name!r} is no name.", 'For example: footnote token create "intranet"')
    keys = key_file(load_settings(data_dir=data_dir))
    key, secret = keys.create(name, right or [Right.ASK], days=days, groups=_groups(group))
    out.print(f"Key {key.key_id} for {escape(name)}, until {key.expires[:10]}. It is shown once:")
    typer.echo(secret)


@token_app.command("list")
def list_keys(data_dir: DataDir = None) -> None:
    """List the keys, never their words."""
    keys = key_file(load_settings(data_dir=data_dir)).all()
    for key in keys:
        rights = ", ".join(key.rights)
        groups = f"  in {escape(', '.join(key.groups))}" if key.groups else ""
        out.print(f"{key.key_id}  {escape(key.name)}  {rights}{groups}  until {key.expires[:10]}")
    if not keys:
        out.print("There are no keys. Make one with: footnote token create NAME")


@token_app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="As footnote token list names it.")],
    data_dir: DataDir = None,
) -> None:
    """Take a key back, at once."""
    key = key_file(load_settings(data_dir=data_dir)).revoke(key_id)
    out.print(f"Key {key.key_id} for {escape(key.name)} opens nothing any more.")


def _groups(names: list[str] | None) -> frozenset[str]:
    try:
        return checked_groups(names or [])
    except ValueError as error:
        raise InputError(f"--group: {error}.") from error


@access_app.command()
def suspend(
    name: Annotated[str, typer.Argument(help="A person, the name of a key, or a key's id.")],
    data_dir: DataDir = None,
) -> None:
    """Let somebody in no more, whatever proves who they are, at once and until resumed."""
    suspended_file(load_settings(data_dir=data_dir)).suspend(name)
    out.print(f"{escape(name)} may not come in any more.", highlight=False)


@access_app.command()
def resume(
    name: Annotated[str, typer.Argument(help="As footnote access list names it.")],
    data_dir: DataDir = None,
) -> None:
    """Let somebody in again, by what proved who they were before."""
    suspended_file(load_settings(data_dir=data_dir)).resume(name)
    out.print(f"{escape(name)} may come in again.", highlight=False)


@access_app.command("list")
def list_suspended(data_dir: DataDir = None) -> None:
    """List who is suspended, and since when."""
    names = suspended_file(load_settings(data_dir=data_dir)).all()
    for name, since in sorted(names.items()):
        out.print(f"{escape(name)}  since {escape(since)}", highlight=False)
    if not names:
        out.print("Nobody is suspended.")


@embed_app.command()
def check(
    url: Annotated[str, typer.Argument(help="The page that should show the widget.")],
    server: Annotated[
        str, typer.Option(help="Where Footnote is, when the page's HTML does not say.")
    ] = "",
    embed: Annotated[str, typer.Option(help="The embed's name, likewise.")] = "",
) -> None:
    """Tell which header of which server keeps a page from showing the widget."""
    from rag.web.gate.embed_check import check as look

    findings = look(url, server, embed)
    for finding in findings:
        sign = "[red]blocks[/]" if finding.problem else "[green]fine[/]  "
        detail = f": {finding.problem}" if finding.problem else ""
        out.print(f"{sign}  {escape(finding.what + detail)}", highlight=False)
        if finding.hint:
            out.print(f"        {escape(finding.hint)}", highlight=False)
    if any(finding.problem for finding in findings):
        raise typer.Exit(1)


@embed_app.command("list")
def list_embeds() -> None:
    """List the embeds and the pages that may show them."""
    embeds = load_settings().embeds
    for name, origins in embeds.items():
        out.print(f"{escape(name)}: {escape(', '.join(origins)) or 'nobody'}", highlight=False)
    if not embeds:
        out.print('There are none. Set FOOTNOTE_EMBEDS=\'{"handbook": ["https://portal.corp"]}\'')
