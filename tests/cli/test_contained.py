"""A fault of one vendor, or of one part of it, by real commands: everything else comes in."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from hub.cli.dagster_home import write_dagster_home
from hub.clock import SystemClock
from hub.db.engine import open_database
from hub.settings import load
from tests.processes import House, SandboxProcess, house, sandbox_process

ALL = ("hubspot", "mailchimp", "salesforce", "sell", "typeform", "zendesk")


@pytest.fixture(scope="module")
def emulated() -> Iterator[SandboxProcess]:
    """Vendors of this module alone: their faults are switched on and off."""
    with sandbox_process("--people", "20", "--seed", "5", "--time-scale", "600") as sandbox:
        yield sandbox


@pytest.fixture
def broken(emulated: SandboxProcess) -> Iterator[SandboxProcess]:
    yield emulated
    emulated.ask("PUT", "/faults", {"faults": ""})


@pytest.fixture
def made(broken: SandboxProcess) -> Iterator[House]:
    with house(migrated=True) as one, broken.furnish(one).served():
        yield one


def sql(made: House, statement: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = made.document("sql", statement)
    return found


def assert_whole(made: House, *, but: str) -> None:
    """All sources but one: complete, matched, routed, and none of it waits."""
    told = sql(made, "SELECT source, state FROM ops.batch b WHERE id = "
                     "(SELECT max(id) FROM ops.batch WHERE source = b.source)")  # fmt: skip
    states = {row["source"]: row["state"] for row in told}
    assert {source for source, state in states.items() if state == "done"} == {*ALL} - {but}
    assert states[but] == "failed"
    (left,) = sql(made, "SELECT (SELECT count(*) FROM ops.pending) AS waiting, "
                  "(SELECT count(*) FROM ops.verdict WHERE verdict IS NULL) AS open, "
                  "(SELECT count(*) FROM reporting.leads WHERE owner_email IS NULL) AS unowned, "
                  "(SELECT count(*) FROM reporting.leads) AS leads")  # fmt: skip
    assert (left["waiting"], left["open"], left["unowned"]) == (0, 0, 0)
    assert left["leads"] > 5


def loaded(made: House) -> dict[str, int]:
    rows = sql(made, "SELECT source, count(*) AS n FROM ops.source_record GROUP BY source")
    return {row["source"]: row["n"] for row in rows}


def run_job(made: House, job: str) -> tuple[int, dict[str, Any]]:
    """Run a Dagster job in a process of its own; returns its exit code and summary."""
    settings = load(made.config, {"HUB_HOME": str(made.home)})
    with open_database(settings, SystemClock()) as database:
        env = write_dagster_home(settings, database)
        other = House(made.root, made.env | env | {"HUB_CONFIG": str(made.config)})
        done = other.run(entry=(sys.executable, "-m", "hub.assets.run", job), timeout=200)
    assert done.stdout, done.stderr[-3000:]
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("fault", "code", "names", "says"),
    [
        ("revoked:hubspot", 2, "hubspot", "401"),
        ("revoked:salesforce", 2, "salesforce", "invalid_grant"),
        ("down:zendesk", 1, "zendesk", "503"),
        ("hostile:mailchimp", 1, "mailchimp", "JSON"),
    ],
)
def test_one_source_of_all_fails(  # noqa: PLR0917
    broken: SandboxProcess, made: House, fault: str, code: int, names: str, says: str
) -> None:
    broken.ask("PUT", "/faults", {"faults": fault})
    for _ in range(2):
        done = made.run("sync", "--json")
        assert done.returncode == code, done.stderr
        report = json.loads(done.stdout)
        assert {one["source"] for one in report["faults"]} == {names}
        lines = [line for line in done.stderr.splitlines() if line.startswith("error:")]
        assert lines
        assert all(line.startswith(f"error: {names}") for line in lines), done.stderr
        assert says in lines[0]
        held = {e["source"] for e in report["ledgers"]} - {names}
        assert held == {*ALL} - {names}
        assert all(e["holds"] for e in report["ledgers"] if e["source"] != names)
        assert_whole(made, but=names)
    assert names not in loaded(made)
    broken.ask("PUT", "/faults", {"faults": ""})
    done = made.run("sync", "--json")
    assert done.returncode in {0, 3}, done.stderr
    assert all(e["holds"] for e in json.loads(done.stdout)["ledgers"])
    assert loaded(made)[names] > 0


def test_one_revoked_token_of_all_in_dagster(broken: SandboxProcess, made: House) -> None:
    broken.ask("PUT", "/faults", {"faults": "revoked:hubspot"})
    code, summary = run_job(made, "sync")
    assert code == 2
    assert not summary["success"]
    (sentence,) = summary["failures"]
    assert sentence.startswith(
        "hubspot/companies: GET 127.0.0.1/crm/v3/objects/companies answered 401"
    )
    assert_whole(made, but="hubspot")
    broken.ask("PUT", "/faults", {"faults": ""})
    code, summary = run_job(made, "sync")
    assert (code, summary["failures"]) == (0, [])


def test_four_faults_of_a_kind_each_in_one_dagster_run(
    broken: SandboxProcess, made: House, ids: dict[str, str]
) -> None:
    """A forbidden object, a forbidden form, a vendor that is down, and hostile answers."""
    form = f"forms/{ids['form']}"
    faults = ["forbidden:hubspot/companies", f"forbidden:typeform/{form}/responses"]
    broken.ask(
        "PUT", "/faults", {"faults": ",".join([*faults, "down:zendesk", "hostile:mailchimp"])}
    )
    code, summary = run_job(made, "sync")
    assert code == 2
    told = sorted(sentence.split(": ")[0] for sentence in summary["failures"])
    assert {name.split("/")[0] for name in told} == {"hubspot", "mailchimp", "typeform", "zendesk"}
    assert {"hubspot/companies", f"typeform/{form}"} <= set(told)
    brought = loaded(made)
    assert brought["salesforce"] > 0
    assert brought["hubspot"] > 0
    assert not {"zendesk", "mailchimp"} & set(brought)
    (left,) = sql(made, "SELECT (SELECT count(*) FROM ops.pending) AS waiting, "
                  "(SELECT count(*) FROM reporting.leads WHERE owner_email IS NULL) AS unowned")  # fmt: skip
    assert (left["waiting"], left["unowned"]) == (0, 0)
    broken.ask("PUT", "/faults", {"faults": ""})
    code, summary = run_job(made, "sync")
    assert (code, summary["failures"]) == (0, [])
    assert set(loaded(made)) == {*ALL}


PARTS = [
    ("hubspot", "companies", "companies", "crm.objects.companies.read"),
    ("hubspot", "owners", "owners", "crm.objects.owners.read"),
    ("salesforce", "users", "users", "View All"),
    ("zendesk", "organizations", "organizations", "administrator"),
    ("typeform", "forms/{form}", "forms/{form}", "responses:read"),
    ("typeform", "forms/{form}/responses", "forms/{form}", "responses:read"),
    ("mailchimp", "lists/{list}", "lists/{list}", "Manager"),
]


@pytest.mark.parametrize(("source", "forbidden", "part", "permission"), PARTS)
def test_a_forbidden_part_is_named_and_everything_else_comes_in(  # noqa: PLR0917
    broken: SandboxProcess,
    made: House,
    whole: dict[str, dict[str, int]],
    ids: dict[str, str],
    source: str,
    forbidden: str,
    part: str,
    permission: str,
) -> None:
    part, forbidden = part.format(**ids), forbidden.format(**ids)
    broken.ask("PUT", "/faults", {"faults": f"forbidden:{source}/{forbidden}"})
    checked = made.run("check", source, "--json")
    assert checked.returncode == 2
    (wrong,) = [one for one in json.loads(checked.stdout) if not one["ok"]]
    hint = f"sources.{source}.skip: [{part}]"
    assert wrong["subject"] == f"{source}/{part}"
    assert permission in wrong["hint"]
    assert hint in wrong["hint"]
    for _ in range(2):
        done = made.run("sync", source, "--json")
        assert done.returncode == 2, done.stderr
        report = json.loads(done.stdout)
        assert {f"{f['source']}/{f['part']}" for f in report["faults"]} == {f"{source}/{part}"}
        assert permission in done.stderr
        assert hint in done.stderr.replace("\n", "")
    few = streams(made, source)
    assert few != whole[source]
    assert few or source == "mailchimp", "this account has one audience"

    made.config.write_text(made.config.read_text().replace(
        f"  {source}:\n", f"  {source}:\n    skip: [{part}]\n"))  # fmt: skip
    for verb in ("check", "sync"):
        done = made.run(verb, source)
        assert done.returncode in {0, 3}, done.stderr
    made.config.write_text(made.config.read_text().replace(f"    skip: [{part}]\n", ""))

    broken.ask("PUT", "/faults", {"faults": ""})
    done = made.run("sync", source, "--json")
    assert done.returncode in {0, 3}, done.stderr
    assert streams(made, source) == whole[source], "nothing is lost"


def streams(made: House, source: str) -> dict[str, int]:
    """How many objects of each stream have landed."""
    statement = (
        f"SELECT stream, count(*) AS n FROM landing.head WHERE source = '{source}' GROUP BY 1"
    )
    return {row["stream"]: row["n"] for row in sql(made, statement)}


@pytest.fixture(scope="module")
def whole(emulated: SandboxProcess) -> dict[str, dict[str, int]]:
    """Return the rows of a sync without faults."""
    emulated.ask("PUT", "/faults", {"faults": ""})
    with house(migrated=True) as made, emulated.furnish(made).served():
        assert made.run("sync").returncode in {0, 3}
        return {source: streams(made, source) for source in ALL}


@pytest.fixture(scope="module")
def ids(emulated: SandboxProcess) -> dict[str, str]:
    """The ids of a form and a list that have records."""
    with (
        house(migrated=True) as made,
        emulated.furnish(made, sources=("typeform", "mailchimp")).served(),
    ):
        assert made.run("sync").returncode in {0, 3}
        (form,) = sql(made, "SELECT split_part(source_id, ':', 1) AS id FROM landing.head "
                            "WHERE stream = 'responses' ORDER BY 1 LIMIT 1")  # fmt: skip
        (one,) = sql(made, "SELECT source_id AS id FROM landing.head WHERE stream = 'lists' "
                           "ORDER BY 1 LIMIT 1")  # fmt: skip
    return {"form": form["id"], "list": one["id"]}
