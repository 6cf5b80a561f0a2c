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
    str | None, typer.Argument(help="lead, person, company or deal (default: all).")
]
Assignments = Annotated[
    list[str], typer.Argument(metavar="FIELD=VALUE…", help="An empty value blanks a field.")
]
Fields = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Any other field, also custom_fields.KEY."),
]
Pipeline = Annotated[
    str | None, typer.Option("--pipeline", help="Pipeline (default: the first active one).")
]
Value = Annotated[str | None, typer.Option("--value", help="Value of the deal, as 1234.50.")]
Currency = Annotated[
    str | None, typer.Option("--currency", help="Currency (default: crm.currency of hub.yaml).")
]
CloseDate = Annotated[
    str | None, typer.Option("--close-date", help="Estimated close date, as 2026-03-31.")
]
TakenCompany = Annotated[
    str | None, typer.Option("--company", help="Link this company, as contact/12.")
]
NewCompany = Annotated[
    bool,
    typer.Option("--new-company", help="Add a new company, even if one of a similar name exists."),
]
