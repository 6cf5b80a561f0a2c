"""`hub backup` and `hub restore` over a real embedded server, and the backup before an upgrade."""

import os
import pwd
import re
import shutil
import stat
import subprocess
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from hub.cli.output import exit_code
from hub.clock import SystemClock
from hub.db.client_programs import Programs, programs_for
from hub.db.embedded import SUPERUSER, Server
from hub.db.engine import open_database
from hub.db.place import create_roles
from hub.db.schema import revisions
from hub.errors import ConfigError
from hub.settings import Settings
from tests.db.dumps import dumped
from tests.old_homes import PROGRAMS, pour
from tests.processes import House, house, is_calm

_copies = count(1)
Usage = namedtuple("Usage", "total used free")  # noqa: PYI024 as shutil's own


@pytest.fixture
def made(loaded: House) -> Iterator[House]:
    """A copy of the loaded house, its server running."""
    copy = loaded.copy_to(loaded.root.parent / f"b{next(_copies)}")
    with copy.served():
        yield copy


@contextmanager
def bare() -> Iterator[House]:
    """A house with a hub.yaml that names nothing, and no database."""
    with house() as made:
        made.config.write_text("people: []\n")
        yield made


@pytest.fixture
def old() -> Iterator[House]:
    """A home of version 0.1.0, its server running, and no command has seen it yet."""
    with bare() as empty:
        empty.home.mkdir()
        with empty.served():
            create_roles(server_of(empty).url(SUPERUSER))
            pour(server_of(empty), "hub")
            yield empty


def server_of(made: House) -> Server:
    return Server(made.home / "pg/s", made.home / "pg/data")


def run_sql(made: House, *statements: str) -> None:
    make_as(made, "hub_owner", *statements)


def make_as(made: House, role: str, *statements: str) -> None:
    with psycopg.connect(f"host={made.home}/pg/s user={role} dbname=hub", autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement.encode())


def scalar(made: House, query: str) -> object:
    with psycopg.connect(f"host={made.home}/pg/s user=hub_read dbname=hub") as conn:
        row = conn.execute(query.encode()).fetchone()
        return row[0] if row else None


def state(made: House) -> list[str]:
    """Everything in the database: schema, rows, and the values of sequences."""
    return dumped(server_of(made), "hub", "--schema=crm", "--schema=ops", "--schema=landing",
                  "--schema=reporting")  # fmt: skip


DAMAGES = {
    "rows": (
        "UPDATE crm.lead SET city = 'Nowhere'",
        "DELETE FROM crm.alert",
        "INSERT INTO crm.pipeline (name, position) VALUES ('Other', 9)",
    ),
    "a schema is gone": ("DROP SCHEMA crm CASCADE",),
    "a table of a later time": ("CREATE TABLE ops.stranger AS SELECT 1 AS one",),
    "no revision is known": ("DELETE FROM ops.alembic_version",),
    "another revision": ("UPDATE ops.alembic_version SET version_num = '9999'",),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_was_damaged_is_restored_to_the_letter(made: House, damage: str) -> None:
    before = state(made)
    written = made.document("backup")
    file = Path(written["file"])
    assert file.parent == made.home / "backups"
    assert written["bytes"] == file.stat().st_size > 10_000
    assert written["revision"] == revisions()[-1]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    run_sql(made, *DAMAGES[damage])
    assert state(made) != before
    restored = made.document("restore", str(file))
    assert restored["revision"] == revisions()[-1]
    assert state(made) == before
    assert made.run("status").returncode == 0
    assert made.run("edit", "lead/1", "city=Oslo").returncode == 0, "the roles have their rights"


def test_the_replaced_database_is_in_a_backup_of_its_own(made: House) -> None:
    first = made.document("backup")["file"]
    run_sql(made, "UPDATE crm.lead SET city = 'Bergen'")
    later = state(made)
    replaced = made.document("restore", first)["replaced"]
    assert state(made) != later
    made.document("restore", replaced)
    assert state(made) == later


def test_a_named_file_is_written_and_never_overwritten(made: House) -> None:
    file = made.root / "kept.dump"
    assert made.document("backup", str(file))["file"] == str(file)
    size = file.stat().st_size
    again = made.run("backup", str(file))
    assert again.returncode == 2
    assert "exists already" in again.stderr
    assert file.stat().st_size == size
    told = made.run("backup", str(made.root / "more.dump"))
    assert "not included: hub.yaml, secrets and key files" in told.stdout
    nowhere = made.run("backup", str(made.root / "no/such/folder/x.dump"))
    assert nowhere.returncode == 2
    assert is_calm(nowhere)


def test_no_secret_and_no_setting_is_in_a_backup(made: House) -> None:
    secrets = [value for name, value in made.env.items() if "SECRET" in name or "TOKEN" in name]
    assert secrets
    restored = made.root / "plain.sql"
    file = made.document("backup")["file"]
    subprocess.run([PROGRAMS / "pg_restore", "--file", restored, file], check=True)
    text = restored.read_text()
    assert "crm.lead" in text
    assert [secret for secret in secrets if secret in text] == []


@pytest.mark.parametrize("kind", ["none", "text", "half", "all but the end", "newer", "older"])
def test_what_cannot_be_restored_changes_nothing(made: House, kind: str) -> None:
    file = made.root / "given.dump"
    if kind == "text":
        file.write_text("no backup\n")
    elif kind != "none":
        revision = {"newer": "9999", "older": "0011"}.get(kind, revisions()[-1])
        run_sql(made, f"UPDATE ops.alembic_version SET version_num = '{revision}'")
        made.document("backup", str(file))
        run_sql(made, f"UPDATE ops.alembic_version SET version_num = '{revisions()[-1]}'")
    if kind in {"half", "all but the end"}:
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2] if kind == "half" else whole[:-50])
    before = state(made)
    done = made.run("restore", str(file))
    assert done.returncode in ({1, 2} if kind in {"half", "all but the end"} else {2}), done.stderr
    assert is_calm(done), done.stderr
    if kind in {"newer", "older"}:
        assert kind in done.stderr
    assert state(made) == before


