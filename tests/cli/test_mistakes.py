"""Whatever the operator does wrong is exit code 2, and told in a line: what, where, what to do."""

import json
import socket
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import text

from hub.clock import SystemClock
from hub.db.engine import open_database
from hub.settings import Settings
from tests.processes import Done, House, SandboxProcess, house, is_calm

PEOPLE = """\
people:
  - {email: ada@example.com, name: Ada}
groups:
  - {name: sales, members: [ada@example.com]}
"""


@dataclass(frozen=True)
class Mistake:
    """A command in a house, and what its error says.

    `config` is a file's content, "sandbox" for the one of the emulated vendors, None for none.
    """

    arguments: tuple[str, ...]
    says: tuple[str, ...]
    config: str | bytes | None = PEOPLE
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def _universe(**parts: object) -> str:
    return json.dumps({"version": 1, "seed": 1, **parts})


SECRET = "HUB_SOURCES__SALESFORCE__CLIENT_SECRET"
TOKEN = "HUB_SOURCES__TYPEFORM__TOKEN"
WRONG = "tfp_wrong0000000000000000000000"
LEAD = {"source": "salesforce", "stream": "leads", "id": "1"}
MISTAKES = {
    "unknown option": Mistake(("status", "--jsno"), ("--jsno",)),
    "unknown command": Mistake(("snyc",), ("snyc",)),
    "missing argument": Mistake(("sql",), ("STATEMENT",)),
    "port for the Dagster UI": Mistake(("demo", "--dagster-port", "70000"), ("--dagster-port",)),
    "no hub.yaml": Mistake(("sync",), ("hub.yaml", "hub init"), config=None),
    "misspelt setting": Mistake(
        ("status",), ("hub.yaml:4", "smtp.hsot", "'host'"), "\n\nsmtp:\n  hsot: x\n"
    ),
    "impossible date": Mistake(("status",), ("hub.yaml:2", "day is out of range"), "people: []\nhome: 2026-02-30\n"),
    "unknown source": Mistake(("sync", "hubspot"), ("hubspot", "configured: none")),
    "no JSON to preview": Mistake(
        ("mappings", "preview", "salesforce/leads", "f.json"), ("JSON",), files={"f.json": "{"}
    ),
    "universe with an impossible date": Mistake(
        ("demo", "--once", "--json", "--universe", "u.json"), ("$.records[0].at", "2026-02-30"),
        files={"u.json": _universe(records=[{**LEAD, "values": {}, "at": "2026-02-30T00:00:00Z"}])},
    ),
    "wrong secret": Mistake(("sync",), ("Salesforce login", "secret"), "sandbox", {SECRET: WRONG}),
    "no secret at all": Mistake(("sync",), (SECRET,), "sandbox", {SECRET: ""}),
    "wrong token": Mistake(("sync", "typeform"), ("401", "hub check"), "sandbox", {TOKEN: WRONG}),
    "missing permission": Mistake(
        ("sync", "typeform"), ("403", "responses:read"), "sandbox", {TOKEN: "{token}.noscope"}
    ),
    "database that is nowhere": Mistake(
        ("status",), ("database",), env={"HUB_DATABASE_URL": "postgresql://h:pw@127.0.0.1:9/hub"}
    ),
    "SELECT that is wrong": Mistake(("sql", "SELECT nothing FROM nowhere"), ("nowhere",)),
}  # fmt: skip


def _make(mistake: Mistake, loaded: House, stack: ExitStack) -> Done:
    made = stack.enter_context(house())
    if mistake.arguments[0] in {"sync", "check", "status", "sql"}:
        made = loaded.copy_to(made.root.parent / "b")
    if mistake.config is None:
        made.config.unlink()
    elif mistake.config == "sandbox":
        assert made.config.exists()
    elif isinstance(mistake.config, bytes):
        made.config.write_bytes(mistake.config)
    else:
        made.config.write_text(mistake.config)
    for name, content in mistake.files.items():
        (made.root / name).write_text(content)
    token = loaded.env[TOKEN]
    made.env.update({name: value.replace("{token}", token) for name, value in mistake.env.items()})
    try:
        return made.run(*mistake.arguments, timeout=30)
    except subprocess.TimeoutExpired:
        return Done(mistake.arguments, -1, "", "it did not end within 30 s")


@pytest.fixture(scope="module")
def told(loaded: House) -> Iterator[Mapping[str, Done]]:
    """Every mistake, made: they wait more than they work, so a few are made at a time."""
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        made = pool.map(lambda mistake: _make(mistake, loaded, stack), MISTAKES.values())
        yield dict(zip(MISTAKES, made, strict=True))


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_exit_code_2_and_says_what_to_do(told: Mapping[str, Done], name: str) -> None:
    done = told[name]
    assert is_calm(done), done.stderr
    assert done.returncode == 2, done.stderr
    for words in MISTAKES[name].says:
        assert words in done.stderr, (words, done.stderr)
    is_sync = MISTAKES[name].arguments[0] == "sync"  # it shows what the other sources have brought
    assert is_sync or done.stdout == ""
    assert WRONG not in done.stderr
    assert done.stderr.startswith("error: ") or is_sync, done.stderr
    most = 2 * max(1, done.stderr.count("error: "))
    assert len(done.stderr.strip().splitlines()) <= most, done.stderr


def test_a_port_in_use_is_told_before_anything_begins() -> None:
    with socket.socket() as taken, house() as made:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for arguments in (("sandbox", "--port", port), ("demo", "--dagster-port", port)):
            done = made.run(*arguments, timeout=20)
            assert is_calm(done), done.stderr
            assert done.returncode == 2, done.stderr
            assert port in done.stderr
        assert made.processes() == []
        assert not (made.home / "dagster").exists()


@pytest.mark.parametrize(("revision", "said"), [("9999", "newer"), ("0011", "lead-hub 0.1.0")])
def test_a_schema_of_another_time_is_refused_and_left_as_it_is(
    loaded: House, revision: str, said: str
) -> None:
    made = loaded.copy_to(loaded.root.parent / f"at{revision}")
    settings = Settings.model_validate({"home": str(made.home)})
    with (
        open_database(settings, SystemClock()) as database,
        database.owner_engine().begin() as conn,
    ):
        conn.execute(text("UPDATE ops.alembic_version SET version_num = :r"), {"r": revision})
    for arguments in (("sync",), ("sql", "SELECT 1")):
        done = made.run(*arguments)
        assert done.returncode == 2
        assert is_calm(done), done.stderr
        assert said in done.stderr.replace("\n", " ")
        assert revision in done.stderr
        assert len(done.stderr.strip().splitlines()) <= 2, done.stderr
    assert made.processes() == []


def test_check_names_what_is_wrong_and_what_to_do(vendors: SandboxProcess) -> None:
    with house() as made:
        vendors.furnish(made)
        assert made.document("check"), "all is well"
        made.env[SECRET] = WRONG
        made.env[TOKEN] += ".noscope"
        broken = made.run("check", "--json")
    assert broken.returncode == 2
    findings = {f["subject"]: f for f in json.loads(broken.stdout)}
    assert not findings["salesforce/login"]["ok"]
    assert "secret" in findings["salesforce/login"]["hint"]
    assert not findings["typeform/forms"]["ok"]
    assert "403" in findings["typeform/forms"]["message"]
    assert WRONG not in broken.stdout + broken.stderr


def test_the_shipped_example_is_valid(tmp_path: Path) -> None:
    with house() as made:
        done = made.run("init")
        assert done.returncode == 0, done.stderr
        assert "SECRET" in done.stdout
        assert made.run("status").returncode == 0
