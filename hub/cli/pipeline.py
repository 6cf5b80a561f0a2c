"""What `hub pipeline` and `hub reason` do: how the team sells."""

from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.acting import acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, print_table, stdout
from hub.errors import ConfigError

if TYPE_CHECKING:
    from hub.actions.setup.pipeline import Moved
    from hub.crm.pipelines import Pipeline

pipeline_app = typer.Typer(help="Set up pipelines and their stages.", no_args_is_help=True)
reason_app = typer.Typer(
    help="Add and list reasons for lost deals and unqualified leads.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help="The pipeline's name.")]
StageName = Annotated[str, typer.Argument(help="The stage's name.")]
Likelihood = Annotated[
    int, typer.Argument(min=0, max=100, help="Win likelihood of deals in this stage, in %.")
]
Place = Annotated[int | None, typer.Option(min=1, help="Position among the open stages, from 1.")]


@pipeline_app.command("list")
def pipeline_list(json: Json = False, config: Config = None) -> None:
    """List all pipelines with their stages."""
    from hub.cli.session import opened_database
    from hub.crm import pipelines

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        known = pipelines.read(conn)
    if json:
        print_json(known)
    else:
        for pipeline in known:
            _show(pipeline)


def _show(pipeline: "Pipeline") -> None:
    marks = [
        mark
        for mark, holds in (
            ("archived", pipeline.is_archived),
            ("disabled", pipeline.is_disabled),
            ("renewals", pipeline.is_renewal),
        )
        if holds
    ]
    print_table(
        " ".join((pipeline.name, *(f"({mark})" for mark in marks))),
        ("", "stage", "likelihood", "category"),
        [(s.position, s.name, s.likelihood, s.category) for s in pipeline.stages],
    )


def _print_pipeline(pipeline: "Pipeline", *, as_json: bool) -> None:
    if as_json:
        print_json(pipeline)
    else:
        _show(pipeline)


@pipeline_app.command("add")
def pipeline_add(
    name: Name,
    stages: Annotated[
        str, typer.Option(help="Open stages in order, with win likelihood in %: 'New:20,Offer:60'.")
    ],
    renewal: Annotated[
        bool,
        typer.Option(
            "--renewal", help="A deal lost in this pipeline ends an earlier sale, as in renewals."
        ),
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add a pipeline; Won, Unqualified and Lost close every one."""
    from hub.actions.setup import pipeline as actions
    from hub.cli.session import opened_database

    wanted = [actions.NewStage(*_stage(part)) for part in stages.split(",")]
    with opened_database(config) as (database, settings), database.engine.begin() as conn:
        most = settings.crm.max_pipelines
        made = actions.add(acting(conn, who), name, wanted, most=most, is_renewal=renewal)
    _print_pipeline(made, as_json=json)


def _stage(words: str) -> tuple[str, int]:
    name, _, likelihood = words.strip().rpartition(":")
    if not name or not (likelihood.isascii() and likelihood.isdigit()):
        raise ConfigError(
            f"{words!r} is not a stage with a likelihood", hint="write NAME:LIKELIHOOD, Offer:60"
        )
    return name, int(likelihood)


@pipeline_app.command("rename")
def pipeline_rename(
    name: Name,
    new: Annotated[str, typer.Argument(help="New name.")],
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Rename a pipeline."""
    from hub.actions.setup import pipeline as actions
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        made = actions.rename(acting(conn, who), name, new)
    _print_pipeline(made, as_json=json)


@pipeline_app.command("disable")
def pipeline_disable(
    name: Name, who: Who = None, json: Json = False, config: Config = None
) -> None:
    """Disable a pipeline: its deals continue, but it gets no new deals."""
    from hub.actions.setup import pipeline as actions
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        made = actions.disable(acting(conn, who), name)
    _print_pipeline(made, as_json=json)


@pipeline_app.command("enable")
def pipeline_enable(name: Name, who: Who = None, json: Json = False, config: Config = None) -> None:
    """Enable a pipeline again."""
    from hub.actions.setup import pipeline as actions
    from hub.cli.session import opened_database

    with opened_database(config) as (database, settings), database.engine.begin() as conn:
        made = actions.enable(acting(conn, who), name, most=settings.crm.max_pipelines)
    _print_pipeline(made, as_json=json)


@pipeline_app.command("archive")
def pipeline_archive(
    name: Name,
    into: Annotated[
        str | None, typer.Option("--into", help="The pipeline that takes its open deals.")
    ] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Archive a pipeline without open deals; its closed deals stay."""
    from hub.actions.setup import pipeline as actions
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        done = actions.archive(acting(conn, who), name, into=into)
    _moved(done, as_json=json)


@pipeline_app.command("restore")
def pipeline_restore(
    name: Name, who: Who = None, json: Json = False, config: Config = None
) -> None:
    """Restore an archived pipeline."""
    from hub.actions.setup import pipeline as actions
    from hub.cli.session import opened_database

    with opened_database(config) as (database, settings), database.engine.begin() as conn:
        made = actions.restore(acting(conn, who), name, most=settings.crm.max_pipelines)
    _print_pipeline(made, as_json=json)


@pipeline_app.command("remove-stage")
def pipeline_remove_stage(
    name: Name,
    stage: StageName,
    into: Annotated[
        str | None, typer.Option("--into", help="The stage that takes its deals.")
    ] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Remove an open stage; its deals move into another one, and their history is kept."""
    from hub.actions.setup import pipeline as actions
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        done = actions.remove_stage(acting(conn, who), name, stage, into=into)
    _moved(done, as_json=json)


def _moved(done: "Moved", *, as_json: bool) -> None:
    if as_json:
        print_json(done)
        return
    _show(done.pipeline)
    if done.deals:
        moved = "1 deal" if done.deals == 1 else f"{done.deals:,} deals"
        stdout.print(f"{moved} moved into {done.into}", highlight=False)


@pipeline_app.command("add-stage")
def stage_add(
    name: Name,
    stage: StageName,
    likelihood: Likelihood,
    position: Place = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add an open stage to a pipeline."""
    from hub.actions.setup import pipeline as actions
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        new = actions.NewStage(stage, likelihood)
        made = actions.add_stage(acting(conn, who), name, new, position=position)
    _print_pipeline(made, as_json=json)


@pipeline_app.command("edit-stage")
def stage_edit(
    name: Name,
    stage: StageName,
    rename: Annotated[str | None, typer.Option(help="New name.")] = None,
    likelihood: Annotated[
        int | None, typer.Option(help="Win likelihood of deals in this stage, in %.")
    ] = None,
    position: Place = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Rename a stage, or change its win likelihood or position."""
    from hub.actions.setup import pipeline as actions
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        made = actions.edit_stage(
            acting(conn, who), name, stage,
            new_name=rename, likelihood=likelihood, position=position,
        )  # fmt: skip
    _print_pipeline(made, as_json=json)


@pipeline_app.command("add-criterion")
def add_criterion(
    name: Name,
    stage: StageName,
    what: Annotated[str, typer.Argument(help="Text of the criterion, or name of a field.")],
    field: Annotated[
        bool, typer.Option("--field", help="WHAT is a field that must have a value.")
    ] = False,
    refuse: Annotated[
        bool,
        typer.Option(
            "--refuse", help="Deals that do not meet it cannot leave the stage; else a warning."
        ),
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add an exit criterion: a deal must meet it before a later stage."""
    from hub.actions.setup import criteria as actions
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        done = actions.add_criterion(
            acting(conn, who), (name, stage), "field" if field else "check", what, refuse=refuse
        )
    if json:
        print_json(done)
    else:
        stdout.print(f"{stage}: {done.what} ({done.severity})", highlight=False)


@pipeline_app.command("remove-criterion")
def remove_criterion(
    name: Name,
    stage: StageName,
    what: Annotated[str, typer.Argument(help="Text of the criterion, or name of a field.")],
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Remove an exit criterion of a stage."""
    from hub.actions.setup import criteria as actions
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        done = actions.drop_criterion(acting(conn, who), (name, stage), what)
    if json:
        print_json(done)
    else:
        stdout.print(f"{stage}: {done.what} is removed", highlight=False)


@reason_app.command("list")
def reason_list(
    kind: Annotated[
        str | None, typer.Argument(help="loss, deal_unqualified or lead_unqualified.")
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """List the reasons."""
    from hub.cli.session import opened_database
    from hub.crm.pick_lists import REASONS, options

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        known = options(conn, REASONS, kind)
    if json:
        print_json(known)
    else:
        print_table("Reasons", ("kind", "reason"), [(r.kind, r.name) for r in known])


@reason_app.command("add")
def reason_add(
    kind: Annotated[str, typer.Argument(help="loss, deal_unqualified or lead_unqualified.")],
    name: Annotated[str, typer.Argument(help="Text of the reason.")],
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add a reason."""
    from hub.actions.setup import reasons as actions
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        made = actions.add_reason(acting(conn, who), kind, name)
    if json:
        from hub.views.results import WordAdded

        print_json(WordAdded(made, kind, name))
    else:
        stdout.print(f"{kind}: {name}", highlight=False)
