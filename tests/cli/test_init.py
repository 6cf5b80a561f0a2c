"""`hub init` at a terminal and in a script: what it asks, writes and tries."""

import os
import pty
import subprocess
from contextlib import suppress

from tests.processes import HUB, House, SandboxProcess, house

TOKEN = "HUB_SOURCES__TYPEFORM__TOKEN"


def test_init_writes_what_was_chosen_and_tries_the_login(vendors: SandboxProcess) -> None:
    url = vendors.said["vendors"]["typeform"]["url"]
    arguments = ("init", "typeform", "--force", "--set", f"typeform.base_url={url}")
    with house() as made:
        done = made.run(*arguments)
        assert done.returncode == 0, done.stderr
        assert f"{TOKEN}  not set" in done.stdout
        assert "hub check" in done.stdout
        made.env[TOKEN] = vendors.said["env"][TOKEN]
        done = made.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{TOKEN}  is set" in done.stdout
        assert "forms" in done.stdout
        assert made.env[TOKEN] not in done.stdout + made.config.read_text()
        made.env[TOKEN] = "tfp_wrong0000000000000000000000"
        done = made.run(*arguments)
        assert done.returncode == 2
        assert "401" in done.stdout
        assert made.run("init", "typeform").returncode == 2, "it exists already"


def test_a_terminal_is_asked_for_what_the_logins_need() -> None:
    with house() as made:
        said = _typed(made, "salesforce, zendesk", "acme.my", "", "3MVG9", "acme", "a@example.com",
                      "Ada <ada@example.com>")  # fmt: skip
        assert "HUB_SOURCES__SALESFORCE__CLIENT_SECRET  not set" in said
        shown = made.document("config", "show")["settings"]
        assert shown["sources"]["salesforce"]["domain"] == "acme.my"
        assert shown["sources"]["salesforce"]["auth"] == "client_credentials"
        assert shown["sources"]["zendesk"]["email"] == "a@example.com"
        assert shown["sources"]["typeform"] is None
        assert shown["people"][0]["email"] == "ada@example.com"


def _typed(made: House, *lines: str) -> str:
    """Return what `hub init` prints at a terminal where lines are typed."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [HUB, "init"], cwd=made.root, env={**os.environ, "HUB_HOME": str(made.home)},
        stdin=its, stdout=its, stderr=its, start_new_session=True,
    )  # fmt: skip
    os.close(its)
    os.write(ours, "".join(f"{line}\n" for line in lines).encode())
    said = b""
    with suppress(OSError):  # a terminal whose last process has gone
        while part := os.read(ours, 4096):
            said += part
    os.close(ours)
    assert process.wait(20) == 0, said
    return said.decode()
