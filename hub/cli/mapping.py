"""The work of the commands `hub mappings`: list, test and preview mapping documents."""

from collections.abc import Sequence
from pathlib import Path

from hub.cli.output import print_json, print_table
from hub.clock import SystemClock
from hub.errors import ConfigError
from hub.mappings.engine import NormalizeSettings
from hub.mappings.loader import load_all
from hub.mappings.preview import preview
from hub.mappings.testing import run_tests
from hub.settings import load


def _folder(config: Path | None) -> Path | None:
    settings = load(config, needed=False)
    return Path(settings.mappings_dir) if settings.mappings_dir else None


def documents(config: Path | None) -> list[tuple[str, str, str]]:
    """Return (name, version, trust) of every mapping."""
    loaded = load_all(_folder(config))
    return [(name, doc.version, str(doc.trust)) for name, doc in sorted(loaded.items())]


def run_mapping_tests(config: Path | None, names: Sequence[str] | None, *, as_json: bool) -> bool:
    """Run mapping tests, print each, and return whether all passed."""
    loaded = load_all(_folder(config))
    for name in names or ():
        if name not in loaded:
            raise ConfigError(
                f"there is no mapping {name!r}", hint=f"mappings: {', '.join(sorted(loaded))}"
            )
    results = [r for name in names or sorted(loaded) for r in run_tests(name, _folder(config))]
    if as_json:
        print_json(
            [
                {"mapping": r.mapping, "test": r.name, "ok": r.is_ok, "detail": list(r.differences)}
                for r in results
            ]
        )
    else:
        print_table(
            "Mapping tests",
            ("mapping", "test", "", "detail"),
            [
                (r.mapping, r.name, "ok" if r.is_ok else "FAILED", "; ".join(r.differences))
                for r in results
            ],
        )
    return all(r.is_ok for r in results)


def preview_file(config: Path | None, name: str, file: Path) -> object:
    """Return the result of a mapping for the records of a file."""
    try:
        body = file.read_bytes()
    except OSError as exc:
        raise ConfigError(
            f"cannot read {file}: {exc.strerror}", hint="give a JSON file with read permission"
        ) from exc
    settings = load(config, needed=False)
    normalize = NormalizeSettings(settings.company.default_region, SystemClock().now())
    return preview(name, body, folder=_folder(config), settings=normalize)
