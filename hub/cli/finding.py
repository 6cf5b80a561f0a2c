"""`hub find`: records by a text."""

from typing import Annotated

import typer

from hub.cli.acting import acting
from hub.cli.options import Config, Json
from hub.cli.output import print_json, print_table, stdout


def find(
    text: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXT…",
            help="Part of a name of a person, company or deal; an e-mail address; a phone number.",
        ),
    ],
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=200, help="Largest number of records.")
    ] = 20,
    json: Json = False,
    config: Config = None,
) -> None:
    """Find leads, contacts, companies and deals by name, e-mail, phone or company."""
    from hub.actions.reading import find as read
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        found = read(acting(conn), " ".join(text), limit=limit)
    if json:
        print_json(found)
        return
    print_table(
        f"Found for {found.text!r}",
        ("record", "name", "company", "e-mail", "phone", "owner", "by"),
        [
            (hit.record, hit.name, hit.company, hit.email, hit.phone, hit.owner, hit.matched)
            for hit in found.items
        ],
    )
    if found.has_more:
        stdout.print("there are more: add a word, or --limit", highlight=False)
