"""What `hub mappings list|test|preview` do."""

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.options import Config, Json
from hub.cli.output import EXIT_FAILED, print_json, print_table

mappings_app = typer.Typer(help="Mapping documents: list, test, preview.", no_args_is_help=True)


@mappings_app.command("list")
def mappings_list(json: Json = False, config: Config = None) -> None:
    """Name every mapping document with its version."""
    from hub.cli.mapping import documents

    found = documents(config)
    if json:
        print_json([{"name": n, "version": v, "trust": t} for n, v, t in found])
    else:
        print_table("Mappings", ("name", "version", "trust"), found)


@mappings_app.command("test")
def mappings_test(
    names: Annotated[list[str] | None, typer.Argument(help="Mappings; all if none.")] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Run the tests that stand beside the mappings."""
    from hub.cli.mapping import run_mapping_tests

    if not run_mapping_tests(config, names, as_json=json):
        raise typer.Exit(EXIT_FAILED)


@mappings_app.command("preview")
def mappings_preview(
    name: Annotated[str, typer.Argument(help="<source>/<stream>")],
    file: Annotated[Path, typer.Argument(help="Raw records or a vendor's response, as JSON.")],
    config: Config = None,
) -> None:
    """Show what a mapping makes of a file, as JSON."""
    from hub.cli.mapping import preview_file

    print_json(preview_file(config, name, file))