def test_a_database_in_use_is_not_replaced(made: House) -> None:
    file = made.document("backup")["file"]
    before = state(made)
    with psycopg.connect(f"host={made.home}/pg/s user=hub_app dbname=hub"):
        done = made.run("restore", file)
    assert done.returncode == 2
    assert "hub up" in done.stderr
    assert state(made) == before


def test_an_empty_home_has_nothing_to_back_up() -> None:
    with bare() as empty:
        done = empty.run("backup")
        assert done.returncode == 2
        assert is_calm(done)
        assert "nothing to back up" in done.stderr


def test_an_upgrade_writes_a_backup_first_and_it_restores(old: House) -> None:
    # Dagster has run here: the role of the migrations does not own its tables
    run_sql(old, "CREATE SCHEMA dagster", "GRANT USAGE, CREATE ON SCHEMA dagster TO hub_app")
    make_as(old, "hub_app", "CREATE TABLE dagster.runs (id int)")
    before = state(old)
    assert scalar(old, "SELECT 1") == 1
    assert old.run("status").returncode == 0
    upgraded = state(old)
    (file,) = (old.home / "backups").iterdir()
    assert file.name.startswith("before-upgrade-")
    assert file.name.endswith("-0026.dump")
    restored = old.document("restore", str(file))
    assert restored["revision"] == "0026"
    assert state(old) == before
    assert old.run("status").returncode == 0, "the next command upgrades again"
    assert _without_moments(state(old)) == _without_moments(upgraded)


def _without_moments(lines: list[str]) -> list[str]:
    """Leave out when each upgrade was made (`ops.derivation.since`), and the order of its rows."""
    moment = re.compile(r"^((?:mapping|keys|model|fold|links)\t[^\t]*\t)[^\t]+")
    return sorted(moment.sub(r"\1", line) for line in lines)


def test_a_full_disk_refuses_the_upgrade(old: House, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state(old)
    size = scalar(old, "SELECT pg_database_size('hub')")
    assert isinstance(size, int)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1 << 40, 1 << 40, 2 * size - 1))
    settings = Settings.model_validate({"home": str(old.home)})
    with (
        pytest.raises(ConfigError, match="too full") as refused,
        open_database(settings, SystemClock()),
    ):
        pass
    assert exit_code(refused.value) == 2
    assert "nothing was changed" in str(refused.value.hint)
    assert list((old.home / "backups").glob("*")) == []
    assert state(old) == before


def test_the_backup_before_an_upgrade_can_be_turned_off(old: House) -> None:
    old.env["HUB_BACKUP__BEFORE_UPGRADE"] = "false"
    assert old.run("status").returncode == 0
    assert scalar(old, "SELECT version_num FROM ops.alembic_version") == revisions()[-1]
    assert not (old.home / "backups").exists()


def test_a_new_home_is_not_backed_up() -> None:
    with bare() as empty:
        assert empty.run("status").returncode == 0
        assert not (empty.home / "backups").exists()


@pytest.fixture
def external() -> Iterator[House]:
    """A house over a database of another server, as one role that owns it all."""
    with bare() as other, bare() as made:
        other.home.mkdir()
        with other.served():
            as_root = psql(other, "postgres")
            role = pwd.getpwuid(os.geteuid()).pw_name
            users = other.home / "pg/data/pg_ident.conf"
            users.write_text(f"{users.read_text()}hub {role} outside\n")
            for statement in (
                "CREATE ROLE outside LOGIN",
                "CREATE DATABASE outside OWNER outside",
                "SELECT pg_reload_conf()",
            ):
                subprocess.run([*as_root, "-c", statement], check=True, stdout=subprocess.DEVNULL)
            socket = other.home / "pg/s"
            made.env["HUB_DATABASE_URL"] = f"postgresql://outside:unused@/outside?host={socket}"
            yield made


def psql(made: House, role: str) -> list[str]:
    return [str(PROGRAMS / "psql"), "-X", "-q", "-h", str(made.home / "pg/s"), "-U", role]


def test_an_external_database_goes_into_an_embedded_one_and_back(external: House) -> None:
    assert external.run("status").returncode == 0
    file = external.document("backup")["file"]
    with bare() as embedded:
        assert embedded.document("restore", file)["replaced"] is None
        assert embedded.run("status").returncode == 0
        reasons = embedded.document("sql", "SELECT count(*) AS n FROM crm.reason")
        assert reasons == [{"n": 12}]
        back = embedded.document("backup")["file"]
        assert external.document("restore", back)["revision"] == revisions()[-1]
    assert external.run("status").returncode == 0


def test_programs_that_do_not_fit_the_server_are_told() -> None:
    url = make_url("postgresql://somebody:secret@db.example.com/hub")
    with pytest.raises(ConfigError, match="of PostgreSQL 99 on PATH") as refused:
        programs_for(url, 99, is_embedded=False)
    assert "HUB_BACKUP__BEFORE_UPGRADE=false" in str(refused.value.hint)
    assert exit_code(refused.value) == 2


def test_a_password_is_in_the_environment_alone() -> None:
    programs = Programs(
        None, make_url("postgresql+psycopg://ann:s3cret@db.example.com/hub?sslmode=require")
    )
    assert programs.database() == "postgresql://ann@db.example.com/hub?sslmode=require"
    assert programs.environment()["PGPASSWORD"] == "s3cret"
