"""Reads the sandbox through programs that nobody here wrote (Singer taps, Airbyte sources).

`python tests/clients/programs.py sandbox.json FOLDER [PROGRAM …]`: FOLDER has a virtual environment
for each program, under its name; what `front.py` printed is in the environment. Ids are held
against the truth.
"""

import json
import os
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SAID = json.loads(Path(sys.argv[1]).read_text())
HOME = Path(sys.argv[2])
Json = dict[str, Any]
START = "2000-01-01T00:00:00Z"


def credentials(vendor: str) -> dict[str, str]:
    return SAID["vendors"][vendor]["credentials"]


@dataclass(frozen=True)
class Program:
    """One program: what it is told, and which of its streams is which of ours (and by which key)."""

    vendor: str
    config: Json
    streams: dict[str, tuple[str, str]]
    is_singer: bool = True
    catalog_option: str = "--catalog"
    catalog: Json | None = None  # instead of what it discovers


SALES, HUB, CHIMP, FORM, DESK = map(
    credentials, ("salesforce", "hubspot", "mailchimp", "typeform", "zendesk")
)
SALES_APP, HUB_APP = (SAID["vendors"][name]["app"] for name in ("salesforce", "hubspot"))
PROGRAMS: dict[str, Program] = {
    "tap-salesforce": Program(
        "salesforce",
        {"client_id": SALES["client_id"], "client_secret": SALES["client_secret"],
         "refresh_token": SALES_APP["refresh_token"], "start_date": START, "api_type": "REST",
         "select_fields_by_default": True},
        {"Lead": ("leads", "Id")},
        catalog_option="--properties",
    ),
    "airbyte-source-salesforce": Program(
        "salesforce",
        {"client_id": SALES["client_id"], "client_secret": SALES["client_secret"],
         "refresh_token": SALES_APP["refresh_token"], "auth_type": "Client", "is_sandbox": False, "start_date": START},
        {"Lead": ("leads", "Id")},
        is_singer=False,
    ),
    "tap-hubspot": Program(
        "hubspot",
        {"client_id": HUB_APP["client_id"], "client_secret": HUB_APP["client_secret"],
         "refresh_token": HUB_APP["refresh_token"],
         "redirect_uri": "http://localhost", "start_date": START},
        {"contacts": ("contacts", "id")},
        catalog_option="--properties",
        # discovery asks for the properties of deals and tickets, which are not emulated
        catalog={"streams": [{
            "stream": "contacts", "tap_stream_id": "contacts", "key_properties": ["id"],
            "schema": {"type": "object", "properties": {
                "id": {"type": ["null", "string"]},
                "updatedAt": {"type": ["null", "string"], "format": "date-time"}}},
            "metadata": [{"breadcrumb": [], "metadata": {"valid-replication-keys": ["updatedAt"]}}],
        }]},
    ),
    "airbyte-source-hubspot": Program(
        "hubspot",
        {"credentials": {"credentials_title": "Private App Credentials", "access_token": HUB["token"]},
         "start_date": START},
        {"contacts": ("contacts", "id"), "companies": ("companies", "id")},
        catalog={"streams": [
            {"name": name, "json_schema": {"type": "object", "properties": {}},
             "supported_sync_modes": ["full_refresh", "incremental"]}
            for name in ("contacts", "companies")
        ]},
        is_singer=False,
    ),
    "tap-mailchimp": Program(
        "mailchimp",
        {"api_key": CHIMP["api_key"], "dc": "us1", "start_date": START, "page_size": 10},
        {"list_members": ("members", "email_address")},
    ),
    "airbyte-source-mailchimp": Program(
        "mailchimp",
        {"credentials": {"auth_type": "apikey", "apikey": CHIMP["api_key"]}, "start_date": "2000-01-01T00:00:00.000Z"},
        {"list_members": ("members", "contact_id")},
        is_singer=False,
    ),
    "tap-typeform": Program(
        "typeform",
        {"token": FORM["token"], "start_date": START, "page_size": 20, "user_agent": "a@x.example"},
        {"submitted_landings": ("responses", "token")},
    ),
    "airbyte-source-typeform": Program(
        "typeform",
        {"credentials": {"auth_type": "access_token", "access_token": FORM["token"]},
         "start_date": START},
        {"responses": ("responses", "token")},
        is_singer=False,
    ),
    "tap-zendesk": Program(
        "zendesk",
        {"subdomain": "acme", "access_token": DESK["api_token"], "start_date": START},
        {"users": ("users", "id"), "tickets": ("tickets", "id"), "organizations": ("organizations", "id")},
    ),
    "airbyte-source-zendesk-support": Program(
        "zendesk",
        {"subdomain": "acme", "start_date": START,
         "credentials": {"credentials": "api_token", "email": DESK["email"], "api_token": DESK["api_token"]}},
        {"users": ("users", "id"), "tickets": ("tickets", "id"), "organizations": ("organizations", "id")},
        is_singer=False,
    ),
}  # fmt: skip


