"""Options that many commands have in common."""

import getpass
import os
from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None, typer.Option("--config", help="hub.yaml to use (default: here, then HUB_HOME).")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Who = Annotated[
    str | None, typer.Option("--as", help="Who does it, for the history (default: your login).")
]


def actor(who: str | None) -> str:
    """Return who acts: as said, else `HUB_ACTOR`, else the login."""
    return who or os.environ.get("HUB_ACTOR") or getpass.getuser()
