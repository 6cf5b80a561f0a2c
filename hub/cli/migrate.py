"""The command `hub migrate`: read a whole source or files, try it without effect, load it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.acting import acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import (
    EXIT_FAILED,
    EXIT_QUARANTINE,
    in_named_zone,
    print_document,
    print_json,
    print_line,
    print_warning,
    stderr,
)
from hub.errors import ConfigError

if TYPE_CHECKING:
    from hub.actions.batches.migrate import Watch
    from hub.actions.context import Acting
    from hub.db.place import Place
    from hub.etl.context import Hub
    from hub.migration.result import Migrated
    from hub.views.migration import MigrationView


def migrate(
    what: Annotated[
        list[str] | None,
        typer.Argument(help="A configured source, e.g. salesforce; or CSV and Excel files."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Try it on a copy of the database; keep the plan.")
    ] = False,
    apply: Annotated[
        int | None, typer.Option("--apply", metavar="BATCH", help="Load the plan of a dry run.")
    ] = None,
    discard: Annotated[
        int | None,
        typer.Option("--discard", metavar="BATCH", help="Forget a plan that was not applied."),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option("--mapping", metavar="YAML", help="Of files: which field each column is."),
    ] = None,
    mode: Annotated[
        str, typer.Option("--mode", help="Of files: add-and-update, add or update.")
    ] = "add-and-update",
    conflict: Annotated[
        str,
        typer.Option("--conflict", help="Of files: fill blanks of known records, or overwrite."),
    ] = "fill",
    propose: Annotated[
        Path | None,
        typer.Option(
            "--propose",
            metavar="YAML",
            help="Of files: write a mapping file to edit; load nothing.",
        ),
    ] = None,
    inventory: Annotated[
        bool,
        typer.Option("--inventory", help="Count the source, read a sample of it; load nothing."),
    ] = False,
    questions: Annotated[
        Path | None,
        typer.Option(
            "--questions",
            metavar="YAML",
            help="Of --inventory: write what is open as answers.yaml to edit.",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="WHEN", help="Start it by itself then, while hub up runs."),
    ] = None,
    delta: Annotated[
        bool,
        typer.Option("--delta", help="Move only what has changed since the last migration."),
    ] = False,
    incomplete: Annotated[
        bool, typer.Option("--incomplete", help="Load even if a part could not be read.")
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Move a whole source, or the rows of files, into the CRM: all objects, once."""
    from hub.cli.migration_tables import show
    from hub.cli.session import opened, reached_database

    if propose is not None:
        _propose(what, propose, as_json=json)
        return
    if at is not None:
        is_other = bool(dry_run or apply or discard)
        _schedule(what, at, who, config, as_json=json, is_other=is_other, is_delta=delta)
        return
    if sum(bool(one) for one in (what, apply is not None, discard is not None)) != 1:
        raise ConfigError(
            "hub migrate needs a source or files, --apply BATCH or --discard BATCH",
            hint="hub migrate salesforce --dry-run",
        )
    acts = partial(acting, who=who)
    if inventory or questions is not None:
        _take_inventory(what, mapping, acts, config, questions, as_json=json)
        return
    with (
        opened(config) as (base, _, _settings),
        reached_database(config) as place,
        bars() as watch,
    ):
        hub, source = _source(base, what, mapping, mode, conflict, is_delta=delta)
        wanted = Wanted(apply, discard, dry_run, incomplete, delta)
        done = wanted.done(hub, place, acts, source, watch)
        view = reported(hub, done, as_json=json)
    if not json:
        show(view, done)
    if code := code_of(view):
        raise typer.Exit(code)