def run(program: str, *args: str | Path) -> list[Json]:
    """Run a program and return what it printed as JSON lines."""
    command = program.removeprefix("airbyte-")
    binary = HOME / program / "bin" / command
    done = subprocess.run(
        [binary, *args], capture_output=True, text=True, check=False, timeout=400, env=os.environ
    )
    (HOME / f"{program}.log").write_text(done.stderr + done.stdout[-20_000:])
    if done.returncode:
        tail = (done.stderr + done.stdout).strip().splitlines()[-3:]
        raise RuntimeError(f"exit {done.returncode}: {' | '.join(tail)[:600]}")
    try:
        return [json.loads(done.stdout)]
    except ValueError:
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def singer(name: str, one: Program, work: Path) -> dict[str, list[str]]:
    """Discover, select, sync."""
    config, catalog = work / "config.json", work / "catalog.json"
    config.write_text(json.dumps(one.config))
    found = one.catalog or run(name, "--config", config, "--discover")[0]
    for stream in found["streams"]:
        wanted = stream["stream"] in one.streams or stream["tap_stream_id"] in one.streams
        if not any(not entry["breadcrumb"] for entry in stream["metadata"]):
            stream["metadata"].append({"breadcrumb": [], "metadata": {}})
        for entry in stream["metadata"]:
            entry["metadata"]["selected"] = wanted
        stream["schema"]["selected"] = wanted
    catalog.write_text(json.dumps(found))
    ids: dict[str, list[str]] = {stream: [] for stream in one.streams}
    for line in run(name, "--config", config, one.catalog_option, catalog):
        if line.get("type") == "RECORD" and line["stream"] in ids:
            ids[line["stream"]].append(str(line["record"].get(one.streams[line["stream"]][1])))
    return ids


def airbyte(name: str, one: Program, work: Path) -> dict[str, list[str]]:
    """Discover, select, read in full."""
    config, catalog = work / "config.json", work / "catalog.json"
    config.write_text(json.dumps(one.config))
    found = (
        one.catalog["streams"]
        if one.catalog
        else next(
            line["catalog"]["streams"]
            for line in run(name, "discover", "--config", config)
            if line.get("type") == "CATALOG"
        )
    )
    chosen = [
        {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
        for stream in found
        if stream["name"] in one.streams
    ]
    catalog.write_text(json.dumps({"streams": chosen}))
    ids: dict[str, list[str]] = {stream: [] for stream in one.streams}
    for line in run(name, "read", "--config", config, "--catalog", catalog):
        if line.get("type") == "RECORD":
            stream, row = line["record"]["stream"], line["record"]["data"]
            ids[stream].append(str(row.get(one.streams[stream][1])))
    return ids


def truth(vendor: str, stream: str, key: str) -> tuple[set[str], set[str]]:
    """Return the ids that the sandbox holds: of all records, and of those that are gone."""
    with urllib.request.urlopen(SAID["control"] + "/universe") as answer:
        rows = json.load(answer)["records"]
    own = [row for row in rows if (row["source"], row["stream"]) == (vendor, stream)]
    if key == "email_address":  # all that a program gives of a member that is in the truth too
        own = [{**row, "id": row["values"][key]} for row in own]
    gone = {
        row["id"] for row in own if row.get("deleted") or row["values"].get("status") == "archived"
    }
    return {row["id"] for row in own}, gone


def version_of(name: str) -> str:
    done = subprocess.run(
        [HOME / name / "bin/python", "-c",
         f"import importlib.metadata as m; print(m.version({name!r}))"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip()


def main() -> None:
    """Read and print one line a stream."""
    for name in sys.argv[3:] or PROGRAMS:
        one = PROGRAMS[name]
        if not (HOME / name).is_dir():
            print(f"{name}: not installed")
            continue
        work = HOME / f"{name}.work"
        work.mkdir(exist_ok=True)
        try:
            found = (singer if one.is_singer else airbyte)(name, one, work)
        except (RuntimeError, subprocess.TimeoutExpired, StopIteration, ValueError) as exc:
            print(f"{name} {version_of(name)}: {exc}", flush=True)
            continue
        for stream, ids in found.items():
            held, gone = truth(one.vendor, *one.streams[stream])
            print(f"{name} {version_of(name)} {stream}: {told(ids, held, gone)}", flush=True)


def told(ids: list[str], held: set[str], gone: set[str]) -> str:
    """Say in one line what a program read of what there is."""
    read = set(ids)
    return (
        f"{len(ids)} read, {len(held - gone)} live and {len(gone)} gone,"
        f" {len(held - gone - read)} missing, {len(gone & read)} gone seen,"
        f" {len(ids) - len(read)} twice, {len(read - held)} beside"
    )


if __name__ == "__main__":
    main()
