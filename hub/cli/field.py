"""What `hub field` does: the custom fields of leads, people, companies and deals."""

from typing import Annotated

import typer

from hub.cli.acting import acting
from hub.cli.arguments import Object, SomeObject
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, print_table, stdout

field_app = typer.Typer(
    help="Define custom fields of leads, people, companies and deals.", no_args_is_help=True
)
Key = Annotated[str, typer.Argument(help="The field's key, as `hub field list` shows it.")]
Choices = Annotated[
    list[str] | None,
    typer.Option("--choice", help="A choice of a list; repeat the option for each."),
]


@field_app.command("add")
def field_add(
    object_: Object,
    name: Annotated[str, typer.Argument(help="Label of the field.")],
    type_: Annotated[
        str,
        typer.Argument(
            metavar="TYPE",
            help="number, string, text, bool, date, datetime, email, phone, url, address, list, "
            "multi_select_list.",
        ),
    ],
    key: Annotated[
        str, typer.Option("--key", help="The name inside custom_fields (default: from NAME).")
    ] = "",
    choices: Choices = None,
    filterable: Annotated[bool, typer.Option(help="Whether saved lists may filter by it.")] = True,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Define a custom field."""
    from hub.actions.setup import custom_field
    from hub.cli.session import opened_database
    from hub.crm.custom_fields import CustomField

    wanted = CustomField(object_, key, name, type_, tuple(choices or ()), filterable)
    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        made = custom_field.add(acting(conn, who), wanted)
    if json:
        print_json(made)
    else:
        stdout.print(
            f"{made.object}: custom_fields.{made.key} has type {made.type}", highlight=False
        )


@field_app.command("list")
def field_list(
    object_: SomeObject = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """List the custom fields."""
    from hub.cli.session import opened_database
    from hub.crm.custom_fields import all_fields

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        found = all_fields(conn, object_)
    if json:
        print_json(found)
    else:
        print_table(
            "Custom fields",
            ("object", "name", "key", "type", "choices", "filterable"),
            [
                (f.object, f.name, f.key, f.type, ", ".join(f.choices),
                 "yes" if f.is_filterable else "no")
                for f in found
            ],
        )  # fmt: skip


@field_app.command("edit")
def field_edit(
    object_: Object,
    key: Key,
    name: Annotated[str | None, typer.Option("--name", help="New label of the field.")] = None,
    choices: Choices = None,
    filterable: Annotated[
        bool | None,
        typer.Option("--filterable/--not-filterable", help="Whether saved lists may filter by it."),
    ] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Rename a field, or replace all its choices."""
    from hub.actions.setup import custom_field
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        made = custom_field.edit(
            acting(conn, who), object_, key, name=name, choices=choices, is_filterable=filterable
        )
    if json:
        print_json(made)
    else:
        stdout.print(f"{made.object}: {made.name} is changed", highlight=False)


@field_app.command("remove")
def field_remove(
    object_: Object, key: Key, who: Who = None, json: Json = False, config: Config = None
) -> None:
    """Remove the definition of a field; records keep their values."""
    from hub.actions.setup import custom_field
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        custom_field.remove(acting(conn, who), object_, key)
    if json:
        from hub.views.results import FieldRemoved

        print_json(FieldRemoved(object_, key))
    else:
        stdout.print(f"{object_}: the definition of {key} is removed", highlight=False)
