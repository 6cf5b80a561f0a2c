"""What `hub deal` does: deals, from the first stage to the last."""

from typing import Annotated

import typer

from hub.cli.acting import acting
from hub.cli.arguments import Assignments, CloseDate, Currency, Deal, Fields, Pipeline, Value
from hub.cli.assignments import read_assignments
from hub.cli.cards import add_show
from hub.cli.listing import add_list
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, print_warning, stdout
from hub.errors import ConfigError
from hub.model.records import JsonValue

deal_app = typer.Typer(help="Add, show, edit, move, assign and clone deals.", no_args_is_help=True)
add_show(deal_app, "deal")
add_list(deal_app, "deal")
Contact = Annotated[str, typer.Argument(help="contact/NUMBER, a public id, or source/stream/id.")]


@deal_app.command("add")
def deal_add(
    name: Annotated[str, typer.Argument(help="Name of the deal.")],
    contact: Annotated[str, typer.Option("--contact", help="The primary contact.")],
    pipeline: Pipeline = None,
    stage: Annotated[
        str | None, typer.Option(help="Stage (default: the first of the pipeline).")
    ] = None,
    company: Annotated[
        str | None, typer.Option(help="Company (default: the company of the contact).")
    ] = None,
    value: Value = None,
    currency: Currency = None,
    close_date: CloseDate = None,
    fields: Fields = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add a deal."""
    from hub.actions.deals import deal as actions
    from hub.cli.session import opened_database
    from hub.db.transactions import run_transaction

    values: dict[str, JsonValue] = read_assignments(fields or [])
    values |= {n: v for n, v in (("value", value), ("close_date", close_date)) if v is not None}
    with opened_database(config) as (database, settings):
        new = actions.NewDeal(
            name, contact, currency or settings.crm.currency, pipeline, stage, company,
            values=values,
        )  # fmt: skip
        made = run_transaction(database.engine, lambda conn: actions.add(acting(conn, who), new))
    if json:
        from hub.views.results import DealAdded

        print_json(DealAdded(made))
    else:
        stdout.print(f"deal/{made}: {name}", highlight=False)


@deal_app.command("edit")
def deal_edit(
    deal: Deal,
    fields: Assignments,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Edit fields of a deal."""
    from hub.actions.deals import deal as actions
    from hub.cli.session import opened_database
    from hub.db.transactions import run_transaction

    values = read_assignments(fields)
    with opened_database(config) as (database, _settings):
        done = run_transaction(
            database.engine, lambda conn: actions.edit(acting(conn, who), deal, values)
        )
    if json:
        from hub.views.results import DealEdited

        print_json(DealEdited(done, tuple(values)))
    else:
        stdout.print(f"deal/{done}: {', '.join(values)} saved", highlight=False)


@deal_app.command("move")
def deal_move(
    deal: Deal,
    stage: Annotated[str, typer.Argument(help="New stage; a deal may skip stages and go back.")],
    pipeline: Annotated[
        str | None, typer.Option(help="Pipeline of the new stage, if it is another one.")
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(help="Reason for lost or unqualified, as `hub reason list` shows it."),
    ] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Move a deal to any stage: forward, back, won, lost or unqualified."""
    from hub.actions.deals.move_deal import move
    from hub.cli.session import opened_database
    from hub.db.transactions import run_transaction

    with opened_database(config) as (database, _settings):
        done = run_transaction(
            database.engine,
            lambda conn: move(acting(conn, who), deal, stage, pipeline=pipeline, reason=reason),
        )
    if json:
        print_json(done)
        return
    stdout.print(f"deal/{done.deal_id}: {done.from_stage} → {done.to_stage}", highlight=False)
    for words in done.warnings:
        print_warning(f"{done.from_stage} requires {words}")


@deal_app.command("archive")
def deal_archive(
    deal: Deal,
    undo: Annotated[bool, typer.Option("--undo", help="Restore the deal.")] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Archive a deal: it leaves every list and report, and can be restored."""
    from hub.actions.deals import deal as actions
    from hub.cli.session import opened_database
    from hub.db.transactions import run_transaction

    with opened_database(config) as (database, _settings):
        done = run_transaction(
            database.engine, lambda conn: actions.archive(acting(conn, who), deal, undo=undo)
        )
    if json:
        from hub.views.results import DealArchived

        print_json(DealArchived(done, archived=not undo))
    else:
        stdout.print(f"deal/{done} {'is restored' if undo else 'is archived'}", highlight=False)


@deal_app.command("contact")
def deal_contact(
    deal: Deal,
    contact: Contact,
    role: Annotated[str, typer.Option(help="Role of the contact in the deal.")] = "involved",
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove the contact from the deal.")
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add a contact to a deal, or remove it."""
    from hub.actions.deals import deal_parts
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        if remove:
            done = deal_parts.dissociate(acting(conn, who), deal, contact)
        else:
            done = deal_parts.associate(acting(conn, who), deal, contact, role)
    if json:
        from hub.views.results import DealContactSet

        print_json(DealContactSet(done, None if remove else role))
    else:
        stdout.print(
            f"contact/{done}: {'is removed from the deal' if remove else role}", highlight=False
        )


@deal_app.command("check")
def deal_check(
    deal: Deal,
    words: Annotated[str, typer.Argument(help="Text of the criterion.")],
    undo: Annotated[bool, typer.Option("--undo", help="Remove the tick.")] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Tick an exit criterion of a stage."""
    from hub.actions.deals.deal_parts import check
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        done = check(acting(conn, who), deal, words, undo=undo)
    if json:
        from hub.views.results import CriterionTicked

        print_json(CriterionTicked(done, ticked=not undo))
    else:
        stdout.print(f"{done}: {'not ticked any more' if undo else 'ticked'}", highlight=False)


@deal_app.command("clone")
def deal_clone(
    deal: Deal,
    times: Annotated[
        int | None, typer.Option("--times", min=1, max=120, help="Number of recurring payments.")
    ] = None,
    every: Annotated[
        str, typer.Option("--every", help="Time between payments: week, month, quarter or year.")
    ] = "month",
    months: Annotated[
        int | None, typer.Option(min=1, max=120, help="The same as --times N --every month.")
    ] = None,
    value: Annotated[
        str | None,
        typer.Option("--value", help="Value of the clone. For recurring payments: their total."),
    ] = None,
    each: Annotated[str | None, typer.Option("--each", help="Value of each payment.")] = None,
    each_from: Annotated[
        str | None, typer.Option("--each-from", help="Custom field with the value of each payment.")
    ] = None,
    close_date: Annotated[
        str | None,
        typer.Option("--close-date", help="Close date of the clone, or of the first payment."),
    ] = None,
    pipeline: Annotated[
        str | None, typer.Option(help="Pipeline of the clone (default: the same).")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the clone (default: the same).")] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Clone a deal: once, as recurring payments, or into a pipeline of renewals."""
    from hub.actions.deals.clone_deal import Plan, clone
    from hub.cli.session import opened_database
    from hub.db.transactions import run_transaction

    if times is not None and months is not None:
        raise ConfigError(
            "--months and --times were given; one of them is allowed", hint="say one of them"
        )
    plan = Plan(
        times=months if times is None else times, every="month" if months else every,  # type: ignore[arg-type]
        value=value, each=each, each_from=each_from, close_date=close_date, pipeline=pipeline,
        name=name,
    )  # fmt: skip
    with opened_database(config) as (database, _settings):
        made = run_transaction(database.engine, lambda conn: clone(acting(conn, who), deal, plan))
    if json:
        from hub.views.results import DealsCloned

        print_json(DealsCloned(tuple(made)))
    else:
        stdout.print(", ".join(f"deal/{number}" for number in made), highlight=False)
