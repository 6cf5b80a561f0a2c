"""Reading hub.yaml and HUB_…__… variables; a mistake names file, line and the nearest key."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from hub.errors import ConfigError
from hub.settings.blocks import Settings, SmtpSettings
from hub.settings.gateway import HookSettings
from hub.settings.mistakes import explained
from hub.settings.sources import SourceSettings, block_of

_PREFIX = "HUB_"
# blocks that exist with defaults when hub.yaml has no such block, so a variable can fill them
_BLOCKS = (
    "apprise", "routing", "smtp", "backup", "company", "crm", "dagster", "gateway", "matching", "subscriptions",
)  # fmt: skip


def load(
    config: Path | str | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    needed: bool = True,
) -> Settings:
    """Read hub.yaml and the environment.

    Args:
        config: the file; default HUB_CONFIG, else ./hub.yaml, else HUB_HOME/hub.yaml.
        environ: variables; default the process's.
        needed: whether a missing file is an error.

    Raises:
        ConfigError: a setting is wrong; the message names file, line and nearest key.
    """
    environ = os.environ if environ is None else environ
    home = Path(environ.get("HUB_HOME") or ".hub").absolute()
    path = find(config, environ)
    if path is None and needed:
        raise ConfigError("there is no hub.yaml", hint="hub init writes one; hub demo needs none")
    document, lines = _read(path) if path else ({}, {})
    _refuse_secrets(document, path, lines)
    _overlay(document, environ)
    document.setdefault("home", str(home))
    if environ.get("HUB_DATABASE_URL"):
        document["database_url"] = environ["HUB_DATABASE_URL"]
    try:
        settings = Settings.model_validate(document)
    except ValidationError as exc:
        raise explained(exc, _place_in(path, lines)) from exc
    _check_references(settings, path)
    return settings


def find(config: Path | str | None = None, environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the hub.yaml that `load` reads, None if there is none.

    Raises:
        ConfigError: the named file does not exist.
    """
    environ = os.environ if environ is None else environ
    named = config or environ.get("HUB_CONFIG")
    if named:
        if not Path(named).is_file():
            raise ConfigError(f"there is no file {named}", hint="see --config")
        return Path(named)
    home = Path(environ.get("HUB_HOME") or ".hub").absolute()
    return next((p for p in (Path("hub.yaml"), home / "hub.yaml") if p.is_file()), None)


_Lines = dict[tuple[str | int, ...], int]


