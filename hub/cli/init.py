"""Writing hub.yaml: commented, complete enough to run, and without a single secret."""

import json
from collections.abc import Mapping, Sequence
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import requests
import typer
import yaml

from hub.cli.init_sources import (
    HEAD,
    SOURCES,
    Choices,
    asked,
    checked,
    checked_name,
    question,
    render,
    secrets_of,
)
from hub.errors import ConfigError
from hub.settings import SourceSettings, block_of

_EXAMPLE = Choices(
    {
        "salesforce": {"domain": "acme.my", "auth": "client_credentials", "client_id": ""},
        "typeform": {"base_url": "https://api.typeform.com"},
    },
    samples=("hubspot", "mailchimp", "zendesk"),
)


_HAVE_A_DEFAULT = {"auth": "client_credentials"}
_MOST_ASKED = 3


def write_config(
    path: Path, sandbox: Path | None, *, choices: Choices | None = None, force: bool
) -> tuple[Path, list[str]]:
    """Write hub.yaml; returns its path and the names of the secrets it expects.

    Args:
        path: where to write.
        sandbox: the document of a running sandbox, whose vendors are configured.
        choices: what to configure; None: an example.
        force: whether a file that is there is overwritten.

    Raises:
        ConfigError: the file exists already, the sandbox document cannot be read, or a choice
            does not fit.
    """
    refuse_existing(path, force=force)
    if sandbox is None:
        wanted = choices or _EXAMPLE
        _write(path, render(wanted))
        return path, secrets_of(wanted)
    document = _read(sandbox)
    _write(path, render_for_sandbox(document, sandbox_users(document)))
    return path, sorted(document["env"])


def refuse_existing(path: Path, *, force: bool) -> None:
    """Do nothing where hub.yaml may be written.

    Raises:
        ConfigError: the file exists already.
    """
    if path.exists() and not force:
        raise ConfigError(f"{path} exists already", hint="--force overwrites it")


def _write(path: Path, words: str) -> None:
    try:
        path.write_text(words, encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"cannot write {path}: {exc.strerror}") from exc


def choices_of(sources: Sequence[str], settings: Sequence[str], owners: Sequence[str]) -> Choices:
    """Return choices from the command line: `--set salesforce.domain=acme.my`, `--owner ADDRESS`.

    Raises:
        ConfigError: something does not fit.
    """
    typed: dict[str, dict[str, str]] = {source: {} for source in sources}
    for setting in settings:
        place, is_said, value = setting.partition("=")
        source, _, name = place.strip().partition(".")
        if not is_said or not name or source not in typed:
            raise ConfigError(
                f"--set {setting!r} is not a setting of the chosen sources",
                hint="e.g. hub init salesforce --set salesforce.domain=acme.my",
            )
        typed[source][name] = value.strip()
    return _complete(typed, owners)


def ask_choices() -> Choices:
    """Ask a person which sources there are, what their logins need, and who owns leads."""
    known = ", ".join(SOURCES)
    answer = typer.prompt(f"Sources, with commas between ({known})")
    typed: dict[str, dict[str, str]] = {}
    for source in [one.strip().lower() for one in answer.split(",") if one.strip()]:
        checked_name(source)
        typed[source] = {}
        for place in range(_MOST_ASKED):
            wanted = asked(source, typed[source])  # a login may ask for something else
            if place < len(wanted):
                default = _HAVE_A_DEFAULT.get(wanted[place])
                words = f"{source}: {question(source, wanted[place])}"
                typed[source][wanted[place]] = typer.prompt(words, default=default)
    owner = typer.prompt("First user who may own leads, as Name <address>")
    return _complete(typed, [owner])


def _complete(typed: Mapping[str, Mapping[str, str]], owners: Sequence[str]) -> Choices:
    for source, values in typed.items():
        checked_name(source)
        for name in asked(source, values):
            if name not in _HAVE_A_DEFAULT and not values.get(name):
                raise ConfigError(
                    f"{source}.{name} is missing: {question(source, name)}",
                    hint=f"hub init {source} --set {source}.{name}=…",
                )
        checked(source, values)
    people = dict(map(_person, owners))
    return Choices(typed, people) if people else Choices(typed)


def _person(words: str) -> tuple[str, str]:
    name, email = parseaddr(words)
    if "@" not in email:
        raise ConfigError(f"{words!r} is not an address", hint="Ada Example <ada@example.com>")
    return email, name or email.partition("@")[0].replace(".", " ").title()


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


_TEAM_OF_ONE = {"email": "demo@leadhub.example.com", "name": "Demo User"}


def render_for_sandbox(document: Mapping[str, Any], users: Sequence[Mapping[str, Any]]) -> str:
    """Return hub.yaml for a running sandbox: all its active users share the turns.

    A universe without an active user gets a team of one, because routing needs a group with a member.
    """
    scale = document.get("time_scale", 1)
    active = [u for u in users if u.get("active", True) and u.get("email")] or [_TEAM_OF_ONE]
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
    return HEAD + yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)


def _open_settings(source: str, credentials: Mapping[str, str]) -> dict[str, str]:
    """Return those of the credentials that are settings and no secrets."""
    fields = block_of(source).model_fields
    return {
        name: value
        for name, value in credentials.items()
        if name in fields and "SecretStr" not in str(fields[name].annotation)
    }
