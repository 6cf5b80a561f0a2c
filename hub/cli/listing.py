"""`list` of leads, contacts, companies and deals: the same filters everywhere."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.acting import acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import Column, Kind, Money, print_json, print_table, stdout

if TYPE_CHECKING:
    from hub.views.lists import ListPage

_STATUS = {
    "lead": "Leads of this status.",
    "contact": "Contacts of this customer status: none, current or past.",
    "company": "Companies of this customer status: none, current or past.",
}
_PLURAL = {"lead": "leads", "contact": "contacts", "company": "companies", "deal": "deals"}


def add_list(app: typer.Typer, kind: str) -> None:
    """Add `list` to the commands of a kind of record."""

    @app.command("list", help=f"List {_PLURAL[kind]}, the newest first. All filters hold together.")
    def listed(
        owner: Annotated[
            str | None, typer.Option("--owner", help="Owner: e-mail of a user, me or nobody.")
        ] = None,
        status: Annotated[
            str | None,
            typer.Option(
                "--status",
                help=_STATUS.get(kind, "Status; for deals use --stage."),
                hidden=kind not in _STATUS,
            ),
        ] = None,
        stage: Annotated[
            str | None, typer.Option("--stage", help="Stage.", hidden=kind != "deal")
        ] = None,
        pipeline: Annotated[
            str | None, typer.Option("--pipeline", help="Pipeline.", hidden=kind != "deal")
        ] = None,
        source: Annotated[str | None, typer.Option("--source", help="Source.")] = None,
        tags: Annotated[
            list[str] | None, typer.Option("--tag", help="Tag; repeat the option for more.")
        ] = None,
        company: Annotated[
            str | None,
            typer.Option(
                "--company",
                help="Part of the company's name, or its number: contact/7.",
                hidden=kind == "company",
            ),
        ] = None,
        created_from: Annotated[
            str | None, typer.Option("--created-from", help="Added on this day or later.")
        ] = None,
        created_to: Annotated[
            str | None, typer.Option("--created-to", help="Added on this day or earlier.")
        ] = None,
        where: Annotated[
            list[str] | None,
            typer.Option(
                "--where", help="Another condition, as `city is Lyon`; repeat the option for more."
            ),
        ] = None,
        sort: Annotated[
            str | None, typer.Option("--sort", help="Field to sort by; -field sorts descending.")
        ] = None,
        columns: Annotated[
            list[str] | None,
            typer.Option("--column", help="Field to show; repeat the option for more."),
        ] = None,
        limit: Annotated[
            int, typer.Option("--limit", min=1, max=1000, help="Largest number of rows.")
        ] = 50,
        page: Annotated[int, typer.Option("--page", min=1, help="Number of the page.")] = 1,
        after: Annotated[
            str | None,
            typer.Option(
                "--after", help="Continue after this mark, which the page before printed."
            ),
        ] = None,
        archived: Annotated[
            bool, typer.Option("--archived", help="Show archived records too.")
        ] = False,
        who: Who = None,
        json: Json = False,
        config: Config = None,
    ) -> None:
        from hub.actions.reading import listed as read
        from hub.cli.session import opened_database
        from hub.views.lists import Filters

        asked = Filters(
            owner=owner, status=status, stage=stage, pipeline=pipeline, source=source,
            tags=tags or (), company=company, created_from=created_from, created_to=created_to,
            where=where or (), sort=sort, columns=columns or (), with_archived=archived,
        )  # fmt: skip
        with opened_database(config) as (database, _settings), database.engine.begin() as conn:
            found = read(acting(conn, who), kind, asked, limit=limit, page=page, after=after)
        if json:
            print_json(found)
        else:
            print_page(_PLURAL[kind].capitalize(), found)


def print_page(title: str, page: "ListPage") -> None:
    """Print a page of a list, and how to see the next one."""
    names = [column.name for column in page.columns]
    money = [column.name for column in page.columns if column.kind == "money"]
    if money and "currency" in names:  # each amount has its currency beside it
        names.remove("currency")
    print_table(
        title,
        [Column(name, Kind.MONEY) if name in money else name for name in names],
        [
            [_money(row, name) if name in money else _cell(row[name]) for name in names]
            for row in page.rows
        ],
    )
    if page.after is not None:
        stdout.print(f"more: --after {page.after}", highlight=False, soft_wrap=True)


def _money(row: Mapping[str, Any], name: str) -> Money | None:
    amount = row[name]
    return None if amount is None else Money(amount, row.get("currency"))


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value
