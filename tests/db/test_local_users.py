"""Another user of this machine does not get in, whatever role he claims to be."""

import json
import os
import pwd
import stat
import subprocess
import sys

import pytest

from hub.db.embedded import ROLES, SUPERUSER, Server

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

# libpq and the driver are loaded before the change of user: nobody may read our environment.
_AS_NOBODY = """
import json, os, sys
import psycopg
socket_dir, uid, *roles = sys.argv[1:]
try:
    psycopg.connect(host=socket_dir, user="nobody_at_all", dbname="hub")
except psycopg.Error:
    pass
os.setgroups([]); os.setgid(int(uid)); os.setuid(int(uid))
said = {}
for role in roles:
    try:
        with psycopg.connect(host=socket_dir, user=role, dbname="hub") as conn:
            said[role] = "let in as " + conn.execute("SELECT current_user").fetchone()[0]
    except psycopg.Error as exc:
        said[role] = str(exc)
print(json.dumps(said))
"""


def _try_as(name: str, server: Server) -> dict[str, str]:
    uid = str(pwd.getpwnam(name).pw_uid)
    roles = (*ROLES, SUPERUSER, "nobody")
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, str(server.socket_dir), uid, *roles],
        capture_output=True,
        text=True,
        check=True,
    )
    said: dict[str, str] = json.loads(done.stdout)
    assert set(said) == set(roles)
    return said


def test_another_user_does_not_reach_the_socket(server: Server) -> None:
    for role, said in _try_as("nobody", server).items():
        assert "Permission denied" in said, (role, said)


def test_another_user_who_reaches_the_socket_is_refused_by_the_server(server: Server) -> None:
    mode = stat.S_IMODE(server.socket_dir.stat().st_mode)
    assert mode == 0o700
    server.socket_dir.chmod(0o777)
    try:
        said = _try_as("nobody", server)
    finally:
        server.socket_dir.chmod(mode)
    for role, words in said.items():
        assert "Peer authentication failed" in words, (role, words)


def test_who_runs_the_hub_gets_in_as_every_role(server: Server) -> None:
    said = _try_as("root", server)
    assert {role for role, words in said.items() if words.startswith("let in as")} == {
        *ROLES,
        SUPERUSER,
    }, "else the refusals above prove nothing"


def test_the_server_does_not_listen_on_the_network(server: Server) -> None:
    settings = (server.data_dir / "postgresql.auto.conf").read_text()
    assert "listen_addresses = ''" in settings
    access = (server.data_dir / "pg_hba.conf").read_text().split("\n")
    assert [line for line in access if line] == ["local all all peer map=hub"]
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700
