"""What `hub company` does: companies, which are contacts that are organisations."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.acting import acting
from hub.cli.arguments import Assignments, Fields
from hub.cli.assignments import read_assignments
from hub.cli.cards import add_show
from hub.cli.listing import add_list
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, stdout
from hub.model.records import JsonValue

if TYPE_CHECKING:
    from hub.actions.companies.people import Linked
    from hub.actions.context import Context

company_app = typer.Typer(
    help="Show, add, edit and merge companies; set who works there.", no_args_is_help=True
)
add_show(company_app, "company")
add_list(company_app, "company")

Company = Annotated[
    str, typer.Argument(help="contact/12, a company's number, or source/stream/id of a record.")
]
Worker = Annotated[
    str, typer.Argument(help="The person: contact/5, a contact's number, lead/12, or a record.")
]
_WORDS = ("website", "email", "phone", "street", "city", "country")


@company_app.command("add")
def company_add(
    name: Annotated[str, typer.Argument(help="New name of the company.")],
    website: Annotated[str | None, typer.Option("--website", help="Website or domain.")] = None,
    email: Annotated[str | None, typer.Option("--email", help="E-mail address.")] = None,
    phone: Annotated[str | None, typer.Option("--phone", help="Telephone number.")] = None,
    street: Annotated[str | None, typer.Option("--street", help="Street and number.")] = None,
    city: Annotated[str | None, typer.Option("--city", help="City.")] = None,
    country: Annotated[str | None, typer.Option("--country", help="Country.")] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", help="A tag; repeat the option for more.")
    ] = None,
    fields: Fields = None,
    owner: Annotated[
        str | None,
        typer.Option("--owner", help="Owner: e-mail of a user or name of a group (default: you)."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Add it, even if a similar company exists.")
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add a company by hand. A likely duplicate is refused."""
    from hub.actions.companies.company import add
    from hub.cli.session import opened_database
    from hub.db.transactions import run_transaction

    said = (website, email, phone, street, city, country)
    given: dict[str, JsonValue] = {"company": name}
    given |= {field: value for field, value in zip(_WORDS, said, strict=True) if value is not None}
    given |= {"tags": list(tags)} if tags else {}
    given |= read_assignments(fields or [])
    with opened_database(config) as (database, settings):
        region = settings.company.default_region
        done = run_transaction(
            database.engine,
            lambda conn: add(acting(conn, who), given, region=region, owner=owner, force=force),
        )
    if json:
        print_json(done)
    else:
        stdout.print(f"{done.name} added", highlight=False)


@company_app.command("edit")
def company_edit(
    company: Company,
    assignments: Assignments,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Edit fields of a company; these values override every source."""
    from hub.actions.companies.company import change
    from hub.cli.session import opened_database

    values = read_assignments(assignments)
    with opened_database(config) as (database, settings), database.engine.begin() as conn:
        region = settings.company.default_region
        done = change(acting(conn, who), company, values, region=region)
    if json:
        from hub.views.results import CompanyEdited

        print_json(CompanyEdited(done, tuple(values)))
    else:
        stdout.print(f"contact/{done}: {', '.join(values)} saved", highlight=False)


@company_app.command("merge")
def company_merge(
    first: Company, second: Company, who: Who = None, json: Json = False, config: Config = None
) -> None:
    """Merge two companies; the older one gets the people and deals of both."""
    from hub.actions.companies.merge import merge
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        done = merge(acting(conn, who), first, second)
    if json:
        print_json(done)
    else:
        stdout.print(f"{first} and {second} are merged into one company", highlight=False)


@company_app.command("unmerge")
def company_unmerge(
    company: Company, who: Who = None, json: Json = False, config: Config = None
) -> None:
    """Separate a merged company, or one record, again; the two stay separate."""
    from hub.actions.companies.merge import unmerge
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        done = unmerge(acting(conn, who), company)
    if json:
        print_json(done)
    else:
        stdout.print(f"{company} is separate again", highlight=False)


def company_link(
    person: Worker,
    company: Company,
    since: Annotated[
        str | None,
        typer.Option("--since", help="When the person began there, 2026-03-31 (default: now)."),
    ] = None,
    correct: Annotated[
        bool,
        typer.Option(
            "--correct",
            help="The person never worked for the former company; its history moves too.",
        ),
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Link a person to a company; a person linked elsewhere changes employer."""
    from hub.actions.companies.people import link

    _act(
        lambda ctx: link(ctx, person, company, since=_began(ctx, since), correct=correct),
        who=who, json=json, config=config,
    )  # fmt: skip


def company_unlink(
    person: Worker,
    company: Annotated[
        str | None, typer.Argument(help="The company (default: where the person works).")
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Undo the last link or unlink of this person.")
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Unlink a person from a company; earlier activities and deals stay with the company."""
    from hub.actions.companies.people import take_back, unlink

    _act(
        lambda ctx: take_back(ctx, person) if undo else unlink(ctx, person, company),
        who=who, json=json, config=config,
    )  # fmt: skip


company_app.command("link")(company_link)
company_app.command("unlink")(company_unlink)


def _act(verb: "Callable[[Context], Linked]", *, who: str | None, json: bool, config: Any) -> None:
    from hub.cli.session import opened_database
    from hub.db.transactions import run_transaction

    with opened_database(config) as (database, _settings):
        done = run_transaction(database.engine, lambda conn: verb(acting(conn, who)))
    if json:
        print_json(done)
        return
    now = (
        f"now works for contact/{done.company_id}"
        if done.company_id
        else "no longer works for a company"
    )
    before = f"; former company contact/{done.left_id}" if done.left_id else ""
    stdout.print(f"{done.person} {now}{before}", highlight=False)


def _began(ctx: "Context", said: str | None) -> datetime | None:
    """Return a day's beginning, or a moment, in the time zone of the person who types."""
    from hub.errors import ActionError
    from hub.model.moments import HINT, moment_of

    found = None if said is None else moment_of(said, ctx.now, ctx.zone)
    if said is not None and found is None:
        raise ActionError(
            f"{said!r} is no day", resource="company", field="since", code="invalid",
            hint=f"write it {HINT}",
        )  # fmt: skip
    return found
