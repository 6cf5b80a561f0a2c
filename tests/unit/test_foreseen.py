"""Mistakes of the operator outside of hub.yaml each have an error of their own."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.cli.init import write_config
from hub.cli.mapping import preview_file, run_mapping_tests
from hub.clock import SystemClock
from hub.connectors.typeform.client import TypeformClient, TypeformConfig
from hub.db.embedded import EmbeddedServer
from hub.db.engine import open_database
from hub.db.place import make_home
from hub.errors import ConfigError
from hub.mappings.files import parse
from hub.mappings.loader import load_all
from hub.sandbox.server import Sandbox, SandboxOptions
from hub.settings import Settings, load

TOKEN_FILE = "HUB_SOURCES__TYPEFORM__TOKEN_FILE"


def _file(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content)
    return path


def _database(url: str) -> None:
    with open_database(Settings.model_validate({"database_url": url}), SystemClock()):
        pass


FORESEEN: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "config that is not there": (lambda f: load(f / "other.yaml", {}), ("other.yaml",)),
    "secret file that is not there": (
        lambda f: load(_file(f, "hub.yaml", "sources: {typeform: {}}"), {TOKEN_FILE: "/nowhere"}),
        (TOKEN_FILE, "/nowhere"),
    ),
    "home that is a file": (lambda f: make_home(_file(f, "h", "")), ("HUB_HOME", "/h")),
    "home below a file": (lambda f: make_home(_file(f, "h", "") / "x"), ("HUB_HOME",)),
    "path too long for a socket": (
        lambda f: EmbeddedServer(Path("/tmp") / ("long" * 30), SystemClock()).attach(),
        ("too long", "HUB_HOME"),
    ),
    "database that is no address": (lambda _: _database("nonsense"), ("HUB_DATABASE_URL",)),
    "mappings folder that is not there": (lambda f: load_all(f / "nowhere"), ("nowhere",)),
    "mapping within itself": (lambda _: parse("a: &x {b: *x}", "m.yaml"), ("m.yaml",)),
    "mapping with an impossible date": (lambda _: parse("a: 2026-02-30", "m.yaml"), ("m.yaml",)),
    "unknown mapping to test": (
        lambda _: run_mapping_tests(None, ["salesforce/led"], as_json=True),
        ("salesforce/led", "salesforce/leads"),
    ),
    "unknown mapping to preview": (
        lambda f: preview_file(None, "x/y", _file(f, "f.json", "[]")),
        ("x/y",),
    ),
    "no file to preview": (lambda f: preview_file(None, "salesforce/leads", f / "f"), ("f",)),
    "sandbox document that is none": (
        lambda f: write_config(f / "hub.yaml", _file(f, "s.json", "{}"), force=True),
        ("s.json", "hub sandbox"),
    ),
    "hub.yaml that is there": (
        lambda f: write_config(_file(f, "hub.yaml", ""), None, force=False),
        ("hub.yaml", "--force"),
    ),
    "token that no header can carry": (
        lambda _: TypeformClient(TypeformConfig(token="tfp_\N{EURO SIGN}"), SystemClock()).get("/"),
        ("token",),
    ),
    "time that is no number": (
        lambda _: Sandbox(SandboxOptions(time_scale=float("nan"))),
        ("--time-scale",),
    ),
    "time without end": (lambda _: Sandbox(SandboxOptions(time_scale=float("inf"))), ("--time",)),
    "universe with an event on nobody": (
        lambda f: Sandbox(
            SandboxOptions(
                universe=_file(
                    f,
                    "u.json",
                    json.dumps(
                        {
                            "version": 1,
                            "seed": 1,
                            "events": [
                                {
                                    "op": "delete",
                                    "source": "salesforce",
                                    "stream": "leads",
                                    "id": "1",
                                }
                            ],
                        }
                    ),
                )
            )
        ),
        ("u.json", "$.events[0].id"),
    ),
}


@pytest.mark.parametrize("name", FORESEEN)
def test_it_is_an_error_for_the_operator_that_names_what_and_where(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    do, says = FORESEEN[name]
    with pytest.raises(ConfigError) as caught:
        do(tmp_path)
    told = f"{caught.value.message} {caught.value.hint}"
    for words in says:
        assert words in told
