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
        from hub.views.results import MappingTest

        print_json([MappingTest(r.mapping, r.name, r.is_ok, tuple(r.differences)) for r in results])
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
    if name.startswith("csv/") and body.lstrip()[:1] not in {b"[", b"{"}:
        body = _rows(file, name.removeprefix("csv/"))
    return preview(name, body, folder=_folder(config), settings=normalize)


def _rows(file: Path, kind: str) -> bytes:
    """Return the rows of a CSV or Excel file as the records that a migration reads of it."""
    from hub.connectors.files.streams import FilesConnector

    files = FilesConnector([file], SystemClock())
    stream = next((one for one in files.streams() if one.name == kind), None)
    if stream is None:
        found = ", ".join(one.name for one in files.streams())
        raise ConfigError(
            f"{file.name} has no {kind}, but {found}", hint=f"name csv/{found.split(', ')[-1]}"
        )
    pages = files.read(stream, files.window(stream, None))
    return b"[%b]" % b",".join(one.payload for page in pages for one in page.records)
