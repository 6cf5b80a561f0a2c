"""What `hub source` does: list the sources, show one, end its reads, let syncs read it again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.acting import acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import in_zone, print_json, print_line, print_mapping, print_table

if TYPE_CHECKING:
    from hub.actions.setup.sources import Role, SourceCard

source_app = typer.Typer(
    help="List the sources; end the reads of one that was migrated.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(metavar="SOURCE", help="A configured source: salesforce.")]


@source_app.command("list")
def source_list(json: Json = False, config: Config = None) -> None:
    """List the sources of hub.yaml with their roles."""
    from hub.actions.setup import sources
    from hub.cli.session import opened_database
    from hub.settings import find

    with opened_database(config) as (database, settings), database.engine.begin() as conn:
        found = sources.listed(acting(conn), settings, find(config))
    if json:
        print_json(found)
        return
    print_table(
        "Sources",
        ("source", "role", "last read", "objects", "pending", "what reads it"),
        [(s.source, s.role, s.read_at, s.objects, s.pending, s.means) for s in found],
    )


@source_app.command("show")
def source_show(source: Name, json: Json = False, config: Config = None) -> None:
    """Show a source: its role, its last read, and its line in hub.yaml."""
    from hub.actions.setup import sources
    from hub.cli.session import opened_database
    from hub.settings import find

    with opened_database(config) as (database, settings), database.engine.begin() as conn:
        found = sources.show(acting(conn), settings, source, find(config))
    _say(found, json=json)


@source_app.command("retire")
def source_retire(source: Name, who: Who = None, json: Json = False, config: Config = None) -> None:
    """End the reads of a source; what came from it stays."""
    done = _set(source, "retired", who, config)
    if json:
        print_json(done)
    else:
        print_line(done.source, f"retired ({done.place}). {_kept(done)}")


@source_app.command("follow")
def source_follow(source: Name, who: Who = None, json: Json = False, config: Config = None) -> None:
    """Set a source to be kept up to date by syncs, also one that was retired."""
    done = _set(source, "follow", who, config)
    if json:
        print_json(done)
    else:
        print_line(done.source, f"followed ({done.place}). hub sync {done.source} reads it now.")


def _set(source: str, role: "Role", who: str | None, config: Path | None) -> "SourceCard":
    from hub.actions.setup import sources
    from hub.cli.session import opened_database
    from hub.settings import find

    with opened_database(config) as (database, settings), database.engine.begin() as conn:
        return sources.set_role(acting(conn, who), settings, find(config), source, role)


def _kept(done: "SourceCard") -> str:
    kept = f"Nothing reads it any more; its {done.objects:,} objects stay."
    waits = f" {done.pending:,} records still wait for a stage: hub sync works them off."
    return kept + (waits if done.pending else "")


def _say(card: "SourceCard", *, json: bool) -> None:
    if json:
        print_json(card)
        return
    print_mapping(
        card.source,
        {
            "role": f"{card.role}: {card.means}",
            "hub.yaml": card.place or "not in the file",
            "last read": in_zone(card.read_at) if card.read_at else "never",
            "objects": f"{card.objects:,}",
            "pending": f"{card.pending:,}",
            "migration": f"batch {card.migration} is not over" if card.migration else "none",
        },
    )
