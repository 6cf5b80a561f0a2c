"""The home of a demo: which universe it holds, and when it starts again.

A demo that was killed continues where it was. A finished demo, or one with another universe, starts
again from an empty database. A home that is no demo's is never touched.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hub.clock import Clock
from hub.db.embedded import EmbeddedServer
from hub.errors import ConfigError
from hub.settings import Settings

_MARK = "demo.json"


def universe_of(*, seed: int, people: int, file: Path | None, faults: str) -> Mapping[str, Any]:
    """Return a mark that differs between the universes of demos.

    Raises:
        ConfigError: the universe file cannot be read.
    """
    if file is None:
        return {"seed": seed, "people": people, "faults": faults}
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as exc:
        raise ConfigError(f"cannot read {file}: {exc.strerror}") from exc
    return {"file": digest, "faults": faults}


def claim(home: Path) -> Mapping[str, Any]:
    """Make a home the demo's; return what an earlier demo left word of.

    Raises:
        ConfigError: the home is configured, and not by a demo.
    """
    mark = home / _MARK
    if mark.exists():
        said: dict[str, Any] = json.loads(mark.read_text())
        return said
    if (home / "hub.yaml").exists():
        raise ConfigError(
            f"{home} holds a hub that is not a demo; the demo would overwrite its hub.yaml",
            hint="give the demo a folder of its own: HUB_HOME=/some/folder hub demo",
        )
    _write(home, None, "claimed")
    return {"state": "claimed"}


def prepare(
    home: Path,
    settings: Settings,
    universe: Mapping[str, Any],
    left: Mapping[str, Any],
    clock: Clock,
) -> bool:
    """Prepare the home for a universe; returns whether an earlier demo continues.

    Raises:
        ConfigError: another process still uses the earlier demo, or its database must not be
            emptied.
    """
    goes_on = left == {"state": "running", "universe": universe}
    if left["state"] != "claimed" and not goes_on:
        if settings.database_url is not None:
            raise ConfigError(
                "HUB_DATABASE_URL holds an earlier demo; the hub never empties an external database",
                hint="give HUB_DATABASE_URL an empty database, or unset it",
            )
        EmbeddedServer(home, clock).discard()
    _write(home, universe, "running")
    return goes_on


def finish(home: Path, universe: Mapping[str, Any]) -> None:
    """Note that the demo of a universe is finished."""
    _write(home, universe, "finished")


def _write(home: Path, universe: Mapping[str, Any] | None, state: str) -> None:
    draft = home / f"{_MARK}.draft"
    draft.write_text(json.dumps({"state": state, "universe": universe}))
    draft.rename(home / _MARK)
