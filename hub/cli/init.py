"""Writing hub.yaml: commented, complete enough to run, and without a single secret."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import requests
import yaml

from hub.errors import ConfigError
from hub.settings import SourceSettings, block_of

_HEAD = """\
# Lead Hub's settings. Secrets never stand here: they are read from the environment, under the
# name of their place, e.g. HUB_SOURCES__SALESFORCE__CLIENT_SECRET (or …_FILE for a file).
# `hub check` tries everything; `hub sync` runs it.
"""

_EXAMPLE = (
    _HEAD
    + """
sources:
  salesforce:
    domain: acme.my            # your My Domain, without .salesforce.com
    auth: client_credentials   # or soap (legacy, API version 64.0 at most)
    client_id: ""              # of the connected app; client_secret comes from the environment
    overlap_s: 300             # re-read span for late commits
    lag_s: 60                  # stay this far behind the vendor's clock
  typeform:
    base_url: https://api.typeform.com   # or https://api.eu.typeform.com
    forms: []                  # ids; empty = all forms of the account
  # hubspot:                   # a private app's token: HUB_SOURCES__HUBSPOT__TOKEN
  #   api_version: v3
  # mailchimp:                 # an API key: HUB_SOURCES__MAILCHIMP__API_KEY
  #   lists: []                # ids; empty = all audiences of the account
  # zendesk:                   # an admin's API token: HUB_SOURCES__ZENDESK__API_TOKEN
  #   subdomain: acme
  #   email: admin@example.com

# Who can own leads. Legacy owners are matched by e-mail; unknown ones become inactive people.
people:
  - {email: ada@example.com, name: Ada Example}

# Distribution groups hand leads out in turn, in this order.
groups:
  - {name: sales, members: [ada@example.com]}

routing:
  rules: []                    # e.g. {name: french, when: {country: FR}, assign: "group:sales"}
  fallback: "group:sales"

smtp:
  host: localhost
  port: 25
  sender: Lead Hub <hub@example.com>
  tls: none                    # none, starttls or tls

company:
  default_region: FR           # for phone numbers without a country code
"""
)


def write_config(path: Path, sandbox: Path | None, *, force: bool) -> tuple[Path, list[str]]:
    """Write hub.yaml; returns its path and the names of the secrets it expects.

    Raises:
        ConfigError: the file is there already, or the sandbox document cannot be read.
    """
    if path.exists() and not force:
        raise ConfigError(f"{path} is there already", hint="--force overwrites it")
    if sandbox is None:
        path.write_text(_EXAMPLE)
        return path, [
            "HUB_SOURCES__SALESFORCE__CLIENT_SECRET",
            "HUB_SOURCES__TYPEFORM__TOKEN",
        ]
    document = _read(sandbox)
    path.write_text(render_for_sandbox(document, sandbox_users(document)))
    return path, sorted(document["env"])


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
        return {**document, "vendors": document["vendors"], "env": document["env"]}
    except OSError as exc:
        raise ConfigError(f"cannot read {path}: {exc.strerror}") from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise ConfigError(
            f"{path} is not the document of `hub sandbox --json`",
            hint="hub sandbox --json > sandbox.json",
        ) from exc


def sandbox_users(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Ask the sandbox who works there."""
    try:
        response = requests.get(f"{document['control']}/users", timeout=10)
        response.raise_for_status()
    except requests.RequestException as exc:
        raise ConfigError(
            "the sandbox does not answer", hint="start it: hub sandbox --json"
        ) from exc
    body = response.json()
    users: list[dict[str, Any]] = body["users"] if isinstance(body, dict) else body
    return users


def render_for_sandbox(document: Mapping[str, Any], users: Sequence[Mapping[str, Any]]) -> str:
    """Return hub.yaml for a running sandbox: all its active users share the turns."""
    scale = document.get("time_scale", 1)
    active = [u for u in users if u.get("active", True) and u.get("email")]
    settings = {
        "sources": {
            name: {
                **_open_settings(name, vendor["credentials"]),
                "base_url": vendor["url"],
                "time_scale": scale,
            }
            for name, vendor in document["vendors"].items()
            if name in SourceSettings.model_fields
        },
        "people": [{"email": u["email"], "name": u.get("name") or u["email"]} for u in active],
        "groups": [{"name": "sales", "members": [u["email"] for u in active]}],
        "routing": {"rules": [], "fallback": "group:sales"},
        "smtp": {
            "host": document["smtp"]["host"],
            "port": document["smtp"]["port"],
            "sender": "Lead Hub <hub@leadhub.example.com>",
            "tls": "none",
        },
        "company": {"default_region": "FR"},
    }
    return _HEAD + yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)


def _open_settings(source: str, credentials: Mapping[str, str]) -> dict[str, str]:
    """Return those of the credentials that are settings and no secrets."""
    fields = block_of(source).model_fields
    return {
        name: value
        for name, value in credentials.items()
        if name in fields and "SecretStr" not in str(fields[name].annotation)
    }
