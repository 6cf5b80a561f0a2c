"""`hub tickets` and `hub ticket lead`: what people asked support, and a lead made of it."""

from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.acting import acted, acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from hub.actions.leads.ticket_lead import MadeLead

ticket_app = typer.Typer(help="Turn a support ticket into a lead.", no_args_is_help=True)


def tickets_command(
    name: Annotated[
        str, typer.Argument(help="lead/12, contact/5 (a company too), or a person's own names.")
    ],
    json: Json = False,
    config: Config = None,
) -> None:
    """Show the tickets of a person, or of a company and its employees; open ones first."""
    from hub.actions.leads.ticket_lead import tickets

    found = acted(config, lambda conn: tickets(acting(conn), name))
    if json:
        print_json(found)
        return
    rows = [
        (t.record, t.status, t.priority, t.subject, t.person, t.updated_at, t.url)
        for t in found.items
    ]
    columns = ("ticket", "status", "priority", "subject", "person", "updated", "at")
    print_table("Tickets", columns, rows)


@ticket_app.command("lead")
def ticket_lead(
    name: Annotated[str, typer.Argument(help="The ticket: 12, or zendesk/tickets/9.")],
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Turn the requester into a lead and route it; for a contact, record an inquiry."""
    from hub.actions.leads.ticket_lead import make_lead

    made = acted(config, lambda conn: make_lead(acting(conn, who), name))
    if json:
        print_json(made)
    else:
        print_line(made.name, _became(made))


def _became(made: "MadeLead") -> str:
    if made.name.startswith("lead/"):
        return "made" if made.is_new else "existed already"
    if not made.is_new:
        return "has it as an inquiry already"
    return f"has a new inquiry; {f'{made.told} is told' if made.told else 'nobody owns it'}"
