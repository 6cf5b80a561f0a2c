"""What `hub name` and `hub tag` do: rename, replace and remove what has a name, wherever it is named."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.acting import acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, print_table, print_warning, stdout

if TYPE_CHECKING:
    from hub.actions.setup.naming import Removed, Renamed

name_app = typer.Typer(
    help="Rename and remove statuses, reasons, stages, outcomes, sources, tags, choices; show who did.",
    no_args_is_help=True,
)
tag_app = typer.Typer(help="List, rename, merge and remove tags.", no_args_is_help=True)
Kind = Annotated[
    str,
    typer.Argument(
        help="status, lead_reason, loss_reason, deal_reason, pipeline, stage, outcome, source, tag, "
        "choice, field, user or group."
    ),
]
AnyKind = Annotated[
    str | None, typer.Argument(metavar="[KIND]", help="A kind of name, list and link included.")
]
Name = Annotated[str, typer.Argument(help="Present name.")]
New = Annotated[str, typer.Argument(help="New name.")]
Of = Annotated[
    str,
    typer.Option(
        "--of", help="For a field its record (lead); for a choice its record and key (lead.tier)."
    ),
]
Into = Annotated[str | None, typer.Option("--into", help="Name that replaces it everywhere.")]


@name_app.command("list")
def name_list(kind: Kind, of: Of = "", json: Json = False, config: Config = None) -> None:
    """List the names of a kind, and how many records use each."""
    _listed(kind, of, json=json, config=config)


@name_app.command("uses")
def name_uses(
    kind: Kind, name: Name, of: Of = "", json: Json = False, config: Config = None
) -> None:
    """Show every use of a name: lists, layouts, links, criteria, records, hub.yaml."""
    from hub.actions.setup import naming

    found = _acted(config, None, lambda ctx, written: naming.uses(ctx, kind, name, scope=of, written=written))  # fmt: skip
    if json:
        from hub.views.results import NameUses

        print_json(NameUses(kind, name, tuple(found)))
    elif found:
        print_table("Uses", ("place",), [(place,) for place in found])
    else:
        stdout.print(f"nothing uses {name}", highlight=False)


@name_app.command("rename")
def name_rename(
    kind: Kind,
    name: Name,
    new: New,
    of: Of = "",
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Rename a status, stage, tag or other name, in lists and records too."""
    _renamed(kind, name, new, of, who=who, json=json, config=config)


@name_app.command("remove")
def name_remove(
    kind: Kind,
    name: Name,
    into: Into = None,
    of: Of = "",
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Remove an unused name, or replace a used one with another."""
    _removed(kind, name, into, of, who=who, json=json, config=config)


@name_app.command("history")
def name_history(
    kind: AnyKind = None,
    name: Annotated[
        str | None, typer.Option("--name", help="A former or a present name, or a user's address.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, help="Largest number of changes.")
    ] = 50,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show who renamed, replaced or removed a name, and when."""
    from hub.actions.setup import name_history as history

    found = _acted(
        config, None, lambda ctx, _written: history.newest(ctx, kind, name=name, limit=limit)
    )
    if json:
        print_json(found)
        return
    print_table(
        "Changed names",
        ("at", "who", "kind", "of", "change", "old", "new"),
        [(one.at, one.who, one.kind, one.scope, one.what, one.old, one.new) for one in found],
        empty="no name was changed",
    )


@tag_app.command("list")
def tag_list(json: Json = False, config: Config = None) -> None:
    """List the tags, and how many records have each."""
    _listed("tag", "", json=json, config=config)


@tag_app.command("rename")
def tag_rename(
    name: Name, new: New, who: Who = None, json: Json = False, config: Config = None
) -> None:
    """Rename a tag, on all records and in lists."""
    _renamed("tag", name, new, "", who=who, json=json, config=config)


@tag_app.command("merge")
def tag_merge(
    name: Name,
    into: Annotated[str, typer.Argument(help="The tag that stays.")],
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Merge two tags, on all records and in lists."""
    _removed("tag", name, into, "", who=who, json=json, config=config)


@tag_app.command("remove")
def tag_remove(name: Name, who: Who = None, json: Json = False, config: Config = None) -> None:
    """Remove a tag from all records; refused while a list uses it."""
    _removed("tag", name, None, "", who=who, json=json, config=config)


def _listed(kind: str, of: str, *, json: bool, config: Path | None) -> None:
    from hub.actions.setup import naming

    found = _acted(config, None, lambda ctx, _written: naming.listed(ctx, kind, of))
    if json:
        print_json(found)
        return
    rows = [(one.name, one.within, one.records) for one in found]
    print_table(kind.replace("_", " ").capitalize(), ("name", "of", "records"), rows)


def _renamed(
    kind: str, name: str, new: str, of: str, *, who: str | None, json: bool, config: Path | None
) -> None:
    from hub.actions.setup import naming

    done: Renamed = _acted(
        config,
        who,
        lambda ctx, written: naming.rename(ctx, kind, name, new, scope=of, written=written),
    )
    if json:
        print_json(done)
    else:
        stdout.print(f"{done.old} is renamed to {done.new}", highlight=False)
    for where in done.warnings:
        print_warning(f"{where} still has {done.old!r}: write {done.new!r} there")


def _removed(
    kind: str, name: str, into: str | None, of: str, *, who: str | None, json: bool, config: Path | None
) -> None:  # fmt: skip
    from hub.actions.setup import naming

    done: Removed = _acted(
        config,
        who,
        lambda ctx, written: naming.remove(ctx, kind, name, into=into, scope=of, written=written),
    )
    if json:
        print_json(done)
        return
    what = f"{done.into} replaces it" if done.into else "it has no replacement"
    where = f" ({', '.join(done.uses)})" if done.uses else ""
    stdout.print(f"{done.name} is removed; {what}{where}", highlight=False)


def _acted(config: Path | None, who: str | None, act: Any) -> Any:
    """Act in one transaction, with the names of hub.yaml at hand."""
    from hub.actions.setup.yaml_names import Written
    from hub.cli.session import opened_database
    from hub.db.transactions import run_transaction
    from hub.settings.loading import find

    with opened_database(config) as (database, settings):
        written = Written(settings, find(config))
        return run_transaction(database.engine, lambda conn: act(acting(conn, who), written))
