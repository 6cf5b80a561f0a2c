"""Arguments and options that several groups of commands take, each declared once.

Those that nearly every command takes are in `hub.cli.options`.
"""

from typing import Annotated

import typer

Person = Annotated[
    str,
    typer.Argument(
        help="lead/12, contact/5, a lead's number, a public id, or source/stream/id of a record."
    ),
]
Deal = Annotated[str, typer.Argument(help="The deal's number, or deal/7.")]
Object = Annotated[str, typer.Argument(help="lead, person, company or deal.")]
SomeObject = Annotated[
    str | None, typer.Argument(help="lead, person, company or deal; all if none.")
]
Assignments = Annotated[
    list[str], typer.Argument(metavar="FIELD=VALUE…", help="An empty value blanks a field.")
]
Fields = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Any other field; custom_fields.KEY too."),
]
Pipeline = Annotated[str | None, typer.Option("--pipeline", help="Default: the first in use.")]
Value = Annotated[str | None, typer.Option("--value", help="Amount of the deal, 1234.50.")]
Currency = Annotated[str | None, typer.Option("--currency", help="Default: crm.currency.")]
CloseDate = Annotated[str | None, typer.Option("--close-date", help="Estimated, 2026-03-31.")]
TakenCompany = Annotated[
    str | None, typer.Option("--company", help="Take this company: contact/12.")
]
NewCompany = Annotated[
    bool,
    typer.Option("--new-company", help="Make a new company, though one of a like name is there."),
]
