"""What `hub link` and `hub layout` do: addresses made of a record, and what a page shows of it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.acting import acting
from hub.cli.arguments import Object, SomeObject
from hub.cli.options import Config, Json, Who
from hub.cli.output import print_json, print_table, stdout
from hub.errors import ConfigError

link_app = typer.Typer(
    help="Define smart links: addresses that contain values of a record.", no_args_is_help=True
)
layout_app = typer.Typer(
    help="Set the sections and the order of fields on a record's page.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help="Name of the link.")]


@link_app.command("add")
def link_add(
    object_: Object,
    name: Name,
    template: Annotated[
        str, typer.Argument(help="Address, https://…; fields in braces are allowed after the host.")
    ],
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Add a smart link."""
    from hub.actions.setup import smart_link
    from hub.cli.session import opened_database
    from hub.crm.smart_links import SmartLink

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        made = smart_link.add(acting(conn, who), SmartLink(object_, name, template))
    if json:
        print_json(made)
    else:
        stdout.print(f"link {made.name!r} of a {made.object} is saved", highlight=False)


@link_app.command("list")
def link_list(
    object_: SomeObject = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """List the smart links."""
    from hub.actions.setup import smart_link
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        found = smart_link.listed(acting(conn), object_)
    if json:
        print_json(found)
    else:
        rows = [(link.object, link.name, link.template) for link in found]
        print_table("Links", ("object", "name", "template"), rows)


@link_app.command("open")
def link_open(
    name: Name,
    record: Annotated[str, typer.Argument(help="lead/12, contact/5, deal/7, or a person.")],
    browser: Annotated[
        bool, typer.Option("--browser", help="Also open it in the browser.")
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Print the address of a smart link for a record."""
    from hub.actions.setup import smart_link
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        address = smart_link.opened(acting(conn, who), name, record)
    if json:
        from hub.views.results import LinkOpened

        print_json(LinkOpened(name, record, address))
    else:
        typer.echo(address)
    if browser:
        typer.launch(address)


@link_app.command("remove")
def link_remove(
    object_: Object, name: Name, who: Who = None, json: Json = False, config: Config = None
) -> None:
    """Remove a smart link."""
    from hub.actions.setup import smart_link
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        smart_link.remove(acting(conn, who), object_, name)
    if json:
        from hub.views.results import LinkRemoved

        print_json(LinkRemoved(object_, name))
    else:
        stdout.print(f"link {name!r} is removed", highlight=False)


@layout_app.command("show")
def layout_show(object_: Object, json: Json = False, config: Config = None) -> None:
    """Show sections and fields in their order."""
    from hub.actions.setup import layout
    from hub.cli.session import opened_database

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        _show(object_, layout.show(acting(conn), object_), json=json)


@layout_app.command("set")
def layout_set(
    object_: Object,
    file: Annotated[
        Path | None, typer.Argument(help="YAML or JSON: a list of sections, {name, fields}.")
    ] = None,
    default: Annotated[bool, typer.Option("--default", help="Restore the default layout.")] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Set the sections and the order of fields."""
    from hub.actions.setup import layout
    from hub.cli.session import opened_database

    if (file is None) is not default:
        raise ConfigError(
            "name a file, or --default", hint="hub layout show lead --json writes one"
        )
    said = None if file is None else _file(file)
    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        _show(object_, layout.set_(acting(conn, who), object_, said), json=json)


def _file(path: Path) -> Any:
    import yaml

    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as exc:
        raise ConfigError(f"{path} cannot be read as YAML or JSON") from exc
    return said["sections"] if isinstance(said, dict) and "sections" in said else said


def _show(object_: str, sections: Any, *, json: bool) -> None:
    if json:
        from hub.views.results import Layout

        print_json(Layout(object_, tuple(sections)))
    else:
        rows = [
            (one.name, ", ".join([*one.fields, *(f"{name} (missing)" for name in one.missing)]))
            for one in sections
        ]
        print_table(f"Layout of a {object_}", ("section", "fields"), rows)
