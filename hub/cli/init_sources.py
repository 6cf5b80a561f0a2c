"""The text of a new hub.yaml, made from the user's choices and the settings' own descriptions.

In: sources with their settings, owners, a region. Out: commented YAML, and the variables that hold
its secrets. Pure; not here: asking, writing (`init.py`).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from hub.errors import ConfigError
from hub.settings import Block, SourceSettings, block_of, secret_variable
from hub.settings.descriptions import descriptions, first_sentence

SOURCES = tuple(SourceSettings.model_fields)
HEAD = """\
# Lead Hub's settings. Secrets do not belong here. They are read from the environment, under the
# name of their place, e.g. HUB_SOURCES__SALESFORCE__CLIENT_SECRET (or …_FILE for a file).
# `hub check` tests it. `hub sync` syncs once, `hub up` whenever a source has news.
"""
_COLUMN = 36  # where comments begin
# a block of comments alone would be no block
_ALWAYS = {
    "hubspot": "api_version",
    "mailchimp": "lists",
    "sell": "objects",
    "typeform": "forms",
}
_YES_AND_NO = {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}
_NOT_FOR_A_VENDOR = ("base_url", "time_scale")  # for emulators; Typeform's has a second address


@dataclass(frozen=True, slots=True)
class Choices:
    """What a new hub.yaml is to hold: settings by source, as typed; owners by address."""

    sources: Mapping[str, Mapping[str, str]]
    owners: Mapping[str, str] = field(default_factory=lambda: {"ada@example.com": "Ada Example"})
    region: str = "FR"
    samples: Sequence[str] = ()


def asked(source: str, known: Mapping[str, str]) -> list[str]:
    """Return the settings that a login cannot do without, in the order in which they are asked."""
    if source == "salesforce":
        login = "username" if known.get("auth") == "soap" else "client_id"
        return ["domain", "auth", login]
    return ["subdomain", "email"] if source == "zendesk" else []


def question(source: str, name: str) -> str:
    """Return what a setting is, in the settings' own words."""
    return first_sentence(descriptions(block_of(source))[name])


def checked_name(source: str) -> None:
    """Do nothing for a source that there is.

    Raises:
        ConfigError: there is none of that name.
    """
    if source not in SOURCES:
        raise ConfigError(f"there is no source {source!r}", hint=f"known: {', '.join(SOURCES)}")


def checked(source: str, typed: Mapping[str, str]) -> Block:
    """Return a source's settings from words.

    Raises:
        ConfigError: there is no such source or setting, it is a secret, or the value does not fit.
    """
    checked_name(source)
    model = block_of(source)
    values: dict[str, Any] = {}
    for name, words in typed.items():
        found = model.model_fields.get(name)
        if found is None:
            raise ConfigError(
                f"{source} has no setting {name!r}", hint=f"known: {', '.join(model.model_fields)}"
            )
        if _is_secret(found):
            raise ConfigError(
                f"{source}.{name} is a secret and does not go into hub.yaml",
                hint=f"set {secret_variable('sources', source, name)}",
            )
        is_list = str(found.annotation).startswith("list")
        values[name] = (
            [one.strip() for one in words.split(",") if one.strip()] if is_list else words
        )
    try:
        return model.model_validate(values)
    except ValidationError as exc:
        error = exc.errors(include_url=False, include_input=False, include_context=False)[0]
        name = ".".join(str(part) for part in error["loc"])
        raise ConfigError(
            f"{source}.{name}: {error['msg']}", hint=f"hub init {source} --set {source}.{name}=…"
        ) from exc


def secrets_of(choices: Choices) -> list[str]:
    """Return the variables without which the chosen sources cannot log in."""
    blocks = {source: checked(source, typed) for source, typed in choices.sources.items()}
    return [_needed_variable(source, block) for source, block in blocks.items()]


def _needed_variable(source: str, block: Block) -> str:
    return secret_variable("sources", source, str(getattr(block, "needed_secret")))  # noqa: B009 each source's class has it


def render(choices: Choices) -> str:
    """Return hub.yaml.

    Raises:
        ConfigError: a setting does not fit.
    """
    blocks = [_source(source, typed) for source, typed in choices.sources.items()]
    blocks += [_source(source, {}, as_sample=True) for source in choices.samples]
    emails = list(choices.owners)
    people = [
        f"  - {{email: {_as_yaml(email)}, name: {_as_yaml(name)}}}"
        for email, name in choices.owners.items()
    ]
    return f"""{HEAD}
sources:
{chr(10).join(blocks)}

# Users who may own leads. Owners in sources are matched by e-mail; unknown ones become inactive users.
people:
{chr(10).join(people)}

# A distribution group assigns leads to its members in turn, in this order.
groups:
  - {{name: sales, members: [{", ".join(map(_as_yaml, emails))}]}}

routing:
  rules: []                         # {{name: french, when: {{country: FR}}, assign: "group:sales"}}
  fallback: "group:sales"

smtp:
  host: localhost
  port: 25
  sender: Lead Hub <hub@example.com>
  tls: none                         # none, starttls or tls

# Who is told when a source fails, and when it works again: admins, or addresses.
# alerts:
#   - to: [admins]
#   - {{to: [data@example.com], sources: [salesforce], states: [failed]}}

company:
  default_region: {_as_yaml(choices.region)}              # for phone numbers without a country code
"""


def _source(source: str, typed: Mapping[str, str], *, as_sample: bool = False) -> str:
    """Return a source's block: what was chosen, and the other settings as comments."""
    model = block_of(source)
    needed = asked(source, typed)
    block = None if as_sample else checked(source, typed)
    # a sample may lack what its class demands; which secret it needs is known all the same
    known = block or model.model_construct()
    said = descriptions(model)
    lines = [f"  {source}:", f"    # needs {_needed_variable(source, known)} in the environment"]
    for name, found in model.model_fields.items():
        hidden = name in _NOT_FOR_A_VENDOR and (source, name) != ("typeform", "base_url")
        if _is_secret(found) or (hidden and name not in typed):
            continue
        value = (
            found.get_default(call_default_factory=True) if block is None else getattr(block, name)
        )
        is_written = name in typed or name in needed or _ALWAYS.get(source) == name
        shown = "" if found.is_required() and block is None else _as_yaml(value)
        line = f"    {'' if is_written else '# '}{name}: {shown}"
        lines.append(f"{line:<{_COLUMN - 1}} # {first_sentence(said[name])}")
    return "\n".join(f"  # {line[2:]}" if as_sample else line for line in lines)


def _as_yaml(value: object) -> str:
    """Return a value as YAML: JSON is YAML, and plain words need no quotes."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w-]*", value):
        return json.dumps(value) if value.lower() in _YES_AND_NO else value
    return json.dumps(value, ensure_ascii=False, default=str)


def _is_secret(found: FieldInfo) -> bool:
    return "SecretStr" in str(found.annotation)
