"""What `hub lead` does: convert a lead, and open it again."""

from typing import Annotated

import typer

from hub.cli.acting import acting
from hub.cli.arguments import (
    CloseDate,
    Currency,
    Fields,
    NewCompany,
    Person,
    Pipeline,
    TakenCompany,
    Value,
)
from hub.cli.assignments import read_assignments
from hub.cli.cards import add_show
from hub.cli.listing import add_list
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, stdout
from hub.model.records import JsonValue

lead_app = typer.Typer(
    help="Add, show, assign, convert and reopen leads; set their status.", no_args_is_help=True
)
add_show(lead_app, "lead")
add_list(lead_app, "lead")


@lead_app.command("convert")
def lead_convert(
    lead: Person,
    owner: Annotated[
        str | None,
        typer.Option(help="Owner of the new records: e-mail of a user, or name of a group."),
    ] = None,
    deal: Annotated[bool, typer.Option(help="Whether to add a deal.")] = True,
    deal_name: Annotated[
        str | None, typer.Option(help="Name of the deal (default: the company's name).")
    ] = None,
    pipeline: Pipeline = None,
    value: Value = None,
    currency: Currency = None,
    close_date: CloseDate = None,
    fields: Fields = None,
    company: TakenCompany = None,
    new_company: NewCompany = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Convert a lead to a contact, a company and a deal; repeating it changes nothing."""
    from hub.actions.companies.choice import choice_of
    from hub.actions.leads.convert import Wish, convert
    from hub.cli.session import opened_database
    from hub.db.transactions import run_transaction

    values: dict[str, JsonValue] = read_assignments(fields or [])
    values |= {n: v for n, v in (("value", value), ("close_date", close_date)) if v is not None}
    with opened_database(config) as (database, settings):
        wish = Wish(
            currency or settings.crm.currency, owner, deal, deal_name, pipeline, values=values,
            company=choice_of(company, new_company=new_company),
        )  # fmt: skip
        done = run_transaction(database.engine, lambda conn: convert(acting(conn, who), lead, wish))
    if json:
        print_json(done)
        return
    made = [f"contact/{done.person_id}"] if done.person_id else []
    made += [f"company contact/{done.company_id}"] if done.company_id else []
    of_before = " (of the earlier conversion)" if done.is_same_deal else ""
    made += [f"deal/{done.deal_id}{of_before}"] if done.deal_id else []
    words = "is" if done.is_new else "was converted earlier to"
    stdout.print(f"lead/{done.lead_id} {words} {', '.join(made)}", highlight=False)


@lead_app.command("reopen")
def lead_reopen(lead: Person, who: Who = None, json: Json = False, config: Config = None) -> None:
    """Undo a conversion; records that users worked on stay, and the output lists them."""
    from hub.actions.leads.reopen import reopen
    from hub.cli.session import opened_database
    from hub.db.transactions import run_transaction

    with opened_database(config) as (database, _settings):
        done = run_transaction(database.engine, lambda conn: reopen(acting(conn, who), lead))
    if json:
        print_json(done)
        return
    stdout.print(f"lead/{done.lead_id} is open again", highlight=False)
    for words, names in (
        ("removed", done.removed),
        ("kept, because users worked on it", done.kept),
    ):
        if names:
            stdout.print(f"{words}: {', '.join(names)}", highlight=False)
