"""Options that many commands have in common."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None, typer.Option("--config", help="hub.yaml to use (default: here, then HUB_HOME).")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Who = Annotated[
    str | None,
    typer.Option(
        "--as",
        help="Acting user, by e-mail (default: HUB_ACTOR, else your login).",
    ),
]
