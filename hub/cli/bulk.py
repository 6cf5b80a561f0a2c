"""What `hub bulk` does: one action on many records, by list, by ids or by conditions."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.acting import acting
from hub.cli.assignments import read_assignments
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, print_table, stderr, stdout
from hub.errors import ConfigError

if TYPE_CHECKING:
    from hub.actions.bulk.run import OnChunk, Result

bulk_app = typer.Typer(
    help="Change many records at once. `hub undo BATCH` undoes the change.", no_args_is_help=True
)
List = Annotated[str | None, typer.Option("--list", help="All records of a saved list.")]
Ids = Annotated[str | None, typer.Option("--ids", help="Records by name, as lead/1,lead/2.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where", help="A condition, as `status is New`. A record must meet all conditions."
    ),
]
Kind = Annotated[
    str | None,
    typer.Option("--object", "--kind", help="With --where: lead, person, company or deal."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]


@bulk_app.command("set-owner")
def set_owner(
    to: Annotated[str, typer.Argument(metavar="OWNER", help="A user's e-mail or a group's name.")],
    list_: List = None, ids: Ids = None, where: Where = None, kind: Kind = None,
    dry_run: DryRun = False, who: Who = None, json: Json = False, config: Config = None,
) -> None:  # fmt: skip
    """Assign records to a user, or in turn to the members of a group."""
    _run("set-owner", {"to": to}, (list_, ids, where, kind), dry_run, who, json, config)


@bulk_app.command("set-status")
def set_status(
    status: Annotated[str, typer.Argument(metavar="STATUS", help="A status of leads.")],
    reason: Annotated[
        str | None, typer.Option("--reason", help="Reason, for an unqualified status.")
    ] = None,
    list_: List = None, ids: Ids = None, where: Where = None, kind: Kind = None,
    dry_run: DryRun = False, who: Who = None, json: Json = False, config: Config = None,
) -> None:  # fmt: skip
    """Set the status of leads."""
    wanted = {"status": status, "reason": reason}
    _run("set-status", wanted, (list_, ids, where, kind), dry_run, who, json, config)


@bulk_app.command("tag")
def tag(
    tags: Annotated[list[str], typer.Argument(metavar="TAG…", help="Tags to add.")],
    list_: List = None, ids: Ids = None, where: Where = None, kind: Kind = None,
    dry_run: DryRun = False, who: Who = None, json: Json = False, config: Config = None,
) -> None:  # fmt: skip
    """Add tags to records."""
    _run("tag", {"tags": tags}, (list_, ids, where, kind), dry_run, who, json, config)


@bulk_app.command("untag")
def untag(
    tags: Annotated[list[str], typer.Argument(metavar="TAG…", help="Tags to remove.")],
    list_: List = None, ids: Ids = None, where: Where = None, kind: Kind = None,
    dry_run: DryRun = False, who: Who = None, json: Json = False, config: Config = None,
) -> None:  # fmt: skip
    """Remove tags from records."""
    _run("untag", {"tags": tags}, (list_, ids, where, kind), dry_run, who, json, config)


@bulk_app.command("set")
def set_(
    assignments: Annotated[
        list[str], typer.Argument(metavar="FIELD=VALUE…", help="An empty value blanks a field.")
    ],
    list_: List = None, ids: Ids = None, where: Where = None, kind: Kind = None,
    dry_run: DryRun = False, who: Who = None, json: Json = False, config: Config = None,
) -> None:  # fmt: skip
    """Set fields of records."""
    from hub.settings import load

    region = load(config).company.default_region
    wanted = {"values": read_assignments(assignments), "region": region}
    _run("set", wanted, (list_, ids, where, kind), dry_run, who, json, config)


@bulk_app.command("convert")
def convert(
    no_deal: Annotated[bool, typer.Option("--no-deal", help="Convert without a deal.")] = False,
    list_: List = None, ids: Ids = None, where: Where = None, kind: Kind = None,
    dry_run: DryRun = False, who: Who = None, json: Json = False, config: Config = None,
) -> None:  # fmt: skip
    """Convert leads to contacts and deals."""
    from hub.settings import load

    wanted = {"currency": load(config).crm.currency, "has_deal": not no_deal}
    _run("convert", wanted, (list_, ids, where, kind), dry_run, who, json, config)


@bulk_app.command("archive")
def archive(
    list_: List = None, ids: Ids = None, where: Where = None, kind: Kind = None,
    dry_run: DryRun = False, who: Who = None, json: Json = False, config: Config = None,
) -> None:  # fmt: skip
    """Archive deals: they leave every list and report."""
    _run("archive", {}, (list_, ids, where, kind), dry_run, who, json, config)


@bulk_app.command("resume")
def resume(
    batch: Annotated[int, typer.Argument(help="Number of the bulk action's batch.")],
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Run the rest of a bulk action that was interrupted."""
    from hub.actions.bulk.run import resume as resume_bulk
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), _progress() as on_chunk:
        done = resume_bulk(database.engine, partial(acting, who=who), batch, on_chunk=on_chunk)
    _say(done, json=json)


Records = tuple[str | None, str | None, list[str] | None, str | None]


def _run(
    verb: str, wanted: Mapping[str, Any], records: Records, dry_run: bool, who: Who, json: bool,
    config: Config,
) -> None:  # fmt: skip
    from hub.actions.bulk.run import Asked, run
    from hub.cli.session import opened_database
    from hub.lists.document import read
    from hub.lists.shorthand import condition

    list_, ids, where, kind = records
    if sum(said is not None for said in (list_, ids, where)) != 1:
        raise ConfigError(
            "the records are missing: give --list, --ids or --where",
            hint=f"hub bulk {verb} … --ids lead/1,lead/2",
        )
    document = None
    if where is not None:
        both = {"all": [condition(words) for words in where]}
        document = read({"object": kind or "lead", "filter": both})
    asked = Asked(verb, wanted, list_, (ids or "").split(",") if ids else (), document)
    with opened_database(config) as (database, _settings), _progress() as on_chunk:
        acts = partial(acting, who=who)
        done = run(database.engine, acts, asked, dry_run=dry_run, on_chunk=on_chunk)
    _say(done, json=json)


@contextmanager
def _progress() -> "Iterator[OnChunk]":
    """Show how many records are done, on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not stderr.is_terminal) as progress:
        bar = progress.add_task("records", total=None)
        yield lambda done, _of: progress.update(bar, completed=done)


def _say(done: "Result", *, json: bool) -> None:
    if json:
        print_json(done)
        return
    would = "would be " if done.batch is None else ""
    kind = done.kind if done.changed == 1 else f"{done.kind}s"
    words = f"{done.changed:,} {kind} {would}changed, {done.unchanged:,} unchanged"
    stdout.print(f"{words}, {done.refused:,} refused", highlight=False)
    if done.reasons:
        first = {one.why: one.record for one in reversed(done.refused_records)}
        print_table(
            "Refused",
            ("records", "why", "first"),
            [(n, why, first[why]) for why, n in done.reasons.items()],
        )
    if done.batch is not None and done.changed:
        stdout.print(f"batch {done.batch}: hub undo {done.batch} undoes it", highlight=False)
