"""What `hub erase` does."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.acting import acting
from hub.cli.formatting import count
from hub.cli.options import Config, Json, Who
from hub.cli.output import (
    EXIT_FAILED,
    print_json,
    print_line,
    print_table,
    print_warning,
)
from hub.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from hub.actions.context import Acting, Context
    from hub.erase.receipt import Receipt


def erase(
    person: Annotated[
        str | None,
        typer.Argument(
            metavar="EMAIL|PHONE", help="An e-mail address, a phone number, or lead/12, contact/5."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would be erased; change nothing.")
    ] = False,
    erasures: Annotated[
        bool,
        typer.Option(
            "--list", help="List past erasures, and how many records each one blocked since."
        ),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Finish an interrupted erasure.")
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Erase a person permanently, everywhere, and block imports of the person by every source.

    It cannot be undone. The next hub erase continues an interrupted erasure.
    """
    from hub.actions.identity import erase as actions
    from hub.cli.session import opened_database

    def as_named(conn: "Connection") -> "Context":
        return acting(conn, who)

    if (person is not None) + erasures + resume != 1:
        raise ConfigError(
            "name one person, or give --list or --resume",
            hint="hub erase lea@example.com --dry-run shows what would be erased",
        )
    with opened_database(config) as (database, settings):
        engine, home = database.engine, settings.home
        if erasures:
            _list(engine, as_named, home, json=json)
            return
        if person is None:
            receipt = actions.resume_erase(engine, as_named, home=home)
        else:
            verb = actions.preview_erase if dry_run else actions.erase
            region = settings.company.default_region
            receipt = verb(engine, as_named, person, home=home, region=region)
    if json:
        print_json(receipt)
    else:
        _print(receipt)
    if not receipt.complete:
        raise typer.Exit(EXIT_FAILED)


def _list(engine: "Engine", as_named: "Acting", home: Path, *, json: bool) -> None:
    from hub.actions.identity.erase import erasures, is_under_way

    with engine.begin() as conn:
        found = erasures(as_named(conn))
    if json:
        from hub.views.results import ErasureLine

        print_json([
            ErasureLine(e.id, e.at, e.tombstones, e.blocked, e.blocked_at) for e in found
        ])  # fmt: skip
    elif not found:
        print_line("", "no person was erased; hub erase EMAIL --dry-run shows what would be erased")
    else:
        print_table(
            "Erasures",
            ("erasure", "at", "tombstones", "blocked records", "last"),
            [(e.id, e.at, e.tombstones, e.blocked, e.blocked_at) for e in found],
        )
    if is_under_way(home):
        print_warning("an erasure was interrupted; hub erase --resume finishes it")


def _print(receipt: "Receipt") -> None:
    would = "would be " if receipt.dry_run else ""
    objects = ", ".join(f"{n} {name}" for name, n in receipt.objects.items()) or "none"
    print_line(
        f"{would}erased".capitalize(),
        f"people: {count(receipt.people)}; objects of sources: {objects}",
    )
    print_table(
        "Rows",
        ("table", f"{would}removed or emptied", "mentions removed"),
        [
            (name, receipt.removed.get(name, 0), receipt.mentions.get(name, 0))
            for name in sorted({*receipt.removed, *receipt.mentions})
        ],
    )
    for file in receipt.files:
        print_line("Mentions overwritten in", file)
    kept = sum(receipt.tombstones.values())
    if receipt.dry_run:
        print_line("Tombstones", f"{kept} would be kept; nothing was changed")
    else:
        print_line(
            "Tombstones",
            f"{kept}, erasure {receipt.erasure}, batch {receipt.batch}, by {receipt.who}",
        )
    for file in receipt.left_files:
        print_warning(f"{file} still mentions the person; edit it by hand")
    if receipt.backups:
        print_warning(
            "backups from before still hold the person, if they had come by then: "
            "hub restore erases again; delete those that are no longer needed: "
            + ", ".join(receipt.backups)
        )
    for name, n in receipt.left.items():
        print_warning(
            f"{name}: rows that still mention the person: {count(n)}; run hub erase again"
        )