def reported(hub: "Hub", done: "Migrated", *, as_json: bool) -> "MigrationView":
    """Return the report of a migration; as JSON it is printed record by record while the hub is open."""
    from hub.views.migration import of_result
    from hub.views.reconciliation import records

    with hub.engine.begin() as conn:
        view = of_result(conn, done)
        if as_json:
            print_document(view.document(records(conn, view.batch)))
    return view


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options of a call ask for."""

    apply: int | None
    discard: int | None
    is_dry: bool
    incomplete: bool
    is_delta: bool

    def done(
        self, hub: "Hub", place: "Place", acts: "Acting", source: str, watch: "Watch"
    ) -> "Migrated":
        """Do it."""
        from hub.actions.batches import migrate as act

        if self.apply is not None:
            return act.apply_plan(hub, place, acts, self.apply, watch)
        if self.discard is not None:
            return act.discard(hub, acts, self.discard)
        if self.is_dry:
            return act.dry_run(hub, place, acts, source, watch, is_delta=self.is_delta)
        return act.run(hub, acts, source, watch, incomplete=self.incomplete, is_delta=self.is_delta)


def _take_inventory(
    what: list[str] | None,
    mapping: Path | None,
    acts: "Acting",
    config: Path | None,
    questions: Path | None,
    *,
    as_json: bool,
) -> None:
    """Count a configured source, or files; print what they have, and write the questions that are open."""
    from hub.actions.batches.migrate import inventory
    from hub.cli.inventory import said_of, show, write_questions
    from hub.cli.session import opened

    if not what:
        raise _needs_source("--inventory")
    with opened(config) as (base, _, _settings):
        hub, source = _counted(base, what, mapping)
        found = inventory(hub, acts, source)
        folder = hub.settings.mappings_dir
    if questions is not None:
        write_questions(found, questions)
    if as_json:
        print_json(found)
        return
    show(found)
    if questions is not None:
        options = f" --mapping {mapping}" if mapping else ""
        said_of(questions, source, folder, f"hub migrate {' '.join(what)}{options} --dry-run")


def _counted(hub: "Hub", what: list[str], mapping: Path | None) -> tuple["Hub", str]:
    """Return the hub and the source of an inventory; files are the source `csv`."""
    from hub.migration import files

    if len(what) == 1 and what[0] in hub.settings.sources.configured() and mapping is None:
        hub.require_source(what[0])
        return hub, what[0]
    paths = _paths(hub, what)
    opened = files.open_files(hub, paths, mapping)
    for finding in opened.check():
        print_warning(finding.message)
    return files.with_files(hub, opened), opened.source


def _schedule(
    what: list[str] | None,
    at: str,
    who: str | None,
    config: Path | None,
    *,
    as_json: bool,
    is_other: bool,
    is_delta: bool,
) -> None:
    """Set when the migration of a source starts by itself."""
    from hub.actions.batches import migrate as act
    from hub.cli.migration_tables import named
    from hub.cli.session import opened
    from hub.views.migration import of_result

    if is_other or what is None or len(what) != 1:
        raise ConfigError(
            "--at needs one configured source, and no other option but --delta",
            hint='hub migrate salesforce --at "2026-12-05 06:00"; what was planned or read continues then',
        )
    with opened(config) as (hub, _, _settings):
        if Path(what[0]).is_file():
            raise ConfigError(
                "--at is for a configured source; files are loaded at once",
                hint=f"hub migrate {what[0]}",
            )
        hub.require_source(what[0])
        done = act.schedule(hub, partial(acting, who=who), what[0], at, is_delta=is_delta or None)
        with hub.engine.begin() as conn:
            view = of_result(conn, done)
    if as_json:
        print_document(view.document())
    elif view.starts_at is not None:
        print_line(
            f"Batch {view.batch}: {named(view)}",
            f"starts {in_named_zone(view.starts_at)}, while hub up runs. "
            f"hub migrate --discard {view.batch} cancels it.",
        )


def _needs_source(option: str) -> ConfigError:
    return ConfigError(
        f"{option} needs one configured source", hint=f"hub migrate salesforce {option}"
    )


def _source(
    hub: "Hub",
    what: list[str] | None,
    mapping: Path | None,
    mode: str,
    conflict: str,
    *,
    is_delta: bool,
) -> tuple["Hub", str]:
    """Return the hub with files as a source, where files are named, and the name of the source."""
    from hub.connectors.files.streams import Mode
    from hub.migration import files

    if not what:
        return files.without_files(hub), ""
    if len(what) == 1 and what[0] in hub.settings.sources.configured() and mapping is None:
        hub.require_source(what[0])
        return hub, what[0]
    if is_delta:
        raise _needs_source("--delta")
    paths = _paths(hub, what)
    modes = [one.value for one in Mode]
    for name, said, known in (
        ("--mode", mode, modes),
        ("--conflict", conflict, ["fill", "overwrite"]),
    ):
        if said not in known:
            raise ConfigError(f"{name} cannot be {said!r}", hint=f"one of {', '.join(known)}")
    overwrites = conflict == "overwrite"
    opened = files.open_files(hub, paths, mapping, Mode(mode), overwrites=overwrites)
    files.check_same(hub, opened)
    for finding in opened.check():
        print_warning(finding.message)
    for stream in opened.objects():
        if left := opened.left_out_n(stream):
            print_warning(f"{stream.name}: --mode {mode} leaves out {left} rows by their ids")
    return files.with_files(hub, opened), opened.source


def _paths(hub: "Hub", what: list[str]) -> list[Path]:
    """Return the files of a call; refuse other words."""
    for one in what:
        if one in hub.settings.sources.configured():
            raise ConfigError(
                f"{one} is a source: it is migrated alone, without files and without --mapping",
                hint=f"hub migrate {one}, then hub migrate FILE …",
            )
        if not Path(one).is_file():
            raise ConfigError(
                f"{one!r} is no configured source and no file",
                hint=f"configured: {', '.join(hub.sources()) or 'none'}",
            )
    return [Path(one) for one in what]


def _propose(what: list[str] | None, out: Path, *, as_json: bool) -> None:
    """Write a mapping file for the columns of files."""
    from hub.connectors.files.proposals import propose

    if not what:
        raise ConfigError(
            "--propose needs files", hint="hub migrate leads.csv --propose mapping.yaml"
        )
    text = propose([Path(one) for one in what])
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as exc:
        raise ConfigError(f"cannot write {out}: {exc.strerror}", hint="name a new file") from exc
    command = f"hub migrate {' '.join(what)} --mapping {out} --dry-run"
    if as_json:
        from hub.views.results import MappingFile

        print_json(MappingFile(str(out), tuple(what), command))
    else:
        print_line(str(out), f"edit it, then: {command}")


def code_of(view: "MigrationView") -> int:
    """Return the exit code of a migration's result."""
    if view.paused or view.state == "undone":
        return 0
    if not view.holds:
        return EXIT_FAILED
    return EXIT_QUARANTINE if view.refused_n else 0


@contextmanager
def bars() -> Iterator["Watch"]:
    """Show what is read and landed, with rate and remaining time, on a terminal."""
    from hub.actions.batches.migrate import Watch

    if not stderr.is_terminal:
        yield Watch()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:20}"), BarColumn(16), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bars: dict[str, TaskID] = {}

        def add(name: str, n: int, total: int | None = None) -> None:
            if name not in bars:
                bars[name] = progress.add_task(name, total=total, rate="")
            progress.advance(bars[name], n)
            speed = progress.tasks[bars[name]].speed
            progress.update(bars[name], rate=f"{speed:,.0f}/s" if speed else "")

        yield Watch(
            say=lambda step: progress.console.print(f"{step} …", highlight=False),
            on_page=lambda page: add(page.stream, page.records, page.expected),
            on_landed=lambda n: add("handed over", n),
        )
