"""What `hub batches` and `hub undo` do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.acting import acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import (
    in_named_zone,
    print_json,
    print_line,
    print_mapping,
    print_table,
    stderr,
)

_CONSENTS_SHOWN = 20

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from hub.actions.context import Acting
    from hub.undo.batch import Chunk
    from hub.views.batches import BatchLine
    from hub.views.undoing import UndoReport


def batches(
    limit: Annotated[int, typer.Option("--limit", min=1, help="Largest number of batches.")] = 50,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show the batches read from sources and their results, the newest first."""
    from hub.cli.session import opened_database
    from hub.views.batches import newest

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        found = newest(conn, limit)
    if json:
        print_json(found)
        return
    print_table(
        "Batches",
        ("batch", "kind", "source", "lane", "state", "started", "verdicts"),
        [
            (b.id, b.kind, b.source, b.lane, b.state, b.started_at, _what(b))
            for b in found
        ],
    )  # fmt: skip


def _what(batch: "BatchLine") -> str:
    if batch.undone is not None:
        return f"batch {batch.undone}, by {batch.who or 'an unknown user'}"
    if batch.state == "undoing":
        return f"partly undone: hub undo {batch.id} continues"
    if batch.starts_at is not None:
        return f"starts {in_named_zone(batch.starts_at)}"
    found = ", ".join(f"{n} {name}" for name, n in batch.verdicts.items())
    return found if batch.delta_of is None else f"delta of {batch.delta_of}: {found}"


def undo(
    batch: Annotated[int, typer.Argument(help="A batch's number, as `hub batches` shows it.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be taken back; change nothing.")
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Undo a batch; records that users edited or used afterwards stay."""
    from hub.actions.batches.undo import preview_undo, undo_batch
    from hub.actions.bulk.run import is_bulk
    from hub.cli.session import opened_database
    from hub.views.undoing import undo_report

    with opened_database(config) as (database, _settings):
        acts = partial(acting, who=who)
        with database.engine.begin() as conn:
            of_user = is_bulk(conn, batch)
        if of_user:
            _take_back_bulk(database.engine, acts, batch, dry_run=dry_run, json=json)
            return
        if dry_run:
            report = preview_undo(database.engine, acts, batch)
        else:
            with _progress() as on_chunk:
                report = undo_batch(database.engine, acts, batch, on_chunk)
        with database.engine.begin() as conn:
            again = _again(conn, batch)
    said = undo_report(report, dry_run=dry_run, again=again)
    if json:
        print_json(said)
    else:
        _show(said)


def _again(conn: "Connection", batch: int) -> str:
    """Return the command that brings again what an undo took back."""
    from hub.migration.planning import command_of
    from hub.records.migrations import of_batch

    found = of_batch(conn, batch)
    if found is None:
        return "hub sync --full"
    return command_of(found.batch.source) + (" --delta" if found.delta_of is not None else "")


def _take_back_bulk(
    engine: "Engine", acts: "Acting", batch: int, *, dry_run: bool, json: bool
) -> None:
    """Undo a bulk action and say what became of its records."""
    from hub.actions.bulk.take_back import preview, take_back

    done = (preview if dry_run else take_back)(engine, acts, batch)
    if json:
        print_json(replace(done, dry_run=dry_run))
        return
    words = "would be restored" if dry_run else "restored"
    print_line(f"Batch {batch}", f"{done.restored:,} records {words}, {len(done.kept):,} kept")
    if done.kept:
        print_table("Kept", ("record", "why"), [(one.record, one.why) for one in done.kept])


@contextmanager
def _progress() -> Iterator[Callable[["Chunk"], None]]:
    """Show how many objects are undone, on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not stderr.is_terminal) as progress:
        bar = progress.add_task("undoing", total=None)
        done = 0

        def on_chunk(chunk: "Chunk") -> None:
            nonlocal done
            done += chunk.objects
            progress.update(bar, completed=done, total=done + chunk.left)

        yield on_chunk


def _show(said: "UndoReport") -> None:
    done = "would be taken back" if said.dry_run else "taken back"
    print_mapping(f"Batch {said.batch}: {done}", dict(said.reverted))
    for pile, words in (
        (said.edited, "Kept: edited afterwards"),
        (said.blocked, "Kept: later work depends on them"),
    ):
        if pile:
            rows = [(kept.name, "\n".join(kept.records), kept.why) for kept in pile]
            print_table(words, ("", "records", "why"), rows)
    if said.consents:
        print_table(
            "Kept: consent",
            ("record", "channel", "said"),
            [(one.record, one.channel, one.state) for one in said.consents[:_CONSENTS_SHOWN]],
        )
        if len(said.consents) > _CONSENTS_SHOWN:
            print_line("", f"{len(said.consents) - _CONSENTS_SHOWN:,} further; --json lists all")
    if said.given_back:
        print_table(
            "Turns returned",
            ("group", "member", "turns"),
            [(one.group, one.member, one.turns) for one in said.given_back],
        )
    if said.users:
        print_line("Owners kept: they own records", ", ".join(said.users))
    if said.routed:
        print_line("Earlier leads assigned in the meantime", ", ".join(said.routed))
    if not said.dry_run:
        print_line("", f"{said.again} imports it again")
