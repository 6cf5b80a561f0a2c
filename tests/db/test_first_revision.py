"""The first revision makes what the chain 0001–0026 of version 0.1.0 made; older homes are refused."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from hub.db.embedded import SUPERUSER, Server
from hub.db.engine import Database, opened_embedded
from hub.db.schema import MIGRATIONS, SCHEMAS, check_revision, revisions
from hub.errors import ConfigError
from tests.db.dumps import dumped, without_moments

OF_THE_CHAIN = Path(__file__).parents[1] / "data" / "upgrade" / "schema_0026.sql.gz"
OURS = [f"--schema={name}" for name in SCHEMAS if name != "dagster"]


@pytest.fixture
def at_0026(server: Server) -> Iterator[str]:
    """A database that only the first revision was applied to."""
    name = f"first{os.getpid()}"
    url = server.url(SUPERUSER, database="postgres")
    admin = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name} OWNER hub_owner")
    try:
        owner = create_engine(server.url("hub_owner", database=name), poolclass=NullPool)
        with owner.begin() as conn:
            for schema in SCHEMAS:
                conn.exec_driver_sql(f"CREATE SCHEMA {schema}")
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = conn
            command.upgrade(config, "0026")
        yield name
    finally:
        with admin.connect() as conn:
            conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_first_revision_makes_what_the_chain_made(server: Server, at_0026: str) -> None:
    schema = dumped(server, at_0026, "--schema-only", *OURS)
    rows = dumped(server, at_0026, "--data-only", "--inserts", *OURS)
    with gzip.open(OF_THE_CHAIN, "rt") as stored:
        expected = stored.read().splitlines()
    assert without_moments(schema + rows) == expected


def test_the_first_revision_is_0026() -> None:
    assert revisions()[0] == "0026"


@pytest.mark.parametrize("revision", ["0001", "0011", "0025"])
def test_an_older_home_is_refused_with_the_version_to_install_first(
    server: Server, db: Database, revision: str
) -> None:
    name = str(db.engine.url.database)
    with db.owner_engine().begin() as conn:
        conn.execute(text("UPDATE ops.alembic_version SET version_num = :r"), {"r": revision})
    before = dumped(server, name)
    with pytest.raises(ConfigError) as refused, opened_embedded(server, name):
        pass
    assert f"({revision}) is older than 0026" in refused.value.message
    assert "install lead-hub 0.1.0" in str(refused.value.hint)
    assert dumped(server, name) == before


@pytest.mark.parametrize("revision", ["9999", "abcd"])
def test_a_revision_that_nobody_here_knows_is_newer(revision: str) -> None:
    with pytest.raises(ConfigError, match="newer"):
        check_revision(revision)
