"""Write the references that are made from the code: `python docs/generate.py`.

In: the settings' models, the command line, the fault profiles. Out: Markdown beside this file. A
test fails when a page is not what the code says. Does not belong here: anything written by hand.
"""

import inspect
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hub.cli.app import app
from hub.sandbox.faults import PROFILES
from hub.settings import Settings, secret_variable

REFERENCE = Path(__file__).parent / "reference"
_NOTE = "<!-- made by docs/generate.py; do not edit -->\n\n"


def settings_page() -> str:
    """Return the reference of hub.yaml."""
    lines = [
        "# Settings",
        "",
        "`hub.yaml` is taken from `--config`, else HUB_CONFIG, else the working directory, else",
        "HUB_HOME. Every setting but the lists can be overridden by an environment variable: HUB_ and its place,",
        "two underscores between the parts, e.g. `HUB_SMTP__PORT`. Secrets stand in the environment",
        "only; the name with `_FILE` after it gives the path of a file that holds the secret.",
    ]
    for place, model in _blocks((), Settings):
        title = ".".join(place) or "the top"
        lines += ["", f"## {title}", "", _first_line(model), ""]
        lines += ["| setting | type | default | |", "|---|---|---|---|"]
        lines += [_row(place, name, field) for name, field in model.model_fields.items()]
    return _NOTE + "\n".join(lines) + "\n"


def _blocks(place: tuple[str, ...], model: type[BaseModel]) -> Iterator[tuple[Any, Any]]:
    """Yield every block of settings with its place, outermost first."""
    yield place, model
    for name, field in model.model_fields.items():
        for inner, mark in _inner(field.annotation, ""):
            yield from _blocks((*place, name + mark), inner)


def _inner(annotation: Any, mark: str) -> Iterator[tuple[type[BaseModel], str]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, mark
        return
    origin = typing.get_origin(annotation)
    inside = "[]" if origin is list else ".EVENT" if origin is dict else mark
    for argument in typing.get_args(annotation):
        yield from _inner(argument, inside)


def _first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").splitlines()[0]


def _row(place: tuple[str, ...], name: str, field: FieldInfo) -> str:
    is_secret = "SecretStr" in str(field.annotation)
    what = field.description or ""
    if is_secret and name == "database_url":
        what += " Environment only: `HUB_DATABASE_URL`."
    elif is_secret:
        what += f" Environment only: `{secret_variable(*place, name)}`."
    return f"| `{name}` | {_type(field)} | {_default(field)} | {what} |"


def _type(field: FieldInfo) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    limits = ", ".join(
        f"{sign} {getattr(mark, name)}"
        for mark in field.metadata
        for name, sign in signs.items()
        if hasattr(mark, name)
    )
    return _named(field.annotation) + (f" ({limits})" if limits else "")


_WORDS = {
    "SecretStr": "secret",
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "Path": "path",
}


def _named(annotation: Any) -> str:
    """Name a type for a person."""
    arguments = [a for a in typing.get_args(annotation) if a is not types.NoneType]
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`{a}`" for a in arguments)
    if origin is list:
        return f"list of {_named(arguments[0])}"
    if origin is dict:
        return f"{_named(arguments[0])} → {_named(arguments[1])}"
    if origin is typing.Annotated:
        return _named(arguments[0])
    if arguments:
        return " or ".join(map(_named, arguments))
    return _WORDS.get(annotation.__name__, "block")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.default
    if isinstance(value, BaseModel) or value in (None, "", [], {}):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def cli_page() -> str:
    """Return the reference of the command line."""
    lines = [
        "# The command line",
        "",
        "Exit codes: 0 done · 1 ran and failed · 2 you must act · 3 done, with new quarantine rows ·",
        "130 interrupted. With `--json` stdout holds exactly one document.",
    ]
    for name, command in commands():
        takes = [p for p in command.params if p.param_type_name == "argument"]
        shown = " ".join([name, *(_argument(p) for p in takes)])
        lines += ["", f"## {shown}", "", *inspect.cleandoc(command.help or "").splitlines()]
        options = [p for p in command.params if p.param_type_name == "option"]
        if takes or options:
            lines += ["", "| | default | |", "|---|---|---|"]
        lines += [f"| {(p.metavar or p.name).lower()} |  | {p.help or ''} |" for p in takes]
        lines += [_option(p) for p in options if p.name != "help"]
        if name == "hub sandbox":
            lines += ["", "### Fault profiles", "", "| profile | what breaks |", "|---|---|"]
            lines += [f"| `{profile}` | {what} |" for profile, what in PROFILES.items()]
    return _NOTE + "\n".join(lines) + "\n"


def commands() -> list[tuple[str, Any]]:
    """Return every command with its full name, in alphabetical order."""
    return sorted(_commands("hub", typer.main.get_command(app)))


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for own_name, one in inner.items():
        yield from _commands(f"{name} {own_name}", one)


def _argument(parameter: Any) -> str:
    shown = parameter.metavar or str(parameter.name).upper()
    shown += " …" if parameter.nargs == -1 else ""
    return shown if parameter.required else f"[{shown}]"


def _option(parameter: Any) -> str:
    default = parameter.default
    shown = "" if default is None or default is False or default == "" else f"`{default}`"
    return f"| `{', '.join(parameter.opts)}` | {shown} | {parameter.help or ''} |"


PAGES = {"settings.md": settings_page, "cli.md": cli_page}


def main() -> None:
    """Write every page."""
    for name, make in PAGES.items():
        (REFERENCE / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
