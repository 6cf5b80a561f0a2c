"""What `hub company` does: companies, which are contacts that are organisations."""

import typer

from hub.cli.cards import add_show

company_app = typer.Typer(
    help="Companies: show one with its people and deals.", no_args_is_help=True
)
add_show(company_app, "company")
