"""`python -m hub.sandbox`: run the emulated vendors alone.

`hub sandbox` has the same options. Not here: that command (`hub.cli`).
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from hub.errors import ConfigError, HubError
from hub.sandbox.server import SandboxOptions, serve


def main(argv: list[str] | None = None) -> int:
    """Run the sandbox and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hub.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--time-scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--org", type=int, default=0)
    parser.add_argument("--org-of", default="salesforce")
    parser.add_argument("--universe", type=Path)
    parser.add_argument("--faults", default="")
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--json", action="store_true")
    chosen = vars(parser.parse_args(argv))
    as_json = chosen.pop("json")
    try:
        serve(SandboxOptions(**chosen), lambda said: _announce(said, as_json=as_json))
    except HubError as exc:
        print("\n".join(filter(None, (exc.message, exc.hint))), file=sys.stderr)  # noqa: T201
        return 2 if isinstance(exc, ConfigError) else 1
    return 0


def _announce(said: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(said), flush=True)  # noqa: T201
        return
    for name, vendor in said["vendors"].items():
        print(f"{name:<12}{vendor['url']}", flush=True)  # noqa: T201
    print(f"{'smtp':<12}{said['smtp']['host']}:{said['smtp']['port']}", flush=True)  # noqa: T201
    print(f"{'control':<12}{said['control']}", flush=True)  # noqa: T201


if __name__ == "__main__":
    raise SystemExit(main())
