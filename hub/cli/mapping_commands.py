"""The commands `hub mappings list|test|preview`."""

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.options import Config, Json
from hub.cli.output import EXIT_FAILED, print_document, print_json, print_table

mappings_app = typer.Typer(help="List, test and preview mappings.", no_args_is_help=True)


@mappings_app.command("list")
def mappings_list(json: Json = False, config: Config = None) -> None:
    """List all mappings with their versions."""
    from hub.cli.mapping import documents

    found = documents(config)
    if json:
        from hub.views.results import MappingVersion

        print_json([MappingVersion(*one) for one in found])
    else:
        print_table("Mappings", ("name", "version", "trust"), found)


@mappings_app.command("test")
def mappings_test(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of mappings; default: all.")
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Run the tests beside the mappings."""
    from hub.cli.mapping import run_mapping_tests

    if not run_mapping_tests(config, names, as_json=json):
        raise typer.Exit(EXIT_FAILED)


@mappings_app.command("preview")
def mappings_preview(
    name: Annotated[str, typer.Argument(help="Name of the mapping: <source>/<stream>.")],
    file: Annotated[Path, typer.Argument(help="JSON file with raw records or a vendor's answer.")],
    config: Config = None,
) -> None:
    """Show the records that a mapping makes from a file, as JSON; nothing is stored."""
    from hub.cli.mapping import preview_file

    print_document(preview_file(config, name, file))
