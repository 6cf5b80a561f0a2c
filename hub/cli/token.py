"""What `hub token` does: tokens of the gateway's API, made, listed and revoked."""

from typing import Annotated

import typer

from hub.cli.acting import acted, acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, print_line, print_table, stdout

token_app = typer.Typer(
    help="Create, list and revoke tokens for leads and subscriptions.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the token, such as website.")]


@token_app.command("create")
def token_create(
    name: Name,
    scope: Annotated[
        str,
        typer.Option(
            "--scope", help="ingest: it may add leads. hooks: it may subscribe to events."
        ),
    ] = "ingest",
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Create a token and print it, once."""
    from hub.actions.setup import tokens

    made = acted(config, lambda conn: tokens.create(acting(conn, who), name, scope))
    if json:
        print_json(made)
        return
    stdout.print(made.token, highlight=False, soft_wrap=True)
    print_line("Keep it", "the hub stores a digest of it and cannot show it again")


@token_app.command("list")
def token_list(who: Who = None, json: Json = False, config: Config = None) -> None:
    """List the tokens: who made them, when they were last used."""
    from hub.actions.setup import tokens

    found = acted(config, lambda conn: tokens.listed(acting(conn, who)))
    if json:
        print_json(found)
        return
    print_table(
        "Tokens",
        ("token", "scope", "made by", "made", "used", "revoked"),
        [
            (t.name, t.scope, t.made_by, t.made_at, t.used_at, t.revoked_at)
            for t in found
        ],
    )  # fmt: skip


@token_app.command("revoke")
def token_revoke(name: Name, who: Who = None, json: Json = False, config: Config = None) -> None:
    """Revoke a token: the gateway refuses it after ten seconds at most."""
    from hub.actions.setup import tokens

    done = acted(config, lambda conn: tokens.revoke(acting(conn, who), name))
    if json:
        print_json(done)
    else:
        print_line("Revoked", f"the token {done.name}")