class _Loader(yaml.CSafeLoader):
    """YAML loader that reports an impossible value (the 30th of February) with its line."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 the base's signature
        try:
            return super().construct_object(node, deep=deep)
        except ValueError as exc:
            raise yaml.constructor.ConstructorError(None, None, str(exc), node.start_mark) from exc


def _read(path: Path) -> tuple[dict[str, Any], _Lines]:
    lines: _Lines = {}
    try:
        words = path.read_text(encoding="utf-8")
        document = yaml.load(words, Loader=_Loader)  # noqa: S506 a SafeLoader
        _walk(yaml.compose(words, Loader=yaml.CSafeLoader), (), lines)
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise ConfigError(f"{path}:{line}: not YAML: {exc.problem}") from exc
    except RecursionError as exc:
        raise ConfigError(f"{path}: nested too deeply, or a block contains itself") from exc
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise ConfigError(f"cannot read {path}: {exc}") from exc
    if document is None:
        return {}, {}
    if not isinstance(document, dict):
        raise ConfigError(f"{path}:1: hub.yaml must be a list of settings, key: value")
    return document, lines


def _walk(node: yaml.Node | None, place: tuple[str | int, ...], lines: _Lines) -> None:
    if node is None:
        return
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines[(*place, key.value)] = key.start_mark.line + 1
            _walk(value, (*place, key.value), lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*place, index), lines)


def secret_variable(*place: str) -> str:
    """Return the name of the environment variable that holds the secret of a place."""
    return _PREFIX + "__".join(place).upper()


def _secret_names(model: type[BaseModel]) -> set[str]:
    return {n for n, f in model.model_fields.items() if "SecretStr" in str(f.annotation)}


def _refuse_secrets(document: Mapping[str, Any], path: Path | None, lines: _Lines) -> None:
    sources = document.get("sources")
    places: list[tuple[tuple[str, ...], Any, type[BaseModel]]] = [
        (("smtp",), document.get("smtp"), SmtpSettings),
        ((), document, Settings),
    ]
    if isinstance(sources, dict):
        places += [
            (("sources", name), sources.get(name), block_of(name))
            for name in SourceSettings.model_fields
        ]
    hooks = document.get("hooks")
    if isinstance(hooks, dict):
        places += [(("hooks", str(name)), block, HookSettings) for name, block in hooks.items()]
    for place, block, model in places:
        for name in _secret_names(model):
            if isinstance(block, dict) and block.get(name) is not None:
                variable = secret_variable(*place, name, *(["NAME"] if name == "apprise" else []))
                raise ConfigError(
                    f"{path}:{lines.get((*place, name), 1)}: {name} is a secret and must not "
                    "be in hub.yaml",
                    hint=f"set {variable}, or {variable}_FILE to the path of a file",
                )


def _overlay(document: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Write HUB_A__B__C over a.b.c; a source that hub.yaml does not have stays absent."""
    for variable, value in sorted(environ.items()):
        if not variable.startswith(_PREFIX) or "__" not in variable:
            continue
        place = variable.removeprefix(_PREFIX).lower().split("__")
        if place[-1].endswith("_file"):
            place[-1] = place[-1].removesuffix("_file")
            value = _secret_file(variable, value)  # noqa: PLW2901 the file's content replaces its path
        if place[0] in _BLOCKS:
            document[place[0]] = document.get(place[0]) or {}
        block: Any = document
        for name in place[:-1]:
            block = block.get(name) if isinstance(block, dict) else None
        if isinstance(block, dict):
            block[place[-1]] = value.strip()


def _secret_file(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise ConfigError(f"{variable}: cannot read {path}: {exc.strerror}") from exc


def _place_in(path: Path | None, lines: _Lines) -> Callable[[Sequence[str | int]], str]:
    """Return what names the file and the line of a setting."""

    def where(place: Sequence[str | int]) -> str:
        parts = tuple(place)
        near = (lines[parts[:n]] for n in range(len(parts), -1, -1) if parts[:n] in lines)
        return f"{path}:{next(near, 1)}" if path else "settings"

    return where


def _check_references(settings: Settings, path: Path | None) -> None:
    where = str(path) if path else "settings"
    emails = [person.email.lower() for person in settings.people]
    for email in emails:
        if emails.count(email) > 1:
            raise ConfigError(f"{where}: people: {email} is there twice")
    _check_groups(settings, where, emails)
    for rule in settings.routing.rules:
        _check_user(f"rule {rule.name!r}", rule.assign, where, emails)
    if settings.people:
        _check_user("fallback", settings.routing.fallback, where, emails)


def _check_groups(settings: Settings, where: str, emails: Sequence[str]) -> None:
    names = [group.name for group in settings.groups]
    for group in settings.groups:
        if names.count(group.name) > 1:
            raise ConfigError(f"{where}: groups: {group.name!r} is there twice")
        members = [member.email.lower() for member in group.members]
        for member in members:
            if member not in emails:
                raise ConfigError(
                    f"{where}: groups: {group.name!r} has the member {member}, who is not in people",
                    hint="add the person under `people:`",
                )
            if members.count(member) > 1:
                raise ConfigError(f"{where}: groups: {group.name!r} has {member} twice")


def _check_user(what: str, target: str, where: str, emails: Sequence[str]) -> None:
    """Refuse a user who is not in people; a group may also be one of `hub group add` (`assemble`)."""
    kind, _, name = target.partition(":")
    if kind == "user" and name.strip().lower() not in emails:
        raise ConfigError(
            f"{where}: routing: {what} assigns to {target!r}, but there is no such user",
            hint="add the person under `people:`",
        )
