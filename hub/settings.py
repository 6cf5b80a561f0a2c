"""Configuration: one hub.yaml, overridden by HUB_…__… variables; secrets only from the environment.

`load` is called by entry points alone (cli, assets); below, values are plain arguments. A mistake
is a ConfigError that names file, line and the nearest key.
"""

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from hub.errors import ConfigError

_PREFIX = "HUB_"
_BLOCKS = ("routing", "smtp", "company")  # there without being written down


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class SalesforceSettings(_Block):
    """Salesforce: `base_url` is for the sandbox only."""

    domain: str
    """My Domain without `.salesforce.com`, e.g. `acme.my`."""
    auth: Literal["client_credentials", "soap"] = "client_credentials"
    """`client_credentials` (a connected app), or `soap` (user name and password, legacy)."""
    client_id: str = ""
    """Consumer key of the connected app."""
    client_secret: SecretStr | None = None
    """Consumer secret of the connected app."""
    username: str = ""
    """For `soap`."""
    password: SecretStr | None = None
    """For `soap`."""
    security_token: SecretStr | None = None
    """For `soap`, where the network is not trusted."""
    base_url: str | None = None
    """Another address, e.g. of an emulator."""
    api_version: str = "59.0"
    """REST API version."""
    overlap_s: int = Field(300, ge=0)
    """Span before the watermark that is read again, for late commits."""
    lag_s: int = Field(60, ge=0)
    """Stay this far behind the vendor's clock."""
    page_size: int = Field(2000, ge=1, le=2000)
    """Records a query."""
    time_scale: float = Field(1.0, gt=0)
    """How many times faster an emulator's clock runs."""
    daily_reserve: float = Field(0.2, ge=0, lt=1)
    """Share of the daily API requests that is left to other applications."""

    @property
    def needed_secret(self) -> str:
        """Name the secret that the login cannot do without."""
        return "client_secret" if self.auth == "client_credentials" else "password"


class TypeformSettings(_Block):
    """Typeform: `forms` empty means all forms of the account."""

    base_url: str = "https://api.typeform.com"
    """`https://api.eu.typeform.com` for accounts in the EU data centre."""
    token: SecretStr | None = None
    """Personal access token with the scopes forms:read and responses:read."""
    forms: list[str] = []
    """Ids of the forms to read; empty: all forms of the account."""
    overlap_s: int = Field(1800, ge=0)
    """Span before the watermark that is read again, for late commits."""
    lag_s: int = Field(5, ge=0)
    """Stay this far behind the vendor's clock."""
    page_size: int = Field(100, ge=1, le=1000)
    """Responses a page."""
    time_scale: float = Field(1.0, gt=0)
    """How many times faster an emulator's clock runs."""
    webhook_secret: SecretStr | None = None
    """Secret that signs webhooks."""

    @property
    def needed_secret(self) -> str:
        """Name the secret that the login cannot do without."""
        return "token"


class SourceSettings(_Block):
    """The sources; one that is absent is not synced."""

    salesforce: SalesforceSettings | None = None
    """Salesforce: users and leads."""
    typeform: TypeformSettings | None = None
    """Typeform: forms and responses."""


class NotifyChoice(_Block):
    """Which channels a person wants for an event."""

    web: bool = True
    """An alert in the hub."""
    email: bool = True
    """An e-mail."""


class PersonSettings(_Block):
    """Somebody who can own leads."""

    email: str = Field(pattern=r"^[^\s@]+@[^\s@]+$")
    """Address; owners in a source are matched by it, letter case aside."""
    name: str = Field(min_length=1)
    """Name, as others read it."""
    active: bool = True
    """False: takes no leads and gets no mail."""
    timezone: str = "UTC"
    """IANA name, e.g. `Europe/Paris`."""
    notify: dict[str, NotifyChoice] = {}
    """Event (`lead_assigned`, `inquiry_received`, `lead_reassigned_away`) → channels."""


class GroupSettings(_Block):
    """A distribution group: members by e-mail, in the order of turns."""

    name: str = Field(min_length=1)
    """What routing calls it: `group:NAME`."""
    members: list[str] = Field(min_length=1)
    """E-mail addresses, in the order of turns."""
    kind: Literal["lead"] = "lead"
    """What the group owns."""


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_Text = Annotated[str, BeforeValidator(_as_text)]


class RuleSettings(_Block):
    """A routing rule: all conditions hold → assign."""

    name: str
    """The reason that people read."""
    when: dict[str, _Text | list[_Text]] = {}
    """Field → a text, or a list of texts of which one must be met."""
    assign: str = Field(pattern=r"^(user|group):.+$")
    """`user:EMAIL` or `group:NAME`."""


class RoutingSettings(_Block):
    """Rules in order, then the fallback."""

    rules: list[RuleSettings] = []
    """Read in order; the first that holds decides."""
    fallback: str = Field("group:sales", pattern=r"^(user|group):.+$")
    """Who takes what no rule takes."""


class SmtpSettings(_Block):
    """The mail server; `sender` is one address, with or without a name."""

    host: str = "localhost"
    """Mail server."""
    port: int = Field(25, ge=1, le=65535)
    """Its port."""
    sender: str = Field(
        "Lead Hub <hub@localhost.localdomain>", validation_alias=AliasChoices("sender", "from")
    )
    """One address, with or without a name; `from` is read as well."""
    tls: Literal["none", "starttls", "tls"] = "none"
    """`none`, `starttls`, or `tls` from the first byte."""
    username: str = ""
    """Empty: no login."""
    password: SecretStr | None = None
    """Password of the login."""


