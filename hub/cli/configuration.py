"""What `hub config` does: the settings in force and where they come from, without a secret."""

import os
from typing import Any

import typer

from hub.cli.options import Config, Json
from hub.cli.output import print_document, stdout

config_app = typer.Typer(help="Show the settings in force.", no_args_is_help=True)


@config_app.command("show")
def config_show(json: Json = False, config: Config = None) -> None:
    """Show the settings in force, variables included, secrets masked; and where hub.yaml is."""
    from hub.settings import find, load

    path = find(config)
    document: dict[str, Any] = {
        "file": str(path.absolute()) if path else None,
        "settings": load(config, needed=False).redacted(),
        "variables": sorted(
            name for name in os.environ if name.startswith("HUB_") and os.environ[name]
        ),
    }
    if json:
        print_document(document)
        return
    import yaml

    words = yaml.safe_dump(document["settings"], sort_keys=False, allow_unicode=True)
    stdout.out(f"# {document['file'] or 'no hub.yaml: the defaults'}", highlight=False)
    if document["variables"]:
        stdout.out(f"# variables: {', '.join(document['variables'])}", highlight=False)
    stdout.out(words.rstrip("\n"), highlight=False)