class CompanySettings(_Block):
    """The house's own defaults."""

    default_region: str = Field("FR", pattern=r"^[A-Z]{2}$")
    """ISO country of phone numbers that name none."""


class Settings(_Block):
    """Everything the hub can be told."""

    home: Path = Path(".hub")
    """The one folder for all data; HUB_HOME."""
    database_url: SecretStr | None = None
    """Another PostgreSQL (15 or newer) than the embedded one."""
    sources: SourceSettings = SourceSettings()
    """The vendors to read."""
    people: list[PersonSettings] = []
    """Who can own leads."""
    groups: list[GroupSettings] = []
    """Distribution groups, which hand leads out in turn."""
    routing: RoutingSettings = RoutingSettings()
    """Who gets a new lead."""
    smtp: SmtpSettings = SmtpSettings()
    """How mail leaves."""
    company: CompanySettings = CompanySettings()
    """The house's own defaults."""
    mappings_dir: str | None = None
    """Folder of mapping documents that stand over the shipped ones."""
    public_url: str = "http://127.0.0.1:8000"
    """Address that links in messages begin with."""

    def redacted(self) -> dict[str, Any]:
        """Return the effective values with every secret masked."""
        dumped: dict[str, Any] = self.model_dump(mode="json")
        return dumped


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
        needed: whether it is an error that there is no file.

    Raises:
        ConfigError: something does not hold; file, line and nearest key are named.
    """
    environ = os.environ if environ is None else environ
    home = Path(environ.get("HUB_HOME") or ".hub").absolute()
    path = _find(Path(config) if config else None, environ, home)
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
        raise _explain(exc, path, lines) from exc
    _check_references(settings, path)
    return settings


def _find(config: Path | None, environ: Mapping[str, str], home: Path) -> Path | None:
    if config is None and environ.get("HUB_CONFIG"):
        config = Path(environ["HUB_CONFIG"])
    if config is not None:
        if not config.is_file():
            raise ConfigError(f"there is no file {config}", hint="see --config")
        return config
    return next((p for p in (Path("hub.yaml"), home / "hub.yaml") if p.is_file()), None)


_Lines = dict[tuple[str | int, ...], int]


class _Loader(yaml.SafeLoader):
    """YAML whose impossible values (the 30th of February) are told with their line."""

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
        _walk(yaml.compose(words), (), lines)
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise ConfigError(f"{path}:{line}: not YAML: {exc.problem}") from exc
    except RecursionError as exc:
        raise ConfigError(f"{path}: nested too deeply, or a block that holds itself") from exc
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise ConfigError(f"cannot read {path}: {exc}") from exc
    if document is None:
        return {}, {}
    if not isinstance(document, dict):
        raise ConfigError(f"{path}:1: hub.yaml is a list of settings, key: value")
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
            (("sources", "salesforce"), sources.get("salesforce"), SalesforceSettings),
            (("sources", "typeform"), sources.get("typeform"), TypeformSettings),
        ]
    for place, block, model in places:
        for name in _secret_names(model):
            if isinstance(block, dict) and block.get(name) is not None:
                variable = secret_variable(*place, name)
                raise ConfigError(
                    f"{path}:{lines.get((*place, name), 1)}: {name} is a secret and must not "
                    "stand in hub.yaml",
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


def _explain(exc: ValidationError, path: Path | None, lines: _Lines) -> ConfigError:
    error = exc.errors(include_url=False, include_input=False, include_context=False)[0]
    place = tuple(error["loc"])
    line = next((lines[place[:n]] for n in range(len(place), -1, -1) if place[:n] in lines), 1)
    name = ".".join(str(part) for part in place)
    where = f"{path}:{line}" if path else "settings"
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(place[-1]), _keys_at(place[:-1]), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(_keys_at(place[:-1]))}"
        return ConfigError(f"{where}: unknown setting {name!r}", hint=hint)
    if error["type"] == "missing":
        return ConfigError(f"{where}: {name} is missing")
    return ConfigError(f"{where}: {name}: {error['msg']}")


def _keys_at(place: Sequence[str | int]) -> list[str]:
    model: Any = Settings
    for part in place:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        inner = [annotation, *getattr(annotation, "__args__", ())]
        model = next((m for m in inner if isinstance(m, type) and issubclass(m, BaseModel)), None)
        if model is None:
            return []
    return sorted(model.model_fields)


def _check_references(settings: Settings, path: Path | None) -> None:
    where = str(path) if path else "settings"
    emails = [person.email.lower() for person in settings.people]
    for email in emails:
        if emails.count(email) > 1:
            raise ConfigError(f"{where}: people: {email} stands there twice")
    names = [group.name for group in settings.groups]
    for group in settings.groups:
        if names.count(group.name) > 1:
            raise ConfigError(f"{where}: groups: {group.name!r} stands there twice")
        for member in group.members:
            if member.lower() not in emails:
                raise ConfigError(
                    f"{where}: groups: {group.name!r} has the member {member}, who is not in people",
                    hint="add the person under `people:`",
                )
    targets = [(f"rule {r.name!r}", r.assign) for r in settings.routing.rules]
    if settings.groups or settings.people:
        targets.append(("fallback", settings.routing.fallback))
    for what, target in targets:
        kind, _, name = target.partition(":")
        if name.lower() not in emails and name not in names:
            raise ConfigError(
                f"{where}: routing: {what} assigns to {target!r}, but there is no such {kind}",
                hint=f"known groups: {', '.join(names) or 'none'}",
            )
